"""A technician's work at a machine: no card comes meanwhile, a person starts it, samples count."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controller.service import Service
from controller.station_verbs import Refused
from drivers.wire import Wire
from jobs.account import account
from jobs.events import Event, Kind
from jobs.package_maker import PackagePlan
from jobs.states import StationState
from simulators.floor import MAGAZINE
from simulators.laminator import SimulatedLaminator
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, FIRST, Scene, centre, scene
from tests.simulation.test_dead_wires import Cable
from tests.simulation.test_stations_after_restart import run_of, seen, until
from tests.simulation.world import SupplyStore, world

PRINTER, TECHNICIAN = "printer-1", "user:technician"


@dataclass
class OpenWires:
    """The wires of one machine that the centre has open."""

    url: str
    delay_s: float = 0.0
    open: set[int] = field(default_factory=set)

    def around(self, url: str, wire: Wire) -> Wire:
        return Counted(self, wire) if url == self.url else wire


class Counted:
    """One opening of a wire."""

    def __init__(self, wires: OpenWires, wire: Wire) -> None:
        self.wires, self.wire = wires, wire
        wires.open.add(id(self))

    async def send(self, data: bytes) -> None:
        await asyncio.sleep(self.wires.delay_s)
        await self.wire.send(data)

    async def receive(self) -> bytes:
        return await self.wire.receive()

    async def aclose(self) -> None:
        self.wires.open.discard(id(self))
        await self.wire.aclose()


def events_of(service: Service, station: str) -> list[Event]:
    return [one for one in service.ledger.store.events() if one.draft.station == station]


def act_at(stage: Scene, station: str, name: str) -> bool:
    works = stage.books.works.values()
    return any(work.station == station and work.act == name for work in works)


async def checked(stage: Scene) -> None:
    await stage.ended(8_000.0)
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


async def test_a_machine_in_a_technicians_hands_takes_no_card_and_its_samples_count(
    tmp_path: Path,
) -> None:
    wires = OpenWires(f"sim://{PRINTER}")
    async with scene(tmp_path, person=False, around=wires.around) as stage:
        await stage.loads(40)
        await stage.takes(PackagePlan(8, DAY))
        await stage.until(lambda: act_at(stage, PRINTER, "print"))
        await stage.verbs.begin_maintenance(PRINTER, TECHNICIAN, "new head")
        begun = stage.service.ledger.sequence
        (wait,) = [one for one in stage.verbs.todo() if one.subject == PRINTER]
        assert (wait.need, wait.reason, wait.code) == ("maintenance", "new head", "maintenance")
        assert wait.command == f"cardcentre station maintain {PRINTER} end"
        assert wires.open, "its act goes on"
        await stage.until(lambda: not act_at(stage, PRINTER, "print"))
        await asyncio.sleep(5.0)
        assert not wires.open, "the technician's tools need the port"

        await stage.verbs.stop_line("line-1", "test")
        await stage.verbs.start_line("line-1", "test")
        with pytest.raises(Refused, match="is under maintenance: `station maintain printer-1 end`"):
            await stage.verbs.start_station(PRINTER, "test")
        await asyncio.sleep(300.0)
        del stage.floor.store(MAGAZINE)[:3]
        await stage.verbs.end_maintenance(PRINTER, TECHNICIAN, "printed three", samples=3)
        assert account(stage.books).samples == 3
        assert account(stage.books).balanced
        await asyncio.sleep(60.0)
        of_it = [one for one in events_of(stage.service, PRINTER) if one.sequence > begun]
        assert Kind.WORK_BEGUN not in {one.kind for one in of_it}
        assert not wires.open
        (wait,) = [one for one in stage.verbs.todo() if one.subject == PRINTER]
        assert wait.command == f"cardcentre station start {PRINTER}"

        ended, samples = of_it[-2:]
        assert {one.draft.actor for one in (ended, samples)} == {TECHNICIAN}
        assert samples.draft.data == {"line": "line-1", "samples": 3}
        assert ended.draft.data["reason"] == "maintenance ended: printed three"
        assert ended.time_us >= of_it[0].time_us + 300_000_000
        await stage.verbs.start_station(PRINTER, "test")
        await stage.until(lambda: stage.station_state(PRINTER) == "Execute")
        await checked(stage)


async def test_another_laminator_after_the_work_puts_the_open_act_in_doubt(tmp_path: Path) -> None:
    name = "laminator-1"
    cable = Cable(f"sim://{name}")
    async with scene(tmp_path, person=True, around=cable.around) as stage:
        await stage.loads(40)
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: act_at(stage, name, "laminate"))
        (work,) = [one for one in stage.books.works.values() if one.station == name]
        await stage.verbs.begin_maintenance(name, TECHNICIAN)
        cable.pull()
        await asyncio.sleep(120.0)
        assert work.id in stage.books.works, "nobody asked it"
        assert stage.station_state(name) == "Stopped", "a fault does not end the technician's work"
        machine = stage.machine(name)
        assert isinstance(machine, SimulatedLaminator)
        machine._mechanics.controller._identity[0x80] = b"LAM-OTHER"
        cable.pulled = False
        await stage.verbs.end_maintenance(name, TECHNICIAN)
        await stage.verbs.start_station(name, "test")
        await stage.until(lambda: work.id not in stage.books.works)
        assert work.state == "unknown"
        serials = [one.draft.machine_serial for one in events_of(stage.service, name)]
        assert "LAM-OTHER" in serials
        await checked(stage)


async def test_a_technician_keeps_the_machine_over_a_restart(tmp_path: Path) -> None:
    wires = OpenWires(f"sim://{PRINTER}")
    async with world(tmp_path, 1, SupplyStore) as made:
        made.around = wires.around
        async with run_of(made) as service:
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})
            await made.takes(6)
            works = service.ledger.books.works
            await until(lambda: any(one.act == "print" for one in works.values()))
            (work,) = [one.id for one in works.values() if one.station == PRINTER]
            await service.verbs.begin_maintenance(PRINTER, TECHNICIAN, "new head")
        wires.open.clear()
        async with run_of(made) as service:
            await until(lambda: list(seen(service).values()).count(StationState.EXECUTE) == 10)
            needs = {item.subject: item.reason for item in service.verbs.todo()}
            assert needs[PRINTER] == "new head"
            await service.verbs.stop_line("line-1", "test")
            await service.verbs.start_line("line-1", "test")
            await asyncio.sleep(60.0)
            assert seen(service)[PRINTER] is StationState.STOPPED
            assert not wires.open
            assert service.ledger.books.works[work].note, "nobody asked the machine"
            await service.verbs.end_maintenance(PRINTER, TECHNICIAN)
            await until(lambda: work not in service.ledger.books.works)
        async with run_of(made) as service:
            await until(lambda: list(seen(service).values()).count(StationState.EXECUTE) == 10)
            await asyncio.sleep(60.0)
            assert seen(service)[PRINTER] is StationState.STOPPED
            await service.verbs.start_station(PRINTER, "test")
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})


async def test_an_aborted_machine_is_given_to_a_technician_as_it_is(tmp_path: Path) -> None:
    cable = Cable(f"sim://{PRINTER}", pulled=True)
    async with scene(tmp_path, person=False, around=cable.around) as stage:
        await stage.until(lambda: stage.waits("station aborted", PRINTER))
        await stage.verbs.begin_maintenance(PRINTER, TECHNICIAN)
        assert stage.waits("maintenance", PRINTER)
        cable.pulled = False
        await stage.verbs.end_maintenance(PRINTER, TECHNICIAN)
        await stage.verbs.start_station(PRINTER, "test")
        await stage.until(lambda: stage.station_state(PRINTER) == "Execute")


async def test_a_transport_in_a_technicians_hands_moves_nothing(tmp_path: Path) -> None:
    name = "line-1-transport"
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(40)
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: act_at(stage, "printer-2", "print"))
        await stage.verbs.begin_maintenance(name, TECHNICIAN)
        await stage.until(lambda: not act_at(stage, name, "move"))
        begun = stage.service.ledger.sequence
        await asyncio.sleep(600.0)
        of_it = [one for one in events_of(stage.service, name) if one.sequence > begun]
        assert Kind.WORK_BEGUN not in {one.kind for one in of_it}
        await stage.verbs.end_maintenance(name, TECHNICIAN)
        await stage.verbs.start_station(name, "test")
        await checked(stage)


async def test_a_port_that_was_being_opened_is_left_to_the_technician(tmp_path: Path) -> None:
    wires = OpenWires(f"sim://{PRINTER}", delay_s=1.0)
    async with scene(tmp_path, person=False, around=wires.around) as stage:
        await stage.until(lambda: bool(wires.open))
        assert not stage.books.stations.get(PRINTER), "it has not said who it is"
        await stage.verbs.begin_maintenance(PRINTER, TECHNICIAN)
        await asyncio.sleep(60.0)
        assert not wires.open
        assert stage.waits("maintenance", PRINTER)


async def test_a_machine_given_away_while_it_warms_up_does_not_abort(tmp_path: Path) -> None:
    name = "laminator-1"
    async with scene(tmp_path, person=False) as stage:
        await stage.until(lambda: stage.station_state(name) == "Resetting")
        await stage.verbs.begin_maintenance(name, TECHNICIAN)
        await asyncio.sleep(300.0)
        assert stage.waits("maintenance", name)
        await stage.verbs.end_maintenance(name, TECHNICIAN)
        await stage.verbs.start_station(name, "test")
        await stage.until(lambda: stage.station_state(name) == "Execute")


async def test_maintenance_that_makes_no_sense_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    config = centre(FIRST, products=["first-generation"])
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(5)
        verbs = stage.verbs
        await stage.until(lambda: stage.station_state(PRINTER) == "Execute")
        with pytest.raises(Refused, match="printer-1 is Execute, not under maintenance"):
            await verbs.end_maintenance(PRINTER, TECHNICIAN)
        with pytest.raises(Refused, match="inspection-1 is a desk"):
            await verbs.begin_maintenance("inspection-1", TECHNICIAN)
        await verbs.begin_maintenance(PRINTER, TECHNICIAN, "new head")
        before = stage.service.ledger.sequence
        with pytest.raises(Refused, match="under maintenance already: new head"):
            await verbs.begin_maintenance(PRINTER, TECHNICIAN)
        for wrong in (6, -1):
            with pytest.raises(Refused, match=f"has 5 blanks in its magazine: {wrong} cannot"):
                await verbs.end_maintenance(PRINTER, TECHNICIAN, samples=wrong)
        for refused in (
            verbs.unhold_station(PRINTER, "test"),
            verbs.clear_station(PRINTER, "test"),
            verbs.stop_station(PRINTER, "test"),
            verbs.hold_station(PRINTER, "test"),
        ):
            with pytest.raises(Refused):
                await refused
        assert stage.service.ledger.sequence == before
