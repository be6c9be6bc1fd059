"""What is done about a card in doubt: find it, pull it into a bin, or wait for a person.

A card whose arrival in the reject bin a sensor and a count confirm is spoiled for certain; that
settles the doubt. Until then nothing is made for its order.
"""

from dataclasses import dataclass
from typing import cast

from config.centre import StationKind
from controller.execution import CardAtFault, Elsewhere, InDoubt
from controller.line import PULLING, Line
from controller.operations import Operations
from controller.stations import Port, Station
from drivers.errors import DriverError
from drivers.laminator import Laminator
from drivers.printing import Printer
from jobs.events import Draft, Kind
from jobs.rows import QUARANTINE_BIN, Card, infeed, inside, outfeed
from jobs.states import CardState

STRANGER = "stranger"


@dataclass(slots=True)
class Doubts:
    """Settles what machines can settle; the rest waits for a person's `card settle`."""

    line: Line
    operations: Operations

    async def settle(self, card: Card) -> None:
        """Return when the card is no longer in doubt, or lies in the quarantine bin."""
        while card.state is CardState.IN_DOUBT and card.place != QUARANTINE_BIN:
            seen = self._changes(card)
            try:
                if await self._pulled(card):
                    return
            except Elsewhere:
                continue  # nothing happened; the station has stopped, or may be asked again
            await self._something_else(card, seen)

    async def _something_else(self, card: Card, seen: int) -> None:
        """Wait until a person has settled the card, or something changes that could help."""
        await self.line.places.until(
            lambda: card.state is not CardState.IN_DOUBT or self._changes(card) != seen
        )

    def _changes(self, card: Card) -> int:
        """Return a number that grows when something changes that could help."""
        stations = {self.line.transport.name: self.line.transport}
        for place in card.may_be_at:
            if (station := self.line.station_at(place)) is not None:
                stations[station.name] = station
        return sum(station.changes for station in stations.values())

    async def _pulled(self, card: Card) -> bool:
        """Find the card and take it to a bin; False when machines cannot do it now.

        Raises `Elsewhere` when an act was not done: its station was waited for, or has stopped.
        """
        try:
            place = await self._find(card)
            if place is None:
                return False
            await self._record_place(card, place)
            if card.reason.startswith(STRANGER):
                await self.line.move(card, QUARANTINE_BIN, PULLING)
            else:
                await self.operations.reject(card)
        except (DriverError, InDoubt, CardAtFault):
            return False
        return True

    async def _find(self, card: Card) -> str | None:
        """Return the place where a machine or a sensor sees the card."""
        if not self.line.transport.usable:
            return None
        for place in card.may_be_at:
            station = self.line.station_at(place)
            if station is not None and place == inside(station.name):
                if await self._sees_inside(station):
                    return place
            elif self._may_be_ours(card, place) and await self.line.view.sees(place):
                return place
        return None

    def _may_be_ours(self, card: Card, place: str) -> bool:
        if place not in self.line.view.positions:
            return False
        station = self.line.station_at(place)
        single = station is not None and place in {infeed(station.name), outfeed(station.name)}
        return single and self.line.places.holder(place) in {None, card.id}

    async def _sees_inside(self, station: Station) -> bool:
        if not station.usable:
            return False
        if station.kind is StationKind.PRINTER:
            printer = await cast("Port[Printer]", station.port).driver()
            await printer.settle()
            return (await printer.status()).card_at_print_position
        assert station.kind is StationKind.LAMINATOR, station.kind
        laminator = await cast("Port[Laminator]", station.port).driver()
        return (await laminator.state()).card_inside

    async def _record_place(self, card: Card, place: str) -> None:
        await self.line.places.reserve(lambda: [place], card.id, PULLING)
        if card.place != place:
            data = {"place": place, "found_by": "sensor"}
            await self.line.ledger.append(
                Draft(Kind.CARD_CHANGED, "centre", data, order=card.order, card=card.id)
            )
