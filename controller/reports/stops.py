"""The stops of stations: how long each lasted and what for, from changes of stations alone.

So a month of stops is read without a month of works. Where every second went is the account of time
in `jobs/station_time.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from controller.reports.reading import Basis, spans_of, stop_events
from jobs.station_causes import Cause
from jobs.station_time import Span, station_spans

#: What is shorter is on the way from one state to another.
SHORTEST_US = 1_000_000
#: What a station does not work for; waiting for cards is no stop.
STOPS = (Cause.DOWN, Cause.HELD, Cause.STOPPED, Cause.BLOCKED, Cause.CHANGEOVER)


@dataclass(frozen=True, slots=True)
class Lost:
    """What one cause took from all stations together."""

    cause: str
    reason: str
    stops: int
    time_us: int


def stops(basis: Basis, from_us: int, until_us: int) -> list[Span]:
    """Return the stops in a stretch of time, longest first."""
    spans = station_spans(
        stop_events(basis.store, from_us, until_us),
        basis.stations,
        spans_of(basis.shifts, from_us, until_us),
        from_us,
        until_us,
    )
    found = [
        span
        for span in spans
        if span.cause in STOPS and span.ends_us - span.begins_us >= SHORTEST_US
    ]
    return sorted(found, key=lambda span: (span.begins_us - span.ends_us, span.begins_us))


def lost(spans: Iterable[Span]) -> tuple[Lost, ...]:
    """Add stops up by what they were for, the greatest loss first."""
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for span in spans:
        times[span.cause.value, span.reason].append(span.ends_us - span.begins_us)
    found = (Lost(*key, len(some), sum(some)) for key, some in times.items())
    return tuple(sorted(found, key=lambda one: (-one.time_us, one.cause, one.reason)))
