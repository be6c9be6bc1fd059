"""What the read-back reader's driver promises, over every kind of wire.

On a real reader: put one finished card into its field.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import NoCard, ReadFailed
from drivers.reader import ReadBackReader
from simulators.floor import HAND, MAGAZINE, ChipMemory, Floor, LifeCycle, infeed
from simulators.reader import ReaderSettings, SimulatedReader
from tests.contract.ways import Opener, Way, hang_up_during, noticed

SAM_ID = "05.01-20100823-0000123456-1234567890"
CHIP_SERIAL, CARD_SERIAL = bytes(range(0x41, 0x49)), bytes(range(1, 17))
TEXT, PHOTO = b"\x34\x12" * 128, bytes(range(256)) * 4


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedReader
    open: Opener

    async def reader(self) -> ReadBackReader:
        await noticed()
        return ReadBackReader(await self.open())

    def is_reading(self) -> bool:
        return self.machine._reading.running

    def put_back(self) -> None:
        """Take the card out of the field and put it in again, as each new reading needs."""
        self.floor.move(infeed(0), HAND)
        self.floor.move(HAND, infeed(0))


@asynccontextmanager
async def reading(way: Way, ports: Path) -> AsyncIterator[Bench]:
    """Serve a reader (station 0) with a finished card in its field."""
    floor = Floor()
    chip = ChipMemory.new(CHIP_SERIAL)
    chip.files[1][:], chip.files[2][:], chip.files[5][8:] = TEXT, PHOTO, CARD_SERIAL
    # What a card may hold beside them changes nothing: fingerprints and an added address.
    chip.files[3][:], chip.files[4][:70] = b"\x5a" * 1024, b"\x34\x12" * 35
    chip.life_cycle = LifeCycle.OPERATIONAL
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    # A reading lasts long enough to be caught, however fast the machine is paced.
    machine = SimulatedReader(floor, 0, way.pace(), ReaderSettings(read_s=2.5), SAM_ID)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_and_reads_the_whole_card(any_way: Way, ports: Path) -> None:
    async with reading(any_way, ports) as here:
        reader = await here.reader()
        identity = await reader.identify()
        assert identity.kind == "reader"
        card = await reader.read_card()
        assert (len(card.text), len(card.photo)) == (256, 1024)
        if not any_way.is_real_machine:
            assert identity.serial_number == SAM_ID
            assert (card.text, card.photo) == (TEXT, PHOTO)
            assert (card.chip_serial, card.card_serial) == (CHIP_SERIAL, CARD_SERIAL)
        await reader.aclose()


async def test_a_card_is_read_again_only_after_it_left_the_field(way: Way, ports: Path) -> None:
    async with reading(way, ports) as here:
        reader = await here.reader()
        await reader.read_card()
        with pytest.raises(NoCard):
            await reader.read_card()
        here.put_back()
        assert (await reader.read_card()).text == TEXT
        await reader.aclose()


async def test_a_reading_cut_off_by_a_hang_up_is_done_again(way: Way, ports: Path) -> None:
    async with reading(way, ports) as here:
        reader = await here.reader()
        await hang_up_during(reader.read_card(), reader, here.is_reading)
        here.put_back()
        reader = await here.reader()
        card = await reader.read_card()
        assert (card.text, card.photo, card.card_serial) == (TEXT, PHOTO, CARD_SERIAL)
        await reader.aclose()


async def test_a_reading_cut_off_by_the_reader_s_power_is_done_again(way: Way, ports: Path) -> None:
    async with reading(way, ports) as here:
        reader = await here.reader()
        await hang_up_during(reader.read_card(), reader, here.is_reading, here.machine)
        reader = await here.reader()
        assert (await reader.read_card()).card_serial == CARD_SERIAL
        await reader.aclose()


async def test_no_card_and_a_card_that_is_not_locked_are_told_apart(way: Way, ports: Path) -> None:
    async with reading(way, ports) as here:
        reader = await here.reader()
        card = here.floor.at(infeed(0))
        assert card is not None
        card.chip.life_cycle = LifeCycle.PERSONALISATION
        with pytest.raises(ReadFailed):
            await reader.read_card()
        here.floor.move(infeed(0), HAND)
        with pytest.raises(NoCard):
            await reader.read_card()
        await reader.aclose()
