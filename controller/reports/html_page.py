"""A laid-out document as one HTML file that needs nothing else: no script, font, picture or net."""

from collections.abc import Iterator
from html import escape

from controller.reports.document import (
    Bars,
    BurnUp,
    Column,
    Document,
    Fact,
    Facts,
    Note,
    Part,
    Section,
    Table,
)

FIRST_CHINESE = 0x2E80  # code point; a letter from there on comes with the page
_FONT_HERE = "/* font */"
_STYLE = """
:root { color-scheme: light; --ink: #1c2430; --pale: #5a6675; --rule: #d5dbe3; --good: #1b7a43;
  --bad: #b3261e; --paper: #ffffff; --ground: #f3f5f8; --accent: #1f4e8c; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.45;
  font: 15px/1.45 "Report", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 48px; }
header { border-bottom: 3px solid var(--accent); margin-bottom: 20px; padding-bottom: 12px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
header p { margin: 0; color: var(--pale); }
section { background: var(--paper); border: 1px solid var(--rule); border-radius: 6px;
  padding: 16px 20px 18px; margin-top: 16px; }
h2 { font-size: 18px; margin: 0 0 10px; }
h3 { font-size: 15px; margin: 16px 0 6px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; }
.tile { background: var(--paper); border: 1px solid var(--rule); border-radius: 6px;
  padding: 12px 16px; }
.tile b { display: block; font-size: 25px; line-height: 1.25; font-weight: 600; }
.tile span, .tile small { color: var(--pale); font-size: 13px; }
.tile small { display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 40%; }
th, td { padding: 4px 14px 4px 0; text-align: left; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
th { color: var(--pale); font-weight: 600; font-size: 13px; vertical-align: bottom; }
td.n, th.n { text-align: right; padding: 4px 14px 4px 8px; white-space: nowrap; }
tr.total td { font-weight: 600; border-top: 2px solid var(--ink); }
dl { display: grid; grid-template-columns: minmax(180px, max-content) 1fr; gap: 3px 24px;
  margin: 0; }
dt { color: var(--pale); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
dd small { color: var(--pale); }
p { margin: 8px 0; max-width: 100ch; }
.good { color: var(--good); } .bad { color: var(--bad); }
figure { margin: 12px 0 14px; }
figcaption { font-weight: 600; margin-bottom: 4px; }
 figure svg { width: 100%; height: auto; display: block; }
@media print { body { background: none; } section { break-inside: avoid; } }
"""


def html_page(document: Document) -> str:
    """Return a document as a page."""
    charts = [
        part
        for section in document.sections
        for part in section.parts
        if isinstance(part, BurnUp | Bars)
    ]
    pictures = dict(zip(map(id, charts), _drawn(charts), strict=True))
    page = "\n".join(_page(document, pictures)) + "\n"
    letters = {letter for letter in page if ord(letter) >= FIRST_CHINESE}
    return page.replace(_FONT_HERE, _letters(letters), 1)


def _drawn(charts: list[BurnUp | Bars]) -> list[str]:
    if not charts:
        return []
    from controller.reports.charts import drawn  # takes longer than all the rest of a report

    return drawn(charts)


def _letters(letters: set[str]) -> str:
    """Return the font of a page's Chinese letters, which no machine need have then."""
    if not letters:
        return ""
    from controller.reports.letters import font_face

    return font_face("Report", FIRST_CHINESE, letters)


def _page(document: Document, pictures: dict[int, str]) -> Iterator[str]:
    title = escape(document.title)
    yield "<!DOCTYPE html>"
    yield f'<html lang="{document.words.html_language}">'
    yield '<head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="icon" href="data:,">'  # or a browser would ask for one
    yield f"<title>{title}</title>"
    yield f"<style>{_FONT_HERE}{_STYLE}</style></head>"
    yield f"<body><main><header><h1>{title}</h1><p>{escape(document.subtitle)}</p></header>"
    if document.tiles:
        yield '<div class="tiles">'
        yield from map(_tile, document.tiles)
        yield "</div>"
    for section in document.sections:
        yield from _section(section, pictures)
    yield "</main></body></html>"


def _tile(fact: Fact) -> str:
    note = f"<small>{escape(fact.note)}</small>" if fact.note else ""
    value = f"<b{_tone(fact.tone)}>{escape(fact.text)}</b>"
    return f'<div class="tile"><span>{escape(fact.label)}</span>{value}{note}</div>'


def _section(section: Section, pictures: dict[int, str]) -> Iterator[str]:
    yield f"<section><h2>{escape(section.heading)}</h2>"
    for part in section.parts:
        yield from _part(part, pictures)
    yield "</section>"


def _part(part: Part, pictures: dict[int, str]) -> Iterator[str]:
    match part:
        case Note():
            yield f"<p{_tone(part.tone)}>{escape(part.text)}</p>"
        case BurnUp() | Bars():
            title = escape(part.title)
            picture = pictures[id(part)].replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
            yield f"<figure><figcaption>{title}</figcaption>{picture}</figure>"
        case Facts():
            yield "<dl>"
            for fact in part.facts:
                note = f" <small>{escape(fact.note)}</small>" if fact.note else ""
                value = f"<dd{_tone(fact.tone)}>{escape(fact.text)}{note}</dd>"
                yield f"<dt>{escape(fact.label)}</dt>{value}"
            yield "</dl>"
        case Table():
            yield from _table(part)


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"<h3>{escape(table.title)}</h3>"
    if not table.rows:
        yield f"<p>{escape(table.empty)}</p>"
        return
    yield '<div class="scroll"><table><thead><tr>'
    for column in table.columns:
        yield f'<th{_class(column)} scope="col">{escape(column.heading)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{_cells(table, row)}</tr>"
    if table.total:
        yield f'<tr class="total">{_cells(table, table.total)}</tr>'
    yield "</tbody></table></div>"


def _cells(table: Table, row: tuple[object, ...]) -> str:
    return "".join(
        f"<td{_class(column)}>{escape(column.show(value))}</td>"
        for column, value in zip(table.columns, row, strict=True)
    )


def _class(column: Column) -> str:
    return ' class="n"' if column.of_numbers else ""


def _tone(tone: str) -> str:
    return f' class="{tone}"' if tone else ""
