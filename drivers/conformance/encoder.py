"""What a chip encoder must do: serial CCID frames with and without a card, T=1 and T=0 to its chip.

The checks of a card need a blank in the field; only the last two write to its chip.
"""

from collections.abc import Callable
from typing import Final

from drivers.conformance import chip, chip_t0
from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.ccid_dialogue import (
    ABSENT,
    ESCAPE,
    GET_PARAMETERS,
    NAK,
    POWER_OFF,
    POWER_ON,
    SET_PARAMETERS,
    SLOT_STATUS,
    TRANSFER,
    Reply,
    done,
    frame,
    reply,
    without_echo,
)
from drivers.conformance.check import Check, Failed, Skipped

FIRMWARE, SERIAL_NUMBER, NOTIFY = b"\x02", b"\x04", b"\x01\x01\x01"
T1_PARAMETERS: Final = bytes.fromhex("11100045 00FE00")
STATUS: Final = frame(SLOT_STATUS, sequence=2)


def _succeeds(request: bytes, is_right: Callable[[Reply], object] = lambda _: True) -> Run:
    async def run(bench: Bench) -> str:
        answer = await done(bench, request)
        if not is_right(answer):
            raise Failed(f"{answer}, {len(answer.data)} bytes")
        return str(answer)

    return run


def _fails(request: bytes, *errors: int) -> Run:
    """Return the run of a command that must fail, with one of these bError if any are given."""

    async def run(bench: Bench) -> str:
        answer = await reply(bench, request)
        if not answer.failed or answer.data or (errors and answer.error not in errors):
            raise Failed(f"{answer}, {len(answer.data)} bytes")
        return str(answer)

    return run


async def _escape_text(bench: Bench, request: bytes) -> str:
    answer = await reply(bench, frame(ESCAPE, request))
    if answer.failed:
        raise Skipped(f"this reader does not know it: {answer}")
    text = answer.data.decode("latin-1").strip("\0 ")
    if not text.isascii() or not text.isprintable() or not text:
        raise Failed(shown(answer.data))
    return text


async def _firmware(bench: Bench) -> str:
    try:
        return await _escape_text(bench, FIRMWARE)
    except Skipped as refused:
        raise Failed(str(refused)) from None


async def _serial_number(bench: Bench) -> str:
    texts = {await _escape_text(bench, SERIAL_NUMBER) for _ in range(3)}
    if len(texts) != 1:
        raise Failed(", ".join(sorted(texts)))
    return texts.pop()


async def _echo(bench: Bench) -> str:
    echoes = []
    for sequence in range(3):
        request = frame(SLOT_STATUS, sequence=sequence)
        heard = await bench.ask(request)
        echoes.append(heard.startswith(request))
        rest = without_echo(heard, request)
        if rest[:3] != b"\x03\x06\x81" or len(rest) != 13:
            raise Failed(shown(heard))
    if len(set(echoes)) != 1:
        raise Failed("some commands are echoed and others not")
    return "echo" if echoes[0] else "no echo"


async def _damaged(bench: Bench) -> str:
    request = STATUS[:-1] + bytes((STATUS[-1] ^ 0x01,))
    heard = await bench.ask(request)
    if without_echo(heard, request) != NAK:
        raise Failed(shown(heard))
    return f"NAK, then {await done(bench, STATUS)}"


async def _damaged_escape(bench: Bench) -> str:
    request = frame(ESCAPE, FIRMWARE)
    damaged = request[:-2] + b"\x03" + request[-1:]
    heard = await bench.ask(damaged)
    if without_echo(heard, damaged) != NAK:
        raise Failed(shown(heard))
    return f"NAK, then {await done(bench, request)}"


async def _repeats_its_answer(bench: Bench) -> str:
    heard = without_echo(await bench.ask(STATUS), STATUS)
    again = await bench.ask(NAK)
    again += await bench.hear() if again == NAK else b""
    if again.removeprefix(NAK) != heard:
        raise Failed(shown(again))
    return "the same bytes"


def _answers_after(noise: bytes) -> Run:
    async def run(bench: Bench) -> str:
        heard = await bench.ask(noise, 0.3)
        for piece in (noise, NAK):
            heard = heard.removeprefix(piece)
        if heard[:2] == b"\x03\x06" and len(heard) > 2 and heard[2] >= 0x80:
            raise Failed(f"answered: {shown(heard)}")
        await bench.fall_silent()
        return str(await done(bench, STATUS))

    return run


async def _cut_off(bench: Bench) -> str:
    await bench.ask(STATUS[:7], 0.3)
    # What is asked first may be taken for the rest of what was cut off.
    for _ in range(3):
        heard = without_echo(await bench.ask(STATUS), STATUS)
        if heard[:3] == b"\x03\x06\x81":
            return str(await done(bench, STATUS))
    raise Failed("no answer any more")


async def _two_at_once(bench: Bench) -> str:
    first, second = frame(SLOT_STATUS, sequence=6), frame(SLOT_STATUS, sequence=7)
    heard = await bench.ask(first + second)
    heard += await bench.hear(0.3)
    order = [heard[at + 8] for at in range(len(heard) - 9) if heard[at : at + 3] == b"\x03\x06\x81"]
    if order != [6, 7]:
        raise Failed(shown(heard))
    return "6, then 7"


async def _single_bytes(bench: Bench) -> str:
    for byte in STATUS[:-1]:
        await bench.send(bytes((byte,)))
    heard = await bench.ask(STATUS[-1:])
    if without_echo(heard, STATUS)[:3] != b"\x03\x06\x81":
        raise Failed(shown(heard))
    return "one answer"


async def _keeps_step(bench: Bench) -> str:
    for sequence in range(50):
        await done(bench, frame(SLOT_STATUS, sequence=sequence))
    return "50 of 50 answers"


def _empty(run: Run) -> Run:
    """Return a run that needs an empty field."""

    async def run_empty(bench: Bench) -> str:
        if (await reply(bench, STATUS)).card != ABSENT:
            raise Skipped("a card is in the field")
        return await run(bench)

    return run_empty


_FRAMES, _MESSAGES = "devices 1.1", "devices 1.1, CCID 6"
_MODBUS_QUESTION, _SDT_QUESTION = "032B0E010009B7", "AAAAAA9669000311FFED"
_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("its firmware (Escape 02)", _FRAMES, "a printable text", _firmware),
    ("its serial number (Escape 04), three times", "devices 10", "the same", _serial_number),
    ("slot-change notices on (Escape 01 01 01)", _FRAMES, "done", _succeeds(frame(ESCAPE, NOTIFY))),
    ("an Escape that is not", _MESSAGES, "failed", _fails(frame(ESCAPE, b"\x77"))),
    ("an Escape without data", _MESSAGES, "failed", _fails(frame(ESCAPE))),
    ("commands are echoed, all or none", _FRAMES, "the same each time", _echo),
    *(
        (f"bSeq {sequence:02X}", _MESSAGES, "copied",
         _succeeds(frame(SLOT_STATUS, sequence=sequence)))
        for sequence in (0x00, 0x01, 0x7F, 0x80, 0xFF)
    ),
    ("the slot's status", _MESSAGES, "active, inactive or absent; bError 00",
     _succeeds(STATUS, lambda answer: answer.card <= ABSENT and not answer.error)),
    ("the slot's clock", _MESSAGES, "bClockStatus 0 to 3",
     _succeeds(STATUS, lambda answer: answer.last <= 3)),
    ("the slot's status carries no data", _MESSAGES, "dwLength 0",
     _succeeds(STATUS, lambda answer: not answer.data)),
    ("a slot that is not", _MESSAGES, "failed, bError 05",
     _fails(frame(SLOT_STATUS, slot=5), 0x05)),
    ("power off in a slot that is not", _MESSAGES, "failed, bError 05",
     _fails(frame(POWER_OFF, slot=5), 0x05)),
    ("a message type that is not", _MESSAGES, "failed, bError 00", _fails(frame(0x60), 0x00)),
    ("a message type of readers with keypads (69)", _MESSAGES, "failed, bError 00",
     _fails(frame(0x69), 0x00)),
    ("a wrong LRC", _FRAMES, "NAK 03 15 16, then in step", _damaged),
    ("an Escape damaged in its data", _FRAMES, "NAK, and done when sent again", _damaged_escape),
    ("a NAK from us", _FRAMES, "the last answer again", _repeats_its_answer),
    ("noise before SYNC", _FRAMES, "no answer to it, then in step",
     _answers_after(b"\xaa\xbb\x00\x1b")),
    ("a frame cut off", _FRAMES, "in step again after at most three", _cut_off),
    ("an absurd length", _FRAMES, "no answer to it, then in step",
     _answers_after(bytes.fromhex("030665 0000FFFF 000200000062"))),
    ("SYNC with another control byte", _FRAMES, "no answer to it, then in step",
     _answers_after(b"\x03\x07\x65")),
    ("the printer's question", _FRAMES, "no answer to it, then in step",
     _answers_after(b"\x1bRsn\r")),
    ("a laminator's question", _FRAMES, "no answer to it, then in step",
     _answers_after(bytes.fromhex(_MODBUS_QUESTION))),
    ("the reader's question", _FRAMES, "no answer to it, then in step",
     _answers_after(bytes.fromhex(_SDT_QUESTION))),
    ("two commands at once", _FRAMES, "two answers in order", _two_at_once),
    ("a command in single bytes", _FRAMES, "one answer", _single_bytes),
    ("fifty commands in turn", _FRAMES, "fifty answers in step", _keeps_step),
    *(
        (f"power on at {volts} without a card", _MESSAGES, "bStatus 42, bError FE",
         _empty(_fails(frame(POWER_ON, parameters=bytes((code, 0, 0))), 0xFE)))
        for code, volts in ((1, "5 V"), (2, "3 V"), (3, "1.8 V"))
    ),
    ("power on at no voltage", _MESSAGES, "failed",
     _empty(_fails(frame(POWER_ON, parameters=b"\x07\0\0")))),
    ("a block without a card", _MESSAGES, "failed, bError FE",
     _empty(_fails(frame(TRANSFER, bytes.fromhex("FF01FE")), 0xFE))),
    ("parameters without a card", _MESSAGES, "failed",
     _empty(_fails(frame(SET_PARAMETERS, T1_PARAMETERS, parameters=b"\1\0\0")))),
    ("parameters asked for without a card", _MESSAGES, "failed",
     _empty(_fails(frame(GET_PARAMETERS)))),
    ("power off without a card", _MESSAGES, "done, absent",
     _empty(_succeeds(frame(POWER_OFF), lambda answer: answer.card == ABSENT))),
]  # fmt: skip

CHECKS: Final[list[Check[Bench]]] = [
    *(
        Check(f"E-{number:02}", title, section, expected, run)
        for number, (title, section, expected, run) in enumerate(_ROWS, 1)
    ),
    *(
        Check(f"E-{number}", title, section, expected, run)
        for number, (title, section, expected, run) in enumerate(chip.CARD_ROWS, 51)
    ),
    *(
        Check(f"E-{number}", title, section, expected, run)
        for number, (title, section, expected, run) in enumerate(chip_t0.CARD_ROWS, 101)
    ),
    *(
        Check(f"E-{number}", title, section, expected, run, cards=1)
        for first, rows in ((81, chip.WRITING_ROWS), (131, chip_t0.WRITING_ROWS))
        for number, (title, section, expected, run) in enumerate(rows, first)
    ),
]
