"""After a restart: where every card is, and what became of the works that were open.

Only questions are asked here (an eject that completes a print apart); nothing else moves until the
line is started. A machine that does not answer is asked again until it does, or until a person has
settled the card.
"""

import asyncio
from dataclasses import dataclass
from typing import cast

from config.products import Product
from controller.acts import Act, Completion, Move
from controller.chip_acts import Encode, Read, Terminate
from controller.desk import Inspect
from controller.execution import Complete
from controller.laminator_acts import Laminate
from controller.line import Line
from controller.operations import Operations
from controller.printer_acts import Insert, Print
from controller.stations import Port, Station
from drivers.encoder import ChipEncoder
from drivers.errors import DriverError
from drivers.laminator import Laminator
from drivers.printing import Printer
from drivers.reader import ReadBackReader
from jobs.rows import Card, Work, infeed, inside, outfeed
from jobs.states import CardState

ASK_AGAIN_S = 5.0


@dataclass(slots=True)
class Recovery:
    """Settles what a crash left open on one line."""

    line: Line
    operations: Operations
    products: dict[str, Product]

    def take_places(self) -> None:
        """Give every card on the line the place where the books say it is, and where it may be."""
        for card in self.line.ledger.books.on_the_line.values():
            for place in (card.place, *card.may_be_at):
                if self._is_single(place) and card.line == self.line.name:
                    self.line.places.try_take(place, card.id)
        for work in self.line.ledger.books.works.values():
            for place in (work.source, work.destination):
                if self._is_single(place):
                    self.line.places.try_take(place, work.cards[0])

    async def settle(self, card: Card) -> None:
        """Find out what became of a card's open work, if it has one."""
        books = self.line.ledger.books
        work = next((w for w in books.works.values() if card.id in w.cards), None)
        if work is None:
            return
        act = self._act(work, card)
        while work.id in books.works:
            # An answer may bring a card out: not while a technician has his hands in there.
            await self.line.places.until(
                lambda: not act.station.under_maintenance or work.id not in books.works
            )
            if work.id not in books.works:
                break
            try:
                await self.line.execution.settle(act, work, self._complete(work, card))
            except DriverError:
                await act.station.port.drop()
                await asyncio.sleep(ASK_AGAIN_S)
        if self._is_single(card.place):
            await self.line.places.reserve(lambda: [card.place], card.id)
        if card.state is not CardState.IN_DOUBT:
            # It is known again where the card is: what it may have been at is free for others.
            self.line.places.release_all(card.id, keep=card.place)
        self.line.places.changed()

    def _is_single(self, place: str) -> bool:
        station = self.line.station_at(place)
        return station is not None and place in {
            infeed(station.name),
            inside(station.name),
            outfeed(station.name),
        }

    def _complete(self, work: Work, card: Card) -> Complete:
        if work.act == "move":
            return self.line.completion_of_move(card, work.destination)
        return Completion

    def _act(self, work: Work, card: Card) -> Act:
        line = self.line
        if work.act == "move":
            return Move(line.transport, line.view, work.source, work.destination)
        station = next(one for one in line.stations if one.name == work.station)
        if work.act == "eject":
            return line.eject(station)
        return self._act_at(work.act, station, card)

    def _act_at(self, name: str, station: Station, card: Card) -> Act:
        line, preparation = self.line, self.operations.preparation
        lamination = self.products[line.ledger.books.orders[card.order].product].lamination
        match name:
            case "insert":
                return Insert(station, cast("Port[Printer]", station.port), line.view)
            case "print":
                job = preparation.print_job(card)
                printer = cast("Port[Printer]", station.port)
                return Print(station, printer, line.view, job, _nothing_to_wait_for)
            case "laminate":
                assert lamination is not None
                port = cast("Port[Laminator]", station.port)
                return Laminate(
                    station, port, line.view, lamination.dwell_ms, lamination.pressure_kpa
                )
            case "encode":
                contents = preparation.chip_contents(card)
                return Encode(station, cast("Port[ChipEncoder]", station.port), contents)
            case "terminate":
                return Terminate(station, cast("Port[ChipEncoder]", station.port))
            case "read_back":
                port_of_reader = cast("Port[ReadBackReader]", station.port)
                return Read(station, port_of_reader, lambda _read: {})
            case "inspect":
                return Inspect(station, self.operations.desk, card.id)
        raise AssertionError(f"no act {name}")


async def _nothing_to_wait_for() -> None:
    """An act that is only asked for its outcome begins nothing."""
