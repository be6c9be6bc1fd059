"""What every driver promises when something else than its machine is at the far end of its wire."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from drivers.errors import DriverError, Garbled, ReplyTimeout, UnexpectedReply, WrongDevice
from simulators.floor import Floor
from simulators.machine import Drawn, Machine
from simulators.wire import Wire as FarWire
from tests.contract.every_machine import DRIVERS, MACHINES
from tests.contract.ways import Way, noticed

REPLY_TIMEOUT_S = 0.05
#: Where something does answer: a busy computer may keep both ends waiting.
PATIENT_REPLY_TIMEOUT_S = 0.5
#: Longer than all repeats with the time-out above: what takes longer is not bounded.
BOUND_S = 10.0


PAIRS = [(ours, found) for ours in DRIVERS for found in MACHINES if ours != found]
#: Each driver and each machine once, for the ways on which time is real.
RING = [("printer", "laminator"), ("laminator", "transport"), ("transport", "encoder")]
RING += [("encoder", "reader"), ("reader", "retransfer printer")]
RING += [("retransfer printer", "printer")]


class NotAMachine:
    """What is at the far end of a wrong cable: it says something of its own, or nothing."""

    serial_number = ""

    def __init__(self, says: Callable[[bytes], bytes]) -> None:
        self._says = says

    async def serve(self, wire: FarWire) -> None:
        try:
            while heard := await wire.receive():
                if said := self._says(heard):
                    await wire.send(said)
        except OSError:
            return

    def cut_power(self) -> None: ...

    def restore_power(self) -> None: ...

    def drawn(self) -> list[Drawn]:
        return []


async def identifying(
    ours: str, machine: Machine, way: Way, ports: Path, reply_timeout_s: float = REPLY_TIMEOUT_S
) -> None:
    """Let our driver identify what is there, in bounded time."""
    async with way.to(machine, ports) as opener:
        await noticed()
        driver = DRIVERS[ours](await opener(), reply_timeout_s)
        try:
            async with asyncio.timeout(BOUND_S):
                await driver.identify()
        finally:
            await driver.aclose()


async def trouble(work: Awaitable[None]) -> DriverError:
    """Return what went wrong, whatever task groups wrapped it in."""
    with pytest.raises((DriverError, ExceptionGroup)) as caught:
        await work
    error: BaseException = caught.value
    while isinstance(error, ExceptionGroup):
        [error] = error.exceptions
    assert isinstance(error, DriverError)
    return error


async def each_alone(check: Callable[[str, Path], Awaitable[None]], ports: Path) -> None:
    """Have every driver wait at a wire of its own, all at once: on some wires time is real."""

    async def checked(ours: str) -> None:
        await check(ours, ports / ours.replace(" ", "-"))

    async with asyncio.TaskGroup() as group:
        for ours in DRIVERS:
            group.create_task(checked(ours), name=ours)


async def test_silence_is_a_reply_time_out(way: Way, ports: Path) -> None:
    async def check(ours: str, folder: Path) -> None:
        error = await trouble(identifying(ours, NotAMachine(lambda _: b""), way, folder))
        assert type(error) is ReplyTimeout, ours

    await each_alone(check, ports)


async def test_garbage_is_never_taken_for_the_machine(way: Way, ports: Path) -> None:
    # A wire of another speed looks the same, where nobody can try another.
    speed = "no likely speed" if way.name == "pseudo-terminal" else "may have another speed"

    async def check(ours: str, folder: Path) -> None:
        random = Random(7)
        babble = NotAMachine(lambda _: random.randbytes(random.randrange(1, 400)))
        error = await trouble(identifying(ours, babble, way, folder, PATIENT_REPLY_TIMEOUT_S))
        assert type(error) is Garbled, ours
        assert f"where a {ours} should be is not understood" in str(error)
        assert speed in str(error)

    await each_alone(check, ports)


async def test_our_own_echo_is_never_taken_for_the_machine(way: Way, ports: Path) -> None:
    """A port with its transmit and receive wires joined, or a terminal that echoes."""

    async def check(ours: str, folder: Path) -> None:
        error = await trouble(identifying(ours, NotAMachine(lambda heard: heard), way, folder))
        expected = {Garbled, ReplyTimeout, UnexpectedReply, WrongDevice}
        assert type(error) in expected, f"{ours}: {error!r}, from {error.__cause__!r}"

    await each_alone(check, ports)


async def test_a_wrong_machine_is_told_as_such(way: Way, ports: Path) -> None:
    machines = dict(RING)

    async def check(ours: str, folder: Path) -> None:
        found = machines[ours]
        machine = MACHINES[found](Floor(), way.pace())
        error = await trouble(identifying(ours, machine, way, folder, PATIENT_REPLY_TIMEOUT_S))
        assert type(error) is WrongDevice, ours
        assert f"a {found} answers where a {ours} should be" in str(error)

    await each_alone(check, ports)


@pytest.mark.parametrize(("ours", "found"), PAIRS)
async def test_every_wrong_machine_is_told_as_such(ours: str, found: str, ports: Path) -> None:
    way = Way("memory")
    machine = MACHINES[found](Floor(), way.pace())
    error = await trouble(identifying(ours, machine, way, ports))
    assert type(error) is WrongDevice
    assert f"a {found} answers where a {ours} should be" in str(error)
