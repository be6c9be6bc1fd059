"""How listings look: tables with colours on a terminal, plain aligned text in a pipe, or JSON.

A page is a list of sections; it is written at once. Nothing here knows what it shows, except that
a word which is a state may have a colour.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import east_asian_width

import click

from controller.command_line.problems import emit

if TYPE_CHECKING:  # rich is only imported for a terminal
    from rich.console import Group, RenderableType

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
limit_option = click.option(
    "--limit", default=500, show_default=True, type=click.IntRange(0),
    help="At most so many; 0 means all.",
)  # fmt: skip


def state_option(states: type[StrEnum]) -> Callable[[Any], Any]:
    """Return the option that lists only what is in one state; a misspelt one is wrong use."""
    choice = click.Choice([state.value for state in states])
    return click.option("--state", type=choice, default=None, help="Only those in this state.")


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

WRAPPED_WIDTH = 16
GAP_WIDTH = 2

_COLOURS = {
    "Execute": "green", "Held": "yellow", "Suspended": "yellow", "Aborted": "red",
    "done": "green", "packed": "green", "dispatched": "green", "sealed": "green",
    "closed": "green", "held": "yellow", "in doubt": "red", "spoiled": "red", "refused": "red",
    "broken": "red", "cancelled": "dim", "Stopped": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key (dotted for a nested one), its heading, and how its values read.

    On a narrow terminal the columns that may wrap make room for the others.
    """

    key: str
    heading: str
    text: Callable[[Any], str] | None = None
    wraps: bool = False

    def value(self, row: Mapping[str, Any]) -> Any:
        """Return what a row has here."""
        value: Any = row
        for part in self.key.split("."):
            value = value[part]
        return value

    def cell(self, row: Mapping[str, Any]) -> str:
        """Return what a row shows here."""
        value = self.value(row)
        if self.text is not None:
            return self.text(value)
        return moment(value) if _is_moment(self.key) else plain(value)


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    empty: str

    def cells(self) -> list[list[str]]:
        return [[column.cell(row) for column in self.columns] for row in self.rows]

    def filled(self) -> list[int]:
        """Tell which columns have something in them."""
        cells = self.cells()
        return [i for i in range(len(self.columns)) if any(row[i] for row in cells)]

    def needed_width(self) -> int:
        """Return how wide a terminal must be for this to be read as it is meant."""
        cells = self.cells()
        widths = (
            WRAPPED_WIDTH
            if self.columns[i].wraps
            else max(_width(text) for text in (self.columns[i].heading, *(r[i] for r in cells)))
            for i in self.filled()
        )
        return sum(width + GAP_WIDTH for width in widths)

    def numbers(self) -> list[bool]:
        """Tell which columns hold numbers, or nothing."""
        values = ([column.value(row) for row in self.rows] for column in self.columns)
        return [all(value is None or _is_number(value) for value in column) for column in values]


@dataclass(frozen=True, slots=True)
class _Facts:
    pairs: Sequence[tuple[str, str]]


@dataclass(slots=True)
class Page:
    """What one command shows."""

    _sections: list[_Table | _Facts | str] = field(default_factory=list)

    def facts(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Add names and values, leaving out what is empty."""
        found = [(name, plain(value)) for name, value in pairs]
        self._sections.append(_Facts([(name, value) for name, value in found if value]))

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Mapping[str, Any]],
        *,
        title: str = "",
        empty: str = "",
    ) -> None:
        """Add a table, or `empty` when there is nothing in it."""
        self._sections.append(_Table(title, columns, rows, empty))

    def text(self, line: str) -> None:
        """Add a line."""
        self._sections.append(line)

    def write(self) -> None:
        """Write the page."""
        if sys.stdout.isatty():
            from rich.console import Console

            # Too narrow a terminal breaks the lines itself, which loses nothing.
            tables = [one for one in self._sections if isinstance(one, _Table)]
            needed = max((table.needed_width() for table in tables), default=0)
            console = Console(highlight=False)
            console.width = max(console.width, needed)
            console.print(self.rich())
        else:
            emit("\n".join(self.lines()))

    def lines(self) -> Iterator[str]:
        """Return the page as plain text."""
        for number, section in enumerate(self._sections):
            if number and not isinstance(section, str):
                yield ""
            if isinstance(section, str):
                yield section
            elif isinstance(section, _Facts):
                width = max((_width(name) for name, _ in section.pairs), default=0)
                yield from (f"{_padded(name, width)}  {value}" for name, value in section.pairs)
            else:
                yield from _plain_table(section)

    def rich(self) -> Group:
        """Return the page for a terminal."""
        from rich.console import Group

        parts: list[RenderableType] = []
        for number, section in enumerate(self._sections):
            if number and not isinstance(section, str):
                parts.append("")
            parts.append(_rich(section))
        return Group(*parts)


def write_json(value: Any) -> None:
    """Write a value as JSON."""
    emit(json.dumps(value, ensure_ascii=False, indent=2))


def plain(value: Any) -> str:
    """Return a value as an operator reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    return "" if value is None else str(value)


def moment(text: str, today: date | None = None) -> str:
    """Return an ISO moment in local time, with its date when that is not today."""
    if not text:
        return ""
    local = datetime.fromisoformat(text).astimezone()
    if local.date() == (today or date(*time.localtime()[:3])):
        return f"{local:%H:%M:%S}"
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_moment(key: str) -> bool:
    return key in {"at", "since"} or (key.endswith("_at") and key != "may_be_at")


def _plain_table(table: _Table) -> Iterator[str]:
    if table.title:
        yield table.title
    if not table.rows:
        yield table.empty
        return
    rows = [[column.heading.upper() for column in table.columns], *table.cells()]
    numbers = table.numbers()
    widths = [max(_width(row[index]) for row in rows) for index in range(len(table.columns))]
    for row in rows:
        padded = (
            _padded(text, width, right=to_right)
            for text, width, to_right in zip(row, widths, numbers, strict=True)
        )
        yield "  ".join(padded).rstrip()


def _rich(section: _Table | _Facts | str) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if isinstance(section, str):
        return Text(section)
    if isinstance(section, _Facts):
        grid = Table.grid(padding=(0, 2))
        for name, value in section.pairs:
            grid.add_row(Text(name, style="dim"), _coloured(value))
        return grid
    if not section.rows:
        return Text(f"{section.title} {section.empty}".strip(), style="dim")
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title=section.title or None,
        title_justify="left",
    )
    cells, numbers = section.cells(), section.numbers()
    for index in section.filled():
        column = section.columns[index]
        justify: Literal["left", "right"] = "right" if numbers[index] else "left"
        table.add_column(column.heading, justify=justify, no_wrap=not column.wraps, overflow="fold")
    for row in cells:
        table.add_row(*(_coloured(row[index]) for index in section.filled()))
    return table


def _coloured(text: str) -> RenderableType:
    from rich.text import Text

    return Text(text, style=_COLOURS.get(text, ""))


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks
