"""The operations of a route: what each needs of the line, and the acts that it is made of.

Every operation may be begun again at the place where the card is: after a restart, or after a
station stopped, the same code goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from config.centre import StationKind
from config.products import Operation, Product
from controller.acts import Act, Completion, Finish
from controller.chip_acts import Encode, Read, Terminate
from controller.desk import Desk, Inspect
from controller.execution import CardAtFault, Complete, Elsewhere
from controller.laminator_acts import Laminate
from controller.line import PRINTERS_FIRST, PULLING, Line
from controller.preparation import Preparation
from controller.printer_acts import Insert, Print
from controller.stations import Port, Station
from controller.verdicts import judge_read_back
from drivers.encoder import ChipEncoder
from drivers.laminator import Laminator
from drivers.printing import Printer
from drivers.reader import ReadBack, ReadBackReader
from jobs.events import Draft, Kind
from jobs.rows import QUARANTINE_BIN, REJECT_BIN, Card, Order, infeed, inside, outfeed
from jobs.states import CardState, CardTrigger, OrderState

#: What a card is after each operation; a route and a card's state tell what it still needs.
STATE_AFTER = {
    Operation.PRINT: CardState.PRINTED,
    Operation.LAMINATE: CardState.LAMINATED,
    Operation.ENCODE: CardState.ENCODED,
    Operation.READ_BACK: CardState.ACCEPTED,
    Operation.INSPECT: CardState.ACCEPTED,
}


def remaining(product: Product, state: CardState) -> tuple[Operation, ...]:
    """Return the operations of a route that a card in some state still needs."""
    reached = [STATE_AFTER[operation] for operation in product.route]
    return product.route[reached.index(state) + 1 :] if state in reached else product.route


@dataclass(slots=True)
class Operations:
    """What a line does to a card."""

    line: Line
    preparation: Preparation
    desk: Desk
    _second_chances: set[tuple[str, str]] = field(default_factory=set)

    def wanted(self, card: Card) -> bool:
        """Tell whether a card is to be made any further: not condemned, its order not cancelled."""
        return not card.reason and self._order(card).state is not OrderState.CANCELLED

    async def do(self, operation: Operation, card: Card, product: Product) -> None:
        """Do one operation; the card's new state and place are in the books afterwards."""
        match operation:
            case Operation.PRINT:
                await self.print_faces(card)
            case Operation.LAMINATE:
                await self.laminate(card, product)
            case Operation.ENCODE:
                await self.encode(card)
            case Operation.READ_BACK:
                await self.read_back(card)
            case Operation.INSPECT:
                await self.inspect(card)

    async def print_faces(self, card: Card) -> None:
        """Insert at a printer, print both faces, out."""
        line = self.line
        station = await line.arrive(card, StationKind.PRINTER, PRINTERS_FIRST)
        printer = cast("Port[Printer]", station.port)
        if card.place == infeed(station.name):
            if not await line.enter(card, station):
                raise Elsewhere
            await self._perform(Insert(station, printer, line.view), card)
            line.places.release(infeed(station.name), card.id)
        await station.ready()
        job = self.preparation.print_job(card)

        async def way_out() -> None:
            await line.reserve_one(outfeed(station.name), card)

        await self._perform(Print(station, printer, line.view, job, way_out), card)
        line.places.release(inside(station.name), card.id)

    async def laminate(self, card: Card, product: Product) -> None:
        """Press the card; it is brought out when its next operation begins."""
        assert product.lamination is not None
        line = self.line
        station = await line.arrive(card, StationKind.LAMINATOR, PRINTERS_FIRST)
        if not await line.enter(card, station):
            raise Elsewhere
        act = Laminate(
            station,
            cast("Port[Laminator]", station.port),
            line.view,
            product.lamination.dwell_ms,
            product.lamination.pressure_kpa,
        )
        await self._perform(act, card)
        line.places.release(infeed(station.name), card.id)

    async def encode(self, card: Card) -> None:
        """Write the chip; a chip that fails is taken out of the field once and tried again."""
        station = await self.line.arrive(card, StationKind.ENCODER)
        contents = self.preparation.chip_contents(card)
        act = Encode(station, cast("Port[ChipEncoder]", station.port), contents)
        try:
            await self._perform(act, card)
        except CardAtFault as fault:
            await self._give_second_chance(card, station, fault)

    async def read_back(self, card: Card) -> None:
        """Read the chip on an independent reader and compare it with what was ordered."""
        station = await self.line.arrive(card, StationKind.READER)
        expected = self.preparation.chip_contents(card)

        def judge(read: ReadBack) -> Finish:
            return judge_read_back(card, expected, read)

        act = Read(station, cast("Port[ReadBackReader]", station.port), judge)
        try:
            finish = await self._perform(act, card, accepted_with(card))
        except CardAtFault as fault:
            await self._give_second_chance(card, station, fault)
            return
        if finish.get("stranger"):
            await station.abort(f"a stranger's data on {card.id}", "quality.stranger")

    async def inspect(self, card: Card) -> None:
        """Show the card to a person."""
        station = await self.line.arrive(card, StationKind.INSPECTION)
        act = Inspect(station, self.desk, card.id)
        await self._perform(act, card)

    async def pack(self, card: Card) -> None:
        """Lay a good card into the tray of its county."""
        await self.line.bring_out(card)
        await self.line.move(card, self.line.packing.claim(self._order(card)), PULLING)

    async def reject(self, card: Card) -> None:
        """Take a bad card off the line; a chip that carries data is terminated first."""
        line = self.line
        await line.bring_out(card)
        if card.chip_serial and not await self._terminated(card):
            await line.move(card, QUARANTINE_BIN, PULLING)
            return
        await line.move(card, REJECT_BIN, PULLING)

    async def _terminated(self, card: Card) -> bool:
        """Invalidate before replace. False when no encoder could be waited for."""
        line = self.line
        here = line.station_at(card.place)
        if here is not None and here.kind is StationKind.READER:
            # Step aside, so that the cards which hold the encoders can go on to the reader.
            if not line.places.try_take(outfeed(here.name), card.id):
                return False
            await line.move(card, outfeed(here.name), PULLING)
        station = await line.arrive(card, StationKind.ENCODER, PULLING)
        encoder = cast("Port[ChipEncoder]", station.port)
        try:
            await line.execution.perform(Terminate(station, encoder), card)
        except CardAtFault:
            return True  # its chip answers nobody any more; the ledger says why
        return True

    async def _give_second_chance(self, card: Card, station: Station, fault: CardAtFault) -> None:
        """Take the card out of the field and put it back, once; then it is condemned."""
        key = (card.id, station.kind.value if station.kind else "")
        if key in self._second_chances or card.chip_serial == "":
            raise fault
        self._second_chances.add(key)
        await self.line.reserve_one(outfeed(station.name), card)
        await self.line.move(card, outfeed(station.name))
        raise Elsewhere

    async def _perform(self, act: Act, card: Card, complete: Complete = Completion) -> Finish:
        """Do an act of a route, unless nobody wants the card any more by then."""
        return await self.line.execution.perform(act, card, complete, lambda: self.wanted(card))

    def _order(self, card: Card) -> Order:
        return self.line.ledger.books.orders[card.order]


def accepted_with(card: Card) -> Callable[[Finish], Completion]:
    """Return the acceptance that goes into the books together with a good reading."""

    def complete(finish: Finish) -> Completion:
        if finish.get("trigger") != CardTrigger.VERIFY.value:
            return Completion(finish)
        accept = {"trigger": CardTrigger.ACCEPT.value}
        draft = Draft(Kind.CARD_CHANGED, "centre", accept, order=card.order, card=card.id)
        return Completion(finish, after=(draft,))

    return complete
