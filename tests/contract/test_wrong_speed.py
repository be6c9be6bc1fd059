"""A machine whose wire is set to another speed: every driver tells so, and to which it is set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from drivers.errors import Garbled, ReplyTimeout, WireClosed, WrongDevice, WrongSpeed
from drivers.reader import ReadBackReader
from drivers.serial_settings import LIKELY, USUAL, SerialSettings
from drivers.tap import Tap
from simulators.floor import Floor
from simulators.machine import Machine, Pace
from simulators.wire import memory_pair
from tests.contract.every_machine import DRIVERS, MACHINES, Driver
from tests.contract.uart_line import MemoryPort, Uart

#: The controller gives up after this; a driver must have found out by then.
IDENTIFIED_WITHIN_S = 15.0


#: Where a centre's file says nothing else.
REPLY_TIMEOUT_S = 3.0
TWO_STOP_BITS = SerialSettings(stopbits=2)
DISTINCT = [settings for settings in LIKELY if settings != TWO_STOP_BITS]
OWN = (USUAL, SerialSettings(19_200, "E"), SerialSettings(9_600))
PAIRS = [(own, true) for own in OWN for true in DISTINCT if true != own]


def machine_of(kind: str) -> Machine:
    return MACHINES[kind](Floor(), Pace(Random(1)))


@dataclass
class Bench:
    machine: Machine
    port: MemoryPort
    driver: Driver


@asynccontextmanager
async def at_a_port(
    kind: str, own: SerialSettings, true: SerialSettings, machine: Machine | None = None
) -> AsyncIterator[Bench]:
    """Give a machine that is set to `true` at a port that is set to `own`."""
    near, far = memory_pair()
    machine = machine or machine_of(kind)
    port = MemoryPort(near, own)
    async with asyncio.TaskGroup() as group:
        group.create_task(machine.serve(Uart(far, lambda: true, lambda: port.settings)))
        driver = DRIVERS[kind](Tap().around(port), REPLY_TIMEOUT_S)
        yield Bench(machine, port, driver)
        await driver.aclose()


@pytest.mark.parametrize(("own", "true"), PAIRS, ids=str)
@pytest.mark.parametrize("kind", DRIVERS)
async def test_another_speed_is_told_with_the_true_one(
    kind: str, own: SerialSettings, true: SerialSettings
) -> None:
    async with at_a_port(kind, own, true) as here:
        async with asyncio.timeout(IDENTIFIED_WITHIN_S):
            with pytest.raises(WrongSpeed) as caught:
                await here.driver.identify()
        said = str(caught.value)
        assert f"the {kind} at /dev/ttyTEST is set to {true}, its wire to {own}: write " in said
        assert f"write {true.query} in its wire" in said
        assert here.port.settings == own
        assert here.machine.drawn() == []


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_machine_at_the_wire_s_speed_is_asked_at_no_other(kind: str) -> None:
    async with at_a_port(kind, TWO_STOP_BITS, USUAL) as here:
        assert (await here.driver.identify()).kind == kind
        assert here.port.history == [TWO_STOP_BITS]


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_silent_machine_is_looked_for_once_at_each_speed(kind: str) -> None:
    async with at_a_port(kind, SerialSettings(9_600), USUAL) as here:
        here.machine.cut_power()
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        with pytest.raises(ReplyTimeout):
            await here.driver.identify()
        assert loop.time() - begun_s < IDENTIFIED_WITHIN_S
        assert sorted(map(str, here.port.history[1:-1])) == sorted(
            str(settings) for settings in DISTINCT if settings != SerialSettings(9_600)
        )
        assert here.port.settings == SerialSettings(9_600)
        here.machine.restore_power()
        with pytest.raises(WrongSpeed):
            await here.driver.identify()


async def test_the_search_takes_two_seconds_and_a_stranger_spares_it() -> None:
    async with at_a_port("reader", USUAL, USUAL, machine_of("printer")) as here:
        with pytest.raises(WrongDevice, match="a printer answers where a reader should be"):
            await here.driver.identify()
        assert here.port.history == [USUAL]
    times_s = []

    class Clocked(MemoryPort):
        def set(self, settings: SerialSettings) -> None:
            times_s.append(asyncio.get_running_loop().time())
            super().set(settings)

    reader = ReadBackReader(Clocked(memory_pair()[0], USUAL))
    with pytest.raises(ReplyTimeout):
        await reader.identify()
    assert 1.5 < times_s[-1] - times_s[0] < 3.0
    await reader.aclose()


async def test_who_gives_up_during_the_search_finds_the_port_as_it_was() -> None:
    async with at_a_port("reader", USUAL, SerialSettings(38_400)) as here:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(12.0):
                await here.driver.identify()
        assert len(here.port.history) > 2
        assert here.port.settings == USUAL


async def test_a_cable_pulled_during_the_search_is_a_hang_up() -> None:
    async with at_a_port("reader", USUAL, SerialSettings(38_400)) as here:
        asyncio.get_running_loop().call_later(12.0, here.port.pull)
        with pytest.raises(WireClosed):
            await here.driver.identify()
        assert len(here.port.history) > 2


async def test_babble_at_every_speed_is_garbage() -> None:
    near, far = memory_pair()
    random, port = Random(7), MemoryPort(near, USUAL)

    async def babble() -> None:
        while await far.receive():
            await far.send(random.randbytes(60))

    async with asyncio.TaskGroup() as group:
        group.create_task(babble())
        reader = ReadBackReader(port)
        with pytest.raises(Garbled, match="it answers at no likely speed"):
            await reader.identify()
        await reader.aclose()
