"""Shifts: over midnight and holidays, clipped to a stretch, and shift time laid along the clock."""

from datetime import date, datetime

import pytest

from jobs.application import CHINA_TIME
from jobs.shifts import ShiftPlan, ShiftSpan
from jobs.working_calendar import WorkingCalendar

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def at(text: str) -> int:
    """Return a moment in China."""
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * 1_000_000


def plan(*shifts: tuple[str, int, int], calendar: WorkingCalendar | None = None) -> ShiftPlan:
    return ShiftPlan(calendar or WorkingCalendar(), shifts)


#: Handed in out of order; 2005-09-09 is a Friday.
TWO = (("late", 14 * 60, 21 * 60 + 30), ("early", 6 * 60 + 30, 14 * 60))
NIGHT = ("night", 22 * 60, 6 * 60)


def test_a_shift_is_on_from_its_begin_until_just_before_its_end() -> None:
    two = plan(*TWO)
    early = ShiftSpan("early", date(2005, 9, 9), at("2005-09-09 06:30"), at("2005-09-09 14:00"))
    assert two.at(at("2005-09-09 06:30") - 1) is None
    assert two.at(at("2005-09-09 06:30")) == early
    assert two.at(at("2005-09-09 14:00") - 1) == early
    late = two.at(at("2005-09-09 14:00"))
    assert late is not None
    assert late.name == "late"
    assert two.at(at("2005-09-09 21:30")) is None
    assert two.at(at("2005-09-10 10:00")) is None, "a Saturday"
    assert two.at(at("2005-10-08 10:00")) is not None, "a Saturday worked for National Day"


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = plan(NIGHT)
    friday = ShiftSpan("night", date(2005, 9, 9), at("2005-09-09 22:00"), at("2005-09-10 06:00"))
    assert night.at(at("2005-09-10 05:59")) == friday, "Saturday morning, begun on Friday"
    assert night.at(at("2005-09-10 23:00")) is None, "no shift begins on Saturday"
    assert night.at(at("2005-09-12 03:00")) is None, "none began on Sunday"


def test_a_shift_may_last_until_midnight() -> None:
    span = plan(("evening", 16 * 60, 24 * 60)).at(at("2005-09-09 23:59"))
    assert span is not None
    assert span.ends_us == at("2005-09-10 00:00")


def test_the_next_shift_begins_later_than_now() -> None:
    two = plan(*TWO)
    assert two.next_begin_us(at("2005-09-09 06:29")) == at("2005-09-09 06:30")
    assert two.next_begin_us(at("2005-09-09 06:30")) == at("2005-09-09 14:00")
    assert two.next_begin_us(at("2005-09-09 14:00")) == at("2005-09-12 06:30")
    assert two.next_begin_us(at("2005-09-30 14:00")) == at("2005-10-08 06:30"), "National Day"


def test_spans_are_whole_and_in_order_and_touch_the_stretch() -> None:
    found = list(plan(NIGHT).spans(at("2005-09-09 05:59"), at("2005-09-12 22:00")))
    assert [(span.day.day, span.begins_us, span.ends_us) for span in found] == [
        (8, at("2005-09-08 22:00"), at("2005-09-09 06:00")),
        (9, at("2005-09-09 22:00"), at("2005-09-10 06:00")),
    ]
    assert list(plan(NIGHT).spans(at("2005-09-09 23:00"), at("2005-09-09 23:00"))) == []


def test_shift_time_of_a_stretch_is_cut_at_its_ends() -> None:
    two = plan(*TWO)
    # Friday 12:00 to Monday 08:00: 9.5 h of Friday and 1.5 h of Monday.
    assert two.working_us(at("2005-09-09 12:00"), at("2005-09-12 08:00")) == 11 * HOUR_US
    assert two.working_us(at("2005-09-12 08:00"), at("2005-09-09 12:00")) == 0


@pytest.mark.parametrize(
    ("start", "hours", "found"),
    [
        ("2005-09-09 12:00", 0, "2005-09-09 12:00"),
        ("2005-09-09 12:00", 1, "2005-09-09 13:00"),
        ("2005-09-09 12:00", 9.5, "2005-09-09 21:30"),  # the end of the shift, not Monday's begin
        ("2005-09-09 12:00", 11, "2005-09-12 08:00"),  # 9.5 h of Friday and 1.5 h of Monday
        ("2005-09-10 12:00", 1, "2005-09-12 07:30"),  # from within a weekend
        ("2005-09-09 12:00", 9.5 + 7.5, "2005-09-12 14:00"),  # the end of Monday's early shift
        ("2005-09-09 12:00", 9.5 + 15, "2005-09-12 21:30"),  # a whole day more
        ("2005-01-01 00:00", 251 * 15, "2005-12-31 21:30"),  # a whole year of 15 h a day
    ],
)
def test_the_moment_at_which_so_much_shift_time_has_passed(
    start: str, hours: float, found: str
) -> None:
    assert plan(*TWO).instant(at(start), int(hours * HOUR_US)) == at(found)


def test_the_moment_and_the_shift_time_agree_minute_by_minute() -> None:
    three = plan(NIGHT, ("day", 8 * 60, 15 * 60 + 20))
    start = at("2005-09-29 21:10")
    for minutes in range(1, 3 * 24 * 60, 7):
        moment = three.instant(start, minutes * MINUTE_US)
        assert three.working_us(start, moment) == minutes * MINUTE_US
        assert three.working_us(start, moment - 1) == minutes * MINUTE_US - 1


def test_without_shifts_the_centre_works_round_the_clock_and_a_span_is_a_day() -> None:
    always = plan()
    assert always.always_on
    assert not plan(*TWO).always_on
    holiday = ShiftSpan("day", date(2005, 10, 1), at("2005-10-01 00:00"), at("2005-10-02 00:00"))
    assert always.at(at("2005-10-01 00:00")) == holiday
    assert always.next_begin_us(at("2005-10-01 00:00")) == at("2005-10-02 00:00")
    first, until = at("2005-09-30 18:00"), at("2005-10-03 00:00")
    assert [span.day.day for span in always.spans(first, until)] == [30, 1, 2]
    assert always.working_us(first, until) == until - first
    assert always.instant(first, 5 * HOUR_US) == first + 5 * HOUR_US


def test_a_long_rest_is_passed_over() -> None:
    closed = [day for year in (2005, 2006, 2007) for day in days_of(year)]
    late = plan(*TWO, calendar=WorkingCalendar(closed=closed))
    first = at("2008-01-02 06:30")  # 1 January is free
    assert late.next_begin_us(at("2005-06-01 12:00")) == first
    assert late.instant(at("2005-06-01 12:00"), 1) == first + 1
    assert list(late.spans(at("2005-01-01 00:00"), at("2008-01-02 00:00"))) == []


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1).toordinal()
    return [date.fromordinal(number) for number in range(first, date(year + 1, 1, 1).toordinal())]
