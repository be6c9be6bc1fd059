"""Made-up years of a centre's daily output, to try the forecast on.

Not for `jobs/`: the forecast must not know what kind of years it is tried on.

The ranges were written down before any forecast was tried on them, and stay: a forecast that fails
here is to be bettered, not the years. Every seed is a centre of its own.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

BEGINS = date(2005, 1, 3)
YEAR_DAYS = 250
WEEK_DAYS = 5


@dataclass(frozen=True, slots=True)
class MondayToFriday:
    """A calendar without holidays, so that a test's figures can be counted on the fingers."""

    def count(self, first: date, last: date) -> int:
        """Count the working days from the one to the other, both ends in."""
        weeks, rest = divmod((last - first).days + 1, 7)
        days = (first + timedelta(days=number) for number in range(max(rest, 0)))
        return max(0, WEEK_DAYS * weeks + sum(day.weekday() < WEEK_DAYS for day in days))

    def after(self, day: date, number: int) -> date:
        """Return the n-th working day after a day."""
        left = number
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < WEEK_DAYS
        return day


def working_days(number: int, begins: date = BEGINS) -> Iterator[date]:
    """Name the first working days of the made-up time, Monday the 3rd of January first."""
    for index in range(number):
        week, weekday = divmod(index, WEEK_DAYS)
        yield begins + timedelta(days=7 * week + weekday)


def plant_output(seed: int, days: int) -> list[int]:
    """Make the days of a centre with weekdays, seasons, a slow trend, breakdown weeks and noise."""
    draw = Random(f"plant {seed}")
    base = math.exp(draw.uniform(math.log(500), math.log(20_000)))
    weekday = [draw.uniform(0.9, 1.1) for _ in range(WEEK_DAYS)]
    # Once a year (summer holidays, harvest, cold) and twice a year (both terms of the schools).
    swings = [
        (cycles, draw.uniform(0.0, widest), draw.uniform(0.0, math.tau))
        for cycles, widest in ((1, 0.10), (2, 0.05))
    ]
    trend_a_year = draw.uniform(-0.15, 0.15)
    breakdown_chance = draw.uniform(0.01, 0.06)
    noise = draw.uniform(0.03, 0.12)
    output = []
    broken = 1.0
    for day in range(days):
        if day % WEEK_DAYS == 0:
            broken = draw.uniform(0.2, 0.7) if draw.random() < breakdown_chance else 1.0
        year = day / YEAR_DAYS
        season = 1.0 + sum(size * math.sin(math.tau * n * year + at) for n, size, at in swings)
        mean = base * weekday[day % WEEK_DAYS] * season * (1.0 + trend_a_year * year) * broken
        output.append(max(0, round(mean * (1.0 + draw.gauss(0.0, noise)))))
    return output


def even_output(seed: int, days: int) -> list[int]:
    """Make days that have nothing to do with one another: a level that stays, and noise."""
    draw = Random(f"even {seed}")
    base = math.exp(draw.uniform(math.log(500), math.log(20_000)))
    noise = draw.uniform(0.05, 0.25)
    return [max(0, round(base * (1.0 + draw.gauss(0.0, noise)))) for _ in range(days)]


def wandering_output(seed: int, days: int) -> list[int]:
    """Make days whose level takes a small step every day and never comes back on purpose."""
    draw = Random(f"wandering {seed}")
    level = math.exp(draw.uniform(math.log(500), math.log(20_000)))
    step = draw.uniform(0.002, 0.02)
    noise = draw.uniform(0.03, 0.12)
    output = []
    for _ in range(days):
        level *= math.exp(draw.gauss(0.0, step))
        output.append(max(0, round(level * (1.0 + draw.gauss(0.0, noise)))))
    return output
