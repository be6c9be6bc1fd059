"""How long a person waits for the command line, beside a Python that does nothing.

`station list` reads a ledger file here, as it does when no centre runs. Medians, caches warm.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.command import call
from config.centre import Centre, load_centre, shipped_centre
from jobs.events import Draft, Kind
from jobs.ledger.ledger import InlineWriter, open_ledger
from jobs.ledger.store import Store

RUNS = 20
WARM_UP_RUNS = 2
TIMEOUT_S = 30.0

Figure = tuple[str, float]


def figures() -> Iterator[Figure]:
    """Measure the floor, the help and a listing."""
    with tempfile.TemporaryDirectory(prefix="cardcentre-bench-") as folder:
        file = Path(folder) / "centre.toml"
        shutil.copy(shipped_centre("simulated"), file)
        centre = load_centre(file)
        asyncio.run(_fill_ledger(centre))
        floor = [sys.executable, "-c", "pass"]
        yield "cli.python_floor_ms", _median_ms(lambda: subprocess.run(floor, check=True))
        yield "cli.help_ms", _median_ms(lambda: call("--help", timeout_s=TIMEOUT_S))
        listing = ("--centre", str(file), "station", "list")
        yield "cli.station_list_ms", _median_ms(lambda: call(*listing, timeout_s=TIMEOUT_S))


async def _fill_ledger(centre: Centre) -> None:
    """Put every station of the centre on record, so that there is something to list."""
    store = Store.open(str(centre.ledger.path))
    ledger = await open_ledger(store, InlineWriter(store, 1.0, lambda _error: None), time_us)
    data = {"state": "Execute", "reason": "", "code": ""}
    stations = [station.name for line in centre.lines for station in line.stations]
    await ledger.append(
        *(Draft(Kind.STATION_CHANGED, "bench", data, station=name) for name in stations)
    )
    ledger.close()


def time_us() -> int:
    """Return the present moment for the ledger."""
    return time.time_ns() // 1000


def _median_ms(run: Callable[[], object]) -> float:
    for _ in range(WARM_UP_RUNS):
        run()
    return statistics.median(_once_ms(run) for _ in range(RUNS))


def _once_ms(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return (time.perf_counter() - begun) * 1000
