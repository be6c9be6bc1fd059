"""`station speed` at a port of the kernel whose machine hears how the port is really set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from drivers.errors import WrongSpeed
from drivers.open_wire import open_wire
from drivers.reader import ReadBackReader, ReaderTimeouts
from drivers.serial_settings import SerialSettings
from drivers.serial_wire import open_serial
from simulators.floor import Floor
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.serving import on_pseudo_terminals, on_tcp
from tests.contract.uart_line import AtItsSpeed
from tests.system import warm

pytestmark = pytest.mark.real_time

#: Time-outs are waited for here.
SHORT = ReaderTimeouts(0.05)
SAM_ID = "05.01-20100823-0000123456-1234567890"


@dataclass
class Bench:
    machine: SimulatedReader
    url: str
    folder: Path

    async def speed(self, url: str, *words: str) -> tuple[int, str, str]:
        return await station_speed(self.folder, url, *words)


async def station_speed(folder: Path, *words: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(warm.cardcentre, "station", "speed", *words, folder=folder)
    return done.returncode, done.stdout, done.stderr


@asynccontextmanager
async def reader_at(bit_rate: int, folder: Path) -> AsyncIterator[Bench]:
    machine = SimulatedReader(Floor(), 0, Pace(Random(1)), ReaderSettings(), SAM_ID)
    machine.bit_rate = machine._next_bit_rate = bit_rate
    with_speed = AtItsSpeed(machine, lambda: SerialSettings(machine.bit_rate))
    async with on_pseudo_terminals({"reader": with_speed}, folder / "ports") as urls:
        yield Bench(machine, urls["reader"].partition("?")[0], folder)


async def test_a_reader_is_found_set_and_proven(tmp_path: Path) -> None:
    async with reader_at(115_200, tmp_path) as here:
        code, out, err = await here.speed(here.url, "9600")
        assert (code, err) == (0, "")
        facts = dict(
            row.split(maxsplit=1) for row in out.replace("serial number", "id").splitlines()
        )
        assert facts["wire"] == f"{here.url}?baud=9600"
        assert facts["id"] == SAM_ID
        assert (facts["speed"], here.machine.bit_rate) == ("now      9600 8N1", 9_600)
        assert "speed before   115200 8N1" in out


async def test_a_reader_at_another_speed_than_its_wire_is_brought_to_it(tmp_path: Path) -> None:
    async with reader_at(9_600, tmp_path) as here:
        reader = ReadBackReader(await open_wire(here.url, 2.0), SHORT)
        with pytest.raises(WrongSpeed) as told:
            await reader.identify()
        await reader.aclose()
        [command] = str(told.value).split("`")[1:2]
        code, out, err = await here.speed(*command.split()[3:])
        assert (code, err) == (0, "")
        assert "speed before   9600 8N1" in out
        assert here.machine.bit_rate == 115_200
        reader = ReadBackReader(await open_wire(here.url, 2.0))
        assert (await reader.identify()).serial_number == SAM_ID
        await reader.aclose()


async def test_a_port_that_is_held_is_left_alone(tmp_path: Path) -> None:
    async with reader_at(115_200, tmp_path) as here:
        held = open_serial(here.url)
        code, out, err = await here.speed(here.url, "9600")
        await held.aclose()
        assert (code, out) == (1, "")
        assert "in use by another process" in err
        assert here.machine.bit_rate == 115_200


async def test_what_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    other: Machine = SimulatedLaminator(Floor(), 0, Pace(Random(1)), LaminatorSettings(), "LAM-1")
    async with (
        on_pseudo_terminals({"other": other}, tmp_path / "ports") as ports,
        on_tcp({"other": other}) as urls,
    ):
        for words, code, says in (
            ((ports["other"], "9600"), 1, "a laminator answers where a reader should be"),
            ((urls["other"], "9600"), 1, "over TCP the serial server sets the speed"),
            ((f"serial://{tmp_path}/none", "9600"), 1, "the port does not exist"),
            (("pcsc://Maker", "9600"), 1, "this needs a serial reader"),
            (("serial://[x", "9600"), 1, "not a URL"),
            ((ports["other"], "14400"), 2, "57600, 38400, 19200, 9600 bit/s, not to 14400"),
            ((ports["other"], "fast"), 2, "'fast' is not a valid integer"),
        ):
            told = await station_speed(tmp_path, *words)
            assert (told[0], told[1]) == (code, "")
            assert says in told[2]
            assert "Traceback" not in told[2]
