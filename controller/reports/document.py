"""A report laid out: sections of tiles, facts, tables and charts, in one language.

It knows neither a ledger nor how it will be shown. Values stay numbers until they are shown, so
that a spreadsheet gets numbers and a reader gets them with separators and units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from controller.reports.words import Words

Show = Callable[[Any], str]
Tone = Literal["", "good", "bad"]
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Fact:
    """A name with its value; the most important ones of a report are shown large."""

    label: str
    value: Any
    show: Show
    note: str = ""
    tone: Tone = ""

    @property
    def text(self) -> str:
        """The value as a reader sees it."""
        return self.show(self.value)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its heading, and how its values read."""

    heading: str
    show: Show

    @property
    def of_numbers(self) -> bool:
        """Tell whether values are aligned to the right."""
        return self.show is not text


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values; `total` is a last row that sums up the others."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str
    title: str = ""
    total: tuple[Any, ...] = ()

    def all_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows and the total."""
        yield from self.rows
        if self.total:
            yield self.total


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or more; a true or a false statement has a tone."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart over days."""

    name: str
    role: Literal["plan", "done", "forecast"]
    points: tuple[tuple[date, float], ...]


@dataclass(frozen=True, slots=True)
class BurnUp:
    """What has been reached over days, against a plan, and the band in which it may go on."""

    title: str
    series: tuple[Series, ...]
    band_name: str = ""
    band: tuple[tuple[date, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """One part of every bar; `colour` is a name that `charts.py` knows."""

    name: str
    colour: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars made of parts, standing or lying."""

    title: str
    axis: str
    labels: tuple[str, ...]
    stacks: tuple[Stack, ...]
    lying: bool = False


Chart = BurnUp | Bars
Part = Facts | Table | Note | BurnUp | Bars


@dataclass(frozen=True, slots=True)
class Section:
    """Parts under a heading."""

    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    words: Words
    tiles: tuple[Fact, ...]
    sections: tuple[Section, ...]


def table(
    columns: Sequence[tuple[str, Show]],
    rows: Sequence[tuple[Any, ...]],
    empty: str,
    title: str = "",
    total: tuple[Any, ...] = (),
) -> Table:
    """Return a table of columns given as heading and way to show."""
    assert all(len(row) == len(columns) for row in (*rows, *filter(None, [total])))
    found = tuple(Column(heading, show) for heading, show in columns)
    return Table(found, tuple(rows), empty, title, total if rows else ())


def text(value: Any) -> str:
    """Show a word, a day, or that there is none."""
    return NOTHING if value is None else str(value)


def count(value: float | None) -> str:
    """Show a whole number of things."""
    return NOTHING if value is None else f"{round(value):,}"


def signed(value: float | None) -> str:
    """Show how far something is ahead (+) or behind."""
    if value is None or not round(value):
        return NOTHING if value is None else "0"
    return f"{round(value):+,}".replace("-", "−")


def tenths(value: float | None) -> str:
    """Show a number with one decimal."""
    return NOTHING if value is None else f"{value:,.1f}"


def signed_tenths(value: float | None) -> str:
    """Show how many days something is ahead (+) or behind."""
    if value is None or not round(value, 1):
        return NOTHING if value is None else "0.0"
    return f"{value:+,.1f}".replace("-", "−")


def percent(value: float | None) -> str:
    """Show a ratio."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def yuan(cents: int | None) -> str:
    """Show an amount."""
    return NOTHING if cents is None else f"{cents // 100:,}.{cents % 100:02d}"


def hours(time_us: int | None) -> str:
    """Show a duration as hours, minutes and seconds."""
    if time_us is None:
        return NOTHING
    seconds = (time_us + 500_000) // 1_000_000
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def seconds(time_us: int | None) -> str:
    """Show a duration in seconds."""
    return NOTHING if time_us is None else f"{time_us / 1_000_000:,.1f}"
