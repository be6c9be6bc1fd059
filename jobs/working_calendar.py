"""Which days are worked: China's working days with the swapped ones, and a programme's own changes.

Extra days are worked besides (a planned weekend shift), closed ones are not (stock-taking). It
does not know hours: those are `jobs/shifts.py`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from datetime import date, timedelta

import holidays

#: The years for which holidays are known; beyond the last one announced they are only expected.
FIRST_YEAR = 1950
LAST_YEAR = 2100


class WorkingCalendar:
    """Counts in working days; years are worked out when first asked for."""

    def __init__(self, extra: Collection[date] = (), closed: Collection[date] = ()) -> None:
        self._extra = frozenset(extra)
        self._closed = frozenset(closed)
        if both := self._extra & self._closed:
            raise ValueError(f"both worked and closed: {min(both)}")
        self._china = holidays.country_holidays("CN")
        self._years: dict[int, tuple[date, ...]] = {}

    def works(self, day: date) -> bool:
        """Tell whether a day is worked."""
        days = self._days_of(day.year)
        place = bisect_left(days, day)
        return place < len(days) and days[place] == day

    def count(self, first: date, last: date) -> int:
        """Return how many days are worked from the first to the last, both included."""
        if last < first:
            return 0
        whole = sum(len(self._days_of(year)) for year in range(first.year, last.year))
        before = bisect_left(self._days_of(first.year), first)
        return whole + bisect_right(self._days_of(last.year), last) - before

    def after(self, day: date, n: int) -> date:
        """Return the n-th working day after a day, which itself never counts."""
        if n < 1:
            raise ValueError(f"the {n}th working day after a day is not after it")
        year = day.year
        left = n + bisect_right(self._days_of(year), day)
        while left > len(days := self._days_of(year)):
            left -= len(days)
            year += 1
        return days[left - 1]

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the working days from the first to the last, both included."""
        for year in range(first.year, last.year + 1):
            yield from (day for day in self._days_of(year) if first <= day <= last)

    def _days_of(self, year: int) -> tuple[date, ...]:
        if year not in self._years:
            if not FIRST_YEAR <= year <= LAST_YEAR:
                raise ValueError(f"holidays are known from {FIRST_YEAR} to {LAST_YEAR}, not {year}")
            length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
            every = (date(year, 1, 1) + timedelta(days=number) for number in range(length))
            self._years[year] = tuple(day for day in every if self._is_worked(day))
        return self._years[year]

    def _is_worked(self, day: date) -> bool:
        if day in self._closed:
            return False
        return day in self._extra or self._china.is_working_day(day)
