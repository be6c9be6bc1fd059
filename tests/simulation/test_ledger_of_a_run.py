"""The file of a simulated run's ledger is closed by who asked for the run, or by its failure."""

from pathlib import Path

import pytest

from config.centre import load_centre, shipped_centre
from controller.clock import CalendarClock
from controller.simulating import SimulationPlan, running, seeded


def files_of(folder: Path) -> list[str]:
    """Return the ledger and its companions: one that is closed has none."""
    return sorted(path.name for path in folder.glob("ledger.sqlite*"))


async def fail_in_a_run(folder: Path, fault: Exception) -> None:
    plan = SimulationPlan(1, 1, ledger=folder / "ledger.sqlite")
    config = seeded(load_centre(shipped_centre("simulated")), plan)
    async with running(config, plan, folder, CalendarClock(0)):
        assert "ledger.sqlite-wal" in files_of(folder)
        raise fault


async def test_a_run_that_fails_closes_its_ledger(tmp_path: Path) -> None:
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await fail_in_a_run(tmp_path, ZeroDivisionError())
    assert files_of(tmp_path) == ["ledger.sqlite"]


async def test_a_run_leaves_its_ledger_to_be_read_until_it_is_closed(tmp_path: Path) -> None:
    plan = SimulationPlan(1, 1, ledger=tmp_path / "ledger.sqlite")
    config = seeded(load_centre(shipped_centre("simulated")), plan)
    async with running(config, plan, tmp_path, CalendarClock(0)) as made:
        pass
    assert made.ledger.store.head()[3] == made.ledger.head
    made.close()
    assert files_of(tmp_path) == ["ledger.sqlite"]
