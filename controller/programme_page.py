"""The report of a simulated year, or day, on one page: made of the reports that every centre has.

It works out and lays out nothing itself (`controller/reports/` does), except that it puts the
stations' time of a year back to the machines' own speed: a print that lasts over a night by the
calendar of a scaled year did not take that night.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from controller.programme_account import middle_of
from controller.programme_year import YearPlan
from controller.reports.document import Document, Section
from controller.reports.making import (
    Made,
    counties_report,
    oee_report,
    progress_report,
    quality_report,
    targets_report,
)
from controller.reports.oee import oee_of
from controller.reports.pages.oee_page import oee_page
from controller.reports.reading import Basis, Period, basis, station_events
from controller.reports.words import Words
from controller.simulating import Simulated
from jobs.events import Event
from jobs.shifts import ShiftPlan, ShiftSpan
from jobs.station_time import time_account

Page = Callable[[Words], Document]


def programme_page(made: Simulated, plan: YearPlan) -> Page:
    """Work the figures out once; return what lays them out in a language."""
    programme = plan.of_year
    based = basis(made.ledger.store, made.config, programme)
    target = programme.targets[0]
    if plan.day is not None:
        day = Period(plan.day, plan.day)
        first = progress_report(based, programme, day, "day")
        return _joined(first, [quality_report(based, day), oee_report(based, day)])
    year = Period(target.begins, target.ends)
    first = targets_report(based, programme, target.ends)
    middle = middle_of(programme, based.calendar)
    before = targets_report(based, programme, middle)
    details = [
        counties_report(based, programme, year),
        quality_report(based, year),
        _oee_at_the_machines_speed(based, year, plan.scale),
    ]
    return _joined(first, details, (middle, before))


def _joined(first: Made, details: list[Made], before: tuple[date, Made] | None = None) -> Page:
    """Return a page that begins with the first report; an earlier one gives its first section."""

    def page(words: Words) -> Document:
        found = first.page(words)
        # The programme is this one year: what is said of the whole would be said twice.
        whole = words("whole programme")
        sections = [section for section in found.sections if section.heading != whole]
        if before is not None:
            day, earlier = before
            section = earlier.page(words).sections[0]
            sections.insert(1, Section(f"{section.heading} ({day})", section.parts))
        for one in details:
            sections += one.page(words).sections
        return replace(found, sections=tuple(sections))

    return page


def _oee_at_the_machines_speed(based: Basis, period: Period, scale: int) -> Made:
    """Report where the stations' time went, in shifts alone and as long as it was for them."""
    begins_us, ends_us = based.known(period.begins_us, period.ends_us)
    events = station_events(based.store, begins_us, ends_us)
    last_us = begins_us + based.shifts.working_us(begins_us, ends_us) // scale
    whole = ShiftSpan("", period.first, begins_us, last_us)
    found = oee_of(
        time_account(
            at_machines_speed(events, based.shifts, begins_us, scale),
            based.stations,
            [whole],
            begins_us,
            last_us,
        )
    )

    def page(words: Words) -> Document:
        laid_out = oee_page(found, words)
        sections = [
            replace(one, heading=f"{one.heading} (1 : {scale:,})") for one in laid_out.sections
        ]
        return replace(laid_out, sections=tuple(sections))

    return Made(found, page)


def at_machines_speed(
    events: Iterable[Event], shifts: ShiftPlan, begins_us: int, scale: int
) -> Iterator[Event]:
    """Yield events at the moments that they had for the machines, counted from a begin."""
    seen_us, worked_us = begins_us, 0
    for event in events:
        if event.time_us > seen_us:
            worked_us += shifts.working_us(seen_us, event.time_us)
            seen_us = event.time_us
        time_us = min(event.time_us, begins_us + worked_us // scale)
        yield replace(event, time_us=time_us)
