"""The simulated operator and finished cards: what lies in the trays is looked at."""

from asyncio import sleep

import pytest

from simulators.floor import ChipHealth, tray
from tests.unit.simulators.operator_bench import (
    DELAY_S,
    INSPECTION_S,
    Refusal,
    at_work,
    lose_first_answer,
    new_room,
    refuse_first,
)

LONG_S = 20 * DELAY_S


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("misprinted", "misprint"), ("damaged", "damaged"), ("laminations", "lamination")],
)
async def test_a_bad_card_is_found_in_its_tray_and_only_that_one(fault: str, reason: str) -> None:
    room = new_room()
    async with at_work(room):
        good = room.printed_to(tray(0), "C-1", into_store=True)
        also_good = room.printed_to(tray(0), "C-3", into_store=True)
        await sleep(LONG_S)
        bad = room.printed_to(tray(0), "C-2", into_store=True)
        setattr(bad, fault, [False] if fault == "laminations" else True)
        await sleep(4 * INSPECTION_S)
    assert room.centre.words() == [("spoil", "C-2", reason)]
    assert room.centre.told[0].at_s >= LONG_S + INSPECTION_S
    assert room.centre.told[0].rejected == (bad.number,)
    assert room.floor.store(tray(0)) == [good, also_good]


async def test_a_bad_card_that_has_been_dispatched_goes_back_where_it_was() -> None:
    room = new_room()
    refuse_first(room, 1, "spoil", Refusal)
    async with at_work(room):
        card = room.printed_to(tray(0), "C-1", into_store=True)
        card.misprinted = True
        await sleep(LONG_S)
    assert room.centre.words() == []
    assert room.floor.store(tray(0)) == [card]
    assert not room.rejected()


async def test_a_bad_card_whose_spoiling_was_heard_without_an_answer_stays_thrown_away() -> None:
    room = new_room()

    def refuse_a_second_time(words: tuple[object, ...]) -> None:
        if words[0] == "spoil" and room.centre.told:
            raise Refusal

    lose_first_answer(room, "spoil")
    room.centre.before = refuse_a_second_time
    async with at_work(room):
        card = room.printed_to(tray(0), "C-1", into_store=True)
        card.misprinted = True
        await sleep(LONG_S)
    assert room.centre.words() == [("spoil", "C-1", "misprint")]
    assert room.rejected() == [card]
    assert not room.floor.store(tray(0))


async def test_a_bad_card_that_nobody_can_name_is_left() -> None:
    room = new_room()
    async with at_work(room):
        mute = room.printed_to(tray(0), "C-1", into_store=True)
        mute.chip.health = ChipHealth.MUTE
        unknown = room.printed_to(tray(1), "C-2", into_store=True)
        room.centre.by_serial.clear()
        mute.misprinted = unknown.misprinted = True
        await sleep(LONG_S)
    assert room.centre.words() == []
    assert room.floor.store(tray(0)) + room.floor.store(tray(1)) == [mute, unknown]
