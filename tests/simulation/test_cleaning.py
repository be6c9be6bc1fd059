"""A printer is cleaned while a technician has it: no blank is used, and the ledger knows of it."""

import asyncio
from pathlib import Path

import pytest

from controller.api.listings import facts_of
from controller.overview import stations
from controller.station_verbs import Refused
from jobs.account import account
from jobs.events import Event, Kind
from jobs.package_maker import PackagePlan
from jobs.states import StationState
from simulators.hands import Hands
from simulators.printer import SimulatedPrinter
from simulators.retransfer import SimulatedRetransferPrinter
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene
from tests.simulation.test_dead_wires import Cable
from tests.simulation.test_maintenance import TECHNICIAN, OpenWires
from tests.simulation.test_printers_of_two_makes import two_makes
from tests.simulation.test_stations_after_restart import run_of, seen, until
from tests.simulation.world import SupplyStore, world

PRINTER, RETRANSFER = "printer-1", "printer-2"


def hands_of(stage: Scene) -> Hands:
    return Hands.of(stage.line, 8)


def times_cleaned(stage: Scene, name: str) -> int:
    machine = stage.machine(name)
    assert isinstance(machine, SimulatedPrinter | SimulatedRetransferPrinter)
    return machine._physics.cleaning.times


def wants_cleaning_after(stage: Scene, name: str, cards: int) -> None:
    machine = stage.machine(name)
    assert isinstance(machine, SimulatedPrinter | SimulatedRetransferPrinter)
    machine._physics.cleaning.interval_cards = cards


def cleanings(stage: Scene) -> list[Event]:
    kinds = {Kind.CLEANING_BEGUN, Kind.CLEANING_ENDED}
    return [one for one in stage.service.ledger.store.events() if one.kind in kinds]


def outcomes(stage: Scene) -> list[str]:
    return [
        one.draft.data["outcome"] for one in cleanings(stage) if one.kind is Kind.CLEANING_ENDED
    ]


async def given_to_technician(stage: Scene, name: str = PRINTER) -> None:
    await stage.until(lambda: stage.station_state(name) == "Execute")
    await stage.verbs.begin_maintenance(name, TECHNICIAN, "cleaning")
    await asyncio.sleep(1.0)


@pytest.mark.parametrize("name", [PRINTER, RETRANSFER])
async def test_a_printer_that_is_due_is_cleaned_and_works_again(tmp_path: Path, name: str) -> None:
    wires = OpenWires(f"sim://{name}")
    async with scene(tmp_path, two_makes(), person=False, around=wires.around) as stage:
        wants_cleaning_after(stage, name, 2)
        await stage.loads(20)
        await stage.takes(PackagePlan(6, DAY))
        await stage.ended()
        shown = {row["name"]: row for row in stations(stage.books, facts_of(stage.verbs))}
        assert {row["cleaning"] for row in shown.values()} == {"", "due"}
        assert shown[name]["cleaning"] == "due"
        [wait] = [one for one in stage.verbs.todo() if one.subject == name]
        assert (wait.need, wait.command) == (
            "cleaning due", f"cardcentre station maintain {name} begin --reason cleaning",
        )  # fmt: skip

        await given_to_technician(stage, name)
        commands = [one.command for one in stage.verbs.todo() if one.subject == name]
        assert f"cardcentre station clean {name}" in commands
        before, lying = account(stage.books), len(stage.floor.everything())
        with pytest.raises(Refused, match=f"no cleaning card is in {name}: put one in"):
            await stage.verbs.clean_station(name, TECHNICIAN)
        hands_of(stage).put_in_cleaning_card(name)
        begun_s = asyncio.get_running_loop().time()
        await stage.verbs.clean_station(name, TECHNICIAN)
        assert 50 < asyncio.get_running_loop().time() - begun_s < 75
        assert times_cleaned(stage, name) == 1
        assert not wires.open, "the port is the technician's again"
        assert not stage.waits("cleaning due")
        assert (account(stage.books), len(stage.floor.everything())) == (before, lying)
        check_on_record(stage, name)

        await stage.verbs.end_maintenance(name, TECHNICIAN)
        await stage.verbs.start_station(name, TECHNICIAN)
        await stage.until(lambda: stage.station_state(name) == "Execute")
        await stage.takes(PackagePlan(2, DAY, serial=2))
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


def check_on_record(stage: Scene, name: str) -> None:
    """Who, when, where, which machine, what it said before, and what became of it."""
    events = cleanings(stage)
    assert [one.kind for one in events] == [Kind.CLEANING_BEGUN, Kind.CLEANING_ENDED] * 2
    serial = stage.books.stations[name].machine_serial
    for one in events:
        assert (one.draft.actor, one.draft.station) == (TECHNICIAN, name)
        assert one.draft.machine_serial == serial != ""
    refused, done = events[1].draft.data, events[3].draft.data
    assert refused == {
        "outcome": "not_done", "told_by": "evidence", "error": "device.nothing_at_source",
    }  # fmt: skip
    assert done == {"outcome": "done", "told_by": "reply"}
    assert events[2].draft.data["note"]["serial_number"] == serial
    assert events[3].time_us - events[2].time_us > 50_000_000


async def test_cleaning_that_makes_no_sense_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, two_makes(), person=False) as stage:
        await stage.until(lambda: stage.station_state(PRINTER) == "Execute")
        before, verbs = stage.service.ledger.sequence, stage.verbs
        for name, why in (
            ("laminator-1", "laminator-1 is not a printer"),
            ("line-1-transport", "line-1-transport is not a printer"),
            ("nobody", "there is no station nobody"),
            (PRINTER, "printer-1 is Execute, not under maintenance: `station maintain printer-1"),
        ):
            with pytest.raises(Refused, match=why):
                await verbs.clean_station(name, TECHNICIAN)
        assert stage.service.ledger.sequence == before
        await stage.loads(5)
        await stage.takes(PackagePlan(1, DAY))
        works = stage.books.works
        await stage.until(lambda: any(one.act == "insert" for one in works.values()))
        (printer,) = [one.station for one in works.values() if one.act == "insert"]
        await verbs.begin_maintenance(printer, TECHNICIAN)
        hands_of(stage).put_in_cleaning_card(printer)
        with pytest.raises(Refused, match=f"{printer} has not finished its last act"):
            await verbs.clean_station(printer, TECHNICIAN)
        await stage.until(lambda: not works)
        with pytest.raises(Refused, match=f"a card is inside {printer}: take it out first"):
            await verbs.clean_station(printer, TECHNICIAN)
        assert cleanings(stage) == []


async def test_it_goes_on_when_whoever_asked_has_gone(tmp_path: Path) -> None:
    async with scene(tmp_path, two_makes(), person=False) as stage:
        await given_to_technician(stage)
        hands_of(stage).put_in_cleaning_card(PRINTER)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10.0):
                await stage.verbs.clean_station(PRINTER, TECHNICIAN)
        with pytest.raises(Refused, match="printer-1 is being cleaned already"):
            await stage.verbs.clean_station(PRINTER, TECHNICIAN)
        with pytest.raises(Refused, match="printer-1 is being cleaned: wait until that is over"):
            await stage.verbs.end_maintenance(PRINTER, TECHNICIAN)
        await stage.until(lambda: outcomes(stage) == ["done"])
        await stage.verbs.end_maintenance(PRINTER, TECHNICIAN)


@pytest.mark.parametrize("plugged_in", [True, False])
async def test_a_cable_that_is_pulled_meanwhile(tmp_path: Path, *, plugged_in: bool) -> None:
    """The machine's own counter tells, once it can be asked again; else nobody claims to know."""
    cable = Cable(f"sim://{PRINTER}")
    async with scene(tmp_path, two_makes(), person=False, around=cable.around) as stage:
        await given_to_technician(stage)
        hands_of(stage).put_in_cleaning_card(PRINTER)
        async with asyncio.TaskGroup() as group:
            cleaning = group.create_task(told(stage))
            await asyncio.sleep(20.0)
            cable.pull()
            await asyncio.sleep(1.0)
            cable.pulled = not plugged_in
        await stage.until(lambda: times_cleaned(stage, PRINTER) == 1)
        if plugged_in:
            assert (cleaning.result(), outcomes(stage)) == ("", ["done"])
            assert cleanings(stage)[-1].draft.data["told_by"] == "evidence"
        else:
            assert cleaning.result().startswith("it is not known whether printer-1 was cleaned: ")
            assert outcomes(stage) == ["unknown"]
            with pytest.raises(Refused, match="printer-1 cannot be asked: "):
                await stage.verbs.clean_station(PRINTER, TECHNICIAN)


async def told(stage: Scene) -> str:
    """Ask for a cleaning; return why it is refused."""
    try:
        await stage.verbs.clean_station(PRINTER, TECHNICIAN)
    except Refused as refused:
        return str(refused)
    return ""


async def test_power_that_fails_meanwhile_leaves_it_not_done(tmp_path: Path) -> None:
    async with scene(tmp_path, two_makes(), person=False) as stage:
        await given_to_technician(stage)
        hands_of(stage).put_in_cleaning_card(PRINTER)
        async with asyncio.TaskGroup() as group:
            cleaning = group.create_task(told(stage))
            await asyncio.sleep(20.0)
            stage.machine(PRINTER).cut_power()
            stage.machine(PRINTER).restore_power()
        assert cleaning.result().startswith("printer-1 was not cleaned: ")
        assert outcomes(stage) == ["not_done"]
        assert await told(stage) == ""


async def test_a_centre_that_stops_meanwhile_lets_it_be_asked_for_again(tmp_path: Path) -> None:
    async with world(tmp_path, 1, SupplyStore) as made:
        printer = made.plant.lines["line-1"].machines[PRINTER]
        assert isinstance(printer, SimulatedPrinter)
        async with run_of(made) as service:
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})
            await service.verbs.begin_maintenance(PRINTER, TECHNICIAN, "cleaning")
            await asyncio.sleep(1.0)
            printer.insert_cleaning_card()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10.0):
                    await service.verbs.clean_station(PRINTER, TECHNICIAN)
        await asyncio.sleep(120.0)
        async with run_of(made) as service:
            await until(lambda: list(seen(service).values()).count(StationState.EXECUTE) == 10)
            printer.insert_cleaning_card()
            await service.verbs.clean_station(PRINTER, TECHNICIAN)
            kinds = {Kind.CLEANING_BEGUN, Kind.CLEANING_ENDED}
            told = [one for one in service.ledger.store.events() if one.kind in kinds]
            begun, ended = Kind.CLEANING_BEGUN, Kind.CLEANING_ENDED
            assert [one.kind for one in told] == [begun, begun, ended]
            counted = [one.draft.data["note"]["cleanings"] for one in told[:2]]
            assert counted == [0, 1], "what became of the first is told by the second's note"


@pytest.mark.parametrize("name", [PRINTER, RETRANSFER])
async def test_a_printer_that_is_started_says_at_once_that_it_is_due(
    tmp_path: Path, name: str
) -> None:
    async with scene(tmp_path, two_makes(), person=False) as stage:
        await stage.until(lambda: stage.station_state(name) == "Execute")
        assert not stage.waits("cleaning due", name)
        wants_cleaning_after(stage, name, 0)
        await stage.verbs.stop_station(name, "test")
        await stage.verbs.start_station(name, "test")
        await stage.until(lambda: stage.waits("cleaning due", name))
        assert not account(stage.books).issued


async def test_the_simulated_operator_puts_the_cleaning_card_in(tmp_path: Path) -> None:
    async with scene(tmp_path, two_makes(), person=True) as stage:
        await stage.takes(PackagePlan(4, DAY))
        await stage.ended()
        await given_to_technician(stage)
        await asyncio.sleep(120.0)
        await stage.verbs.clean_station(PRINTER, TECHNICIAN)
        await asyncio.sleep(120.0)
        assert not hands_of(stage).wants_cleaning_card(PRINTER)
        with pytest.raises(Refused, match="no cleaning card is in printer-1"):
            await stage.verbs.clean_station(PRINTER, TECHNICIAN)
