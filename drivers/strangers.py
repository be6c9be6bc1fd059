"""Who is at the far end when our machine is not, or whether it only stands at another speed.

Only questions that change nothing, once each, after our own went unanswered: in the languages of
the other machines, then, where the port is ours to set, in our own at the other likely speeds.
Silence stays silence. What is done about what was found is not decided here.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.errors import Garbled, WireClosed, WireNotOpened, WrongDevice, WrongSpeed
from drivers.link import Link
from drivers.modbus_frames import BASIC_STREAM, identification_question
from drivers.retransfer_frames import Ask, frame
from drivers.sdt import RATES
from drivers.serial_settings import LIKELY, SerialSettings

#: A machine answers a question about itself at once.
PATIENCE_S: Final = 0.5
#: At each of six other settings, so that a silent machine costs two seconds more and not four.
SPEED_PATIENCE_S: Final = 0.3


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

    Raises `WrongSpeed` if our own machine answers at another speed, and `Garbled` if something
    answers that is no language of ours.
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
    await _raise_if_other_speed(link, expected, reply_timeout_s)
    if babble:
        at = "it answers at no likely speed" if link.port else "its port may have another speed"
        raise Garbled(
            f"what answers where a {expected} should be is not understood: {at}",
            heard_bytes=len(babble),
        )


async def _raise_if_other_speed(link: Link[Any], expected: str, reply_timeout_s: float) -> None:
    """Raise `WrongSpeed` if our machine answers at another speed; the port is set back.

    The caller holds the link. Where the port is not ours to set, nothing is asked.
    """
    if link.port is None:
        return
    own = link.port.settings
    asked = [own]
    try:
        for settings in LIKELY:
            if any(settings.hears_like(one) for one in asked):
                continue
            asked.append(settings)
            if await _answers(link, settings, expected, reply_timeout_s):
                raise _wrong_speed(link.port.path, expected, own, settings)
    finally:
        with suppress(WireClosed, WireNotOpened):
            link.set(own)


async def _answers(
    link: Link[Any], settings: SerialSettings, expected: str, reply_timeout_s: float
) -> bool:
    """Tell whether our machine answers at these settings; not if the port cannot have them."""
    language = next(one for one in LANGUAGES if one.kind == expected)
    try:
        link.set(settings)
    except WireNotOpened:
        return False
    heard = await link.overhear(language.question, min(reply_timeout_s, SPEED_PATIENCE_S))
    return bool(language.answer.match(heard.removeprefix(language.question)))


def _wrong_speed(
    path: str, expected: str, own: SerialSettings, found: SerialSettings
) -> WrongSpeed:
    remedy = f"write {found.query} in its wire"
    if expected == "reader" and own == replace(found, baud=own.baud) and own.baud in RATES:
        remedy += f", or say `cardcentre station speed serial://{path} {own.baud}`"
    text = f"the {expected} at {path} is set to {found}, its wire to {own}: {remedy}"
    return WrongSpeed(text, found)
