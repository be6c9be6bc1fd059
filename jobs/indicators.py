"""Indicators of ISO 22400-2:2014 per station and line, from an account of their time. Pure.

The standard's names, and what of our causes they are made of:

| name | is | of our causes |
| --- | --- | --- |
| APT, actual production time | the unit produces | producing |
| AUST, actual unit set-up time | it is made ready | changeover |
| ADET, actual unit delay time | an interruption while there is work for it | down, held, blocked |
| AUBT, actual unit busy time | APT + AUST + ADET | |
| ADOT, actual unit down time | available, and no order is executed | starved, stopped |
| PBT, planned busy time | AUBT + ADOT | the shifts' time, and overtime worked |
| PRI, planned run time per item | handed in, per act | |
| PQ, GQ | produced quantity; good quantity, the part of it that was not rejected | |

availability = APT / PBT, effectiveness = PRI x PQ / APT, quality ratio = GQ / PQ, OEE index = their
product, first-pass yield = good at the first inspection / inspected. A ratio without a denominator
is None. An item needs several acts of some stations (insert and print), so PRI x PQ is summed over
acts. Effectiveness against medians of the same stretch (`TimeAccount.median_us`) says how steadily
a station works; against the maker's times, how fast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobs.station_causes import Cause
from jobs.station_time import StationTime, TimeAccount
from jobs.timed_stations import TRANSPORT


@dataclass(frozen=True, slots=True)
class Indicators:
    """Times and quantities of one station or several, and the ratios of them."""

    apt_us: int
    aust_us: int
    adet_us: int
    adot_us: int
    planned_run_us: int  # PRI x PQ
    produced: int  # PQ
    good: int  # GQ
    inspected: int
    passed_first: int

    @property
    def aubt_us(self) -> int:
        """Actual unit busy time: it is taken up by an order."""
        return self.apt_us + self.aust_us + self.adet_us

    @property
    def pbt_us(self) -> int:
        """Planned busy time: all time but what is off shift."""
        return self.aubt_us + self.adot_us

    @property
    def availability(self) -> float | None:
        """APT / PBT: the part of the planned time in which it produced."""
        return _ratio(self.apt_us, self.pbt_us)

    @property
    def effectiveness(self) -> float | None:
        """PRI x PQ / APT: the time that its works should have taken to what they took."""
        return _ratio(self.planned_run_us, self.apt_us)

    @property
    def quality_ratio(self) -> float | None:
        """GQ / PQ."""
        return _ratio(self.good, self.produced)

    @property
    def oee_index(self) -> float | None:
        """Availability x effectiveness x quality ratio."""
        factors = (self.availability, self.effectiveness, self.quality_ratio)
        product = 1.0
        for factor in factors:
            if factor is None:
                return None
            product *= factor
        return product

    @property
    def first_pass_yield(self) -> float | None:
        """Cards that were good at their first inspection / cards inspected."""
        return _ratio(self.passed_first, self.inspected)


@dataclass(frozen=True, slots=True)
class LineIndicators:
    """A line's figures. PQ and GQ are the line's: cards that ended, and those that were packed."""

    line: str
    bottleneck_kind: str  # "" when none of its stations had planned time
    bottleneck: Indicators | None
    stations: Indicators  # all of them but the transport


def of_station(time: StationTime, planned_us: Mapping[tuple[str, str], int]) -> Indicators:
    """Return a station's indicators; `planned_us` is PRI by kind of station and act.

    Raises `KeyError` for an act that was done and has no planned time.
    """
    works = time.works
    return Indicators(
        apt_us=time.spent_us(Cause.PRODUCING),
        aust_us=time.spent_us(Cause.CHANGEOVER),
        adet_us=time.spent_us(Cause.DOWN, Cause.HELD, Cause.BLOCKED),
        adot_us=time.spent_us(Cause.STARVED, Cause.STOPPED),
        planned_run_us=sum(
            planned_us[time.kind, act] * count for act, count in works.acts.items() if count
        ),
        produced=works.produced,
        good=works.produced - works.rejected,
        inspected=works.inspected,
        passed_first=works.passed_first,
    )


def of_line(
    account: TimeAccount, line: str, planned_us: Mapping[tuple[str, str], int]
) -> LineIndicators:
    """Return the figures of a line's bottleneck and of all its stations."""
    times = [one for one in account.stations if one.line == line]
    carried_by = [one for one in times if one.kind != TRANSPORT]
    kind = bottleneck_kind(times)
    at_bottleneck = [one for one in times if one.kind == kind]

    def figures(some: Sequence[StationTime]) -> Indicators:
        return _of_the_line(account, line, some, carried_by, planned_us)

    return LineIndicators(line, kind, figures(at_bottleneck) if kind else None, figures(carried_by))


def bottleneck_kind(times: Sequence[StationTime]) -> str:
    """Return the kind of station that waited least for the others, starved or blocked."""
    shares: dict[str, float] = {}
    for kind in dict.fromkeys(time.kind for time in times):
        own = [time for time in times if time.kind == kind]
        planned_us = sum(sum(t.seconds_us.values()) - t.spent_us(Cause.OFF_SHIFT) for t in own)
        waited_us = sum(time.spent_us(Cause.STARVED, Cause.BLOCKED) for time in own)
        if planned_us:
            shares[kind] = waited_us / planned_us
    return min(shares, key=lambda kind: shares[kind], default="")


def _of_the_line(
    account: TimeAccount,
    line: str,
    times: Iterable[StationTime],
    inspecting: Iterable[StationTime],
    planned_us: Mapping[tuple[str, str], int],
) -> Indicators:
    """Add up the times of some stations; the quantities are those of the whole line."""
    found = [of_station(time, planned_us) for time in times]
    ended = account.lines[line]
    inspections = [time.works for time in inspecting]
    return Indicators(
        apt_us=sum(one.apt_us for one in found),
        aust_us=sum(one.aust_us for one in found),
        adet_us=sum(one.adet_us for one in found),
        adot_us=sum(one.adot_us for one in found),
        planned_run_us=sum(one.planned_run_us for one in found),
        produced=ended.packed + ended.spoiled,
        good=ended.packed,
        inspected=sum(one.inspected for one in inspections),
        passed_first=sum(one.passed_first for one in inspections),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
