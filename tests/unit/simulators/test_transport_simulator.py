"""The simulated transport at its wire: moves, refusals, faults, repeats, power."""

import asyncio
from random import Random

import pytest

from simulators.floor import (
    CARRIER,
    HAND,
    MAGAZINE,
    QUARANTINE_BIN,
    REJECT_BIN,
    Floor,
    PhysicalCard,
    infeed,
    outfeed,
    tray,
)
from simulators.machine import Pace
from simulators.transport import SimulatedTransport, TransportSettings
from tests.unit.simulators.modbus_bench import Master, connected, golden, stocked_floor

GOLDEN = golden()
UNIT = 10
NOT_HOMED, READY, MOVING, FAULT = 0, 1, 2, 4
NEVER = TransportSettings(jam_share=0.0, lost_share=0.0)


def _transport(
    floor: Floor, factor: float = 1.0, settings: TransportSettings = NEVER
) -> SimulatedTransport:
    return SimulatedTransport(floor, 4, 3, Pace(Random(5), factor), settings, "TRN00017")


async def _state(master: Master) -> list[int]:
    """Return state, last started, last finished, fault, moves."""
    *four, high, low = await master.read(UNIT, 4, 0, 6)
    return [*four, high << 16 | low]


async def _home(master: Master, sequence: int = 1) -> None:
    assert await master.command(UNIT, 2, 0, 0, sequence) == 0
    await asyncio.sleep(10)
    assert await _state(master) == [READY, sequence, sequence, 0, 0]


def _everywhere(floor: Floor) -> list[int]:
    return [card.number for _, card in floor.everything()]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("transport-state", "transport-new"),
        ("read-product-code", "transport-identity"),
        ("read-serial-number", None),
        ("transport-move-2", "transport-not-ready"),
        ("transport-home-1", "move-answer"),
        ("bin-count", None),
    ],
)
async def test_a_new_transport_answers_as_laid_down(asked: str, answered: str | None) -> None:
    async with connected(_transport(stocked_floor(1))) as master:
        answer = await master.ask(GOLDEN[asked])
        if asked == "read-serial-number":
            assert answer[:10] == GOLDEN["read-serial-number-answer"][:10]
            assert answer[10:-2] == b"TRN00017"
        elif answered is None:
            assert answer[:-2] == bytes.fromhex("0A 04 02 00 00")
        else:
            assert answer == GOLDEN[answered]


async def test_a_move_carries_one_workpiece_and_counts() -> None:
    floor = stocked_floor(2)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        assert await master.ask(GOLDEN["transport-move-2"]) == GOLDEN["move-answer"]
        assert await _state(master) == [MOVING, 2, 1, 0, 0]
        assert floor.at(CARRIER) is not None
        assert floor.at(infeed(0)) is None
        await asyncio.sleep(3)
        assert await master.ask(GOLDEN["transport-state"]) == GOLDEN["transport-after-one-move"]
        presence = await master.ask(GOLDEN["transport-read-presence"])
        assert presence == GOLDEN["transport-blanks-and-infeed-0"]
    assert floor.at(CARRIER) is None
    assert [drawn.what for drawn in transport.drawn()] == ["home", "move"]
    assert transport.drawn()[1].duration_s == pytest.approx(1.5, rel=0.3)


async def test_pace_divides_the_times() -> None:
    slow, fast = _transport(stocked_floor(1)), _transport(stocked_floor(1), factor=20.0)
    for transport in (slow, fast):
        async with connected(transport) as master:
            await _home(master)
    assert slow.drawn()[0].duration_s == pytest.approx(20 * fast.drawn()[0].duration_s)


async def test_the_number_that_is_there_starts_nothing() -> None:
    floor = stocked_floor(3)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        for _ in range(3):
            assert await master.command(UNIT, 1, 0, 1, 2) == 0
        await asyncio.sleep(3)
        assert await master.command(UNIT, 1, 0, 3, 2) == 0  # even with another destination
        await asyncio.sleep(3)
        assert await _state(master) == [READY, 2, 2, 0, 1]
        assert await master.read(UNIT, 3, 0, 4) == [1, 0, 1, 2]
    assert len(floor.store(MAGAZINE)) == 2
    assert len(transport.drawn()) == 2


async def test_numbers_run_to_65535_and_begin_again_at_1() -> None:
    floor = stocked_floor(3)
    async with connected(_transport(floor)) as master:
        await _home(master, 65534)
        assert await master.command(UNIT, 1, 0, 1, 65535) == 0
        await asyncio.sleep(3)
        assert await master.command(UNIT, 1, 1, 2, 0) == 3  # 0 is never a number
        assert await master.command(UNIT, 1, 1, 2, 1) == 0
        await asyncio.sleep(3)
        assert await _state(master) == [READY, 1, 1, 0, 2]


async def test_a_command_while_moving_is_refused_and_not_counted_as_started() -> None:
    floor = stocked_floor(3)
    async with connected(_transport(floor)) as master:
        await _home(master)
        await master.command(UNIT, 1, 0, 1, 2)
        assert await master.command(UNIT, 1, 0, 3, 3) == 6
        assert await master.command(UNIT, 2, 0, 0, 3) == 6
        assert await master.command(UNIT, 3, 0, 0, 3) == 6
        assert (await _state(master))[1] == 2
        await asyncio.sleep(3)
        assert await master.command(UNIT, 1, 0, 3, 3) == 0


@pytest.mark.parametrize(
    "block",
    [
        (1, 9, 1, 2),  # no such source
        (1, 0, 9, 2),  # no such destination
        (1, 0x60, 1, 2),  # a bin gives nothing back
        (1, 1, 0, 2),  # nor does the magazine take
        (1, 0, 0x63, 2),
        (1, 0, 0x73, 2),  # there are three trays
        (1, 1, 1, 2),
        (4, 0, 0, 2),  # no such command
        (0, 0, 0, 2),
    ],
)
async def test_impossible_commands_are_refused(block: tuple[int, ...]) -> None:
    async with connected(_transport(stocked_floor(1))) as master:
        await _home(master)
        assert await master.command(UNIT, *block) == 3
        assert await _state(master) == [READY, 1, 1, 0, 0]


async def test_faults_1_and_2_move_nothing() -> None:
    floor = stocked_floor(2)
    async with connected(_transport(floor)) as master:
        await _home(master)
        await master.command(UNIT, 1, 3, 5, 2)
        answer = await master.ask(GOLDEN["transport-state"])
        assert answer == GOLDEN["transport-nothing-at-source"]
        assert await master.command(UNIT, 1, 0, 1, 3) == 6  # not before the fault is cleared
        assert await master.command(UNIT, 3, 0, 0, 3) == 0
        await master.command(UNIT, 1, 0, 1, 4)
        await asyncio.sleep(3)
        await master.command(UNIT, 1, 0, 1, 5)
        assert await _state(master) == [FAULT, 5, 4, 2, 1]
    assert len(floor.store(MAGAZINE)) == 1
    assert floor.at(infeed(0)) is not None


async def test_bins_and_trays_hold_many_and_count_until_exchanged() -> None:
    floor = stocked_floor(5)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        for sequence, destination in enumerate((0x60, 0x61, 0x61, 0x72, 0x72), start=2):
            assert await master.command(UNIT, 1, 0, destination, sequence) == 0
            await asyncio.sleep(3)
        assert await master.read(UNIT, 4, 0x10, 3) == [1, 2, 0]
        assert await master.read(UNIT, 4, 0x20, 3) == [0, 0, 2]
        assert await master.sensors(UNIT, 0x60, 3) == [True, True, False]
        assert await master.sensors(UNIT, 0x70, 3) == [False, False, True]
        assert await master.sensors(UNIT, 0, 1) == [False]
        transport.exchange(0x61)
        assert await master.read(UNIT, 4, 0x10, 3) == [1, 0, 0]
    assert len(floor.store(QUARANTINE_BIN)) == len(floor.store(tray(2))) == 2
    assert len(floor.store(REJECT_BIN)) == 1


async def test_one_reject_reads_as_laid_down() -> None:
    async with connected(_transport(stocked_floor(1))) as master:
        await _home(master)
        await master.command(UNIT, 1, 0, 0x60, 2)
        await asyncio.sleep(3)
        answer = await master.ask(GOLDEN["transport-read-bins"])
        assert answer == GOLDEN["transport-one-rejected"]


async def test_a_jam_bends_the_card_until_a_person_takes_it() -> None:
    floor = stocked_floor(2)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        transport.jam_next()
        await master.command(UNIT, 1, 0, 1, 2)
        await asyncio.sleep(3)
        assert await _state(master) == [FAULT, 2, 1, 3, 0]
        assert await master.command(UNIT, 3, 0, 0, 3) == 6
        card = transport.take_from_carrier()
        assert card is not None
        assert card.damaged
        assert await master.command(UNIT, 3, 0, 0, 3) == 0
        assert await master.command(UNIT, 1, 0, 1, 4) == 0
        await asyncio.sleep(3)
        assert await _state(master) == [READY, 4, 4, 0, 1]
    assert floor.at(HAND) is card
    assert transport.take_from_carrier() is None


async def test_a_lost_workpiece_costs_a_homing() -> None:
    floor = stocked_floor(2)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        transport.lose_next()
        await master.command(UNIT, 1, 0, 1, 2)
        await asyncio.sleep(3)
        assert await _state(master) == [FAULT, 2, 1, 4, 0]
        transport.take_from_carrier()
        assert await master.command(UNIT, 3, 0, 0, 3) == 0
        assert (await _state(master))[0] == NOT_HOMED
        assert await master.command(UNIT, 1, 0, 1, 4) == 6
        await master.command(UNIT, 2, 0, 0, 4)
        await asyncio.sleep(10)
        assert (await _state(master))[0] == READY


async def test_a_power_cut_leaves_the_card_on_the_carrier_and_the_numbers_known() -> None:
    floor = stocked_floor(2)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        await master.command(UNIT, 1, 0, 0x60, 2)
        await asyncio.sleep(3)
        await master.command(UNIT, 1, 0, 1, 3)
        await asyncio.sleep(0.5)
        transport.cut_power()
        assert await master.ask(GOLDEN["transport-state"]) == b""
        await asyncio.sleep(60)
        assert floor.at(CARRIER) is not None
        transport.restore_power()
        assert await _state(master) == [NOT_HOMED, 3, 2, 0, 1]
        assert await master.read(UNIT, 4, 0x10, 1) == [1]
        await master.command(UNIT, 2, 0, 0, 4)
        await asyncio.sleep(10)
        assert await _state(master) == [FAULT, 4, 2, 4, 1]
        assert await master.command(UNIT, 3, 0, 0, 5) == 6
        assert transport.take_from_carrier() is not None
        assert await master.command(UNIT, 3, 0, 0, 5) == 0
        assert await _state(master) == [NOT_HOMED, 5, 5, 0, 1]
    assert _everywhere(floor) == [1, 2]


async def test_half_a_request_is_lost_with_the_power() -> None:
    transport = _transport(stocked_floor(1))
    home = GOLDEN["transport-home-1"]
    async with connected(transport) as master:
        assert await master.ask(home[:9]) == b""
        transport.cut_power()
        transport.restore_power()
        assert await master.ask(home[9:]) == b""
        assert await _state(master) == [NOT_HOMED, 0, 0, 0, 0]


async def test_a_move_goes_on_when_the_wire_is_cut() -> None:
    floor = stocked_floor(1)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        await master.command(UNIT, 1, 0, 2, 2)
    await asyncio.sleep(3)
    assert floor.at(outfeed(0)) is not None
    async with connected(transport) as master:
        assert await _state(master) == [READY, 2, 2, 0, 1]


async def test_mute_carries_out_what_it_does_not_answer() -> None:
    floor = stocked_floor(1)
    transport = _transport(floor)
    async with connected(transport) as master:
        await _home(master)
        transport.mute = True
        assert await master.ask(GOLDEN["transport-move-2"]) == b""
        await asyncio.sleep(3)
        transport.mute = False
        assert await _state(master) == [READY, 2, 2, 0, 1]


async def test_lost_memory_reads_as_0() -> None:
    transport = _transport(stocked_floor(1))
    async with connected(transport) as master:
        await _home(master, 77)
        transport.lose_memory()
        assert (await _state(master))[1:3] == [0, 0]
        assert await master.command(UNIT, 1, 0, 1, 77) == 0


async def test_a_card_put_in_the_way_jams_and_is_not_lost() -> None:
    floor = stocked_floor(2)
    async with connected(_transport(floor)) as master:
        await _home(master)
        await master.command(UNIT, 1, 0, 1, 2)
        floor.move(MAGAZINE, infeed(0))
        await asyncio.sleep(3)
        assert await _state(master) == [FAULT, 2, 1, 3, 0]
    assert _everywhere(floor) == [1, 2]


async def test_a_card_put_on_the_carrier_stops_the_next_move() -> None:
    floor = stocked_floor(2)
    async with connected(_transport(floor)) as master:
        await _home(master)
        floor.move(MAGAZINE, CARRIER)
        await master.command(UNIT, 1, 0, 1, 2)
        assert await _state(master) == [FAULT, 2, 1, 4, 0]
    assert len(floor.store(MAGAZINE)) == 1


async def test_chance_jams_and_loses_by_its_shares_and_seed() -> None:
    faults = [await _faults_of_300_moves() for _ in range(2)]
    assert faults[0] == faults[1]
    assert 10 < faults[0].count(3) < 60
    assert 10 < faults[0].count(4) < 60


async def _faults_of_300_moves() -> list[int]:
    floor = stocked_floor(300)
    transport = _transport(floor, settings=TransportSettings(jam_share=0.1, lost_share=0.1))
    taken: list[PhysicalCard] = []
    faults = []
    async with connected(transport) as master:
        for number in range(1, 1201, 4):
            await master.command(UNIT, 2, 0, 0, number)
            await asyncio.sleep(10)
            await master.command(UNIT, 1, 0, 0x60, number + 1)
            await asyncio.sleep(5)
            faults.append((await _state(master))[3])
            if transport.take_from_carrier() is not None:
                taken.append(floor.move(HAND, REJECT_BIN, into_store=True))
            await master.command(UNIT, 3, 0, 0, number + 2)
    assert len(floor.store(REJECT_BIN)) == 300
    return faults
