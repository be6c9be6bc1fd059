"""A machine is exchanged while the disk is full: the act that waited is not done on the other."""

import asyncio
from pathlib import Path

from jobs.package_maker import PackagePlan
from simulators.laminator import SimulatedLaminator
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene


def lamination_begun(stage: Scene) -> bool:
    return any(work.act == "laminate" for work in stage.books.works.values())


async def test_a_laminator_exchanged_while_the_disk_is_full_gets_an_act_of_its_own(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.station_state("encoder-2") == "Execute")
        with stage.full_disk(lambda: lamination_begun(stage)):
            await stage.until(lambda: lamination_begun(stage))
            (work,) = stage.books.works.values()
            laminator = stage.machine(work.station)
            assert isinstance(laminator, SimulatedLaminator)
            laminator._mechanics.controller._identity[0x80] = b"LAM-OTHER"
            await asyncio.sleep(60.0)
        await stage.ended()
        store = stage.service.ledger.store
        rows = store.query("SELECT machine_serial FROM events WHERE kind = 'machine_seen'")
        assert "LAM-OTHER" in [row["machine_serial"] for row in rows]
        (first, second) = store.query("SELECT state, note FROM works WHERE act = 'laminate'")
        assert (first["state"], second["state"]) == ("not_done", "done")
        assert "LAM-OTHER" in second["note"]
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
