"""The figures of `report counties`: who has started, and what became of each county's orders."""

from dataclasses import dataclass
from datetime import date

from config.programme import Programme
from controller.reports.reading import Basis, Period, orders_open_at
from jobs.standing import between
from jobs.standing_groups import Group, by_county, by_prefecture


@dataclass(frozen=True, slots=True)
class CountyFigures:
    """One county; `starts` may be later than the report's day, or not set yet."""

    figures: Group
    prefecture: str
    starts: date | None
    pilot: bool


@dataclass(frozen=True, slots=True)
class Counties:
    """A programme's counties in some days: pilots first, then by their start."""

    title: str
    title_zh: str
    first: date
    last: date
    started: tuple[CountyFigures, ...]
    unstarted: tuple[CountyFigures, ...]
    outside: tuple[Group, ...]  # with figures, and not the programme's
    prefectures: tuple[Group, ...]
    quotas_are_assumed: bool
    assumption: str


def counties(basis: Basis, programme: Programme, period: Period) -> Counties:
    """Work out the figures of every county and prefecture; what waits, waits at the end."""
    rows = between(basis.day_counts(), period.first, period.last)
    orders = orders_open_at(basis.store, period.ends_us)
    groups = {one.key: one for one in by_county(programme, rows, orders, period.last)}
    listed = [
        CountyFigures(groups[one.code], one.prefecture, one.starts, one.pilot)
        for one in programme.counties
    ]
    listed.sort(key=lambda one: (not one.pilot, one.starts or date.max, one.figures.key))
    known = {one.code for one in programme.counties}
    return Counties(
        title=programme.title,
        title_zh=programme.title_zh,
        first=period.first,
        last=period.last,
        started=tuple(one for one in listed if one.figures.started),
        unstarted=tuple(one for one in listed if not one.figures.started),
        outside=tuple(group for key, group in groups.items() if key not in known),
        prefectures=by_prefecture(programme, rows, orders, period.last),
        quotas_are_assumed=programme.quotas_are_assumed,
        assumption=programme.assumption.strip(),
    )
