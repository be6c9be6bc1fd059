"""Wires that lose, split, delay, repeat, corrupt, hang up and fall silent, drawn from seeds.

The campaign is `wire_faults.py`; what it once found has a test of its own here.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from drivers.errors import DriverError
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.wire import Wire
from simulators.floor import MAGAZINE, ChipMemory, infeed, outfeed
from tests.contract.wire_fault_bench import bench
from tests.contract.wire_fault_scenes import SCENES
from tests.contract.wire_faults import report, run_seed

CAMPAIGN = Path(__file__).with_name("wire_faults.py")
FEW, MANY = range(1, 11), range(1, 2001)


@pytest.mark.parametrize("kind", SCENES)
def test_ten_seeds_of_bad_wires(kind: str) -> None:
    assert report(kind, FEW, [run_seed(kind, seed) for seed in FEW]) == 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", SCENES)
def test_two_thousand_seeds_of_bad_wires(kind: str) -> None:
    seeds = f"{MANY[0]}-{MANY[-1]}"
    result = subprocess.run(
        [sys.executable, str(CAMPAIGN), kind, "--seeds", seeds],
        capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    print(result.stdout[-6000:], result.stderr[-4000:])
    assert result.returncode == 0
    assert f"wire faults: {kind}: {len(MANY)} seeds" in result.stdout
    assert "; 0 failed" in result.stdout


class Late:
    """A wire on which a piece comes a second time, just before another."""

    def __init__(self, wire: Wire, piece: bytes, before: bytes) -> None:
        self._wire = wire
        self._again = {before: piece}
        self.receive, self.aclose = wire.receive, wire.aclose

    async def send(self, data: bytes) -> None:
        await self._wire.send(self._again.get(data, b"") + data)


async def test_an_answer_that_comes_twice_is_not_taken_for_an_ejection() -> None:
    async with bench("printer", 1) as here:
        here.floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
        here.floor.move(MAGAZINE, infeed(0))
        printer = CardPrinter(
            Late(here.wire(here.machine), b"\x1bWcb;a\r", b"\x1bSe\r"), PrinterTimeouts()
        )
        await printer.insert()
        here.floor.move(MAGAZINE, outfeed(0))
        with pytest.raises(DriverError):
            await printer.eject()
        await printer.aclose()
