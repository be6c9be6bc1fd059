"""Who is at the far end when our machine is not: asked in the languages of the other machines.

Only questions that change nothing, once each, after our own went unanswered; silence stays silence.
What is done about a wrong machine is not decided here.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from drivers.errors import Garbled, WrongDevice
from drivers.link import Link
from drivers.modbus_frames import BASIC_STREAM, identification_question
from drivers.retransfer_frames import Ask, frame

#: A machine answers a question about itself at once.
PATIENCE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Language:
    """A machine's question about itself, and how an answer is known; our own echo is none."""

    kind: str
    question: bytes
    answer: re.Pattern[bytes]


LANGUAGES: Final = (
    Language(
        "laminator",
        identification_question(3, BASIC_STREAM, 0).request,
        re.compile(rb"\x03\x2b\x0e\x01.{3,40}LAM", re.DOTALL),
    ),
    Language(
        "transport",
        identification_question(10, BASIC_STREAM, 0).request,
        re.compile(rb"\x0a\x2b\x0e\x01.{3,40}TRN", re.DOTALL),
    ),
    Language(
        "encoder",
        bytes.fromhex("03066B010000000000000000026D"),
        re.compile(rb"\x03\x06\x83.{4}\x00\x00", re.DOTALL),
    ),
    Language(
        "reader",
        bytes.fromhex("AAAAAA9669000311FFED"),
        re.compile(rb"\xaa\xaa\xaa\x96\x69\x00\x04\x00\x00"),
    ),
    Language(
        "retransfer printer",
        frame(Ask.WHO, 0),
        re.compile(rb"\x7e\x81\x00\x00\x00\x00.{2}[ -~]+\x00[ -~]+\x00", re.DOTALL),
    ),
    # Last, because its answer has the least shape of its own.
    Language("printer", b"\x1bRsn\r", re.compile(rb"[ -~]{2,64}\x00")),
)


async def raise_if_stranger(link: Link[Any], expected: str, reply_timeout_s: float) -> None:
    """Raise `WrongDevice` if another kind of machine answers. The caller holds the link.

    Raises `Garbled` if something answers that is no language of ours: a wire of another speed or
    parity looks so.
    """
    babble = b""
    for language in LANGUAGES:
        if language.kind == expected:
            continue
        heard = await link.overhear(language.question, min(reply_timeout_s, PATIENCE_S))
        answer = heard.removeprefix(language.question)
        if language.answer.match(answer):
            raise WrongDevice(f"a {language.kind} answers where a {expected} should be")
        babble += answer
    if babble:
        raise Garbled(
            f"what answers where a {expected} should be is not understood: "
            "if the port has another speed, `station probe` finds it",
            heard_bytes=len(babble),
        )
