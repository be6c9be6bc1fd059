"""Which reports a running centre writes, and that it writes each once."""

import asyncio
import io
import json
from datetime import date
from pathlib import Path

import pytest

from config.centre import Ledger, load_centre, shipped_centre
from config.programme import shipped_programme
from config.programme_settings import ProgrammeSettings
from config.shifts import Shift
from controller.clock import start_of_day_us
from controller.logs import make_logger
from controller.reports.schedule import ReportSchedule, reports_due
from controller.shifts import shift_plan, working_calendar
from tests.unit.controller.told_ledger import told_ledger

PROGRAMME = shipped_programme("jilin-2004")
CALENDAR = working_calendar(PROGRAMME)
CENTRE = load_centre(shipped_centre("simulated"))
SHIFTS = (
    Shift(name="early", begins="07:00", ends="15:00"),
    Shift(name="late", begins="15:00", ends="23:00"),
)
IN_SHIFTS = shift_plan(CENTRE.model_copy(update={"shifts": SHIFTS}), PROGRAMME)
FRIDAY = date(2005, 9, 2)


def names(began: date, now_us: int, *, in_shifts: bool = True) -> list[str]:
    plan = IN_SHIFTS if in_shifts else shift_plan(CENTRE, None)
    programme = PROGRAMME if in_shifts else None
    began_us = start_of_day_us(began)
    return [one.name for one in reports_due(programme, plan, CALENDAR, began_us, now_us)]


def test_a_shift_s_report_is_due_when_it_ends_and_a_day_s_when_the_day_does() -> None:
    end_of_early_us = start_of_day_us(FRIDAY, 15)
    assert names(FRIDAY, end_of_early_us - 1) == []
    assert names(FRIDAY, end_of_early_us) == ["shift-2005-09-02-early"]
    assert names(FRIDAY, start_of_day_us(date(2005, 9, 3))) == [
        "shift-2005-09-02-early", "shift-2005-09-02-late", "progress-day-2005-09-02",
    ]  # fmt: skip


def test_a_week_is_told_on_monday_and_a_month_on_its_first_day() -> None:
    # Wednesday the 31st of August ends a month, Sunday the 4th of September a week.
    found = names(date(2005, 8, 31), start_of_day_us(date(2005, 9, 5)))
    assert [name for name in found if name.startswith("progress")] == [
        "progress-day-2005-08-31", "progress-month-2005-08", "progress-day-2005-09-01",
        "progress-day-2005-09-02", "progress-week-2005-w35",
    ]  # fmt: skip


def test_without_shifts_a_report_is_of_a_day_and_without_a_plan_none_is_of_progress() -> None:
    now_us = start_of_day_us(date(2005, 9, 5))
    assert names(FRIDAY, now_us, in_shifts=False) == [
        "shift-2005-09-02-day", "shift-2005-09-03-day", "shift-2005-09-04-day",
    ]  # fmt: skip


def test_what_is_older_than_five_weeks_is_not_caught_up_with() -> None:
    found = names(date(2004, 10, 1), start_of_day_us(date(2005, 9, 5)))
    assert found[0] == "shift-2005-08-01-early"
    assert not any("2004" in name for name in found)


def test_a_programme_is_closed_once_when_its_last_target_has_ended() -> None:
    last = date(2008, 12, 31)
    assert "closing-jilin-2004" not in names(date(2004, 9, 1), start_of_day_us(last, 23))
    years_later = names(date(2004, 9, 1), start_of_day_us(date(2011, 1, 5)))
    assert [name for name in years_later if not name.startswith("shift")] == ["closing-jilin-2004"]
    assert "closing-jilin-2004" not in names(date(2010, 9, 1), start_of_day_us(date(2011, 1, 5)))


def pages(folder: Path) -> list[Path]:
    return list(folder.glob("[a-z]*.html"))


async def until_all_are_written(schedule: ReportSchedule, folder: Path) -> None:
    """Let it run as a centre does, until there are four reports."""
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        task = group.create_task(schedule.run())
        while len(pages(folder)) < 4:  # noqa: ASYNC110  (a folder tells nobody)
            await asyncio.sleep(0.05)
        task.cancel()


@pytest.mark.real_time
async def test_a_centre_that_was_down_writes_what_it_missed_once(tmp_path: Path) -> None:
    ledger = Ledger(path=tmp_path / "ledger.sqlite")
    settings = ProgrammeSettings(plan=PROGRAMME.name)
    config = CENTRE.model_copy(update={"ledger": ledger, "shifts": SHIFTS, "programme": settings})
    now, log = [0], io.StringIO()
    async with told_ledger(config.ledger.path, FRIDAY) as told:
        await told.day(FRIDAY, 3)
        now[0] = start_of_day_us(date(2005, 9, 5), 9)
        folder = tmp_path / "out" / "reports"
        logger = make_logger(log, lambda: now[0])
        schedule = ReportSchedule(config, folder, lambda: now[0], logger)
        plan = IN_SHIFTS
        (tmp_path / "out").write_text("a file stands where the folder should be")
        assert not await schedule.write_due(PROGRAMME, plan, CALENDAR)
        assert not await schedule.write_due(PROGRAMME, plan, CALENDAR)
        assert log.getvalue().count("report.not_written") == 1
        (tmp_path / "out").unlink()
        await until_all_are_written(schedule, folder)
        written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert sorted(written) == sorted(
            f"{name}.{kind}"
            for name in (
                "shift-2005-09-02-early", "shift-2005-09-02-late",
                "progress-day-2005-09-02", "progress-week-2005-w35",
            )
            for kind in ("json", "html")
        )  # fmt: skip
        again = ReportSchedule(config, folder, lambda: now[0], logger)
        assert await again.write_due(PROGRAMME, plan, CALENDAR)
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    week = json.loads((folder / "progress-week-2005-w35.json").read_bytes())
    assert (week["received"], week["made"], week["dispatched"], week["counted"]) == (3, 3, 3, 3)
    late = json.loads((folder / "shift-2005-09-02-late.json").read_bytes())
    assert late["complete"]
    assert late["time"]["adds_up"]
    assert "周进度报告" in (folder / "progress-week-2005-w35.html").read_text(encoding="utf-8")
