"""Shifts of a running centre: each begin is put on record, and between shifts nothing is fed.

Cards in process are finished and machines stay as they are. Which hours are shifts is
`jobs/shifts.py`'s to say; a centre without shifts is fed round the clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from config.centre import Centre
from config.programme import Programme
from controller.clock import MICROSECONDS, Clock
from jobs.application import CHINA_TIME
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.shifts import ShiftPlan, ShiftSpan
from jobs.working_calendar import WorkingCalendar

OFF_SHIFT = "off shift"
#: A clock may be set and a computer may have slept: so often it is looked at again.
LOOK_S = 60.0
#: Waits are rounded up to this, so that a shift has begun for certain when its begin is looked at.
SHORTEST_WAIT_S = 0.001
#: So far back a restart looks for the begin of the shift that is on: no index names it.
LOOK_BACK_EVENTS = 500_000


def working_calendar(programme: Programme | None) -> WorkingCalendar:
    """Return China's working days, with a programme's changes to them."""
    if programme is None:
        return WorkingCalendar()
    return WorkingCalendar(programme.extra_working_days, programme.closed_days)


def shift_plan(config: Centre, programme: Programme | None) -> ShiftPlan:
    """Return the shifts of a centre's file on the working days of the programme it works to."""
    times = [(shift.name, shift.begins_minute, shift.ends_minute) for shift in config.shifts]
    return ShiftPlan(working_calendar(programme), times)


@dataclass(slots=True)
class Shifts:
    """Follows the clock through the shifts."""

    plan: ShiftPlan
    ledger: Ledger
    clock: Clock
    _on: ShiftSpan | None = field(default=None, init=False)

    def are_on(self) -> bool:
        """Tell whether cards may be fed."""
        return self.plan.always_on or self._on is not None

    def told(self) -> str:
        """Say which shift is on, or until when none is; nothing without shifts."""
        if self.plan.always_on:
            return ""
        if self._on is not None:
            return f"{self._on.name}, until {_in_china(self._on.ends_us)}"
        return f"{OFF_SHIFT} until {_in_china(self.plan.next_begin_us(self.clock.now_us()))}"

    async def run(self, changed: Callable[[], None]) -> None:
        """Follow the shifts until cancelled; tell when one has begun or ended."""
        if self.plan.always_on:
            return
        recorded = self._last_recorded_us()
        while True:
            now_us = self.clock.now_us()
            span = self.plan.at(now_us)
            if span is not None and span.begins_us != recorded:
                await self.ledger.append(_begun(span))
                recorded = span.begins_us
            if span != self._on:
                self._on = span
                changed()
            next_us = span.ends_us if span else self.plan.next_begin_us(now_us)
            wait_s = self.clock.seconds_until(next_us)
            await asyncio.sleep(min(max(wait_s, SHORTEST_WAIT_S), LOOK_S))

    def _last_recorded_us(self) -> int:
        """Return when the shift began that was put on record last."""
        found = self.ledger.store.query(
            "SELECT json_extract(data, '$.begins_us') AS begins_us FROM events "
            "WHERE sequence > ? AND kind = ? ORDER BY sequence DESC LIMIT 1",
            (self.ledger.sequence - LOOK_BACK_EVENTS, Kind.SHIFT_BEGUN.value),
        )
        return int(found[0]["begins_us"]) if found else 0


def _begun(span: ShiftSpan) -> Draft:
    data = {
        "name": span.name,
        "day": span.day.isoformat(),
        "begins_us": span.begins_us,
        "ends_us": span.ends_us,
    }
    return Draft(Kind.SHIFT_BEGUN, "centre", data)


def _in_china(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us / MICROSECONDS, UTC).astimezone(CHINA_TIME)
    return f"{moment:%Y-%m-%d %H:%M}"
