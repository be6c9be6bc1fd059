"""What each stage of a line had to do and when it could not: the measures for a makespan's bound.

Listens to the ledger for works and stops, and takes the machines' own drawn times; it schedules
nothing. The bound itself is worked out in `jobs/bound.py`.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from controller.clock import MICROSECONDS
from jobs.events import Event, Kind
from jobs.rows import WorkState
from jobs.states import StationState

#: The ledger's times are whole microseconds, the loop's are not.
ROUNDING_S = 2e-6


class Motion(Protocol):
    """One motion of a machine: when it began, by the event loop, and how long it was drawn."""

    @property
    def start_s(self) -> float:
        """When it began."""

    @property
    def duration_s(self) -> float:
        """How long it was drawn to take."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time at one station."""

    station: str
    begin_s: float
    end_s: float
    card: str = ""
    suspended: bool = False  # of a stop: for a neighbour's reason, not its own


@dataclass(slots=True)
class StageTimes:
    """Works and stops of every station since `begin`, in seconds from then."""

    now_us: Callable[[], int]
    works: list[Window] = field(default_factory=list)
    stops: list[Window] = field(default_factory=list)
    _began_us: int = 0
    _open: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    _stopped: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget what was before: the production begins now."""
        self._began_us = self.now_us()
        self.works.clear()
        self.stops.clear()

    def see(self, event: Event) -> None:
        """Take note of an event: a listener of the ledger."""
        draft, at_s = event.draft, (event.time_us - self._began_us) / MICROSECONDS
        match event.kind:
            case Kind.WORK_BEGUN:
                self._open[draft.work] = (draft.station, at_s, draft.card)
            case Kind.WORK_FINISHED if draft.work in self._open:
                station, begun_s, card = self._open.pop(draft.work)
                if draft.data["outcome"] == WorkState.DONE.value:
                    self.works.append(Window(station, begun_s, at_s, card))
            case Kind.STATION_CHANGED:
                self._change(draft.station, draft.data["state"], at_s)
            case _:
                pass

    def works_of(self, stations: Collection[str]) -> list[Window]:
        """Return the finished works of some stations."""
        return [work for work in self.works if work.station in stations]

    def stops_within(self, begin_s: float, end_s: float) -> list[Window]:
        """Return all stops between two moments, those that last still included."""
        still = [
            Window(name, begun_s, end_s, suspended=suspended)
            for name, (begun_s, suspended) in self._stopped.items()
        ]
        cut = (
            replace(stop, begin_s=max(stop.begin_s, begin_s), end_s=min(stop.end_s, end_s))
            for stop in [*self.stops, *still]
        )
        return [stop for stop in cut if stop.end_s > stop.begin_s]

    def _change(self, station: str, state: str, at_s: float) -> None:
        """End a stop with the work, or when the neighbour's reason and an own one change places."""
        suspended = state == StationState.SUSPENDED.value
        works = state == StationState.EXECUTE.value
        begun_s, began_suspended = self._stopped.get(station, (at_s, suspended))
        if works or suspended != began_suspended:
            self._stopped.pop(station, None)
            self.stops.append(Window(station, begun_s, at_s, suspended=began_suspended))
        if not works:
            self._stopped.setdefault(station, (at_s, suspended))


def per_card_s(
    works: Sequence[Window], motions: Mapping[str, Sequence[Motion]], origin_s: float
) -> dict[str, float]:
    """Return how long machines moved for each card, by the motions begun during its works."""
    starts = {name: [motion.start_s - origin_s for motion in m] for name, m in motions.items()}
    found: dict[str, float] = {}
    for work in works:
        if work.station not in motions:
            continue
        # One work's end is the next one's beginning: a motion that begins there is the next one's.
        first = bisect_left(starts[work.station], work.begin_s - ROUNDING_S)
        last = bisect_left(starts[work.station], work.end_s - ROUNDING_S)
        moved_s = sum(motion.duration_s for motion in motions[work.station][first:last])
        found[work.card] = found.get(work.card, 0.0) + moved_s
    return found


def idle_parts_s(stop: Window, motions: Sequence[Motion], origin_s: float) -> float:
    """Return how much of a stop the machine stood still: what it moved is its service time."""
    moved_s = 0.0
    for motion in motions:
        begin_s = motion.start_s - origin_s
        overlap_s = min(begin_s + motion.duration_s, stop.end_s) - max(begin_s, stop.begin_s)
        moved_s += max(0.0, overlap_s)
    return max(0.0, stop.end_s - stop.begin_s - moved_s)
