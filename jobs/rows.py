"""What the books know of each batch, order, card, work, box, station and line.

Plain mutable records that only `jobs.books.Books` changes. Their fields are also the columns of the
ledger's tables (`jobs/ledger/schema.sql`); the columns named `fixed` never change again.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from jobs.load import Load
from jobs.states import BatchState, CardState, OrderState, StationState

HAND = "removed by hand"
MAGAZINE = "magazine"
CARRIER = "between sensors"
REJECT_BIN = "reject bin"
QUARANTINE_BIN = "quarantine bin"
SAMPLE_TRAY = "sample tray"


def infeed(station: str) -> str:
    """Name the place where the transport hands a workpiece to a station."""
    return f"{station} infeed"


def inside(station: str) -> str:
    """Name the inside of a station."""
    return f"{station} inside"


def outfeed(station: str) -> str:
    """Name the place where a station leaves a workpiece."""
    return f"{station} outfeed"


def tray(number: int) -> str:
    """Name a finished tray."""
    return f"tray {number}"


class WorkState(StrEnum):
    """Open from the intent to the result; the rest are the three outcomes."""

    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


class BoxState(StrEnum):
    """A box from its first card to the courier."""

    OPEN = "open"
    SEALED = "sealed"
    DISPATCHED = "dispatched"


@dataclass(slots=True)
class Batch:
    """The accepted applications of one package."""

    table: ClassVar[str] = "batches"
    fixed: ClassVar[tuple[str, ...]] = ("package_number", "product", "county", "received_us")
    id: str
    package_number: str
    product: str
    county: str
    state: BatchState
    received_us: int
    applications: int
    refused: int = 0
    reason: str = ""
    closed_us: int = 0


@dataclass(slots=True)
class Order:
    """One card promised to one person."""

    table: ClassVar[str] = "orders"
    fixed: ClassVar[tuple[str, ...]] = (
        "batch",
        "position",
        "county",
        "product",
        "received_us",
        "person_key",
        "approval_key",
        "load",
        "fee_type",
        "fee_cents",
    )
    id: str
    batch: str
    position: int
    county: str
    product: str
    express: bool
    reason_code: str
    received_us: int
    promise_date: str
    state: OrderState
    person_key: str
    approval_key: str
    load: Load
    fee_type: str = ""  # as the package says; empty when it does not
    fee_cents: int = 0
    attempts: int = 0
    spoiled: int = 0
    reason: str = ""
    card: str = ""
    done_us: int = 0
    counted: bool = False  # its dispatch was progress: the first such card of this person


@dataclass(slots=True)
class Card:
    """One physical card and where the books say it is."""

    table: ClassVar[str] = "cards"
    fixed: ClassVar[tuple[str, ...]] = ("order", "attempt", "line", "issued_us")
    id: str
    order: str
    attempt: int
    line: str
    state: CardState
    place: str
    issued_us: int
    chip_serial: str = ""
    card_serial: str = ""
    state_before_doubt: str = ""
    reason_before_doubt: str = ""  # why it was condemned already
    reason: str = ""
    box: str = ""
    may_be_at: tuple[str, ...] = ()  # while in doubt: where a machine may have left it


@dataclass(slots=True)
class Work:
    """One attempt at one operation by one station on one load of cards."""

    table: ClassVar[str] = "works"
    fixed: ClassVar[tuple[str, ...]] = (
        "act",
        "station",
        "cards",
        "begun_us",
        "source",
        "destination",
        "note",
    )
    id: str
    act: str
    station: str
    cards: tuple[str, ...]
    state: WorkState
    begun_us: int
    source: str = ""
    destination: str = ""
    note: dict[str, str | int] = field(default_factory=dict)
    finished_us: int = 0


@dataclass(slots=True)
class Box:
    """One county's cards of one batch."""

    table: ClassVar[str] = "boxes"
    fixed: ClassVar[tuple[str, ...]] = ("batch", "county", "line", "tray", "opened_us")
    id: str
    batch: str
    county: str
    line: str
    tray: str
    state: BoxState
    opened_us: int
    cards: int = 0
    sealed_us: int = 0
    dispatched_us: int = 0


@dataclass(slots=True)
class Station:
    """A station's PackML state as last recorded."""

    table: ClassVar[str] = "stations"
    fixed: ClassVar[tuple[str, ...]] = ()
    id: str
    state: StationState
    since_us: int
    reason: str = ""
    code: str = ""
    machine_serial: str = ""


@dataclass(slots=True)
class Line:
    """A line's authorisation and its account of blanks."""

    table: ClassVar[str] = "lines"
    fixed: ClassVar[tuple[str, ...]] = ()
    id: str
    running: bool = False
    reason: str = ""
    loaded: int = 0
    returned: int = 0
    samples: int = 0
    taken: int = 0

    @property
    def in_magazine(self) -> int:
        """Blanks in the magazine that no order has been promised."""
        return self.loaded - self.returned - self.samples - self.taken


@dataclass(slots=True)
class Refusal:
    """An application or a whole package that was not taken in."""

    table: ClassVar[str] = "refusals"
    fixed: ClassVar[tuple[str, ...]] = ()
    id: str
    package_number: str
    batch: str
    position: int  # 0 when the whole package is refused, else the application's place in it
    at_us: int
    held: bool
    reasons: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class DayCount:
    """What happened on one day to the orders of one county, product and load."""

    table: ClassVar[str] = "day_counts"
    fixed: ClassVar[tuple[str, ...]] = ("day", "county", "product", "load")
    id: str
    day: str  # in China, YYYY-MM-DD
    county: str
    product: str  # empty for a refused application that names none
    load: str  # empty for a refused application
    received: int = 0
    refused: int = 0
    made: int = 0  # packed; an order whose packed card is spoiled is made again
    spoiled: int = 0  # cards
    dispatched: int = 0
    counted: int = 0  # of those dispatched: progress of the programme
    fees_cents: int = 0  # of those received
    relieved: int = 0  # of those received


Row = Batch | Order | Card | Work | Box | Station | Line | Refusal | DayCount
