"""Trays and boxes: which tray collects which county, when a box is sealed, when a batch closes.

It decides and returns events; files are written by `controller/outputs.py`.
"""

from controller.acts import Completion, Finish
from jobs.books import OPEN_ORDERS, Books
from jobs.events import Draft, Kind
from jobs.rows import Batch, Box, BoxState, Card, Order, tray
from jobs.states import BatchState, BatchTrigger, CardState, CardTrigger, OrderState


class Packing:
    """The finished trays of one line."""

    def __init__(self, books: Books, line: str, trays: int, box_size: int) -> None:
        self.books = books
        self.line = line
        self.trays = trays
        self.box_size = box_size
        self._trays: dict[tuple[str, str], str] = {
            (box.batch, box.county): box.tray
            for box in self.books.boxes.values()
            if box.line == self.line and box.state is BoxState.OPEN
        }
        for order, place in self._going_into_trays():
            # It lies there when its outcome is known, wherever its county went otherwise.
            self._trays[order.batch, order.county] = place
        for order in self._on_the_line():
            # Fed before a restart, and promised a tray then.
            if self.tray_of(order) is not None:
                self.claim(order)

    def tray_of(self, order: Order) -> str | None:
        """Return the tray that collects an order's county, or a free one; None if all are taken."""
        key = (order.batch, order.county)
        if key in self._trays:
            return self._trays[key]
        taken = set(self._trays.values())
        return next((t for t in map(tray, range(self.trays)) if t not in taken), None)

    def claim(self, order: Order) -> str:
        """Give an order's county a tray, for as long as it has open orders."""
        found = self.tray_of(order)
        assert found is not None, "no card begins without a tray for it"
        self._trays[order.batch, order.county] = found
        return found

    def complete(self, card: Card, finish: Finish) -> Completion:
        """Return what becomes true when a card lies in its tray."""
        order = self.books.orders[card.order]
        place = self.claim(order)
        box = self._open_box(order, place)
        before: tuple[Draft, ...] = ()
        count = 1
        if box is None:
            box_id = f"X-{len(self.books.boxes) + 1:05d}"
            data = {"county": order.county, "line": self.line, "tray": place}
            before = (Draft(Kind.BOX_OPENED, "centre", data, batch=order.batch, box=box_id),)
        else:
            box_id, count = box.id, box.cards + 1
        after = (_sealed(box_id, order.batch, "full"),) if count >= self.box_size else ()
        packed = {**finish, "trigger": CardTrigger.PACK.value}
        return Completion(packed, box_id, before, after)

    def ripe(self) -> tuple[list[Draft], bool]:
        """Return the seals of boxes whose county has no more to come, and if trays were freed.

        When no tray is free, a county whose other orders are held waits no longer for them: they
        get a box of their own once they are released.
        """
        drafts, freed = [], False
        for (batch, county), place in list(self._trays.items()):
            reason = "last of its county"
            if self.books.open_orders[batch, county]:
                if len(self._trays) < self.trays or self._something_comes(batch, county):
                    continue
                reason = "the rest of its county is held"
            box = self._box_on(batch, county, place)
            if box is not None:
                drafts.append(_sealed(box.id, batch, reason))
            del self._trays[batch, county]
            freed = True
        return drafts, freed

    def _something_comes(self, batch: str, county: str) -> bool:
        """Tell whether an order of a county is on the line, or may be fed."""
        if any((one.batch, one.county) == (batch, county) for one in self._on_the_line()):
            return True
        held = [one for one in self.books.held_orders.values() if one.batch == batch]
        waiting = self.books.open_orders[batch, county] - sum(one.county == county for one in held)
        return waiting > 0 and self.books.batches[batch].state is BatchState.RELEASED

    def _going_into_trays(self) -> list[tuple[Order, str]]:
        """Return the orders whose cards were on their way into a tray, and which."""
        going = [
            (self.books.cards[work.cards[0]], work.destination)
            for work in self.books.works.values()
            if work.destination.startswith("tray ")
        ]
        return [(self.books.orders[c.order], place) for c, place in going if c.line == self.line]

    def _on_the_line(self) -> list[Order]:
        """Return the orders in production whose cards are on this line."""
        cards = [card for card in self.books.on_the_line.values() if card.line == self.line]
        orders = [self.books.orders[card.order] for card in cards]
        return [order for order in orders if order.state is OrderState.IN_PRODUCTION]

    def _open_box(self, order: Order, place: str) -> Box | None:
        return self._box_on(order.batch, order.county, place)

    def _box_on(self, batch: str, county: str, place: str) -> Box | None:
        for box in reversed(self.books.boxes.values()):
            where = (box.line, box.batch, box.county, box.tray)
            if where == (self.line, batch, county, place):
                return box if box.state is BoxState.OPEN else None
        return None


def _sealed(box: str, batch: str, reason: str, actor: str = "centre") -> Draft:
    return Draft(Kind.BOX_SEALED, actor, {"reason": reason}, batch=batch, box=box)


def seal_by_hand(box: Box, actor: str) -> Draft:
    """Return the seal of a box that a person closes early."""
    return _sealed(box.id, box.batch, "by hand", actor)


def is_being_packed(books: Books, card: Card) -> bool:
    """Tell whether a card is on its way into its tray: it can be neither stopped nor seen."""
    works = books.works.values()
    return card.state is CardState.ACCEPTED and any(
        card.id in work.cards and work.destination.startswith("tray ") for work in works
    )


def may_be_packed(books: Books, card: Card) -> bool:
    """Tell whether a card is good and wanted, now that it is to leave for its tray."""
    wanted = books.orders[card.order].state is OrderState.IN_PRODUCTION
    return card.state is CardState.ACCEPTED and wanted and not card.reason


def cancellable(books: Books, order: Order) -> bool:
    """Tell whether an order may still be cancelled: its card is not made, nor nearly."""
    card = books.live_card(order.id)
    return order.state in OPEN_ORDERS and not (card and is_being_packed(books, card))


def closable(books: Books, now_us: int, delay_us: int) -> list[str]:
    """Return the batches that are finished and have rested for the delay.

    The delay is the time in which a person may still find a packed card bad.
    """
    busy = {batch for (batch, _county), count in books.open_orders.items() if count}
    busy.update(box.batch for box in books.boxes.values() if box.state is BoxState.OPEN)
    return [
        batch.id
        for batch in books.batches.values()
        if batch.state in {BatchState.RELEASED, BatchState.CANCELLED}
        and batch.id not in busy
        and now_us - _last_done_us(books, batch) >= delay_us
    ]


def _last_done_us(books: Books, batch: Batch) -> int:
    done = (order.done_us for order in books.batch_orders.get(batch.id, ()))
    return max(done, default=batch.received_us)


def closing(books: Books, batch: str) -> list[Draft]:
    """Return the events that send a batch's boxes out and close it."""
    good: dict[str, list[str]] = {}
    for order in books.batch_orders.get(batch, ()):
        card = books.live_card(order.id)
        if card is not None and card.state is CardState.PACKED:
            good.setdefault(card.box, []).append(card.id)
    drafts = [
        Draft(
            Kind.BOX_DISPATCHED, "centre", {"cards": sorted(good.get(box.id, []))},
            batch=batch, box=box.id,
        )
        for box in books.boxes.values()
        if box.batch == batch and box.state is BoxState.SEALED
    ]  # fmt: skip
    data = {"trigger": BatchTrigger.CLOSE.value}
    return [*drafts, Draft(Kind.BATCH_CHANGED, "centre", data, batch=batch)]
