"""What a read-back reader must say of a card in its field: the answers of one visit.

A card is read once: it must leave the field before it can be found again. None of these checks
shows what the card says. An empty field is the business of `reader.py`.
"""

from collections.abc import Callable
from typing import Final

from drivers.conformance.check import Check, Failed, Skipped
from drivers.conformance.sdt_dialogue import (
    BASE,
    DONE,
    FINGERPRINTS,
    FOUND,
    NO_ITEM,
    NOT_ALLOWED,
    NOT_FOUND,
    READ_FAILED,
    ReaderBench,
    ReaderRun,
    Reply,
)

#: Where the text begins; behind one length more, where there are fingerprints.
_BASE_BEGIN: Final = 4
#: The marks of a foreigner's card and of one from Hong Kong, Macao or Taiwan.
_OTHER_LAYOUTS: Final = (b"I\0", b"J\0")


def _of_visit(what: str, is_right: Callable[[Reply], bool]) -> ReaderRun:
    async def run(bench: ReaderBench) -> str:
        answer: Reply = getattr(await bench.visited(), what)
        if not is_right(answer):
            raise Failed(str(answer))
        return str(answer)

    return run


def _of_reading(request: bytes, otherwise: str, is_right: Callable[[Reply], bool]) -> ReaderRun:
    async def run(bench: ReaderBench) -> str:
        visit = await bench.visited(request)
        if visit.request != request:
            raise Skipped(otherwise)
        if not is_right(visit.reading):
            raise Failed(str(visit.reading))
        return str(visit.reading)

    return run


async def _text(bench: ReaderBench) -> str:
    visit = await bench.visited()
    begin = _BASE_BEGIN if visit.request == BASE else _BASE_BEGIN + 2
    text = visit.reading.data[begin : begin + 256]
    if text[248:250] in _OTHER_LAYOUTS:
        raise Skipped("the card is no citizen's")
    if not _text_is_ours(text.decode("utf-16-le", "replace")):
        raise Failed(str(visit.reading))
    return str(visit.reading)


def _is_base(answer: Reply) -> bool:
    lengths = answer.data[:4] == bytes.fromhex("01000400")
    return answer.sw3 == DONE and lengths and len(answer.data) == _BASE_BEGIN + 256 + 1024


def _is_with_fingerprints(answer: Reply) -> bool:
    fingers = len(answer.data) - (_BASE_BEGIN + 2) - 256 - 1024
    lengths = bytes.fromhex("01000400") + max(fingers, 0).to_bytes(2, "big")
    return answer.sw3 == DONE and fingers in {0, 512, 1024} and answer.data.startswith(lengths)


def _text_is_ours(text: str) -> bool:
    """Tell whether sex, nation, birth date and number hold what their fields can."""
    sex_and_nation, born, number = text[15:18], text[18:26], text[61:79]
    return (
        sex_and_nation.isdecimal()
        and born.isdecimal()
        and number[:17].isdecimal()
        and number[6:14] == born
    )


def _is_addresses(answer: Reply) -> bool:
    if answer.sw3 == NO_ITEM:
        return not answer.data
    return answer.sw3 == DONE and len(answer.data) in {70, 140, 210, 280}


_ROWS: Final[list[tuple[str, str, str, ReaderRun]]] = [
    ("base data before find and select", "domain 13.5", "SW3 23 or 41",
     _of_visit("before", lambda got: got.sw3 in {NOT_ALLOWED, READ_FAILED} and not got.data)),
    ("find", "domain 13.2", "SW3 9F, 4 bytes",
     _of_visit("find", lambda got: got.sw3 == FOUND and len(got.data) == 4)),
    ("select", "domain 13.2", "SW3 90, 8 bytes",
     _of_visit("select", lambda got: got.sw3 == DONE and len(got.data) == 8)),
    ("base data", "domain 13.4", "SW3 90, lengths 0100 0400, 1,284 bytes",
     _of_reading(BASE, "the card's one reading was that of R-40", _is_base)),
    ("its text", "devices 2, domain 6", "sex, nation, birth date and number in their places",
     _text),
    ("management number without selecting again", "domain 13.4", "SW3 90, 28 bytes",
     _of_visit("management", lambda got: got.sw3 == DONE and len(got.data) == 28)),
    ("added addresses without selecting again", "domain 13.2", "SW3 90 and n x 70 bytes, or 91",
     _of_visit("addresses", _is_addresses)),
    ("find while the card that was read stays", "domain 13.5", "SW3 80",
     _of_visit("again", lambda got: got.sw3 == NOT_FOUND)),
]  # fmt: skip

#: The first only if it is asked for: it takes the place of the reading that a centre uses.
CARD_CHECKS: Final[list[Check[ReaderBench]]] = [
    Check(
        "R-40",
        "base data and fingerprints",
        "domain 13.4",
        "SW3 90, lengths 0100 0400 and theirs",
        _of_reading(FINGERPRINTS, "the module knows no fingerprints", _is_with_fingerprints),
        cards=1,
    ),
    *(
        Check(f"R-{number}", title, section, expected, run)
        for number, (title, section, expected, run) in enumerate(_ROWS, 41)
    ),
]
