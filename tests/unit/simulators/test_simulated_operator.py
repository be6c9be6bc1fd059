"""The simulated operator at its outer edge: what it does at machines, and what it then tells."""

from asyncio import get_running_loop, sleep
from typing import Any

import pytest

from controller import todo as centre_todo
from jobs import rows
from simulators.floor import MAGAZINE, infeed, inside, tray
from simulators.hands import BETWEEN_SENSORS
from simulators.todo import Need
from tests.unit.simulators.modbus_bench import connected
from tests.unit.simulators.operator_bench import (
    DELAY_S,
    DESK,
    INSPECTION_S,
    LAMINATOR,
    LOAD,
    Away,
    Item,
    Refusal,
    at_work,
    lose_first_answer,
    new_room,
    refuse_first,
)

LONG_S = 20 * DELAY_S


def held(subject: str, code: str, reason: str = "") -> Item:
    return Item("station held", subject, reason, code)


def test_list_and_places_go_by_the_centres_words() -> None:
    assert {need.value for need in Need} <= {need.value for need in centre_todo.Need}
    names = set(new_room().hands.places)
    for name in (rows.infeed("desk-1"), rows.inside("desk-1"), rows.outfeed("desk-1")):
        assert name in names
    stores = {rows.MAGAZINE, rows.REJECT_BIN, rows.QUARANTINE_BIN, rows.tray(0), rows.tray(1)}
    assert stores <= names
    assert rows.CARRIER == BETWEEN_SENSORS


async def test_an_empty_ribbon_is_replaced_before_the_printer_is_unheld() -> None:
    room = new_room()
    room.printer.ribbon_left = 0
    room.centre.items = [held("printer-1", "device.consumable_empty")]
    ribbon: list[int] = []
    room.centre.before = lambda _words: ribbon.append(room.printer.ribbon_left)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("unhold", "printer-1")]
    assert ribbon[0] == 0
    assert ribbon[-1] == 1000
    assert DELAY_S / 4 < room.centre.told[0].at_s < 4 * DELAY_S


async def test_delays_follow_the_pace_and_the_seed() -> None:
    times: list[list[float]] = []
    for seed, pace in ((1, 1.0), (1, 1.0), (2, 1.0), (1, 20.0)):
        room = new_room()
        room.centre.items = [held("printer-1", "x"), held("laminator-1", "x")]
        begun_s = get_running_loop().time()
        async with at_work(room, seed=seed, pace=pace):
            await sleep(LONG_S)
        times.append([told.at_s - begun_s for told in room.centre.told])
    assert times[0] == times[1] != times[2]
    assert times[3] == pytest.approx([at_s / 20 for at_s in times[0]])


async def test_a_cover_and_a_door_are_closed() -> None:
    room = new_room()
    assert room.printer.open_cover()
    room.laminator.open_door()
    room.centre.items = [
        held("printer-1", "device.cover_open"),
        held("laminator-1", "device.cover_open"),
    ]
    async with at_work(room), connected(room.laminator) as master:
        assert await master.sensors(3, 0, 2) == [False, False]
        await sleep(LONG_S)
        assert await master.sensors(3, 0, 2) == [False, True]
    async with connected(room.printer) as host:
        assert (await host.ask(b"\x1bRpst\r"))[24:32] == b"00000000"


async def test_new_film_is_threaded() -> None:
    room = new_room()
    room.laminator.use_up_film()
    room.centre.items = [held("laminator-1", "device.consumable_empty")]
    async with at_work(room), connected(room.laminator) as master:
        assert await master.read(3, 4, 12, 1) == [0]
        await sleep(LONG_S)
        assert await master.read(3, 4, 12, 1) == [2000]
    assert room.centre.words() == [("unhold", "laminator-1")]


async def test_a_laminator_that_got_too_hot_is_repaired_and_started() -> None:
    room = new_room()
    async with connected(room.laminator) as master:
        room.laminator.run_away(1)
        await sleep(600)
        assert (await master.read(3, 4, 0, 5))[4] == 5
        room.centre.items = [Item("station aborted", "laminator-1", code="device.fault")]
        async with at_work(room):
            await sleep(LONG_S)
            await sleep(LONG_S)
            assert await master.command(3, 4, 0, 0, 1) == 0
            assert (await master.read(3, 4, 0, 5))[4] == 0
    assert room.centre.words() == [("clear", "laminator-1"), ("start", "laminator-1")]


async def test_a_finished_card_stays_in_an_aborted_machine_that_is_not_jammed() -> None:
    room = new_room()
    room.blank_to(inside(LAMINATOR))
    room.centre.items = [Item("station aborted", "laminator-1", code="device.fault")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.floor.at(inside(LAMINATOR)) is not None
    assert not room.rejected()


async def test_what_is_somebody_elses_is_left_alone() -> None:
    room = new_room()
    room.centre.items = [
        held("printer-1", "operator"),
        held("printer-9", "link.reply_timeout"),
        Item("magazine low", "line-9"),
        Item("line stopped", "line-1", "restart: waits for authorisation"),
        Item("order held", "O-1", "held by an operator"),
        Item("batch waits", "B-1"),
        Item("card in doubt", "C-1", may_be_at=("printer-9 inside",)),
        Item("card in doubt", "C-2"),
        Item("inspection", "C-3", may_be_at=("desk-9 infeed",)),
    ]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == []


async def test_a_line_is_authorised_by_whoever_may() -> None:
    room = new_room()
    room.centre.items = [
        Item("line stopped", "line-1", "restart: waits for authorisation"),
        Item("line stopped", "line-9", "restart: waits for authorisation"),
    ]
    async with at_work(room, authorises=True):
        await sleep(LONG_S)
    assert room.centre.words() == [("start line", "line-1")]
    room.centre.items = [Item("line stopped", "line-1", "stopped by an operator")]
    async with at_work(room, authorises=True):
        await sleep(LONG_S)
    assert len(room.centre.told) == 1


async def test_an_order_at_its_limit_is_released_twice_and_no_more() -> None:
    room = new_room()
    room.centre.items = [Item("order held", "O-1", "4 cards spoiled, the limit is reached")]
    async with at_work(room):
        await sleep(3 * LONG_S)
    assert room.centre.words() == [("release", "O-1"), ("release", "O-1")]


async def test_a_refusal_is_survived_and_the_next_thing_done() -> None:
    room = new_room()
    room.centre.items = [held("printer-1", "device.cover_open"), held("laminator-1", "x")]
    refuse_first(room, 1, "unhold", Refusal)
    async with at_work(room):
        await sleep(LONG_S)
    assert sorted(room.centre.words()) == [("unhold", "laminator-1"), ("unhold", "printer-1")]


async def test_a_centre_that_is_away_is_waited_for() -> None:
    room = new_room()
    room.centre.items = [held("printer-1", "device.cover_open")]
    refuse_first(room, 100, "todo", Away)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("unhold", "printer-1")]


async def test_a_centre_that_never_answers_holds_nobody_for_ever() -> None:
    room = new_room()
    room.centre.items = [held("printer-1", "device.cover_open")]
    room.centre.silent = True
    async with at_work(room, verb_timeout_s=10.0):
        await sleep(LONG_S)
        assert room.centre.words() == []
        room.centre.silent = False
        await sleep(LONG_S)
    assert room.centre.words() == [("unhold", "printer-1")]


async def test_a_station_is_started_though_the_centre_went_away_after_the_clearing() -> None:
    room = new_room()
    room.centre.items = [Item("station aborted", "printer-1", code="device.fault")]
    lose_first_answer(room, "clear")
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("clear", "printer-1"), ("start", "printer-1")]


async def test_an_empty_magazine_is_loaded_and_then_told() -> None:
    room = new_room(blanks=0)
    room.centre.items = [Item("magazine low", "line-1", "0 blanks left")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("load", "line-1", LOAD)]
    assert len(room.floor.store(MAGAZINE)) == LOAD


async def test_blanks_whose_telling_was_not_heard_are_told_again_and_not_loaded_again() -> None:
    room = new_room(blanks=3)
    room.centre.items = [Item("magazine low", "line-1", "3 blanks left")]
    refuse_first(room, 2, "load", Away)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("load", "line-1", LOAD)]
    assert len(room.floor.store(MAGAZINE)) == LOAD + 3


async def test_blanks_whose_telling_was_heard_without_an_answer_are_told_once() -> None:
    room = new_room(blanks=1)
    low = Item("magazine low", "line-1", "1 blanks left")
    room.centre.items = [low]
    lose_first_answer(room, "load")
    async with at_work(room):
        await sleep(LONG_S)
        assert room.centre.words() == [("load", "line-1", LOAD)]
        for _ in range(LOAD):
            room.blank_to(tray(0), into_store=True)
        room.centre.items = [low]
        await sleep(LONG_S)
    assert room.centre.words() == 2 * [("load", "line-1", LOAD)]
    assert len(room.floor.store(MAGAZINE)) == LOAD + 1


async def test_a_transport_that_found_no_blank_is_given_some() -> None:
    room = new_room(blanks=0)
    reason = "C-0000001: nothing lies at magazine, and nothing was moved"
    room.centre.items = [held("line-1-transport", "device.nothing_at_source", reason)]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("load", "line-1", LOAD), ("unhold", "line-1-transport")]
    assert len(room.floor.store(MAGAZINE)) == LOAD


async def test_a_card_in_the_way_is_taken_away() -> None:
    room = new_room()
    foreign = room.blank_to(infeed(LAMINATOR))
    other = room.blank_to(infeed(0))
    reason = "C-0000001: something lies at laminator-1 infeed already, and nothing was moved"
    room.centre.items = [held("line-1-transport", "device.destination_taken", reason)]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.rejected() == [foreign]
    assert room.floor.at(infeed(0)) is other
    assert room.centre.told[0].words == ("unhold", "line-1-transport")
    assert room.centre.told[0].rejected == (foreign.number,)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({}, ""),
        ({"misprinted": True}, "misprint"),
        ({"damaged": True}, "damaged"),
        ({"laminations": [True, False]}, "lamination"),
        ({"laminations": []}, "not laminated"),
    ],
)
@pytest.mark.parametrize("place", [(), ("desk-1 infeed",)])
async def test_the_inspector_accepts_the_good_and_rejects_the_bad(
    fault: dict[str, Any], verdict: str, place: tuple[str, ...]
) -> None:
    room = new_room()
    card = room.printed_to(infeed(DESK))
    for name, value in fault.items():
        setattr(card, name, value)
    room.centre.items = [Item("inspection", "C-1", may_be_at=place)]
    async with at_work(room):
        await sleep(DELAY_S / 2)
    assert room.centre.words() == [("judge", "C-1", verdict)]
    assert room.centre.told[0].at_s < 4 * INSPECTION_S
    assert room.floor.at(infeed(DESK)) is card
