"""From an order to what machines are sent: faces as panels, chip contents. Holds personal data.

What it prepares lives in memory only, for as many cards as are in process; it is made again from
the sealed application when it is needed again.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from config.products import Product
from controller.rendering.chip_photo import chip_photo
from controller.rendering.faces import FaceRenderer, face_data
from controller.rendering.panels import panels_of
from drivers.chip_profile import ChipContents
from drivers.printer import Panel, PrintJob
from jobs.application import Application, from_bytes
from jobs.books import Books
from jobs.chip_text import chip_text
from jobs.ledger.store import Store
from jobs.rows import Card, Order
from jobs.vault import KeyFolder, open_sealed

Prepared = TypeVar("Prepared")

KEPT_MAX = 256
FINGERPRINT_BYTES, ADDED_ADDRESS_BYTES = 1024, 280


def associated(batch: str, position: int) -> bytes:
    """Return what a seal is bound to, so that sealed records cannot be exchanged."""
    return f"{batch}:{position}".encode()


@dataclass(slots=True)
class Preparation:
    """Opens applications and prepares what is printed and written."""

    books: Books
    store: Store
    keys: KeyFolder
    products: dict[str, Product]
    renderers: dict[str, FaceRenderer]
    centre: str
    generation: Callable[[], int]
    _jobs: "OrderedDict[str, PrintJob]" = field(default_factory=OrderedDict)
    _files: "OrderedDict[str, dict[int, bytes]]" = field(default_factory=OrderedDict)

    def application(self, order: Order) -> Application:
        """Open the sealed application of an order."""
        sealed = self.store.sealed(order.batch, order.position)
        if sealed is None:
            raise KeyError(f"{order.id} has no sealed application")
        key = self.keys.key(order.batch)
        return from_bytes(open_sealed(key, sealed, associated(order.batch, order.position)))

    def print_job(self, card: Card) -> PrintJob:
        """Return both faces as panels."""
        order = self.books.orders[card.order]
        return _kept(self._jobs, order.id, lambda: self._render(order))

    def chip_contents(self, card: Card) -> ChipContents:
        """Return what is to be on the card's chip."""
        order = self.books.orders[card.order]
        files = _kept(self._files, order.id, lambda: self._chip_files(order))
        return ChipContents(files, self._card_serial(card))

    def forget(self, order: str) -> None:
        """Drop what was prepared for an order."""
        self._jobs.pop(order, None)
        self._files.pop(order, None)

    def _render(self, order: Order) -> PrintJob:
        application = self.application(order)
        product = self.products[order.product]
        faces = self.renderers[order.product].render(face_data(application))
        front, back = (
            tuple(Panel(p.letter, p.levels, p.data) for p in panels_of(face, product.print_profile))
            for face in (faces.front, faces.back)
        )
        return PrintJob(front, back)

    def _chip_files(self, order: Order) -> dict[int, bytes]:
        application = self.application(order)
        return {
            1: chip_text(application),
            2: chip_photo(application.photo),
            3: bytes(FINGERPRINT_BYTES),
            4: bytes(ADDED_ADDRESS_BYTES),
        }

    def _card_serial(self, card: Card) -> bytes:
        # Unique for ever: a card's name never comes twice in one generation of one centre's ledger.
        text = f"{self.centre}:{self.generation()}:{card.id}"
        return hashlib.sha256(text.encode()).digest()[:16]


def _kept(kept: "OrderedDict[str, Prepared]", key: str, make: Callable[[], Prepared]) -> Prepared:
    if key not in kept:
        kept[key] = make()
        if len(kept) > KEPT_MAX:
            kept.popitem(last=False)
    return kept[key]
