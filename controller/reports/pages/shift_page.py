"""Lays out one shift."""

from controller.reports.document import (
    Bars,
    Document,
    Fact,
    Note,
    Section,
    Stack,
    Table,
    count,
    hours,
    table,
    text,
)
from controller.reports.pages.quality_page import spoilage_parts
from controller.reports.pages.time_tables import (
    causes_chart,
    causes_table,
    indicators_table,
    sum_check,
    why,
)
from controller.reports.shift import STAGES, Shift
from controller.reports.words import Words
from jobs.states import CardTrigger


def shift_page(found: Shift, w: Words) -> Document:
    """Lay the report out."""
    so_far = "" if found.complete else w("so far")
    name = w.label("shift", found.name)
    return Document(
        title=w.titled(w("shift report"), f"{found.day} {name}"),
        subtitle=f"{w.stretch(found.begins_us, found.ends_us)}{so_far}",
        words=w,
        tiles=(
            Fact(w("good"), found.good, count),
            Fact(w("spoiled"), found.spoiled, count, "", "bad" if found.spoiled else "good"),
            Fact(w("stops"), found.stops_in_all, count),
            Fact(w("account"), w("true") if found.balanced else w("FALSE"), text,
                 w("every blank"), "good" if found.balanced else "bad"),
        ),
        sections=(
            Section(w("cards by hour"), (_chart(found, w), _hours(found, w))),
            Section(w("spoilage"), spoilage_parts(found.spoilage, w)),
            Section(
                w("station time"),
                (
                    causes_chart(found.time, w),
                    causes_table(found.time, w),
                    sum_check(found.time, w),
                    indicators_table(found.time, w, w("ratios")),
                ),
            ),
            Section(w("longest stops"), (_stops(found, w),)),
            Section(w("blanks"), (_stock(found, w), _account(found, w))),
            Section(w("who did what"), (_acts(found, w),)),
        ),
    )  # fmt: skip


def _hours(found: Shift, w: Words) -> Table:
    columns = [(w("from"), text), *((w.label("stage", stage.value), count) for stage in STAGES)]
    rows = [(w.clock(hour.begins_us), *hour.cards.values()) for hour in found.hours]
    sums = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return table(columns, rows, "", "", (w("total"), *sums))


def _chart(found: Shift, w: Words) -> Bars:
    shown = ((CardTrigger.PACK, "good"), (CardTrigger.SPOIL, "bad"))
    return Bars(
        w("cards an hour"),
        w("cards"),
        tuple(w.clock(hour.begins_us) for hour in found.hours),
        tuple(
            Stack(
                w.label("stage", stage.value),
                colour,
                tuple(float(hour.cards[stage.value]) for hour in found.hours),
            )
            for stage, colour in shown
        ),
    )


def _stops(found: Shift, w: Words) -> Table:
    columns = [(w("station"), text), (w("cause"), text), (w("from"), text), (w("lasted"), hours)]
    rows = [
        (span.station, why(span.cause.value, span.reason, w), w.clock(span.begins_us),
         span.ends_us - span.begins_us)
        for span in found.stops
    ]  # fmt: skip
    return table(columns, rows, w("nothing stopped"))


def _stock(found: Shift, w: Words) -> Table:
    columns = [
        (w("line"), text), (w("loaded"), count), (w("issued"), count), (w("returned"), count),
        (w("samples"), count), (w("in magazine now"), count),
    ]  # fmt: skip
    rows = [
        (one.line, one.loaded, one.issued, one.returned, one.samples,
         one.in_magazine_now)
        for one in found.stock
    ]  # fmt: skip
    return table(columns, rows, w("no line"))


def _account(found: Shift, w: Words) -> Note:
    issued, *parts = (
        f"{cards:,} {w.label('account', term)}" for term, cards in found.account.items()
    )
    true = w("true") if found.balanced else w("FALSE")
    equation = w.titled(f"{issued} = {' + '.join(parts)}", true)
    at = w("account at", moment=w.moment(found.account_at_us))
    return Note(f"{at} {equation}", "good" if found.balanced else "bad")


def _acts(found: Shift, w: Words) -> Table:
    columns = [(w("who"), text), (w("did"), text), (w("times"), count)]
    rows = [(one.actor, w.label("event", one.kind), one.times) for one in found.acts]
    return table(columns, rows, w("nobody did anything"))
