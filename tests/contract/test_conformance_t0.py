"""The conformance rows of chips that speak T=0: ours pass, and each row can fail.

A chip errs here between it and us: of what it answers to a command, something else is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from drivers.conformance import chip_t0
from drivers.conformance.check import Result, Verdict
from drivers.conformance.chip import READ_SERIAL, SELECT_MANAGEMENT
from drivers.conformance.kinds import conformance
from drivers.xor_checksum import xor_of
from simulators.floor import MAGAZINE, Contacts, Floor, infeed
from tests.contract.chips import made_for
from tests.contract.test_conformance import BAUD, Erring, failed, machine_of, served, unchanged

ROWS = {f"E-{number}" for number in range(101, 101 + len(chip_t0.CARD_ROWS))} | {"E-131"}
OF_T1 = {f"E-{number}" for number in range(57, 73)} | {"E-81"}
SELECT, UPDATE, READ, GET_RESPONSE = 0xA4, 0xD6, 0xB0, 0xC0
POWER_ON = 0x62

#: Of a command and its answer makes what the chip says instead.
Change = Callable[[bytes, bytes], bytes]


@dataclass
class Instead:
    """Hears each command on its way, and changes what is answered to it."""

    change: Change
    kind: int = 0x80  # of the answer that is changed
    tires_after: int = 1000  # transfers of one session
    command: bytes = b""
    asked: int = 0
    transfers: int = 0

    def told(self, data: bytes) -> bytes:
        if data[:2] == b"\x03\x06":
            self.asked, self.command = data[2], data[12:-1]
            self.transfers = 0 if self.asked == POWER_ON else self.transfers + 1
        return data

    def said(self, data: bytes) -> bytes:
        at = data.find(bytes((3, 6, self.kind)))
        if at < 0 or self.asked == POWER_ON:
            return data
        said = self.change(self.command, data[at + 12 : -1])
        if self.transfers > self.tires_after:
            said = b"\x6f\0"
        head = data[at : at + 3] + len(said).to_bytes(4, "little") + data[at + 7 : at + 9]
        # Whatever is said was said by the chip: the reader does not call it a failure.
        status = b"\0\0" if said != data[at + 12 : -1] else data[at + 9 : at + 11]
        body = head + status + data[at + 11 : at + 12] + said
        return data[:at] + body + bytes((xor_of(body),))


async def run(contacts: Contacts, instead: Instead | None = None) -> list[Result]:
    floor = Floor()
    chip = made_for("rid2-plain", b"ABCDEFGH")
    chip.contacts = contacts
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    async with served(machine_of("encoder", floor)) as wire:
        said, told = (instead.said, instead.told) if instead else (unchanged, unchanged)
        return [r async for r in conformance("encoder", Erring(wire, said, told), BAUD, 2)]


def verdicts(results: Sequence[Result], verdict: Verdict) -> set[str]:
    return {result.id for result in results if result.verdict is verdict}


async def test_a_chip_that_speaks_only_t0_passes_its_rows_and_skips_those_of_t1() -> None:
    results = await run(Contacts.T0)
    assert failed(results) == []
    assert verdicts(results, Verdict.PASS) >= ROWS
    assert {r.seen for r in results if r.id in OF_T1} == {"the chip speaks no T=1"}


async def test_a_chip_that_speaks_both_passes_both() -> None:
    results = await run(Contacts.T0_OR_T1)
    assert failed(results) == []
    assert verdicts(results, Verdict.PASS) >= ROWS | OF_T1


async def test_a_chip_that_speaks_only_t1_skips_the_rows_of_t0() -> None:
    results = await run(Contacts.T1)
    assert failed(results) == []
    assert verdicts(results, Verdict.PASS) >= OF_T1
    assert {r.seen for r in results if r.id in ROWS} == {"the chip speaks no T=0"}


def answers(instruction: int, said: bytes, instead: bytes) -> Change:
    """To this instruction, where one thing is answered, answer another."""
    return lambda command, data: instead if _is(command, instruction, data, said) else data


def _is(command: bytes, instruction: int, data: bytes, said: bytes) -> bool:
    return command[1:2] == bytes((instruction,)) and data.startswith(said)


def as_it_is(_command: bytes, data: bytes) -> bytes:
    return data


def too_short(command: bytes, data: bytes) -> bytes:
    return data[1:] if command[1:2] == b"\xc0" and len(data) > 2 else data


def as_selected_again(command: bytes, data: bytes) -> bytes:
    """A reader that keeps its chip powered, as READ BINARY would show."""
    refused = command == READ_SERIAL and data != b"ABCDEFGH\x90\0"
    return b"ABCDEFGH\x90\0" if refused else data


def another_serial() -> Change:
    count = 0

    def change(command: bytes, data: bytes) -> bytes:
        nonlocal count
        count += command == READ_SERIAL
        return bytes((count,)) + data[1:] if command == READ_SERIAL else data

    return change


NOT_FOUND = b"\x6a\x82"
TEXT = bytes(range(64))


#: Each error with the rows that must notice it; others may, where a chip errs in all it says.
ERRING: dict[str, tuple[Instead, set[str]]] = {
    "agrees to another protocol": (
        Instead(lambda c, d: b"\xff\1\xfe" if c == b"\xff\0\xff" else d),
        {"E-101"},
    ),
    "other parameters than set": (
        Instead(lambda _, d: d[:3] + b"\x0b" + d[4:] if len(d) == 5 else d, 0x82),
        {"E-102"},
    ),
    "does not say that an answer waits": (
        Instead(answers(SELECT, b"\x61", b"\x90\0")),
        {"E-103", "E-104", "E-105", "E-107", "E-108", "E-109", "E-114", "E-115", "E-116"},
    ),
    "cut short": (Instead(too_short), {"E-104", "E-105", "E-107", "E-114", "E-115", "E-116"}),
    "a wrong length not corrected": (Instead(answers(GET_RESPONSE, b"\x6c", b"\x67\0")), {"E-105"}),
    "GET RESPONSE always answers": (
        Instead(answers(GET_RESPONSE, b"\x69\x85", b"\x62\0\x90\0")),
        {"E-106", "E-107", "E-108"},
    ),
    "an answer that nobody asked for": (
        Instead(lambda c, d: b"\x61\5" if c == SELECT_MANAGEMENT else d),
        {"E-109"},
    ),
    "what is read waits": (Instead(answers(READ, b"ABCDEFGH", b"\x61\x08")), {"E-110", "E-121"}),
    "a header cut off is done": (
        Instead(lambda c, d: b"\x90\0" if len(c) == 3 and c[0] == 0 else d),
        {"E-111"},
    ),
    "fewer data are done": (
        Instead(lambda c, d: b"\x90\0" if c == chip_t0.SELECT_T0[:-2] else d),
        {"E-112"},
    ),
    "nothing forgotten": (Instead(as_selected_again), {"E-113"}),
    "tires": (Instead(as_it_is, tires_after=30), {"E-114"}),
    "other control parameters": (
        Instead(answers(GET_RESPONSE, b"\x62", b"\x6f\x03\x8a\1\x07\x90\0")),
        {"E-104", "E-115", "E-116"},
    ),
    "another status word": (Instead(answers(SELECT, NOT_FOUND, b"\x6a\x81")), {"E-117", "E-118"}),
    "any instruction": (Instead(answers(0xFE, b"\x6d\0", b"\x90\0")), {"E-119"}),
    "a class is an instruction": (
        Instead(lambda c, d: b"\x6d\0" if c[:1] == b"\xb0" else d),
        {"E-120"},
    ),
    "a serial that changes": (Instead(another_serial()), {"E-121", "E-122"}),
    "writes anything": (Instead(answers(UPDATE, b"", b"\x90\0")), {"E-122"}),
    "reads back something else": (Instead(answers(READ, TEXT, TEXT[::-1] + b"\x90\0")), {"E-131"}),
}


@pytest.mark.parametrize("error", ERRING)
async def test_a_chip_that_errs_fails_the_right_rows(error: str) -> None:
    instead, fails = ERRING[error]
    results = await run(Contacts.T0, instead)
    assert fails <= set(failed(results))
    assert verdicts(results, Verdict.PASS) & ROWS


def test_every_row_is_failed_by_an_error() -> None:
    assert set.union(*(fails for _, fails in ERRING.values())) == ROWS
