"""What metrics cost: a scrape, what it takes of the control loop's time, and of a run's CPU.

`scrape_ms` and `loop_ms` are of a centre with 40 stations, each of which has been in every state,
and of works of every act at every kind of machine: over HTTP, and of it what is done on the loop
that runs the lines. `cpu_percent` is of a simulated run of 40 stations: the CPU time of counting
every event and of a scrape every 15 simulated seconds, as a part of that of the whole run. There
nothing waits for matter, so that a real centre's share differs; what HTTP and the kernel take is
not in it.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeVar

from prometheus_client import CollectorRegistry

from config.centre import Centre, Line, load_centre, shipped_centre
from controller.clock import CalendarClock, start_of_day_us
from controller.metrics_http import PATH, bind_metrics, serve_metrics
from controller.metrics_page import MetricsPage
from controller.simulating import (
    DEFAULT_DAY,
    SimulationPlan,
    _produce,
    _take_in,
    all_at_work,
    running,
    seeded,
)
from controller.tally import WORK_BOUNDS_S, Histogram
from controller.telemetry import MeteredLine, Snapshot, Telemetry, metered
from controller.virtual_time import VirtualTimeLoop
from jobs.ledger.ledger import InlineWriter, open_ledger
from jobs.ledger.store import MEMORY, Store
from jobs.states import StationState

SCRAPES = 100
LINES, STATIONS_A_LINE = 4, 10
ACTS = ("insert", "print", "laminate", "eject", "encode", "read_back", "inspect", "move")
KINDS = ("printer", "laminator", "encoder", "reader", "transport")
ORDERS, SEED, INTERVAL_S = 400, 7, 15.0

Figure = tuple[str, float]
Result = TypeVar("Result")


def figures() -> Iterator[Figure]:
    """Measure scrapes, then a run."""
    scrapes_s, copies_s = asyncio.run(_scrapes())
    yield "metrics.scrape_ms", 1000 * statistics.median(scrapes_s)
    yield "metrics.loop_ms", 1000 * statistics.median(copies_s)
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        yield "metrics.cpu_percent", 100 * runner.run(_share_of_a_run(Path(folder)))


async def _scrapes() -> tuple[list[float], list[float]]:
    """Return how long scrapes took, and how long each held up the control loop."""
    store = Store.open(MEMORY)
    ledger = await open_ledger(store, InlineWriter(store, 1.0, lambda _error: None), lambda: 1)
    telemetry = Telemetry(ledger, _lines(), lambda: 10**15, lambda: "")
    _fill(telemetry)
    copies_s: list[float] = []

    def copy() -> Snapshot:
        began_s = time.perf_counter()
        taken = telemetry.snapshot()
        copies_s.append(time.perf_counter() - began_s)
        return taken

    listening = bind_metrics("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve_metrics(copy, _page().text, listening))
        scrapes_s = [await _scrape(port) for _ in range(SCRAPES)]
        serving.cancel()
    ledger.close()
    return scrapes_s, copies_s


def _page() -> MetricsPage:
    return MetricsPage(CollectorRegistry())


def _lines() -> Iterator[MeteredLine]:
    for line in range(LINES):
        numbers = range(STATIONS_A_LINE)
        kinds = {f"line-{line}-station-{n}": KINDS[n % len(KINDS)] for n in numbers}
        yield MeteredLine(f"line-{line}", kinds, lambda: 20, 24, dict)


def _fill(telemetry: Telemetry) -> None:
    tally, random = telemetry.tally, Random(SEED)
    for name in tally.stations:
        for state in StationState:
            station = tally.stations[name]
            at_us = station.since_us + random.randrange(10**9)
            tally.stations[name] = station.entering(state, at_us)
    for act in ACTS:
        for kind in KINDS:
            histogram = tally.durations.setdefault((act, kind), Histogram(WORK_BOUNDS_S))
            for _ in range(1000):
                histogram.observe(random.uniform(0.1, 1000.0))
            tally.works[act, kind, "done"] = 1000


async def _scrape(port: int) -> float:
    began_s = time.perf_counter()
    async with asyncio.timeout(10.0):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET " + PATH + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.count(b"cardcentre_station_state{") == 17 * LINES * STATIONS_A_LINE
    return time.perf_counter() - began_s


@dataclass(slots=True)
class _Stopwatch:
    """Adds up the CPU time of some calls, less what looking at the watch takes."""

    cpu_s: float = 0.0
    own_s: float = 0.0

    def timed(self, call: Callable[..., Result]) -> Callable[..., Result]:
        def measured(*arguments: object) -> Result:
            began_s = time.thread_time()
            result = call(*arguments)
            self.cpu_s += time.thread_time() - began_s - self.own_s
            return result

        return measured


def _of_forty_stations() -> Centre:
    """Return the shipped centre with its line four times."""
    shipped = load_centre(shipped_centre("simulated"))
    (line,) = shipped.lines
    assert len(line.stations) == STATIONS_A_LINE
    return shipped.model_copy(
        update={"lines": tuple(_again(line, number) for number in range(1, LINES + 1))}
    )


def _again(line: Line, number: int) -> Line:
    names = [f"line-{number}-{station.name}" for station in line.stations]
    return line.model_copy(
        update={
            "name": f"line-{number}",
            "transport": line.transport.model_copy(
                update={"url": f"sim://line-{number}-transport"}
            ),
            "stations": tuple(
                station.model_copy(update={"name": name, "url": f"sim://{name}"})
                for station, name in zip(line.stations, names, strict=True)
            ),
        }
    )


async def _share_of_a_run(folder: Path) -> float:
    plan = SimulationPlan(ORDERS, SEED)
    config = seeded(_of_forty_stations(), plan)
    watch = _Stopwatch()
    looks = [-time.thread_time() + time.thread_time() for _ in range(10_000)]
    watch.own_s = statistics.median(looks)
    clock = CalendarClock(start_of_day_us(DEFAULT_DAY, 8))
    async with running(config, plan, folder, clock) as made:
        service, ledger = made.service, made.ledger
        lines = [metered(parts) for parts in service.lines.values()]
        telemetry = Telemetry(ledger, lines, service.clock.now_us, lambda: "")
        ledger.listeners[-1] = watch.timed(ledger.listeners[-1])
        assert ledger.on_written is not None
        ledger.on_written = watch.timed(ledger.on_written)
        page = _page()
        scrape = watch.timed(lambda: page.text(telemetry.snapshot()))

        async def scrapes() -> None:
            while True:
                await asyncio.sleep(INTERVAL_S)
                scrape()

        await all_at_work(service)
        await _take_in(made, folder)
        async with asyncio.TaskGroup() as group:
            watch.cpu_s, began_s = 0.0, time.process_time()
            scraping = group.create_task(scrapes())
            await _produce(made, lambda _done: None)
            run_s = time.process_time() - began_s
            scraping.cancel()
    made.close()
    return watch.cpu_s / run_s
