"""Same seed, same event log, byte for byte: within a process, and whatever the hash seed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from controller.virtual_time import VirtualTimeLoop
from jobs.package_maker import PackagePlan
from tests.simulation.scene import DAY, centre, scene

WEAR = {"misprint_share": 0.1, "jam_share": 0.03, "chip_failure_share": 0.15}
ROOT = Path(__file__).resolve().parents[2]


async def head_of_a_run(folder: Path, seed: int) -> str:
    """Make some orders on worn machines; return the head of the chain."""
    async with scene(folder, centre(seed=seed, wear=WEAR)) as stage:
        await stage.takes(PackagePlan(4, DAY, 3, faults=1))
        await stage.ended(10_000.0)
        return stage.service.ledger.head


def run(seed: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        loop = VirtualTimeLoop()
        try:
            return loop.run_until_complete(head_of_a_run(Path(folder), seed))
        finally:
            loop.close()


def in_another_process(seed: int, hash_seed: str) -> subprocess.Popen[str]:
    """Begin the same run elsewhere."""
    program = f"from tests.simulation.test_determinism import run; print(run({seed}))"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_runs_of_one_seed_write_the_same_ledger_in_any_process() -> None:
    other = in_another_process(4, hash_seed="4242")
    here = run(4)
    assert len(here) == 64
    assert run(4) == here
    assert other.communicate(timeout=60)[0].strip() == here
    assert run(5) != here
