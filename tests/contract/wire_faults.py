"""The campaign of wire faults: every act of every kind of machine, over a wire that a seed spoils.

    python tests/contract/wire_faults.py printer --seeds A-B

Each seed draws what its wires do (loss, single bytes, delay, repetition, corruption, hang-up,
silence after the act) and how often. What the controller would believe of an act (its reply, else
its evidence, asked over a new wire where the controller opens one) is held to the floor: no act is
done twice, none is believed done that was not, and none not done that was. A failure prints the
one command that repeats it. Which acts there are is in `wire_fault_scenes.py`.
"""

import argparse
import asyncio
import os
import sys
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from controller.virtual_time import VirtualTimeLoop
from tests.contract.wire_fault_scenes import SCENES, play

SEEDS_A_JOB = 20


def run_seed(kind: str, seed: int) -> tuple[int, Counter[str], str]:
    """Run one seed in this process; return what happened, and how it failed."""
    loop = VirtualTimeLoop()
    try:
        asyncio.set_event_loop(loop)
        return seed, loop.run_until_complete(play(kind, seed)), ""
    except BaseException:  # noqa: BLE001  (told with the command that repeats it)
        return seed, Counter(), traceback.format_exc()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def report(kind: str, seeds: range, results: list[tuple[int, Counter[str], str]]) -> int:
    """Print what happened, and how to repeat what failed; return how many seeds failed."""
    total: Counter[str] = Counter()
    failed = 0
    for seed, happened, failure in results:
        total += happened
        if failure:
            failed += 1
            print(failure)
            again = f"python tests/contract/wire_faults.py {kind} --seeds {seed}-{seed}"
            print(f"FAILED seed {seed}; repeat with\n  {again}")
    details = ", ".join(f"{name} {count}" for name, count in sorted(total.items()))
    print(f"wire faults: {kind}: {len(seeds)} seeds from {seeds[0]} to {seeds[-1]}; {details}; "
          f"{failed} failed", flush=True)  # fmt: skip
    return failed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(SCENES))
    parser.add_argument("--seeds", default="1-20", help="first and last seed: A-B")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split("-"))
    seeds = range(first, last + 1)
    with ProcessPoolExecutor(arguments.processes) as pool:
        results = list(pool.map(partial(run_seed, arguments.kind), seeds, chunksize=SEEDS_A_JOB))
    return 1 if report(arguments.kind, seeds, results) else 0


if __name__ == "__main__":
    sys.exit(main())
