"""A laid-out document as CSV: its facts and tables one below the other, numbers as numbers."""

import csv
from io import StringIO
from typing import Any

from controller.reports.document import (
    Document,
    Fact,
    Facts,
    Note,
    Show,
    Table,
    hours,
    seconds,
    yuan,
)
from controller.reports.plain import plain

_UNITS = {yuan: 100, seconds: 1_000_000}


def spreadsheet(document: Document) -> str:
    """Return a document as CSV."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([[document.title], [document.subtitle]])
    rows.writerows(map(_fact, document.tiles))
    for section in document.sections:
        rows.writerows([[], [section.heading]])
        for part in section.parts:
            match part:
                case Facts():
                    rows.writerows(map(_fact, part.facts))
                case Table():
                    rows.writerows(_table(part))
                case Note():
                    rows.writerow([part.text])
                case _:
                    pass  # a chart shows what tables say
    return text.getvalue()


def _table(table: Table) -> list[list[Any]]:
    found: list[list[Any]] = [[table.title]] if table.title else []
    found.append([column.heading for column in table.columns])
    for row in table.all_rows():
        cells = zip(table.columns, row, strict=True)
        found.append([_value(column.show, value) for column, value in cells])
    return found


def _fact(fact: Fact) -> list[Any]:
    return [fact.label, _value(fact.show, fact.value), fact.note]


def _value(show: Show, value: Any) -> Any:
    if value is None:
        return ""
    if show is hours:
        return show(value)
    return plain(value / _UNITS[show] if show in _UNITS else value)
