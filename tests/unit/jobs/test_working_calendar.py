"""Working days of 2004 to 2009, counted by hand, and a programme's own changes to them."""

from datetime import date, timedelta

import pytest

from jobs.working_calendar import WorkingCalendar

#: Weekdays of the year, less the holidays that fall on weekdays (after substitution), plus the
#: weekend days that are worked for them.
COUNTED = {
    # 262 weekdays (leap year, 1 January a Thursday). Free: 1 January; 22, 23, 26-28 January
    # (Spring Festival); 3-7 May; 1, 4-7 October: 1 + 5 + 5 + 5 = 16. Worked for them: 17 and 18
    # January, 8 and 9 May, 9 and 10 October: 6. 262 - 16 + 6 = 252.
    2004: 252,
    # 260 weekdays (1 January a Saturday). Free: 3 January; 9-11, 14, 15 February; 2-6 May;
    # 3-7 October: 1 + 5 + 5 + 5 = 16. Worked: 5 and 6 February, 30 April, 8 May, 8 and 9 October,
    # and 31 December for 3 January 2006: 7. 260 - 16 + 7 = 251.
    2005: 251,
    # 260 weekdays (1 January a Sunday). Free: 2 and 3 January; 30 January - 3 February; 1-5 May;
    # 2-6 October: 2 + 5 + 5 + 5 = 17. Worked: 28 January, 5 February, 29 and 30 April,
    # 30 September, 8 October, and 30 and 31 December for 2007: 8. 260 - 17 + 8 = 251.
    2006: 251,
    # 261 weekdays (1 January a Monday). Free: 1-3 January; 19-23 February; 1-4 and 7 May;
    # 1-5 October; 31 December: 3 + 5 + 5 + 5 + 1 = 19. Worked: 17 and 25 February, 28 and 29
    # April, 29 and 30 September, 29 December: 7. 261 - 19 + 7 = 249.
    2007: 249,
    # 262 weekdays (leap year, 1 January a Tuesday). Free: 1 January; 6-8, 11, 12 February;
    # 4 April; 1 and 2 May; 9 June; 15 September; 29 September - 3 October:
    # 1 + 5 + 1 + 2 + 1 + 1 + 5 = 16. Worked: 2 and 3 February, 4 May, 27 and 28 September: 5.
    # 262 - 16 + 5 = 251.
    2008: 251,
    # 261 weekdays (1 January a Thursday). Free: 1 and 2 January; 26-30 January; 6 April; 1 May;
    # 28 and 29 May; 1, 2, 5-8 October: 2 + 5 + 1 + 1 + 2 + 6 = 17. Worked: 4 and 24 January,
    # 1 February, 31 May, 27 September, 10 October: 6. 261 - 17 + 6 = 250.
    2009: 250,
}

#: Weekend days that were worked so that a holiday could be longer.
SWAPPED = """
2004-01-17 2004-01-18 2004-05-08 2004-05-09 2004-10-09 2004-10-10
2005-02-05 2005-02-06 2005-04-30 2005-05-08 2005-10-08 2005-10-09 2005-12-31
2006-01-28 2006-02-05 2006-04-29 2006-04-30 2006-09-30 2006-10-08 2006-12-30 2006-12-31
2007-02-17 2007-02-25 2007-04-28 2007-04-29 2007-09-29 2007-09-30 2007-12-29
2008-02-02 2008-02-03 2008-05-04 2008-09-27 2008-09-28
2009-01-04 2009-01-24 2009-02-01 2009-05-31 2009-09-27 2009-10-10
"""


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@pytest.mark.parametrize("year", COUNTED)
def test_the_working_days_of_a_year_are_as_counted_by_hand(year: int) -> None:
    assert WorkingCalendar().count(date(year, 1, 1), date(year, 12, 31)) == COUNTED[year]


def test_exactly_the_swapped_weekend_days_are_worked() -> None:
    calendar = WorkingCalendar()
    weekends = [day for day in every_day(date(2004, 1, 1), date(2009, 12, 31)) if day.weekday() > 4]
    worked = [day.isoformat() for day in weekends if calendar.works(day)]
    assert worked == SWAPPED.split()


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(2004, 9, 1), date(2004, 12, 31), 85),  # the pilot: 22 + 18 + 22 + 23
        (date(2005, 1, 1), date(2008, 12, 31), 1002),  # the mass phase: 251 + 251 + 249 + 251
        (date(2005, 9, 1), date(2008, 12, 31), 836),  # Changchun's share: 85 + 251 + 249 + 251
        (date(2005, 10, 1), date(2005, 10, 7), 0),  # National Day
        (date(2005, 10, 8), date(2005, 10, 8), 1),  # the Saturday worked for it, both ends in
        (date(2005, 10, 10), date(2005, 10, 9), 0),  # an empty stretch
    ],
)
def test_a_stretch_is_counted_with_both_its_ends(first: date, last: date, days: int) -> None:
    calendar = WorkingCalendar()
    assert calendar.count(first, last) == days
    assert len(list(calendar.days(first, last))) == days


def test_counting_agrees_with_asking_every_day_across_years() -> None:
    calendar = WorkingCalendar(extra=[date(2006, 5, 7)], closed=[date(2006, 6, 30)])
    first = date(2005, 11, 3)
    for last in every_day(first, date(2007, 2, 1)):
        worked = [day for day in every_day(first, last) if calendar.works(day)]
        assert calendar.count(first, last) == len(worked)
        assert list(calendar.days(first, last)) == worked


@pytest.mark.parametrize(
    ("day", "number", "found"),
    [
        (date(2005, 9, 30), 1, date(2005, 10, 8)),  # over National Day to a worked Saturday
        (date(2005, 9, 30), 2, date(2005, 10, 9)),
        (date(2005, 9, 30), 3, date(2005, 10, 10)),
        (date(2005, 10, 3), 1, date(2005, 10, 8)),  # from within a holiday
        (date(2005, 12, 30), 1, date(2005, 12, 31)),
        (date(2005, 12, 30), 2, date(2006, 1, 4)),  # 2 and 3 January are free
        (date(2004, 12, 31), 1002, date(2008, 12, 31)),  # the last day of the mass phase
    ],
)
def test_the_nth_working_day_after_a_day(day: date, number: int, found: date) -> None:
    assert WorkingCalendar().after(day, number) == found


def test_extra_days_are_worked_and_closed_ones_are_not() -> None:
    saturday, monday = date(2005, 9, 10), date(2005, 9, 12)
    plain = WorkingCalendar()
    changed = WorkingCalendar(extra=[saturday, date(2005, 10, 1)], closed=[monday])
    assert (plain.works(saturday), plain.works(monday)) == (False, True)
    assert (changed.works(saturday), changed.works(monday)) == (True, False)
    assert changed.works(date(2005, 10, 1)), "even a holiday may be worked"
    assert changed.after(date(2005, 9, 9), 2) == date(2005, 9, 13)


def test_a_day_cannot_be_both_extra_and_closed() -> None:
    with pytest.raises(ValueError, match="both worked and closed: 2005-09-10"):
        WorkingCalendar(extra=[date(2005, 9, 10)], closed=[date(2005, 9, 10)])


@pytest.mark.parametrize("number", [0, -1])
def test_only_later_days_are_after_a_day(number: int) -> None:
    with pytest.raises(ValueError, match="not after it"):
        WorkingCalendar().after(date(2005, 9, 9), number)


def test_years_without_known_holidays_are_refused() -> None:
    calendar = WorkingCalendar()
    with pytest.raises(ValueError, match="from 1950 to 2100, not 2101"):
        calendar.after(date(2100, 12, 1), 60)
    with pytest.raises(ValueError, match="not 1949"):
        calendar.works(date(1949, 10, 3))
