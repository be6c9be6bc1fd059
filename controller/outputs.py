"""Files that leave the centre: a manifest per sealed box, a receipt per closed batch.

Written from the books whenever one is missing, so a crash or a full disk only delays them. Receipts
name people, for the authority that sent them: they are written with mode 0600. What the files say
is worked out in `jobs/boxes.py`.
"""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from controller.clock import day_of
from controller.preparation import CannotPrepare, Preparation
from jobs.boxes import (
    BatchReceipt,
    MadeCard,
    ManifestRow,
    RejectedApplication,
    batch_receipt_json,
    batch_receipt_xml,
    box_manifest_csv,
    box_manifest_json,
    told,
)
from jobs.ledger.ledger import Ledger
from jobs.reasons import OTHER, Reason
from jobs.rows import Batch, Box, BoxState, Card, Order, Refusal
from jobs.states import BatchState, CardState, OrderState

MANIFEST_MODE, RECEIPT_MODE = 0o644, 0o600
FOLDER_MODE, RECEIPTS_FOLDER_MODE = 0o755, 0o700
#: Records are judged by the centre's software, which has no other name.
INSPECTOR = "cardcentre"
_IN_BOX = {CardState.PACKED, CardState.DISPATCHED}


@dataclass(slots=True)
class Outputs:
    """The output folder of a centre."""

    folder: Path
    ledger: Ledger
    preparation: Preparation
    fault: str = ""
    _written: set[str] = field(default_factory=set)

    async def write_missing(self) -> None:
        """Write what the books ask for and the folder lacks; a failure is tried again later."""
        boxes = [box for box in self.ledger.books.boxes.values() if _key(box) not in self._written]
        batches = [
            batch
            for batch in self.ledger.books.batches.values()
            if batch.state is BatchState.CLOSED and batch.id not in self._written
        ]
        sealed = [box for box in boxes if box.state is not BoxState.OPEN]
        if not sealed and not batches and not self.fault:
            return
        # What leaves the centre must not say what a crash could still undo.
        await self.ledger.durable()
        try:
            await self._write(sealed, batches)
        except OSError as error:
            self.fault = f"{self.folder} cannot be written: {error.strerror or error}"
        else:
            self.fault = ""

    async def _write(self, sealed: Iterable[Box], batches: Iterable[Batch]) -> None:
        cards: dict[str, list[Card]] = defaultdict(list)
        for card in self.ledger.books.cards.values():
            if card.box and card.state in _IN_BOX:
                cards[card.box].append(card)
        for box in sealed:
            await self._manifest(box, cards[box.id])
            self._written.add(_key(box))
        for batch in batches:
            await self._receipt(batch)
            self._written.add(batch.id)

    async def _manifest(self, box: Box, cards: list[Card]) -> None:
        """Write a sealed box's manifest, and again if a card was taken out before dispatch."""
        folder = self.folder / "boxes" / box.id
        if _cards_in(folder / "manifest.json") == len(cards):
            return
        orders = self.ledger.books.orders
        rows = []
        for card in sorted(cards, key=lambda card: (orders[card.order].done_us, card.id)):
            order = orders[card.order]
            number = self._acceptance_number(order)
            rows.append(ManifestRow(order.id, card.id, number, order.county, order.done_us))
            await asyncio.sleep(0)  # the line goes on between two cards
        _make_folder(folder, FOLDER_MODE)
        write_whole(folder / "manifest.csv", box_manifest_csv(box, rows).encode(), MANIFEST_MODE)
        write_whole(folder / "manifest.json", box_manifest_json(box, rows).encode(), MANIFEST_MODE)

    def _acceptance_number(self, order: Order) -> str:
        try:
            return self.preparation.application(order).acceptance_number
        except CannotPrepare:
            # The batch's key is gone: its personal data was deleted on purpose.
            return ""

    async def _receipt(self, batch: Batch) -> None:
        folder = self.folder / "receipts"
        xml, plain = (folder / f"{batch.package_number}.{kind}" for kind in ("xml", "json"))
        if xml.exists() and plain.exists():
            return
        try:
            receipt = await self._contents(batch)
        except CannotPrepare:
            # Without its key nothing can be told about a batch any more.
            return
        _make_folder(folder, RECEIPTS_FOLDER_MODE)
        write_whole(plain, batch_receipt_json(receipt).encode(), RECEIPT_MODE)
        write_whole(xml, batch_receipt_xml(receipt), RECEIPT_MODE)

    async def _contents(self, batch: Batch) -> BatchReceipt:
        books, made, rejected = self.ledger.books, [], []
        for order in tuple(books.batch_orders.get(batch.id, ())):
            if order.state is OrderState.DONE:
                made.append(await self._made(batch, order))
            else:
                rejected.append((order.position, self._returned(batch, order)))
            await asyncio.sleep(0)
        rejected += [
            (refusal.position, self._refused(refusal))
            for refusal in books.batch_refusals.get(batch.id, ())
            if refusal.position
        ]
        in_order = tuple(one for _, one in sorted(rejected, key=lambda pair: pair[0]))
        return BatchReceipt(batch.package_number, batch.id, batch.closed_us, tuple(made), in_order)

    async def _made(self, batch: Batch, order: Order) -> MadeCard:
        application = self.preparation.application(order)
        return MadeCard(
            application.acceptance_number,
            application.citizen_number,
            application.name,
            day_of(batch.closed_us),
            await self.preparation.chip_photo(application),
        )

    def _returned(self, batch: Batch, order: Order) -> RejectedApplication:
        """Return an accepted application that was cancelled, for instance at a cut-off date."""
        application = self.preparation.application(order)
        return RejectedApplication(
            application.acceptance_number,
            application.citizen_number,
            application.name,
            OTHER,
            order.reason or order.state.value,
            self.preparation.centre,
            INSPECTOR,
            day_of(batch.closed_us),
        )

    def _refused(self, refusal: Refusal) -> RejectedApplication:
        code, description = told(_reasons(refusal))
        number, citizen_number, name = self.preparation.refused(refusal.batch, refusal.position)
        unit, day = self.preparation.centre, day_of(refusal.at_us)
        return RejectedApplication(
            number, citizen_number, name, code, description, unit, INSPECTOR, day
        )


@dataclass(frozen=True, slots=True)
class NoOutputs:
    """A centre whose files nobody wants: `cardcentre simulate` without `--out`, and tests."""

    folder: Path
    ledger: Ledger
    preparation: Preparation
    fault: str = ""

    async def write_missing(self) -> None:
        """Write nothing."""


def _reasons(refusal: Refusal) -> list[Reason]:
    return [
        Reason(plain["code"], plain["field"], plain["text"], plain["description"])
        for plain in refusal.reasons
    ]


def _key(box: Box) -> str:
    """Return what is written once: a box as it was sealed, and as it was sent out."""
    return f"{box.id} {box.state.value}"


def _cards_in(manifest: Path) -> int | None:
    """Return how many cards a written manifest names; None when there is none to go by."""
    try:
        content = json.loads(manifest.read_bytes())
        return int(content["count"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _make_folder(folder: Path, mode: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is whole and on the disk before it has its name."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    half.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
