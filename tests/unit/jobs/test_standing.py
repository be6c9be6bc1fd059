"""Where a programme stands, against figures that were worked out by hand."""

from datetime import date

import pytest

from config.programme import Programme, shipped_programme
from jobs.day_counts import china_day
from jobs.load import Load
from jobs.rows import DayCount, Order
from jobs.standing import Standing, plan_to_date, stand, turnaround
from jobs.standing_groups import Group, by_county, by_day, by_prefecture, by_product
from jobs.states import OrderState
from jobs.working_calendar import WorkingCalendar

CALENDAR = WorkingCalendar()
JILIN = shipped_programme("jilin-2004")
CHANGCHUN = shipped_programme("changchun-2005")
CHAOYANG = "220104"  # a county of Changchun
DUNHUA = "222403"  # one of Yanbian

#: 2005-06-30 is the 122nd of 251 working days: January 21 weekdays less the 3rd, 20; February 20
#: less 9-11, 14 and 15 plus 5 and 6, 17; March 23; April 21 and the 30th, 22; May 22 less 2-6 plus
#: the 8th, 18; June 22.
HALF_YEAR = date(2005, 6, 30)


def count(day: str, county: str = DUNHUA, load: str = "person", **figures: int) -> DayCount:
    return DayCount(f"{day}|{county}|2|{load}", day, county, "2", load, **figures)


def noon_us(day: date) -> int:
    """Return noon in China: four o'clock UTC."""
    return ((day - date(1970, 1, 1)).days * 24 + 4) * 3_600_000_000


def order(
    number: int,
    promise: str = "2005-12-01",
    received: date = HALF_YEAR,
    county: str = DUNHUA,
    state: OrderState = OrderState.QUEUED,
) -> Order:
    return Order(
        f"O-{number}", "B-1", number, county, "2", False, "12",
        noon_us(received), promise, state, f"p{number}", f"a{number}", Load.PERSON,
    )  # fmt: skip


def standing(
    *counts: DayCount,
    today: date = HALF_YEAR,
    orders: tuple[Order, ...] = (),
    programme: Programme = JILIN,
) -> Standing:
    return stand(programme, CALENDAR, counts, orders, today)


# Plan to date


@pytest.mark.parametrize(
    ("today", "plan"),
    [
        # The pilot: 200,000 over 85 working days (September 22, October 18, November 22, December
        # 23). Then 4,450,000 a year over the year's own working days.
        (date(2004, 8, 31), 0.0),
        (date(2004, 9, 1), 2_352.941),  # 200,000 x 1/85: today is over
        (date(2004, 9, 30), 51_764.706),  # x 22/85
        (date(2004, 10, 7), 51_764.706),  # nobody worked since
        (date(2004, 12, 31), 200_000.0),
        (date(2005, 1, 3), 200_000.0),  # a Monday, free for New Year's Day
        # January 20, February 1-4 and Saturday the 5th, worked for Spring Festival: 25 of 251.
        (date(2005, 2, 5), 643_227.092),  # 200,000 + 443,227.092
        (HALF_YEAR, 2_362_948.207),  # 200,000 + 4,450,000 x 122/251
        (date(2005, 12, 31), 4_650_000.0),
        # 2007 until July: 20 + 17 + 22 + 23 + 18 + 21 + 22 = 143 of 249.
        (date(2007, 7, 31), 11_655_622.490),  # 200,000 + 2 x 4,450,000 + 2,555,622.490
        (date(2008, 12, 31), 18_000_000.0),
        (date(2009, 2, 1), 18_000_000.0),
    ],
)
def test_the_plan_to_date_on_days_worked_out_by_hand(today: date, plan: float) -> None:
    assert plan_to_date(JILIN, CALENDAR, today) == pytest.approx(plan, abs=0.001)


def test_a_part_s_plan_is_its_own() -> None:
    # Changchun, September 2005: 22 of 85 working days of 508,373 people.
    assert plan_to_date(CHANGCHUN, CALENDAR, date(2005, 9, 30)) == pytest.approx(131_578.894)


# Where we stand


def test_behind_at_mid_year() -> None:
    found = standing(
        count("2004-12-31", counted=200_000, dispatched=200_000),
        count("2005-06-30", counted=2_000_000, dispatched=2_000_000),
        count("2005-07-01", counted=5, dispatched=5),  # tomorrow is no matter of today
    )
    assert (found.people, found.counted) == (18_000_000, 2_200_000)
    assert (found.year, found.year_target, found.year_counted) == (2005, 4_450_000, 2_000_000)
    # 2,200,000 - 2,362,948.207
    assert found.ahead_people == pytest.approx(-162_948.207, abs=0.001)
    # 2,000,000 are 251 x 2,000,000/4,450,000 = 112.809 working days of the year; 122 are gone.
    assert found.ahead_working_days == pytest.approx(-9.191, abs=0.001)
    # 2,450,000 in the 251 - 122 = 129 working days that are left.
    assert found.working_days_left == 129
    assert found.required_per_day == pytest.approx(18_992.248, abs=0.001)


def test_ahead_into_the_next_year() -> None:
    # All of 2005 and 445,000 of 2006 (25.1 of 251 days) on the evening of 2005-12-30; Saturday the
    # 31st is worked for January 3rd, so 250 of 251 days are gone: 1 + 25.1.
    found = standing(
        count("2004-12-31", counted=200_000, dispatched=200_000),
        count("2005-12-30", counted=4_895_000, dispatched=4_895_000),
        today=date(2005, 12, 30),
    )
    assert found.ahead_working_days == pytest.approx(26.1)
    assert (found.required_per_day, found.working_days_left) == (0.0, 1)


def test_on_the_last_day_of_a_year_no_rate_can_help() -> None:
    found = standing(count("2005-03-01", counted=1, dispatched=1), today=date(2005, 12, 31))
    assert (found.required_per_day, found.working_days_left) == (None, 0)


def test_before_and_after_the_targets() -> None:
    before = standing(today=date(2004, 3, 1))
    assert (before.year, before.plan, before.ahead_working_days) == (2004, 0.0, 0.0)
    # 200,000 in the pilot's 85 working days.
    assert before.required_per_day == pytest.approx(2_352.941, abs=0.001)
    # January 2009: 22 weekdays less 1, 2 and 26-30, plus Sunday 4 and Saturday 24, are 17 more
    # days in which 17,822/4,450,000 of 251 days' work, 1.005 days, was not made up.
    late = count("2008-12-31", counted=18_000_000 - 17_822, dispatched=18_000_000 - 17_822)
    after = standing(late, today=date(2009, 1, 31))
    assert after.year == 2008
    assert after.ahead_working_days == pytest.approx(-1.005 - 17, abs=0.001)
    done = standing(
        count("2008-12-31", counted=18_000_000, dispatched=18_000_000), today=date(2009, 1, 31)
    )
    assert (done.ahead_working_days, done.required_per_day) == (0.0, 0.0)


def test_load_is_shown_and_is_no_progress() -> None:
    found = standing(
        count("2005-06-01", counted=90, dispatched=100),
        count("2005-06-01", load="under_16", dispatched=7),
        count("2005-06-02", load="under_16", dispatched=1),
        count("2005-06-01", load="replacement", dispatched=5),
        count("2005-06-01", load="", refused=3),
        count("2004-06-01", load="first_generation", dispatched=40),
    )
    assert found.counted == 90
    assert found.load_counted_separately == {
        "first_generation": 40, "under_16": 8, "replacement": 5, "again": 10,
    }  # fmt: skip


def test_a_part_counts_its_own_counties_from_its_first_day() -> None:
    counts = (
        count("2005-03-31", CHAOYANG, counted=1, dispatched=1),  # before it began
        count("2005-09-01", CHAOYANG, counted=20, dispatched=20),
        count("2005-09-01", DUNHUA, counted=300, dispatched=300),
    )
    orders = (order(1), order(2, county=CHAOYANG))
    part = standing(*counts, orders=orders, today=date(2005, 9, 30), programme=CHANGCHUN)
    whole = standing(*counts, orders=orders, today=date(2005, 9, 30))
    assert (part.counted, part.waiting) == (20, 1)
    assert (whole.counted, whole.waiting) == (321, 2)


# Promises


def test_open_orders_by_the_days_since_their_receipt() -> None:
    today = date(2005, 6, 30)
    received = [date(2005, 6, 15), date(2005, 6, 14), date(2005, 5, 31), date(2005, 5, 30)]
    received += [date(2005, 4, 30)]  # 15, 16, 30, 31 and 61 days ago
    orders = [order(number, received=day) for number, day in enumerate(received)]
    orders.append(order(9, received=date(2005, 1, 1), state=OrderState.DONE))
    orders.append(order(10, received=date(2005, 1, 1), state=OrderState.CANCELLED))
    found = standing(orders=tuple(orders), today=today)
    assert found.waiting == 5
    assert found.older_than == {15: 4, 30: 2, 45: 1, 60: 1}


#: The 20 working days before Friday 2005-09-30 are 2 to 29 September.
RECENT = (
    count("2005-09-01", made=900),
    count("2005-09-02", made=80),
    count("2005-09-25", made=20),  # a Sunday: extra work counts with the days around it
    count("2005-09-29", made=102),
    count("2005-09-30", made=999),  # today is not over while the centre looks
)


def promised(*days: tuple[str, int]) -> tuple[Order, ...]:
    names = [day for day, orders in days for _ in range(orders)]
    return tuple(order(number, promise=day) for number, day in enumerate(names))


@pytest.mark.parametrize(
    ("orders", "late"),
    [
        # 202 in 20 days are 10.1 a day. National Day's week is free; the 8th and 9th are worked.
        (promised(("2005-10-07", 2)), 2),
        (promised(("2005-10-08", 10)), 0),
        (promised(("2005-10-08", 12)), 2),
        (promised(("2005-10-09", 20)), 0),
        (promised(("2005-10-09", 25)), 5),
        (promised(("2005-10-08", 5), ("2005-10-09", 20)), 5),
        # Those that are late already are made first: 3 + 17 of the 20 until the 9th.
        (promised(("2005-10-09", 18), ("2005-09-20", 3)), 3 + 1),
        ((), 0),
    ],
)
def test_how_many_promises_the_recent_rate_will_break(orders: tuple[Order, ...], late: int) -> None:
    found = standing(*RECENT, orders=orders, today=date(2005, 9, 30))
    assert (found.recent_per_day, found.recent_days) == (10.1, 20)
    assert found.will_be_late == late


def test_a_centre_that_made_nothing_breaks_all_and_a_new_one_those_that_are_broken() -> None:
    orders = promised(("2005-10-08", 4), ("2005-09-29", 1))
    idle = standing(count("2005-09-01", received=5), orders=orders, today=date(2005, 9, 30))
    assert (idle.recent_per_day, idle.recent_days, idle.will_be_late) == (0.0, 20, 5)
    new = standing(count("2005-09-30", received=5), orders=orders, today=date(2005, 9, 30))
    assert (new.recent_days, new.will_be_late) == (0, 1)


# From receipt to dispatch


def test_turnaround_is_counted_in_working_days() -> None:
    def days(received: date, dispatched: date) -> tuple[int, int]:
        return noon_us(received), noon_us(dispatched)

    friday, monday = date(2005, 9, 9), date(2005, 9, 12)
    assert turnaround([], CALENDAR) is None
    assert turnaround([days(friday, friday)], CALENDAR) == (0, 0)
    assert turnaround([days(friday, monday)], CALENDAR) == (1, 1)
    # From 30 September over National Day: the 8th, 9th and 10th.
    assert turnaround([days(date(2005, 9, 30), date(2005, 10, 10))], CALENDAR) == (3, 3)
    # 98 in one day, one in 5, one in 6: the 50th and the 99th of 100.
    many = [days(friday, monday)] * 98
    many += [days(friday, date(2005, 9, 16)), days(friday, date(2005, 9, 19))]
    assert turnaround(many, CALENDAR) == (1, 5)


def test_noon_is_on_its_day() -> None:
    assert china_day(noon_us(HALF_YEAR)) == HALF_YEAR


# Groups

GROUPED = (
    count("2005-01-10", CHAOYANG, received=10, made=8, dispatched=7, counted=6, fees_cents=20_000),
    count("2005-01-11", CHAOYANG, spoiled=1, relieved=2, received=3),
    count("2005-01-11", DUNHUA, load="", refused=4),
    count("2005-01-11", "229901", counted=1, dispatched=1),
)


def only(groups: tuple[Group, ...], key: str) -> Group:
    (found,) = [group for group in groups if group.key == key]
    return found


def test_every_county_is_listed_started_or_not() -> None:
    orders = (order(1, county=CHAOYANG), order(2, county=CHAOYANG, state=OrderState.DONE))
    groups = by_county(JILIN, GROUPED, orders, date(2005, 1, 31))
    assert len(groups) == 61  # Jilin's 60, and one of invented people
    starts = {county.code: county.starts for county in JILIN.counties}
    for group in groups[:-1]:
        begun = starts[group.key]
        assert group.started == (begun if begun and begun <= date(2005, 1, 31) else None)
    assert 4 <= sum(group.started is not None for group in groups) < 60
    chaoyang = only(groups, CHAOYANG)
    assert (chaoyang.label, chaoyang.label_zh) == ("Chaoyang", "朝阳区")
    assert (chaoyang.received, chaoyang.made, chaoyang.spoiled) == (13, 8, 1)
    assert (chaoyang.dispatched, chaoyang.counted, chaoyang.waiting) == (7, 6, 1)
    assert (chaoyang.fees_cents, chaoyang.relieved, chaoyang.people) == (20_000, 2, 0)
    assert (only(groups, DUNHUA).refused, only(groups, "229901").label_zh) == (4, "示例一县")


def test_prefectures_have_quotas_and_their_counties_figures() -> None:
    groups = by_prefecture(JILIN, GROUPED, (order(1),), date(2005, 1, 31))
    assert sum(group.people for group in groups) == 18_000_000
    changchun, yanbian = only(groups, "2201"), only(groups, "2224")
    assert (changchun.people, changchun.received, changchun.counted) == (5_000_000, 13, 6)
    assert changchun.started == date(2004, 9, 1)  # its pilot county
    assert (yanbian.refused, yanbian.waiting) == (4, 1)
    assert only(groups, "2299").counted == 1


def test_products_and_days() -> None:
    products = by_product(JILIN, GROUPED, (order(1),), date(2005, 1, 31))
    assert [(one.key, one.received, one.waiting) for one in products] == [("1", 0, 0), ("2", 13, 1)]
    days = by_day(JILIN, GROUPED, date(2005, 1, 31))
    assert [(one.key, one.received, one.refused, one.counted) for one in days] == [
        ("2005-01-10", 10, 0, 6),
        ("2005-01-11", 3, 4, 1),
    ]
    assert [one.key for one in by_day(JILIN, GROUPED, date(2005, 1, 10))] == ["2005-01-10"]
