"""The report of a simulated year, or day, on one page: made of the reports that every centre has.

It works out and lays out nothing itself (`controller/reports/` does).
"""

from collections.abc import Callable
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
from controller.reports.reading import Period, basis
from controller.reports.words import Words
from controller.simulating import Simulated

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
        oee_report(based, year),
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
