"""mbpoll, a Modbus master on libmodbus, works the simulated laminator and transport."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.serving import on_pseudo_terminals
from simulators.transport import SimulatedTransport, TransportSettings
from tests.contract.ways import until
from tests.peers.peer import Said, peer, run

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

COILS, DISCRETE, INPUT, HOLDING = "0", "1", "3", "4"
UPPER, MECHANICS, TRANSPORT = 1, 3, 10


class Master:
    """mbpoll on one port."""

    def __init__(self, url: str) -> None:
        self._program = peer("mbpoll", "mbpoll", "-V")
        self._port = urlsplit(url).path

    async def ask(self, unit: int, table: str, address: int, *more: object) -> Said:
        line = ("-m", "rtu", "-b", 115200, "-P", "none", "-q", "-1", "-0", "-o", 2)
        return await run(
            self._program, *line, "-a", unit, "-t", table, "-r", address, self._port, *more
        )

    async def read(self, unit: int, table: str, address: int, count: int) -> list[int]:
        said = await self.ask(unit, table, address, "-c", count)
        assert said.status == 0, said.text
        rows = re.findall(r"^\[(\d+)\]:\s+(-?\d+)", said.text, re.MULTILINE)
        assert [int(row) for row, _ in rows] == list(range(address, address + count))
        return [int(value) for _, value in rows]

    async def write(self, unit: int, address: int, *values: int) -> None:
        said = await self.ask(unit, HOLDING, address, *values)
        assert said.status == 0, said.text
        assert f"Written {len(values)} references." in said.text

    async def refused(self, unit: int, table: str, address: int, *more: object) -> str:
        said = await self.ask(unit, table, address, *more)
        assert "failed" in said.text, said.text
        return said.text


@asynccontextmanager
async def master_of(machine: Machine, folder: Path) -> AsyncIterator[Master]:
    async with on_pseudo_terminals({"machine": machine}, folder) as urls:
        yield Master(urls["machine"])


def floor_with_blanks() -> Floor:
    floor = Floor()
    floor.load_blanks(2, (ChipMemory.new(bytes((n,)) * 8) for n in range(2)))
    return floor


def pace() -> Pace:
    return Pace(Random(1), 200.0)


async def test_a_heat_zone_is_read_set_and_started(tmp_path: Path) -> None:
    machine = SimulatedLaminator(Floor(), 0, pace(), LaminatorSettings(), "LAM-1")
    async with master_of(machine, tmp_path) as master:
        present, status, set_point = await master.read(UPPER, HOLDING, 0x2000, 3)
        assert 195 <= present <= 205
        assert set_point == 0
        # Four-byte mode: the whole status, high word first; bit 24 is STOP, 25 writing enabled.
        high, low = await master.read(UPPER, HOLDING, 0x0002, 2)
        assert (high & 0x0300, low) == (0x0100, status)
        why = await master.refused(UPPER, HOLDING, 0x2103, 1250)
        assert "Slave device or server failure" in why
        assert await master.read(UPPER, HOLDING, 0x2103, 1) == [0]
        await master.write(UPPER, 0x0000, 0x0001)
        await master.write(UPPER, 0x2103, 1250)
        assert await master.read(UPPER, HOLDING, 0x2103, 1) == [1250]
        await master.write(UPPER, 0x0000, 0x0100)
        high, _ = await master.read(UPPER, HOLDING, 0x0002, 2)
        assert high & 0x0300 == 0x0200
        await until(lambda: machine.temperature_c(1) > 120)
        [present] = await master.read(UPPER, HOLDING, 0x2000, 1)
        assert present > 1190


async def test_what_the_map_does_not_have_is_refused_as_the_standard_says(tmp_path: Path) -> None:
    machine = SimulatedLaminator(Floor(), 0, pace(), LaminatorSettings(), "LAM-1")
    async with master_of(machine, tmp_path) as master:
        for unit, table, address in (
            (UPPER, HOLDING, 0x2328),
            (MECHANICS, INPUT, 0x0100),
            (MECHANICS, HOLDING, 0x0004),
            (MECHANICS, DISCRETE, 0x0002),
        ):
            assert "Illegal data address" in await master.refused(unit, table, address)
        assert "Illegal function" in await master.refused(MECHANICS, COILS, 0)
        assert "Connection timed out" in await master.refused(9, HOLDING, 0)


async def test_the_laminator_s_mechanics_home_once_a_number(tmp_path: Path) -> None:
    machine = SimulatedLaminator(Floor(), 0, pace(), LaminatorSettings(), "LAM-1")
    async with master_of(machine, tmp_path) as master:
        state = await master.read(MECHANICS, INPUT, 0, 13)
        assert state[:5] == [0, 0, 0, 0, 0]
        assert state[12] == 2000
        assert await master.read(MECHANICS, DISCRETE, 0, 2) == [0, 1]
        # Not homed: laminating is refused as busy, and does not count as started.
        why = await master.ask(MECHANICS, HOLDING, 0, 1, 8000, 300, 1)
        assert "Slave device or server is busy" in why.text
        assert await master.read(MECHANICS, INPUT, 1, 2) == [0, 0]
        await master.write(MECHANICS, 0, 3, 0, 0, 1)
        await until(lambda: not machine._mechanics.motion.running)
        assert await master.read(MECHANICS, INPUT, 0, 3) == [1, 1, 1]
        await master.write(MECHANICS, 0, 3, 0, 0, 1)
        assert [each.what for each in machine.drawn()] == ["home"]


async def test_the_transport_moves_a_card_once_a_number(tmp_path: Path) -> None:
    floor = floor_with_blanks()
    settings = TransportSettings(jam_share=0.0, lost_share=0.0)
    machine = SimulatedTransport(floor, 1, 1, pace(), settings, "TRN-1")
    async with master_of(machine, tmp_path) as master:
        assert await master.read(TRANSPORT, DISCRETE, 0, 3) == [1, 0, 0]
        await master.write(TRANSPORT, 0, 2, 0, 0, 1)
        await until(lambda: not machine._motion.running)
        for _ in range(2):
            await master.write(TRANSPORT, 0, 1, 0, 1, 2)
            await until(lambda: not machine._motion.running)
        # The second telling of number 2 moved nothing.
        assert await master.read(TRANSPORT, INPUT, 0, 6) == [1, 2, 2, 0, 0, 1]
        assert floor.at(infeed(0)) is not None
        assert len(floor.store(MAGAZINE)) == 1
        await master.write(TRANSPORT, 0, 1, 1, 0x60, 3)
        await until(lambda: not machine._motion.running)
        assert await master.read(TRANSPORT, INPUT, 0x10, 1) == [1]
        await master.write(TRANSPORT, 0, 1, 1, 0x60, 4)
        assert await master.read(TRANSPORT, INPUT, 0, 4) == [4, 4, 3, 1]
        assert "Illegal data value" in await master.refused(TRANSPORT, HOLDING, 0, 1, 0, 99, 5)
