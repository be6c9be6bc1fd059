"""Bad wires, worn machines and power failures, drawn from seeds: every order is made once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("many_seeds.py")


def run_campaign(seeds: str, timeout_s: float) -> int:
    """Run the campaign in processes of its own; return how many seeds it ran."""
    result = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--seeds", seeds],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    print(result.stdout[-6000:], result.stderr[-4000:])
    assert result.returncode == 0
    summary = re.search(r"many seeds: (\d+) seeds .* 0 failed", result.stdout)
    assert summary is not None
    return int(summary[1])


@pytest.mark.timeout(200)
def test_one_seed_of_bad_wires_and_worn_machines() -> None:
    assert run_campaign("1-1", timeout_s=180) == 1


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_hundred_seeds_of_bad_wires_and_worn_machines() -> None:
    assert run_campaign("1-300", timeout_s=3500) == 300
