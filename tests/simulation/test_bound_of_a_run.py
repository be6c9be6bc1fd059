"""The bound of a whole run is one: no run is faster, whatever is remade or stops in it."""

import tempfile
from contextlib import closing
from pathlib import Path

from controller.simulating import SimulationPlan, simulate
from controller.simulation_report import Report, report
from controller.virtual_time import VirtualTimeLoop
from tests.simulation.scene import SECOND, centre

WORN = {"misprint_share": 0.15, "jam_share": 0.03, "chip_failure_share": 0.1}


def ran(orders: int, seed: int, wear: dict[str, float]) -> Report:
    loop = VirtualTimeLoop()
    config = centre(SECOND, wear=wear)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run = simulate(config, SimulationPlan(orders, seed), Path(folder))
            with closing(loop.run_until_complete(run)) as made:
                return report(made)
    finally:
        loop.close()


def test_a_run_of_worn_machines_is_no_faster_than_its_bound() -> None:
    run = ran(14, 12, WORN)
    assert run.complete
    # A seed in which remakes, stops and a standing transport are a good part of a short run.
    assert run.last_remake_extra_s > 10.0
    assert run.stops_s > 20.0
    assert run.suspended_s > 20.0
    assert run.lower_bound_s <= run.makespan_s - run.last_remake_extra_s
    assert run.gap_to_bound_percent >= 0.0
    # What a standing transport cost the printers is told apart, and is not in the bound.
    assert run.gap_to_bound_with_suspension_percent < run.gap_to_bound_percent
