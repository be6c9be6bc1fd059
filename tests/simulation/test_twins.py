"""A station that runs out or is opened holds; its twin takes over what waited for it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.package_maker import PackagePlan
from jobs.states import OrderState
from simulators.encoder import SimulatedEncoder
from simulators.floor import outfeed
from simulators.laminator import SimulatedLaminator
from simulators.printer import SimulatedPrinter
from tests.simulation.checkers import check_every_order_has_one_good_card, check_floor
from tests.simulation.scene import DAY, Scene, centre, scene


def made_at(stage: Scene, act: str) -> Counter[str]:
    rows = stage.service.ledger.store.query("SELECT act, station, state FROM works")
    done = [row["station"] for row in rows if (row["act"], row["state"]) == (act, "done")]
    return Counter(done)


def ribbon_out(stage: Scene) -> None:
    printer = stage.machine("printer-1")
    assert isinstance(printer, SimulatedPrinter)
    printer.ribbon_left = 1


def film_out(stage: Scene) -> None:
    laminator = stage.machine("laminator-1")
    assert isinstance(laminator, SimulatedLaminator)
    laminator.use_up_film(100)


def cover_open(stage: Scene) -> None:
    printer = stage.machine("printer-1")
    assert isinstance(printer, SimulatedPrinter)
    assert printer.open_cover()


def door_open(stage: Scene) -> None:
    laminator = stage.machine("laminator-1")
    assert isinstance(laminator, SimulatedLaminator)
    laminator.open_door()


Fault = Callable[[Scene], None]


@pytest.mark.parametrize(
    ("fault", "station", "act", "reason"),
    [
        (ribbon_out, "printer-1", "print", "consumable"),
        (cover_open, "printer-1", "print", "cover"),
        (film_out, "laminator-1", "laminate", "consumable"),
        (door_open, "laminator-1", "laminate", "cover"),
    ],
)
async def test_a_station_that_needs_a_person_holds_and_its_twin_goes_on(
    tmp_path: Path, fault: Fault, station: str, act: str, reason: str
) -> None:
    config = centre(limits={"closing_delay_s": 5000.0})
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(20)
        await stage.until(lambda: stage.station_state(station) == "Execute")
        fault(stage)
        await stage.takes(PackagePlan(7, DAY))
        await stage.until(lambda: stage.station_state(station) == "Held")
        row = stage.books.stations[station]
        assert reason in row.code, row
        assert row.reason
        assert stage.waits("station held", station)
        # One card may be inside; the one that waited at the infeed goes to the twin.
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) >= 6)
        done = made_at(stage, act)
        assert done[station] <= 1
        assert done.total() >= 6
        assert stage.station_state(station) == "Held"
        hands = stage.machine(station)
        if isinstance(hands, SimulatedPrinter):
            hands.refill_ribbon()
            hands.close_cover()
        if isinstance(hands, SimulatedLaminator):
            hands.refill_film()
            hands.close_door()
        await stage.verbs.unhold_station(station, "test")
        await stage.takes(PackagePlan(5, DAY, serial=2))
        await stage.ended()
        assert made_at(stage, act)[station] >= done[station] + 2, "it takes part again"
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


@pytest.mark.parametrize("station", ["printer-1", "laminator-1", "encoder-1", "reader-1"])
async def test_a_dead_machine_holds_and_its_twin_takes_the_card_that_waits(
    tmp_path: Path, station: str
) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(
            lambda: any(work.station == station for work in stage.books.works.values())
        )
        stage.machine(station).cut_power()
        await stage.until(lambda: stage.station_state(station) in {"Held", "Aborted"})
        # The card inside, or in its field, waits for the answer; the others are made.
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) >= 5)
        stage.machine(station).restore_power()
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_a_stopped_encoder_finishes_its_chip_and_its_twin_does_the_rest(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: _encodes(stage, "encoder-1"))
        await stage.verbs.stop_station("encoder-1", "test")
        await stage.ended()
        assert made_at(stage, "encode")["encoder-1"] == 1
        assert isinstance(stage.machine("encoder-1"), SimulatedEncoder)
        assert stage.waits("station stopped", "encoder-1")
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


def _encodes(stage: Scene, station: str) -> bool:
    return any(
        work.station == station and work.act == "encode" for work in stage.books.works.values()
    )


async def test_a_printer_that_forgets_a_face_while_it_waits_for_its_way_out_is_found_out(
    tmp_path: Path,
) -> None:
    """Its power fails between the back's download and the command that prints it: it says OK."""
    config = centre(("printer", "laminator", "encoder", "reader"), wear={"laminate_s": 60.0})
    async with scene(tmp_path, config) as stage:
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: _waits_for_its_way_out(stage))
        printer = stage.machine("printer-1")
        printer.cut_power()
        printer.restore_power()
        await stage.ended()
        spoiled = [card for card in stage.books.cards.values() if card.state == "spoiled"]
        assert len(spoiled) == 1
        assert "during print at printer-1" in spoiled[0].reason
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


def _waits_for_its_way_out(stage: Scene) -> bool:
    """Tell whether a front has been printed for a while, and the card before is in the way."""
    printing = any(work.act == "print" for work in stage.books.works.values())
    machine = stage.machine("printer-1")
    last = machine.drawn()[-1] if machine.drawn() else None
    now_s = asyncio.get_running_loop().time()
    rests = last is not None and last.start_s + last.duration_s + 10.0 < now_s
    return printing and rests and stage.floor.at(outfeed(0)) is not None
