"""The physics of one lamination: how long it takes, what chance does to it, how it turns out.

Yields, times and capacities are plausible figures, not a measured machine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from simulators.floor import PhysicalCard
from simulators.machine import Pace
from simulators.roller import HeatSettings

_LEAST_PRESSURE_SHARE = 0.9  # of what was asked for, else the lamination is bad


class Result(IntEnum):
    """Input register 0x0003."""

    GOOD = 0
    TEMPERATURE = 1
    PRESSURE = 2
    FILM = 3


@dataclass(frozen=True, slots=True)
class LaminatorSettings:
    """Times at pace 1, shares of one motion, capacities."""

    laminate_s: float = 10.5
    feed_s: float = 2.0  # the part of a cycle that is not dwell, should a long dwell be asked for
    eject_s: float = 1.5
    home_s: float = 4.0
    window_c: float = 5.0
    ready_band_c: float = 3.0  # pressing begins this near: a cold card takes some heat away
    over_temperature_c: float = 180.0
    film_capacity_mm: int = 200_000
    film_per_card_mm: int = 95
    jam_share: float = 0.00025
    film_break_share: float = 0.0001
    bad_cycle_share: float = 0.001
    heat: HeatSettings = field(default_factory=HeatSettings)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One pressing: the card, what was asked for, and what chance has drawn for it."""

    card: PhysicalCard
    duration_s: float
    pressure_kpa: int
    heat_taken_c: float
    pressure_share: float
    film_good: bool
    film_breaks: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What the machine has measured of a finished cycle, and its verdict."""

    result: Result = Result.GOOD
    extremes: Sequence[int] = (0, 0, 0, 0)  # 0.1 degree C: low, high of zone 1, then of zone 2
    lowest_kpa: int = 0


def draw_cycle(
    settings: LaminatorSettings,
    pace: Pace,
    card: PhysicalCard,
    dwell_s: float,
    pressure_kpa: int,
) -> Cycle:
    """Draw all of a cycle's chances at once."""
    random = pace.random
    bad = random.random() < settings.bad_cycle_share
    what = random.choice((Result.TEMPERATURE, Result.PRESSURE, Result.FILM)) if bad else None
    too_cold_c = settings.ready_band_c + settings.window_c if what is Result.TEMPERATURE else 0.0
    return Cycle(
        card=card,
        duration_s=pace.draw_s(max(settings.laminate_s, dwell_s + settings.feed_s)),
        pressure_kpa=pressure_kpa,
        heat_taken_c=random.uniform(0.3, 1.8) + too_cold_c,
        pressure_share=random.uniform(0.96, 1.0) - (0.2 if what is Result.PRESSURE else 0.0),
        film_good=what is not Result.FILM,
        film_breaks=random.random() < settings.film_break_share,
    )


def measure(
    cycle: Cycle, window_c: float, zones: Sequence[tuple[float, tuple[float, float]]]
) -> Measured:
    """Judge a cycle by each zone's set point and extremes; the first result that applies counts."""
    extremes: list[int] = []
    in_window = True
    for set_point_c, (low_c, high_c) in zones:
        coldest_c = low_c - cycle.heat_taken_c
        extremes += [max(0, round(10 * coldest_c)), round(10 * high_c)]
        in_window &= set_point_c - window_c <= coldest_c and high_c <= set_point_c + window_c
    if not in_window:
        result = Result.TEMPERATURE
    elif cycle.pressure_share < _LEAST_PRESSURE_SHARE:
        result = Result.PRESSURE
    else:
        result = Result.GOOD if cycle.film_good else Result.FILM
    return Measured(result, extremes, int(cycle.pressure_kpa * cycle.pressure_share))
