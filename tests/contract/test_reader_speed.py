"""A reader is set to another speed over its wire: both ends go on together, or say where they are.

The reader hears and is heard only where both ends are set alike (`uart_line.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from drivers.errors import (
    CommandRefused,
    DriverError,
    HardwareFault,
    ReplyTimeout,
    WireNotOpened,
    WrongSpeed,
)
from drivers.reader import ReadBackReader, ReaderTimeouts
from drivers.serial_settings import SerialSettings
from simulators.faults import Faulty, WireFaults
from simulators.floor import Floor
from simulators.machine import Pace
from simulators.reader import BIT_RATES, ReaderSettings, SimulatedReader
from simulators.wire import Wire, memory_pair
from tests.contract.uart_line import MemoryPort, Uart

SAM_ID = "05.01-20100823-0000123456-1234567890"
Around = Callable[[Wire], Wire]


@dataclass
class Bench:
    machine: SimulatedReader
    port: MemoryPort
    reader: ReadBackReader

    def agree(self, bit_rate: int) -> bool:
        return self.port.settings.baud == self.machine.bit_rate == bit_rate


def reader_at(bit_rate: int = 115_200) -> SimulatedReader:
    machine = SimulatedReader(Floor(), 0, Pace(Random(1)), ReaderSettings(), SAM_ID)
    machine.bit_rate = machine._next_bit_rate = bit_rate
    return machine


@asynccontextmanager
async def at_a_port(
    bit_rate: int = 115_200,
    around: Around = lambda wire: wire,
    port_type: type[MemoryPort] = MemoryPort,
) -> AsyncIterator[Bench]:
    """Give a reader and a port of the same speed; `around` is put around the reader's end."""
    near, far = memory_pair()
    machine, port = reader_at(bit_rate), port_type(near, SerialSettings(bit_rate))
    uart = Uart(far, lambda: SerialSettings(machine.bit_rate), lambda: port.settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(machine.serve(around(uart)))
        reader = ReadBackReader(port, ReaderTimeouts(0.5, 0.5, 0.5))
        yield Bench(machine, port, reader)
        await reader.aclose()


@pytest.mark.parametrize("old", BIT_RATES)
async def test_every_rate_leads_to_every_other(old: int) -> None:
    for new in BIT_RATES:
        async with at_a_port(old) as here:
            began_s = asyncio.get_running_loop().time()
            await here.reader.set_bit_rate(new)
            assert here.agree(new)
            # It answers at the old speed, has its 5 ms, and is not looked for.
            assert asyncio.get_running_loop().time() - began_s < 0.05
            assert (await here.reader.identify()).serial_number == SAM_ID


class LosesAnswers:
    """Loses the first answers that a reader sends; what it hears is whole."""

    def __init__(self, wire: Wire, count: int) -> None:
        self._wire = wire
        self._count = count

    async def send(self, data: bytes) -> None:
        if self._count:
            self._count -= 1
        else:
            await self._wire.send(data)

    async def receive(self) -> bytes:
        return await self._wire.receive()

    async def aclose(self) -> None:
        await self._wire.aclose()


class LosesRequests(LosesAnswers):
    """Loses the first requests to a reader."""

    async def send(self, data: bytes) -> None:
        await self._wire.send(data)

    async def receive(self) -> bytes:
        while self._count:
            self._count -= 1
            if not await self._wire.receive():
                return b""
        return await self._wire.receive()


@pytest.mark.parametrize("kind", [LosesAnswers, LosesRequests])
async def test_a_lost_answer_or_request_is_settled_by_asking(kind: type[LosesAnswers]) -> None:
    async with at_a_port(around=lambda wire: kind(wire, 1)) as here:
        await here.reader.set_bit_rate(9_600)
        assert here.agree(9_600)
        await here.reader.set_bit_rate(115_200)
        assert here.agree(115_200)


async def test_a_reader_that_answers_nowhere_leaves_the_wire_as_it_was() -> None:
    async with at_a_port() as here:
        here.machine.mute = True
        with pytest.raises(ReplyTimeout, match="neither at 9600 bit/s nor at 115200"):
            await here.reader.set_bit_rate(9_600)
        assert here.port.settings == SerialSettings()
        here.machine.mute = False
        with pytest.raises(WrongSpeed, match="is set to 9600 8N1, its wire to 115200 8N1") as told:
            await here.reader.identify()
        assert "`cardcentre station speed serial:///dev/ttyTEST 115200`" in str(told.value)


class Stubborn(SimulatedReader):
    """A reader that says done to a new rate, and stays."""

    @property
    def bit_rate(self) -> int:
        return 115_200

    @bit_rate.setter
    def bit_rate(self, _bit_rate: int) -> None:
        return


async def test_a_reader_that_says_done_and_stays_is_told() -> None:
    near, far = memory_pair()
    port = MemoryPort(near, SerialSettings())
    machine = Stubborn(Floor(), 0, Pace(Random(1)), ReaderSettings(), SAM_ID)
    async with asyncio.TaskGroup() as group:
        group.create_task(machine.serve(Uart(far, SerialSettings, lambda: port.settings)))
        reader = ReadBackReader(port)
        with pytest.raises(CommandRefused, match="stays at 115200 bit/s, and so does its wire"):
            await reader.set_bit_rate(38_400)
        assert port.settings == SerialSettings()
        assert (await reader.identify()).serial_number == SAM_ID
        await reader.aclose()


async def test_a_module_that_failed_its_self_test_is_told_and_stays() -> None:
    async with at_a_port() as here:
        here.machine.self_test_fails = True
        with pytest.raises(HardwareFault, match="self test failed"):
            await here.reader.set_bit_rate(9_600)
        assert here.agree(115_200)


class NotSoSlow(MemoryPort):
    """A port that cannot do 9,600."""

    def set(self, settings: SerialSettings) -> None:
        if settings.baud == 9_600:
            raise WireNotOpened(url=self.path, reason="the port does not take these settings")
        super().set(settings)


async def test_a_port_that_could_not_follow_is_found_out_before() -> None:
    async with at_a_port(port_type=NotSoSlow) as here:
        with pytest.raises(WireNotOpened):
            await here.reader.set_bit_rate(9_600)
        assert here.agree(115_200)


@pytest.mark.parametrize("seed", range(20))
async def test_on_a_bad_wire_both_ends_still_end_at_one_speed(seed: int) -> None:
    """Or nobody answers, and then the wire is where it was."""
    faults = WireFaults(loss=0.15, corrupt=0.15, split=0.3, delay=0.1, repeat=0.1)

    def around(wire: Wire) -> Wire:
        return Faulty(wire, Random(seed), faults)

    async with at_a_port(around=around) as here:
        for new in (9_600, 57_600, 19_200):
            old = here.port.settings
            try:
                await here.reader.set_bit_rate(new)
            except ReplyTimeout:
                assert here.port.settings == old
                return
            except DriverError:
                assert here.agree(old.baud)
            else:
                assert here.agree(new)


@pytest.mark.parametrize("bit_rate", [0, 4_800, 14_400, 115_201])
async def test_a_rate_that_no_reader_has_is_not_asked_for(bit_rate: int) -> None:
    async with at_a_port() as here:
        with pytest.raises(CommandRefused, match=f"cannot be set to {bit_rate} bit/s"):
            await here.reader.set_bit_rate(bit_rate)
        assert here.port.history == [SerialSettings()]


async def test_a_wire_without_a_speed_is_refused() -> None:
    near, _ = memory_pair()
    with pytest.raises(CommandRefused, match="The speed of this wire is not ours to set"):
        await ReadBackReader(near).set_bit_rate(9_600)
