"""A programme's targets in Prometheus' words: names, help texts and labels. Pure.

All are of one programme, so that none but the first carries its name. People are those of 16 and
over, each once. What the figures mean is said by `jobs/standing.py` and `jobs/forecast.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from config.deliveries import Delivery
from config.programme import Programme
from controller.clock import MICROSECONDS, start_of_day_us
from controller.exposition import Family, Sample, gauge, labelled, one
from controller.telemetry import StockFigures
from jobs.forecast import Forecast
from jobs.standing import Standing
from jobs.working_calendar import WorkingCalendar


@dataclass(frozen=True, slots=True)
class TargetFigures:
    """Where a programme stands at one moment of the ledger."""

    standing: Standing
    expected: Forecast  # as of the evening before
    turnaround_days: tuple[int, int] | None  # median and 99th percentile of recent dispatches
    by_prefecture: Mapping[str, int]  # people counted


def target_families(programme: Programme, figures: TargetFigures) -> Iterator[Family]:
    """Return where the programme stands and what it will come to."""
    yield gauge(
        "programme_people", "People that the whole programme has to bring.",
        ((labelled(("programme",), (programme.name,)), programme.people),),
    )  # fmt: skip
    for name, text, value in _of_standing(figures.standing):
        yield gauge(name, text, one(value))
    yield gauge(
        "prefecture_people", "People that a prefecture has to bring, by the code of its counties.",
        ((_prefecture(quota.code), quota.people) for quota in programme.prefectures),
    )  # fmt: skip
    yield gauge(
        "prefecture_counted_people", "People counted in a prefecture.",
        (
            (_prefecture(quota.code), figures.by_prefecture.get(quota.code, 0))
            for quota in programme.prefectures
        ),
    )  # fmt: skip
    yield from _of_forecast(figures.expected)
    yield from _of_orders(figures)


def _of_standing(standing: Standing) -> Iterator[tuple[str, str, float]]:
    yield "counted_people", "People counted so far.", standing.counted
    yield "plan_people", "People that the plan has counted by tonight.", standing.plan
    yield "ahead_people", "People counted less people planned; below 0: behind.", (
        standing.ahead_people
    )  # fmt: skip
    yield (
        "ahead_workdays", "Working days ahead of the plan; below 0: behind.",
        standing.ahead_working_days,
    )  # fmt: skip
    yield "year_target_people", "People that this year has to bring.", standing.year_target
    yield "year_counted_people", "People counted this year.", standing.year_counted
    yield "year_plan_people", "People that this year's plan has counted by tonight.", (
        standing.year_plan
    )  # fmt: skip
    if standing.required_per_day is not None:
        yield (
            "required_people_per_day", "People a working day that this year's target still takes.",
            standing.required_per_day,
        )  # fmt: skip
    yield (
        "recent_cards_per_day", "Cards made a working day, of the last 20 before today.",
        standing.recent_per_day,
    )  # fmt: skip


def _of_forecast(expected: Forecast) -> Iterator[Family]:
    """Return nothing while there are too few days to judge by."""
    if not expected.days_used:
        return
    year = zip(
        ("low", "median", "high"),
        (expected.year_low, expected.year_median, expected.year_high),
        strict=True,
    )
    yield gauge(
        "forecast_year_people", "People expected by the year's end: an 80 % band and its middle.",
        ((labelled(("bound",), (bound,)), people) for bound, people in year),
    )  # fmt: skip
    finish = zip(
        ("low", "median", "high"), (expected.low, expected.median, expected.high), strict=True
    )
    yield gauge(
        "forecast_finish_timestamp_seconds", "Day on which the programme is expected to be done,"
        " from 1970-01-01; a bound beyond ten years is left out.",
        (
            (labelled(("bound",), (bound,)), start_of_day_us(day) // MICROSECONDS)
            for bound, day in finish
            if day is not None
        ),
    )  # fmt: skip


def _of_orders(figures: TargetFigures) -> Iterator[Family]:
    standing = figures.standing
    yield gauge(
        "load_cards", "Cards dispatched that are load and no progress, by what they are.",
        (
            (labelled(("load",), (load,)), cards)
            for load, cards in standing.load_counted_separately.items()
        ),
    )  # fmt: skip
    yield gauge("orders_waiting", "The programme's open orders.", one(standing.waiting))
    yield gauge(
        "orders_older", "Open orders received more than so many days ago.",
        (
            (labelled(("days",), (str(days),)), orders)
            for days, orders in standing.older_than.items()
        ),
    )  # fmt: skip
    yield gauge(
        "orders_will_be_late", "Open orders that pass their promise date at the recent rate.",
        one(standing.will_be_late),
    )  # fmt: skip
    if figures.turnaround_days is not None:
        median, late = figures.turnaround_days
        points: Sequence[Sample] = (
            (labelled(("point",), ("median",)), median),
            (labelled(("point",), ("p99",)), late),
        )
        yield gauge(
            "turnaround_workdays", "Working days from package to dispatch, of the cards"
            " dispatched in the last 30 days.", points,
        )  # fmt: skip


def stock_families(
    deliveries: Sequence[Delivery],
    lines: Sequence[StockFigures],
    calendar: WorkingCalendar,
    today: date,
    cards_per_day: float,
) -> Iterator[Family]:
    """Return how long the blanks last; nothing without deliveries: nobody knows the store then."""
    if not deliveries:
        return
    arrived = sum(delivery.blanks for delivery in deliveries if delivery.day <= today)
    in_store = arrived - sum(line.loaded - line.returned for line in lines)
    in_magazines = sum(line.in_magazine for line in lines)
    yield gauge("store_blanks", "Blanks delivered and not put into a magazine.", one(in_store))
    if cards_per_day:
        yield gauge(
            "stock_workdays", "Working days that the blanks in store and magazines last at the"
            " recent rate.", one((in_store + in_magazines) / cards_per_day),
        )  # fmt: skip
    coming = [delivery.day for delivery in deliveries if delivery.day > today]
    if coming:
        yield gauge(
            "next_delivery_workdays", "Working days until blanks are delivered next.",
            one(calendar.count(today + timedelta(days=1), min(coming))),
        )  # fmt: skip


def _prefecture(code: str) -> str:
    return labelled(("prefecture",), (code,))
