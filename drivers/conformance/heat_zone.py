"""What a heat controller of the E5CC kind must do: registers, writing rights, RUN and STOP.

A zone is left as it was found: its set point, its writing right, stopped or running.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from drivers.conformance.bench import Bench
from drivers.conformance.check import Check, Failed
from drivers.conformance.modbus_dialogue import (
    answer,
    of_every_slave,
    reads,
    refuses,
    registers,
    write_register,
)


@dataclass(frozen=True, slots=True)
class _Controller:
    """Addresses and operation commands of the two-byte map."""

    operation: int = 0x0000
    present: int = 0x2000
    set_point: int = 0x2103
    writing_off: int = 0x0000
    writing_on: int = 0x0001


CONTROLLER: Final = _Controller()
RUN, STOP = 0x0100, 0x0101
STOPPED, WRITING = 1 << 24, 1 << 25
BROKEN: Final = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6
SAME_WITHIN_TENTHS: Final = 20

ZoneRun = Callable[[Bench, int], Awaitable[str]]


async def _status(bench: Bench, unit: int) -> int:
    high, low = await registers(bench, unit, 3, 2, 2)
    return high << 16 | low


@asynccontextmanager
async def _as_found(bench: Bench, unit: int) -> AsyncIterator[int]:
    """Give the set point, with writing on; put everything back afterwards."""
    before = await _status(bench, unit)
    (set_point,) = await registers(bench, unit, 3, CONTROLLER.set_point, 1)
    await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_on)
    try:
        yield set_point
    finally:
        await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_on)
        await write_register(bench, unit, CONTROLLER.set_point, set_point)
        await write_register(bench, unit, CONTROLLER.operation, STOP if before & STOPPED else RUN)
        if not before & WRITING:
            await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_off)


async def _writing_refused(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit) as set_point:
        await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_off)
        return await refuses(f"{unit:02x}062103{set_point:04x}", 4)(bench)


async def _block_refused(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit) as set_point:
        await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_off)
        return await refuses(f"{unit:02x}102103000102{set_point:04x}", 4)(bench)


async def _writing_bit(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit):
        allowed = await _status(bench, unit)
        await write_register(bench, unit, CONTROLLER.operation, CONTROLLER.writing_off)
        forbidden = await _status(bench, unit)
    if not allowed & WRITING or forbidden & WRITING:
        raise Failed(f"{allowed:08X} with writing on, {forbidden:08X} with it off")
    return "bit 25 follows"


async def _set_point(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit) as before:
        wanted = before - 1 if before else 1
        await write_register(bench, unit, CONTROLLER.set_point, wanted)
        (after,) = await registers(bench, unit, 3, CONTROLLER.set_point, 1)
    if after != wanted:
        raise Failed(f"{wanted} written, {after} read")
    return f"{wanted / 10:g} degrees written and read"


async def _set_point_limit(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit):
        return await refuses(f"{unit:02x}0621037fff", 3)(bench)


async def _block_set_point(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit) as before:
        wanted = before - 1 if before else 1
        got = await answer(bench, bytes.fromhex(f"{unit:02x}102103000102{wanted:04x}"))
        (after,) = await registers(bench, unit, 3, CONTROLLER.set_point, 1)
    if len(got) != 6 or after != wanted:
        raise Failed(f"{wanted} written, {after} read")
    return f"{wanted / 10:g} degrees written and read"


async def _run_and_stop(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit):
        seen = []
        for command in (RUN, STOP):
            await write_register(bench, unit, CONTROLLER.operation, command)
            seen.append(bool(await _status(bench, unit) & STOPPED))
    if seen != [False, True]:
        raise Failed(f"bit 24 was {seen}")
    return "bit 24 follows"


async def _stop_at_the_other_address(bench: Bench, unit: int) -> str:
    async with _as_found(bench, unit):
        await write_register(bench, unit, CONTROLLER.operation, RUN)
        await write_register(bench, unit, 0xFFFF, STOP)
        stopped = bool(await _status(bench, unit) & STOPPED)
    if not stopped:
        raise Failed("bit 24 is off")
    return "bit 24 is on"


async def _unknown_operation(bench: Bench, unit: int) -> str:
    return await refuses(f"{unit:02x}0600007f00", 3)(bench)


async def _not_broken(bench: Bench, unit: int) -> str:
    status = await _status(bench, unit)
    if status & BROKEN:
        raise Failed(f"status {status:08X}")
    return f"status {status:08X}"


async def _both_statuses(bench: Bench, unit: int) -> str:
    whole = await _status(bench, unit)
    (lower,) = await registers(bench, unit, 3, CONTROLLER.present + 1, 1)
    # Bits 8 and 9 are the control outputs, which switch all the time.
    if (whole ^ lower) & 0xFCFF:
        raise Failed(f"{whole:08X} and {lower:04X}")
    return f"{whole:08X} and {lower:04X}"


async def _both_temperatures(bench: Bench, unit: int) -> str:
    _, wide = await registers(bench, unit, 3, 0, 2)
    (narrow,) = await registers(bench, unit, 3, CONTROLLER.present, 1)
    if abs(wide - narrow) > SAME_WITHIN_TENTHS:
        raise Failed(f"{wide / 10:g} and {narrow / 10:g} degrees")
    return f"{wide / 10:g} and {narrow / 10:g} degrees"


_ROWS: Final[list[tuple[str, str, ZoneRun]]] = [
    ("temperature, status and set point", "0 to 300 degrees",
     lambda bench, unit: reads(unit, 3, CONTROLLER.present, 3,
                               lambda values: values[0] <= 3000 and values[2] <= 3000)(bench)),
    ("the set point alone", "0 to 300 degrees",
     lambda bench, unit: reads(unit, 3, CONTROLLER.set_point, 1,
                               lambda values: values[0] <= 3000)(bench)),
    ("the temperature in both modes", "the same within 2 degrees", _both_temperatures),
    ("the status in both modes", "the same lower word", _both_statuses),
    ("the status' fault bits", "none set", _not_broken),
    ("writing while it is off", "exception 4", _writing_refused),
    ("writing a block while it is off", "exception 4", _block_refused),
    ("the bit of the writing right", "follows the commands", _writing_bit),
    ("writing the set point", "reads back", _set_point),
    ("writing the set point as a block", "reads back", _block_set_point),
    ("a set point past its limit", "exception 3", _set_point_limit),
    ("RUN and STOP", "bit 24 follows", _run_and_stop),
    ("STOP at address FFFF", "bit 24 is set", _stop_at_the_other_address),
    ("an operation command that is not", "exception 3", _unknown_operation),
]  # fmt: skip


def zone_checks(unit: int) -> list[Check[Bench]]:
    """Return the checks of one zone."""

    def bound(run: ZoneRun) -> Callable[[Bench], Awaitable[str]]:
        return lambda bench: run(bench, unit)

    return [
        *of_every_slave(f"L{unit}", unit, 3, CONTROLLER.present),
        *(
            Check(f"L{unit}-{number}", title, "devices 3.1", expected, bound(run))
            for number, (title, expected, run) in enumerate(_ROWS, 21)
        ),
    ]
