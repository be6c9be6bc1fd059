"""When the centre works: shifts on the calendar's working days, in microseconds of the epoch.

A shift may pass midnight and belongs to the day on which it begins. Without shifts the centre works
round the clock, holidays included, and a span is a calendar day. Pure: it knows no clock, and what
is done outside a shift is not decided here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from jobs.application import CHINA_TIME
from jobs.working_calendar import WorkingCalendar

MINUTE_US = 60_000_000
MINUTES_OF_A_DAY = 24 * 60
DAY_US = MINUTES_OF_A_DAY * MINUTE_US
#: The name of the span of a centre without shifts.
WHOLE_DAY = "day"

_EPOCH = date(1970, 1, 1).toordinal()
#: China's one offset; it has had no summer time since 1991.
_OFFSET = CHINA_TIME.utcoffset(None)
_OFFSET_US = int(_OFFSET.total_seconds()) * 1_000_000


@dataclass(frozen=True, slots=True)
class ShiftSpan:
    """One shift of one day; its end is the first moment that is no longer in it."""

    name: str
    day: date
    begins_us: int
    ends_us: int


class ShiftPlan:
    """Shifts as (name, begin, end) in minutes of the day; an end not after its begin is tomorrow's.

    Shifts must not overlap.
    """

    def __init__(self, calendar: WorkingCalendar, shifts: Sequence[tuple[str, int, int]]) -> None:
        self._calendar = calendar
        self._shifts = sorted(
            (
                (begins, ends if ends > begins else ends + MINUTES_OF_A_DAY, name)
                for name, begins, ends in shifts
            ),
        )
        self._day_us = sum((ends - begins) * MINUTE_US for begins, ends, _ in self._shifts)
        self.always_on = not shifts

    def at(self, time_us: int) -> ShiftSpan | None:
        """Return the shift that is on at a moment."""
        today = _day_number(time_us)
        for number in (today - 1, today):
            for span in self._of_day(number):
                if span.begins_us <= time_us < span.ends_us:
                    return span
        return None

    def next_begin_us(self, time_us: int) -> int:
        """Return when the next shift begins, later than a moment."""
        today = _day_number(time_us)
        later = (span.begins_us for span in self._of_day(today) if span.begins_us > time_us)
        return next(later, None) or next(self._of_day(self._day_after(today, 1))).begins_us

    def spans(self, from_us: int, until_us: int) -> Iterator[ShiftSpan]:
        """Yield the shifts that share time with a stretch, whole, in order."""
        if from_us >= until_us:
            return
        for number in range(_day_number(from_us) - 1, _day_number(until_us) + 1):
            for span in self._of_day(number):
                if span.begins_us < until_us and span.ends_us > from_us:
                    yield span

    def working_us(self, from_us: int, until_us: int) -> int:
        """Return how much shift time a stretch holds."""
        return sum(
            min(span.ends_us, until_us) - max(span.begins_us, from_us)
            for span in self.spans(from_us, until_us)
        )

    def instant(self, start_us: int, working_us: int) -> int:
        """Return the first moment by which so much shift time has passed since a start."""
        if working_us <= 0 or self.always_on:
            return start_us + max(working_us, 0)
        today = _day_number(start_us)
        left = working_us
        for span in (*self._of_day(today - 1), *self._of_day(today)):
            begins_us = min(max(span.begins_us, start_us), span.ends_us)
            if left <= span.ends_us - begins_us:
                return begins_us + left
            left -= span.ends_us - begins_us
        # Later days are whole and all alike, so that those that pass need not be looked at.
        whole, left = divmod(left - 1, self._day_us)
        for span in self._of_day(self._day_after(today, whole + 1)):
            left -= span.ends_us - span.begins_us
            if left < 0:
                return span.ends_us + left + 1
        raise AssertionError("a day has as much shift time as its shifts have")

    def _day_after(self, number: int, working_days: int) -> int:
        """Return the number of the n-th day after a day on which shifts begin."""
        if self.always_on:
            return number + working_days
        day = date.fromordinal(_EPOCH + number)
        return self._calendar.after(day, working_days).toordinal() - _EPOCH

    def _of_day(self, number: int) -> Iterator[ShiftSpan]:
        """Yield the shifts that begin on a day, counted from the epoch's in China."""
        day = date.fromordinal(_EPOCH + number)
        midnight_us = number * DAY_US - _OFFSET_US
        if self.always_on:
            yield ShiftSpan(WHOLE_DAY, day, midnight_us, midnight_us + DAY_US)
        elif self._calendar.works(day):
            for begins, ends, name in self._shifts:
                yield ShiftSpan(
                    name, day, midnight_us + begins * MINUTE_US, midnight_us + ends * MINUTE_US
                )


def _day_number(time_us: int) -> int:
    return (time_us + _OFFSET_US) // DAY_US
