"""Station time of a scaled year: as long as it was for the machines, whatever the calendar says."""

from datetime import datetime

from controller.programme_page import at_machines_speed
from jobs.application import CHINA_TIME
from jobs.events import GENESIS, Draft, Event, Kind
from jobs.shifts import ShiftPlan
from jobs.working_calendar import WorkingCalendar

SHIFTS = ShiftPlan(WorkingCalendar(), (("early", 7 * 60, 14 * 60 + 30), ("late", 870, 22 * 60)))
SCALE = 1000


def at(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * 1_000_000


def event(sequence: int, text: str) -> Event:
    return Event(sequence, at(text), 1, Draft(Kind.WORK_BEGUN, "centre"), GENESIS, GENESIS)


def test_a_work_over_a_night_took_its_shift_time_over_the_scale() -> None:
    """21:00 to 22:00 and 07:00 to 09:00 are three hours, and the Friday's weekend is none."""
    begin = at("2005-09-05 07:00")
    times = ("2005-09-05 06:00", "2005-09-05 07:00", "2005-09-05 21:00", "2005-09-06 09:00",
             "2005-09-09 22:00", "2005-09-12 07:00")  # fmt: skip
    events = [event(number, text) for number, text in enumerate(times)]
    found = list(at_machines_speed(events, SHIFTS, begin, SCALE))
    assert [one.sequence for one in found] == list(range(6))
    hour_us = 3_600_000_000 // SCALE
    assert [one.time_us - begin for one in found[1:]] == [
        *(0, 14 * hour_us, 17 * hour_us, 75 * hour_us, 75 * hour_us)
    ]
    assert found[0].time_us == at("2005-09-05 06:00"), "what was before the begin stays before it"
