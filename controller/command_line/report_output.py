"""A report on a terminal or in a pipe, as JSON, CSV or an HTML file."""

from pathlib import Path
from typing import Literal

from controller.command_line.output import Column, Page, write_json
from controller.command_line.problems import No, emit
from controller.outputs import write_whole
from controller.reports.document import Document, Facts, Note, Section, Table
from controller.reports.html_page import html_page
from controller.reports.making import Made
from controller.reports.plain import plain
from controller.reports.spreadsheet import spreadsheet
from controller.reports.words import Words

HTML_MODE = 0o644


def show(made: Made, language: Literal["en", "zh"], how: str, html: Path | None) -> None:
    """Write a report: `how` is `json`, `csv` or empty; a file of HTML besides."""
    document = made.page(Words(language))
    if html is not None:
        try:
            write_whole(html, html_page(document).encode(), HTML_MODE)
        except OSError as error:
            raise No(f"{html} cannot be written: {error.strerror or error}") from error
    if how == "json":
        write_json(plain(made.figures))
    elif how == "csv":
        emit(spreadsheet(document).rstrip("\n"))
    elif html is None:
        terminal_page(document).write()
    else:
        emit(f"written: {html}")


def terminal_page(document: Document) -> Page:
    """Lay a document out for a terminal."""
    page = Page()
    page.text(document.title)
    page.text(document.subtitle)
    _facts(page, Facts(document.tiles))
    for section in document.sections:
        _section(page, section)
    return page


def _section(page: Page, section: Section) -> None:
    page.text(f"\n{section.heading}")
    for part in section.parts:
        match part:
            case Facts():
                _facts(page, part)
            case Note():
                page.text(part.text)
            case Table():
                _table(page, part)
            case _:
                pass  # a chart shows what tables say


def _facts(page: Page, facts: Facts) -> None:
    page.facts(
        (fact.label, f"{fact.text} ({fact.note})" if fact.note else fact.text)
        for fact in facts.facts
    )


def _table(page: Page, table: Table) -> None:
    columns = [
        Column(str(number), column.heading, column.show)
        for number, column in enumerate(table.columns)
    ]
    rows = [{str(n): value for n, value in enumerate(row)} for row in table.all_rows()]
    page.table(columns, rows, title=table.title, empty=table.empty)
