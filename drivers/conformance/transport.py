"""What a line's transport must do (devices 9, unit 10).

It needs station 0's infeed and outfeed free; a check that moves takes a blank from the magazine to
the reject bin.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.modbus_dialogue import (
    agree,
    bits,
    expect_refusal,
    names_itself,
    of_every_slave,
    reads,
    refuses,
    registers,
)
from drivers.conformance.numbered_commands import FAULT, NOT_READY, READY, Map, of_every_map

UNIT: Final = 10
MOVE, HOME, CLEAR = 1, 2, 3
MAGAZINE, INFEED, OUTFEED, REJECT_BIN = 0, 1, 2, 0x60
NOTHING_AT_SOURCE, DESTINATION_TAKEN = 1, 2
MAP: Final = Map(UNIT, HOME, CLEAR, frozenset((2,)))


async def _moves(bench: Bench) -> int:
    high, low = await registers(bench, UNIT, 4, 4, 2)
    return high << 16 | low


async def _rejected(bench: Bench) -> int:
    return (await registers(bench, UNIT, 4, 0x10, 1))[0]


async def _fault(bench: Bench) -> int:
    return (await registers(bench, UNIT, 4, 3, 1))[0]


async def _free_way(bench: Bench, *, blanks: bool = False) -> None:
    await MAP.ready(bench)
    magazine, infeed, outfeed = await bits(bench, UNIT, 3)
    if infeed or outfeed:
        raise Skipped("a workpiece lies at station 0's infeed or outfeed")
    if blanks and not magazine:
        raise Skipped("the magazine is empty")


async def _must_move(bench: Bench, source: int, destination: int) -> None:
    state = await MAP.do(bench, MOVE, source, destination)
    if state.state != READY or state.finished != state.started:
        raise Failed(f"move {source} to {destination}: {state}, fault {await _fault(bench)}")


async def _no_such_place(bench: Bench) -> str:
    number = (await MAP.ready(bench)).started % 65535 + 1
    return await refuses(MAP.block(MOVE, 0x30, 0x31, number).hex(), 2, 3)(bench)


async def _nothing_at_source(bench: Bench) -> str:
    await _free_way(bench)
    moves = await _moves(bench)
    state, fault = await MAP.do(bench, MOVE, INFEED, OUTFEED), await _fault(bench)
    after = await _moves(bench)
    await MAP.ready(bench)
    if (state.state, fault) != (FAULT, NOTHING_AT_SOURCE) or state.finished == state.started:
        raise Failed(f"{state}, fault {fault}")
    if after != moves:
        raise Failed(f"{after - moves} moves counted")
    return "fault 1, started, not finished, no move counted"


async def _refused_in_fault(bench: Bench) -> str:
    await _free_way(bench)
    state = await MAP.do(bench, MOVE, INFEED, OUTFEED)
    try:
        number = state.started % 65535 + 1
        return await expect_refusal(bench, MAP.block(HOME, 0, 0, number), NOT_READY)
    finally:
        await MAP.ready(bench)


async def _cleared(bench: Bench) -> str:
    await _free_way(bench)
    await MAP.do(bench, MOVE, INFEED, OUTFEED)
    state, fault = await MAP.do(bench, CLEAR), await _fault(bench)
    if (state.state, fault) != (READY, 0):
        raise Failed(f"{state}, fault {fault}")
    return "ready, fault 0"


async def _home_is_no_move(bench: Bench) -> str:
    await MAP.ready(bench)
    before = await _moves(bench)
    await MAP.do(bench, HOME)
    if (after := await _moves(bench)) != before:
        raise Failed(f"{after - before} moves counted")
    return "none counted"


async def _one_sensor(bench: Bench) -> str:
    block = await bits(bench, UNIT, 3)
    alone = tuple([(await bits(bench, UNIT, 1, address=position))[0] for position in range(3)])
    if alone != block:
        raise Failed(f"{alone} alone, {block} together")
    return "the same"


async def _fault_fits(bench: Bench) -> str:
    state, _, _, fault = await registers(bench, UNIT, 4, 0, 4)
    if bool(fault) != (state == FAULT):
        raise Failed(f"state {state}, fault {fault}")
    return f"state {state}, fault {fault}"


async def _magazine_to_bin(bench: Bench) -> str:
    await _free_way(bench, blanks=True)
    moves, rejected = await _moves(bench), await _rejected(bench)
    await _must_move(bench, MAGAZINE, INFEED)
    there = (await bits(bench, UNIT, 3))[1:]
    await _must_move(bench, INFEED, REJECT_BIN)
    gone = (await bits(bench, UNIT, 3))[1:]
    counted = (await _moves(bench) - moves, await _rejected(bench) - rejected)
    if (there, gone, counted) != ((True, False), (False, False), (2, 1)):
        raise Failed(f"sensors {there}, then {gone}; counted {counted}")
    return "sensors on and off, 2 moves, 1 in the bin"


async def _repeated_move(bench: Bench) -> str:
    await _free_way(bench, blanks=True)
    await _must_move(bench, MAGAZINE, INFEED)
    before, moves = await MAP.state(bench), await _moves(bench)
    await MAP.start(bench, MOVE, MAGAZINE, OUTFEED, before.started)
    after, moved = await MAP.at_rest(bench), await _moves(bench) - moves
    await _must_move(bench, INFEED, REJECT_BIN)
    if moved or after != before:
        raise Failed(f"{before} became {after}, {moved} moves")
    return "nothing moved"


async def _destination_taken(bench: Bench) -> str:
    await _free_way(bench, blanks=True)
    await _must_move(bench, MAGAZINE, INFEED)
    moves = await _moves(bench)
    state = await MAP.do(bench, MOVE, MAGAZINE, INFEED)
    fault, moved = await _fault(bench), await _moves(bench) - moves
    await MAP.ready(bench)
    await _must_move(bench, INFEED, REJECT_BIN)
    if (state.state, fault, moved) != (FAULT, DESTINATION_TAKEN, 0):
        raise Failed(f"{state}, fault {fault}, {moved} moves")
    return "fault 2, no move counted"


_ROWS: Final[list[tuple[str, str, Run]]] = [
    ("state, numbers, fault and moves", "six registers, state 0, 1, 2 or 4",
     reads(UNIT, 4, 0, 6, lambda values: values[0] in {0, 1, 2, 4})),
    ("the present fault", "0 to 4", reads(UNIT, 4, 3, 1, lambda values: values[0] <= 4)),
    ("fault and state", "a fault exactly in state 4", _fault_fits),
    ("the move counter alone", "as in the block", agree(UNIT, (4, 4, 2), (4, 4, 2))),
    ("reject, quarantine and sample counts", "three registers", reads(UNIT, 4, 0x10, 3)),
    ("the first tray's count", "one register", reads(UNIT, 4, 0x20, 1)),
    ("the command registers", "four registers", reads(UNIT, 3, 0, 4)),
    ("an input register past the state", "exception 2", refuses("0A0400060001", 2)),
    ("a sensor read alone and together", "the same", _one_sensor),
    ("no sensors at all", "exception 3", refuses("0A0200000000", 3)),
    ("homing and the move counter", "homing is no move", _home_is_no_move),
    ("a move from a place that is not", "exception 2 or 3", _no_such_place),
    ("a move from an empty place", "fault 1, nothing moved", _nothing_at_source),
    ("a command in a fault", "exception 6", _refused_in_fault),
    ("clearing a fault", "ready, fault 0", _cleared),
]  # fmt: skip

_MOVING_ROWS: Final[list[tuple[str, str, Run]]] = [
    ("magazine to infeed to reject bin", "sensors, moves and count follow", _magazine_to_bin),
    ("a move's number repeated after its end", "nothing moves", _repeated_move),
    ("a move to a taken place", "fault 2, nothing moved", _destination_taken),
]

CHECKS: Final[list[Check[Bench]]] = [
    *of_every_slave("T", UNIT, 4, 0),
    *names_itself("T", UNIT, "TRN"),
    *of_every_map("T", MAP),
    *(
        Check(f"T-{number}", title, "devices 9", expected, run)
        for number, (title, expected, run) in enumerate(_ROWS, 41)
    ),
    *(
        Check(f"T-{number}", title, "devices 9", expected, run, cards=1)
        for number, (title, expected, run) in enumerate(_MOVING_ROWS, 61)
    ),
]
