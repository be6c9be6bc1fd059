"""The E5CC at its bytes, and the roller's curve behind it."""

import asyncio
from random import Random

import pytest

from simulators.laminator import LaminatorSettings, SimulatedLaminator
from simulators.machine import Pace
from tests.unit.simulators.modbus_bench import Master, connected, golden, stocked_floor, with_crc

GOLDEN = golden()
STOP_BIT, WRITING_BIT = 1 << 24, 1 << 25


def _laminator(factor: float = 1.0) -> SimulatedLaminator:
    pace = Pace(Random(3), factor)
    return SimulatedLaminator(stocked_floor(1), 1, pace, LaminatorSettings(), "LM-000123")


async def _heat(master: Master, unit: int, set_point: int = 1250) -> None:
    """Allow writing, set 0.1 degrees, run."""
    assert await master.write(unit, 0x0000, 0x0001) == 0
    assert await master.write(unit, 0x2103, set_point) == 0
    assert await master.write(unit, 0x0000, 0x0100) == 0


async def _status(master: Master, unit: int) -> int:
    high, low = await master.read(unit, 3, 0x0002, 2)
    return high << 16 | low


async def test_the_golden_dialogue() -> None:
    """Stopped and not writable at first; writing on; every write is echoed."""
    async with connected(_laminator()) as master:
        read_status = GOLDEN["e5cc-read-status"]
        assert await master.ask(read_status) == GOLDEN["e5cc-status-stopped"]
        set_point = GOLDEN["write-set-point-125"]
        assert await master.ask(set_point) == GOLDEN["e5cc-writing-refused"]
        assert await master.ask(GOLDEN["run"]) == GOLDEN["e5cc-writing-refused"]
        writing_on = GOLDEN["communications-writing-on"]
        assert await master.ask(writing_on) == writing_on
        assert await master.ask(read_status) == GOLDEN["e5cc-status-stopped-writing-on"]
        assert await master.ask(set_point) == set_point
        for name in ("write-alarm-limits", "write-four-byte-mode"):
            assert await master.ask(GOLDEN[name]) == GOLDEN[f"{name}-answer"]
        for name in ("run", "stop", "run"):
            assert await master.ask(GOLDEN[name]) == GOLDEN[name]
        answer = await master.ask(GOLDEN["read-pv-status-sp"])
        assert answer[:3] == bytes((1, 3, 6))
        assert answer[7:9] == bytes.fromhex("04 E2")
        assert answer == with_crc(answer[:-2])


async def test_both_maps_show_the_same_variables() -> None:
    async with connected(_laminator()) as master:
        await _heat(master, 2)
        await master.ask(with_crc(b"\x02" + GOLDEN["write-alarm-limits"][1:-2]))
        assert await master.read(2, 3, 0x2103, 4) == [1250, 0, 1000, 0x10000 - 1000]
        assert await master.read(2, 3, 0x0106, 2) == [0, 1250]
        assert await master.read(2, 3, 0x010A, 4) == [0, 1000, 0xFFFF, 0x10000 - 1000]
        assert await master.read(2, 3, 0x2D14, 1) == [1]
        assert await master.read(2, 3, 0x0D28, 2) == [0, 1]
        present, status, set_point, current, output, cooling = await master.read(2, 3, 0x2000, 6)
        assert 190 <= present <= 210
        assert status == await _status(master, 2) & 0xFFFF == 1 << 8
        assert (set_point, current, output, cooling) == (1250, 80, 1000, 0)
        assert (await master.read(2, 3, 0x0000, 12))[4:6] == [0, 1250]
        assert (await master.read(1, 3, 0x2103, 1)) == [0]  # the other zone is untouched


@pytest.mark.parametrize(
    ("address", "value", "code"),
    [
        (0x2103, 2001, 3),  # over the set point's upper limit
        (0x2103, -1, 3),
        (0x2104, -2000, 3),
        (0x2D14, 2, 3),
        (0x2000, 1, 2),  # the present value cannot be written
        (0x2107, 1, 2),
        (0x0106, 1, 2),  # single writes are for two-byte mode
        (0x0000, 0x0002, 3),  # no such information
        (0x0000, 0x0700, 3),  # no such operation
        (0x0000, 0x0301, 4),  # tuning while stopped
        (0xFFFF, 0x0100, 0),  # the other address of operation commands
        (0x0000, 0x0207, 0),
        (0x0000, 0x0C0F, 0),
    ],
)
async def test_single_writes(address: int, value: int, code: int) -> None:
    async with connected(_laminator()) as master:
        await master.write(1, 0x0000, 0x0001)
        assert await master.write(1, address, value) == code


@pytest.mark.parametrize("address", [0x0001, 0x000D, 0x000C, 0x2006, 0x2100, 0x2D15, 0xFFFF])
async def test_addresses_that_are_not_there(address: int) -> None:
    async with connected(_laminator()) as master:
        ask = with_crc(bytes((1, 3)) + address.to_bytes(2, "big") + b"\0\2")
        assert await master.ask(ask) == with_crc(b"\x01\x83\x02")


async def test_a_block_with_one_bad_value_writes_nothing() -> None:
    async with connected(_laminator()) as master:
        await _heat(master, 1)
        block = with_crc(bytes.fromhex("01 10 21 03 00 02 04 03 E8 7F FF"))
        assert await master.ask(block) == with_crc(b"\x01\x90\x03")
        assert await master.read(1, 3, 0x2103, 2) == [1250, 0]


async def test_the_controller_knows_neither_input_registers_nor_identification() -> None:
    async with connected(_laminator()) as master:
        for body, answer in (("01 04 20 00 00 01", "01 84 01"), ("01 2B 0E 01 00", "01 AB 01")):
            asked = with_crc(bytes.fromhex(body))
            assert await master.ask(asked) == with_crc(bytes.fromhex(answer))


async def test_status_bits_follow_the_operation_commands() -> None:
    async with connected(_laminator()) as master:
        await _heat(master, 1)
        for operation, bit in ((0x0401, 20), (0x0302, 23), (0x0901, 26)):
            before = await _status(master, 1)
            assert await master.write(1, 0, operation) == 0
            assert await _status(master, 1) == before | 1 << bit
        await master.write(1, 0x2103, 1300)
        assert await _status(master, 1) & 1 << 21  # RAM differs from non-volatile memory
        await master.write(1, 0, 0x0500)
        assert not await _status(master, 1) & 1 << 21
        assert await master.ask(with_crc(bytes.fromhex("01 06 00 00 06 00"))) == b""  # reset
        assert await _status(master, 1) == STOP_BIT


async def test_warm_up_takes_about_three_minutes_and_pace_divides_it() -> None:
    for factor in (1.0, 20.0):
        laminator = _laminator(factor)
        async with connected(laminator) as master:
            await _heat(master, 1)
            assert laminator.temperature_c(1) == pytest.approx(20.0, abs=0.1)
            await asyncio.sleep(120 / factor)
            assert 100 < laminator.temperature_c(1) < 120
            await asyncio.sleep(70 / factor)
            assert 122 < laminator.temperature_c(1) < 125
            assert laminator.temperature_c(2) == 20.0
            (present,) = await master.read(1, 3, 0x2000, 1)
            assert present == pytest.approx(10 * laminator.temperature_c(1), abs=3)


async def test_a_lower_set_point_is_reached_by_cooling_and_then_held() -> None:
    laminator = _laminator()
    async with connected(laminator) as master:
        await _heat(master, 1, 1500)
        await asyncio.sleep(600)
        await master.write(1, 0x2103, 1200)
        await asyncio.sleep(60)
        assert 120 < laminator.temperature_c(1) < 145
        assert not await _status(master, 1) & 1 << 8
        await asyncio.sleep(600)
        assert laminator.temperature_c(1) == pytest.approx(120.0)


async def test_without_power_it_cools_along_its_curve_and_wakes_stopped() -> None:
    laminator = _laminator()
    async with connected(laminator) as master:
        await _heat(master, 1)
        await asyncio.sleep(600)
        laminator.cut_power()
        await asyncio.sleep(300)
        laminator.restore_power()
        assert laminator.temperature_c(1) == pytest.approx(20 + 105 * 0.6065, abs=0.1)
        assert await _status(master, 1) == STOP_BIT
        assert await master.read(1, 3, 0x2103, 1) == [1250]
        await _heat(master, 1)
        await asyncio.sleep(60)
        assert laminator.temperature_c(1) > 105


async def test_a_broken_heater_shows_as_an_alarm_without_current() -> None:
    laminator = _laminator()
    async with connected(laminator) as master:
        await _heat(master, 1)
        laminator.fail_heat(1)
        await asyncio.sleep(300)
        assert laminator.temperature_c(1) == pytest.approx(20.0)
        assert await _status(master, 1) == WRITING_BIT | 1 << 8 | 1 << 10
        assert await master.read(1, 3, 0x2003, 2) == [0, 1000]
        laminator.repair_heat(1)
        await asyncio.sleep(300)
        assert laminator.temperature_c(1) == pytest.approx(125.0, abs=1)
