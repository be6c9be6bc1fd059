"""Lays out a progress report for the leading group: a day, a week, a month, or the whole."""

from controller.reports.document import (
    Document,
    Fact,
    Facts,
    Note,
    Part,
    Section,
    Tone,
    count,
    hours,
    percent,
    signed,
    table,
    tenths,
    text,
    yuan,
)
from controller.reports.pages.counties_page import (
    figure_columns,
    figures_of,
    name_of,
    quota_heading,
    sums,
)
from controller.reports.pages.targets_page import ahead_facts, years_table
from controller.reports.pages.time_tables import why
from controller.reports.progress import Progress
from controller.reports.reading import Period
from controller.reports.words import Words


def progress_page(found: Progress, w: Words, kind: str) -> Document:
    """Lay the report out; `kind` is day, week, month or closing."""
    standing = found.standing
    tone: Tone = "bad" if found.counted < round(found.plan) else "good"
    planned = w("plan of the period is", people=round(found.plan))
    return Document(
        title=w.titled(w.label("progress", kind), w.either(found.title, found.title_zh)),
        subtitle=str(Period(found.first, found.last)),
        words=w,
        tiles=(
            Fact(w("received"), found.received, count),
            Fact(w("made"), found.made, count),
            Fact(w("dispatched"), found.dispatched, count),
            Fact(w("counted"), found.counted, count, planned, tone),
            *ahead_facts(standing, w),
        ),
        sections=(
            Section(w("by prefecture"), _prefectures(found, w)),
            Section(w("years"), (years_table(found.years, w),)),
            Section(w("why"), _why(found, w)),
        ),
    )


def _prefectures(found: Progress, w: Words) -> tuple[Part, ...]:
    quota = quota_heading(w, assumed=found.quotas_are_assumed)
    columns = [
        (w("prefecture"), text), *figure_columns(w), (w("counted so far"), count),
        (quota, count), (w("share of quota"), percent),
    ]  # fmt: skip
    rows = []
    for one in found.prefectures:
        group, so_far = one.period, one.counted_so_far
        share = so_far / group.people if group.people else None
        rows.append(
            (name_of(group, w), *figures_of(group), so_far, group.people or None, share)
        )  # fmt: skip
    people = sum(one.period.people for one in found.prefectures)
    so_far = sum(one.counted_so_far for one in found.prefectures)
    together = sums([one.period for one in found.prefectures])
    parts: list[Part] = [
        table(columns, rows, "", "", (w("total"), *together, so_far, people, so_far / people))
    ]
    if found.quotas_are_assumed:
        parts.append(Note(w("quotas are assumed", assumption=found.assumption)))
    return tuple(parts)


def _why(found: Progress, w: Words) -> tuple[Part, ...]:
    standing = found.standing
    behind = found.counted - found.plan
    median, late = found.turnaround_days or (None, None)
    facts = Facts(
        (
            Fact(w("ahead in the period"), behind, signed),
            Fact(w("required a day"), standing.required_per_day, tenths,
                 w("working days left", days=standing.working_days_left)),
            Fact(w("made a day"), standing.recent_per_day, tenths,
                 w("last working days", days=standing.recent_days)),
            Fact(w("open orders"), standing.waiting, count),
            Fact(w("held orders"), found.held_orders, count),
            Fact(w("will be late"), standing.will_be_late, count, w("at the recent rate")),
            Fact(w("refused"), found.refused, count),
            Fact(w("spoiled"), found.spoiled, count),
            Fact(w("load"), sum(standing.load_counted_separately.values()), count,
                 w("dispatched so far")),
            Fact(w("turnaround median"), median, count, w("working days")),
            Fact(w("turnaround p99"), late, count, w("working days")),
            Fact(w("fees in yuan"), found.fees_cents, yuan),
            Fact(w("relieved"), found.relieved, count),
        )
    )  # fmt: skip
    rows = [(why(one.cause, one.reason, w), one.stops, one.time_us) for one in found.lost]
    columns = [(w("cause"), text), (w("stops"), count), (w("station hours"), hours)]
    return (facts, table(columns, rows, w("nothing stopped"), w("lost station time")))
