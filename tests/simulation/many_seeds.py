"""The campaign of seeds: bad wires, worn machines and a power failure, and every order is made.

    python tests/simulation/many_seeds.py --seeds A-B

Each seed draws which faults its wires have (loss, split, delay, repeat, corruption, hang-up), how
worn its machines are and when one of them loses its power. When the faults stop, all orders must
end with one good card each, and books and floor must agree. Prints how many seeds it ran and what
happened in them; a failure prints the one command that repeats it.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from controller.virtual_time import VirtualTimeLoop
from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from simulators.faults import Faulty, WireFaults
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene

#: The largest share of pieces of a stream that each fault hits.
WORST = {
    "loss": 0.01,
    "split": 0.1,
    "delay": 0.05,
    "repeat": 0.005,
    "corrupt": 0.01,
    "hang_up": 0.002,
}
WEAR = {"misprint_share": 0.05, "jam_share": 0.02, "chip_failure_share": 0.08}
ON_SHARE = 0.5
FAULTS_S = 420.0
LONGEST_S = 20_000.0


@dataclass(slots=True)
class BadWires:
    """Puts faults around every wire until they stop."""

    random: Random
    faults: WireFaults
    stopped: bool = False

    def around(self, url: str, wire: Wire) -> Wire:
        """Return a wire that is as bad as this seed's."""
        random = Random(self.random.random())
        faults = WireFaults() if self.stopped else self.faults
        if "printer" in url:
            # A bitmap has no check sum: only a person can see a dot that was changed on the way.
            faults = replace(faults, corrupt=0.0)
        return cast("Wire", Faulty(wire, random, faults))


def drawn_faults(random: Random) -> WireFaults:
    """Draw which faults a seed has, and how often."""
    shares = {
        name: random.uniform(0.1, 1.0) * worst
        for name, worst in WORST.items()
        if random.random() < ON_SHARE
    }
    return WireFaults(**shares)


async def play(folder: Path, seed: int) -> Counter[str]:
    """Play one seed; return what happened. Raises `AssertionError` when something is wrong."""
    random = Random(f"{seed}:campaign")
    faults = drawn_faults(random)
    wires = BadWires(Random(f"{seed}:wires"), faults)
    wear = {name: random.choice((0.0, share)) for name, share in WEAR.items()}
    config = centre(seed=seed, wear=wear, trays=random.choice((1, 2, 8)))
    async with scene(folder, config, around=wires.around) as stage:
        cut = _power_failure(stage, random)
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(cut)
            await stage.takes(PackagePlan(random.randint(8, 12), DAY, random.choice((1, 3))))
            late = asyncio.get_running_loop().time() + FAULTS_S
            await stage.until(lambda: stage.is_over() or late < asyncio.get_running_loop().time())
            await failing
        wires.stopped = True
        for parts in stage.service.lines.values():
            for station in (parts.line.transport, *parts.line.stations):
                driver = station.port._driver
                if driver is not None:
                    await driver.aclose()
        await stage.until(lambda: _rests(stage), LONGEST_S)
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
        return _told(stage, faults, wear)


async def _power_failure(stage: Scene, random: Random) -> None:
    """Cut the power of one machine for a while, at a random time."""
    machine = random.choice(stage.line.everything())
    await asyncio.sleep(random.uniform(5.0, 300.0))
    machine.cut_power()
    await asyncio.sleep(random.choice((0.5, 5.0, 60.0)))
    machine.restore_power()


def _rests(stage: Scene) -> bool:
    """Tell whether the person has seen the last cards too, and all is sent out."""
    closed = all(batch.state == "closed" for batch in stage.books.batches.values())
    return stage.is_over() and closed


def _told(stage: Scene, faults: WireFaults, wear: dict[str, float]) -> Counter[str]:
    spoiled = [card for card in stage.books.cards.values() if card.reason and not card.box]
    happened = Counter(orders=len(stage.orders()), spoiled=len(spoiled))
    doubts = stage.service.ledger.store.query(
        'SELECT COUNT(*) AS n FROM events WHERE data LIKE \'%"trigger":"doubt"%\''
    )
    happened["doubts"] = doubts[0]["n"]
    happened.update(one.name for one in fields(faults)
                    if one.name in WORST and getattr(faults, one.name))  # fmt: skip
    happened.update(name for name, share in wear.items() if share)
    return happened


def run_seed(seed: int) -> tuple[int, Counter[str], str]:
    """Run one seed in this process; return what happened, and how it failed."""
    with tempfile.TemporaryDirectory() as folder:
        loop = VirtualTimeLoop()
        try:
            return seed, loop.run_until_complete(play(Path(folder), seed)), ""
        except BaseException:  # noqa: BLE001  (told with the command that repeats it)
            return seed, Counter(), traceback.format_exc()
        finally:
            loop.close()


def campaign(seeds: range, processes: int) -> tuple[Counter[str], int]:
    """Run all seeds; return what happened and how many failed, which were printed."""
    total: Counter[str] = Counter()
    failed = 0
    with ProcessPoolExecutor(processes) as pool:
        for seed, happened, failure in pool.map(partial(run_seed), seeds):
            total += happened
            if failure:
                failed += 1
                print(failure)
                print(f"FAILED seed {seed}; repeat with\n"
                      f"  python {sys.argv[0]} --seeds {seed}-{seed}", flush=True)  # fmt: skip
    return total, failed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="1-10", help="first and last seed: A-B")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split("-"))
    seeds = range(first, last + 1)
    total, failed = campaign(seeds, arguments.processes)
    details = ", ".join(f"{name} {count}" for name, count in sorted(total.items()))
    print(f"many seeds: {len(seeds)} seeds from {first} to {last}; {details}; {failed} failed")
    return 1 if failed or not seeds else 0


if __name__ == "__main__":
    sys.exit(main())
