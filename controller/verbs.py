"""What a person may tell a running centre: each verb checks, records who did it, and acts.

A verb that cannot be carried out raises `Refused` and changes nothing. The API and the simulated
operator both come in here; nothing else changes the books on a person's behalf.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.capture import Captures
from controller.desk import Desk
from controller.intake import Intake, IntakeResult
from controller.line import places_to_go_on_from
from controller.packing import cancellable, is_being_packed, seal_by_hand
from controller.shifts import OFF_SHIFT
from controller.startup import OPERATOR
from controller.station_verbs import Refused, StationVerbs
from controller.todo import Need, Todo, todo_of_books, todo_of_line, wanted
from jobs.events import Draft, Kind
from jobs.remakes import order_after_spoil
from jobs.rows import HAND, QUARANTINE_BIN, REJECT_BIN, Batch, BoxState, Card, Order, WorkState
from jobs.states import (
    BATCH_TABLE,
    ORDER_TABLE,
    BatchTrigger,
    CardState,
    CardTrigger,
    OrderState,
    OrderTrigger,
)

#: What may become of an order at a person's word; the rest is for events to say.
_FOR_PERSONS = {OrderTrigger.HOLD, OrderTrigger.RELEASE, OrderTrigger.CANCEL}

#: How a refusal names what a person asked for.
_BATCH_REFUSALS = {
    BatchTrigger.HOLD: "held",
    BatchTrigger.RELEASE: "released",
    BatchTrigger.CANCEL: "cancelled",
    BatchTrigger.CLOSE: "closed by hand",
}
_ORDER_REFUSALS = {
    OrderTrigger.HOLD: "held",
    OrderTrigger.RELEASE: "released or remade",
    OrderTrigger.CANCEL: "cancelled",
}


@dataclass(slots=True)
class Verbs(StationVerbs):
    """The verbs of a centre."""

    desk: Desk
    intake: Intake
    remakes_max: int
    ledger_fault: Callable[[], str]
    outputs_fault: Callable[[], str] = lambda: ""
    #: Which shift is on, or until when none is; nothing where the centre works round the clock.
    shift: Callable[[], str] = lambda: ""

    def __post_init__(self) -> None:
        about = self.intake
        self.captures = Captures(
            about.config.name, self.ledger, about.clock, about.keys, about.entropy, self.spawn
        )

    # Packages, batches, orders

    async def take_package(self, path: Path, actor: str) -> IntakeResult:
        """Take a package file in."""
        result = await self.intake.take(path, actor)
        self._changed()
        return result

    async def change_batch(
        self, batch_id: str, trigger: BatchTrigger, actor: str, reason: str = ""
    ) -> None:
        """Release, hold or cancel a batch; cancelling cancels its orders that are not done."""
        batch = self._batch(batch_id)
        if (batch.state, trigger) not in BATCH_TABLE or trigger is BatchTrigger.CLOSE:
            refusal = _BATCH_REFUSALS[trigger]
            raise Refused(f"{batch.id} is {batch.state.value}: it cannot be {refusal}")
        missing = batch.applications - self.intake.done(batch)
        if trigger is BatchTrigger.RELEASE and missing:
            raise Refused(
                f"{batch.id} lacks {missing} applications: its intake was cut short, "
                "take the package in again"
            )
        data = {"trigger": trigger.value, "reason": reason}
        drafts = [Draft(Kind.BATCH_CHANGED, actor, data, batch=batch.id)]
        if trigger is BatchTrigger.CANCEL:
            drafts += [
                self._order_draft(order, OrderTrigger.CANCEL, actor, reason or "batch cancelled")
                for order in self.ledger.books.orders.values()
                if order.batch == batch.id and cancellable(self.ledger.books, order)
            ]
        await self.ledger.append(*drafts)
        self._changed()

    async def change_order(
        self, order_id: str, trigger: OrderTrigger, actor: str, reason: str = ""
    ) -> None:
        """Hold, release (remake) or cancel an order."""
        order = self._order(order_id)
        if (order.state, trigger) not in ORDER_TABLE or trigger not in _FOR_PERSONS:
            refusal = _ORDER_REFUSALS.get(trigger, "changed so by hand")
            raise Refused(f"{order.id} is {order.state.value}: it cannot be {refusal}")
        card = self.ledger.books.live_card(order.id)
        if trigger is OrderTrigger.CANCEL and not cancellable(self.ledger.books, order):
            raise Refused(f"{order.card} is being laid into its tray: {order.id} is nearly done")
        if trigger is OrderTrigger.HOLD and card is not None:
            raise Refused(f"{order.id} is in production as {card.id}: cancel it, or let it finish")
        if trigger is OrderTrigger.RELEASE and (other := self._same_approval(order)):
            raise Refused(f"{order.id} rests on the approval of {other}: only one may be made")
        if trigger is OrderTrigger.RELEASE and order.product not in self._products():
            raise Refused(f"{order.id} asks for product {order.product}, which no line makes")
        await self.ledger.append(self._order_draft(order, trigger, actor, reason))
        self._changed()

    # Cards

    async def settle_card(self, card_id: str, actor: str, *, found_at: str = "") -> None:
        """Settle a doubt: the card is spoiled and in the reject bin, or good and at a place."""
        card = self._card(card_id)
        if card.state is not CardState.IN_DOUBT:
            raise Refused(f"{card.id} is {card.state.value}, not in doubt")
        if not found_at:
            await self._spoil(card, actor, card.reason or "settled as spoiled")
            return
        line = self.lines[card.line].line
        places = places_to_go_on_from(line, card)
        if found_at not in places:
            raise Refused(f"{card.id} cannot go on from {found_at!r}, but from: {places}")
        if line.places.holder(found_at) not in {None, card.id}:
            raise Refused(f"{found_at} holds {line.places.holder(found_at)}")
        line.places.release_all(card.id, keep=found_at)
        line.places.take(found_at, card.id)
        data = {"trigger": CardTrigger.SETTLE.value, "place": found_at}
        await self.ledger.append(*self._end_work(card, actor), self._card_draft(card, data, actor))
        self._changed()

    async def spoil_card(self, card_id: str, reason: str, actor: str) -> None:
        """Spoil a card that a person found bad, and has taken to the reject bin if off the line."""
        card = self._card(card_id)
        if card.state in {CardState.SPOILED, CardState.DESTROYED, CardState.DISPATCHED}:
            raise Refused(f"{card.id} is {card.state.value}")
        if is_being_packed(self.ledger.books, card):
            raise Refused(f"{card.id} is being laid into its tray: look at it there")
        if self._is_on_the_line(card) and not self._is_stuck(card):
            # It is condemned; the line itself takes it to the reject bin.
            await self.ledger.append(self._card_draft(card, {"reason": reason}, actor))
            self._changed()
            return
        await self._spoil(card, actor, reason)

    async def judge_card(self, card_id: str, actor: str, *, reason: str = "") -> None:
        """Accept a card that lies before the inspector, or reject it for a reason."""
        card = self._card(card_id)
        if not self.desk.decide(card.id, actor, reason):
            raise Refused(f"{card.id} is not before an inspector")

    # Stock and boxes

    async def load_stock(self, line: str, blanks: int, actor: str) -> None:
        """Record blanks that a person has put into a line's magazine: at most what one holds."""
        self._line(line)
        config = next(one for one in self.intake.config.lines if one.name == line)
        if blanks > config.magazine_capacity:
            raise Refused(
                f"{line}'s magazine takes {config.magazine_capacity} blanks, not {blanks}"
            )
        await self._change_stock(line, "loaded", blanks, actor)

    async def return_stock(self, line: str, blanks: int, actor: str) -> None:
        """Record blanks that a person has taken out of a line's magazine, unused."""
        in_magazine = self.ledger.books.line(self._line(line).line.name).in_magazine
        if blanks > in_magazine:
            raise Refused(f"{line} has {in_magazine} blanks in its magazine, not {blanks}")
        await self._change_stock(line, "returned", blanks, actor)

    async def seal_box(self, box_id: str, actor: str) -> None:
        """Seal a box early."""
        box = self.ledger.books.boxes.get(box_id)
        if box is None:
            raise Refused(f"there is no box {box_id}")
        if box.state is not BoxState.OPEN:
            raise Refused(f"{box.id} is {box.state.value}")
        await self.ledger.append(seal_by_hand(box, actor))
        self._changed()

    def todo(self) -> list[Todo]:
        """Return what waits for a person."""
        found = []
        if fault := self.ledger_fault():
            found.append(Todo(Need.LEDGER, "ledger", fault, "ledger.unavailable", "make room"))
        if fault := self.outputs_fault():
            found.append(Todo(Need.OUTPUTS, "outputs", fault, "outputs.unavailable", "make room"))
        if (shift := self.shift()).startswith(OFF_SHIFT) and wanted(self.ledger.books):
            found.append(Todo(Need.OFF_SHIFT, "feeding", shift, "", "wait"))
        for parts in self.lines.values():
            found.extend(todo_of_line(parts.line, self.desk))
        return found + todo_of_books(self.ledger.books)

    # Helpers

    async def _spoil(self, card: Card, actor: str, reason: str) -> None:
        data = {"trigger": CardTrigger.SPOIL.value, "place": REJECT_BIN, "reason": reason}
        await self.ledger.append(
            *self._end_work(card, actor),
            self._card_draft(card, data, actor),
            *order_after_spoil(self.ledger.books, card, self.remakes_max, actor),
        )
        self._changed()

    def _end_work(self, card: Card, actor: str) -> list[Draft]:
        """Close a work whose machine never told what became of it: a person has seen the card."""
        return [
            Draft(
                Kind.WORK_FINISHED,
                actor,
                {"outcome": WorkState.UNKNOWN.value, "told_by": "person"},
                order=card.order,
                card=card.id,
                work=work.id,
                station=work.station,
            )
            for work in self.ledger.books.works.values()
            if card.id in work.cards
        ]

    def _is_on_the_line(self, card: Card) -> bool:
        off = {CardState.PACKED, CardState.IN_DOUBT}
        return card.state not in off and card.place not in {REJECT_BIN, QUARANTINE_BIN, HAND}

    def _is_stuck(self, card: Card) -> bool:
        """Tell whether a machine that does not answer holds the card."""
        works = self.ledger.books.works.values()
        names = [work.station for work in works if card.id in work.cards]
        stations = [self._station(name)[1] for name in names]
        return any(not one.may_be_asked and one.code != OPERATOR for one in stations)

    def _card_draft(self, card: Card, data: dict[str, Any], actor: str) -> Draft:
        return Draft(Kind.CARD_CHANGED, actor, data, order=card.order, card=card.id)

    def _same_approval(self, order: Order) -> str:
        """Return another order that is to be made, or was, on the same approval."""
        aside = {OrderState.CANCELLED, OrderState.HELD}
        books = self.ledger.books
        others = [books.orders[one] for one in books.approvals[order.approval_key]]
        return next((one.id for one in others if one is not order and one.state not in aside), "")

    def _order_draft(self, order: Order, trigger: OrderTrigger, actor: str, reason: str) -> Draft:
        data = {"trigger": trigger.value, "reason": reason}
        return Draft(Kind.ORDER_CHANGED, actor, data, batch=order.batch, order=order.id)

    async def _change_stock(self, line: str, what: str, blanks: int, actor: str) -> None:
        if blanks < 1:
            raise Refused("a number of blanks is 1 or more")
        name = self._line(line).line.name
        await self.ledger.append(Draft(Kind.STOCK_CHANGED, actor, {"line": name, what: blanks}))
        self._changed()

    def _products(self) -> set[str]:
        return {code for parts in self.lines.values() for code in parts.feeder.products}

    def _batch(self, batch: str) -> Batch:
        if batch not in self.ledger.books.batches:
            raise Refused(f"there is no batch {batch}")
        return self.ledger.books.batches[batch]

    def _order(self, order: str) -> Order:
        if order not in self.ledger.books.orders:
            raise Refused(f"there is no order {order}")
        return self.ledger.books.orders[order]

    def _card(self, card: str) -> Card:
        if card not in self.ledger.books.cards:
            raise Refused(f"there is no card {card}")
        return self.ledger.books.cards[card]
