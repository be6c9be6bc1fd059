"""The account of a simulated year of a programme: where it came out against its plan, and how.

Works on a run that has ended and prints nothing itself. The figures are those of any centre's
reports, worked out from the books alone.
"""

import cProfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from config.programme import Programme
from controller.programme_year import YearPlan
from controller.shifts import working_calendar
from controller.simulating import Simulated
from controller.simulation_report import blanks, profile_percent
from jobs.account import account
from jobs.books import Books
from jobs.forecast import Forecast, forecast
from jobs.rows import DayCount
from jobs.standing import Standing, between, counts_of, stand, turnaround
from jobs.standing_groups import Group, by_prefecture
from jobs.states import OrderState
from jobs.working_calendar import WorkingCalendar

_ONE_DAY = timedelta(days=1)
_SUMS = ("received", "refused", "made", "spoiled", "dispatched", "counted")


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """A month, and where the year stood on its last day."""

    month: str
    received: int
    refused: int
    made: int
    spoiled: int
    dispatched: int
    counted: int
    counted_so_far: int
    plan_so_far: float
    ahead_working_days: float


@dataclass(frozen=True, slots=True)
class YearAccount:
    """The figures of a run; the keys of `--json`."""

    programme: str
    year: int
    day: date | None
    scale: int
    seed: int
    people: int  # the target of the year, or the people sent for the day
    applications: int
    orders: int
    good: int
    spoiled: int
    spoiled_by_reason: dict[str, int]
    remade: int
    refused: int
    waiting_orders: int
    counted: int
    standing: Standing | None  # at the year's end; a single day has none
    months: tuple[MonthFigures, ...]
    prefectures: tuple[Group, ...]
    turnaround_days: tuple[int, int] | None  # median and 99th percentile, in working days
    forecast_day: date | None
    forecast: Forecast | None  # as it was drawn in the middle of the year
    last_packed_s: float  # by the calendar, from the first shift's begin to the last card's box
    blanks: dict[str, int]
    balanced: bool
    events: int
    ledger_digest: str
    intake_wall_s: float
    production_wall_s: float
    waiting: list[str]
    profile_percent: dict[str, float] = field(default_factory=dict)

    @property
    def wall_s(self) -> float:
        """What the run took of this computer's time, without its start and its reports."""
        return self.intake_wall_s + self.production_wall_s

    @property
    def cards_per_s(self) -> float:
        """How many good cards were made in a second of this computer's time."""
        return self.good / max(self.wall_s, 1e-9)

    def plain(self) -> dict[str, Any]:
        """Return the figures as they are written to JSON."""
        walls = {"wall_s": round(self.wall_s, 3), "cards_per_s": round(self.cards_per_s, 2)}
        return asdict(self) | walls


def year_account(made: Simulated, plan: YearPlan) -> YearAccount:
    """Work out the account of a run."""
    books, timing = made.ledger.books, made.timing
    state = account(books)
    programme, last = plan.of_year, plan.of_year.targets[-1].ends
    calendar = working_calendar(programme)
    counts, orders = list(books.day_counts.values()), list(books.orders.values())
    whole = plan.day is None
    middle = middle_of(programme, calendar)
    end = plan.day or last
    done = [order.done_us for order in orders if order.state is OrderState.DONE]
    profile: cProfile.Profile | None = timing.profile
    return YearAccount(
        programme=programme.name,
        year=plan.year,
        day=plan.day,
        scale=plan.scale,
        seed=plan.seed,
        people=programme.people if whole else plan.people_sent,
        applications=plan.applications,
        orders=len(orders),
        good=state.good,
        spoiled=state.spoiled,
        spoiled_by_reason=state.spoiled_by_reason,
        remade=state.remade_orders,
        refused=state.refused_applications,
        waiting_orders=len(orders) - len(done) - state.orders_by_state[OrderState.CANCELLED],
        counted=sum(row.counted for row in counts),
        standing=stand(programme, calendar, counts, orders, last) if whole else None,
        months=tuple(_months(programme, calendar, counts)) if whole else (),
        prefectures=by_prefecture(programme, counts, orders, end),
        turnaround_days=turnaround(_dispatched(books), calendar),
        forecast_day=middle if whole else None,
        forecast=_forecast(programme, calendar, counts, middle, plan.seed) if whole else None,
        last_packed_s=round((max(done, default=timing.began_us) - timing.began_us) / 1e6, 3),
        blanks=blanks(state),
        balanced=state.balanced,
        events=made.ledger.sequence,
        ledger_digest=made.ledger.head,
        intake_wall_s=round(timing.intake_wall_s, 3),
        production_wall_s=round(timing.production_wall_s, 3),
        waiting=made.waiting,
        profile_percent={} if profile is None else profile_percent(profile),
    )


def _dispatched(books: Books) -> Iterable[tuple[int, int]]:
    """Yield receipt and dispatch of every card that left."""
    for card in books.cards.values():
        sent_us = books.boxes[card.box].dispatched_us if card.box else 0
        if sent_us:
            yield books.orders[card.order].received_us, sent_us


def _months(
    programme: Programme, calendar: WorkingCalendar, counts: Iterable[DayCount]
) -> Iterable[MonthFigures]:
    target = programme.targets[0]
    rows = counts_of(programme, counts, target.ends)
    first = target.begins
    while first <= target.ends:
        next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        last = min(next_month - _ONE_DAY, target.ends)
        of_month = between(rows, first, last)
        standing = stand(programme, calendar, rows, (), last)
        yield MonthFigures(
            f"{first:%Y-%m}",
            **{name: sum(getattr(row, name) for row in of_month) for name in _SUMS},
            counted_so_far=standing.counted,
            plan_so_far=round(standing.plan, 1),
            ahead_working_days=round(standing.ahead_working_days, 1),
        )
        first = last + _ONE_DAY


def middle_of(programme: Programme, calendar: WorkingCalendar) -> date:
    """Return the working day in the middle of the target's."""
    days = list(calendar.days(programme.targets[0].begins, programme.targets[0].ends))
    return days[len(days) // 2 - 1]


def _forecast(
    programme: Programme,
    calendar: WorkingCalendar,
    counts: Iterable[DayCount],
    today: date,
    seed: int,
) -> Forecast:
    """Foresee the year's end from its middle, as a report of that day would have."""
    counted: Counter[str] = Counter()
    for row in counts_of(programme, counts, today):
        counted[row.day] += row.counted
    target, total = programme.targets[0], counted.total()
    past = [(day, counted[day.isoformat()]) for day in calendar.days(target.begins, today)]
    remaining = programme.people - total
    return forecast(past, remaining, calendar, today, target.ends, total, seed)
