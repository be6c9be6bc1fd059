"""What a durable event costs: awaited appends beside a raw fdatasync loop on the same disk.

Every round measures both, one after the other, and a ratio is the median of the rounds' ratios: a
disk that is slow for a while is then slow for both. Not a test: it prints and judges nothing.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger, ThreadWriter, open_ledger
from jobs.ledger.store import Store

ROUNDS = 9
RAW_SYNCS = 300
#: A commit of one event writes about this much to the write-ahead log.
RAW_BLOCK_BYTES = 4096
SERIAL_EVENTS = 400
APPENDERS = 8
EVENTS_OF_AN_APPENDER = 100
GROUPED_APPENDERS = 256
EVENTS_OF_A_GROUPED_APPENDER = 16
OFFERED_PER_S = (100, 500, 2000)
OFFERED_FOR_S = 2.0
GROUP_MAX = 500

#: Until the write-ahead log has its full size and is written over, as in a centre that has run for
#: a minute.
WARM_UP_EVENTS = 400

Figure = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """Appends that were awaited: how many a second, and how long each took."""

    per_s: float
    latencies_ms: list[float]

    def quantile_ms(self, percent: int) -> float:
        """Return a percentile of the latencies."""
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


def figures() -> Iterator[Figure]:
    """Measure everything; the files lie beside the repository's own, never on a tmpfs."""
    beside = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=beside) as folder:
        yield from _ratios(Path(folder))
        yield from _offered(Path(folder))


def _ratios(folder: Path) -> Iterator[Figure]:
    rounds = [_round(folder, number) for number in range(ROUNDS)]
    for name in rounds[0]:
        yield name, statistics.median(one[name] for one in rounds)


def _round(folder: Path, number: int) -> dict[str, float]:
    raw = raw_syncs_per_s(folder / f"raw-{number}")
    overwriting = raw_syncs_per_s(folder / f"overwriting-{number}", overwriting=True)
    one = _appended(folder / f"one-{number}", 1, APPENDERS, EVENTS_OF_AN_APPENDER)
    serial = _appended(folder / f"serial-{number}", 1, 1, SERIAL_EVENTS)
    grouped = _appended(
        folder / f"grouped-{number}", GROUP_MAX, GROUPED_APPENDERS, EVENTS_OF_A_GROUPED_APPENDER
    )
    raw = (raw + raw_syncs_per_s(folder / f"raw-again-{number}")) / 2
    return {
        "ledger.fdatasync_per_s": raw,
        "ledger.overwriting_fdatasync_per_s": overwriting,
        "ledger.appends_per_s": one.per_s,
        "ledger.ratio_to_fdatasync": one.per_s / raw,
        "ledger.ratio_to_overwriting_fdatasync": one.per_s / overwriting,
        "ledger.serial_appends_per_s": serial.per_s,
        "ledger.serial_ratio_to_fdatasync": serial.per_s / raw,
        "ledger.serial_p50_ms": serial.quantile_ms(50),
        "ledger.serial_p99_ms": serial.quantile_ms(99),
        "ledger.grouped_appends_per_s": grouped.per_s,
        "ledger.grouped_ratio_to_fdatasync": grouped.per_s / raw,
    }


def raw_syncs_per_s(path: Path, *, overwriting: bool = False) -> float:
    """Write blocks one after the other into one file, each synced.

    The floor is what a log without any database would do: append to a file that grows, and sync
    (its new size, too). A file that has its size already is the harder measure, reported beside
    it: a write-ahead log that has been checkpointed overwrites itself likewise.
    """
    block = os.urandom(RAW_BLOCK_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if overwriting:
            os.write(descriptor, bytes(RAW_SYNCS * RAW_BLOCK_BYTES))
            os.fsync(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
        begun = time.perf_counter()
        for _ in range(RAW_SYNCS):
            os.write(descriptor, block)
            os.fdatasync(descriptor)
        return RAW_SYNCS / (time.perf_counter() - begun)
    finally:
        os.close(descriptor)


def _appended(path: Path, group_max: int, appenders: int, events_each: int) -> Measured:
    async def measure() -> Measured:
        ledger = await _ledger(path, group_max, appenders)
        latencies: list[float] = []

        async def append_all(appender: int, first: int, count: int) -> None:
            numbers = range(first, first + count)
            latencies.extend([await _append(ledger, event(appender, n)) for n in numbers])

        async def append_each(first: int, count: int) -> float:
            latencies.clear()
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for appender in range(appenders):
                    group.create_task(append_all(appender, first, count))
            return time.perf_counter() - begun

        warm_up = WARM_UP_EVENTS // appenders // 2 * 2
        await append_each(0, warm_up)
        elapsed_s = await append_each(warm_up, events_each)
        ledger.close()
        return Measured(len(latencies) / elapsed_s, latencies)

    return asyncio.run(measure())


def _offered(folder: Path) -> Iterator[Figure]:
    for rate_per_s in OFFERED_PER_S:
        measured = asyncio.run(_at_rate(folder / f"offered-{rate_per_s}", rate_per_s))
        yield f"ledger.offered_{rate_per_s}_per_s_done_per_s", measured.per_s
        yield f"ledger.offered_{rate_per_s}_per_s_p50_ms", measured.quantile_ms(50)
        yield f"ledger.offered_{rate_per_s}_per_s_p99_ms", measured.quantile_ms(99)


async def _at_rate(path: Path, rate_per_s: int) -> Measured:
    """Offer appends at a steady rate, whether or not the earlier ones are done."""
    appenders = GROUPED_APPENDERS
    ledger = await _ledger(path, GROUP_MAX, appenders)
    latencies: list[float] = []
    loop = asyncio.get_running_loop()

    async def append(number: int) -> None:
        latencies.append(await _append(ledger, event(number % appenders, number // appenders)))

    begun_s = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate_per_s * OFFERED_FOR_S)):
            await asyncio.sleep(max(0.0, begun_s + number / rate_per_s - loop.time()))
            group.create_task(append(number))
    elapsed_s = loop.time() - begun_s
    ledger.close()
    return Measured(len(latencies) / elapsed_s, latencies)


async def _append(ledger: Ledger, draft: Draft) -> float:
    begun = time.perf_counter()
    await ledger.append(draft)
    return (time.perf_counter() - begun) * 1000


async def _ledger(path: Path, group_max: int, cards: int) -> Ledger:
    store = Store.open(f"{path}.sqlite")
    writer = ThreadWriter(store, 0.1, lambda _error: None, group_max)
    ledger = await open_ledger(store, writer, lambda: time.time_ns() // 1000)
    await ledger.append(*_stocked(cards))
    return ledger


def _stocked(cards: int) -> list[Draft]:
    data = {"package_number": "P", "product": "2", "county": "229901", "applications": cards}
    drafts = [
        Draft(Kind.BATCH_RECEIVED, "bench", data, batch="B-1"),
        Draft(Kind.STOCK_CHANGED, "bench", {"line": "line-1", "loaded": cards}),
    ]
    for number in range(cards):
        order: dict[str, object] = {
            "position": number + 1,
            "county": "229901",
            "product": "2",
            "express": False,
            "reason_code": "12",
            "load": "person",
            "promise_date": "2005-10-01",
        }
        name, key = f"O-{number}", f"{number:032x}"
        drafts.append(
            Draft(
                Kind.ORDER_CREATED, "bench", order,
                batch="B-1", order=name, person_key=key, approval_key=key,
            )
        )  # fmt: skip
        issued = {"line": "line-1"}
        drafts.append(Draft(Kind.CARD_ISSUED, "bench", issued, order=name, card=f"C-{number}"))
    return drafts


def event(appender: int, number: int) -> Draft:
    """Return the next of an appender's events: a work begun, then the same work finished."""
    work, card = f"W-{appender:04d}{number // 2:06d}", f"C-{appender}"
    order, station = f"O-{appender}", f"station-{appender}"
    if number % 2:
        done = {"outcome": "done", "told_by": "reply", "place": "printer-1 infeed"}
        return Draft(
            Kind.WORK_FINISHED, "bench", done, work=work, order=order, card=card, station=station
        )
    note = {"serial_number": "EV-100234", "sequence": number, "done": number}
    data = {
        "act": "move", "cards": [card], "note": note,
        "source": "magazine", "destination": "printer-1 infeed",
    }  # fmt: skip
    return Draft(
        Kind.WORK_BEGUN, "bench", data,
        work=work, order=order, card=card, station=station, machine_serial="EV-100234",
    )  # fmt: skip
