"""One line: its stations, its places, and the bringing of a card from one place to another.

It knows positions and sensors, not what an operation is; operations are in
`controller/operations.py`, the order of things in `controller/journey.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from config.centre import StationKind
from controller.acts import Act, Completion, Finish, LineView, Move
from controller.execution import Elsewhere, Execution
from controller.laminator_acts import LaminatorEject
from controller.packing import Packing, may_be_packed
from controller.places import CARRIER, Places
from controller.printer_acts import PrinterEject
from controller.stations import Port, Station
from drivers.laminator import Laminator
from drivers.printing import Printer
from jobs.ledger.ledger import Ledger
from jobs.remakes import order_after_spoil
from jobs.rows import (
    MAGAZINE,
    QUARANTINE_BIN,
    REJECT_BIN,
    SAMPLE_TRAY,
    Card,
    infeed,
    inside,
    outfeed,
    tray,
)
from jobs.states import CardState, CardTrigger

#: Most urgent first: what brings a printer its blank or takes its card away, since printers take
#: longest; then clear what is finished or bad, then everything in its order.
PRINTERS_FIRST = (0,)
PULLING = (1,)
ORDINARY = (2,)


def transport_positions(stations: Sequence[Station], trays: int) -> dict[str, int]:
    """Return the transport's position of every place of a line (its register map)."""
    positions = {MAGAZINE: 0, REJECT_BIN: 0x60, QUARANTINE_BIN: 0x61, SAMPLE_TRAY: 0x62}
    for station in stations:
        positions[infeed(station.name)] = 1 + 2 * station.index
        positions[outfeed(station.name)] = 2 + 2 * station.index
    positions.update({tray(number): 0x70 + number for number in range(trays)})
    return positions


@dataclass(slots=True)
class Line:
    """The parts of one line, handed in by the assembly."""

    name: str
    stations: tuple[Station, ...]
    transport: Station
    view: LineView
    places: Places
    ledger: Ledger
    execution: Execution
    packing: Packing
    remakes_max: int
    work_in_process_max: int
    magazine_low: int

    def of_kind(self, kind: StationKind) -> list[Station]:
        """Return the stations of a kind, in line order."""
        return [station for station in self.stations if station.kind is kind]

    def station_at(self, place: str) -> Station | None:
        """Return the station that a place belongs to."""
        for station in self.stations:
            if place in {infeed(station.name), inside(station.name), outfeed(station.name)}:
                return station
        return None

    def rests(self, station: Station) -> bool:
        """Tell whether a station can do nothing before a card is brought or taken away."""
        here = {infeed(station.name), inside(station.name), outfeed(station.name)}
        return all(
            self.places.waits(card.id)
            for card in self.ledger.books.on_the_line.values()
            if card.place in here and card.state is not CardState.IN_DOUBT
        )

    async def arrive(
        self, card: Card, kind: StationKind, priority: tuple[int, ...] = ORDINARY
    ) -> Station:
        """Bring a card to the infeed of a usable station of a kind, or find it inside one.

        While none is free, a card that has another one behind it makes way (see `_parking`).
        """
        await self.bring_out(card, unless=kind)
        while True:
            here = self.station_at(card.place)
            if here is not None and here.kind is kind and card.place == inside(here.name):
                return here

            def choices() -> list[str]:
                return [*self._infeeds(card, kind), *self._parking(card, kind)]

            place = await self.places.reserve(choices, card.id, priority)
            if place != card.place:
                await self.move(card, place, priority)
            station = self.station_at(card.place)
            assert station is not None
            if station.kind is kind and card.place == infeed(station.name):
                return station

    def _infeeds(self, card: Card, kind: StationKind) -> list[str]:
        """Return the infeeds of usable stations; the emptier station is the shorter wait."""
        usable = [station for station in self.of_kind(kind) if station.usable]
        usable.sort(key=lambda one: self.places.holder(inside(one.name)) is not None)
        infeeds = [infeed(one.name) for one in usable]
        return [card.place] if card.place in infeeds else infeeds

    def _parking(self, card: Card, kind: StationKind) -> list[str]:
        """Return where a printed card may wait so that its printer can go on.

        An encoder's outfeed is used only when a chip is taken out of its field to be tried again.
        A card that waits there needs no encoder to get away, so nothing can block in a circle.
        """
        here = self.station_at(card.place)
        in_the_way = (
            kind is StationKind.LAMINATOR
            and here is not None
            and here.kind is StationKind.PRINTER
            and self.places.holder(inside(here.name)) is not None
        )
        if not in_the_way:
            return []
        return [outfeed(station.name) for station in self.of_kind(StationKind.ENCODER)]

    async def enter(self, card: Card, station: Station) -> bool:
        """Reserve the inside of a station for the card at its infeed.

        False when the station stopped meanwhile and a twin's infeed was got instead: the card has
        been moved there.
        """
        twins = [one for one in self.of_kind(_kind(station)) if one is not station]

        def choices() -> list[str]:
            if station.usable:
                return [inside(station.name)]
            return [infeed(twin.name) for twin in twins if twin.usable]

        place = await self.places.reserve(choices, card.id, ORDINARY)
        if place == inside(station.name):
            return True
        await self.move(card, place)
        return False

    async def bring_out(self, card: Card, unless: StationKind | None = None) -> None:
        """Eject a card that is inside a machine which has no more to do with it."""
        station = self.station_at(card.place)
        if station is None or card.place != inside(station.name) or station.kind is unless:
            return
        await self.reserve_one(outfeed(station.name), card)
        await station.ready()
        await self.execution.perform(self.eject(station), card)
        self.places.release(inside(station.name), card.id)

    def eject(self, station: Station) -> Act:
        """Return the act that brings a card out of a machine."""
        if station.kind is StationKind.PRINTER:
            return PrinterEject(station, cast("Port[Printer]", station.port), self.view)
        assert station.kind is StationKind.LAMINATOR, station.kind
        return LaminatorEject(station, cast("Port[Laminator]", station.port))

    async def reserve_one(self, place: str, card: Card) -> None:
        """Wait for one certain place."""
        await self.places.reserve_one(place, card.id, PULLING)

    async def move(
        self, card: Card, destination: str, priority: tuple[int, ...] = ORDINARY
    ) -> None:
        """Carry a card to a place that it holds (or a bin or tray), and give up where it was.

        Raises `Elsewhere` when a person decides otherwise while the card waits for the transport.
        """
        source, state = card.place, card.state
        if source == destination:
            return

        def carrier() -> list[str]:
            return [CARRIER] if self.transport.usable else []

        def still_wanted() -> bool:
            if (card.place, card.state) != (source, state):
                return False
            return not destination.startswith("tray ") or may_be_packed(self.ledger.books, card)

        while card.place == source:
            await self.places.reserve(carrier, card.id, priority)
            try:
                act = Move(self.transport, self.view, source, destination)
                complete = self.completion_of_move(card, destination)
                await self.execution.perform(act, card, complete, still_wanted)
            except Elsewhere:
                if not still_wanted():
                    raise
                continue  # nothing was moved; the transport may be held, then we wait for it
            finally:
                self.places.release(CARRIER, card.id)
        self.places.release(source, card.id)

    def completion_of_move(self, card: Card, destination: str) -> Callable[[Finish], Completion]:
        """Return what a finished move to `destination` makes true besides the card's place."""
        if destination == REJECT_BIN:
            return lambda finish: Completion(
                {**finish, "trigger": CardTrigger.SPOIL.value, "reason": card.reason or "rejected"},
                after=order_after_spoil(self.ledger.books, card, self.remakes_max, "centre"),
            )
        if destination.startswith("tray "):
            return lambda finish: self.packing.complete(card, finish)
        return Completion


def places_to_go_on_from(line: Line, card: Card) -> list[str]:
    """Return the places where a doubtful card may be put back to go on: a sensor sees it there."""
    never_left = card.state_before_doubt == CardState.BLANK
    return ([MAGAZINE] if never_left else []) + [
        place for one in line.stations for place in (infeed(one.name), outfeed(one.name))
    ]


def _kind(station: Station) -> StationKind:
    assert station.kind is not None
    return station.kind
