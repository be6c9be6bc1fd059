"""Lays out where every second of every station went, and the ratios of ISO 22400-2."""

from controller.reports.document import Document, Fact, Note, Section, percent
from controller.reports.oee import Oee
from controller.reports.pages.time_tables import (
    causes_chart,
    causes_table,
    indicators_table,
    planned_table,
    reasons_table,
    sum_check,
)
from controller.reports.words import Words


def oee_page(found: Oee, w: Words) -> Document:
    """Lay the report out."""
    tiles = []
    for line in found.lines:
        if line.bottleneck is not None:
            one = line.bottleneck
            kind = w.label("kind", line.bottleneck_kind)
            note = w("of the bottleneck", line=line.line, kind=kind)
            tiles += [
                Fact(w("oee index"), one.oee_index, percent, note),
                Fact(w("availability"), one.availability, percent, note),
                Fact(w("quality ratio"), one.quality_ratio, percent, line.line),
                Fact(w("first-pass yield"), one.first_pass_yield, percent, line.line),
            ]
    return Document(
        title=w("oee"),
        subtitle=w.stretch(found.begins_us, found.ends_us),
        words=w,
        tiles=tuple(tiles[:4]),
        sections=(
            Section(w("ratios"), (indicators_table(found, w), Note(w("what the ratios are")))),
            Section(
                w("station time"),
                (causes_chart(found, w), causes_table(found, w), sum_check(found, w)),
            ),
            Section(w("reasons of stops"), (reasons_table(found, w),)),
            Section(w("planned run time"), (planned_table(found, w), Note(w("what is planned")))),
        ),
    )
