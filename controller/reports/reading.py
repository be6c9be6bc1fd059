"""What reports are made from: a ledger's file, the centre, its programme, calendar and shifts.

Everything is read through one connection that sees one moment of the ledger. Large tables are
counted where they are; only rows that are few, or open, come into memory.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import repeat
from pathlib import Path

from config.centre import Centre
from config.programme import Programme
from controller.clock import MICROSECONDS, day_of, start_of_day_us
from controller.shifts import shift_plan, working_calendar
from jobs.book_rows import OFF_THE_LINE, OPEN_ORDERS
from jobs.events import Event, Kind
from jobs.ledger.store import BUSY_TIMEOUT_MS, Store, event_from_record
from jobs.rows import DayCount, Line, Order
from jobs.shifts import ShiftPlan, ShiftSpan
from jobs.states import CardState, OrderState
from jobs.timed_stations import TimedStation, stations_of
from jobs.working_calendar import WorkingCalendar

DAY_US = 86_400 * MICROSECONDS
#: So far back an opening of the ledger, a change of a line or a card's issue is looked for, which
#: no index names, or from where on events must be read.
LOOK_BACK_EVENTS = 500_000
_GOOD = (CardState.ACCEPTED, CardState.PACKED, CardState.DISPATCHED)
_SPOILED = (CardState.SPOILED, CardState.DESTROYED)
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN_ORDERS))
_OFF = ", ".join(f"'{state.value}'" for state in sorted(OFF_THE_LINE))
_DAY_SQL = f"(({{0}} + 28800000000) / {DAY_US})"  # a day in China, as a number
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Period:
    """Some days, both ends in."""

    first: date
    last: date

    @property
    def begins_us(self) -> int:
        """The moment at which it begins."""
        return start_of_day_us(self.first)

    @property
    def ends_us(self) -> int:
        """The first moment after it."""
        return start_of_day_us(self.last) + DAY_US

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} – {self.last}"


@dataclass(frozen=True, slots=True)
class Basis:
    """A ledger at one moment, and what its figures are held against."""

    store: Store
    centre: Centre
    programme: Programme | None
    calendar: WorkingCalendar
    shifts: ShiftPlan
    #: A running centre knows that nothing has happened since the last event.
    until_us: int = 0

    @property
    def stations(self) -> tuple[TimedStation, ...]:
        """The stations whose time is accounted for."""
        return stations_of(self.centre)

    def last_us(self) -> int:
        """Return the moment up to which everything is known."""
        return max(self.store.head()[1], self.until_us - 1)

    def today(self) -> date:
        """Return the last day of which anything is known."""
        return day_of(self.last_us())

    def known(self, begins_us: int, ends_us: int) -> tuple[int, int]:
        """Return the part of a stretch of which everything is known."""
        return max(begins_us, _time_of(self.store, 1)), min(ends_us, self.last_us() + 1)

    def day_counts(self) -> list[DayCount]:
        """Return all counts by day."""
        return self.store.load(DayCount)


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open a ledger's file at one moment of its life, whatever is written meanwhile."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("BEGIN")
        yield Store(connection)


def basis(store: Store, centre: Centre, programme: Programme | None, until_us: int = 0) -> Basis:
    """Put together what reports are made from."""
    calendar, shifts = working_calendar(programme), shift_plan(centre, programme)
    return Basis(store, centre, programme, calendar, shifts, until_us)


def orders_open_at(store: Store, end_us: int) -> list[Order]:
    """Return the orders that were open at a moment.

    One that was cancelled since is left out: a row does not tell when that was.
    """
    done = OrderState.DONE.value
    where = f"received_us < {end_us:d} AND (state IN ({_OPEN})"
    found = store.load(Order, f"{where} OR (state = '{done}' AND done_us >= {end_us:d}))")
    return [
        order if order.state in OPEN_ORDERS else replace(order, state=OrderState.QUEUED)
        for order in found
    ]


def dispatched(store: Store, period: Period, counties: str = "") -> Iterator[tuple[int, int]]:
    """Yield receipt and dispatch, to the day, of every order sent out in a period."""
    days = ", ".join(_DAY_SQL.format(name) for name in ("o.received_us", "b.dispatched_us"))
    sql = f"""SELECT {days}, COUNT(*) FROM boxes b JOIN cards c ON c.box = b.id
        JOIN orders o ON o.id = c."order" WHERE b.dispatched_us >= ? AND b.dispatched_us < ?
        AND c.state = ? AND o.county LIKE ? GROUP BY 1, 2"""  # noqa: S608  (our own names)
    values = (period.begins_us, period.ends_us, CardState.DISPATCHED.value, f"{counties}%")
    for record in store.query(sql, values):
        received, sent, orders = record.values()
        pair = (start_of_day_us(_day(received)), start_of_day_us(_day(sent)))
        yield from repeat(pair, orders)


def _day(number: int) -> date:
    return date.fromordinal(_EPOCH + number)


def account_terms(store: Store) -> dict[str, int]:
    """Return the terms of the equation of blanks, counted where they are."""
    found = store.query("SELECT state, COUNT(*) AS cards FROM cards GROUP BY state")
    states = Counter({CardState(row["state"]): row["cards"] for row in found})
    lines = store.load(Line)
    good, spoiled = (sum(states[state] for state in some) for some in (_GOOD, _SPOILED))
    in_doubt = states[CardState.IN_DOUBT]
    on_the_way = states.total() - good - spoiled - in_doubt
    return {
        "issued": sum(line.loaded for line in lines),
        "good": good,
        "spoiled": spoiled,
        "samples": sum(line.samples for line in lines),
        "returned": sum(line.returned for line in lines),
        "in_process": on_the_way + sum(line.in_magazine for line in lines),
        "in_doubt": in_doubt,
    }


def station_events(store: Store, from_us: int, until_us: int) -> Iterator[Event]:
    """Yield the events that tell where the time of stations went, as far back as that needs."""
    first = store.first_at(from_us)
    start = _earliest_issue(store, first, store.first_at(until_us))
    start_us = from_us
    if start is not None:
        # A card that has lain in doubt for weeks must not have weeks read for its sake.
        start_us = _time_of(store, max(start, first - LOOK_BACK_EVENTS))
    for event in standing_changes(store, first):
        if event.time_us < start_us:
            yield event
    yield from store.events_between(start_us, until_us)


def standing_changes(store: Store, before: int) -> list[Event]:
    """Return what stations and lines came to before an event: their last changes, in order."""
    window = (max(before - LOOK_BACK_EVENTS, 0), before)
    opened = store.query(
        "SELECT * FROM events WHERE sequence > ? AND sequence < ? AND kind = ? "
        "ORDER BY sequence DESC LIMIT 1",
        (*window, Kind.LEDGER_OPENED.value),
    )
    lines = store.query(
        "SELECT * FROM events WHERE sequence > ? AND sequence < ? AND kind = ?",
        (*window, Kind.LINE_CHANGED.value),
    )
    stations = [
        row
        for station in store.query("SELECT id FROM stations")
        for row in store.query(
            "SELECT * FROM events WHERE kind = 'station_changed' AND station = ? "
            "AND sequence < ? ORDER BY sequence DESC LIMIT 2",
            (station["id"], before),
        )
    ]
    found = {row["sequence"]: row for row in (*opened, *lines, *stations)}
    return [event_from_record(tuple(found[sequence].values())) for sequence in sorted(found)]


def stop_events(store: Store, from_us: int, until_us: int) -> Iterator[Event]:
    """Yield only changes of stations and lines: enough to tell their stops over a long time."""
    first, end = (store.first_at(at_us) for at_us in (from_us, until_us))
    yield from standing_changes(store, first)
    kinds = (Kind.STATION_CHANGED, Kind.LINE_CHANGED, Kind.LEDGER_OPENED)
    sql = "SELECT * FROM events WHERE sequence >= ? AND sequence < ? AND kind IN (?, ?, ?)"
    for row in store.query(f"{sql} ORDER BY sequence", (first, end, *kinds)):
        yield event_from_record(tuple(row.values()))


def spans_of(plan: ShiftPlan, from_us: int, until_us: int) -> list[ShiftSpan]:
    """Return the shifts that share time with a stretch."""
    return list(plan.spans(from_us, until_us))


def _earliest_issue(store: Store, first: int, end: int) -> int | None:
    """Return the issue of the oldest card that was on a line at the event `first`."""
    sql = f"""SELECT MIN(sequence) AS issue FROM events WHERE kind = 'card_issued' AND sequence < ?
        AND card IN (SELECT card FROM events WHERE sequence >= ? AND sequence < ?
                     AND kind = 'work_begun' AND card <> ''
                     UNION SELECT id FROM cards WHERE state NOT IN ({_OFF}))"""  # noqa: S608  (our own names)
    (found,) = store.query(sql, (first, first, end))
    issue: int | None = found["issue"]
    return issue


def _time_of(store: Store, sequence: int) -> int:
    (found,) = store.query("SELECT time_us FROM events WHERE sequence = ?", (sequence,))
    time_us: int = found["time_us"]
    return time_us
