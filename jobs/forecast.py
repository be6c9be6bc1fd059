"""When the work will be done, and how far we shall be by the year's end, said with a band. Pure.

It knows a centre's past days and nothing else: neither orders nor machines nor seasons. It is not
for promises to one person, nor for whether the plan is met: `jobs/standing.py` says that.

The method, on weeks of five working days, counted back from the last day (so that each begins on
the weekday on which the coming one begins):

1. The weeks' means are a level that drifts, plus noise. Every week the level takes a random step,
   of which a part goes on in the next weeks. How large the steps are beside the noise, and how long
   they go on, a short past tells only roughly. So each of many pairs of values, from "no step that
   anybody could notice" to "steps larger than the noise", has the weight by which it explains the
   past (a local level with a damped trend: Durbin and Koopman, Time Series Analysis by State Space
   Methods; Gardner and McKenzie 1985).
2. Each of many futures draws such a pair, the size of the noise and today's level from what the
   past allows, and lets the level drift on. Its days are those of past weeks, drawn at random, as
   they differed from the level of their time: weekdays, bad days and bad weeks come along.

A plain bootstrap of days would be too narrow: it takes for granted that nothing changes for good.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WEEK_DAYS = 5
#: Two weeks: fewer do not tell how weeks differ.
DAYS_USED_MIN = 10
#: About a year: older days say little of the coming ones.
DAYS_USED_MAX = 250
FUTURES = 1000
#: About ten years. What is not done by then is not foreseen.
HORIZON_DAYS = 2500
#: Futures are made piece by piece, and no further than they are needed.
PIECE_WEEKS = 25

#: A step's lasting effect by the week's noise, as variances, even on the scale of ratios. With the
#: least one a whole year's steps are a fourteenth of one week's noise; with the largest one the
#: noise hardly shows.
_STEP_RATIOS = np.geomspace(1e-4, 10.0, 26)
#: The share of a step that goes on in the next week: none, or halved within 1, 3 or 14 weeks.
_PERSISTENCES = np.array([0.0, 0.5, 0.8, 0.95])

Array = NDArray[np.float64]


class Workdays(Protocol):
    """What a forecast asks of a calendar."""

    def count(self, first: date, last: date) -> int:
        """Count the working days from the one to the other, both ends in."""

    def after(self, day: date, n: int) -> date:
        """Return the n-th working day after a day."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The day of the finish and the count by the year's end, each as a band with its middle.

    A finish of None lies beyond the horizon. If `days_used` is 0 there is no forecast: `method`
    says why, and the year's figures are only what is counted already.
    """

    low: date | None
    median: date | None
    high: date | None
    year_low: int
    year_median: int
    year_high: int
    method: str
    days_used: int


@dataclass(frozen=True, slots=True)
class _Past:
    """What the past says of the drift, one element a pair of values (size of a step, persistence).

    Variances are in units of the noise's.
    """

    weight: Array
    ratio: Array
    persistence: Array
    level: Array
    trend: Array
    level_variance: Array
    trend_variance: Array
    covariance: Array
    squares: Array


@dataclass(slots=True)
class _Drift:
    """Where each future's level stands and goes; it is moved on week by week."""

    level: Array
    trend: Array
    persistence: Array
    step: Array


def forecast(
    daily: Sequence[tuple[date, int]],
    remaining: int,
    calendar: Workdays,
    today: date,
    year_end: date,
    year_counted: int,
    seed: int,
    share: float = 0.8,
) -> Forecast:
    """Foresee when `remaining` more people are counted, and how many are by the year's end.

    `daily` holds every past working day, also those on which nobody was counted; today only if it
    is over, since the future begins with the working day after `today`. The band holds `share` of
    the futures, and leaves as many below it as above. What is reached already is reached `today`.
    """
    assert 0.0 < share < 1.0
    assert all(before[0] < after[0] for before, after in pairwise(daily))
    assert not daily or daily[-1][0] <= today
    reached = today if remaining <= 0 else None
    days_used = min(len(daily), DAYS_USED_MAX) // WEEK_DAYS * WEEK_DAYS
    if days_used < DAYS_USED_MIN:
        why = f"No forecast: it needs {DAYS_USED_MIN} working days, and there are {len(daily)}."
        return Forecast(
            reached, reached, reached, year_counted, year_counted, year_counted, why, days_used=0
        )
    people = np.array([people for _, people in daily[-days_used:]], dtype=np.float64)
    year_days = calendar.count(today + timedelta(days=1), year_end) if year_end > today else 0
    assert year_days <= HORIZON_DAYS
    futures = _futures(people.reshape(-1, WEEK_DAYS), np.random.default_rng(seed))
    # Futures that are done later than the band's high end need not be followed to their own end.
    enough = math.floor(FUTURES * (1.0 + share) / 2.0) + 1
    finishes, year_totals = _follow(futures, remaining, year_days, enough)
    low, median, high = (
        reached or (calendar.after(today, round(day)) if day <= HORIZON_DAYS else None)
        for day in _band(finishes, share)
    )
    year_low, year_median, year_high = (
        year_counted + round(people) for people in _band(year_totals, share)
    )
    return Forecast(
        low,
        median,
        high,
        year_low,
        year_median,
        year_high,
        method=_method(days_used, share),
        days_used=days_used,
    )


def _method(days_used: int, share: float) -> str:
    return (
        f"Bootstrap over the last {days_used} working days in weeks of {WEEK_DAYS}, around a level"
        " that drifts on as the means of these weeks let expect, the size of the drift itself drawn"
        f" from all that explain them; the middle {share:.0%} of {FUTURES} futures."
    )


def _band(values: Array, share: float) -> list[float]:
    """Return the band's low end, the middle and the band's high end, each a value that occurs."""
    ends = [(1.0 - share) / 2.0, 0.5, (1.0 + share) / 2.0]
    return [float(value) for value in np.quantile(values, ends, method="inverted_cdf")]


def _follow(
    futures: Iterator[Array], remaining: int, year_days: int, enough: int
) -> tuple[Array, Array]:
    """Return on which day each future is done, and its count in the year.

    Stops when enough futures are done and the year is over. The others have a day past the horizon.
    """
    people = np.zeros(FUTURES)
    year_totals = np.zeros(FUTURES)
    finishes = np.full(FUTURES, HORIZON_DAYS + 1.0)
    days = 0
    for piece in futures:
        counted = people[:, None] + np.cumsum(piece, axis=1)
        # People are whole; half a person keeps rounding from moving the finish by a day.
        done = counted >= remaining - 0.5
        first = days + 1.0 + np.argmax(done, axis=1)
        finishes = np.where(done.any(axis=1), np.minimum(finishes, first), finishes)
        year_days_here = min(max(year_days - days, 0), piece.shape[1])
        if year_days_here:
            year_totals = counted[:, year_days_here - 1]
        people = counted[:, -1]
        days += piece.shape[1]
        if days >= year_days and np.count_nonzero(finishes <= days) >= enough:
            break
    return finishes, year_totals


def _futures(weeks: Array, draw: np.random.Generator) -> Iterator[Array]:
    """Make the coming days of every future, a piece at a time, up to the horizon."""
    means = weeks.mean(axis=1)
    past = _explain(means)
    drift = _begin(past, weeks, draw)
    differences = weeks - _smooth(means, past)[:, None]
    for _ in range(HORIZON_DAYS // (PIECE_WEEKS * WEEK_DAYS)):
        levels = np.empty((FUTURES, PIECE_WEEKS))
        for week in range(PIECE_WEEKS):
            steps = drift.step * draw.standard_normal(FUTURES)
            drift.trend = drift.persistence * drift.trend + steps
            drift.level = drift.level + drift.trend
            levels[:, week] = drift.level
        drawn = differences[draw.integers(len(weeks), size=levels.shape)]
        yield np.maximum(levels[:, :, None] + drawn, 0.0).reshape(FUTURES, -1)


def _explain(means: Array) -> _Past:
    """Weigh every pair of values by how well it explains the past (a Kalman filter for each).

    The first week's level is unknown beforehand, and so is the size of the noise, evenly over its
    logarithm; both are integrated out.
    """
    ratio, persistence = (grid.ravel() for grid in np.meshgrid(_STEP_RATIOS, _PERSISTENCES))
    # A step s goes on as s * persistence ** n, so that it moves the level by s / (1 - persistence).
    step = ratio * (1.0 - persistence) ** 2
    level, trend = np.full(ratio.shape, means[0]), np.zeros(ratio.shape)
    level_variance, covariance = np.ones(ratio.shape), np.zeros(ratio.shape)
    trend_variance = step / (1.0 - persistence**2)
    squares, log_spread = np.zeros(ratio.shape), np.zeros(ratio.shape)
    for mean in means[1:]:
        trend = persistence * trend
        trend_variance = persistence**2 * trend_variance + step
        carried = persistence * covariance
        level, covariance = level + trend, carried + trend_variance
        level_variance = level_variance + 2.0 * carried + trend_variance
        spread = level_variance + 1.0
        surprise = mean - level
        level = level + level_variance / spread * surprise
        trend = trend + covariance / spread * surprise
        level_variance = level_variance / spread
        trend_variance = trend_variance - covariance**2 / spread
        covariance = covariance / spread
        squares = squares + surprise**2 / spread
        log_spread = log_spread + np.log(spread)
    # Output without any noise leaves no surprise; every pair then explains it alike.
    logarithm = np.log(np.maximum(squares, math.ulp(0.0)))
    weight = -0.5 * (log_spread + (len(means) - 1) * logarithm)
    weight = np.exp(weight - weight.max())
    return _Past(
        weight=weight / weight.sum(),
        ratio=ratio,
        persistence=persistence,
        level=level,
        trend=trend,
        level_variance=level_variance,
        trend_variance=trend_variance,
        covariance=covariance,
        squares=squares,
    )


def _begin(past: _Past, weeks: Array, draw: np.random.Generator) -> _Drift:
    """Draw for every future its pair of values, the size of its noise, and where it stands."""
    pair = draw.choice(len(past.weight), size=FUTURES, p=past.weight)
    variance = past.squares[pair] / draw.chisquare(len(weeks) - 1, size=FUTURES)
    noise = np.sqrt(np.maximum(variance, _least_variance(weeks)))
    in_level, in_trend = draw.standard_normal((2, FUTURES))
    level_spread = np.sqrt(past.level_variance[pair])
    shared = past.covariance[pair] / level_spread
    own = np.sqrt(np.maximum(past.trend_variance[pair] - shared**2, 0.0))
    persistence = past.persistence[pair]
    return _Drift(
        level=past.level[pair] + noise * level_spread * in_level,
        trend=past.trend[pair] + noise * (shared * in_level + own * in_trend),
        persistence=persistence,
        step=noise * np.sqrt(past.ratio[pair]) * (1.0 - persistence),
    )


def _least_variance(weeks: Array) -> float:
    """Return what the days' own noise makes of the noise of a week's mean.

    A mean of days is not steadier than that: two weeks may have the same mean by accident.
    """
    noise = weeks - weeks.mean(axis=0) - weeks.mean(axis=1)[:, None] + weeks.mean()
    freedom = (WEEK_DAYS - 1) * (len(weeks) - 1)
    return float((noise**2).sum()) / freedom / WEEK_DAYS


def _smooth(means: Array, past: _Past) -> Array:
    """Return the level of each past week: near its means, without jumps that steps do not explain.

    Least squares with a penalty on steps (Whittaker), as large as the mean of the ratios asks.
    """
    ratio = math.exp(float(past.weight @ np.log(past.ratio)))
    steps = np.diff(np.eye(len(means)), axis=0)
    penalty = steps.T @ steps / ratio
    return np.linalg.solve(np.eye(len(means)) + penalty, means).astype(np.float64, copy=False)
