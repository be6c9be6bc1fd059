"""Printers take longest, so they go on for as long as there is anything that they can do."""

from itertools import pairwise
from pathlib import Path

from jobs.package_maker import PackagePlan
from simulators.floor import infeed, inside, outfeed
from tests.simulation.checkers import check_every_order_has_one_good_card, check_floor
from tests.simulation.scene import DAY, Scene, scene

TRANSPORT = "line-1-transport"
LAMINATORS = ("laminator-1", "laminator-2")
MOTIONS_OF_A_CARD = 6


def inserted(stage: Scene, printer: str) -> int:
    rows = stage.service.ledger.store.query("SELECT act, station, state FROM works")
    return sum((row["act"], row["station"]) == ("insert", printer) for row in rows)


async def test_a_printer_prints_on_while_the_transport_stands_until_its_way_out_is_taken(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(20)
        await stage.takes(PackagePlan(8, DAY))
        await stage.until(lambda: all(stage.floor.at(infeed(n)) for n in (0, 1)) and _inside(stage))
        before = inserted(stage, "printer-1")
        await stage.verbs.hold_station(TRANSPORT, "test")
        await stage.until(lambda: stage.station_state("encoder-1") == "Suspended")  # has no card
        assert stage.station_state("printer-1") == "Execute"
        await stage.until(lambda: stage.station_state("printer-1") == "Suspended")
        # The card that was inside is out, the one at the infeed is inside with one face printed.
        assert inserted(stage, "printer-1") == before + 1
        assert stage.floor.at(outfeed(0)) is not None
        half = stage.floor.at(inside(0))
        assert half is not None
        assert (bool(half.front), bool(half.back)) == (True, False)
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.ended()
        assert stage.station_state("printer-1") == "Execute"
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


def _inside(stage: Scene) -> bool:
    return all(stage.floor.at(inside(number)) for number in (0, 1))


async def test_a_printed_card_makes_way_before_its_printer_has_to_wait(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(20)
        await stage.until(lambda: {stage.station_state(name) for name in LAMINATORS} == {"Execute"})
        for name in LAMINATORS:
            await stage.verbs.hold_station(name, "test")
        await stage.takes(PackagePlan(8, DAY))
        await stage.until(lambda: _motions(stage) >= 2 * MOTIONS_OF_A_CARD)
        drawn = stage.machine("printer-1").drawn()[: 2 * MOTIONS_OF_A_CARD]
        pauses_s = [
            later.start_s - (earlier.start_s + earlier.duration_s)
            for earlier, later in pairwise(drawn)
        ]
        assert max(pauses_s) < 0.1
        for name in LAMINATORS:
            await stage.verbs.unhold_station(name, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


def _motions(stage: Scene) -> int:
    return len(stage.machine("printer-1").drawn())
