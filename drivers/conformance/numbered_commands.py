"""The numbered commands of our two PLC maps: started once, recognised when repeated, refused.

Only homing and clearing are commanded here, which move no workpiece; what else a machine does is
in its own table.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.modbus_dialogue import (
    answer,
    command_body,
    expect_refusal,
    refuses,
    registers,
)
from drivers.modbus_frames import REFUSED

LAST_NUMBER: Final = 65535
READY, NOT_HOMED, FAULT = 1, 0, 4
MOTION_S: Final = 60.0
LOOK_S: Final = 0.02
NO_SUCH_VALUE, NOT_READY = 3, 6


@dataclass(frozen=True, slots=True)
class State:
    """What both maps' first registers say."""

    state: int
    started: int
    finished: int


@dataclass(frozen=True, slots=True)
class Map:
    """Where the two machines differ."""

    unit: int
    home: int
    clear: int
    moving: frozenset[int]

    async def state(self, bench: Bench) -> State:
        """Read the state and the numbers last started and finished."""
        return State(*await registers(bench, self.unit, 4, 0, 3))

    def block(self, code: int, first: int, second: int, number: int) -> bytes:
        """Return a command's request, without CRC."""
        return command_body(self.unit, (code, first, second, number))

    async def start(self, bench: Bench, code: int, first: int, second: int, number: int) -> None:
        """Send a command that must be accepted."""
        got = await answer(bench, self.block(code, first, second, number))
        if got[1] & REFUSED or len(got) != 6:
            raise Failed(f"command {code} refused: {shown(got)}")

    async def at_rest(self, bench: Bench, longest_s: float = MOTION_S) -> State:
        """Wait until nothing moves."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + longest_s
        while (state := await self.state(bench)).state in self.moving:
            if loop.time() > give_up_s:
                raise Failed(f"still in state {state.state} after {longest_s:g} s")
            await asyncio.sleep(LOOK_S)
        return state

    async def do(self, bench: Bench, code: int, first: int = 0, second: int = 0) -> State:
        """Command under the next number, and wait for its end."""
        number = (await self.state(bench)).started % LAST_NUMBER + 1
        await self.start(bench, code, first, second, number)
        state = await self.at_rest(bench)
        if state.started != number:
            raise Failed(f"number {number} sent, {state.started} started")
        return state

    async def ready(self, bench: Bench) -> State:
        """Bring the machine to where it takes commands."""
        state = await self.at_rest(bench)
        if state.state == FAULT:
            state = await self.do(bench, self.clear)
        if state.state == NOT_HOMED:
            state = await self.do(bench, self.home)
        if state.state != READY:
            raise Skipped(f"the machine is in state {state.state} and not ready")
        return state


async def _home(bench: Bench, of: Map) -> str:
    await of.ready(bench)
    state = await of.do(bench, of.home)
    if state.finished != state.started or state.state != READY:
        raise Failed(str(state))
    return f"number {state.started} started and finished"


async def _repeated(bench: Bench, of: Map) -> str:
    before = await of.ready(bench)
    if not before.started:
        before = await of.do(bench, of.home)
    await of.start(bench, of.home, 0, 0, before.started)
    after = await of.state(bench)
    if after != before:
        raise Failed(f"{before} became {after}")
    return "nothing started"


async def _busy(bench: Bench, of: Map) -> str:
    number = (await of.ready(bench)).started % LAST_NUMBER + 1
    await of.start(bench, of.home, 0, 0, number)
    got = await answer(bench, of.block(of.home, 0, 0, number % LAST_NUMBER + 1))
    over = (await of.state(bench)).finished == number
    state = await of.at_rest(bench)
    if got[1] & REFUSED and got[2] == NOT_READY and state.started == number:
        return "exception 6"
    if over:
        raise Skipped("homing was over before the next command came")
    raise Failed(f"{shown(got)}, {state}")


async def _wraps(bench: Bench, of: Map) -> str:
    await of.ready(bench)
    await of.start(bench, of.home, 0, 0, LAST_NUMBER)
    await of.at_rest(bench)
    await of.start(bench, of.home, 0, 0, 1)
    state = await of.at_rest(bench)
    if (state.started, state.finished) != (1, 1):
        raise Failed(str(state))
    return "1 after 65535"


def _leaves_numbers(of: Map, body: bytes) -> Run:
    """Return the run of a command that is refused for its value, and counts as not started."""

    async def run(bench: Bench) -> str:
        before = await of.ready(bench)
        seen = await expect_refusal(bench, body, NO_SUCH_VALUE)
        after = await of.state(bench)
        if after != before:
            raise Failed(f"{before} became {after}")
        return seen

    return run


def of_every_map(prefix: str, of: Map) -> list[Check[Bench]]:
    """Return what numbered commands must do on both maps."""

    def on(run: Callable[[Bench, Map], Awaitable[str]]) -> Run:
        return lambda bench: run(bench, of)

    whole = of.block(of.home, 0, 0, 9)
    lying = whole[:6] + b"\x07" + whole[7:-1]
    past = command_body(of.unit, (0,), address=4).hex()
    unchanged = "exception 3, numbers unchanged"
    rows: list[tuple[str, str, Run]] = [
        ("homing under a new number", "started and finished under it", on(_home)),
        ("the number that is already there", "nothing starts", on(_repeated)),
        ("a command while another runs", "exception 6, not started", on(_busy)),
        ("the numbers wrap", "1 starts after 65535", on(_wraps)),
        ("number 0", unchanged, _leaves_numbers(of, of.block(of.home, 0, 0, 0))),
        ("a command that is not in the map", unchanged, _leaves_numbers(of, of.block(99, 0, 0, 7))),
        ("a block whose byte count lies", unchanged, _leaves_numbers(of, lying)),
        ("a block past the command", "exception 2", refuses(past, 2)),
    ]
    return [
        Check(f"{prefix}-{number}", title, "devices 9", expected, run)
        for number, (title, expected, run) in enumerate(rows, 31)
    ]
