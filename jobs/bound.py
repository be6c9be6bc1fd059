"""The least time in which a run's cards could have been made, whatever the order of work. Pure.

Worked out afterwards from the service times that were drawn and the stops that were recorded for a
station's own reasons. The scheduler does not import it, and it knows nothing of how the work was
really shared out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum


@dataclass(frozen=True, slots=True)
class Stage:
    """Parallel stations that every card of the run needs one of."""

    name: str
    stations: int
    services_s: tuple[float, ...]  # of every card that was worked on, remakes included
    stops_s: tuple[float, ...] = ()  # of its stations, for reasons of their own
    suspensions_s: tuple[float, ...] = ()  # for a neighbour's reason: told, but not in the bound
    way_in_s: float = 0.0  # least time from the start of the run to a first card at this stage
    way_out_s: float = 0.0  # least time from a card's end at this stage to its box

    def __post_init__(self) -> None:
        assert self.stations >= 1, self.name
        ways_s = (self.way_in_s, self.way_out_s)
        assert min((*self.services_s, *self.stops_s, *self.suspensions_s, *ways_s)) >= 0, self.name


@dataclass(frozen=True, slots=True)
class StageBound:
    """What one stage alone needs."""

    name: str
    seconds: float
    stops_s: float  # of all its stations, counted in
    suspended_s: float  # of all its stations, not counted in
    seconds_with_suspension: float


@dataclass(frozen=True, slots=True)
class Bound:
    """What every stage needs; the run needs at least as long as the slowest of them."""

    stages: tuple[StageBound, ...]

    @property
    def bottleneck(self) -> StageBound:
        """The stage that needs longest; of equals the first."""
        return max(self.stages, key=lambda stage: stage.seconds)

    @property
    def seconds(self) -> float:
        """The lower bound of the makespan."""
        return self.bottleneck.seconds

    def gap_percent(self, makespan_s: float) -> float:
        """Return by how much a makespan lies over the bound."""
        return _over_percent(makespan_s, self.seconds)

    def gap_with_suspension_percent(self, makespan_s: float) -> float:
        """Return the gap if what a neighbour's stop cost the bottleneck were in the bound too."""
        return _over_percent(makespan_s, self.bottleneck.seconds_with_suspension)


def lower_bound(stages: Iterable[Stage]) -> Bound:
    """Return what each stage needs: its work and stops shared evenly, and the way in and out."""
    found = tuple(_bound_of(stage) for stage in stages)
    assert found, "a run has stages"
    return Bound(found)


def _bound_of(stage: Stage) -> StageBound:
    return StageBound(
        stage.name,
        _least_s(stage, stage.stops_s),
        fsum(stage.stops_s),
        fsum(stage.suspensions_s),
        _least_s(stage, (*stage.stops_s, *stage.suspensions_s)),
    )


def _over_percent(makespan_s: float, least_s: float) -> float:
    assert least_s > 0, "no work, no bound"
    return (makespan_s / least_s - 1) * 100


def _least_s(stage: Stage, stops_s: tuple[float, ...]) -> float:
    if not stage.services_s:
        return 0.0
    shared_s = fsum((*stage.services_s, *stops_s)) / stage.stations
    # No sharing makes one card's service shorter.
    work_s = max(shared_s, *stage.services_s)
    return stage.way_in_s + work_s + stage.way_out_s
