"""The stations whose time is accounted for, and what a station of each kind is there for. Pure."""

from dataclasses import dataclass

from config.centre import Centre, StationKind
from jobs.states import CardState

TRANSPORT = "transport"

#: The act that a station of a kind is there for.
PRODUCT_ACT = {
    StationKind.PRINTER.value: "print",
    StationKind.LAMINATOR.value: "laminate",
    StationKind.ENCODER.value: "encode",
    StationKind.READER.value: "read_back",
    StationKind.INSPECTION.value: "inspect",
    TRANSPORT: "move",
}
#: What a card is when it needs that act next.
AWAITED = {
    StationKind.PRINTER.value: CardState.BLANK,
    StationKind.LAMINATOR.value: CardState.PRINTED,
    StationKind.ENCODER.value: CardState.LAMINATED,
    StationKind.READER.value: CardState.ENCODED,
    StationKind.INSPECTION.value: CardState.LAMINATED,
}
INSPECTING = frozenset({StationKind.READER.value, StationKind.INSPECTION.value})


@dataclass(frozen=True, slots=True)
class TimedStation:
    """A station, or a line's transport, whose time is accounted for."""

    name: str
    kind: str  # a `StationKind`, or TRANSPORT
    line: str


def stations_of(centre: Centre) -> tuple[TimedStation, ...]:
    """Return all stations of a centre, each line's in their order and then its transport."""
    return tuple(
        station
        for line in centre.lines
        for station in (
            *(TimedStation(one.name, one.kind.value, line.name) for one in line.stations),
            TimedStation(f"{line.name}-transport", TRANSPORT, line.name),
        )
    )
