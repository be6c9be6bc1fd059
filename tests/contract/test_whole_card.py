"""All that a reader gives of a card, over every wire and bad ones, and in `station exercise`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import pytest

from controller.exercise import Exercised, exercise
from drivers.errors import DriverError, NoCard, ReadFailed
from drivers.reader import ReadBackReader
from drivers.wire import Wire
from jobs.chip_text import encode
from simulators.faults import Faulty, WireFaults
from simulators.floor import HAND, MAGAZINE, ChipMemory, Floor, LifeCycle, infeed
from simulators.machine import Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.wire import memory_pair
from tests.contract.ways import Way, noticed

SAM_ID = "05.01-20100823-0000123456-1234567890"
NAME, ADDRESS, NUMBER = "无名氏", "虚构县样例村1组1号", "229901199003070017"
TEXT = encode({"xm": NAME, "xbdm": "1", "mzdm": "01", "dzmc": ADDRESS, "gmsfhm": NUMBER})
PHOTO, FINGERPRINTS = bytes(range(256)) * 4, (b"\x5a" * 512, b"\xa5" * 512)
ADDED = ADDRESS.ljust(35).encode("utf-16-le")
CHIP_SERIAL, CARD_SERIAL = bytes(range(0x41, 0x49)), bytes(range(1, 17))


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedReader
    chip: ChipMemory

    def put_back(self) -> None:
        self.floor.move(infeed(0), HAND)
        self.floor.move(HAND, infeed(0))


def reader_with_card(pace: Pace) -> Bench:
    """Make a reader with a whole card in its field."""
    floor, chip = Floor(), ChipMemory.new(CHIP_SERIAL)
    chip.files[1][:], chip.files[2][:], chip.files[5][8:] = TEXT, PHOTO, CARD_SERIAL
    chip.files[3][:], chip.files[4][:70] = b"".join(FINGERPRINTS), ADDED
    chip.life_cycle = LifeCycle.OPERATIONAL
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    return Bench(floor, SimulatedReader(floor, 0, pace, ReaderSettings(), SAM_ID), chip)


@asynccontextmanager
async def in_memory(here: Bench, around: Callable[[Wire], Wire]) -> AsyncIterator[Wire]:
    near, far = memory_pair()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(here.machine.serve(far))
        yield around(near)
        task.cancel()


async def exercised(here: Bench) -> list[Exercised]:
    async with in_memory(here, lambda wire: wire) as wire:
        return [one async for one in exercise("reader", wire)]


async def test_a_whole_card_is_read_after_a_reset(way: Way, ports: Path) -> None:
    here = reader_with_card(way.pace())
    async with way.to(here.machine, ports) as opener:
        await noticed()
        reader = ReadBackReader(await opener())
        await reader.reset()
        await reader.limit_radio_frames(255)
        assert here.machine.largest_radio_frame_bytes == 255
        card = await reader.read_whole_card()
        assert (card.base.text, card.base.photo) == (TEXT, PHOTO)
        assert (card.base.chip_serial, card.base.card_serial) == (CHIP_SERIAL, CARD_SERIAL)
        assert (card.fingerprints, card.addresses) == (FINGERPRINTS, (ADDED,))
        await reader.aclose()


async def test_a_card_that_was_read_whole_must_leave_the_field() -> None:
    here = reader_with_card(Pace(Random(1)))
    async with in_memory(here, lambda wire: wire) as wire:
        reader = ReadBackReader(wire)
        await reader.read_whole_card()
        for reading in (reader.read_whole_card, reader.read_card):
            with pytest.raises(NoCard):
                await reading()
        here.put_back()
        assert (await reader.read_card()).text == TEXT


async def test_on_bad_wires_a_whole_card_is_right_or_not_read() -> None:
    faults = WireFaults(loss=0.1, corrupt=0.1, split=0.3, delay=0.1, repeat=0.1)
    right, failed = 0, Counter[str]()
    for seed in range(10):
        here = reader_with_card(Pace(Random(seed)))
        bad = partial(Faulty, random=Random(seed), faults=faults)
        async with in_memory(here, bad) as wire:
            reader = ReadBackReader(wire)
            for _ in range(3):
                try:
                    card = await reader.read_whole_card()
                except DriverError as error:
                    failed[error.code] += 1
                else:
                    right += 1
                    assert (card.base.text, card.base.photo) == (TEXT, PHOTO)
                    assert (card.fingerprints, card.addresses) == (FINGERPRINTS, (ADDED,))
                here.put_back()
    assert right >= 10, failed
    assert "device.fault" not in failed


async def test_an_exercise_tells_sizes_and_nothing_of_the_person() -> None:
    here = reader_with_card(Pace(Random(1)))
    sizes = (
        "text of 256 bytes, photo of 1024 bytes, fingerprints of 1024 bytes, "
        "added addresses of 70 bytes"
    )
    verbs = await exercised(here)
    assert [(one.verb, one.done, one.said) for one in verbs] == [
        ("identify", True, f"SDT read-back reader, {SAM_ID}"),
        ("reset the module", True, "done"),
        ("limit radio frames", True, "done"),
        ("read back", True, sizes),
    ]
    assert here.machine.largest_radio_frame_bytes == 88


async def test_an_exercise_refuses_a_foreigner_s_card() -> None:
    here = reader_with_card(Pace(Random(1)))
    here.chip.files[1][248:250] = b"I\0"
    [*_, last] = await exercised(here)
    assert (last.done, last.said) == (True, "refused: its text is not laid out as a citizen's")


async def test_a_card_that_leaves_in_between_is_not_read() -> None:
    here = reader_with_card(Pace(Random(1)))

    class Taken:
        """A wire that lets a person take the card once it has been read."""

        def __init__(self, wire: Wire) -> None:
            self.receive, self.aclose, self._wire = wire.receive, wire.aclose, wire

        async def send(self, data: bytes) -> None:
            if data[7:9] == b"\x30\x03":
                here.floor.move(infeed(0), HAND)
            await self._wire.send(data)

    async with in_memory(here, Taken) as wire:
        with pytest.raises(ReadFailed, match="lost its place"):
            await ReadBackReader(wire).read_whole_card()
