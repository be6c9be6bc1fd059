"""Invented years of applications: exact in their sums, whatever is drawn, and the same by seed."""

from collections import Counter
from datetime import date

import pytest

from config.programme import Programme, YearTarget, shipped_programme
from jobs.demand import LEAD_DAYS, Sending, day_of_demand, year_of_demand
from jobs.load import Load
from jobs.working_calendar import WorkingCalendar

CALENDAR = WorkingCalendar()
JILIN = shipped_programme("jilin-2004")
SCALE = 1000


def sent(programme: Programme, year: int, seed: int = 1) -> list[Sending]:
    return list(year_of_demand(programme, year, CALENDAR, seed))


def people(sendings: list[Sending], until: date = date.max) -> int:
    """Count the people whom the programme counts, in sound records sent by a day."""
    return sum(
        one.load is Load.PERSON and not one.faulty
        for sending in sendings
        if sending.day <= until
        for one in sending.applicants
    )


def target_of(programme: Programme, year: int) -> YearTarget:
    return next(one for one in programme.targets if one.year == year)


@pytest.mark.parametrize("scale", [300, 1000, 7919, 100_000])
@pytest.mark.parametrize("year", [2004, 2005, 2008])
def test_the_target_is_sent_exactly_and_in_time(year: int, scale: int) -> None:
    scaled = JILIN.scaled(scale) if (year, scale) != (2004, 100_000) else JILIN.scaled(10_000)
    sendings = sent(scaled, year)
    days = list(CALENDAR.days(target_of(JILIN, year).begins, target_of(JILIN, year).ends))
    assert people(sendings, days[-LEAD_DAYS - 1]) == target_of(scaled, year).people


def test_the_year_begins_with_what_waited_and_ends_with_the_next_years() -> None:
    """4,450 people over 251 days: 17.7 a day, five of them waiting; next year's come for five."""
    sendings = sent(JILIN.scaled(SCALE), 2005)
    first = sendings[0].day
    assert first == date(2005, 1, 4)
    assert 88 + 12 <= people(sendings, first) <= 88 + 24
    assert 4450 + 5 * 13 <= people(sendings) <= 4450 + 5 * 20
    assert people(sent(JILIN.scaled(SCALE), 2008)) == 4450, "after the last target comes nothing"


def test_load_comes_beside_the_people_in_its_shares() -> None:
    sendings = sent(JILIN.scaled(SCALE), 2008)
    every = [one for sending in sendings for one in sending.applicants]
    loads = Counter(one.load for one in every if not one.faulty)
    # 4 and 2 per cent of 4,450, halves rounded up; 0.5 per cent are refused, 1 per cent express.
    assert loads == {Load.PERSON: 4450, Load.UNDER_16: 178, Load.REPLACEMENT: 89}
    assert sum(one.faulty for one in every) == 22
    assert sum(one.express for one in every) == 45


def test_only_started_counties_send_and_prefectures_by_their_quotas() -> None:
    sendings = sent(JILIN.scaled(100), 2005)
    starts = {county.code: county.starts for county in JILIN.counties}
    for sending in sendings:
        start = starts[sending.county]
        assert start is not None
        assert start <= sending.day
    assert {sending.county for sending in sendings} == set(starts), "all have started by the end"
    last = [sending for sending in sendings if sending.day >= date(2005, 11, 1)]
    by_prefecture = Counter[str]()
    for sending in last:
        by_prefecture[sending.county[:4]] += len(sending.applicants)
    for one in JILIN.prefectures:
        share = by_prefecture[one.code] / by_prefecture.total()
        assert share == pytest.approx(one.people / JILIN.people, abs=0.01)


def test_a_county_sends_only_when_it_has_somebody() -> None:
    sendings = sent(JILIN.scaled(100_000), 2005)
    assert all(sending.applicants for sending in sendings)
    keys = [(sending.day, sending.county) for sending in sendings]
    assert len(keys) == len(set(keys))
    assert [day for day, _ in keys] == sorted(day for day, _ in keys)
    assert all(CALENDAR.works(day) for day, _ in keys)


def test_the_same_seed_sends_the_same() -> None:
    scaled = JILIN.scaled(SCALE)
    assert sent(scaled, 2006, seed=3) == sent(scaled, 2006, seed=3)
    assert sent(scaled, 2006, seed=3) != sent(scaled, 2006, seed=4)


def test_a_day_has_its_even_share_of_the_year() -> None:
    """4,450,000 people over 251 working days are 17,729 a day."""
    sendings = day_of_demand(JILIN, date(2005, 11, 8), CALENDAR, 1)
    assert people(sendings) == 17_729
    assert len(sendings) == 60
    loads = Counter(
        one.load for sending in sendings for one in sending.applicants if not one.faulty
    )
    assert loads == {Load.PERSON: 17_729, Load.UNDER_16: 709, Load.REPLACEMENT: 355}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: sent(JILIN, 2009), "no target for 2009"),
        (lambda: day_of_demand(JILIN, date(2005, 10, 3), CALENDAR, 1), "is no working day"),
        (lambda: day_of_demand(JILIN, date(2009, 2, 3), CALENDAR, 1), "no target for 2009"),
        (lambda: day_of_demand(JILIN, date(2004, 2, 3), CALENDAR, 1), "is no working day"),
    ],
)
def test_what_no_programme_asks_for_is_refused(call: object, told: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=told):
        call()
