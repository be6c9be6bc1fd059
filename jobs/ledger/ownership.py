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
    found = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    }
    return bool(found - _TABLES) or ("events" in found and not _is_chained(connection))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether no centre has begun a ledger in this file yet."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'"
    (count,) = connection.execute(query).fetchone()
    return bool(count == 0)


def _is_chained(connection: sqlite3.Connection) -> bool:
    columns = {record[1] for record in connection.execute("PRAGMA table_info(events)")}
    return {"sequence", "previous", "digest"} <= columns
