"""Every report by its name: which figures it takes and how they are laid out.

For the command line and the running centre alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from config.programme import Programme
from controller.reports.counties import counties
from controller.reports.document import Document
from controller.reports.oee import oee
from controller.reports.pages.counties_page import counties_page
from controller.reports.pages.oee_page import oee_page
from controller.reports.pages.progress_page import progress_page
from controller.reports.pages.quality_page import quality_page
from controller.reports.pages.shift_page import shift_page
from controller.reports.pages.targets_page import targets_page
from controller.reports.progress import progress
from controller.reports.quality import quality
from controller.reports.reading import Basis, Period
from controller.reports.shift import shift
from controller.reports.targets import targets
from controller.reports.words import Words
from jobs.shifts import ShiftSpan

ProgressKind = Literal["day", "week", "month", "closing"]


class NothingToReport(Exception):
    """The ledger has nothing of what was asked for."""

    code = "report.nothing"


@dataclass(frozen=True, slots=True)
class Made:
    """A report's figures, and its pages in any language."""

    figures: Any
    page: Callable[[Words], Document]


def targets_report(basis: Basis, programme: Programme, day: date) -> Made:
    """Report where a programme stands on the evening of a day."""
    found = targets(basis, programme, day)
    return Made(found, lambda words: targets_page(found, words))


def counties_report(basis: Basis, programme: Programme, period: Period) -> Made:
    """Report what became of each county's orders in some days."""
    found = counties(basis, programme, period)
    return Made(found, lambda words: counties_page(found, words))


def quality_report(basis: Basis, period: Period) -> Made:
    """Report what was spoiled, made again and refused in some days."""
    found = quality(basis, period)
    return Made(found, lambda words: quality_page(found, words))


def oee_report(basis: Basis, period: Period) -> Made:
    """Report where the stations' time went in some days, as far as there was a ledger."""
    begins_us, ends_us = basis.known(period.begins_us, period.ends_us)
    if begins_us >= ends_us:
        raise NothingToReport(f"{period}: the ledger has no moment of it")
    found = oee(basis, begins_us, ends_us)
    return Made(found, lambda words: oee_page(found, words))


def shift_report(basis: Basis, span: ShiftSpan) -> Made:
    """Report one shift, as far as there was a ledger."""
    found = shift(basis, span)
    return Made(found, lambda words: shift_page(found, words))


def progress_report(basis: Basis, programme: Programme, period: Period, kind: ProgressKind) -> Made:
    """Report a period's progress to the leading group."""
    found = progress(basis, programme, period)
    return Made(found, lambda words: progress_page(found, words, kind))
