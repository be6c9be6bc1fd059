"""The clock of a scaled year: shift time at a multiple, without nights, weekends and holidays."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from controller.clock import ShiftTimeClock
from jobs.application import CHINA_TIME
from jobs.shifts import ShiftPlan
from jobs.working_calendar import WorkingCalendar

#: From seven to ten in the evening: 15 hours of a working day.
SHIFTS = (("early", 7 * 60, 14 * 60 + 30), ("late", 14 * 60 + 30, 22 * 60))
DAY_S = 15 * 3600
SCALE = 1000


def at(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * 1_000_000


def shown(clock: ShiftTimeClock) -> str:
    moment = datetime.fromtimestamp(clock.now_us() / 1e6, UTC).astimezone(CHINA_TIME)
    return f"{moment:%Y-%m-%d %H:%M}"


def plan(closed: tuple[date, ...] = ()) -> ShiftPlan:
    return ShiftPlan(WorkingCalendar(closed=closed), SHIFTS)


async def test_it_stands_still_until_it_begins() -> None:
    clock = ShiftTimeClock(plan(), at("2005-01-04 07:00"), SCALE)
    await asyncio.sleep(1_000.0)
    assert shown(clock) == "2005-01-04 07:00"
    assert clock.seconds_until(at("2005-01-04 14:30")) == pytest.approx(27.0), "once it goes on"
    clock.begin()
    await asyncio.sleep(27.0)
    assert shown(clock) == "2005-01-04 14:30"


@pytest.mark.parametrize(
    ("start", "days", "then"),
    [
        ("2005-09-05 07:00", 1.5, "2005-09-06 14:30"),  # a night between
        ("2005-09-09 07:00", 1.5, "2005-09-12 14:30"),  # a weekend
        ("2005-09-30 07:00", 1.5, "2005-10-08 14:30"),  # a holiday week, then a swapped Saturday
        ("2005-10-08 07:00", 1.5, "2005-10-09 14:30"),  # its Sunday is worked too
    ],
)
async def test_it_skips_what_is_no_shift(start: str, days: float, then: str) -> None:
    clock = ShiftTimeClock(plan(), at(start), SCALE)
    clock.begin()
    assert clock.seconds_until(at(then)) == pytest.approx(days * DAY_S / SCALE)
    await asyncio.sleep(days * DAY_S / SCALE)
    assert shown(clock) == then
    assert clock.seconds_until(at(start)) == pytest.approx(-days * DAY_S / SCALE)


async def test_it_skips_a_day_on_which_the_centre_is_closed() -> None:
    clock = ShiftTimeClock(plan((date(2005, 9, 6),)), at("2005-09-05 07:00"), SCALE)
    clock.begin()
    await asyncio.sleep(1.5 * DAY_S / SCALE)
    assert shown(clock) == "2005-09-07 14:30"


async def test_a_whole_year_takes_its_shift_time_over_the_scale() -> None:
    """251 working days of 15 hours are 13,554,000 s; a thousandth of that is 13,554 s."""
    clock = ShiftTimeClock(plan(), at("2005-01-04 07:00"), SCALE)
    assert clock.seconds_until(at("2006-01-01 00:00")) == pytest.approx(251 * DAY_S / SCALE)
