"""Lays out where a programme stands."""

from datetime import date

from controller.reports.document import (
    BurnUp,
    Document,
    Fact,
    Facts,
    Note,
    Section,
    Series,
    Table,
    Tone,
    count,
    percent,
    signed,
    signed_tenths,
    table,
    tenths,
    text,
    yuan,
)
from controller.reports.targets import BurnUpFigures, Targets, YearFigures
from controller.reports.words import Words
from jobs.standing import Standing


def targets_page(found: Targets, w: Words) -> Document:
    """Lay the report out."""
    standing = found.standing
    subtitle = w("as of the evening", day=standing.today)
    if found.part_of:
        subtitle += w("part of", programme=found.part_of)
    return Document(
        title=w.titled(w("targets"), w.either(found.title, found.title_zh)),
        subtitle=subtitle,
        words=w,
        tiles=(
            Fact(w("counted"), standing.counted, count, w("of people", people=standing.people)),
            *ahead_facts(standing, w),
            _required(standing, w),
            _finish(found, w),
        ),
        sections=(
            Section(w("this year", year=standing.year), _year(found, w)),
            Section(w("whole programme"), _whole(found, w)),
            Section(w("orders waiting"), _waiting(standing, w)),
            Section(w("load"), (Note(w("load is no progress")), _load(found, w))),
            Section(w("fees"), (_fees(found, w),)),
            Section(w("phases and milestones"), _calendar(found, w)),
        ),
    )


def ahead_facts(standing: Standing, w: Words) -> tuple[Fact, Fact]:
    """Return how far a programme is ahead or behind, in people and in working days."""
    behind = round(standing.ahead_people) < 0
    tone: Tone = "bad" if behind else "good"
    label = w("behind plan") if behind else w("ahead of plan")
    planned = w("plan to date is", people=round(standing.plan))
    in_days = w.beside(label, w("working days"))
    return (
        Fact(label, standing.ahead_people, signed, planned, tone),
        Fact(in_days, standing.ahead_working_days, signed_tenths, "", tone),
    )


def years_table(years: tuple[YearFigures, ...], w: Words) -> Table:
    """Return the years of a programme as a table."""
    columns = [
        (w("year"), text), (w("target"), count), (w("plan to date"), count),
        (w("counted"), count), (w("ahead"), signed), (w("share of target"), percent),
    ]  # fmt: skip
    rows = [
        (one.year, one.target, one.plan, one.counted, one.counted - one.plan,
         one.counted / one.target)
        for one in years
    ]  # fmt: skip
    target, plan, counted = (
        sum(column) for column in zip(*(row[1:4] for row in rows), strict=True)
    )
    total = (w("total"), target, plan, counted, counted - plan, counted / target)
    return table(columns, rows, "", "", total)


def _required(standing: Standing, w: Words) -> Fact:
    note = w("working days left", days=standing.working_days_left)
    return Fact(w("required a day"), standing.required_per_day, tenths, note)


def _finish(found: Targets, w: Words) -> Fact:
    expected = found.forecast
    if not expected.days_used:
        return Fact(w("forecast finish"), None, text, w("too few days"))
    if expected.median is None:
        return Fact(w("forecast finish"), w("beyond foresight"), text, "", "bad")
    band = w(
        "band of", share=found.band_share, low=_day(expected.low, w), high=_day(expected.high, w)
    )
    return Fact(w("forecast finish"), expected.median, text, band)


def _day(day: date | None, w: Words) -> str:
    return w("beyond foresight") if day is None else day.isoformat()


def _year(found: Targets, w: Words) -> tuple[Facts | Note | BurnUp, ...]:
    standing, expected = found.standing, found.forecast
    share = standing.year_counted / standing.year_target
    facts = [
        Fact(w("target"), standing.year_target, count),
        Fact(w("plan to date"), standing.year_plan, count),
        Fact(w("counted"), standing.year_counted, count, percent(share)),
        Fact(w("ahead"), standing.year_counted - standing.year_plan, signed),
        Fact(w("made a day"), standing.recent_per_day, tenths,
             w("last working days", days=standing.recent_days)),
    ]  # fmt: skip
    method = w("no method", days=expected.days_used)
    if expected.days_used:
        tone: Tone = "bad" if expected.year_median < standing.year_target else "good"
        band = w("band of", share=found.band_share, low=f"{expected.year_low:,}",
                 high=f"{expected.year_high:,}")  # fmt: skip
        facts.append(Fact(w("forecast year"), expected.year_median, count, band, tone))
        method = w.either(
            expected.method, w("method", days=expected.days_used, share=found.band_share)
        )
    chart = _burn_up(w("burn-up of the year", year=standing.year), found.year_burn_up, found, w)
    return (Facts(tuple(facts)), chart, Note(method))


def _whole(found: Targets, w: Words) -> tuple[Table | BurnUp, ...]:
    return (
        years_table(found.years, w),
        _burn_up(w("burn-up of the programme"), found.whole_burn_up, found, w),
    )


def _burn_up(title: str, figures: BurnUpFigures, found: Targets, w: Words) -> BurnUp:
    return BurnUp(
        title,
        (
            Series(w("plan"), "plan", figures.plan),
            Series(w("counted"), "done", figures.done),
            Series(w("forecast"), "forecast", figures.expected),
        ),
        w("band", share=found.band_share),
        figures.band,
    )


def _waiting(standing: Standing, w: Words) -> tuple[Facts | Table, ...]:
    facts = [
        Fact(w("open orders"), standing.waiting, count),
        Fact(w("will be late"), standing.will_be_late, count, w("at the recent rate"),
             "bad" if standing.will_be_late else "good"),
    ]  # fmt: skip
    ages = [(w("older than", days=days), orders) for days, orders in standing.older_than.items()]
    return (
        Facts(tuple(facts)),
        table([(w("since receipt"), text), (w("orders"), count)], ages, "", w("age of orders")),
    )


def _load(found: Targets, w: Words) -> Table:
    loads = found.standing.load_counted_separately
    rows = [(w.label("load", load), cards) for load, cards in loads.items()]
    rows.append((w("spoiled and made again"), found.spoiled))
    columns = [(w("kind"), text), (w("cards"), count)]
    return table(columns, rows, "", "", (w("total"), sum(cards for _, cards in rows)))


def _fees(found: Targets, w: Words) -> Facts:
    median, late = found.turnaround_days or (None, None)
    return Facts(
        (
            Fact(w("received"), found.received, count),
            Fact(w("fees in yuan"), found.fees_cents, yuan),
            Fact(w("relieved"), found.relieved, count),
            Fact(w("turnaround median"), median, count, w("working days")),
            Fact(w("turnaround p99"), late, count, w("working days")),
        )
    )


def _calendar(found: Targets, w: Words) -> tuple[Table, Table]:
    today = found.standing.today
    phases = [
        (
            w.either(one.name, one.name_zh), one.begins, one.ends,
            ", ".join(w.label("product", product) for product in one.products),
            w("runs now") if one.begins <= today <= one.ends else "",
        )
        for one in found.phases
    ]  # fmt: skip
    done = [
        (w.either(one.name, one.name_zh), one.due, one.done,
         "" if one.done or one.due >= today else w("overdue"))
        for one in found.milestones
    ]  # fmt: skip
    return (
        table(
            [(w("phase"), text), (w("begins"), text), (w("ends"), text), (w("products"), text),
             ("", text)],
            phases, "", w("phases"),
        ),
        table(
            [(w("milestone"), text), (w("due"), text), (w("done"), text), ("", text)],
            done, w("no milestones"), w("milestones"),
        ),
    )  # fmt: skip
