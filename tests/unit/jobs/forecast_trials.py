"""Trials of the forecast on made-up years: what it said at mid-year, and what came of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from jobs.forecast import Forecast, forecast
from tests.unit.jobs.output_years import YEAR_DAYS, MondayToFriday, working_days

YEARS = 200
HALF_YEAR_DAYS = YEAR_DAYS // 2
#: How long a made-up centre is watched for its finish, from mid-year on.
WATCHED_DAYS = 3 * YEAR_DAYS


@dataclass(frozen=True, slots=True)
class Trial:
    """A forecast and what came of it. A finish of None: not within the days that were watched."""

    forecast: Forecast
    year_total: int
    finish: date | None

    @property
    def year_held(self) -> bool:
        """Whether the band held the year's total."""
        return self.forecast.year_low <= self.year_total <= self.forecast.year_high

    @property
    def finish_held(self) -> bool:
        """Whether the band held the finish; no finish lies after every day."""
        low, finish, high = (
            day or date.max for day in (self.forecast.low, self.finish, self.forecast.high)
        )
        return low <= finish <= high


def trials(
    output: Callable[[int, int], list[int]], days_before: int = 0, years: int = YEARS
) -> Iterator[Trial]:
    """Forecast at each year's middle, with so many days known from before that year."""
    for seed in range(years):
        known = days_before + HALF_YEAR_DAYS
        yield _trial(output(seed, known + WATCHED_DAYS), known, seed)


def share_held(held: Sequence[bool]) -> float:
    """Return how many per cent of the bands held."""
    return 100.0 * sum(held) / len(held)


def _trial(output: Sequence[int], known: int, seed: int) -> Trial:
    """Take as much again as the half year made for what is left to do."""
    days = list(zip(working_days(len(output)), output, strict=True))
    year = days[known - HALF_YEAR_DAYS :][:YEAR_DAYS]
    target = counted = sum(people for _, people in year[:HALF_YEAR_DAYS])
    today = days[known - 1][0]
    told = forecast(days[:known], target, MondayToFriday(), today, year[-1][0], counted, seed)
    return Trial(told, sum(people for _, people in year), _finish(days[known:], target))


def _finish(days: Sequence[tuple[date, int]], target: int) -> date | None:
    for day, people in days:
        target -= people
        if target <= 0:
            return day
    return None
