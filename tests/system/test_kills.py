"""The centre's process is killed at random moments; nothing is lost and nothing made twice."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real_time

CAMPAIGN = Path(__file__).with_name("kills.py")


def run_campaign(folder: Path, kills: int, orders: int, seed: int, timeout_s: float) -> None:
    arguments = ("--kills", kills, "--orders", orders, "--seed", seed, "--folder", folder)
    result = subprocess.run(
        [sys.executable, str(CAMPAIGN), *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    print(result.stdout[-6000:], result.stderr[-6000:])
    assert result.returncode == 0
    summary = re.search(r"^kills: \d+ .* in a run of (\d+) orders, .*: (\d+) good", result.stdout)
    assert summary is not None
    assert int(summary[1]) == int(summary[2]) >= orders


@pytest.mark.timeout(200)
def test_five_kills_of_the_centre_lose_nothing_and_make_nothing_twice(tmp_path: Path) -> None:
    run_campaign(tmp_path, 5, 15, seed=3, timeout_s=190)


@pytest.mark.soak
@pytest.mark.timeout(1900)
def test_fifty_kills_of_the_centre_lose_nothing_and_make_nothing_twice(tmp_path: Path) -> None:
    run_campaign(tmp_path, 50, 30, seed=4, timeout_s=1800)
