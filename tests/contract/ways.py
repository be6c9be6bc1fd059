"""The ways on which a driver may reach a machine: what differs between them, and nothing else.

A way is also the event loop of its tests: virtual time in memory, the ordinary loop where the
kernel carries the bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import pytest

from controller.virtual_time import VirtualTimeLoop
from drivers.errors import WireClosed
from drivers.open_wire import open_wire
from drivers.wire import Wire
from simulators.machine import Machine, Pace
from simulators.serving import on_pseudo_terminals, on_tcp
from simulators.wire import memory_pair

CONNECT_TIMEOUT_S = 2.0
MEMORY, PSEUDO_TERMINAL, TCP, PORT = "memory", "pseudo-terminal", "tcp", "port"
#: How much faster machines move where time is real; wires and time-outs keep their own.
REAL_PACE = 100.0

#: Opens a new wire to the one machine of a test; a driver lives on one wire.
Opener = Callable[[], Awaitable[Wire]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way; calling it makes its event loop."""

    name: str
    url: str = ""  # of a real port

    def __call__(self) -> asyncio.AbstractEventLoop:
        return VirtualTimeLoop() if self.name == MEMORY else asyncio.SelectorEventLoop()

    @property
    def is_real_machine(self) -> bool:
        return bool(self.url)

    def pace(self, factor: float = REAL_PACE) -> Pace:
        return Pace(Random(1), 1.0 if self.name == MEMORY else factor)

    @asynccontextmanager
    async def to(self, machine: Machine, folder: Path) -> AsyncIterator[Opener]:
        """Put a machine at the far end; gives what opens our end."""
        match self.name:
            case "memory":
                async with _in_memory(machine) as opener:
                    yield opener
            case "pseudo-terminal":
                async with on_pseudo_terminals({"machine": machine}, folder) as urls:
                    yield _opener(urls["machine"])
            case "tcp":
                async with on_tcp({"machine": machine}) as urls:
                    yield _opener(urls["machine"])
            case _:
                yield _opener(self.url)


@asynccontextmanager
async def _in_memory(machine: Machine) -> AsyncIterator[Opener]:
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        async def open_memory() -> Wire:
            near, far = memory_pair()
            tasks.append(group.create_task(machine.serve(far)))
            return near

        yield open_memory
        for task in tasks:
            task.cancel()


def _opener(url: str) -> Opener:
    async def open_url() -> Wire:
        return await open_wire(url, CONNECT_TIMEOUT_S)

    return open_url


async def noticed() -> None:
    """Let the far end see that we have hung up, before it is called again."""
    for _ in range(5):
        await asyncio.sleep(0)


async def until(happened: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait for something inside a simulated machine, which tells nobody."""
    async with asyncio.timeout(timeout_s):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Closable(Protocol):
    async def aclose(self) -> None: ...


async def hang_up_during(
    act: Coroutine[Any, Any, object],
    driver: Closable,
    begun: Callable[[], bool],
    power_of: Machine | None = None,
) -> None:
    """Begin an act; once the machine has begun it, cut the power of that machine, and hang up."""

    async def given_up() -> None:
        with pytest.raises(WireClosed):
            await act

    async with asyncio.TaskGroup() as group:
        group.create_task(given_up())
        await until(begun)
        if power_of is not None:
            power_of.cut_power()
            power_of.restore_power()
        await driver.aclose()
    await noticed()
