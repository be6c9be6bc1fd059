"""Where a programme stands: what was counted, against what was planned by today. Pure.

Everything comes from the ledger's day counts and open orders, a programme and a calendar. A day is
taken as over: today's work is in the plan and in the counts, and what is required or promised falls
on the days after it. Nothing here looks into the future; that is `jobs/forecast.py`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from config.programme import Programme, YearTarget
from jobs.book_rows import OPEN_ORDERS
from jobs.day_counts import china_day
from jobs.load import Load
from jobs.rows import DayCount, Order
from jobs.working_calendar import WorkingCalendar

RECENT_DAYS = 20
OLD_AFTER_DAYS = (15, 30, 45, 60)
#: Holds `RECENT_DAYS` working days whatever holidays lie in it.
_RECENT_SPAN = timedelta(days=60)
_ONE_DAY = timedelta(days=1)
#: Cards of people who were counted before: `person` orders whose dispatch was no progress.
AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Standing:
    """A programme on the evening of one day; people unless another unit is named."""

    today: date
    people: int  # the whole programme's
    counted: int
    plan: float
    ahead_people: float  # less than 0: behind
    ahead_working_days: float
    year: int
    year_target: int
    year_counted: int
    year_plan: float
    required_per_day: float | None  # 0 when done, None when no working day is left to do it in
    working_days_left: int
    load_counted_separately: Mapping[str, int]  # dispatched cards that are no progress, by load
    waiting: int  # open orders, as all below
    older_than: Mapping[int, int]  # days since receipt -> orders
    will_be_late: int
    recent_per_day: float  # orders made a working day, of the last `recent_days` before today
    recent_days: int


def plan_to_date(programme: Programme, calendar: WorkingCalendar, today: date) -> float:
    """Return how many people should be counted by the evening of a day."""
    return sum(_planned(target, calendar, today) for target in programme.targets)


def stand(
    programme: Programme,
    calendar: WorkingCalendar,
    counts: Iterable[DayCount],
    orders: Iterable[Order],
    today: date,
) -> Standing:
    """Work out where a programme stands; of the orders only open ones matter."""
    rows = counts_of(programme, counts, today)
    waiting = open_orders_of(programme, orders)
    counted = sum(row.counted for row in rows)
    plan = plan_to_date(programme, calendar, today)
    target = _target_at(programme, today)
    of_year = between(rows, target.begins, target.ends)
    year_counted = sum(row.counted for row in of_year)
    days_left = calendar.count(max(today + _ONE_DAY, target.begins), target.ends)
    made, recent_days = _recently_made(rows, calendar, today)
    return Standing(
        today=today,
        people=programme.people,
        counted=counted,
        plan=plan,
        ahead_people=counted - plan,
        ahead_working_days=_days_ahead(programme, calendar, counted, today),
        year=target.year,
        year_target=target.people,
        year_counted=year_counted,
        year_plan=_planned(target, calendar, today),
        required_per_day=_required(target.people - year_counted, days_left),
        working_days_left=days_left,
        load_counted_separately=_separately(rows),
        waiting=len(waiting),
        older_than=_older_than(waiting, today),
        will_be_late=_will_be_late(waiting, calendar, today, made, recent_days),
        recent_per_day=made / recent_days if recent_days else 0.0,
        recent_days=recent_days,
    )


def counts_of(
    programme: Programme, counts: Iterable[DayCount], today: date
) -> tuple[DayCount, ...]:
    """Return the counts that are a programme's, from its first day to today."""
    rows = between(counts, programme.begins, today)
    return tuple(row for row in rows if _is_in(programme, row.county))


def open_orders_of(programme: Programme, orders: Iterable[Order]) -> tuple[Order, ...]:
    """Return the open orders that are a programme's."""
    return tuple(
        order for order in orders if order.state in OPEN_ORDERS and _is_in(programme, order.county)
    )


def between(counts: Iterable[DayCount], first: date, last: date) -> tuple[DayCount, ...]:
    """Return the counts of a stretch of days, both ends in."""
    begin, end = first.isoformat(), last.isoformat()
    return tuple(row for row in counts if begin <= row.day <= end)


def turnaround(
    orders_dispatched: Iterable[tuple[int, int]], calendar: WorkingCalendar
) -> tuple[int, int] | None:
    """Return median and 99th percentile (nearest rank) of the working days that orders took.

    Takes moments of receipt and dispatch. The day of receipt does not count: a card that leaves
    on the next working day took one.
    """
    pairs = Counter(
        (china_day(received_us), china_day(dispatched_us))
        for received_us, dispatched_us in orders_dispatched
    )
    taken: Counter[int] = Counter()
    for (received, dispatched), orders in pairs.items():
        taken[calendar.count(received + _ONE_DAY, dispatched)] += orders
    total = taken.total()
    return (_ranked(taken, total, 50), _ranked(taken, total, 99)) if total else None


def _ranked(taken: Counter[int], total: int, percent: int) -> int:
    rank, passed = -(-total * percent // 100), 0
    for days in sorted(taken):
        passed += taken[days]
        if passed >= rank:
            return days
    raise AssertionError("a percentile is one of the values")


def _is_in(programme: Programme, county: str) -> bool:
    """Tell whether a county's people are the programme's: a part's are those of its counties."""
    return not programme.part_of or any(one.code == county for one in programme.counties)


def _planned(target: YearTarget, calendar: WorkingCalendar, today: date) -> float:
    """Return a target's share by a day, even over its working days."""
    if today >= target.ends:
        return target.people
    gone = calendar.count(target.begins, today)
    return target.people * gone / calendar.count(target.begins, target.ends) if gone else 0.0


def _target_at(programme: Programme, today: date) -> YearTarget:
    """Return the target of a day: the last that has begun, else the first."""
    begun = [target for target in programme.targets if target.begins <= today]
    return begun[-1] if begun else programme.targets[0]


def _days_ahead(
    programme: Programme, calendar: WorkingCalendar, counted: int, today: date
) -> float:
    """Return how many working days later (earlier: less than 0) the plan comes to what is counted.

    Days after the last target count as lost until everybody is counted.
    """
    left, days, gone = float(counted), 0.0, 0
    for target in programme.targets:
        length = calendar.count(target.begins, target.ends)
        share = min(left, target.people)
        days += length * share / target.people
        left -= share
        gone += calendar.count(target.begins, min(today, target.ends))
    if counted < programme.people:
        gone += calendar.count(programme.targets[-1].ends + _ONE_DAY, today)
    return days - gone


def _required(people: int, days_left: int) -> float | None:
    if people <= 0:
        return 0.0
    return people / days_left if days_left else None


def _separately(rows: Iterable[DayCount]) -> dict[str, int]:
    found = {Load.FIRST_GENERATION.value: 0, Load.UNDER_16.value: 0, Load.REPLACEMENT.value: 0}
    found[AGAIN] = 0
    for row in rows:
        if row.load in found:
            found[row.load] += row.dispatched
        else:
            found[AGAIN] += row.dispatched - row.counted
    return found


def _older_than(orders: Sequence[Order], today: date) -> dict[int, int]:
    ages = sorted((today - china_day(order.received_us)).days for order in orders)
    return {days: len(ages) - bisect_left(ages, days + 1) for days in OLD_AFTER_DAYS}


def _recently_made(
    rows: Sequence[DayCount], calendar: WorkingCalendar, today: date
) -> tuple[int, int]:
    """Return how many orders the last working days before today made, and how many these were.

    A new centre has fewer days; what was made on a day off counts with the working days around it.
    """
    begun = min((date.fromisoformat(row.day) for row in rows), default=today)
    past = calendar.days(max(begun, today - _RECENT_SPAN), today - _ONE_DAY)
    days = list(past)[-RECENT_DAYS:]
    if not days:
        return 0, 0
    return sum(row.made for row in between(rows, days[0], today - _ONE_DAY)), len(days)


def _will_be_late(
    orders: Sequence[Order], calendar: WorkingCalendar, today: date, made: int, days: int
) -> int:
    """Return how many orders pass their promise, made at the recent rate, first promised first.

    With no past there is no rate, and only those that are late already are told.
    """
    promised = Counter(order.promise_date for order in orders)
    if not days:
        return sum(count for day, count in promised.items() if day < today.isoformat())
    late = before = 0
    for day in sorted(promised):
        in_time = calendar.count(today + _ONE_DAY, date.fromisoformat(day)) * made // days
        late += promised[day] - min(max(in_time - before, 0), promised[day])
        before += promised[day]
    return late
