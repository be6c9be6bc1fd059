"""The physical truth of one line: every card, what is on it, what its chip holds, where it lies.

The controller never sees this; the tests' checkers compare the books with it. Numbers of places
are the transport's positions (the register map of the transport, Modbus unit 10).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NewType

Place = NewType("Place", str)

MAGAZINE = Place("magazine")
CARRIER = Place("carrier")
HAND = Place("hand")
REJECT_BIN = Place("reject bin")
QUARANTINE_BIN = Place("quarantine bin")
SAMPLE_TRAY = Place("sample tray")

#: Wrong authentications in a row that a chip's key bears before it is blocked for ever.
KEY_TRIES = 10
#: No secret: the value that GlobalPlatform cards are delivered with, the same in every chip.
TEST_KEY = bytes(range(0x40, 0x50))


def infeed(station: int) -> Place:
    """Return where the transport hands a workpiece to station `station` (from 0)."""
    return Place(f"infeed {station}")


def inside(station: int) -> Place:
    """Return the inside of station `station`."""
    return Place(f"inside {station}")


def outfeed(station: int) -> Place:
    """Return where station `station` leaves a workpiece."""
    return Place(f"outfeed {station}")


def reject_box(station: int) -> Place:
    """Return the reject box of station `station`'s own; most machines have none."""
    return Place(f"reject box {station}")


def tray(number: int) -> Place:
    """Return finished tray `number`."""
    return Place(f"tray {number}")


class LifeCycle(IntEnum):
    """Life cycle of the chip's application (tag 8A)."""

    PERSONALISATION = 0x03
    OPERATIONAL = 0x05
    TERMINATED = 0x0C


class ChipHealth(StrEnum):
    """How well a chip works; only its physics knows."""

    GOOD = "good"
    MUTE = "mute"
    FAILS_ON_WRITE = "fails on write"


class Contacts(StrEnum):
    """Which transmission protocols a chip speaks; after power-on it begins with the first."""

    T1 = "T=1"
    T0 = "T=0"
    T0_OR_T1 = "T=0, T=1"


@dataclass(slots=True)
class ChipKeys:
    """The keys of a chip's secure channel, and what the chip counts about them for ever."""

    encryption: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    version: int = 0x30
    parameter: int = 0x00  # i of SCP03: 10 and more means pseudo-random challenges
    sessions: int = 0  # begun with a pseudo-random challenge
    tries_left: int = KEY_TRIES

    @classmethod
    def for_tests(cls) -> "ChipKeys":
        """Return the test keys, which every simulated chip of profile `rid2` is made with."""
        return cls(TEST_KEY, TEST_KEY)


@dataclass(slots=True)
class ChipMemory:
    """The non-volatile memory of one chip; every finished command is in it, power or not."""

    serial: bytes  # 8 bytes, fixed by the maker, unique
    files: dict[int, bytearray] = field(default_factory=dict)
    life_cycle: LifeCycle = LifeCycle.PERSONALISATION
    health: ChipHealth = ChipHealth.GOOD
    keys: ChipKeys | None = None  # without keys: profile `rid2-plain`
    contacts: Contacts = Contacts.T1

    @classmethod
    def new(cls, serial: bytes, keys: ChipKeys | None = None) -> "ChipMemory":
        """Return an empty chip of profile `rid2`, or without keys of `rid2-plain`."""
        files = {1: bytearray(256), 2: bytearray(1024), 3: bytearray(1024), 4: bytearray(280)}
        files[5] = bytearray(serial + bytes(16))
        return cls(serial, files, keys=keys)


@dataclass(slots=True)
class PhysicalCard:
    """One piece of plastic. `number` is a fact of nature that no machine can read."""

    number: int
    chip: ChipMemory
    #: Ink on each face by panel letter ("K", "Y", ...): packed dots as the printer laid them down.
    front: dict[str, bytes] = field(default_factory=dict)
    back: dict[str, bytes] = field(default_factory=dict)
    misprinted: bool = False
    laminations: list[bool] = field(default_factory=list)  # True: within its window
    damaged: bool = False  # bent or torn by a jam


class Full(Exception):
    """Two cards would have to be in one place: physics forbids it."""


class Floor:
    """All places of one line and the cards on them."""

    def __init__(self) -> None:
        self._single: dict[Place, PhysicalCard] = {}
        self._stores: dict[Place, list[PhysicalCard]] = {MAGAZINE: []}
        self._made = 0
        self._arrivals: dict[Place, int] = {}

    def load_blanks(self, count: int, chips: Iterator[ChipMemory]) -> None:
        """Put `count` new blanks on top of the magazine's stack."""
        for _ in range(count):
            self._made += 1
            self._stores[MAGAZINE].append(PhysicalCard(self._made, next(chips)))

    def at(self, place: Place) -> PhysicalCard | None:
        """Return the card on a place, or the next one of a store."""
        if place in self._stores:
            cards = self._stores[place]
            return cards[0] if cards else None
        return self._single.get(place)

    def arrivals(self, place: Place) -> int:
        """Return how many cards have come to a place: tells a card that left and came back."""
        return self._arrivals.get(place, 0)

    def store(self, place: Place) -> list[PhysicalCard]:
        """Return a store's cards (magazine, bins, trays), oldest first."""
        return self._stores.setdefault(place, [])

    def move(self, source: Place, destination: Place, *, into_store: bool = False) -> PhysicalCard:
        """Move one card; raises `Full` or `KeyError` where physics says no."""
        if not into_store and destination not in self._stores and destination in self._single:
            raise Full(destination)
        if source in self._stores:
            if not self._stores[source]:
                raise KeyError(source)
            card = self._stores[source].pop(0)
        else:
            card = self._single.pop(source)
        self._arrivals[destination] = self.arrivals(destination) + 1
        if into_store or destination in self._stores:
            self._stores.setdefault(destination, []).append(card)
        else:
            self._single[destination] = card
        return card

    def take(self, store: Place, card: PhysicalCard, destination: Place) -> None:
        """Move one certain card by hand from a store to another; `KeyError` if it is not there."""
        cards = self._stores.get(store, [])
        at = next((at for at, one in enumerate(cards) if one is card), None)
        if at is None:
            raise KeyError(store)
        cards.insert(0, cards.pop(at))
        self.move(store, destination, into_store=True)

    def everything(self) -> list[tuple[Place, PhysicalCard]]:
        """Return every card with its place, by card number."""
        found = [(place, card) for place, card in self._single.items()]
        for place, cards in self._stores.items():
            found.extend((place, card) for card in cards)
        return sorted(found, key=lambda pair: pair[1].number)
