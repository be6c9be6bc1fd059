"""What the centre tells of itself: counts kept as events go by, copied when somebody asks.

`snapshot` is all that a scrape takes of the control loop's time. What the figures are called is in
`controller/metric_families.py`, serving them in `controller/metrics_http.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from config.centre import StationKind
from controller.station_verbs import LineParts
from controller.tally import Histogram, OpenOrder, StationTime, Tally
from jobs.events import Kind
from jobs.ledger.ledger import Ledger
from jobs.states import CardState, StationState

TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class MeteredLine:
    """What is shown of a line."""

    name: str
    kinds: Mapping[str, str]  # station -> kind, the transport included
    in_process: Callable[[], int]
    in_process_max: int
    cleaning_due: Callable[[], Mapping[str, bool]]  # printer -> whether it wants cleaning


def metered(parts: LineParts) -> MeteredLine:
    """Return what is shown of a running line."""
    line = parts.line
    stations = (line.transport, *line.stations)
    kinds = {one.name: one.kind.value if one.kind else TRANSPORT for one in stations}
    printers = [one for one in stations if one.kind is StationKind.PRINTER]
    return MeteredLine(
        line.name,
        kinds,
        lambda: len(parts.feeder.cards),
        line.work_in_process_max,
        lambda: {one.name: one.cleaning_due for one in printers},
    )


@dataclass(frozen=True, slots=True)
class LineFigures:
    """A line of the centre's file."""

    name: str
    running: bool
    in_process: int
    in_process_max: int
    in_magazine: int
    cleaning_due: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class StockFigures:
    """A line's account of blanks; also of a line that the file names no more."""

    loaded: int
    returned: int
    samples: int
    in_magazine: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, as plain figures of one moment that nobody changes any more."""

    now_us: int
    stages: Mapping[str, int]
    verdicts: Mapping[tuple[str, str], int]
    spoils: Mapping[str, int]
    remakes: int
    works: Mapping[tuple[str, str, str], int]
    durations: Mapping[tuple[str, str], Histogram]
    writes: Histogram
    stations: tuple[StationTime, ...]
    card_states: Mapping[CardState, int]
    open_orders: Mapping[OpenOrder, int]
    lines: tuple[LineFigures, ...]
    stocks: tuple[StockFigures, ...]
    events: Mapping[Kind, int]
    ledger_waiting: int
    ledger_fault: bool


class Telemetry:
    """Counts from the moment on at which it is made."""

    def __init__(
        self,
        ledger: Ledger,
        lines: Iterable[MeteredLine],
        now_us: Callable[[], int],
        ledger_fault: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._lines = tuple(lines)
        self._now_us = now_us
        self._ledger_fault = ledger_fault
        self.tally = Tally(ledger.books, self._stopped(now_us()))
        ledger.listeners.append(self.tally.see)
        ledger.on_written = self.tally.waits_s.append

    def snapshot(self) -> Snapshot:
        """Copy the figures of this moment; to be called where events are told."""
        tally, ledger = self.tally, self._ledger
        tally.count()
        return Snapshot(
            now_us=self._now_us(),
            stages=dict(tally.stages),
            verdicts=dict(tally.verdicts),
            spoils=dict(tally.spoils),
            remakes=tally.remakes,
            works=dict(tally.works),
            durations={pair: one.copy() for pair, one in tally.durations.items()},
            writes=tally.writes.copy(),
            stations=tuple(tally.stations.values()),
            card_states=dict(tally.card_states),
            open_orders=dict(tally.open_orders),
            lines=tuple(self._of_line(line) for line in self._lines),
            stocks=tuple(
                StockFigures(one.loaded, one.returned, one.samples, one.in_magazine)
                for one in ledger.books.lines.values()
            ),
            events=dict(tally.events),
            ledger_waiting=ledger.waiting,
            ledger_fault=bool(self._ledger_fault()),
        )

    def _stopped(self, now_us: int) -> Iterable[StationTime]:
        """Return every station stopped until it says otherwise, whatever it was yesterday."""
        for line in self._lines:
            for name, kind in line.kinds.items():
                yield StationTime(line.name, name, kind, StationState.STOPPED, now_us)

    def _of_line(self, line: MeteredLine) -> LineFigures:
        row = self._ledger.books.line(line.name)
        return LineFigures(
            line.name,
            row.running,
            line.in_process(),
            line.in_process_max,
            row.in_magazine,
            line.cleaning_due(),
        )
