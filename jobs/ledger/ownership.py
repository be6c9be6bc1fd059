"""Telling a ledger from another program's database, before anything is written into it."""

import sqlite3

from jobs.ledger.row_sql import ROW_TYPES, columns_of

_TABLES = {"events", "sealed", "open_works", *(row_type.table for row_type in ROW_TYPES)}


def is_strangers(connection: sqlite3.Connection) -> bool:
    """Tell whether a file holds tables that no ledger has; an empty file is nobody's yet."""
    found = _tables_in(connection)
    return bool(found - _TABLES) or ("events" in found and not _is_chained(connection))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether no centre has begun a ledger in this file yet."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'"
    (count,) = connection.execute(query).fetchone()
    return bool(count == 0)


def is_older(connection: sqlite3.Connection) -> bool:
    """Tell whether a table lacks columns: the ledger of a version that did not know them."""
    tables = {row_type.table: set(columns_of(row_type)) for row_type in ROW_TYPES}
    found = {table: _columns_in(connection, table) for table in tables}
    return any(found[table] and needed - found[table] for table, needed in tables.items())


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
    return {"sequence", "previous", "digest"} <= _columns_in(connection, "events")


def _columns_in(connection: sqlite3.Connection, table: str) -> set[str]:
    return {record[1] for record in connection.execute(f"PRAGMA table_info({table})")}
