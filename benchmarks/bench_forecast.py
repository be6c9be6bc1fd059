"""How often the forecast's 80 % band holds what then happens, and what a forecast costs.

Two hundred made-up years a figure, the band drawn at mid-year. A share far below 80 is that of an
overconfident forecast; far above, of one that says less than it could.
"""

import time
from collections.abc import Iterator

from jobs.forecast import forecast
from tests.unit.jobs.forecast_trials import HALF_YEAR_DAYS, YEARS, share_held, trials
from tests.unit.jobs.output_years import (
    YEAR_DAYS,
    MondayToFriday,
    even_output,
    plant_output,
    wandering_output,
    working_days,
)

Figure = tuple[str, float]


def figures() -> Iterator[Figure]:
    """Try the forecast on each kind of years, then time it."""
    plants = list(trials(plant_output))
    yield "forecast.band_cover_percent", share_held([trial.year_held for trial in plants])
    yield "forecast.finish_cover_percent", share_held([trial.finish_held for trial in plants])
    others = (
        ("with_a_year_before", plant_output, YEAR_DAYS),
        ("even", even_output, 0),
        ("wandering", wandering_output, 0),
    )
    for name, output, days_before in others:
        held = [trial.year_held for trial in trials(output, days_before)]
        yield f"forecast.band_cover_{name}_percent", share_held(held)
    yield "forecast.ms", _milliseconds()


def _milliseconds() -> float:
    """Time one forecast at mid-year, past days and calendar at hand."""
    days = list(working_days(YEAR_DAYS))
    pasts = [
        list(zip(days, plant_output(seed, HALF_YEAR_DAYS), strict=False)) for seed in range(YEARS)
    ]
    began = time.perf_counter()
    for seed, past in enumerate(pasts):
        counted = sum(people for _, people in past)
        forecast(past, counted, MondayToFriday(), past[-1][0], days[-1], counted, seed)
    return (time.perf_counter() - began) / YEARS * 1e3
