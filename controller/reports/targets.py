"""The figures of `report targets`: where the programme stands, and when it will be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.programme import Milestone, Phase, Programme, YearTarget
from controller.reports.reading import Basis, Period, dispatched, orders_open_at
from jobs.rows import DayCount
from jobs.standing import Standing, counts_of, plan_to_date, stand, turnaround
from jobs.working_calendar import WorkingCalendar

if TYPE_CHECKING:  # it brings numpy, which a centre needs only when a report is made
    from jobs.forecast import Forecast

#: A report of the same ledger is the same report.
FORECAST_SEED = 1
BAND_SHARE = 0.8
_WEEK = timedelta(days=7)
_ONE_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)

Points = tuple[tuple[date, float], ...]


@dataclass(frozen=True, slots=True)
class YearFigures:
    """One year's target, and what it has brought by the day of the report."""

    year: int
    target: int
    plan: float
    counted: int


@dataclass(frozen=True, slots=True)
class BurnUpFigures:
    """What was planned and reached in a stretch, and where the band of the forecast goes."""

    begins: date
    ends: date
    plan: Points
    done: Points
    expected: Points
    band: tuple[tuple[date, float, float], ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a programme stands on the evening of a day."""

    title: str
    title_zh: str
    part_of: str
    standing: Standing
    forecast: Forecast
    band_share: float
    turnaround_days: tuple[int, int] | None  # median and 99th percentile, of the year's cards
    fees_cents: int
    relieved: int
    received: int
    spoiled: int  # cards, each made again
    years: tuple[YearFigures, ...]
    phases: tuple[Phase, ...]
    milestones: tuple[Milestone, ...]
    year_burn_up: BurnUpFigures = field(metadata={"plain": False})
    whole_burn_up: BurnUpFigures = field(metadata={"plain": False})


def targets(basis: Basis, programme: Programme, today: date) -> Targets:
    """Work out where a programme stands on the evening of a day."""
    calendar = basis.calendar
    rows = counts_of(programme, basis.day_counts(), today)
    orders = orders_open_at(basis.store, Period(today, today).ends_us)
    standing = stand(programme, calendar, rows, orders, today)
    target = next(one for one in programme.targets if one.year == standing.year)
    from jobs.forecast import forecast

    expected = forecast(
        counted_by_working_day(rows, calendar, today),
        standing.people - standing.counted,
        calendar,
        today,
        target.ends,
        standing.year_counted,
        FORECAST_SEED,
        BAND_SHARE,
    )
    return Targets(
        title=programme.title,
        title_zh=programme.title_zh,
        part_of=programme.part_of,
        standing=standing,
        forecast=expected,
        band_share=BAND_SHARE,
        turnaround_days=turnaround_of(basis, programme, _until(target, today)),
        fees_cents=sum(row.fees_cents for row in rows),
        relieved=sum(row.relieved for row in rows),
        received=sum(row.received for row in rows),
        spoiled=sum(row.spoiled for row in rows),
        years=years(programme, calendar, rows, today),
        phases=programme.phases,
        milestones=programme.milestones,
        year_burn_up=_year_burn_up(programme, calendar, rows, standing, expected),
        whole_burn_up=_whole_burn_up(programme, calendar, rows, standing, expected),
    )


def years(
    programme: Programme, calendar: WorkingCalendar, rows: Sequence[DayCount], today: date
) -> tuple[YearFigures, ...]:
    """Return every year's target beside what it has brought."""
    counted: Counter[int] = Counter()
    for row in rows:
        target = programme.target_of(date.fromisoformat(row.day))
        counted[target.year if target else 0] += row.counted
    return tuple(
        YearFigures(
            one.year, one.people, _planned_in(programme, calendar, one, today), counted[one.year]
        )
        for one in programme.targets
    )


def turnaround_of(basis: Basis, programme: Programme, period: Period) -> tuple[int, int] | None:
    """Return median and 99th percentile of working days from receipt to dispatch."""
    within = [one.code for one in programme.prefectures] if programme.part_of else [""]
    pairs = (pair for code in within for pair in dispatched(basis.store, period, code))
    return turnaround(pairs, basis.calendar)


def counted_by_working_day(
    rows: Sequence[DayCount], calendar: WorkingCalendar, today: date
) -> list[tuple[date, int]]:
    """Return the people of every working day from the first that was counted.

    Those of a day off go with the working day before it.
    """
    counted: Counter[date] = Counter()
    for row in rows:
        counted[date.fromisoformat(row.day)] += row.counted
    begun = min((day for day, people in counted.items() if people), default=None)
    if begun is None:
        return []
    found: list[tuple[date, int]] = []
    for day in _days(begun, today):
        if not found or calendar.works(day):
            found.append((day, counted[day]))
        else:
            found[-1] = (found[-1][0], found[-1][1] + counted[day])
    return found


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += _ONE_DAY


def _until(target: YearTarget, today: date) -> Period:
    return Period(target.begins, max(target.begins, min(today, target.ends)))


def _planned_in(
    programme: Programme, calendar: WorkingCalendar, target: YearTarget, today: date
) -> float:
    """Return the part of the plan to date that falls on one target."""
    by_its_end = plan_to_date(programme, calendar, min(today, target.ends))
    before = plan_to_date(programme, calendar, target.begins - _ONE_DAY)
    return max(by_its_end - before, 0.0)


def _year_burn_up(
    programme: Programme,
    calendar: WorkingCalendar,
    rows: Sequence[DayCount],
    standing: Standing,
    expected: Forecast,
) -> BurnUpFigures:
    target = next(one for one in programme.targets if one.year == standing.year)
    before = plan_to_date(programme, calendar, target.begins - _ONE_DAY)
    days = _marks(target.begins, target.ends, _WEEK)
    plan = tuple((day, plan_to_date(programme, calendar, day) - before) for day in days)
    here = (standing.today, float(standing.year_counted))
    forward: Points = ()
    band: tuple[tuple[date, float, float], ...] = ()
    if expected.days_used and standing.today < target.ends:
        forward = (here, (target.ends, float(expected.year_median)))
        band = (
            (here[0], here[1], here[1]),
            (target.ends, float(expected.year_low), float(expected.year_high)),
        )
    done = _reached(rows, target.begins, min(standing.today, target.ends))
    return BurnUpFigures(target.begins, target.ends, plan, done, forward, band)


def _whole_burn_up(
    programme: Programme,
    calendar: WorkingCalendar,
    rows: Sequence[DayCount],
    standing: Standing,
    expected: Forecast,
) -> BurnUpFigures:
    begins, ends = programme.targets[0].begins, programme.targets[-1].ends
    days = sorted({*_marks(begins, ends, _MONTH), *(one.ends for one in programme.targets)})
    plan = tuple((day, plan_to_date(programme, calendar, day)) for day in days)
    today, counted, people = standing.today, float(standing.counted), float(standing.people)
    forward: Points = ()
    band: tuple[tuple[date, float, float], ...] = ()
    low, median, high = expected.low, expected.median, expected.high
    if expected.days_used and median and median > today:
        forward = ((today, counted), (median, people))
    if forward and low and high and today < low < high:
        slow = counted + (people - counted) * ((low - today).days / (high - today).days)
        band = ((today, counted, counted), (low, slow, people), (high, people, people))
    done = _reached(rows, begins, min(today, ends))
    return BurnUpFigures(begins, ends, plan, done, forward, band)


def _marks(first: date, last: date, step: timedelta) -> list[date]:
    count = (last - first) // step
    return [*(first + number * step for number in range(count + 1)), last]


def _reached(rows: Sequence[DayCount], first: date, last: date) -> Points:
    """Return the sum of what was counted from the first day on, by day."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row.day] += row.counted
    total, found = 0, []
    for day in _days(first, last):
        total += counted[day.isoformat()]
        found.append((day, float(total)))
    return tuple(found)
