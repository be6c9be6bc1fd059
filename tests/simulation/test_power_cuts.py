"""The controller's power is cut at the ledger's writes; nothing is lost and nothing made twice."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("power_cuts.py")


def run_campaign(*arguments: str, timeout_s: float) -> int:
    """Run the campaign in a process of its own (it forks); return how many cuts it made."""
    result = subprocess.run(
        [sys.executable, str(CAMPAIGN), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    print(result.stdout[-4000:], result.stderr[-4000:])
    assert result.returncode == 0
    summary = re.search(r"power cuts: (\d+) in a run of .* 0 failed", result.stdout)
    assert summary is not None
    return int(summary[1])


@pytest.mark.timeout(400)
def test_power_cut_at_every_tenth_ledger_write_in_both_ways() -> None:
    # The 30 orders that the sample must have at least; the whole campaign has some more.
    assert run_campaign("--every", "10", "--orders", "30", timeout_s=380) >= 150


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_power_cut_at_every_ledger_write_in_all_four_ways() -> None:
    assert run_campaign("--every", "1", timeout_s=3500) >= 3000
