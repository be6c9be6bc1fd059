"""The forecast: its band holds what it says it holds, and it says so when it cannot know."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

import pytest

from jobs.forecast import FUTURES, HORIZON_DAYS, Forecast, forecast
from jobs.working_calendar import WorkingCalendar
from tests.unit.jobs.forecast_trials import Trial, share_held, trials
from tests.unit.jobs.output_years import (
    MondayToFriday,
    even_output,
    plant_output,
    wandering_output,
    working_days,
)

#: Friday, the last working day before National Day.
TODAY = date(2005, 9, 30)
YEAR_END = date(2005, 12, 31)


def past_of(people: Sequence[int]) -> list[tuple[date, int]]:
    """Lay output on the last working days up to today."""
    days = list(WorkingCalendar().days(date(2003, 1, 1), TODAY))[-len(people) :]
    return list(zip(days, people, strict=True)) if people else []


def told(
    people: Sequence[int], remaining: int = 10_000, seed: int = 1, share: float = 0.8
) -> Forecast:
    return forecast(
        past_of(people), remaining, WorkingCalendar(), TODAY, YEAR_END, 5_000, seed, share
    )


@pytest.fixture(scope="module")
def plants() -> list[Trial]:
    return list(trials(plant_output))


def test_the_band_holds_the_year_as_often_as_it_says(plants: list[Trial]) -> None:
    assert 70.0 <= share_held([trial.year_held for trial in plants]) <= 90.0


def test_the_band_holds_the_finish_as_often_as_it_says(plants: list[Trial]) -> None:
    assert 70.0 <= share_held([trial.finish_held for trial in plants]) <= 90.0


@pytest.mark.parametrize(
    ("output", "most"),
    # A half year of even days cannot rule out that the level will move: the band allows for it.
    [(even_output, 98.0), (wandering_output, 90.0)],
)
def test_it_is_not_made_for_one_kind_of_years(
    output: Callable[[int, int], list[int]], most: float
) -> None:
    assert 70.0 <= share_held([trial.year_held for trial in trials(output, years=100)]) <= most


def test_a_band_misses_on_both_sides(plants: list[Trial]) -> None:
    missed = [trial for trial in plants if not trial.year_held]
    above = sum(trial.year_total > trial.forecast.year_high for trial in missed)
    assert 0.25 < above / len(missed) < 0.75


def test_even_days_are_told_to_the_day() -> None:
    # 100 a day: 300 take three days, which are Saturday the 8th and Sunday the 9th of October,
    # worked for National Day, and Monday the 10th. Until the year's end 63 days are worked:
    # 18 in October (24 to 31 has 6, 17 to 21 has 5, 8 to 14 has 7), 22 in November, 23 in December
    # with Saturday the 31st, worked for New Year: 5,000 + 63 * 100.
    found = told([100] * 60, remaining=300)
    assert (found.low, found.median, found.high) == (date(2005, 10, 10),) * 3
    assert (found.year_low, found.year_median, found.year_high) == (11_300,) * 3


def test_weekdays_come_back_on_their_days() -> None:
    # Nothing on Mondays and twice as much on Fridays: 0 + 100 + 100 + 100 + 200 = 500 a week.
    days = list(working_days(61))
    week = (0, 100, 100, 100, 200)
    past = [(day, week[day.weekday()]) for day in days[:60]]
    # Through Friday of the first coming week it is 500, so 301 are reached on that Friday.
    found = forecast(past, 301, MondayToFriday(), days[59], days[60], 0, seed=1)
    assert (found.low, found.high) == (date(2005, 4, 1),) * 2
    # The year's only day left is a Monday.
    assert (found.year_low, found.year_high) == (0, 0)


@pytest.mark.parametrize("days", [0, 1, 9])
def test_too_few_days_tell_nothing_and_it_says_so(days: int) -> None:
    found = told([100] * days)
    assert (found.low, found.median, found.high) == (None, None, None)
    assert (found.year_low, found.year_high) == (5_000, 5_000), "counted already, nothing foreseen"
    assert found.days_used == 0
    assert found.method == f"No forecast: it needs 10 working days, and there are {days}."


def test_ten_days_are_enough() -> None:
    found = told([90, 110, 100, 95, 105, 120, 80, 140, 90, 110], remaining=3_000)
    assert found.days_used == 10
    assert found.low is not None
    assert found.year_low < found.year_high


def test_two_weeks_that_happen_to_be_alike_are_no_certainty() -> None:
    # 500 people in each week, but no day like its namesake.
    found = told([90, 110, 100, 95, 105, 120, 80, 100, 90, 110], remaining=3_000)
    assert found.year_low < found.year_high


def test_who_makes_nothing_never_finishes() -> None:
    found = told([0] * 60, remaining=1)
    assert (found.low, found.median, found.high) == (None, None, None)
    assert (found.year_low, found.year_high) == (5_000, 5_000)
    assert found.days_used == 60


@pytest.mark.parametrize("days", [0, 60])
@pytest.mark.parametrize("remaining", [0, -50])
def test_what_is_reached_is_reached_today(days: int, remaining: int) -> None:
    found = told([100] * days, remaining=remaining)
    assert (found.low, found.median, found.high) == (TODAY,) * 3


def test_beyond_the_horizon_there_is_no_day() -> None:
    at_the_horizon = told([100] * 60, remaining=100 * HORIZON_DAYS)
    assert at_the_horizon.high == WorkingCalendar().after(TODAY, HORIZON_DAYS)
    assert told([100] * 60, remaining=100 * HORIZON_DAYS + 1).low is None


def test_a_late_end_of_the_band_may_lie_beyond_the_horizon() -> None:
    # 100 a day are left of 1,000: it may recover, and it may fall to nothing.
    falling = [1_000 - 75 * (day // 5) for day in range(65)]
    found = told(falling, remaining=100_000)
    assert found.low is not None
    assert found.high is None


def test_nobody_is_uncounted_however_bad_the_weeks_were() -> None:
    found = told([0, 0, 0, 0, 0, 900, 0, 300, 0, 0] * 5)
    assert found.year_low >= 5_000


def test_the_same_seed_gives_the_same_answer() -> None:
    people = plant_output(5, 125)
    assert told(people, 10**6, seed=7) == told(people, 10**6, seed=7)
    assert told(people, 10**6, seed=7) != told(people, 10**6, seed=8)


def test_what_remains_does_not_change_the_year() -> None:
    people = plant_output(5, 125)
    near, far = told(people, remaining=10), told(people, remaining=10**9)
    assert (near.year_low, near.year_median, near.year_high) == (
        far.year_low,
        far.year_median,
        far.year_high,
    )


def test_a_larger_share_asks_for_a_wider_band() -> None:
    people = plant_output(5, 125)
    bands = [told(people, share=share) for share in (0.5, 0.8, 0.95)]
    for narrow, wide in pairwise(bands):
        assert wide.year_low < narrow.year_low < narrow.year_high < wide.year_high
        assert wide.year_median == narrow.year_median


def test_days_of_more_than_a_year_ago_do_not_count() -> None:
    year = plant_output(5, 250)
    assert told([10**6] * 100 + year) == told(year)


def test_after_the_years_end_its_count_stands() -> None:
    people = plant_output(5, 125)
    found = forecast(past_of(people), 10**6, WorkingCalendar(), TODAY, TODAY, 5_000, seed=1)
    assert (found.year_low, found.year_high) == (5_000, 5_000)


def test_the_method_is_one_sentence_that_names_its_figures() -> None:
    method = told(plant_output(5, 128)).method
    assert method.count(".") == 1
    assert "last 125 working days" in method
    assert f"the middle 80% of {FUTURES} futures" in method
