"""What an encoder must do with a chip that speaks T=0: whole transfers, and answers that wait.

Every check powers the chip on anew and off again. Nothing is written, except by the last row.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.ccid_dialogue import (
    GET_PARAMETERS,
    POWER_OFF,
    SET_PARAMETERS,
    TRANSFER,
    done,
    frame,
    reply,
)
from drivers.conformance.check import Failed, Skipped
from drivers.conformance.chip import (
    NO_APPLICATION,
    NO_CLASS,
    NO_FILE,
    NO_INSTRUCTION,
    READ_SERIAL,
    SELECT,
    SELECT_MANAGEMENT,
    chip_serial,
    life_cycle,
    says,
    selected,
    serial_not_written,
    writes,
)
from drivers.conformance.chip_dialogue import (
    CARD_S,
    OK,
    PPS_T0,
    T0Chip,
    opened_t0,
    parsed,
    powered,
    with_t0_chip,
)

#: Over T=0 nothing says beside data how long the answer may be.
SELECT_T0: Final = SELECT[:-1]
TURNS: Final = 20


async def _agrees(bench: Bench) -> str:
    atr = parsed((await powered(bench)).data)
    try:
        if 0 not in atr.protocols:
            raise Skipped("the chip speaks no T=0")
        if not atr.negotiable:
            raise Skipped("the chip's answer to reset fixes its protocol")
        answer = (await done(bench, frame(TRANSFER, PPS_T0), CARD_S)).data
    finally:
        await done(bench, frame(POWER_OFF))
    if answer != PPS_T0:
        raise Failed(shown(answer))
    return shown(answer)


async def _parameters(bench: Bench) -> str:
    async with opened_t0(bench) as chip:
        wanted = chip.atr.t0_parameters()
        answer = await done(bench, frame(SET_PARAMETERS, wanted, sequence=9))
        asked = await done(bench, frame(GET_PARAMETERS, sequence=10))
    for got in (answer, asked):
        if got.last != 0 or got.data != wanted:
            raise Failed(f"bProtocolNum {got.last}: {shown(got.data)}")
    return shown(wanted)


async def _waiting(chip: T0Chip) -> int:
    """Select by name; returns how many bytes wait."""
    data, word = await chip.transfer(SELECT_T0)
    if word >> 8 != 0x61 or data:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    return word & 0xFF or 256


async def _waits(chip: T0Chip) -> str:
    return f"{await _waiting(chip)} bytes"


async def _fetched(chip: T0Chip) -> str:
    length = await _waiting(chip)
    data, word = await chip.get_response(length)
    if word != OK or len(data) != length or data[:1] != b"\x62":
        raise Failed(f"{word:04X}, {len(data)} of {length} bytes")
    return f"{length} bytes, 9000"


async def _corrected(chip: T0Chip) -> str:
    length = await _waiting(chip)
    data, word = await chip.get_response(length + 1)
    if word != 0x6C00 | length or data:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    data, after = await chip.get_response(length)
    if after != OK or len(data) != length:
        raise Failed(f"then {after:04X}, {len(data)} of {length} bytes")
    return f"{word:04X}, then 9000"


async def _nothing_waits(chip: T0Chip) -> str:
    data, word = await chip.get_response(8)
    if word >> 8 in {0x61, 0x6C, 0x90} or data:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    return f"{word:04X}"


async def _fetched_once(chip: T0Chip) -> str:
    await _fetched(chip)
    return await _nothing_waits(chip)


async def _not_kept(chip: T0Chip) -> str:
    await _waiting(chip)
    await chip.transfer(SELECT_MANAGEMENT)
    return await _nothing_waits(chip)


async def _without_answer(chip: T0Chip) -> str:
    await _waiting(chip)
    data, word = await chip.transfer(SELECT_MANAGEMENT)
    if word != OK or data:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    return f"{word:04X}"


async def _read_at_once(chip: T0Chip) -> str:
    for command in (SELECT_T0, SELECT_MANAGEMENT):
        await chip.transfer(command)
    data, word = await chip.transfer(READ_SERIAL)
    if word != OK or len(data) != READ_SERIAL[4]:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    return f"{len(data)} bytes, 9000"


def _refused(transfer: bytes) -> Run:
    """Return the run of a transfer that is none: the reader refuses it, or the chip its length."""

    async def run(bench: Bench) -> str:
        async with opened_t0(bench):
            answer = await reply(bench, frame(TRANSFER, transfer), CARD_S)
        if answer.failed:
            return str(answer)
        if answer.data[:1] != b"\x67":
            raise Failed(shown(answer.data))
        return shown(answer.data)

    return run


async def _forgets(bench: Bench) -> str:
    async with opened_t0(bench) as chip:
        for command in (SELECT_T0, SELECT_MANAGEMENT):
            await chip.transfer(command)
    async with opened_t0(bench) as chip:
        data, word = await chip.transfer(READ_SERIAL)
    if word == OK or data:
        raise Failed(f"{word:04X}, {len(data)} bytes")
    return f"{word:04X}"


async def _in_turn(chip: T0Chip) -> str:
    for _ in range(TURNS):
        await _fetched(chip)
    return f"{TURNS} answers"


_POWER, _T0, _WORDS = "devices 1.1, CCID 6", "ISO/IEC 7816-3, 10, 12", "devices 1.4, 1.5"
CARD_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("a PPS for T=0", _T0, "FF 00 FF", _agrees),
    ("T=0 parameters set, and asked for", _POWER, "as set, protocol 0", _parameters),
    ("T=0: a command that has an answer to data", _T0, "61xx alone", with_t0_chip(_waits)),
    ("T=0: GET RESPONSE", _T0, "as many bytes as wait, 9000", with_t0_chip(_fetched)),
    ("T=0: GET RESPONSE for one byte more", _T0, "6Cxx, then the answer", with_t0_chip(_corrected)),
    ("T=0: GET RESPONSE where nothing waits", _T0, "refused", with_t0_chip(_nothing_waits)),
    ("T=0: GET RESPONSE twice", _T0, "refused", with_t0_chip(_fetched_once)),
    ("T=0: GET RESPONSE after another command", _T0, "refused", with_t0_chip(_not_kept)),
    ("T=0: a command with data and no answer", _T0, "9000 alone", with_t0_chip(_without_answer)),
    ("T=0: a command without data", _T0, "its answer at once", with_t0_chip(_read_at_once)),
    ("T=0: a header cut off", _POWER, "failed, or 67xx", _refused(SELECT_T0[:3])),
    ("T=0: fewer data than announced", _POWER, "failed, or 67xx", _refused(SELECT_T0[:-2])),
    ("T=0: what was selected before a reset", _T0, "forgotten", _forgets),
    ("T=0: twenty commands in turn", _T0, "twenty answers", with_t0_chip(_in_turn)),
    ("T=0: SELECT by name", _WORDS, "9000 and file parameters", with_t0_chip(selected)),
    ("T=0: the life cycle (tag 8A)", _WORDS, "03, 05 or 0C", with_t0_chip(life_cycle)),
    ("T=0: an application that is not", _WORDS, "6A82", with_t0_chip(says(0x6A82, NO_APPLICATION))),
    ("T=0: a file that is not", _WORDS, "6A82", with_t0_chip(says(0x6A82, SELECT, NO_FILE))),
    ("T=0: an instruction that is not", _WORDS, "6D00",
     with_t0_chip(says(0x6D00, SELECT, NO_INSTRUCTION))),
    ("T=0: a class that is not", _WORDS, "6E00", with_t0_chip(says(0x6E00, SELECT, NO_CLASS))),
    ("T=0: the chip's serial number", _WORDS, "8 bytes, the same twice", with_t0_chip(chip_serial)),
    ("T=0: writing over the chip's serial number", _WORDS, "refused, unchanged",
     with_t0_chip(serial_not_written)),
]  # fmt: skip
WRITING_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("T=0: writing the text file", _WORDS, "reads back", with_t0_chip(writes)),
]
