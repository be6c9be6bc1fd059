"""The simulated read-back reader, held to the golden bytes of the SDT protocol."""

import asyncio
import hashlib
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random

import pytest

from simulators.floor import (
    HAND,
    MAGAZINE,
    ChipHealth,
    ChipMemory,
    Floor,
    LifeCycle,
    infeed,
    outfeed,
)
from simulators.machine import Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.sdt_frames import Status, answer
from simulators.wire import MemoryWire, memory_pair

VECTORS_FILE = Path(__file__).parents[2] / "vectors" / "sdt.toml"
DOCUMENT = tomllib.loads(VECTORS_FILE.read_text(encoding="utf-8"))
VECTORS = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in DOCUMENT["vector"]}
GOLDEN = DOCUMENT["golden_base"][0]
PREAMBLE = bytes.fromhex("AAAAAA9669")
SAM_ID = "05.01-20100823-0000123456-1234567890"
CHIP_SERIAL = bytes(range(0x11, 0x19))
CARD_SERIAL = bytes(range(0x21, 0x31))
TEXT = b"".join(
    field.ljust(width // 2).encode("utf-16-le")
    for field, width in zip(GOLDEN["fields"], GOLDEN["widths_bytes"], strict=True)
)
PHOTO = bytes(range(256)) * 4


class Host:
    def __init__(self, wire: MemoryWire) -> None:
        self.wire = wire

    async def receive(self) -> bytes:
        """Return one whole frame."""
        data = b""
        async with asyncio.timeout(60.0):
            while len(data) < 7 or len(data) < 7 + int.from_bytes(data[5:7], "big"):
                data += await self.wire.receive()
        assert data.startswith(PREAMBLE)
        assert reduce(xor, data[5:]) == 0
        return data

    async def ask(self, name: str) -> bytes:
        await self.wire.send(VECTORS[name])
        return await self.receive()

    async def expect(self, name: str, answer_name: str) -> None:
        assert (await self.ask(name)).hex(" ") == VECTORS[answer_name].hex(" ")

    async def select(self) -> None:
        await self.expect("find", "found")
        await self.expect("select", "selected")

    async def silence(self) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.wire.receive(), 5.0)


def golden_chip() -> ChipMemory:
    chip = ChipMemory.new(CHIP_SERIAL)
    chip.files[1][:] = TEXT
    chip.files[2][:] = PHOTO
    chip.files[5][8:] = CARD_SERIAL
    chip.life_cycle = LifeCycle.OPERATIONAL
    return chip


def bench(*, card: bool = True) -> tuple[SimulatedReader, Floor, ChipMemory]:
    floor, chip = Floor(), golden_chip()
    floor.load_blanks(1, iter([chip]))
    if card:
        floor.move(MAGAZINE, infeed(8))
    return SimulatedReader(floor, 8, Pace(Random(3)), ReaderSettings(), SAM_ID), floor, chip


@asynccontextmanager
async def host_of(reader: SimulatedReader) -> AsyncIterator[Host]:
    near, far = memory_pair()
    async with asyncio.TaskGroup() as group:
        group.create_task(reader.serve(far))
        yield Host(near)
        await near.aclose()


REFUSALS = [Status(code) for code in (0x10, 0x11, 0x21, 0x23, 0x41, 0x60, 0x80, 0x81, 0x91)]


@pytest.mark.parametrize("status", REFUSALS)
def test_refusals_are_the_golden_ones(status: Status) -> None:
    assert answer(status) == VECTORS[f"error-{status:02X}"]


def test_a_refusal_carries_the_words_of_the_card() -> None:
    golden = VECTORS["error-41-with-card-words"]
    assert answer(Status.READ_FAILED, card_status=0x6A82) == golden


async def test_golden_dialogue_of_a_read() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.expect("status", "done")
        await host.expect("sam-id", "sam-id-answer")
        await host.select()
        base = await host.ask("read-base")
        assert base.startswith(VECTORS["base-answer-begin"])
        assert len(base) == GOLDEN["length_bytes"]
        assert hashlib.sha256(base[14:270]).hexdigest() == GOLDEN["text_sha256"]
        assert hashlib.sha256(base).hexdigest() == GOLDEN["frame_sha256"]
        management = await host.ask("read-management")
        golden = VECTORS["management-answer"]
        assert management[:10] == golden[:10]
        assert management[10:14] == bytes(4)
        assert management[14:-1] == golden[14:-1]
        await host.expect("read-addresses", "error-91")
    first, *others = reader.drawn()
    assert first.duration_s == pytest.approx(2.0, rel=0.2)
    assert all(other.duration_s < 0.2 for other in others)


@pytest.mark.parametrize(
    ("name", "rate"),
    [(f"set-rate-{rate}", rate) for rate in (115200, 57600, 38400, 19200, 9600)],
)
async def test_bit_rates(name: str, rate: int) -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.expect(name, "done")
    assert reader.bit_rate == rate


async def test_reset_and_radio_frames() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.expect("set-rf-80", "done")
        assert reader.largest_radio_frame_bytes == 80
        await host.expect("set-rf-88", "done")
        await host.expect("find", "found")
        await host.expect("reset", "done")
        await host.expect("select", "error-81")


async def test_steps_out_of_order_are_refused() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.expect("select", "error-81")
        await host.expect("read-base", "error-23")
        await host.expect("find", "found")
        await host.expect("read-management", "error-23")
        await host.expect("select", "selected")
        await host.expect("select", "error-81")
        assert len(await host.ask("read-management")) == 39  # before the base data: also allowed
        assert len(await host.ask("read-base")) == 1295
        await host.expect("read-base", "error-23")
        await host.expect("read-base-and-fingerprints", "error-23")


async def test_a_card_that_was_read_must_leave_before_it_is_found_again() -> None:
    reader, floor, _ = bench()
    async with host_of(reader) as host:
        await host.select()
        await host.ask("read-base")
        await host.expect("find", "error-80")
        await host.expect("reset", "done")
        await host.expect("find", "error-80")
        floor.move(infeed(8), outfeed(8))
        floor.move(outfeed(8), infeed(8))
        await host.select()
        assert len(await host.ask("read-base")) == 1295


async def test_no_card_or_a_mute_one_is_not_found() -> None:
    reader, floor, chip = bench(card=False)
    async with host_of(reader) as host:
        await host.expect("find", "error-80")
        chip.health = ChipHealth.MUTE
        floor.move(MAGAZINE, infeed(8))
        await host.expect("find", "error-80")
        chip.health = ChipHealth.GOOD
        await host.expect("find", "found")
        floor.move(infeed(8), HAND)
        await host.expect("select", "error-81")


async def test_a_card_that_leaves_during_the_read_fails() -> None:
    reader, floor, _ = bench()
    async with host_of(reader) as host:
        await host.select()
        asyncio.get_running_loop().call_later(1.0, floor.move, infeed(8), HAND)
        await host.expect("read-base", "error-41")
        floor.move(HAND, infeed(8))
        await host.select()


async def test_a_chip_that_is_not_locked_or_no_longer_lives_is_not_read() -> None:
    reader, floor, chip = bench()
    chip.life_cycle = LifeCycle.PERSONALISATION
    async with host_of(reader) as host:
        await host.select()
        assert await host.ask("read-base") == PREAMBLE + bytes.fromhex("00 04 69 85 41 A9")
        await host.expect("find", "error-80")
        chip.life_cycle = LifeCycle.TERMINATED
        floor.move(infeed(8), outfeed(8))
        floor.move(outfeed(8), infeed(8))
        await host.expect("find", "found")
        assert await host.ask("select") == PREAMBLE + bytes.fromhex("00 04 6A 82 81 6D")


@pytest.mark.parametrize(
    ("written", "length"), [([], 1297), ([0], 1809), ([700], 2321), ([5, 512], 2321)]
)
async def test_fingerprints_take_the_room_they_need(written: list[int], length: int) -> None:
    reader, _, chip = bench()
    for offset in written:
        chip.files[3][offset] = 0x5A
    async with host_of(reader) as host:
        await host.select()
        data = await host.ask("read-base-and-fingerprints")
    fingers = length - 1297
    assert len(data) == length
    assert data[10:16] == bytes.fromhex("0100 0400") + fingers.to_bytes(2, "big")
    assert data[16:-1] == TEXT + PHOTO + bytes(chip.files[3][:fingers])


async def test_added_addresses_come_without_a_length() -> None:
    reader, _, chip = bench()
    blank = " " * 35
    for number, address in enumerate(["示例路2号", "示例路3号", "", ""]):
        chip.files[4][70 * number : 70 * number + 70] = address.ljust(35).encode("utf-16-le")
    assert chip.files[4][140:210].decode("utf-16-le") == blank
    async with host_of(reader) as host:
        await host.select()
        data = await host.ask("read-addresses")
    assert data[10:-1] == bytes(chip.files[4][:140])


async def test_damaged_frames_are_named() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        for bad, name in [
            ("AA AA AA 96 69 00 03 11 FF EC", "error-10"),
            ("AA AA AA 96 69 00 02 11 13", "error-11"),
            ("AA AA AA 96 69 10 01", "error-11"),
            ("AA AA AA 96 69 00 04 11 FF 00 EA", "error-11"),
            ("AA AA AA 96 69 00 03 61 FF 9D", "error-11"),
            ("AA AA AA 96 69 00 03 30 02 31", "error-21"),
            ("AA AA AA 96 69 00 03 60 05 66", "error-21"),
            ("AA AA AA 96 69 00 04 61 FF 17 8D", "error-21"),
            ("AA AA AA 96 69 00 03 77 01 75", "error-21"),
        ]:
            await host.wire.send(bytes.fromhex(bad))
            assert (await host.receive()).hex(" ") == VECTORS[name].hex(" "), bad
        await host.wire.send(VECTORS["status"][:8])
        assert await host.receive() == VECTORS["error-11"]  # cut off, told after its time
        await host.expect("status", "done")


async def test_garbage_a_fourth_preamble_byte_and_single_bytes() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.wire.send(b"\x00\xaa\xaa\x96\x69\xff\xaa")
        for byte in VECTORS["status"]:
            await host.wire.send(bytes([byte]))
            await asyncio.sleep(0.001)
        assert await host.receive() == VECTORS["done"]
        await host.wire.send(VECTORS["find"] + VECTORS["select"])
        wanted = VECTORS["found"] + VECTORS["selected"]
        data = b""
        while len(data) < len(wanted):
            data += await host.wire.receive()
        assert data == wanted


async def test_a_power_cut_forgets_the_card_and_restores_the_rate() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.expect("set-rate-9600", "done")
        await host.select()
        await host.wire.send(VECTORS["read-base"])
        await asyncio.sleep(1.0)
        reader.cut_power()
        await host.silence()
        await host.wire.send(VECTORS["status"])
        await host.silence()
        reader.restore_power()
        assert reader.bit_rate == 115200
        await host.expect("read-base", "error-23")
        await host.select()
        assert len(await host.ask("read-base")) == 1295


async def test_a_read_is_finished_when_the_host_hangs_up() -> None:
    reader, _, _ = bench()
    async with host_of(reader) as host:
        await host.select()
        await host.wire.send(VECTORS["read-base"])
        await asyncio.sleep(0.1)
    async with host_of(reader) as host:
        await host.expect("find", "error-80")
        assert len(await host.ask("read-management")) == 39


async def test_back_doors() -> None:
    reader, floor, _ = bench()
    async with host_of(reader) as host:
        reader.selects_to_fail = 1
        await host.expect("find", "found")
        await host.expect("select", "error-81")
        await host.expect("select", "selected")
        reader.reads_to_fail = 1
        await host.expect("read-base", "error-41")
        await host.expect("find", "error-80")
        floor.move(infeed(8), outfeed(8))
        floor.move(outfeed(8), infeed(8))
        await host.select()
        reader.bytes_to_misread = 3
        text = (await host.ask("read-base"))[14:270]
        assert sum(a != b for a, b in zip(text, TEXT, strict=True)) == 3
        reader.self_test_fails = True
        await host.expect("status", "error-60")
        await host.expect("find", "error-60")
        reader.self_test_fails = False
        reader.broken_answers = 1
        await host.wire.send(VECTORS["status"])
        assert await host.wire.receive() == VECTORS["broken-timeout-answer"]
        reader.mute = True
        await host.wire.send(VECTORS["status"])
        await host.silence()


def test_the_serial_number_is_a_sam_id() -> None:
    with pytest.raises(ValueError, match="SAM id"):
        SimulatedReader(Floor(), 0, Pace(Random(0)), ReaderSettings(), "READER-1")
