"""Whole centres with bad wires, worn machines and a restart: every second has one cause.

For each seed the spans tile every station's time, and a stretch that is folded by itself, with no
more of the past than `jobs/station_time.py` asks for, is the whole ledger's fold, cut.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from jobs.books import OFF_THE_LINE, Books
from jobs.events import Event, Kind
from jobs.rows import Card
from jobs.shifts import ShiftSpan
from jobs.station_causes import Cause
from jobs.station_time import Span, StationTime, station_spans, time_account
from jobs.timed_stations import TimedStation, stations_of
from tests.simulation.many_seeds import WEAR, BadWires, drawn_faults
from tests.simulation.test_stations_after_restart import run_of
from tests.simulation.world import DAY, SupplyStore, World, world

SECOND_US = 1_000_000
ORDERS, STRETCHES, LONGEST_S = 6, 12, 20_000.0


async def played(folder: Path, seed: int) -> tuple[list[Event], tuple[TimedStation, ...]]:
    """Play a seed: faults, the controller's power cut, a station held by a person."""
    random = Random(f"{seed}:station time")
    wires = BadWires(Random(f"{seed}:wires"), drawn_faults(random))
    wear = {name: random.choice((0.0, share)) for name, share in WEAR.items()}
    async with world(folder, seed, SupplyStore, **wear) as made:
        made.around = wires.around
        async with run_of(made):
            await made.takes(ORDERS)
            await asyncio.sleep(random.uniform(180.0, 320.0))
        made.service = None  # nobody answers the person meanwhile
        await asyncio.sleep(random.uniform(1.0, 900.0))
        async with run_of(made) as service:
            await asyncio.sleep(random.uniform(1.0, 300.0))
            held = random.choice(service.lines["line-1"].line.stations)
            await held.hold("held by an operator", "operator", "test")
            await asyncio.sleep(60.0)
            if held.code == "operator":
                await service.verbs.unhold_station(held.name, "test")
            wires.stopped = True
            await finished(made)
            assert made.store is not None
            return list(made.store.events()), stations_of(made.config)


async def finished(made: World) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + LONGEST_S
    while made.unfinished():
        assert loop.time() < end_s
        await asyncio.sleep(5.0)


def drawn_shifts(random: Random, from_us: int, until_us: int) -> tuple[ShiftSpan, ...]:
    """Draw shifts over a stretch, some of them with a gap between, some without."""
    shifts, at_us = [], from_us - random.randrange(600 * SECOND_US)
    while at_us < until_us:
        ends_us = at_us + random.randrange(60 * SECOND_US, 900 * SECOND_US)
        shifts.append(ShiftSpan("drawn", DAY, at_us, ends_us))
        at_us = ends_us + random.choice((0, random.randrange(300 * SECOND_US)))
    return tuple(shifts)


def needed(events: Sequence[Event], from_us: int, until_us: int) -> list[Event]:
    """Keep of what was before and after a stretch only what the account's page asks for."""
    before = [event for event in events if event.time_us < from_us]
    books = Books()
    for event in before:
        books.apply(event)
    issued_us = min((card.issued_us for card in on_a_line(books)), default=from_us)
    last: dict[tuple[Kind, str], list[int]] = defaultdict(list)
    for event in before:
        if event.kind is Kind.LEDGER_OPENED:
            last[event.kind, ""] = [event.sequence]
        elif event.kind is Kind.LINE_CHANGED:
            last[event.kind, event.draft.data["line"]] = [event.sequence]
        elif event.kind is Kind.STATION_CHANGED:
            found = last[event.kind, event.draft.station]
            found[:] = [*found[-1:], event.sequence]
    kept = {sequence for found in last.values() for sequence in found}
    within = [
        event
        for event in events
        if event.sequence in kept or issued_us <= event.time_us < until_us
    ]  # fmt: skip
    return within + [event for event in events if event.time_us >= until_us][:1]


def on_a_line(books: Books) -> Iterator[Card]:
    return (card for card in books.cards.values() if card.state not in OFF_THE_LINE)


def cut(spans: Sequence[Span], from_us: int, until_us: int) -> list[Span]:
    return [
        Span(
            one.station, one.cause, one.reason,
            max(one.begins_us, from_us), min(one.ends_us, until_us),
        )
        for one in spans
        if one.begins_us < until_us and one.ends_us > from_us
    ]  # fmt: skip


def by_station(spans: Sequence[Span]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        found[span.station].append(span)
    return found


def check_tiling(spans: Sequence[Span], from_us: int, until_us: int) -> None:
    assert (spans[0].begins_us, spans[-1].ends_us) == (from_us, until_us)
    for one, two in pairwise(spans):
        assert one.ends_us == two.begins_us
        assert (one.cause, one.reason) != (two.cause, two.reason), "one span was told as two"
    assert all(one.begins_us < one.ends_us for one in spans)


def check_production(time: StationTime, events: Sequence[Event], until_us: int) -> None:
    """The time in which its works were open is an independent measure of what it produced."""
    open_us, begun_us = 0, 0
    for event in events:
        if event.draft.station != time.station:
            continue
        if event.kind is Kind.WORK_BEGUN:
            begun_us = event.time_us
        elif event.kind is Kind.WORK_FINISHED:
            open_us += min(event.time_us, until_us) - begun_us
    stopped_us = time.spent_us(Cause.DOWN, Cause.HELD, Cause.STOPPED, Cause.CHANGEOVER)
    assert time.spent_us(Cause.PRODUCING) >= open_us - stopped_us


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.soak)])
async def test_the_seconds_of_every_station_add_up(tmp_path: Path, seed: int) -> None:
    events, stations = await played(tmp_path, seed)
    random = Random(f"{seed}:stretches")
    from_us, until_us = events[0].time_us, events[-1].time_us + SECOND_US
    shifts = drawn_shifts(random, from_us, until_us)
    whole = by_station(list(station_spans(events, stations, shifts, from_us, until_us)))
    assert set(whole) == {station.name for station in stations}
    for spans in whole.values():
        check_tiling(spans, from_us, until_us)
    for time in time_account(events, stations, shifts, from_us, until_us).stations:
        assert sum(time.seconds_us.values()) == until_us - from_us
    always = (ShiftSpan("always", DAY, from_us, until_us),)
    for time in time_account(events, stations, always, from_us, until_us).stations:
        check_production(time, events, until_us)

    for _ in range(STRETCHES):
        begins_us = random.randrange(from_us, until_us)
        ends_us = random.randrange(begins_us, until_us) + 1
        held = [one for one in shifts if one.begins_us < ends_us and one.ends_us > begins_us]
        few = needed(events, begins_us, ends_us)
        found = by_station(list(station_spans(few, stations, held, begins_us, ends_us)))
        for name, spans in whole.items():
            assert found[name] == cut(spans, begins_us, ends_us), (name, begins_us, ends_us)
    if seed == 2:
        check_causes_met({span.cause for spans in whole.values() for span in spans})


def check_causes_met(met: set[Cause]) -> None:
    """A seed without faults would prove little."""
    always = {Cause.PRODUCING, Cause.STARVED, Cause.BLOCKED, Cause.CHANGEOVER, Cause.STOPPED}
    assert always <= met
    assert {Cause.HELD, Cause.DOWN} & met
