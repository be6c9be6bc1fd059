"""The reports that a running centre writes by itself, each once, when its time has come.

The shift report when a shift has ended; progress for the leading group by day, week and month; the
closing summary when the last target has ended. The files decide: what is missing of the last weeks
is written, so that a centre that was down catches up. It reads the ledger's file through its own
connection, in a thread, one report at a time. Whatever goes wrong is one line in the log and tried
again; production knows nothing of it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from config.centre import Centre
from config.programme import Programme
from controller.clock import day_of
from controller.outputs import write_whole
from controller.reports.html_page import html_page
from controller.reports.making import Made, ProgressKind, progress_report, shift_report
from controller.reports.plain import plain
from controller.reports.reading import Basis, Period, basis, opened
from controller.reports.words import Words
from controller.shifts import shift_plan, working_calendar
from jobs.shifts import ShiftPlan, ShiftSpan
from jobs.working_calendar import WorkingCalendar

LOOK_S = 20.0
#: After a report could not be written.
RETRY_S = 300.0
#: A report of an older period is not missed any more.
LOOK_BACK = timedelta(days=35)
FILE_MODE = 0o640
_ONE_DAY = timedelta(days=1)
_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Due:
    """A report whose time has come: its name, and how its figures are found."""

    name: str
    make: Callable[[Basis], Made]


@dataclass(slots=True)
class ReportSchedule:
    """Writes what is due into a folder."""

    config: Centre
    folder: Path
    now_us: Callable[[], int]
    logger: FilteringBoundLogger
    _written: set[str] = field(default_factory=set)
    _fault: str = ""
    _began_us: int = 0

    async def run(self) -> None:
        """Write reports until cancelled."""
        programme = self.config.programme.read_plan()
        plan, calendar = shift_plan(self.config, programme), working_calendar(programme)
        while True:
            done = await self.write_due(programme, plan, calendar)
            await asyncio.sleep(LOOK_S if done else RETRY_S)

    async def write_due(
        self, programme: Programme | None, plan: ShiftPlan, calendar: WorkingCalendar
    ) -> bool:
        """Write every report that is due and missing; False if one could not be written."""
        now_us = self.now_us()
        try:
            if not self._began_us:
                self._began_us = await asyncio.to_thread(_began_us, self.config)
            all_due = list(reports_due(programme, plan, calendar, self._began_us, now_us))
            self._written &= {due.name for due in all_due}
            for due in all_due:
                if due.name not in self._written:
                    await asyncio.to_thread(self._write, due, programme, now_us)
                    self._written.add(due.name)
        except Exception as error:  # noqa: BLE001  (a report must never stop a card)
            fault = type(error).__name__
            if fault != self._fault:
                self.logger.warning("report.not_written", error=fault)
            self._fault = fault
            return False
        self._fault = ""
        return True

    def _write(self, due: Due, programme: Programme | None, now_us: int) -> None:
        """Write one report, the page last: where it is, the report is whole."""
        words = Words(self.config.reports.language)
        page = self.folder / f"{due.name}.html"
        if page.exists():
            return
        with opened(self.config.ledger.path) as store:
            made = due.make(basis(store, self.config, programme, now_us))
        self.folder.mkdir(parents=True, exist_ok=True)
        figures = json.dumps(plain(made.figures), ensure_ascii=False, indent=1)
        write_whole(page.with_suffix(".json"), figures.encode(), FILE_MODE)
        write_whole(page, html_page(made.page(words)).encode(), FILE_MODE)
        self.logger.info("report.written", report=due.name)


def reports_due(
    programme: Programme | None,
    plan: ShiftPlan,
    calendar: WorkingCalendar,
    began_us: int,
    now_us: int,
) -> Iterator[Due]:
    """Yield every report of a period that has ended, since the ledger began or the last weeks."""
    today = day_of(now_us)
    since = max(day_of(began_us), today - LOOK_BACK)
    for span in plan.spans(max(began_us, Period(since, since).begins_us), now_us):
        if span.ends_us <= now_us:
            yield Due(f"shift-{span.day}-{span.name}", _shift(span))
    if programme is None:
        return
    ends = programme.targets[-1].ends
    for kind, name, period in _periods(since, today, calendar):
        if programme.targets[0].begins <= period.last <= ends:
            yield Due(f"progress-{kind}-{name}", _progress(programme, period, kind))
    if day_of(began_us) <= ends < today:
        whole = Period(programme.begins, ends)
        yield Due(f"closing-{programme.name}", _progress(programme, whole, "closing"))


def _shift(span: ShiftSpan) -> Callable[[Basis], Made]:
    return lambda found: shift_report(found, span)


def _progress(programme: Programme, period: Period, kind: ProgressKind) -> Callable[[Basis], Made]:
    return lambda found: progress_report(found, programme, period, kind)


def _periods(
    since: date, today: date, calendar: WorkingCalendar
) -> Iterator[tuple[ProgressKind, str, Period]]:
    """Yield the working days, weeks and months that ended from a day on and before today."""
    for number in range((today - since).days):
        day = since + timedelta(days=number)
        if calendar.works(day):
            yield "day", day.isoformat(), Period(day, day)
        if day.isoweekday() == _WEEK_DAYS:
            year, week, _ = day.isocalendar()
            yield "week", f"{year}-w{week:02d}", Period(day - timedelta(days=6), day)
        if (day + _ONE_DAY).day == 1:
            yield "month", f"{day:%Y-%m}", Period(day.replace(day=1), day)


def _began_us(config: Centre) -> int:
    with opened(config.ledger.path) as store:
        (found,) = store.query("SELECT time_us FROM events WHERE sequence = 1")
        began_us: int = found["time_us"]
        return began_us
