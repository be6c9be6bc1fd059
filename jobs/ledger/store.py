"""The ledger's file: SQLite in WAL mode, every commit on the disk before anybody hears of it.

Writes rows and reads them back; it decides nothing. One writer; any number of readers.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from jobs import rows
from jobs.events import GENESIS, IDENTITY_FIELDS, Draft, Event, Kind, canonical, content, digest
from jobs.ledger.ownership import is_strangers, tables_lost
from jobs.rows import Row, Work, WorkState

RowType = TypeVar(
    "RowType",
    rows.Batch,
    rows.Order,
    rows.Card,
    rows.Work,
    rows.Box,
    rows.Station,
    rows.Line,
    rows.Refusal,
)

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 5_000
LEDGER_MODE = 0o640


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


_ROW_TYPES: tuple[type[Row], ...] = (
    rows.Batch, rows.Order, rows.Card, rows.Work, rows.Box, rows.Station, rows.Line, rows.Refusal,
)  # fmt: skip


def _columns(row_type: type[Row]) -> list[str]:
    return [column.name for column in fields(row_type)]


def _upsert_sql(row_type: type[Row]) -> str:
    # An index over columns that are not set is not written again: fewer pages in every commit.
    names = [f'"{name}"' for name in _columns(row_type)]
    fixed = {f'"{name}"' for name in ("id", *row_type.fixed)}
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in fixed)
    marks = ", ".join("?" * len(names))
    return (
        f"INSERT INTO {row_type.table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608  (our own names)
        f"ON CONFLICT (id) DO UPDATE SET {sets}"
    )


_UPSERT: Mapping[type[Row], str] = {row_type: _upsert_sql(row_type) for row_type in _ROW_TYPES}
_NAMES: Mapping[type[Row], list[str]] = {row_type: _columns(row_type) for row_type in _ROW_TYPES}
_EVENT_COLUMNS = (
    *("sequence", "time_us", "generation", "kind", "actor"),
    *IDENTITY_FIELDS,
    *("data", "previous", "digest"),
)
_EVENT_NAMES = ", ".join(f'"{name}"' for name in _EVENT_COLUMNS)
_INSERT_EVENT = f"INSERT INTO events ({_EVENT_NAMES}) VALUES ({', '.join('?' * 18)})"  # noqa: S608  (our own names)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return value


def _make_private(path: str) -> None:
    """Make the file with its mode before SQLite does: its companions (-wal, -shm) inherit it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, LEDGER_MODE))
    except OSError as error:
        raise LedgerUnavailable(f"the ledger {path} cannot be opened: {error.strerror}") from error


def _typed(annotation: Any, value: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, (StrEnum, bool)):
        return annotation(value)
    if isinstance(value, str) and annotation not in (str, "str"):
        parsed = json.loads(value)
        return tuple(parsed) if isinstance(parsed, list) and "tuple" in str(annotation) else parsed
    return value


def changes_of(row: Row) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the SQL that writes a row as it is now."""
    row_type = type(row)
    values = tuple(_plain(getattr(row, name)) for name in _NAMES[row_type])
    changes = [(_UPSERT[row_type], values)]
    if isinstance(row, Work):
        if row.state is WorkState.OPEN:
            holds = [f"station {row.station}", *(f"card {card}" for card in row.cards)]
            changes.extend(("INSERT INTO open_works VALUES (?, ?)", (one, row.id)) for one in holds)
        else:
            changes.append(("DELETE FROM open_works WHERE work = ?", (row.id,)))
    return changes


class Store:
    """One open ledger file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: str) -> "Store":
        """Open or make a ledger file (or `:memory:`); raises `LedgerUnavailable`."""
        if path != MEMORY:
            _make_private(path)
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            if is_strangers(connection):
                connection.close()
                raise LedgerUnavailable(f"{path} is another program's database, and no ledger")
            if lost := tables_lost(connection):
                connection.close()
                raise LedgerUnavailable(f"the ledger {path} has lost its tables: {', '.join(lost)}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            schema = (resources.files("jobs.ledger") / "schema.sql").read_text(encoding="utf-8")
            connection.executescript(schema)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger {path} cannot be opened: {error}") from error
        return cls(connection)

    @classmethod
    def open_for_reading(cls, path: str) -> "Store":
        """Open an existing ledger without the right to write."""
        try:
            uri = Path(path).absolute().as_uri() + "?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("SELECT 1 FROM events LIMIT 1")
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger {path} cannot be read: {error}") from error
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
        names = _NAMES[row_type]
        columns = ", ".join(f'"{name}"' for name in names)
        sql = f"SELECT {columns} FROM {row_type.table} WHERE {where} ORDER BY id"  # noqa: S608
        types = {column.name: column.type for column in fields(row_type)}
        return [
            row_type(**{n: _typed(types[n], v) for n, v in zip(names, record, strict=True)})
            for record in self._connection.execute(sql)
        ]

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
