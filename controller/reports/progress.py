"""The figures of a progress report for the leading group, by prefecture: a day, week, month, all.

Accepted, made and dispatched in the period; how far behind at its end; and what it was lost to.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from config.programme import Programme
from controller.reports.reading import Basis, Period, orders_open_at
from controller.reports.stops import Lost, lost, stops
from controller.reports.targets import YearFigures, turnaround_of, years
from jobs.rows import DayCount
from jobs.standing import Standing, between, counts_of, plan_to_date, stand
from jobs.standing_groups import Group, by_prefecture
from jobs.states import OrderState

CAUSES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PrefectureFigures:
    """A prefecture in the period, and what it has had counted by its end."""

    period: Group
    counted_so_far: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A period of a programme."""

    title: str
    title_zh: str
    first: date
    last: date
    standing: Standing  # on the evening of the last day
    plan: float  # of the period alone
    received: int
    made: int
    dispatched: int
    counted: int
    refused: int
    spoiled: int
    held_orders: int
    fees_cents: int
    relieved: int
    prefectures: tuple[PrefectureFigures, ...]
    quotas_are_assumed: bool
    assumption: str
    turnaround_days: tuple[int, int] | None
    lost: tuple[Lost, ...]
    years: tuple[YearFigures, ...]


def progress(basis: Basis, programme: Programme, period: Period) -> Progress:
    """Work out a period's progress."""
    last_day = min(period.last, programme.targets[-1].ends)
    rows = counts_of(programme, basis.day_counts(), period.last)
    within = between(rows, period.first, period.last)
    orders = orders_open_at(basis.store, period.ends_us)
    before = plan_to_date(programme, basis.calendar, period.first - timedelta(days=1))
    begins_us, ends_us = basis.known(period.begins_us, period.ends_us)
    stopped = stops(basis, begins_us, ends_us) if begins_us < ends_us else []
    return Progress(
        title=programme.title,
        title_zh=programme.title_zh,
        first=period.first,
        last=period.last,
        standing=stand(programme, basis.calendar, rows, orders, last_day),
        plan=plan_to_date(programme, basis.calendar, period.last) - before,
        received=sum(row.received for row in within),
        made=sum(row.made for row in within),
        dispatched=sum(row.dispatched for row in within),
        counted=sum(row.counted for row in within),
        refused=sum(row.refused for row in within),
        spoiled=sum(row.spoiled for row in within),
        held_orders=sum(order.state is OrderState.HELD for order in orders),
        fees_cents=sum(row.fees_cents for row in within),
        relieved=sum(row.relieved for row in within),
        prefectures=tuple(
            PrefectureFigures(group, _counted_in(rows, group.key))
            for group in by_prefecture(programme, within, orders, period.last)
        ),
        quotas_are_assumed=programme.quotas_are_assumed,
        assumption=programme.assumption.strip(),
        turnaround_days=turnaround_of(basis, programme, period),
        lost=lost(stopped)[:CAUSES_SHOWN],
        years=years(programme, basis.calendar, rows, period.last),
    )


def _counted_in(rows: tuple[DayCount, ...], prefecture: str) -> int:
    return sum(row.counted for row in rows if row.county.startswith(prefecture))
