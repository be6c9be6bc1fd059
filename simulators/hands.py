"""What a person's eyes and hands can do on the floor and at the machines of one line.

Places go by the names that the books give them. Every method is over at once: nothing moves between
looking and taking. It knows nothing of lists or verbs; what is done, and when, is in `operator`.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from simulators import floor as places
from simulators.floor import (
    CARRIER,
    HAND,
    MAGAZINE,
    QUARANTINE_BIN,
    REJECT_BIN,
    SAMPLE_TRAY,
    ChipHealth,
    ChipMemory,
    Floor,
    PhysicalCard,
    Place,
)
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine
from simulators.plant import PlantLine
from simulators.printer import SimulatedPrinter
from simulators.retransfer import SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport

#: The books' name of the carrier, and of the parts of a station.
BETWEEN_SENSORS: Final = "between sensors"
INFEED, INSIDE, OUTFEED = "infeed", "inside", "outfeed"

CONSUMABLE_EMPTY: Final = "device.consumable_empty"
FACES_OF_A_CARD: Final = 2
_MANAGEMENT_FILE: Final = 5
_CARD_SERIAL: Final = slice(8, 24)


@dataclass(frozen=True, slots=True)
class Stand:
    """One station: its number on the line, and its machine unless it is a person's desk."""

    index: int
    machine: Machine | None


@dataclass(slots=True)
class Hands:
    """The hands of one line's operator."""

    floor: Floor
    line: str
    stations: Mapping[str, Stand]
    transport: SimulatedTransport
    transport_name: str
    trays: int
    chips: Iterator[ChipMemory]
    #: Every place of the line by the books' name.
    places: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        stores = (MAGAZINE, REJECT_BIN, QUARANTINE_BIN, SAMPLE_TRAY)
        self.places = {str(store): store for store in stores}
        self.places |= {str(tray): tray for tray in map(places.tray, range(self.trays))}
        self.places[BETWEEN_SENSORS] = CARRIER
        for name, stand in self.stations.items():
            self.places[f"{name} {INFEED}"] = places.infeed(stand.index)
            self.places[f"{name} {INSIDE}"] = places.inside(stand.index)
            self.places[f"{name} {OUTFEED}"] = places.outfeed(stand.index)

    @classmethod
    def of(cls, line: PlantLine, trays: int) -> Self:
        """Return the hands of a line of the plant."""
        stations = {
            name: Stand(index, line.machines.get(name)) for index, name in enumerate(line.kinds)
        }
        return cls(
            line.floor,
            line.name,
            stations,
            line.transport,
            f"{line.name}-transport",
            trays,
            line.chips,
        )

    # Looking.

    def station_of(self, place: str) -> str:
        """Return the station that a place of the books belongs to, or nothing."""
        name = place.rpartition(" ")[0]
        return name if name in self.stations else ""

    def desks(self) -> list[str]:
        """Return the names of the places where an inspector looks at cards."""
        return [f"{name} {INFEED}" for name, s in self.stations.items() if s.machine is None]

    def moving(self, name: str) -> bool:
        """Tell whether a machine is in motion: nobody reaches into it then."""
        machine = self.machine(name)
        motions = machine.drawn() if machine is not None else []
        now_s = asyncio.get_running_loop().time()
        return bool(motions) and motions[-1].start_s + motions[-1].duration_s > now_s

    def machine(self, name: str) -> Machine | None:
        """Return the machine of a station, or the transport."""
        return self.transport if name == self.transport_name else self.stations[name].machine

    def occupied(self, names: Iterable[str]) -> bool:
        """Tell whether a card lies at one of these stations' places."""
        return any(
            self.floor.at(self.places[name]) is not None for name in names if self.station_of(name)
        )

    # Taking.

    def pull(self, name: str) -> PhysicalCard | None:
        """Take the card at a station's place or on the carrier, and throw it in the reject bin."""
        place, station = self.places[name], self.station_of(name)
        owner = station or self.transport_name
        if self.floor.at(HAND) is not None:
            # A person whose hand is full throws that card away first.
            self.floor.move(HAND, REJECT_BIN, into_store=True)
        reaches_in = place == CARRIER or name == f"{station} {INSIDE}"
        if self.floor.at(place) is None or (reaches_in and self.moving(owner)):
            return None
        match self.machine(owner):
            case SimulatedPrinter() | SimulatedRetransferPrinter() as printer if reaches_in:
                card = printer.clear_jam()
            case SimulatedLaminator() as laminator if reaches_in:
                card = laminator.take_from_inside()
            case SimulatedTransport() as transport:
                card = transport.take_from_carrier()
            case _:
                card = self.floor.move(place, HAND)
        if card is not None:
            self.floor.move(HAND, REJECT_BIN, into_store=True)
        return card

    def throw_away(self, store: Place, card: PhysicalCard) -> None:
        """Throw a card of a store in the reject bin."""
        self.floor.take(store, card, REJECT_BIN)

    def load(self, blanks: int) -> None:
        """Put new blanks into the magazine."""
        self.floor.load_blanks(blanks, self.chips)

    def wants_cleaning_card(self, name: str) -> bool:
        """Tell whether this is a printer that could be cleaner, and its slot is empty."""
        match self.stations[name].machine if name in self.stations else None:
            case SimulatedPrinter() | SimulatedRetransferPrinter() as printer:
                return printer.wants_cleaning_card
            case _:
                return False

    def put_in_cleaning_card(self, name: str) -> None:
        """Put a cleaning card into a printer's slot for it; a cleaning card is no blank."""
        machine = self.machine(name)
        assert isinstance(machine, SimulatedPrinter | SimulatedRetransferPrinter), name
        machine.insert_cleaning_card()

    def put_right(self, name: str, code: str, *, opened: bool) -> None:
        """Close, refill and repair what a look at the machine shows to be wrong.

        A laminator that has to be `opened` gets new film and heaters, whatever it has reported:
        what else is wrong with it only shows when it is started again.
        """
        match self.machine(name):
            case SimulatedPrinter() as printer:
                printer.close_cover()
                if code == CONSUMABLE_EMPTY or printer.ribbon_left <= 0:
                    printer.refill_ribbon()
            case SimulatedRetransferPrinter() as printer:
                printer.close_cover()
                printer.repair_roller()
                if code == CONSUMABLE_EMPTY or opened or printer.faces_left < FACES_OF_A_CARD:
                    printer.refill()
            case SimulatedLaminator() as laminator:
                laminator.close_door()
                if opened or code == CONSUMABLE_EMPTY:
                    laminator.refill_film()
                if opened:
                    laminator.repair_heat(1)
                    laminator.repair_heat(2)
            case _:
                pass


def card_serial(card: PhysicalCard) -> str:
    """Read the card's serial from its chip, as hexadecimal digits; nothing if it tells none."""
    serial = bytes(card.chip.files[_MANAGEMENT_FILE][_CARD_SERIAL])
    return "" if card.chip.health is ChipHealth.MUTE or not any(serial) else serial.hex()


def flaw(card: PhysicalCard) -> str:
    """Say what anybody can see to be wrong with a card, or nothing."""
    if card.damaged:
        return "damaged"
    if card.misprinted:
        return "misprint"
    return "" if all(card.laminations) else "lamination"


def is_blank(card: PhysicalCard) -> bool:
    """Tell whether nothing is printed on a card."""
    return not card.front and not card.back
