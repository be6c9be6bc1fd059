"""A programme's targets, read from the ledger's file by the thread that serves metrics.

The figures are those of `report targets`. They change slowly and take a while to work out, so they
are kept for a minute, or for longer where working them out would else take more than a
two-hundredth of a processor. The forecast is of the evening before: it judges days, and today is
not over. What the figures are called is in `controller/target_families.py`.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from config.centre import Centre
from config.programme import Programme
from controller.clock import MICROSECONDS, day_of
from controller.exposition import Family, gauge, one
from controller.reports.reading import Basis, Period, basis, orders_open_at
from controller.reports.targets import (
    BAND_SHARE,
    FORECAST_SEED,
    counted_by_working_day,
    turnaround_of,
)
from controller.target_families import TargetFigures, stock_families, target_families
from controller.telemetry import Snapshot
from jobs.forecast import Forecast, forecast
from jobs.ledger.store import LedgerUnavailable, Store
from jobs.rows import DayCount
from jobs.standing import Standing, counts_of, stand

KEPT_S = 60.0
COST_SHARE = 0.005
_ONE_DAY = timedelta(days=1)
_RECENT = timedelta(days=30)


@dataclass(slots=True)
class TargetMetrics:
    """Reads when it is asked and what it has is old; belongs to one thread."""

    ledger: Path
    centre: Centre
    programme: Programme
    _figures: TargetFigures | None = None
    _basis: Basis | None = None
    _read_again_us: int = 0
    _forecast: tuple[date, Forecast] | None = None

    def families(self, now: Snapshot) -> Iterator[Family]:
        """Return every family of the programme, or but one that says why there are none."""
        if now.now_us >= self._read_again_us:
            self._read(now.now_us)
        figures, read = self._figures, self._basis
        yield gauge(
            "targets_fault", "1 while the programme's figures cannot be read from the ledger.",
            one(int(figures is None)),
        )  # fmt: skip
        if figures is None or read is None:
            return
        yield from target_families(self.programme, figures)
        standing = figures.standing
        yield from stock_families(
            self.centre.deliveries, now.stocks, read.calendar, standing.today,
            standing.recent_per_day,
        )  # fmt: skip

    def _read(self, now_us: int) -> None:
        began_s = time.thread_time()
        try:
            with closing(Store.open_for_reading(str(self.ledger))) as store:
                self._figures = self._worked_out(store, day_of(now_us))
        except (LedgerUnavailable, sqlite3.Error):
            self._figures = None
        cost_s = time.thread_time() - began_s
        self._read_again_us = now_us + round(max(KEPT_S, cost_s / COST_SHARE) * MICROSECONDS)

    def _worked_out(self, store: Store, today: date) -> TargetFigures:
        # The calendar is kept with its years: making them takes longer than all else.
        read = (
            basis(store, self.centre, self.programme)
            if self._basis is None
            else replace(self._basis, store=store)
        )
        self._basis = read
        rows = counts_of(self.programme, read.day_counts(), today)
        orders = orders_open_at(store, Period(today, today).ends_us)
        standing = stand(self.programme, read.calendar, rows, orders, today)
        by_prefecture: Counter[str] = Counter()
        for row in rows:
            by_prefecture[row.county[:4]] += row.counted
        recent = Period(today - _RECENT, today)
        return TargetFigures(
            standing=standing,
            expected=self._expected(rows, standing, read),
            turnaround_days=turnaround_of(read, self.programme, recent),
            by_prefecture=by_prefecture,
        )

    def _expected(self, rows: tuple[DayCount, ...], standing: Standing, read: Basis) -> Forecast:
        """Return the forecast of the evening before; it is worked out once a day."""
        if self._forecast is not None and self._forecast[0] == standing.today:
            return self._forecast[1]
        yesterday = standing.today - _ONE_DAY
        before = tuple(row for row in rows if row.day <= yesterday.isoformat())
        today = standing.counted - sum(row.counted for row in before)
        year_end = next(one.ends for one in self.programme.targets if one.year == standing.year)
        found = forecast(
            counted_by_working_day(before, read.calendar, yesterday),
            standing.people - standing.counted + today,
            read.calendar,
            yesterday,
            year_end,
            standing.year_counted - today,
            FORECAST_SEED,
            BAND_SHARE,
        )
        self._forecast = (standing.today, found)
        return found
