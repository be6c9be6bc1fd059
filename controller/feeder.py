"""Feeding: which order gets the next blank, and when.

Feeds one line in shifts, while its operator lets it run, there are blanks, a tray for the county
and a printer whose infeed is free; the number of cards in process is bounded.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from config.centre import StationKind
from config.products import Product
from controller.journey import Journeys
from controller.preparation import CannotPrepare
from jobs.events import Draft, Kind
from jobs.order_queue import OrderQueue
from jobs.rows import MAGAZINE, Card, Order, infeed
from jobs.states import OrderState, OrderTrigger


@dataclass(slots=True)
class Feeder:
    """Issues blanks to orders and starts their journeys."""

    journeys: Journeys
    queue: OrderQueue
    products: dict[str, Product]
    makes: frozenset[str]  # the codes of those that this line has all stations for
    shift_is_on: Callable[[], bool]
    cards: dict[str, Card] = field(default_factory=dict)  # on the line, by id

    async def run(self) -> None:
        """Resume the cards that are on the line, then feed for ever."""
        line = self.journeys.line
        books = line.ledger.books
        async with asyncio.TaskGroup() as group:
            for card in list(books.on_the_line.values()):
                if card.line == line.name:
                    self._start(group, card)
            while True:
                await line.places.until(lambda: self.next_order() is not None)
                order = self.next_order()
                if order is not None:
                    await self._issue(group, order)

    def next_order(self) -> Order | None:
        """Return the order that may get a blank now."""
        line = self.journeys.line
        books = line.ledger.books
        account = books.line(line.name)
        if not account.running or account.in_magazine < 1 or not self.shift_is_on():
            return None
        if len(self.cards) >= line.work_in_process_max or not self._printer_is_free():
            return None
        return self.queue.best(
            lambda order: order.product in self.makes and line.packing.tray_of(order) is not None
        )

    def _printer_is_free(self) -> bool:
        line = self.journeys.line
        free = sum(
            station.usable and line.places.holder(infeed(station.name)) is None
            for station in line.of_kind(StationKind.PRINTER)
        )
        waiting = sum(
            card.place == MAGAZINE and not line.places.held_by(card.id)
            for card in self.cards.values()
        )
        return waiting < free

    async def _issue(self, group: asyncio.TaskGroup, order: Order) -> None:
        line = self.journeys.line
        books = line.ledger.books
        if not await self._prepared(order) or self.next_order() is not order:
            # An external photo encoder takes its time: things may have changed meanwhile.
            if order.state is OrderState.CANCELLED:
                self.journeys.operations.preparation.forget(order.id)
            return
        line.packing.claim(order)
        draft = Draft(
            Kind.CARD_ISSUED,
            "centre",
            {"line": line.name},
            batch=order.batch,
            order=order.id,
            card=f"C-{len(books.cards) + 1:07d}",
            person_key=order.person_key,
            approval_key=order.approval_key,
        )
        await line.ledger.append(draft)
        self._start(group, books.cards[draft.card])

    async def _prepared(self, order: Order) -> bool:
        """Prepare before a blank is spent; an order that cannot be made is held."""
        try:
            await self.journeys.operations.preparation.prepare(order)
        except CannotPrepare as error:
            if order.state is not OrderState.QUEUED:
                return False
            data = {"trigger": OrderTrigger.HOLD.value, "reason": error.reason}
            draft = Draft(Kind.ORDER_CHANGED, "centre", data, batch=order.batch, order=order.id)
            await self.journeys.line.ledger.append(draft)
            return False
        return True

    def _start(self, group: asyncio.TaskGroup, card: Card) -> None:
        self.cards[card.id] = card
        group.create_task(self._travel(card), name=card.id)

    async def _travel(self, card: Card) -> None:
        line = self.journeys.line
        order = line.ledger.books.orders[card.order]
        try:
            await self.journeys.operations.preparation.prepare(order)
        except CannotPrepare as error:
            # Found on the line after a restart, and its data can no longer be opened. An open work
            # cannot be asked about without them: then the centre does not start.
            if any(card.id in work.cards for work in line.ledger.books.works.values()):
                raise
            await self.journeys.condemn(card, f"cannot be made: {error.reason}")
        await self.journeys.recover(card)
        await self.journeys.journey(card, self.products[order.product])
        if not any(other.order == order.id for other in line.ledger.books.on_the_line.values()):
            # Else a person settled this card while its machine was still waited for, and the order
            # is being made anew already.
            self.journeys.operations.preparation.forget(order.id)
        del self.cards[card.id]
        line.places.changed()
