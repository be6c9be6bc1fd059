"""socat between our driver and our machine: a null modem, a port server, a port on a network."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from drivers.errors import WireClosed
from drivers.open_wire import open_wire
from drivers.reader import ReadBackReader
from simulators.floor import MAGAZINE, ChipMemory, Floor, LifeCycle, infeed
from simulators.machine import Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.serving import on_pseudo_terminals, on_tcp
from tests.peers.peer import peer, started
from tests.peers.socat import joined, port

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

SAM_ID = "05.01-20100823-0000123456-1234567890"
CHIP_SERIAL, CARD_SERIAL = bytes(range(0x41, 0x49)), bytes(range(1, 17))
#: Every byte value, so that a line discipline that meddles with one shows.
TEXT, PHOTO = bytes(range(256)), bytes(reversed(range(256))) * 4


def reader_with_a_card() -> SimulatedReader:
    floor = Floor()
    chip = ChipMemory.new(CHIP_SERIAL)
    chip.files[1][:], chip.files[2][:], chip.files[5][8:] = TEXT, PHOTO, CARD_SERIAL
    chip.life_cycle = LifeCycle.OPERATIONAL
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    return SimulatedReader(floor, 0, Pace(Random(1), 50.0), ReaderSettings(), SAM_ID)


async def read_back(url: str) -> None:
    reader = ReadBackReader(await open_wire(url, 2.0))
    try:
        async with asyncio.timeout(20.0):
            assert (await reader.identify()).serial_number == SAM_ID
            card = await reader.read_card()
    finally:
        await reader.aclose()
    assert (card.text, card.photo) == (TEXT, PHOTO)
    assert (card.chip_serial, card.card_serial) == (CHIP_SERIAL, CARD_SERIAL)


@asynccontextmanager
async def virtual_port(far: str, link: Path) -> AsyncIterator[str]:
    """Let socat make a serial port whose far end is `far`."""
    async with joined(port(link), far):
        yield f"serial://{link}?baud=115200"


async def test_a_null_modem_carries_a_whole_reading(tmp_path: Path) -> None:
    machines = {"reader": reader_with_a_card()}
    async with on_pseudo_terminals(machines, tmp_path) as urls:
        far = f"{urlsplit(urls['reader']).path},raw,echo=0"
        async with virtual_port(far, tmp_path / "null-modem") as url:
            await read_back(url)


async def test_a_serial_port_whose_machine_is_on_the_network(tmp_path: Path) -> None:
    async with on_tcp({"reader": reader_with_a_card()}) as urls:
        far = f"tcp:{urlsplit(urls['reader']).netloc}"
        async with virtual_port(far, tmp_path / "to-network") as url:
            await read_back(url)


async def test_a_port_server_in_front_of_a_serial_machine(tmp_path: Path) -> None:
    program = peer("socat", "socat", "-V")
    machines = {"reader": reader_with_a_card()}
    async with on_pseudo_terminals(machines, tmp_path) as urls:
        near = "tcp-listen:0,bind=127.0.0.1"
        far = f"{urlsplit(urls['reader']).path},raw,echo=0"
        async with started(program, "-d", "-d", near, far) as server:
            assert server.stdout is not None
            async with asyncio.timeout(10.0):
                told = await server.stdout.readuntil(b"listening on ")
                told = await server.stdout.readline()
            number = re.search(rb":(\d+)\s*$", told)
            assert number is not None, told
            await read_back(f"tcp://127.0.0.1:{number[1].decode()}")


async def test_a_cable_that_is_pulled_out_is_a_wire_that_closed(tmp_path: Path) -> None:
    """The port of a killed socat vanishes as a USB adapter does."""
    machines = {"reader": reader_with_a_card()}
    async with on_pseudo_terminals(machines, tmp_path) as urls:
        far = f"{urlsplit(urls['reader']).path},raw,echo=0"
        async with virtual_port(far, tmp_path / "cable") as url:
            reader = ReadBackReader(await open_wire(url, 2.0))
            await reader.identify()
        with pytest.raises(WireClosed):
            await reader.identify()
        await reader.aclose()
