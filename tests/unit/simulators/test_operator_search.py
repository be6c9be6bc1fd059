"""The simulated operator and cards: jams, doubts, quarantine, and what lies in the trays."""

from asyncio import sleep

import pytest

from simulators.floor import (
    CARRIER,
    HAND,
    MAGAZINE,
    QUARANTINE_BIN,
    REJECT_BIN,
    infeed,
    inside,
    outfeed,
    tray,
)
from tests.unit.simulators.modbus_bench import connected
from tests.unit.simulators.operator_bench import (
    DELAY_S,
    LAMINATOR,
    PRINTER,
    Away,
    Item,
    Refusal,
    Room,
    at_work,
    new_room,
    refuse_first,
)

LONG_S = 20 * DELAY_S
PATIENCE_S = 4 * DELAY_S


def doubt(card: str, *places: str) -> Item:
    return Item("card in doubt", card, "device.jam during insert", may_be_at=places)


def jam(machine: str) -> Item:
    return Item("station aborted", machine, code="device.jam")


async def jam_the_printer(room: Room) -> None:
    room.blank_to(infeed(PRINTER))
    room.printer.jam_next()
    async with connected(room.printer) as host:
        await host.wire.send(b"\x1bSi\r")
        await sleep(30)
        assert b"OK" not in await host.wire.receive()


async def jam_the_transport(room: Room) -> None:
    async with connected(room.transport) as master:
        assert await master.command(10, 2, 0, 0, 1) == 0
        await sleep(10)
        room.transport.jam_next()
        assert await master.command(10, 1, 0, 1, 2) == 0
        await sleep(10)
    assert room.floor.at(CARRIER) is not None


async def test_a_jammed_card_is_in_the_reject_bin_before_anybody_hears_of_it() -> None:
    room = new_room()
    await jam_the_printer(room)
    card = room.floor.at(inside(PRINTER))
    assert card is not None
    assert card.damaged
    waiting = room.printed_to(outfeed(PRINTER))
    room.centre.items = [jam("printer-1"), doubt("C-1", "printer-1 infeed", "printer-1 inside")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [
        ("settle", "C-1"),
        ("clear", "printer-1"),
        ("start", "printer-1"),
    ]
    assert [told.rejected for told in room.centre.told] == 3 * [(card.number,)]
    assert room.floor.at(outfeed(PRINTER)) is waiting
    assert room.floor.at(HAND) is None
    async with connected(room.printer) as host:
        assert await host.ask(b"\x1bScs\r") == b"OK\x00"
        assert (await host.ask(b"\x1bRpst\r"))[24:32] == b"00000000"


async def test_a_settling_that_was_not_heard_is_told_again_and_no_second_card_taken() -> None:
    room = new_room()
    await jam_the_printer(room)
    next_card = room.blank_to(infeed(PRINTER))
    room.centre.items = [jam("printer-1"), doubt("C-1", "printer-1 inside", "printer-1 infeed")]
    refuse_first(room, 3, "settle", Away)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words()[0] == ("settle", "C-1")
    assert len(room.rejected()) == 1
    assert room.floor.at(infeed(PRINTER)) is next_card


async def test_a_card_in_doubt_is_taken_from_the_place_beside_the_aborted_machine() -> None:
    room = new_room()
    card = room.printed_to(outfeed(LAMINATOR))
    other = room.printed_to(inside(LAMINATOR))
    room.centre.items = [
        jam("laminator-1"),
        doubt("C-1", "laminator-1 outfeed", "desk-1 infeed"),
        doubt("C-2", "printer-1 inside", "printer-1 outfeed"),
    ]
    async with at_work(room):
        await sleep(PATIENCE_S / 2)
    assert room.centre.words()[0] == ("settle", "C-1")
    assert room.rejected() == [card, other], "a jam without a name is cleared, too"
    assert ("settle", "C-2") not in room.centre.words()


async def test_a_card_that_was_taken_out_before_it_was_in_doubt_settles_that_doubt() -> None:
    room = new_room()
    await jam_the_printer(room)
    room.centre.items = [jam("printer-1")]
    async with at_work(room):
        await sleep(PATIENCE_S)
        assert room.centre.words() == [("clear", "printer-1"), ("start", "printer-1")]
        room.centre.items = [doubt("C-1", "printer-1 infeed", "printer-1 inside")]
        await sleep(LONG_S)
    assert room.centre.words()[2:] == [("settle", "C-1")]
    assert len(room.rejected()) == 1
    assert len(room.floor.store(MAGAZINE)) == 5


async def test_the_card_on_a_jammed_carrier_is_the_one_that_lies_nowhere_else() -> None:
    room = new_room()
    await jam_the_transport(room)
    card = room.floor.at(CARRIER)
    assert card is not None
    room.printed_to(infeed(LAMINATOR))
    room.centre.items = [
        jam("line-1-transport"),
        doubt("C-1", "laminator-1 infeed"),
        doubt("C-2", "printer-1 inside", "printer-1 outfeed"),
        doubt("C-3", "magazine", "printer-1 infeed"),
    ]
    async with at_work(room):
        await sleep(PATIENCE_S / 2)
        assert room.centre.words() == [
            ("settle", "C-3"),
            ("clear", "line-1-transport"),
            ("start", "line-1-transport"),
        ]
        assert room.centre.told[0].rejected == (card.number,)
        async with connected(room.transport) as master:
            assert await master.command(10, 3, 0, 0, 3) == 0


@pytest.mark.parametrize("aborted", [True, False])
async def test_a_printed_card_on_the_carrier_has_not_come_from_the_magazine(
    aborted: bool,
) -> None:
    room = new_room()
    card = room.printed_to(CARRIER)
    room.centre.items = [
        doubt("C-1", "magazine", "printer-1 infeed"),
        doubt("C-2", "printer-1 outfeed", "laminator-1 infeed"),
    ]
    if aborted:
        room.centre.items.append(jam("line-1-transport"))
    async with at_work(room):
        await sleep(LONG_S)
    told = {told.words: told.rejected[-1] for told in room.centre.told}
    assert told["settle", "C-2"] == card.number
    assert told["settle", "C-1"] != card.number
    assert len(room.floor.store(MAGAZINE)) == 4


async def test_machines_get_time_to_find_a_doubtful_card_themselves() -> None:
    room = new_room()
    card = room.printed_to(infeed(LAMINATOR))
    room.centre.items = [doubt("C-1", "laminator-1 infeed")]
    async with at_work(room):
        await sleep(DELAY_S)
        assert room.floor.at(infeed(LAMINATOR)) is card
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert room.centre.told[0].rejected == (card.number,)
    assert room.centre.told[0].at_s > PATIENCE_S / 4


async def test_a_doubt_waits_while_its_station_is_held_and_machines_may_still_find_the_card() -> (
    None
):
    room = new_room()
    card = room.printed_to(infeed(LAMINATOR))
    station = Item("station held", "laminator-1", code="link.reply_timeout")
    room.centre.items = [station, doubt("C-1", "laminator-1 infeed")]
    refuse_first(room, 10_000, "unhold", Refusal)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == []
    assert room.floor.at(infeed(LAMINATOR)) is card


async def test_a_resting_carrier_is_searched_and_a_moving_one_is_not() -> None:
    room = new_room()
    room.printed_to(outfeed(PRINTER))
    async with connected(room.transport) as master:
        assert await master.command(10, 2, 0, 0, 1) == 0
        await sleep(10)
        assert await master.command(10, 1, 2, 3, 2) == 0
        assert room.hands.moving("line-1-transport")
        assert room.hands.pull("between sensors") is None
        room.transport.cut_power()
        await sleep(10)
    card = room.floor.at(CARRIER)
    assert card is not None
    room.centre.items = [doubt("C-1", "printer-1 outfeed", "laminator-1 infeed")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert room.rejected() == [card]


async def test_for_a_blank_that_never_left_the_magazine_one_blank_is_thrown_away() -> None:
    room = new_room(blanks=3)
    room.centre.items = [doubt("C-1", "magazine", "printer-1 infeed")]
    refuse_first(room, 2, "settle", Away)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert len(room.floor.store(MAGAZINE)) == 2
    assert room.centre.told[0].rejected == (1,)


async def test_a_card_that_is_found_nowhere_stays_in_doubt() -> None:
    room = new_room()
    room.centre.items = [doubt("C-1", "printer-1 infeed", "printer-1 inside")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == []
    assert not room.rejected()


async def test_a_doubtful_card_in_the_reject_bin_is_settled_as_it_lies() -> None:
    room = new_room()
    card = room.printed_to(REJECT_BIN, into_store=True)
    room.centre.items = [doubt("C-1", "laminator-1 outfeed", "reject bin")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert room.rejected() == [card]


@pytest.mark.parametrize(("printed", "blanks_left"), [(False, 5), (True, 4)])
async def test_a_blank_between_magazine_and_reject_bin_is_in_one_of_them(
    printed: bool, blanks_left: int
) -> None:
    room = new_room()
    lay = room.printed_to if printed else room.blank_to
    lay(REJECT_BIN, into_store=True)
    room.centre.items = [doubt("C-1", "magazine", "reject bin")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert len(room.floor.store(MAGAZINE)) == blanks_left


async def test_a_doubtful_card_in_a_tray_is_known_by_its_chip() -> None:
    room = new_room()
    cards = [room.printed_to(tray(1), f"C-{number}", into_store=True) for number in (1, 2, 3)]
    room.centre.items = [doubt("C-2", "desk-1 outfeed", "tray 1")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-2")]
    assert room.rejected() == [cards[1]]
    assert room.floor.store(tray(1)) == [cards[0], cards[2]]


async def test_a_doubtful_card_in_a_tray_that_does_not_tell_is_the_one_that_had_just_come() -> None:
    room = new_room()
    cards = [room.printed_to(tray(1), into_store=True) for _ in range(2)]
    room.centre.items = [doubt("C-2", "desk-1 outfeed", "tray 1")]
    async with at_work(room):
        await sleep(DELAY_S / 10)
        later = room.printed_to(tray(1), into_store=True)
        await sleep(LONG_S)
    assert room.rejected() == [cards[1]]
    assert room.floor.store(tray(1)) == [cards[0], later]


async def test_cards_in_quarantine_are_told_apart_by_their_chips_or_by_age() -> None:
    room = new_room()
    nameless = [room.printed_to(QUARANTINE_BIN, into_store=True) for _ in range(2)]
    named = room.printed_to(QUARANTINE_BIN, "C-3", into_store=True)
    stranger = room.printed_to(QUARANTINE_BIN, "C-99", into_store=True)
    room.centre.items = [
        Item("card in quarantine", card, may_be_at=places)
        for card, places in (("C-3", ("quarantine bin",)), ("C-1", ()), ("C-2", ()), ("C-4", ()))
    ]
    async with at_work(room):
        await sleep(LONG_S)
    told = {told.words[1]: told.rejected[-1] for told in room.centre.told}
    assert told["C-3"] == named.number
    assert {words[0] for words in room.centre.words()} == {"spoil"}
    assert room.rejected().index(nameless[0]) < room.rejected().index(nameless[1])
    assert stranger in room.rejected()
    assert not room.floor.store(QUARANTINE_BIN)


async def test_a_card_from_quarantine_whose_spoiling_was_not_heard_is_told_again() -> None:
    room = new_room()
    card = room.printed_to(QUARANTINE_BIN, into_store=True)
    room.centre.items = [Item("card in quarantine", "C-1")]
    refuse_first(room, 2, "spoil", Away)
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("spoil", "C-1", "quarantine")]
    assert room.rejected() == [card]


async def test_a_card_in_quarantine_that_is_somebody_elses_is_not_taken_for_another() -> None:
    room = new_room()
    named = room.printed_to(QUARANTINE_BIN, "C-3", into_store=True)
    nameless = room.printed_to(QUARANTINE_BIN, into_store=True)
    room.centre.items = [Item("card in quarantine", "C-1"), doubt("C-3", "quarantine bin")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("spoil", "C-1", "quarantine"), ("settle", "C-3")]
    assert room.rejected() == [nameless, named]


async def test_a_strangers_card_in_quarantine_settles_its_doubt() -> None:
    room = new_room()
    card = room.printed_to(QUARANTINE_BIN, "C-99", into_store=True)
    room.centre.items = [doubt("C-1", "quarantine bin")]
    async with at_work(room):
        await sleep(LONG_S)
    assert room.centre.words() == [("settle", "C-1")]
    assert room.rejected() == [card]


async def test_only_a_card_of_the_store_can_be_taken_from_it() -> None:
    room = new_room()
    twin = room.floor.store(MAGAZINE)[0]
    room.printed_to(tray(0), into_store=True)
    with pytest.raises(KeyError):
        room.floor.take(tray(0), room.floor.store(MAGAZINE)[0], REJECT_BIN)
    with pytest.raises(KeyError):
        room.floor.take(infeed(0), twin, REJECT_BIN)
    assert len(room.floor.store(tray(0))) == 1
    assert room.floor.at(REJECT_BIN) is None
