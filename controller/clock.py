"""What time it is, handed in. The event loop measures durations; a clock only names moments."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from jobs.day_counts import china_day
from jobs.shifts import ShiftPlan

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Names the present moment."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""

    def seconds_until(self, time_us: int) -> float:
        """Return how long the event loop has to wait for a moment; less than 0 if it is past."""


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000

    def seconds_until(self, time_us: int) -> float:
        """Return how long the event loop has to wait for a moment, if nobody sets the clock."""
        return (time_us - self.now_us()) / MICROSECONDS


class CalendarClock:
    """A simulated centre's calendar: starts at a set moment and runs with the event loop."""

    def __init__(self, start_us: int) -> None:
        self._start_us = start_us
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._loop.time()

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return self._start_us + round((self._loop.time() - self._origin_s) * MICROSECONDS)

    def seconds_until(self, time_us: int) -> float:
        """Return how long the event loop has to wait for a moment."""
        return (time_us - self.now_us()) / MICROSECONDS


class ShiftTimeClock:
    """A calendar that has only shifts: once begun it runs so many times as fast as the event loop.

    Nights and holidays take no time, so that machines which know nothing of them take as many times
    longer by this calendar: a thousandth of the cards then keeps them as busy as all would.
    """

    def __init__(self, shifts: ShiftPlan, start_us: int, scale: int) -> None:
        self._shifts = shifts
        self._start_us = start_us
        self._scale = scale
        self._loop = asyncio.get_running_loop()
        self._origin_s: float | None = None

    def begin(self) -> None:
        """Let time go on from the start, at which it has stood still."""
        self._origin_s = self._loop.time()

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        if self._origin_s is None:
            return self._start_us
        passed_us = (self._loop.time() - self._origin_s) * self._scale * MICROSECONDS
        return self._shifts.instant(self._start_us, round(passed_us))

    def seconds_until(self, time_us: int) -> float:
        """Return how long the event loop has to wait for a moment, once time goes on."""
        now_us = self.now_us()
        if time_us < now_us:
            return -self._shifts.working_us(time_us, now_us) / self._scale / MICROSECONDS
        return self._shifts.working_us(now_us, time_us) / self._scale / MICROSECONDS


def start_of_day_us(day: date, hour: int = 0) -> int:
    """Return the moment of an hour of a day in China (UTC+8), where these centres stand."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)
    return int(moment.timestamp()) * MICROSECONDS


def day_of(time_us: int) -> date:
    """Return the day in China (UTC+8) of a moment."""
    return china_day(time_us)
