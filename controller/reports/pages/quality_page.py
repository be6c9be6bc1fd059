"""Lays out what was spoiled, made again and refused."""

from collections import Counter
from collections.abc import Iterable, Sequence

from controller.reports.document import (
    Bars,
    Document,
    Fact,
    Note,
    Part,
    Section,
    Stack,
    Table,
    count,
    percent,
    table,
    text,
)
from controller.reports.quality import Quality, Spoilage
from controller.reports.reading import Period
from controller.reports.words import Words

#: More bars than this are no longer told apart, and months are shown.
DAYS_SHOWN = 62


def quality_page(found: Quality, w: Words) -> Document:
    """Lay the report out."""
    applications = found.received + found.refused
    return Document(
        title=w("quality"),
        subtitle=str(Period(found.first, found.last)),
        words=w,
        tiles=(
            Fact(w("made"), found.made, count),
            Fact(w("spoiled"), found.spoiled, count, percent(found.spoiled_share),
                 "bad" if found.spoiled else "good"),
            Fact(w("first-pass yield"), found.first_pass_yield, percent, w("done at first")),
            Fact(w("remade"), found.remade, count),
            Fact(w("refused"), found.refused, count, w("of received", received=applications)),
        ),
        sections=(
            Section(
                w("spoilage"),
                (*spoilage_parts(found.spoilage, w), *_days(found, w)),
            ),
            Section(w("refusals"), (_refusals(found, w),)),
        ),
    )  # fmt: skip


def spoilage_parts(spoilage: Sequence[Spoilage], w: Words) -> tuple[Part, ...]:
    """Return what was spoiled as a chart and a table, or that nothing was."""
    if not spoilage:
        return (Note(w("nothing was spoiled")),)
    return (_reasons_chart(spoilage, w), _spoilage_table(spoilage, w))


def _reasons_chart(spoilage: Iterable[Spoilage], w: Words) -> Bars:
    cards: Counter[str] = Counter()
    for one in spoilage:
        cards[one.reason] += one.cards
    reasons = sorted(cards, key=lambda reason: (-cards[reason], reason))
    return Bars(
        w("spoilage by reason"),
        w("cards"),
        tuple(w.label("reason", reason) for reason in reasons),
        (Stack(w("spoiled"), "bad", tuple(float(cards[reason]) for reason in reasons)),),
        lying=True,
    )


def _spoilage_table(spoilage: Iterable[Spoilage], w: Words) -> Table:
    rows = [
        (one.day, one.station or w("away from the line"), w.label("reason", one.reason), one.cards)
        for one in spoilage
    ]
    columns = [(w("day"), text), (w("station"), text), (w("reason"), text), (w("cards"), count)]
    total = (w("total"), "", "", sum(row[3] for row in rows))
    return table(columns, rows, "", w("spoilage by station"), total)


def _days(found: Quality, w: Words) -> tuple[Bars | Table, ...]:
    by_month = len(found.days) > DAYS_SHOWN
    made: Counter[str] = Counter()
    spoiled: Counter[str] = Counter()
    for one in found.days:
        name = f"{one.day:%Y-%m}" if by_month else str(one.day)
        made[name] += one.made
        spoiled[name] += one.spoiled
    heading = w("month") if by_month else w("day")
    columns = [(heading, text), (w("made"), count), (w("spoiled"), count), (w("share"), percent)]
    rows = [
        (name, made[name], spoiled[name], spoiled[name] / (made[name] + spoiled[name]))
        for name in made
        if made[name] + spoiled[name]
    ]
    shown = table(columns, rows, w("nothing was made"), w("months") if by_month else w("days"))
    if len(made) < 2 or not found.spoiled:
        return (shown,)
    chart = Bars(
        w("spoiled a month") if by_month else w("spoiled a day"),
        w("cards"),
        tuple(name if by_month else name[5:] for name in made),
        (Stack(w("spoiled"), "bad", tuple(float(cards) for cards in spoiled.values())),),
    )
    return (chart, shown)


def _refusals(found: Quality, w: Words) -> Table:
    rows = [
        (one.code, w.label("refusal", one.code), one.field, one.applications)
        for one in found.refusals
    ]
    columns = [
        (w("code"), text), (w("reason"), text), (w("field"), text), (w("applications"), count)
    ]  # fmt: skip
    return table(columns, rows, w("nothing was refused"))
