"""What an encoder must do with a card in its field: power, parameters, T=1, and our chip profile.

Every check powers the chip on anew and off again. Nothing is written, except by the last rows.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.ccid_dialogue import (
    GET_PARAMETERS,
    POWER_OFF,
    SET_PARAMETERS,
    SLOT_STATUS,
    TRANSFER,
    done,
    frame,
    reply,
)
from drivers.conformance.check import Failed, Skipped
from drivers.conformance.chip_dialogue import (
    CARD_S,
    OK,
    Answering,
    Chip,
    opened,
    parsed,
    powered,
    with_chip,
)
from drivers.t1 import block

SELECT: Final = bytes.fromhex("00A4040405F05249443200")
SELECT_TEXT, SELECT_MANAGEMENT = bytes.fromhex("00A4020C020001"), bytes.fromhex("00A4020C020005")
READ_SERIAL: Final = bytes.fromhex("00B0000008")
NOT_ALLOWED: Final = 0x6982
NO_APPLICATION: Final = bytes.fromhex("00A4040405F0FFFFFFFF00")
NO_FILE, NO_INSTRUCTION = bytes.fromhex("00A4020C027777"), bytes.fromhex("00FE0000")
NO_CLASS: Final = bytes.fromhex("B0A40000")


def _answer_to_reset(volts: int) -> Run:
    async def run(bench: Bench) -> str:
        answer = await powered(bench, volts)
        await done(bench, frame(POWER_OFF))
        if answer.failed and volts > 1:
            raise Skipped(f"not at this voltage: {answer}")
        if answer.failed:
            raise Failed(str(answer))
        parsed(answer.data)
        return shown(answer.data)

    return run


async def _same_answer_to_reset(bench: Bench) -> str:
    seen = {(await powered(bench)).data for _ in range(3)}
    await done(bench, frame(POWER_OFF))
    if len(seen) != 1:
        raise Failed(f"{len(seen)} different ones")
    return shown(seen.pop())


async def _power_in_status(bench: Bench) -> str:
    await powered(bench)
    on = (await done(bench, frame(SLOT_STATUS))).card
    off = (await done(bench, frame(POWER_OFF))).card
    if (on, off) != (0, 1):
        raise Failed(f"bmICCStatus {on}, then {off}")
    return "active, then inactive"


async def _block_without_power(bench: Bench) -> str:
    await powered(bench)
    await done(bench, frame(POWER_OFF))
    answer = await reply(bench, frame(TRANSFER, block(0x00, SELECT)), CARD_S)
    if not answer.failed:
        raise Failed(str(answer))
    return str(answer)


async def _parameters(bench: Bench) -> str:
    async with opened(bench) as chip:
        wanted = chip.atr.t1_parameters()
        answer = await done(bench, frame(SET_PARAMETERS, wanted, sequence=9, parameters=b"\1\0\0"))
        asked = await done(bench, frame(GET_PARAMETERS, sequence=10))
    for got in (answer, asked):
        if got.last != 1 or got.data != wanted:
            raise Failed(f"bProtocolNum {got.last}: {shown(got.data)}")
    return shown(wanted)


async def _sizes(chip: Chip) -> str:
    answer = await chip.block(block(0xC1, b"\xfe"))
    if answer != block(0xE1, b"\xfe"):
        raise Failed(shown(answer))
    return shown(answer)


async def _resynchronised(chip: Chip) -> str:
    await chip.ask(SELECT)
    answer = await chip.block(block(0xC0))
    if answer != block(0xE0):
        raise Failed(shown(answer))
    # Both sides count from 0 again.
    again = await chip.block(block(0x00, SELECT))
    if again[1] != 0x00:
        raise Failed(f"then PCB {again[1]:02X}")
    return shown(answer)


async def selected(chip: Answering) -> str:
    """Select by name, and look at what comes back."""
    data, word = await chip.ask(SELECT)
    if word != OK or data[:1] != b"\x62":
        raise Failed(f"{word:04X}, {shown(data[:2])}")
    return f"{word:04X}"


async def life_cycle(chip: Answering) -> str:
    """Select by name, and look for the life cycle."""
    data, _ = await chip.ask(SELECT)
    at = data.find(b"\x8a\x01")
    if at < 0 or data[at + 2] not in {0x03, 0x05, 0x0C}:
        raise Failed(shown(data))
    return f"{data[at + 2]:02X}"


async def _alternates(chip: Chip) -> str:
    for _ in range(6):
        await chip.ask(SELECT)
    return "6 answers, 0 and 1 in turn"


async def _parity(chip: Chip) -> str:
    good = block(0x00, SELECT)
    answer = await chip.block(good[:-1] + bytes((good[-1] ^ 0xFF,)))
    if answer[1] & 0xEF not in {0x81, 0x82} or len(answer) != 4:
        raise Failed(shown(answer[:4]))
    data = await chip.block(good)
    if data[1] != 0x00:
        raise Failed(f"the good block: {shown(data[:3])}")
    return f"R-block {answer[1]:02X}, then the answer"


async def _repeats(chip: Chip) -> str:
    first = await chip.block(block(0x00, SELECT))
    again = await chip.block(block(0x81))
    if again != first:
        raise Failed(shown(again[:3]))
    return "the same block"


async def _chained(chip: Chip) -> str:
    head = await chip.block(chip.information(SELECT[:4], more=True))
    if head != block(0x90):
        raise Failed(f"the first part: {shown(head[:4])}")
    _, word = chip.take(await chip.block(chip.information(SELECT[4:])))
    if word != OK:
        raise Failed(f"{word:04X}")
    return "R(1), then 9000"


def says(word: int, *commands: bytes) -> Callable[[Answering], Awaitable[str]]:
    """Return the run of commands whose last one is answered with this status word."""

    async def run(chip: Answering) -> str:
        got = 0
        for command in commands:
            _, got = await chip.ask(command)
        if got != word:
            raise Failed(f"{got:04X}")
        return f"{got:04X}"

    return run


async def writes(chip: Answering) -> str:
    """Write 64 bytes into the text file and read them back."""
    wanted = bytes(range(64))
    for command in (SELECT, SELECT_TEXT):
        await chip.ask(command)
    _, word = await chip.ask(b"\x00\xd6\x00\x00\x40" + wanted)
    if word == NOT_ALLOWED:
        raise Skipped("the chip asks for secure messaging (6982)")
    read, _ = await chip.ask(bytes.fromhex("00B0000040"))
    if word != OK or read != wanted:
        raise Failed(f"{word:04X}, {'other' if read != wanted else 'the same'} bytes read")
    return "64 bytes written and read"


async def chip_serial(chip: Answering) -> str:
    """Read the serial that the chip's maker fixed, twice."""
    found = set()
    for _ in range(2):
        for command in (SELECT, SELECT_MANAGEMENT):
            await chip.ask(command)
        data, word = await chip.ask(READ_SERIAL)
        if word != OK or len(data) != 8:
            raise Failed(f"{word:04X}, {len(data)} bytes")
        found.add(data)
    if len(found) != 1:
        raise Failed("another one each time")
    return "8 bytes, the same twice"


async def _begins_anew(bench: Bench) -> str:
    for _ in range(2):
        async with opened(bench) as chip:
            await chip.ask(SELECT)
    return "I(0) after each reset"


async def serial_not_written(chip: Answering) -> str:
    """Try to write over that serial."""
    for command in (SELECT, SELECT_MANAGEMENT):
        await chip.ask(command)
    before, _ = await chip.ask(READ_SERIAL)
    _, word = await chip.ask(b"\x00\xd6\x00\x00\x08" + bytes(8))
    after, _ = await chip.ask(READ_SERIAL)
    if word == OK or after != before:
        raise Failed(f"{word:04X}{', and changed' if after != before else ''}")
    return f"{word:04X}"


async def _writes_after_sizes(chip: Chip) -> str:
    await _sizes(chip)
    return await writes(chip)


_POWER, _T1, _WORDS = "devices 1.1, CCID 6", "ISO/IEC 7816-3, 11", "devices 1.4, 1.5"
CARD_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("power on at 5 V", _POWER, "a right answer to reset", _answer_to_reset(1)),
    ("power on at 3 V", _POWER, "a right answer to reset", _answer_to_reset(2)),
    ("power on at 1.8 V", _POWER, "a right answer to reset", _answer_to_reset(3)),
    ("the answer to reset, three times", _POWER, "the same", _same_answer_to_reset),
    ("power in the slot's status", _POWER, "active, then inactive", _power_in_status),
    ("a block without power", _POWER, "failed", _block_without_power),
    ("T=1 parameters set, and asked for", _POWER, "as set, protocol 1", _parameters),
    ("S(IFS 254)", _T1, "S(IFS response) with 254", with_chip(_sizes)),
    ("S(RESYNCH)", _T1, "S(RESYNCH response), numbers at 0", with_chip(_resynchronised)),
    ("numbers after a reset", _T1, "I(0) first", _begins_anew),
    ("numbers of I-blocks", _T1, "0 and 1 in turn", with_chip(_alternates)),
    ("a block with a wrong LRC", _T1, "an R-block, then the answer", with_chip(_parity)),
    ("an R-block from us", _T1, "the last I-block again", with_chip(_repeats)),
    ("a chained command", _T1, "R(1), then the answer", with_chip(_chained)),
    ("SELECT by name", _WORDS, "9000 and file parameters", with_chip(selected)),
    ("the life cycle (tag 8A)", _WORDS, "03, 05 or 0C", with_chip(life_cycle)),
    ("an application that is not", _WORDS, "6A82", with_chip(says(0x6A82, NO_APPLICATION))),
    ("a file that is not", _WORDS, "6A82", with_chip(says(0x6A82, SELECT, NO_FILE))),
    ("an instruction that is not", _WORDS, "6D00",
     with_chip(says(0x6D00, SELECT, NO_INSTRUCTION))),
    ("a class that is not", _WORDS, "6E00", with_chip(says(0x6E00, SELECT, NO_CLASS))),
    ("the chip's serial number", _WORDS, "8 bytes, the same twice", with_chip(chip_serial)),
    ("writing over the chip's serial number", _WORDS, "refused, unchanged",
     with_chip(serial_not_written)),
]  # fmt: skip
WRITING_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("writing the text file", _WORDS, "reads back", with_chip(_writes_after_sizes)),
]
