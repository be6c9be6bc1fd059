"""Lays out counties and prefectures."""

from collections.abc import Sequence

from controller.reports.counties import Counties, CountyFigures
from controller.reports.document import (
    Document,
    Fact,
    Note,
    Part,
    Section,
    Show,
    Table,
    count,
    percent,
    table,
    text,
    yuan,
)
from controller.reports.reading import Period
from controller.reports.words import Words
from jobs.standing_groups import Group


def counties_page(found: Counties, w: Words) -> Document:
    """Lay the report out."""
    groups = found.prefectures
    sections = [
        Section(w("by prefecture"), _prefectures(found, w)),
        Section(w("started counties"), (_counties(found.started, w),)),
        Section(w("unstarted counties"), (_unstarted(found, w),)),
    ]
    if found.outside:
        columns = [(w("code"), text), (w("county"), text), *figure_columns(w)]
        rows = [(one.key, name_of(one, w), *figures_of(one)) for one in found.outside]
        total = (w("total"), "", *sums(found.outside))
        sections.append(Section(w("other counties"), (table(columns, rows, "", "", total),)))
    return Document(
        title=w.titled(w("counties"), w.either(found.title, found.title_zh)),
        subtitle=str(Period(found.first, found.last)),
        words=w,
        tiles=(
            Fact(w("started"), len(found.started), count,
                 w("of counties", counties=len(found.started) + len(found.unstarted))),
            Fact(w("received"), sum(one.received for one in groups), count),
            Fact(w("made"), sum(one.made for one in groups), count),
            Fact(w("dispatched"), sum(one.dispatched for one in groups), count),
            Fact(w("waiting"), sum(one.waiting for one in groups), count),
        ),
        sections=tuple(sections),
    )  # fmt: skip


def name_of(group: Group, w: Words) -> str:
    """Return a county's or a prefecture's name."""
    return w.either(group.label, group.label_zh)


def figure_columns(w: Words) -> list[tuple[str, Show]]:
    """Return the columns of what became of orders."""
    return [
        (w("received"), count), (w("refused"), count), (w("made"), count),
        (w("dispatched"), count), (w("counted"), count), (w("waiting"), count),
        (w("fees in yuan"), yuan), (w("relieved"), count),
    ]  # fmt: skip


def quota_heading(w: Words, *, assumed: bool) -> str:
    """Return the heading of quotas; assumed ones are marked wherever they are shown."""
    return w.beside(w("quota"), w("assumed")) if assumed else w("quota")


def figures_of(group: Group) -> tuple[int, ...]:
    """Return what became of the orders of a group, in those columns."""
    return (
        group.received, group.refused, group.made, group.dispatched, group.counted,
        group.waiting, group.fees_cents, group.relieved,
    )  # fmt: skip


def sums(groups: Sequence[Group]) -> tuple[int, ...]:
    """Return the same of several groups together."""
    return tuple(sum(column) for column in zip(*map(figures_of, groups), strict=True))


def _prefectures(found: Counties, w: Words) -> tuple[Part, ...]:
    quota = quota_heading(w, assumed=found.quotas_are_assumed)
    columns = [
        (w("prefecture"), text), (quota, count), *figure_columns(w),
        (w("share of quota"), percent),
    ]  # fmt: skip
    rows = [
        (name_of(one, w), one.people or None, *figures_of(one),
         one.counted / one.people if one.people else None)
        for one in found.prefectures
    ]  # fmt: skip
    people = sum(one.people for one in found.prefectures)
    share = sum(one.counted for one in found.prefectures) / people
    total = (w("total"), people, *sums(found.prefectures), share)
    parts: list[Part] = [table(columns, rows, "", "", total)]
    if found.quotas_are_assumed:
        parts.append(Note(w("quotas are assumed", assumption=found.assumption)))
    return tuple(parts)


def _counties(counties: Sequence[CountyFigures], w: Words) -> Table:
    columns = [(w("code"), text), (w("county"), text), (w("start"), text), ("", text)]
    rows = [
        (one.figures.key, name_of(one.figures, w), one.starts, w("pilot") if one.pilot else "",
         *figures_of(one.figures))
        for one in counties
    ]  # fmt: skip
    total = (w("total"), "", "", "", *sums([one.figures for one in counties]))
    if not counties:
        total = ()
    return table([*columns, *figure_columns(w)], rows, w("none has started"), "", total)


def _unstarted(found: Counties, w: Words) -> Table:
    columns = [
        (w("code"), text), (w("county"), text), (w("start"), text), ("", text),
        (w("received"), count), (w("waiting"), count),
    ]  # fmt: skip
    rows = [
        (one.figures.key, name_of(one.figures, w), one.starts or w("no date"),
         w("pilot") if one.pilot else "", one.figures.received, one.figures.waiting)
        for one in found.unstarted
    ]  # fmt: skip
    return table(columns, rows, w("all have started"))
