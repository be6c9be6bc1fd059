"""Tables and charts of station time that several reports show."""

from collections.abc import Iterable

from controller.reports.document import (
    Bars,
    Note,
    Stack,
    Table,
    count,
    hours,
    percent,
    seconds,
    table,
    tenths,
    text,
)
from controller.reports.oee import Oee, Spent
from controller.reports.words import Words
from jobs.indicators import Indicators
from jobs.station_causes import Cause

HOUR_US = 3_600_000_000
_ORDER = (
    Cause.PRODUCING, Cause.CHANGEOVER, Cause.BLOCKED, Cause.STARVED,
    Cause.HELD, Cause.DOWN, Cause.STOPPED, Cause.OFF_SHIFT,
)  # fmt: skip


def why(cause: str, reason: str, w: Words) -> str:
    """Say a cause and its reason in words."""
    name = w.label("cause", cause)
    return w.titled(name, w.label("reason", reason)) if reason else name


def sum_check(found: Oee, w: Words) -> Note:
    """Say whether every second of every station has a cause."""
    statement = w(
        "seconds add up",
        stations=len(found.stations),
        length=seconds(found.ends_us - found.begins_us),
        expected=seconds(found.expected_us),
        accounted=seconds(found.accounted_us),
    )
    true = w("true") if found.adds_up else w("FALSE")
    return Note(f"{statement} {true}", "good" if found.adds_up else "bad")


def causes_table(found: Oee, w: Words) -> Table:
    """Return the seconds of every station by cause."""
    used = causes_used(found)
    columns = [(w("station"), text), *((w.label("cause", one.value), seconds) for one in used)]
    columns.append((w("together"), seconds))
    rows = []
    for station in found.stations:
        spent = {cause: _spent(station.spent, cause) for cause in used}
        rows.append((station.station, *spent.values(), sum(spent.values())))
    sums = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return table(columns, rows, "", w("seconds by cause"), (w("total"), *sums))


def causes_chart(found: Oee, w: Words) -> Bars:
    """Return the time of every station by cause as bars."""
    return Bars(
        w("station time by cause"),
        w("hours"),
        tuple(station.station for station in found.stations),
        tuple(
            Stack(
                w.label("cause", cause.value),
                cause.value,
                tuple(_spent(station.spent, cause) / HOUR_US for station in found.stations),
            )
            for cause in causes_used(found)
        ),
        lying=True,
    )


def causes_used(found: Oee) -> list[Cause]:
    """Return the causes that any station has time of, in the order in which they are shown."""
    seen = {one.cause for station in found.stations for one in station.spent}
    return [cause for cause in _ORDER if cause.value in seen]


def reasons_table(found: Oee, w: Words) -> Table:
    """Return what stations were held, down, stopped or blocked for."""
    rows = [
        (station.station, why(one.cause, one.reason, w), one.time_us)
        for station in found.stations
        for one in station.spent
        if one.reason
    ]
    columns = [(w("station"), text), (w("cause"), text), (w("time"), hours)]
    return table(columns, rows, w("no stop with a reason"))


def indicators_table(found: Oee, w: Words, title: str = "") -> Table:
    """Return the ratios of every station and line."""
    columns = [
        (w("unit"), text), (w("kind"), text), (w("availability"), percent),
        (w("effectiveness"), percent), (w("quality ratio"), percent), (w("oee index"), percent),
        (w("first-pass yield"), percent), (w("produced"), count), (w("good"), count),
    ]  # fmt: skip
    rows = [
        (one.station, w.label("kind", one.kind), *_ratios(one.indicators))
        for one in found.stations
    ]  # fmt: skip
    for line in found.lines:
        if line.bottleneck is not None:
            label = w.titled(w("bottleneck"), w.label("kind", line.bottleneck_kind))
            rows.append((line.line, label, *_ratios(line.bottleneck)))
        rows.append((line.line, w("all stations"), *_ratios(line.stations)))
    return table(columns, rows, "", title)


def planned_table(found: Oee, w: Words) -> Table:
    """Return the planned run time of each act, which is its median here."""
    rows = []
    for name, time_us in found.planned_us.items():
        kind, act = name.split(" ", 1)
        rows.append((w.label("kind", kind), w.label("act", act), time_us / 1_000_000))
    columns = [(w("kind"), text), (w("act"), text), (w("seconds"), tenths)]
    return table(columns, rows, w("nothing was done"))


def _ratios(one: Indicators) -> tuple[float | None, ...]:
    return (
        one.availability, one.effectiveness, one.quality_ratio, one.oee_index,
        one.first_pass_yield, one.produced, one.good,
    )  # fmt: skip


def _spent(spent: Iterable[Spent], cause: Cause) -> int:
    return sum(one.time_us for one in spent if one.cause == cause.value)
