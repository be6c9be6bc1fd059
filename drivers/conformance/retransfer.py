"""What a retransfer printer must do: its frames, its planes, its numbers, and a card.

The checks that feed or print need a card at the infeed and a free outfeed.
"""

import asyncio
import zlib
from collections.abc import Sequence
from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.retransfer_card import CARD_ROWS, ONE_LINE
from drivers.conformance.retransfer_dialogue import (
    TAG,
    code,
    is_whole,
    names,
    payload_of,
    settled,
    status,
)
from drivers.numbered import next_number
from drivers.retransfer_frames import (
    Ask,
    CardAt,
    Code,
    RetransferStatus,
    frame,
    number_payload,
    plane_payload,
    print_payload,
)

#: An unfinished frame is dropped after half a second; this is surely longer.
DROPPED_S: Final = 0.8
BLACK_BYTES, COLOUR_BYTES = 1036 * 83, 1036 * 581

Sent = list[tuple[bytes, bytes]]


def _changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 0x10,)) + data[at:][1:]


def _unanswered(request: bytes, pause_s: float = 0.0) -> Run:
    """Return the run of bytes that must be dropped, after which the dialogue is in step."""

    async def run(bench: Bench) -> str:
        seen = await bench.expect_silence(request)
        await asyncio.sleep(pause_s)
        await names(bench)
        return seen

    return run


async def _three_names(bench: Bench) -> str:
    return ", ".join(await names(bench))


async def _same_serial(bench: Bench) -> str:
    told = {(await names(bench))[1] for _ in range(3)} | {(await status(bench)).serial_number}
    if len(told) != 1:
        raise Failed(", ".join(sorted(told)))
    return told.pop()


async def _tags(bench: Bench) -> str:
    for tag in (0, 1, 0x7E7E, 0xFFFF):
        payload_of(await bench.ask(frame(Ask.WHO, tag)), Ask.WHO, tag)
    return "4 of 4"


async def _keeps_step(bench: Bench) -> str:
    for turn in range(20):
        kind = Ask.STATUS if turn % 2 else Ask.WHO
        payload_of(await bench.ask(frame(kind, turn)), kind, turn)
    return "20 of 20 in step"


async def _byte_by_byte(bench: Bench) -> str:
    request = frame(Ask.WHO, TAG)
    for byte in request[:-1]:
        await bench.send(bytes((byte,)))
    payload_of(await bench.ask(request[-1:]), Ask.WHO)
    return "answered"


async def _two_at_once(bench: Bench) -> str:
    heard = await bench.ask(frame(Ask.WHO, 1) + frame(Ask.WHO, 2))
    first = int.from_bytes(heard[4:7], "big") + 12
    if not is_whole(heard[first:]):
        heard += await bench.hear()
    payload_of(heard[:first], Ask.WHO, 1)
    payload_of(heard[first:], Ask.WHO, 2)
    return "2 of 2"


async def _after_noise(bench: Bench) -> str:
    payload_of(await bench.ask(b"\x00\x7e\x7e\xff~noise" + frame(Ask.WHO, TAG)), Ask.WHO)
    return "answered"


async def _at_rest(bench: Bench) -> str:
    now = await status(bench)
    if now.moving or now.error:
        raise Failed(f"phase {now.phase.name.lower()}, ending {now.ending.name.lower()}")
    return now.phase.name.lower()


async def _unknown_type(bench: Bench) -> str:
    heard = await bench.ask(_of_type(0x55))
    if payload_of(heard, 0x55) != bytes((Code.CANNOT,)):
        raise Failed(shown(heard))
    return "code 0C"


def _of_type(kind: int) -> bytes:
    head = bytes((0x7E, kind)) + TAG.to_bytes(2, "big") + bytes(3)
    body = head + bytes((0x7E ^ kind,))  # a tag of two equal bytes cancels itself
    return body + zlib.crc32(body).to_bytes(4, "big")


def _plane(name: bytes, dots: bytes, wanted: Code = Code.DONE) -> Run:
    return _plane_of(plane_payload(name, dots), wanted)


def _plane_of(payload: bytes, wanted: Code) -> Run:
    async def run(bench: Bench) -> str:
        seen = await code(bench, Ask.PLANE, payload, wanted)
        await code(bench, Ask.FORGET, b"", Code.DONE)
        return seen

    return run


async def _next(bench: Bench) -> int:
    return next_number((await status(bench)).started)


async def _needs_an_empty_printer(bench: Bench) -> RetransferStatus:
    now = await status(bench)
    if now.card is not CardAt.NOWHERE or now.card_at_infeed:
        raise Skipped("a card is in the printer or at its infeed")
    return now


def _refused(kind: Ask, wanted: Code, planes: Sent, named: Sent) -> Run:
    """Return the run of a command that is refused without a card, and uses up no number."""

    async def run(bench: Bench) -> str:
        before = await _needs_an_empty_printer(bench)
        number = next_number(before.started)
        for name, dots in planes:
            await code(bench, Ask.PLANE, plane_payload(name, dots), Code.DONE)
        is_print = kind is Ask.PRINT
        payload = print_payload(number, named) if is_print else number_payload(number)
        seen = await code(bench, kind, payload, wanted)
        await code(bench, Ask.FORGET, b"", Code.DONE)
        if await status(bench) != before:
            raise Failed(f"{seen}, but the status is another one")
        return seen

    return run


def _not_a_number(payload: bytes) -> Run:
    return lambda bench: code(bench, Ask.RESET, payload, Code.CANNOT)


async def _reset(bench: Bench) -> str:
    before = await status(bench)
    number = next_number(before.started)
    await code(bench, Ask.RESET, number_payload(number), Code.DONE)
    after = await settled(bench)
    if (after.started, after.finished) != (number, number):
        raise Failed(f"started {after.started}, finished {after.finished}, sent {number}")
    if _counters(after) != _counters(before):
        raise Failed("a counter moved")
    return f"started and finished {number}"


async def _reset_again(bench: Bench) -> str:
    await _reset(bench)
    before = await status(bench)
    seen = await code(bench, Ask.RESET, number_payload(before.started), Code.KNOWN)
    if await status(bench) != before:
        raise Failed("it was begun again")
    return seen


def _counters(now: RetransferStatus) -> tuple[int, ...]:
    return now.cards_fed, now.cards_printed, now.film_left_faces, now.ribbon_left_faces


_BLACK: Final[Sent] = [(b"\0K", ONE_LINE)]
_FRAMES, _COMMANDS, _STATUS = "frames", "commands", "STATUS"
_ROWS: Final[Sequence[tuple[str, str, str, Run]]] = [
    ("who it is (WHO)", _COMMANDS, "model, serial number, firmware", _three_names),
    ("its serial number, three times and in STATUS", _STATUS, "the same", _same_serial),
    ("a printer at rest", _STATUS, "ready and in no trouble", _at_rest),
    ("tags", _FRAMES, "each answer repeats its question's", _tags),
    ("twenty questions in turn", _FRAMES, "twenty answers in step", _keeps_step),
    ("a question in single bytes", _FRAMES, "one answer", _byte_by_byte),
    ("two questions at once", _FRAMES, "two answers in order", _two_at_once),
    ("noise before a question", _FRAMES, "one answer", _after_noise),
    ("a wrong CRC", _FRAMES, "silence, then in step",
     _unanswered(_changed(frame(Ask.WHO, TAG), 9))),
    ("a wrong check of the header", _FRAMES, "silence, then in step",
     _unanswered(_changed(frame(Ask.WHO, TAG), 7))),
    ("a damaged length", _FRAMES, "silence, then in step",
     _unanswered(_changed(frame(Ask.WHO, TAG), 5))),
    ("half a frame", _FRAMES, "silence; dropped after half a second",
     _unanswered(frame(Ask.WHO, TAG)[:6], DROPPED_S)),
    ("half a plane", _FRAMES, "silence; dropped after half a second",
     _unanswered(frame(Ask.PLANE, TAG, plane_payload(b"\0K", ONE_LINE))[:100], DROPPED_S)),
    ("a type that is not", _COMMANDS, "code 0C", _unknown_type),
    ("a black plane of 85,988 bytes", _COMMANDS, "code 00", _plane(b"\0K", ONE_LINE)),
    ("a black plane of the back", _COMMANDS, "code 00", _plane(b"\1K", ONE_LINE)),
    *(
        (f"a plane of {letter}, 601,916 bytes", _COMMANDS, "code 00",
         _plane(b"\0" + letter.encode(), bytes(range(256)) * 2351 + bytes(60)))
        for letter in "YMC"
    ),
    ("a plane of frames", _COMMANDS, "code 00, nothing inside is a question",
     _plane(b"\0K", (frame(Ask.WHO, TAG) * 7166)[:BLACK_BYTES])),
    ("an overlay", _COMMANDS, "code 0C", _plane(b"\0O", ONE_LINE, Code.CANNOT)),
    ("a third face", _COMMANDS, "code 0C", _plane(b"\2K", ONE_LINE, Code.CANNOT)),
    ("a plane with a byte too few", _COMMANDS, "code 0C",
     _plane(b"\0K", ONE_LINE[:-1], Code.CANNOT)),
    ("a plane with a byte too many", _COMMANDS, "code 0C",
     _plane(b"\0K", ONE_LINE + b"\0", Code.CANNOT)),
    ("a plane that is not packed", _COMMANDS, "code 0C",
     _plane_of(b"\0K" + bytes(64), Code.CANNOT)),
    ("a packed plane cut short", _COMMANDS, "code 0C",
     _plane_of(plane_payload(b"\0K", ONE_LINE)[:-3], Code.CANNOT)),
    ("the number 0", _COMMANDS, "code 0C", _not_a_number(b"\0\0")),
    ("a command without a number", _COMMANDS, "code 0C", _not_a_number(b"")),
    ("reset", _COMMANDS, "its number started and finished; counters unchanged", _reset),
    ("a number that was the last started", _COMMANDS, "code 01, nothing begun", _reset_again),
    ("feed from an empty infeed", _COMMANDS, "code 05, status unchanged",
     _refused(Ask.FEED, Code.NO_CARD_AT_INFEED, [], [])),
    ("eject without a card", _COMMANDS, "code 07, status unchanged",
     _refused(Ask.EJECT, Code.NO_CARD_INSIDE, [], [])),
    ("print without a card", _COMMANDS, "code 07, status unchanged",
     _refused(Ask.PRINT, Code.NO_CARD_INSIDE, _BLACK, _BLACK)),
    ("print without a plane", _COMMANDS, "code 0C, status unchanged",
     _refused(Ask.PRINT, Code.CANNOT, [], [])),
    ("print what was not sent", _COMMANDS, "code 0B, status unchanged",
     _refused(Ask.PRINT, Code.OTHER_PLANES, [], _BLACK)),
    ("print less than was sent", _COMMANDS, "code 0B, status unchanged",
     _refused(Ask.PRINT, Code.OTHER_PLANES, [*_BLACK, (b"\1K", ONE_LINE)], _BLACK)),
    ("print other dots than were sent", _COMMANDS, "code 0B, status unchanged",
     _refused(Ask.PRINT, Code.OTHER_PLANES, _BLACK, [(b"\0K", bytes(BLACK_BYTES))])),
    ("clean without a cleaning card", _COMMANDS, "code 0D, status unchanged",
     _refused(Ask.CLEAN, Code.NO_CLEANING_CARD, [], [])),
]  # fmt: skip
CHECKS: Final[Sequence[Check[Bench]]] = [
    *(
        Check(f"F-{number:02}", title, f"retransfer, {section}", expected, run, timeout_s=900.0)
        for number, (title, section, expected, run) in enumerate(_ROWS, 1)
    ),
    *(
        Check(f"F-{number}", title, "retransfer", expected, run, cards=1, timeout_s=300.0)
        for number, (title, expected, run) in enumerate(CARD_ROWS, 81)
    ),
]
