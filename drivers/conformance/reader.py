"""What a read-back reader must do: SDT frames, requests about itself, and an empty field.

What it must say of a card is in `reader_card.py`.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.reader_card import CARD_CHECKS
from drivers.conformance.sdt_dialogue import (
    ADDRESSES,
    BASE,
    CHECKSUM,
    DONE,
    FIND,
    FINGERPRINTS,
    FOUND,
    LENGTH,
    MANAGEMENT,
    NO_ITEM,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_SELECTED,
    PREAMBLE,
    RATES,
    READ_FAILED,
    RESET,
    SAM_ID,
    SELECT,
    STATUS,
    WRONG_COMMAND,
    ReaderBench,
    ReaderRun,
    ask,
    expect,
    frame,
    parsed,
)


def _says(request: bytes, *sw3: int, size: int = 0) -> Run:
    """Return the run of a frame that is answered by one of these words and so many bytes."""

    async def run(bench: Bench) -> str:
        return str(await expect(bench, request, frozenset(sw3), size))

    return run


def _then_in_step(request: bytes, *sw3: int) -> Run:
    """Return the run of a frame after which the reader answers as before."""

    async def run(bench: Bench) -> str:
        seen = await expect(bench, request, frozenset(sw3), 0)
        await expect(bench, frame(STATUS), frozenset((DONE,)), 0)
        return str(seen)

    return run


def _ignores(noise: bytes) -> Run:
    async def run(bench: Bench) -> str:
        await bench.expect_silence(noise)
        return str(await expect(bench, frame(STATUS), frozenset((DONE,)), 0))

    return run


async def _sam_id(bench: Bench) -> str:
    seen = {(await expect(bench, frame(SAM_ID), frozenset((DONE,)), 16)).data for _ in range(3)}
    if len(seen) != 1 or seen == {bytes(16)}:
        raise Failed("another each time, or zero")
    return seen.pop().hex(" ").upper()


async def _cut_off(bench: Bench) -> str:
    await bench.ask(frame(STATUS)[:8], 0.3)
    # What is asked first may be taken for the rest of what was cut off.
    for _ in range(3):
        heard = await bench.ask(frame(STATUS))
        if heard == bytes.fromhex("AAAAAA966900040000 9094"):
            return "in step"
    raise Failed("no right answer any more")


async def _absurd_length(bench: Bench) -> str:
    await bench.ask(PREAMBLE + b"\x20\x00\x11", 0.3)
    await bench.fall_silent()
    return str(await expect(bench, frame(STATUS), frozenset((DONE,)), 0))


async def _two_at_once(bench: Bench) -> str:
    heard = await bench.ask(frame(STATUS) + frame(SAM_ID))
    heard += await bench.hear(0.3)
    first, second = parsed(heard[:11]), parsed(heard[11:])
    if (len(first.data), len(second.data)) != (0, 16):
        raise Failed(shown(heard))
    return "status, then SAM id"


async def _single_bytes(bench: Bench) -> str:
    request = frame(STATUS)
    for byte in request[:-1]:
        await bench.send(bytes((byte,)))
    return str(await expect(bench, request[-1:], frozenset((DONE,)), 0))


async def _keeps_step(bench: Bench) -> str:
    for turn in range(20):
        request, size = (frame(SAM_ID), 16) if turn % 2 else (frame(STATUS), 0)
        await expect(bench, request, frozenset((DONE,)), size)
    return "20 of 20 in step"


async def _same_rate(bench: Bench) -> str:
    if bench.baud not in RATES:
        raise Skipped("the rate of this wire is not known")
    request = frame(bytes((0x60, RATES.index(bench.baud))))
    await expect(bench, request, frozenset((DONE,)), 0)
    return str(await expect(bench, frame(STATUS), frozenset((DONE,)), 0))


def _radio_frame(size_bytes: int) -> Run:
    async def run(bench: Bench) -> str:
        request = frame(bytes((0x61, 0xFF, size_bytes)))
        await expect(bench, request, frozenset((DONE,)), 0)
        return str(await expect(bench, frame(b"\x61\xff\x58"), frozenset((DONE,)), 0))

    return run


def _empty(run: Run) -> ReaderRun:
    """Return a run that needs an empty field."""

    async def run_empty(bench: ReaderBench) -> str:
        if bench.visit is not None or (await ask(bench, frame(FIND))).sw3 == FOUND:
            raise Skipped("a card is in the field")
        return await run(bench)

    return run_empty


def _without_a_card(request: bytes) -> Run:
    async def run(bench: Bench) -> str:
        answer = await ask(bench, frame(request))
        if request in {ADDRESSES, MANAGEMENT} and answer.sw3 in {DONE, NO_ITEM}:
            raise Skipped("a card that was read lies in the field still")
        if answer.sw3 not in {NOT_ALLOWED, READ_FAILED} or answer.data:
            raise Failed(str(answer))
        return str(answer)

    return run


_GOOD: Final = frame(STATUS)
_BAD_CHECK: Final = _GOOD[:-1] + bytes((_GOOD[-1] ^ 0x03,))
_TOO_LONG: Final = PREAMBLE + bytes.fromhex("000411FF00EA")
_TOO_SHORT: Final = PREAMBLE + bytes.fromhex("00021113")
_COMMANDS, _FRAMES, _TIMES = "domain 13.2", "domain 13.1", "domain 13.5"
_ROWS: Final[list[tuple[str, str, str, ReaderRun]]] = [
    ("status", _COMMANDS, "SW3 90", _says(_GOOD, DONE)),
    ("reset of the SAM", _COMMANDS, "SW3 90", _says(frame(RESET), DONE)),
    ("status after a reset", _COMMANDS, "SW3 90, no failed self test", _says(_GOOD, DONE)),
    ("the SAM's number, three times", "domain 13.4", "16 bytes, the same", _sam_id),
    ("the wire's own rate set again", _COMMANDS, "SW3 90, then in step", _same_rate),
    ("a rate that is not", _COMMANDS, "SW3 21, then in step",
     _then_in_step(frame(b"\x60\x09"), WRONG_COMMAND)),
    ("largest RF frame of 80 bytes", _COMMANDS, "SW3 90", _says(frame(b"\x61\xff\x50"), DONE)),
    ("largest RF frame of 88 bytes", _COMMANDS, "SW3 90", _says(frame(b"\x61\xff\x58"), DONE)),
    ("largest RF frame of 16 bytes", _COMMANDS, "SW3 21, then in step",
     _then_in_step(frame(b"\x61\xff\x10"), WRONG_COMMAND)),
    ("a command that is not", "domain 13.3", "SW3 21, then in step",
     _then_in_step(frame(b"\x99\xff"), WRONG_COMMAND)),
    ("a parameter that is not", "domain 13.3", "SW3 21, then in step",
     _then_in_step(frame(b"\x20\x05"), WRONG_COMMAND)),
    ("a wrong check byte", "domain 13.3", "SW3 10, then in step",
     _then_in_step(_BAD_CHECK, CHECKSUM)),
    ("a byte too many", "domain 13.3", "SW3 11, then in step", _then_in_step(_TOO_LONG, LENGTH)),
    ("a length of 2", _FRAMES, "SW3 11, then in step", _then_in_step(_TOO_SHORT, LENGTH)),
    ("a fourth AA before 96", _FRAMES, "SW3 90", _says(b"\xaa" + _GOOD, DONE)),
    ("noise before the preamble", _FRAMES, "SW3 90", _says(b"\x01\x02\x03" + _GOOD, DONE)),
    ("half a preamble, then a whole frame", _FRAMES, "SW3 90",
     _says(PREAMBLE[:4] + _GOOD, DONE)),
    ("a frame without its preamble", _FRAMES, "silence, then in step", _ignores(_GOOD[5:])),
    ("a frame cut off", _FRAMES, "in step again after at most three", _cut_off),
    ("an absurd length", _FRAMES, "in step afterwards", _absurd_length),
    ("the printer's question", _FRAMES, "silence, then in step", _ignores(b"\x1bRsn\r")),
    ("a laminator's question", _FRAMES, "silence, then in step",
     _ignores(bytes.fromhex("032B0E010009B7"))),
    ("an encoder's question", _FRAMES, "silence, then in step",
     _ignores(bytes.fromhex("03066B010000000000000000026D"))),
    ("two requests at once", _FRAMES, "two answers in order", _two_at_once),
    ("a request in single bytes", _FRAMES, "SW3 90", _single_bytes),
    ("twenty requests in turn", _FRAMES, "twenty answers in step", _keeps_step),
    ("largest RF frame of 24 bytes, then of 88", _COMMANDS, "SW3 90 twice", _radio_frame(24)),
    ("largest RF frame of 255 bytes, then of 88", _COMMANDS, "SW3 90 twice", _radio_frame(255)),
    ("largest RF frame without its byte", "domain 13.3", "SW3 11 or 21, then in step",
     _then_in_step(frame(b"\x61\xff"), LENGTH, WRONG_COMMAND)),
]  # fmt: skip

_EMPTY_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("find without a card", _COMMANDS, "SW3 80", _says(frame(FIND), NOT_FOUND)),
    ("find again without a card", _TIMES, "SW3 80", _says(frame(FIND), NOT_FOUND)),
    ("select without a card", _COMMANDS, "SW3 81", _says(frame(SELECT), NOT_SELECTED)),
    *(
        (f"{what} without a card", _TIMES, "SW3 23 or 41", _without_a_card(request))
        for what, request in (
            ("base data", BASE),
            ("base data and fingerprints", FINGERPRINTS),
            ("added addresses", ADDRESSES),
            ("management number", MANAGEMENT),
        )
    ),
]  # fmt: skip

CHECKS: Final[list[Check[ReaderBench]]] = [
    *(
        Check(f"R-{number:02}", title, section, expected, run)
        for number, (title, section, expected, run) in enumerate(_ROWS, 1)
    ),
    *CARD_CHECKS,
    *(
        Check(f"R-{number}", title, section, expected, _empty(run))
        for number, (title, section, expected, run) in enumerate(_EMPTY_ROWS, 61)
    ),
]
