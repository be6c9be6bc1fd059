"""Telling a ledger from another program's database, before anything is written into it."""

import sqlite3

from jobs import rows

_TABLES = {
    *("events", "sealed", "open_works"),
    *(
        row_type.table
        for row_type in (
            *(rows.Batch, rows.Order, rows.Card, rows.Work),
            *(rows.Box, rows.Station, rows.Line, rows.Refusal),
        )
    ),
}


def is_strangers(connection: sqlite3.Connection) -> bool:
    """Tell whether a file holds tables that no ledger has; an empty file is nobody's yet."""
    found = _tables_in(connection)
    return bool(found - _TABLES) or ("events" in found and not _is_chained(connection))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether no centre has begun a ledger in this file yet."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'"
    (count,) = connection.execute(query).fetchone()
    return bool(count == 0)


def tables_lost(connection: sqlite3.Connection) -> list[str]:
    """Return the tables that a ledger with events in it has lost.

    Made anew they would be empty: the books would know of no card, and it would be made again.
    """
    found = _tables_in(connection)
    if "events" not in found or not connection.execute("SELECT 1 FROM events LIMIT 1").fetchone():
        return []
    return sorted(_TABLES - found)


def _tables_in(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {name for (name,) in connection.execute(query) if not name.startswith("sqlite_")}


def _is_chained(connection: sqlite3.Connection) -> bool:
    columns = {record[1] for record in connection.execute("PRAGMA table_info(events)")}
    return {"sequence", "previous", "digest"} <= columns
