"""What time it is, handed in. The event loop measures durations; a clock only names moments."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Names the present moment."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000


class CalendarClock:
    """A simulated centre's calendar: starts at a set moment and runs with the event loop."""

    def __init__(self, start_us: int) -> None:
        self._start_us = start_us
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._loop.time()

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return self._start_us + round((self._loop.time() - self._origin_s) * MICROSECONDS)


def start_of_day_us(day: date, hour: int = 0) -> int:
    """Return the moment of an hour of a day in China (UTC+8), where these centres stand."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)
    return int(moment.timestamp()) * MICROSECONDS


def day_of(time_us: int) -> date:
    """Return the day in China (UTC+8) of a moment."""
    return (datetime.fromtimestamp(time_us / MICROSECONDS, UTC) + timedelta(hours=8)).date()
