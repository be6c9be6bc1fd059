"""What a laminator must do: two heat controllers (units 1, 2) and its mechanics (unit 3).

Heat is switched on for moments and off again, except where a card is laminated: that one lies at
the infeed beforehand, and the outfeed is free.
"""

import asyncio
from typing import Final

from drivers.conformance.bench import Bench, Run
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.heat_zone import CONTROLLER, RUN, STOP, zone_checks
from drivers.conformance.modbus_dialogue import (
    agree,
    bits,
    names_itself,
    of_every_slave,
    reads,
    refuses,
    registers,
    write_register,
)
from drivers.conformance.numbered_commands import FAULT, READY, Map, of_every_map

UNIT: Final = 3
LAMINATE, EJECT, HOME, CLEAR = 1, 2, 3, 4
MAP: Final = Map(UNIT, HOME, CLEAR, frozenset((2, 3)))
SET_POINT_TENTHS, DWELL_MS, PRESSURE_KPA = 1250, 8000, 300
WINDOW_TENTHS: Final = 50
WARM_UP_S: Final = 1800.0


def _signed(register: int) -> int:
    return register - 0x10000 if register & 0x8000 else register


async def _fault_fits(bench: Bench) -> str:
    state, _, _, _, fault = await registers(bench, UNIT, 4, 0, 5)
    if bool(fault) != (state in {FAULT, 5}):
        raise Failed(f"state {state}, fault {fault}")
    return f"state {state}, fault {fault}"


async def _door(bench: Bench) -> str:
    closed = (await bits(bench, UNIT, 2))[1]
    (state,) = await registers(bench, UNIT, 4, 0, 1)
    if closed == (state == 5):
        raise Failed(f"the door's sensor says {'closed' if closed else 'open'}, state {state}")
    return "closed" if closed else "open"


async def _one_sensor(bench: Bench) -> str:
    block = await bits(bench, UNIT, 2)
    alone = tuple([(await bits(bench, UNIT, 1, address=place))[0] for place in range(2)])
    if alone != block:
        raise Failed(f"{alone} alone, {block} together")
    return "the same"


async def _home_is_no_cycle(bench: Bench) -> str:
    await MAP.ready(bench)
    before = await _cycles(bench)
    await MAP.do(bench, HOME)
    if (after := await _cycles(bench)) != before:
        raise Failed(f"{after - before} cycles counted")
    return "none counted"


async def _cycles(bench: Bench) -> int:
    high, low = await registers(bench, UNIT, 4, 10, 2)
    return high << 16 | low


async def _laminates(bench: Bench) -> str:
    await MAP.ready(bench)
    if (await bits(bench, UNIT, 1))[0]:
        raise Skipped("a workpiece is inside")
    try:
        await _heat(bench)
        return await _cycle(bench)
    finally:
        for zone in (1, 2):
            await write_register(bench, zone, CONTROLLER.operation, STOP)


async def _heat(bench: Bench) -> None:
    for zone in (1, 2):
        await write_register(bench, zone, CONTROLLER.operation, CONTROLLER.writing_on)
        await write_register(bench, zone, CONTROLLER.set_point, SET_POINT_TENTHS)
        await write_register(bench, zone, CONTROLLER.operation, RUN)


async def _cycle(bench: Bench) -> str:
    """Laminate while cold, so that the machine itself waits for its heat; then eject."""
    cycles = await _cycles(bench)
    number = (await MAP.state(bench)).started % 65535 + 1
    await MAP.start(bench, LAMINATE, DWELL_MS, PRESSURE_KPA, number)
    await asyncio.sleep(0)
    state = await MAP.at_rest(bench, WARM_UP_S)
    seen = await registers(bench, UNIT, 4, 0, 13)
    inside = (await bits(bench, UNIT, 1))[0]
    ejected = await MAP.do(bench, EJECT)
    temperatures = [_signed(value) for value in seen[5:9]]
    warm = all(abs(value - SET_POINT_TENTHS) <= WINDOW_TENTHS for value in temperatures)
    good = seen[3] == 0 and state.finished == number and inside and warm
    if not good or await _cycles(bench) != cycles + 1 or ejected.state != READY:
        raise Failed(f"{state}, result {seen[3]}, {temperatures}, then {ejected}")
    return f"result 0, {min(temperatures) / 10:g} to {max(temperatures) / 10:g} degrees, ejected"


_ROWS: Final[list[tuple[str, str, Run]]] = [
    ("all thirteen registers at once", "state 0 to 5",
     reads(UNIT, 4, 0, 13, lambda values: values[0] <= 5)),
    ("the last result", "0 to 3", reads(UNIT, 4, 3, 1, lambda values: values[0] <= 3)),
    ("the present fault", "0 to 6", reads(UNIT, 4, 4, 1, lambda values: values[0] <= 6)),
    ("fault and state", "a fault exactly in states 4 and 5", _fault_fits),
    ("temperatures of the last cycle", "0 to 300 degrees, lowest first",
     reads(UNIT, 4, 5, 4, lambda v: v[0] <= v[1] <= 3000 and v[2] <= v[3] <= 3000)),
    ("the last cycle's lowest pressure", "at most 2000 kPa",
     reads(UNIT, 4, 9, 1, lambda values: values[0] <= 2000)),
    ("the cycle counter", "the same twice at rest", agree(UNIT, (4, 10, 2), (4, 10, 2))),
    ("the film left", "one register", reads(UNIT, 4, 12, 1)),
    ("the command registers", "four registers", reads(UNIT, 3, 0, 4)),
    ("an input register past the map", "exception 2", refuses("0304000D0001", 2)),
    ("a block that reaches past the map", "exception 2", refuses("0304000C0002", 2)),
    ("a sensor past the map", "exception 2", refuses("030200000003", 2)),
    ("a sensor read alone and together", "the same", _one_sensor),
    ("the door's sensor and the state", "open exactly in state 5", _door),
    ("homing and the cycle counter", "homing is no cycle", _home_is_no_cycle),
]  # fmt: skip

CHECKS: Final[list[Check[Bench]]] = [
    *(check for zone in (1, 2) for check in zone_checks(zone)),
    *of_every_slave("L3", UNIT, 4, 0),
    *names_itself("L3", UNIT, "LAM"),
    *of_every_map("L3", MAP),
    *(
        Check(f"L3-{number}", title, "devices 9", expected, run)
        for number, (title, expected, run) in enumerate(_ROWS, 41)
    ),
    Check("L3-61", "a card is laminated and ejected", "devices 9, 10",
          "result 0 within 5 degrees of 125, one cycle more", _laminates, cards=1,
          timeout_s=2 * WARM_UP_S),
]  # fmt: skip
