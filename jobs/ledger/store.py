"""The ledger's file: SQLite in WAL mode, every commit on the disk before anybody hears of it.

Writes rows and reads them back; it decides nothing. One writer; any number of readers.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jobs.events import GENESIS, IDENTITY_FIELDS, Draft, Event, Kind, canonical, content, digest
from jobs.ledger.ownership import is_older, is_strangers, tables_lost
from jobs.ledger.row_sql import RowType, row_of, select_of

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 5_000
EVENTS_A_PAGE = 1_000
LEDGER_MODE = 0o640
_OLDER = "the ledger {path} was written by an older version of the program, and cannot be taken up"


class LedgerUnavailable(Exception):
    """The ledger cannot be written at the moment: disk full, read-only or gone."""

    code = "ledger.unavailable"


class LedgerCorrupt(Exception):
    """The ledger's chain of events does not hold."""

    code = "ledger.corrupt"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it goes into the file, with the rows that it changed as SQL parameters."""

    event: Event
    data_text: str
    changes: tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Events that become true together, with the sealed data that belongs to them."""

    entries: tuple[Entry, ...]
    sealed: tuple[tuple[str, int, bytes], ...] = ()


_EVENT_COLUMNS = (
    *("sequence", "time_us", "generation", "kind", "actor"),
    *IDENTITY_FIELDS,
    *("data", "previous", "digest"),
)
_EVENT_NAMES = ", ".join(f'"{name}"' for name in _EVENT_COLUMNS)
_INSERT_EVENT = f"INSERT INTO events ({_EVENT_NAMES}) VALUES ({', '.join('?' * 18)})"  # noqa: S608  (our own names)


def _make_private(path: str) -> None:
    """Make the file with its mode before SQLite does: its companions (-wal, -shm) inherit it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, LEDGER_MODE))
    except OSError as error:
        raise LedgerUnavailable(f"the ledger {path} cannot be opened: {error.strerror}") from error


@contextmanager
def _open_unless_refused(fault: str) -> Iterator[ExitStack]:
    """Leave open what is entered into the stack, unless opening it comes to nothing."""
    with ExitStack() as stack:
        try:
            yield stack
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"{fault}: {error}") from error
        stack.pop_all()


class Store:
    """One open ledger file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: str) -> "Store":
        """Open or make a ledger file (or `:memory:`); raises `LedgerUnavailable`."""
        if path != MEMORY:
            _make_private(path)
        with _open_unless_refused(f"the ledger {path} cannot be opened") as stack:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            stack.enter_context(closing(connection))
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            if is_strangers(connection):
                raise LedgerUnavailable(f"{path} is another program's database, and no ledger")
            if is_older(connection):
                raise LedgerUnavailable(_OLDER.format(path=path))
            if lost := tables_lost(connection):
                raise LedgerUnavailable(f"the ledger {path} has lost its tables: {', '.join(lost)}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            schema = (resources.files("jobs.ledger") / "schema.sql").read_text(encoding="utf-8")
            # In one commit: a ledger that is killed while it is begun has all its tables or none.
            connection.executescript(f"BEGIN;\n{schema}\nCOMMIT;")
        return cls(connection)

    @classmethod
    def open_for_reading(cls, path: str) -> "Store":
        """Open an existing ledger without the right to write."""
        with _open_unless_refused(f"the ledger {path} cannot be read") as stack:
            uri = Path(path).absolute().as_uri() + "?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            stack.enter_context(closing(connection))
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("SELECT 1 FROM events LIMIT 1")
            if is_older(connection):
                raise LedgerUnavailable(_OLDER.format(path=path))
        return cls(connection)

    def write(self, groups: Iterable[Group]) -> None:
        """Write all groups in one commit; on `LedgerUnavailable` nothing of it was written."""
        self.stage(groups)
        self.commit()

    def stage(self, groups: Iterable[Group]) -> None:
        """Hand all groups to SQLite; they are true after the `commit` that must follow."""
        connection = self._connection
        with self._all_or_nothing():
            connection.execute("BEGIN IMMEDIATE")
            for group in groups:
                for entry in group.entries:
                    connection.execute(_INSERT_EVENT, _event_values(entry))
                    for sql, values in entry.changes:
                        connection.execute(sql, values)
                for sealed in group.sealed:
                    connection.execute("INSERT INTO sealed VALUES (?, ?, ?)", sealed)

    def commit(self) -> None:
        """Put on the disk what was staged; this is where the disk takes its time."""
        with self._all_or_nothing():
            self._connection.execute("COMMIT")

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            self._roll_back()
            raise
        except sqlite3.Error as error:
            self._roll_back()
            raise LedgerUnavailable(f"the ledger cannot be written: {error}") from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def events(self) -> Iterator[Event]:
        """Read all events in order, each checked against the chain."""
        previous, expected = GENESIS, 1
        sql = f"SELECT {_EVENT_NAMES} FROM events ORDER BY sequence"  # noqa: S608  (our own names)
        for record in self._connection.execute(sql):
            event = event_from_record(record)
            text = content(event.sequence, event.time_us, event.generation, event.draft, record[-3])
            if (event.sequence, event.previous) != (expected, previous) or event.digest != digest(
                previous, text
            ):
                raise LedgerCorrupt(f"the chain of events breaks at event {expected}")
            yield event
            previous, expected = event.digest, expected + 1

    def events_between(self, from_us: int, until_us: int) -> Iterator[Event]:
        """Read the events of a span of time (its end not included), found without reading others.

        The chain is not checked. No statement stays open while the caller works on a page.
        """
        first, end = self.first_at(from_us), self.first_at(until_us)
        sql = f"SELECT {_EVENT_NAMES} FROM events WHERE sequence >= ? AND sequence < ?"  # noqa: S608  (our own names)
        for start in range(first, end, EVENTS_A_PAGE):
            page = (start, min(start + EVENTS_A_PAGE, end))
            for record in self._connection.execute(f"{sql} ORDER BY sequence", page).fetchall():
                yield event_from_record(record)

    def last_station_changes(self, before_us: int) -> list[Event]:
        """Return the last change of each station before a moment: the states it began with."""
        sql = f"""SELECT {_EVENT_NAMES} FROM events WHERE sequence IN (
            SELECT (SELECT MAX(sequence) FROM events WHERE kind = 'station_changed'
                    AND station = stations.id AND sequence < ?) FROM stations
            ) ORDER BY sequence"""  # noqa: S608  (our own names)
        found = self._connection.execute(sql, (self.first_at(before_us),))
        return [event_from_record(record) for record in found.fetchall()]

    def first_at(self, time_us: int) -> int:
        """Return the first event not before a moment; time never decreases, so halve."""
        low, high = 1, self.head()[0] + 1
        while low < high:
            middle = (low + high) // 2
            sql = "SELECT time_us FROM events WHERE sequence = ?"
            (found,) = self._connection.execute(sql, (middle,)).fetchone()
            low, high = (low, middle) if found >= time_us else (middle + 1, high)
        return low

    def head(self) -> tuple[int, int, int, str]:
        """Return sequence, time, generation and digest of the last event."""
        found = self._connection.execute(
            "SELECT sequence, time_us, generation, digest FROM events "
            "ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return found or (0, 0, 0, GENESIS)

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one reading statement; return its rows as dictionaries."""
        cursor = self._connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, record, strict=True)) for record in cursor]

    def sealed(self, batch: str, position: int) -> bytes | None:
        """Return the sealed content of one application."""
        found = self._connection.execute(
            "SELECT content FROM sealed WHERE batch = ? AND position = ?", (batch, position)
        ).fetchone()
        return None if found is None else bytes(found[0])

    def load(self, row_type: type[RowType], where: str = "TRUE") -> list[RowType]:
        """Return a table's rows as records, by id."""
        sql = select_of(row_type, where)
        return [row_of(row_type, record) for record in self._connection.execute(sql)]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _event_values(entry: Entry) -> tuple[Any, ...]:
    event, draft = entry.event, entry.event.draft
    return (
        event.sequence, event.time_us, event.generation, draft.kind.value, draft.actor,
        draft.batch, draft.order, draft.card, draft.work, draft.station, draft.box,
        draft.person_key, draft.approval_key, draft.chip_serial, draft.machine_serial,
        entry.data_text, event.previous, event.digest,
    )  # fmt: skip


def event_from_record(record: Sequence[Any]) -> Event:
    """Build an event from a row of the table `events`."""
    identity = dict(zip(IDENTITY_FIELDS, record[5:15], strict=True))
    draft = Draft(Kind(record[3]), record[4], json.loads(record[15]), **identity)
    assert canonical(draft.data) == record[15], "the data of an event are canonical"
    return Event(record[0], record[1], record[2], draft, record[16], record[17])
