"""Rows as SQL and back: their columns, the statements that write them, their values.

A row's fields are the columns of its table in `schema.sql`. It runs no statement.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, TypeVar

from jobs.rows import (
    Batch,
    Box,
    Card,
    DayCount,
    Line,
    Order,
    Refusal,
    Row,
    Station,
    Work,
    WorkState,
)

RowType = TypeVar(
    "RowType",
    Batch,
    Order,
    Card,
    Work,
    Box,
    Station,
    Line,
    Refusal,
    DayCount,
)

ROW_TYPES: tuple[type[Row], ...] = (
    *(Batch, Order, Card, Work, Box, Station, Line, Refusal, DayCount),
)


def columns_of(row_type: type[Row]) -> list[str]:
    """Return the columns of a table, in order."""
    return [column.name for column in fields(row_type)]


def _upsert_sql(row_type: type[Row]) -> str:
    # An index over columns that are not set is not written again: fewer pages in every commit.
    names = [f'"{name}"' for name in columns_of(row_type)]
    fixed = {f'"{name}"' for name in ("id", *row_type.fixed)}
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in fixed)
    marks = ", ".join("?" * len(names))
    return (
        f"INSERT INTO {row_type.table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608  (our own names)
        f"ON CONFLICT (id) DO UPDATE SET {sets}"
    )


_UPSERT: Mapping[type[Row], str] = {row_type: _upsert_sql(row_type) for row_type in ROW_TYPES}
_COLUMNS: Mapping[type[Row], dict[str, Any]] = {
    row_type: {column.name: column.type for column in fields(row_type)} for row_type in ROW_TYPES
}


def changes_of(row: Row) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the SQL that writes a row as it is now."""
    row_type = type(row)
    values = tuple(_plain(getattr(row, name)) for name in _COLUMNS[row_type])
    changes = [(_UPSERT[row_type], values)]
    if isinstance(row, Work):
        if row.state is WorkState.OPEN:
            holds = [f"station {row.station}", *(f"card {card}" for card in row.cards)]
            changes.extend(("INSERT INTO open_works VALUES (?, ?)", (one, row.id)) for one in holds)
        else:
            changes.append(("DELETE FROM open_works WHERE work = ?", (row.id,)))
    return changes


def select_of(row_type: type[RowType], where: str) -> str:
    """Return the SQL that reads a table's rows, by id."""
    columns = ", ".join(f'"{name}"' for name in _COLUMNS[row_type])
    return f"SELECT {columns} FROM {row_type.table} WHERE {where} ORDER BY id"  # noqa: S608  (our own names)


def row_of(row_type: type[RowType], record: Sequence[Any]) -> RowType:
    """Build a row from what `select_of` read."""
    named = zip(_COLUMNS[row_type].items(), record, strict=True)
    return row_type(**{name: _typed(annotation, value) for (name, annotation), value in named})


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return value


def _typed(annotation: Any, value: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, (StrEnum, bool)):
        return annotation(value)
    if isinstance(value, str) and annotation not in (str, "str"):
        parsed = json.loads(value)
        return tuple(parsed) if isinstance(parsed, list) and "tuple" in str(annotation) else parsed
    return value
