"""From an order to what machines are sent: faces as panels, chip contents. Holds personal data.

What it prepares lives in memory only, while the order's card is in process; after a restart it is
made again from the sealed application.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from config.products import Product
from controller.rendering.chip_photo import NoChipPhoto, chip_photo, external_chip_photo
from controller.rendering.faces import CannotRender, FaceRenderer, face_data
from controller.rendering.panels import panels_of
from controller.verdicts import PHOTO_FILE, TEXT_FILE
from drivers.chip_profile import ChipContents
from drivers.printing import Panel, PrintJob
from jobs.application import Application, from_bytes
from jobs.books import Books
from jobs.chip_text import chip_text
from jobs.ledger.store import Store
from jobs.rows import Card, Order
from jobs.vault import KeyFolder, VaultError, open_sealed

FINGERPRINT_BYTES, ADDED_ADDRESS_BYTES = 1024, 280


def associated(batch: str, position: int) -> bytes:
    """Return what a seal is bound to, so that sealed records cannot be exchanged."""
    return f"{batch}:{position}".encode()


class CannotPrepare(Exception):
    """An order cannot be made as it is; names the order and the reason, nobody's data."""

    code = "order.cannot_prepare"

    def __init__(self, order: str, reason: str) -> None:
        self.order = order
        self.reason = reason
        super().__init__(f"{order}: {reason}")


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
    _prepared: dict[str, "_Prepared"] = field(default_factory=dict)

    def application(self, order: Order) -> Application:
        """Open the sealed application of an order."""
        return from_bytes(self._opened(order.id, order.batch, order.position))

    def refused(self, batch: str, position: int) -> tuple[str, str, str]:
        """Return acceptance number, citizen number and name of a refused application."""
        content = self._opened(f"{batch} application {position}", batch, position)
        number, citizen_number, name = content.decode().split("\x1f")
        return number, citizen_number, name

    async def chip_photo(self, application: Application) -> bytes:
        """Return the photo as it is written to the chip; empty for a product without one."""
        product = self.products.get(application.product_code)
        if product is None or product.chip_profile is None:
            return b""
        if product.photo_encoder is None:
            return chip_photo(application.photo)
        return await external_chip_photo(application.photo, product.photo_encoder)

    def _opened(self, whose: str, batch: str, position: int) -> bytes:
        sealed = self.store.sealed(batch, position)
        if sealed is None:
            raise CannotPrepare(whose, "it has no sealed application")
        try:
            return open_sealed(self.keys.key(batch), sealed, associated(batch, position))
        except VaultError as error:
            raise CannotPrepare(whose, str(error)) from error

    async def prepare(self, order: Order) -> None:
        """Make everything that the order's card will need; raises `CannotPrepare`."""
        if order.id in self._prepared:
            return
        application = self.application(order)
        product = self.products[order.product]
        try:
            job = self._render(application, product)
            files = await self._chip_files(application, product)
        except (CannotRender, NoChipPhoto) as error:
            raise CannotPrepare(order.id, str(error)) from error
        self._prepared[order.id] = _Prepared(job, files)

    def print_job(self, card: Card) -> PrintJob:
        """Return both faces as panels, as prepared."""
        return self._prepared[card.order].job

    def chip_contents(self, card: Card) -> ChipContents:
        """Return what is to be on the card's chip, as prepared."""
        return ChipContents(self._prepared[card.order].files, self._card_serial(card))

    def forget(self, order: str) -> None:
        """Drop what was prepared for an order."""
        self._prepared.pop(order, None)

    def _render(self, application: Application, product: Product) -> PrintJob:
        faces = self.renderers[product.code].render(face_data(application))
        front, back = (
            tuple(Panel(p.letter, p.levels, p.data) for p in panels_of(face, product.print_profile))
            for face in (faces.front, faces.back)
        )
        return PrintJob(front, back)

    async def _chip_files(self, application: Application, product: Product) -> dict[int, bytes]:
        if product.chip_profile is None:
            return {}
        return {
            TEXT_FILE: chip_text(application),
            PHOTO_FILE: await self.chip_photo(application),
            3: bytes(FINGERPRINT_BYTES),
            4: bytes(ADDED_ADDRESS_BYTES),
        }

    def _card_serial(self, card: Card) -> bytes:
        # Unique for ever: a card's name never comes twice in one generation of one centre's ledger.
        text = f"{self.centre}:{self.generation()}:{card.id}"
        return hashlib.sha256(text.encode()).digest()[:16]


@dataclass(frozen=True, slots=True, repr=False)
class _Prepared:
    job: PrintJob
    files: dict[int, bytes]
