"""Every second of every station put to a cause, over any stretch of the ledger. Pure.

The causes are those of `jobs/station_causes.py` (its table says which wins), with the shifts laid
over them: outside every shift a station's time is *off shift*, except what it really produced then,
which stays *producing* with the reason `overtime`. The spans of a station tile the stretch exactly,
in whole microseconds. What the figures mean is worked out in `jobs/indicators.py`; reading the
ledger is the caller's part.

**What the caller hands in.** Events in the ledger's order: all of the stretch, the first one after
it (if that is an opening of the ledger, no centre ran before it), and of what was before `from_us`

- the last opening of the ledger, the last change of each line, the last two of each station, and
- everything since the earliest issue of a card that was still on a line at `from_us`.

Then the spans are those of the whole ledger, cut. With less the seconds still add up: a station
without a change counts as stopped, a line without one as running, a hold on its way out has no
reason, and a card that lay still across `from_us` is only noticed when it is next worked on.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.events import Event, Kind
from jobs.shifts import ShiftSpan
from jobs.station_causes import Cause, Change, StationCauses
from jobs.station_works import Ended, StationWorks, WorkCounts
from jobs.timed_stations import TimedStation

OVERTIME = "overtime"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a station's time with one cause."""

    station: str
    cause: Cause
    reason: str  # a code, or a word that the causes' page names; else ""
    begins_us: int
    ends_us: int


@dataclass(frozen=True, slots=True)
class StationTime:
    """What a station's time went to, and what it made in it."""

    station: str
    kind: str
    line: str
    seconds_us: Mapping[tuple[Cause, str], int]  # microseconds, by cause and reason
    works: StationWorks

    @property
    def works_done(self) -> int:
        """Cards on which it did what it is there for, good or bad."""
        return self.works.produced

    @property
    def works_rejected(self) -> int:
        """Those of them that came out bad or doubtful."""
        return self.works.rejected

    def spent_us(self, *causes: Cause) -> int:
        """Return how much time went to some causes."""
        return sum(spent for (cause, _), spent in self.seconds_us.items() if cause in causes)

    @property
    def overtime_us(self) -> int:
        """How much it produced outside of every shift."""
        return self.seconds_us.get((Cause.PRODUCING, OVERTIME), 0)


@dataclass(frozen=True, slots=True)
class TimeAccount:
    """A stretch of time of some stations, all of it accounted for."""

    begins_us: int
    ends_us: int
    stations: tuple[StationTime, ...]
    lines: Mapping[str, Ended]  # cards whose making ended, by line
    median_us: Mapping[tuple[str, str], int]  # of a done work, by kind of station and act


def station_spans(
    events: Iterable[Event],
    stations: Sequence[TimedStation],
    shifts: Sequence[ShiftSpan],
    from_us: int,
    until_us: int,
) -> Iterator[Span]:
    """Yield the spans that tile the stretch of every station, each station's in order.

    `shifts` are those that share time with the stretch, in order.
    """
    causes, tiling = StationCauses(stations), _Tiling(stations, shifts, from_us, until_us)
    for event in events:
        after = event.time_us >= until_us
        if after and event.kind is not Kind.LEDGER_OPENED:
            break
        for change in causes.see(event):
            yield from tiling.change(change)
        if after:
            break  # it told that no centre ran up to the end of the stretch
    yield from tiling.finish()


def time_account(
    events: Iterable[Event],
    stations: Sequence[TimedStation],
    shifts: Sequence[ShiftSpan],
    from_us: int,
    until_us: int,
) -> TimeAccount:
    """Return where the time of all stations went, and what was made in it, in one reading."""
    counts = WorkCounts(stations, from_us, until_us)
    spent: dict[str, dict[tuple[Cause, str], int]] = {one.name: {} for one in stations}
    for span in station_spans(counts.watching(events), stations, shifts, from_us, until_us):
        seconds, key = spent[span.station], (span.cause, span.reason)
        seconds[key] = seconds.get(key, 0) + span.ends_us - span.begins_us
    return TimeAccount(
        from_us,
        until_us,
        tuple(
            StationTime(one.name, one.kind, one.line, spent[one.name], counts.of(one.name))
            for one in stations
        ),
        counts.lines(),
        counts.median_us(),
    )


class _Tiling:
    """Cuts the time between changes at the shifts' borders, and joins what has one cause."""

    def __init__(
        self,
        stations: Sequence[TimedStation],
        shifts: Sequence[ShiftSpan],
        from_us: int,
        until_us: int,
    ) -> None:
        self._shifts = shifts
        self._begins = [shift.begins_us for shift in shifts]
        self._from_us, self._until_us = from_us, until_us
        self._now = {one.name: (Cause.STOPPED, "") for one in stations}
        self._since_us: dict[str, int] = defaultdict(lambda: from_us)
        self._pending: dict[str, Span] = {}

    def change(self, change: Change) -> Iterator[Span]:
        """Take note of a change; yield what it has completed."""
        yield from self._until(change.station, max(change.at_us, self._from_us))
        self._now[change.station] = (change.cause, change.reason)

    def finish(self) -> Iterator[Span]:
        """Yield what is left up to the end of the stretch."""
        for station in self._now:
            yield from self._until(station, self._until_us)
            if station in self._pending:
                yield self._pending[station]

    def _until(self, station: str, at_us: int) -> Iterator[Span]:
        cause, reason = self._now[station]
        for on_shift, begins_us, ends_us in self._parts(self._since_us[station], at_us):
            if on_shift:
                part = Span(station, cause, reason, begins_us, ends_us)
            elif cause is Cause.PRODUCING:
                part = Span(station, cause, OVERTIME, begins_us, ends_us)
            else:
                part = Span(station, Cause.OFF_SHIFT, "", begins_us, ends_us)
            yield from self._joined(part)
        self._since_us[station] = at_us

    def _joined(self, part: Span) -> Iterator[Span]:
        last = self._pending.get(part.station)
        if last is not None and (last.cause, last.reason) == (part.cause, part.reason):
            part = Span(part.station, part.cause, part.reason, last.begins_us, part.ends_us)
        elif last is not None:
            yield last
        self._pending[part.station] = part

    def _parts(self, begins_us: int, ends_us: int) -> Iterator[tuple[bool, int, int]]:
        """Yield the parts of a stretch: whether within a shift, from when, until when."""
        index = max(bisect_right(self._begins, begins_us) - 1, 0)
        while begins_us < ends_us:
            while index < len(self._shifts) and self._shifts[index].ends_us <= begins_us:
                index += 1
            if index == len(self._shifts):
                yield False, begins_us, ends_us
                return
            shift = self._shifts[index]
            on_shift = shift.begins_us <= begins_us
            border_us = min(shift.ends_us if on_shift else shift.begins_us, ends_us)
            yield on_shift, begins_us, border_us
            begins_us = border_us
