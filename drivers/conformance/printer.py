"""What a card printer must do: its language, its counters and status words, its bitmaps.

The checks that insert or print need a card in the feeder and a free exit.
"""

import re
from collections.abc import Callable
from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.printer_bitmaps import (
    BITMAP_ROWS,
    MOTION_S,
    forget_bitmaps,
)
from drivers.conformance.printer_card import CARD_ROWS
from drivers.conformance.printer_care import CARE_ROWS, OPTION_WORDS, needs_an_empty_printer
from drivers.conformance.printer_dialogue import MOVING, ask, count, ok, settled, words

UNKNOWN, WRONG_VALUE = "ERROR CDE", "ERROR PARAMETRES"


def _answers(command: str, is_right: Callable[[str], object]) -> Run:
    async def run(bench: Bench) -> str:
        text = await ask(bench, command)
        if not is_right(text):
            raise Failed(text)
        return text

    return run


def _is_name(text: str) -> bool:
    return bool(text) and text != "OK" and not text.startswith("ERROR") and text not in OPTION_WORDS


def _says(text: str) -> Callable[[str], bool]:
    return lambda answer: answer == text


def _optional(command: str, pattern: str) -> Run:
    async def run(bench: Bench) -> str:
        text = await ask(bench, command)
        if text in OPTION_WORDS or text == UNKNOWN:
            raise Skipped(f"this model does not have it: {text}")
        if not re.fullmatch(pattern, text):
            raise Failed(text)
        return text

    return run


def _raw(request: bytes, *commands: str) -> Run:
    """Return the run of bytes that must be answered as these commands are, one by one."""

    async def run(bench: Bench) -> str:
        wanted = [await ask(bench, command) for command in commands]
        heard = await bench.ask(request)
        for _ in range(len(commands) - heard.count(b"\0")):
            heard += await bench.hear()
        if heard != b"".join(text.encode() + b"\0" for text in wanted):
            raise Failed(shown(heard))
        return f"{len(commands)} answers as asked one by one"

    return run


async def _same_serial(bench: Bench) -> str:
    texts = {await ask(bench, "Rsn") for _ in range(3)}
    if len(texts) != 1:
        raise Failed(", ".join(sorted(texts)))
    return texts.pop()


async def _keeps_step(bench: Bench) -> str:
    serial, model = await ask(bench, "Rsn"), await ask(bench, "Rtp")
    for turn in range(20):
        text = await ask(bench, "Rtp" if turn % 2 else "Rsn")
        if text != (model if turn % 2 else serial):
            raise Failed(f"answer {turn + 1} belongs to another question")
    return "20 of 20 in step"


async def _in_step_after(bench: Bench, request: bytes, wanted: str) -> str:
    serial = await ask(bench, "Rsn")
    heard = await bench.ask(request)
    if heard != wanted.encode() + b"\0":
        raise Failed(shown(heard))
    if await ask(bench, "Rsn") != serial:
        raise Failed("out of step afterwards")
    return wanted


def _refuses_in_step(request: bytes, wanted: str) -> Run:
    return lambda bench: _in_step_after(bench, request, wanted)


async def _byte_by_byte(bench: Bench) -> str:
    serial = await ask(bench, "Rsn")
    for byte in b"\x1bRs":
        await bench.send(bytes((byte,)))
    heard = await bench.ask(b"n\r")
    if heard != serial.encode() + b"\0":
        raise Failed(shown(heard))
    return serial


async def _status_shape(bench: Bench) -> str:
    text = await ask(bench, "Rpst")
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{32}){1,2}", text):
        raise Failed(text)
    return f"{len(text)} digits"


async def _nothing_moves(bench: Bench) -> str:
    _, information, _, _ = await words(bench)
    if information & MOVING:
        raise Failed(f"information {information:08X}")
    return f"information {information:08X}"


async def _no_errors(bench: Bench) -> str:
    _, _, _, error = await words(bench)
    if error:
        raise Failed(f"error {error:08X}")
    return "no bit set"


async def _ribbon_set_again(bench: Bench) -> str:
    ribbon = await ask(bench, "Rr")
    await ok(bench, f"Pr;{ribbon}")
    if (after := await ask(bench, "Rr")) != ribbon:
        raise Failed(f"{ribbon} became {after}")
    return ribbon


async def _counters_rest(bench: Bench) -> str:
    names = ("Rco;c", "Rco;p")
    before = [await count(bench, name) for name in names]
    await ok(bench, "Scs", MOTION_S)
    await settled(bench)
    after = [await count(bench, name) for name in names]
    if after != before:
        raise Failed(f"{before} became {after}")
    return f"{before}"


async def _insert_nothing(bench: Bench) -> str:
    await needs_an_empty_printer(bench)
    before = await count(bench, "Rco;c")
    text = await ask(bench, "Si", MOTION_S)
    if text != "FEEDER EMPTY" or await count(bench, "Rco;c") != before:
        raise Failed(f"{text}, counter from {before} to {await count(bench, 'Rco;c')}")
    return text


def _needs_a_card(*commands: str) -> Run:
    async def run(bench: Bench) -> str:
        await needs_an_empty_printer(bench)
        before = await count(bench, "Rco;p")
        text = ""
        for command in commands:
            text = await ask(bench, command, MOTION_S)
        await forget_bitmaps(bench)
        if text == "OK" or await count(bench, "Rco;p") != before:
            raise Failed(text)
        return text

    return run


_LANGUAGE, _STATUS, _CARD = "devices 4.1", "devices 4.3", "devices 4.6"
_SENSORS: Final = (
    ("colour", "c"), ("cover", "o"), ("card", "p"), ("ribbon disk", "r"), ("feeder", "m"),
)  # fmt: skip
_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("the host manages errors (Pem;2)", "devices 4.2", "OK", _answers("Pem;2", _says("OK"))),
    ("status words not behind answers (Pps;0)", _STATUS, "OK", _answers("Pps;0", _says("OK"))),
    ("its model (Rtp)", "devices 4.2", "a name", _answers("Rtp", _is_name)),
    ("its serial number (Rsn)", "devices 4.2", "a name", _answers("Rsn", _is_name)),
    ("its serial number, three times", "devices 10", "the same", _same_serial),
    ("its firmware (Rfv)", "devices 4.2", "a name", _answers("Rfv", _is_name)),
    ("its head kit (Rkn)", "devices 4.2", "a text", _optional("Rkn", ".+")),
    ("its firmware's check sum (Rck)", "devices 4.2", "a text", _optional("Rck", ".+")),
    ("the status words (Rpst)", _STATUS, "32 or 64 hexadecimal digits", _status_shape),
    ("a printer at rest", _STATUS, "neither printing, encoding, cleaning nor busy", _nothing_moves),
    ("the error word", _STATUS, "no bit set", _no_errors),
    *(
        (f"{what} (Rco;{letter})", "devices 4.2", "a decimal number",
         _answers(f"Rco;{letter}", lambda text: re.fullmatch(r"\d{1,10}", text)))
        for what, letter in (
            ("panels printed", "p"), ("cards inserted", "c"), ("cards left on the ribbon", "l"),
            ("average cleaning interval", "a"), ("longest cleaning interval", "m"),
            ("cleanings", "n"),
        )
    ),
    ("a counter that is not", "devices 4.2", WRONG_VALUE,
     _answers("Rco;zz", _says(WRONG_VALUE))),
    ("a counter without its name", "devices 4.2", WRONG_VALUE,
     _answers("Rco", _says(WRONG_VALUE))),
    ("clearing errors (Scs) and the counters", "devices 4.2", "OK, counters unchanged",
     _counters_rest),
    ("the ribbon (Rr), set again (Pr)", "devices 4.2", "OK, the same", _ribbon_set_again),
    ("a ribbon that is not", "devices 4.2", WRONG_VALUE, _answers("Pr;zz", _says(WRONG_VALUE))),
    ("ribbon left in the ribbon's memory (Rrt;count)", "devices 4.2", "a decimal number",
     _optional("Rrt;count", r"\d+")),
    ("all of the ribbon's memory (Rrt;all)", "devices 4.5", "a text", _optional("Rrt;all", ".+")),
    ("who manages errors (Rem)", "devices 4.2", "a number", _optional("Rem", r"\d+")),
    ("the last answer (Rlr)", "devices 4.2", "a text", _optional("Rlr", ".+")),
    *(
        (f"the {what} sensor (Rse;{letter})", "devices 4.2", "volts",
         _optional(f"Rse;{letter}", r"\d+(?:\.\d+)?V?"))
        for what, letter in _SENSORS
    ),
    ("a command that is not", _LANGUAGE, UNKNOWN, _answers("Zzz", _says(UNKNOWN))),
    ("a long command that is not", _LANGUAGE, f"{UNKNOWN}, then in step",
     _refuses_in_step(b"\x1b" + b"Zq" * 40 + b"\r", UNKNOWN)),
    ("a parameter left out (Pem)", _LANGUAGE, f"{WRONG_VALUE}, then in step",
     _refuses_in_step(b"\x1bPem\r", WRONG_VALUE)),
    ("a command without ESC after a CR", _LANGUAGE, "as with it", _raw(b"Rsn\r", "Rsn")),
    ("NUL before and after a command", _LANGUAGE, "ignored", _raw(b"\0\0\x1bRsn\r\0\0", "Rsn")),
    ("two commands at once", _LANGUAGE, "two answers in order",
     _raw(b"\x1bRsn\r\x1bRtp\r", "Rsn", "Rtp")),
    ("a command in single bytes", _LANGUAGE, "one answer", _byte_by_byte),
    ("twenty questions in turn", _LANGUAGE, "twenty answers in step", _keeps_step),
    *BITMAP_ROWS,
    ("insert from an empty feeder (Si)", "devices 10", "FEEDER EMPTY, counter unchanged",
     _insert_nothing),
    ("eject without a card (Se)", _CARD, "a complaint, no panel counted", _needs_a_card("Se")),
    ("print the front without a card (Sv)", _CARD, "a complaint, no panel counted",
     _needs_a_card("Ss", "Sr", "Sv")),
    *(
        (f"the threshold of the {what} sensor (Rps;{letter})", "devices 4.2", "volts",
         _optional(f"Rps;{letter}", r"\d+(?:\.\d+)?V?"))
        for what, letter in _SENSORS
    ),
    ("cards since the last cleaning (Rco;clean)", "devices 4.2", "a decimal number",
     _optional("Rco;clean", r"\d{1,10}")),
    ("the last answer about a card (Rlr;p)", "devices 4.2", "OK, NO CARD or ERR CARD",
     _optional("Rlr;p", "OK|NO CARD|ERR CARD")),
    ("the last answer about cleaning (Rlr;r)", "devices 4.2", "OK or ERR NEED CLEANING",
     _optional("Rlr;r", "OK|ERR NEED CLEANING")),
    *CARE_ROWS,
]  # fmt: skip

CHECKS: Final[list[Check[Bench]]] = [
    *(
        Check(f"P-{number:02}", title, section, expected, run, timeout_s=900.0)
        for number, (title, section, expected, run) in enumerate(_ROWS, 1)
    ),
    *(
        Check(f"P-{number}", title, "devices 4.6, 10", expected, run, cards=1, timeout_s=300.0)
        for number, (title, expected, run) in enumerate(CARD_ROWS, 81)
    ),
]
