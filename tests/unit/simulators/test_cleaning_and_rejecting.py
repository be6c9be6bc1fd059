"""Simulated printers of both makes: cleaned with a card of its own, and cards into a reject box."""

import asyncio

import pytest

from simulators.floor import (
    HAND,
    MAGAZINE,
    REJECT_BIN,
    Floor,
    infeed,
    inside,
    outfeed,
    reject_box,
)
from tests.unit.simulators.test_printer_simulator import (
    FRONT_INK,
    VECTORS,
    Host,
    connected,
    feed,
    now_s,
    printer_on,
)
from tests.unit.simulators.test_retransfer_simulator import (
    BUSY as RETRANSFER_BUSY,
)
from tests.unit.simulators.test_retransfer_simulator import EJECT, FEED
from tests.unit.simulators.test_retransfer_simulator import VECTORS as RETRANSFER_VECTORS
from tests.unit.simulators.test_retransfer_simulator import connected as retransfer_connected
from tests.unit.simulators.test_retransfer_simulator import printer_on as retransfer_on

BUSY, CLEANING = 0x00000001, 0x00000020
ADVISED, REQUIRED, MANDATORY = 0x00020000, 0x00000100, 0x00040000
REJECT_SLOT, REJECT_BOX_FULL = 0x00000020, 0x08000000
CLEAN = 0x14
NO_CLEANING_CARD, CARD_INSIDE, COVER_OPEN = 0x0D, 0x06, 0x04


async def cleanings(host: Host) -> list[str]:
    """Read cleanings, cards since the last, whether cleaning is due, and cards ever inserted."""
    return [await host.ask(what) for what in ("Rco;n", "Rco;clean", "Rlr;r", "Rco;c")]


async def one_card_through(host: Host, floor: Floor) -> None:
    assert await host.ask("Si") == "OK"
    assert await host.ask("Se") == "OK"
    floor.move(outfeed(0), HAND)
    floor.move(HAND, REJECT_BIN, into_store=True)


# The first make.


async def test_a_cleaning_card_is_drawn_through_in_a_minute_and_no_blank_moves() -> None:
    floor = Floor()
    printer = printer_on(floor, cleaning_interval_cards=1)
    async with connected(printer) as host:
        await one_card_through(host, floor)
        blank = feed(floor)
        assert await cleanings(host) == ["0", "1", "ERR NEED CLEANING", "1"]
        assert (await host.status())[1] & (ADVISED | REQUIRED | MANDATORY) == ADVISED
        printer.insert_cleaning_card()
        begun_s = now_s()
        await host.wire.send(VECTORS["clean"])
        assert await host.reply() == "OK"
        assert now_s() - begun_s == pytest.approx(60.0)
        assert await cleanings(host) == ["1", "0", "OK", "1"]
        assert not (await host.status())[1] & (ADVISED | REQUIRED | MANDATORY | CLEANING | BUSY)
        assert await host.ask("Scp") == "FEEDER EMPTY", "a cleaning card cleans once"
        assert await host.ask("Rlr;p") == "NO CARD"
        await host.wire.send(VECTORS["read-cleanings"])
        assert await host.reply() == "1"
    assert floor.at(infeed(0)) is blank
    assert len(floor.everything()) == 3


async def test_an_interval_too_late_cleaning_is_mandatory() -> None:
    floor = Floor()
    async with connected(printer_on(floor, cleaning_interval_cards=1)) as host:
        await one_card_through(host, floor)
        feed(floor)
        await one_card_through(host, floor)
        seen = (await host.status())[1] & (ADVISED | REQUIRED | MANDATORY)
        assert seen == ADVISED | REQUIRED | MANDATORY


async def test_cleaning_is_refused_before_anything_moves() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        assert await host.ask("Scp") == "FEEDER EMPTY", "it never takes the blank at the infeed"
        printer.insert_cleaning_card()
        printer.open_cover()
        assert await host.ask("Scp") == "COVER OPEN"
        printer.close_cover()
        await host.ask("Si")
        assert await host.ask("Scp") == "ERROR CARD"
        assert await host.ask("Se") == "OK"
        assert await cleanings(host) == ["0", "1", "OK", "1"]
    assert floor.at(outfeed(0)) is not None


async def test_cleaning_shows_in_the_status_and_a_power_cut_does_not_count_it() -> None:
    printer = printer_on(Floor())
    printer.insert_cleaning_card()
    async with connected(printer) as host:
        await host.send("Scp")
        await asyncio.sleep(30.0)
    async with connected(printer) as host:
        assert (await host.status())[1] & (BUSY | CLEANING) == BUSY | CLEANING
        assert not printer.open_cover()
        printer.cut_power()
        printer.restore_power()
        assert await host.ask("Rco;n") == "0"
        assert not (await host.status())[1] & (BUSY | CLEANING)
        assert await host.ask("Scp") == "OK"
        assert await host.ask("Rco;n") == "1"


async def test_a_card_goes_into_the_reject_box_of_a_printer_that_has_one() -> None:
    floor = Floor()
    printer = printer_on(floor, reject_capacity_cards=1)
    card = floor.at(infeed(0))
    async with connected(printer) as host:
        config, _, warning, _ = await host.status()
        assert (config & REJECT_SLOT, warning & REJECT_BOX_FULL) == (REJECT_SLOT, 0)
        assert await host.ask("Ser") == "ERROR CARD"
        await host.ask("Si")
        await host.load(FRONT_INK)
        await host.wire.send(VECTORS["reject"])
        assert await host.reply() == "OK"
        assert floor.store(reject_box(0)) == [card]
        assert (floor.at(inside(0)), floor.at(outfeed(0))) == (None, None)
        assert (await host.status())[2] & REJECT_BOX_FULL
        feed(floor)
        await host.ask("Si")
        assert await host.ask("Ser") == "HOPPER FULL"
        printer.empty_reject_box()
        assert await host.ask("Ser") == "OK"
        assert await host.ask("Rco;p") == "0"
    assert card is not None
    assert not card.front
    assert floor.store(REJECT_BIN) == [card]


async def test_without_a_reject_slot_the_card_stays_where_it_is() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        assert not (await host.status())[0] & REJECT_SLOT
        await host.ask("Si")
        assert await host.ask("Ser") == "OPT NOT AVAILABLE"
    assert floor.at(inside(0)) is not None


async def test_every_sensor_has_a_threshold() -> None:
    async with connected(printer_on(Floor())) as host:
        for sensor in "cmopr":
            assert await host.ask(f"Rps;{sensor}") == "2.50"
            assert await host.ask(f"Rse;{sensor}") in {"0.50", "4.50"}
        assert await host.ask("Rps") == await host.ask("Rse;x") == "ERROR PARAMETRES"
        assert await host.ask("Rck") == "5F1A"


# The second make.


async def test_the_golden_cleaning_is_refused_without_its_card_and_done_with_it() -> None:
    floor = Floor()
    printer = retransfer_on(floor, cleaning_interval_cards=1)
    async with retransfer_connected(printer) as host:
        await host.done(FEED)
        await host.done(EJECT)
        before = await host.status()
        assert before["flags"] & 8
        await host.wire.send(RETRANSFER_VECTORS["clean"])
        assert await host.wire.receive() == RETRANSFER_VECTORS["clean-refused"]
        assert await host.status() == before, "no number was used up"
        printer.insert_cleaning_card()
        begun_s = asyncio.get_running_loop().time()
        assert await host.command(CLEAN) == 0
        assert (await host.status())["phase"] == RETRANSFER_BUSY
        after = await host.settled()
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(60.0, abs=0.5)
        assert (after["finished"], after["flags"] & 8, after["fed"]) == (3, 0, 1)
        assert await host.command(CLEAN) == NO_CLEANING_CARD
    assert len(floor.store(MAGAZINE)) == 2


async def test_the_second_make_is_not_cleaned_with_a_card_inside_or_its_cover_open() -> None:
    printer = retransfer_on(Floor())
    printer.insert_cleaning_card()
    async with retransfer_connected(printer) as host:
        printer.open_cover()
        assert await host.command(CLEAN) == COVER_OPEN
        printer.close_cover()
        await host.done(FEED)
        assert await host.command(CLEAN) == CARD_INSIDE
        await host.done(EJECT)
        assert await host.command(CLEAN) == 0
        printer.cut_power()
        printer.restore_power()
        cut = await host.settled()
        assert (cut["started"], cut["finished"]) == (3, 2)
        assert (await host.done(CLEAN))["finished"] == 4, "its card was still in the slot"
