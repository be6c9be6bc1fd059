"""One line with a printer of each make: the centre of the page on writing a driver, as it is there.

Every card is good and the books are balanced, whichever printer a card came to and whenever the
power was cut.
"""

import asyncio
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from config.centre import Centre
from controller.clock import CalendarClock
from drivers.errors import WrongDevice
from jobs.account import account
from jobs.package_maker import PackagePlan
from jobs.states import OrderState
from simulators.plant import Plant
from simulators.retransfer import SimulatedRetransferPrinter
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.person import PowerCut
from tests.simulation.power_cuts import until_finished
from tests.simulation.scene import DAY, QUIET, Scene, scene
from tests.simulation.world import SupplyStore, World, world_of

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-driver.md"
FIRST, SECOND = "printer-1", "printer-2"
ORDERS = 5
#: A restart alone writes about fifty times: it must get somewhere before the next cut.
WRITES_BETWEEN_CUTS = 53
WEAR = {"misprint_share": 0.05, "jam_share": 0.05, "chip_failure_share": 0.05}


def two_makes(**wear: float) -> Centre:
    """Return the centre that the page shows, with other wear and an operator who comes soon."""
    [text] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    table = tomllib.loads(text)
    table["simulation"] |= {"machines": QUIET | wear, "operator": {"delay_s": 20.0}}
    table["limits"] = {"closing_delay_s": 120.0, "remakes_max": 20}
    return Centre.model_validate(table)


def acts_at(stage: Scene, printer: str) -> Counter[str]:
    """Return how often each act was begun at a printer."""
    rows = stage.service.ledger.store.query("SELECT act, station FROM works")
    return Counter(row["act"] for row in rows if row["station"] == printer)


async def finished(stage: Scene) -> None:
    await stage.ended()
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


async def test_both_printers_make_good_cards(tmp_path: Path) -> None:
    async with scene(tmp_path, two_makes()) as stage:
        await stage.takes(PackagePlan(12, DAY))
        await finished(stage)
        assert len(stage.orders(OrderState.DONE)) == 12
        for printer in (FIRST, SECOND):
            assert acts_at(stage, printer)["print"] >= 4, printer
        seen = stage.books.stations[SECOND]
        assert seen.machine_serial == "RTP-0002"


async def test_what_runs_out_or_jams_is_seen_to_and_costs_no_more_than_it_must(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, two_makes()) as stage:
        machine = stage.machine(SECOND)
        assert isinstance(machine, SimulatedRetransferPrinter)
        machine._physics.film_left = 3
        machine._physics.tear_next = True
        await stage.takes(PackagePlan(10, DAY))
        await stage.until(lambda: stage.station_state(SECOND) == "Held")
        assert stage.books.stations[SECOND].code == "device.consumable_empty"
        await stage.until(lambda: acts_at(stage, SECOND)["print"] >= 3)
        assert account(stage.books).spoiled == 0, "torn film costs no card"
        machine._physics.jam_next = True
        await stage.until(lambda: stage.station_state(SECOND) == "Aborted")
        assert stage.books.stations[SECOND].code == "device.jam"
        await finished(stage)


async def test_a_printer_of_the_other_make_on_the_port_is_told(tmp_path: Path) -> None:
    config = two_makes()
    line = config.lines[0]
    stations = tuple(one.model_copy(update={"model": ""}) for one in line.stations)
    wrong = config.model_copy(update={"lines": (line.model_copy(update={"stations": stations}),)})
    simulation = config.simulation
    assert simulation is not None
    async with Plant.of(config, simulation) as plant:
        made = World(wrong, plant, tmp_path, CalendarClock(0), 1)
        station = (await made.start()).lines["line-1"].line.stations[1]
        with pytest.raises(WrongDevice, match="a retransfer printer answers where a printer"):
            await station.port.driver()
        made.connection.close()


class Cuts:
    """When the controller's power fails: at every so manieth write, before or after it."""

    def __init__(self, *, after: bool) -> None:
        self.made = 0
        self._after = after
        self._writes = 0

    def store(self) -> type[SupplyStore]:
        cuts = self

        class CuttingStore(SupplyStore):
            def before_write(self) -> None:
                cuts.at(self, after=False)

            def after_write(self) -> None:
                cuts.at(self, after=True)

        return CuttingStore

    def at(self, store: SupplyStore, *, after: bool) -> None:
        if after is not self._after:
            return
        self._writes += 1
        if self._writes % WRITES_BETWEEN_CUTS == 0:
            self.made += 1
            store.kill()
            raise PowerCut


async def run_until_finished(made: World) -> bool:
    """Run one controller on the ledger as it is; False if its power failed first."""
    if made.connection.in_transaction:
        made.connection.execute("ROLLBACK")
    service = await made.start()
    finished = False
    try:
        async with asyncio.TaskGroup() as group:
            made.running = running = group.create_task(service.run())
            await service.ready.wait()
            await made.takes(ORDERS)  # the same package again: completed, or known
            await until_finished(made)
            finished = True
            running.cancel()
    except (Exception, BaseExceptionGroup, PowerCut):
        if made.power.on:
            raise  # what a controller without power stumbles over reaches nobody
    return finished


#: Seed 3 once ended a controller: a station was in step again before it was suspended.
@pytest.mark.parametrize(("machines", "seed"), [("on", 3), ("off", 5)])
async def test_power_cuts(tmp_path: Path, machines: str, seed: int) -> None:
    cuts = Cuts(after=machines == "on")
    async with world_of(two_makes(**WEAR), tmp_path, seed, cuts.store()) as made:
        while not await run_until_finished(made):
            if machines == "off":
                made.plant.cut_power()
            await asyncio.sleep((0.5, 5.0, 60.0)[cuts.made % 3])
            if machines == "off":
                made.plant.restore_power()
        assert made.service is not None
        prints = made.service.ledger.store.query("SELECT station FROM works WHERE act = 'print'")
        assert {row["station"] for row in prints} == {FIRST, SECOND}
    assert cuts.made >= 5
