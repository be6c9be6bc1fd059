"""The conformance tables: our machines pass, and one that errs fails the right check.

A machine errs here on its wire: what it says, or what it is told, is changed on the way.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from drivers.conformance.check import Result, Verdict
from drivers.conformance.kinds import KINDS, MODELS, SUITES, conformance, count_of, suite_of
from drivers.modbus_frames import crc16
from drivers.wire import Wire
from drivers.xor_checksum import xor_of
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import (
    HAND,
    MAGAZINE,
    REJECT_BIN,
    ChipMemory,
    Floor,
    LifeCycle,
    infeed,
    outfeed,
)
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport, TransportSettings
from simulators.wire import memory_pair
from tests.contract.ways import until

BAUD = 115_200
SAM_ID = "05.01-20100823-0000123456-1234567890"
NAME, ADDRESS, NUMBER = "无名氏".ljust(15), "无".ljust(35), "229901199003070017"
TEXT = f"{NAME}10119900307{ADDRESS}{NUMBER}{'无'.ljust(15)}2005010120150101".ljust(128)

Change = Callable[[bytes], bytes]


def unchanged(data: bytes) -> bytes:
    return data


@dataclass
class Erring:
    """Our end of a wire whose machine says, or is told, something else."""

    wire: Wire
    said: Change = unchanged
    told: Change = unchanged

    async def send(self, data: bytes) -> None:
        await self.wire.send(self.told(data))

    async def receive(self) -> bytes:
        while True:
            data = await self.wire.receive()
            if not data or (changed := self.said(data)):
                return changed if data else b""

    async def aclose(self) -> None:
        await self.wire.aclose()


def floor_with(cards: int, *, in_field: bool) -> Floor:
    floor = Floor()
    chips = [ChipMemory.new(bytes((0x41 + n,)) * 8) for n in range(cards)]
    floor.load_blanks(cards, iter(chips))
    if in_field:
        floor.move(MAGAZINE, infeed(0))
    return floor


def finish(floor: Floor) -> None:
    """Make the card in the field one that a reader takes."""
    card = floor.at(infeed(0))
    assert card is not None
    card.chip.files[1][:] = TEXT.encode("utf-16-le")
    card.chip.life_cycle = LifeCycle.OPERATIONAL


def machine_of(kind: str, floor: Floor) -> Machine:
    pace = Pace(Random(1))
    match kind:
        case "printer":
            settings = PrinterSettings(misprint_share=0.0, jam_share=0.0)
            return SimulatedPrinter(floor, 0, pace, settings, "PRN-1")
        case "retransfer printer":
            calm = RetransferSettings(misprint_share=0.0, jam_share=0.0, film_tear_share=0.0)
            return SimulatedRetransferPrinter(floor, 0, pace, calm, "RTP-1")
        case "laminator":
            sure = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)
            return SimulatedLaminator(floor, 0, pace, sure, "LAM-1")
        case "transport":
            still = TransportSettings(jam_share=0.0, lost_share=0.0)
            return SimulatedTransport(floor, 1, 1, pace, still, "TRN-1")
        case "encoder":
            return SimulatedEncoder(
                floor, 0, pace, EncoderSettings(chip_failure_share=0.0), "ENC-1"
            )
        case _:
            return SimulatedReader(floor, 0, pace, ReaderSettings(), SAM_ID)


@asynccontextmanager
async def served(machine: Machine) -> AsyncIterator[Wire]:
    near, far = memory_pair()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(machine.serve(far))
        yield near
        task.cancel()


async def run(
    kind: str,
    *,
    card: bool = False,
    cards: int = 0,
    said: Change = unchanged,
    told: Change = unchanged,
) -> list[Result]:
    floor = floor_with(4, in_field=card)
    if card and kind == "reader":
        finish(floor)
    async with served(machine_of(kind, floor)) as wire:
        erring = Erring(wire, said, told)
        return [result async for result in conformance(kind, erring, BAUD, cards)]


def failed(results: Sequence[Result]) -> list[str]:
    return [result.id for result in results if result.verdict is Verdict.FAIL]


def passed(results: Sequence[Result]) -> int:
    return sum(result.verdict is Verdict.PASS for result in results)


def test_there_are_more_than_two_hundred_checks() -> None:
    assert sum(map(count_of, SUITES)) > 200


@pytest.mark.parametrize(
    ("kind", "card", "cards", "at_least"),
    [
        ("printer", False, 0, 70),
        ("printer", True, 1, 65),
        ("retransfer printer", False, 0, 38),
        ("retransfer printer", True, 1, 31),
        ("laminator", False, 0, 98),
        ("laminator", True, 1, 99),
        ("transport", False, 0, 42),
        ("transport", False, 3, 45),
        ("encoder", False, 0, 39),
        ("encoder", True, 0, 52),
        ("reader", False, 0, 36),
        ("reader", True, 0, 37),
        ("reader", True, 1, 37),
    ],
)
async def test_our_machines_pass(kind: str, card: bool, cards: int, at_least: int) -> None:
    results = await run(kind, card=card, cards=cards)
    assert [result for result in results if result.verdict is Verdict.FAIL] == []
    assert passed(results) >= at_least
    assert max(Counter(result.id for result in results).values()) == 1


async def test_every_check_of_every_kind_can_pass() -> None:
    """Between them, the states above leave nothing untried but what a model may lack."""
    tried: set[str] = set()
    for kind in SUITES:
        for card in (False, True):
            results = await run(kind, card=card, cards=3)
            tried |= {result.id for result in results if result.verdict is Verdict.PASS}
    # A card is read with its fingerprints or without, once.
    tried |= {r.id for r in await run("reader", card=True) if r.verdict is Verdict.PASS}
    everything = {r.id for kind in SUITES for r in await run(kind)}
    of_t0 = {one for one in everything if one.startswith("E-1")}  # test_conformance_t0.py
    untried = everything - tried - of_t0
    assert untried <= {"P-82", "P-83", "P-84", "F-82", "F-83"}


@pytest.mark.parametrize(("kind", "cards"), [("printer", 4), ("retransfer printer", 3)])
async def test_a_printer_passes_what_uses_up_cards(kind: str, cards: int) -> None:
    floor = floor_with(cards, in_field=True)
    async with served(machine_of(kind, floor)) as wire, asyncio.TaskGroup() as group:

        async def person() -> None:
            while True:
                await until(lambda: floor.at(outfeed(0)) is not None, timeout_s=1e6)
                floor.move(outfeed(0), REJECT_BIN, into_store=True)
                if floor.at(infeed(0)) is None and floor.at(MAGAZINE):
                    floor.move(MAGAZINE, infeed(0))

        hands = group.create_task(person())
        results = [result async for result in conformance(kind, wire, BAUD, cards)]
        hands.cancel()
    assert failed(results) == []
    assert [r.verdict for r in results[-cards:]] == [Verdict.PASS] * cards


def test_a_make_with_a_language_of_its_own_has_a_suite_of_its_own() -> None:
    assert MODELS == ("retransfer",)
    assert suite_of("printer", "retransfer") == "retransfer printer"
    assert suite_of("printer", "") == "printer"
    assert suite_of("laminator", "LAM of any make") == "laminator"
    assert "retransfer printer" not in KINDS


async def test_what_uses_up_cards_is_not_done_unasked() -> None:
    floor = floor_with(2, in_field=True)
    async with served(machine_of("printer", floor)) as wire:
        results = [result async for result in conformance("printer", wire, BAUD, 0)]
    assert floor.at(infeed(0)) is not None
    assert [r.seen for r in results[-4:]] == ["uses up 1 card: say --consume"] * 4


def of_modbus(unit: int, function: int, change: Change) -> Change:
    """Change one kind of answer and make its CRC right again."""

    def said(data: bytes) -> bytes:
        if data[:2] != bytes((unit, function)):
            return data
        body = change(data[:-2])
        return body + crc16(body)

    return said


def wrong_crc(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,)) if data[0] == 3 else data


def finished_behind(body: bytes) -> bytes:
    """The number last finished stays 0."""
    return body if len(body) < 9 else body[:7] + b"\0\0" + body[9:]


def starts_repeats() -> Change:
    """A transport that takes every command for a new one: its numbers are made to differ."""
    shift = 0

    def told(data: bytes) -> bytes:
        nonlocal shift
        if data[:2] != b"\x0a\x10" or len(data) != 17:
            return data
        shift += 1
        number = (int.from_bytes(data[13:15], "big") + shift) % 65535 or 1
        body = data[:13] + number.to_bytes(2, "big")
        return body + crc16(body)

    return told


def ccid(change: Change) -> Change:
    """Change every answer of a reader (not its echo) and make its LRC right again."""

    def said(data: bytes) -> bytes:
        at = next(
            (i for i in range(len(data)) if data[i : i + 2] == b"\x03\x06" and data[i + 2] > 127),
            -1,
        )
        if at < 0:
            return data
        body = change(data[at:-1])
        return data[:at] + body + bytes((xor_of(body),))

    return said


def sdt(sw3: int, becomes: bytes) -> Change:
    def said(data: bytes) -> bytes:
        if data[5:10] != bytes((0, 4, 0, 0, sw3)):
            return data
        body = b"\x00\x04\x00\x00" + becomes
        return data[:5] + body + bytes((xor_of(body),))

    return said


def retransfer(kind: int, change: Change) -> Change:
    """Change one kind of a retransfer printer's answers and make its CRC right again."""

    def said(data: bytes) -> bytes:
        if data[:2] != bytes((0x7E, kind | 0x80)):
            return data
        body = data[:8] + change(data[8:-4])
        return body + zlib.crc32(body).to_bytes(4, "big")

    return said


def any_crc(data: bytes) -> bytes:
    """A printer that does not look at the check sums of what it is told."""
    if data[:1] != b"\x7e" or len(data) < 12:
        return data
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "big")


def shifted_text(data: bytes) -> bytes:
    """A reader that begins the text one character late."""
    if len(data) != 1295:
        return data
    body = data[5:14] + b"\x20\x00" + data[14:268] + data[270:-1]
    return data[:5] + body + bytes((xor_of(body),))


def replaced(old: bytes, new: bytes) -> Change:
    return lambda data: data.replace(old, new)


BSEQ_NOT_ZERO = {"E-08", "E-09", "E-10", "E-11"}


@pytest.mark.parametrize(
    ("kind", "card", "said", "told", "fails", "passes"),
    [
        pytest.param("laminator", False, wrong_crc, unchanged,
                     {"L3-01", "L3-21", "L3-41"}, {"L1-01", "L2-21", "L3-02"}, id="wrong CRC"),
        pytest.param("laminator", False, of_modbus(1, 3, lambda b: b[:1] + b"\x04" + b[2:]),
                     unchanged, {"L1-01", "L1-21"}, {"L2-01", "L3-01"}, id="wrong function"),
        pytest.param("transport", False, of_modbus(10, 4, finished_behind), unchanged,
                     {"T-31"}, {"T-01", "T-21", "T-33"}, id="last finished stays behind"),
        pytest.param("transport", False, unchanged, starts_repeats(), {"T-32"},
                     {"T-01", "T-36", "T-38"}, id="repeats start again"),
        pytest.param("encoder", False, ccid(lambda b: b[:8] + b"\0" + b[9:]), unchanged,
                     BSEQ_NOT_ZERO, {"E-01", "E-07"}, id="bSeq always 0"),
        pytest.param("encoder", False, replaced(b"\x03\x15\x16", b""), unchanged,
                     {"E-19", "E-20"}, {"E-01", "E-18"}, id="no NAK"),
        pytest.param("encoder", True, replaced(b"\x6a\x82", b"\x6a\x81"), unchanged,
                     {"E-67", "E-68"}, {"E-65"}, id="another status word"),
        pytest.param("reader", False, sdt(0x10, b"\x90"), unchanged, {"R-12"},
                     {"R-01", "R-13"}, id="check byte not looked at"),
        pytest.param("reader", True, shifted_text, unchanged, {"R-45"}, {"R-44", "R-46"},
                     id="text begins late"),
        pytest.param("printer", False, replaced(b"FEEDER EMPTY", b"OK"), unchanged,
                     {"P-58", "P-69"}, {"P-01", "P-57"}, id="does nothing and says OK"),
        pytest.param("retransfer printer", False, unchanged, any_crc, {"F-09"},
                     {"F-01", "F-10", "F-15"}, id="check sum not looked at"),
        pytest.param("retransfer printer", False, retransfer(0x13, lambda _: b"\0"), unchanged,
                     {"F-27", "F-28", "F-30"}, {"F-29", "F-31"}, id="every reset is begun"),
        pytest.param("retransfer printer", True, retransfer(2, lambda p: p[:8] + bytes(2) + p[10:]),
                     unchanged, {"F-81"}, {"F-02", "F-29"}, id="no print is ever whole"),
        pytest.param("printer", False, replaced(b"ERROR CDE", b"OK"), unchanged,
                     {"P-32", "P-33"}, {"P-34"}, id="unknown commands are OK"),
    ],
)  # fmt: skip
async def test_a_machine_that_errs_fails_the_right_checks(
    kind: str, card: bool, said: Change, told: Change, fails: set[str], passes: set[str]
) -> None:
    cards = int(card and kind != "reader")  # whose card is not used up (test_conformance_reader.py)
    results = await run(kind, card=card, cards=cards, said=said, told=told)
    assert fails <= set(failed(results))
    assert passes <= {result.id for result in results if result.verdict is Verdict.PASS}


async def test_one_error_fails_one_check() -> None:
    assert failed(await run("reader", said=sdt(0x10, b"\x90"))) == ["R-12"]
    assert failed(await run("reader", card=True, said=shifted_text)) == ["R-45"]
    assert failed(await run("printer", said=replaced(b"OPT NOT AVAILABLE", b"OK"))) == ["P-70"]


async def test_a_machine_that_hangs_up_fails_one_check_and_skips_the_rest() -> None:
    results = await run("reader", said=lambda data: b"" if len(data) > 20 else data)
    assert failed(results), "a machine that does not answer fails"
    floor = floor_with(1, in_field=False)
    async with served(machine_of("reader", floor)) as wire:
        table = conformance("reader", wire, BAUD, 0)
        assert (await anext(table)).verdict is Verdict.PASS
        await wire.aclose()
        rest = [result async for result in table]
    assert failed(rest) == ["R-02"]
    assert {result.seen for result in rest[1:]} == {"the wire is gone"}


class Hesitating:
    """A wire on which what follows an echo comes a second later: a chip takes its time."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._asked = b""
        self._held = b""

    async def send(self, data: bytes) -> None:
        self._asked = data
        await self._wire.send(data)

    async def receive(self) -> bytes:
        if self._held:
            await asyncio.sleep(1.0)
            held, self._held = self._held, b""
            return held
        data = await self._wire.receive()
        if self._asked and data.startswith(self._asked):
            self._held = data[len(self._asked) :]
            return self._asked
        return data

    async def aclose(self) -> None:
        await self._wire.aclose()


async def test_an_encoder_may_think_after_its_echo() -> None:
    async with served(machine_of("encoder", floor_with(1, in_field=True))) as wire:
        table = conformance("encoder", Hesitating(wire), BAUD, 0)
        results = [result async for result in table]
    assert failed(results) == []


async def test_nothing_that_a_card_says_of_a_person_is_shown() -> None:
    results = await run("reader", card=True, said=shifted_text)
    shown = " ".join(result.seen for result in results)
    for secret in (NUMBER, "无名氏", TEXT[:15].encode("utf-16-le").hex(" ").upper()[:11]):
        assert secret not in shown


async def test_a_card_that_was_read_and_lies_there_still_is_told_from_a_failure() -> None:
    floor = floor_with(1, in_field=True)
    finish(floor)
    async with served(machine_of("reader", floor)) as wire:
        first = [result async for result in conformance("reader", wire, BAUD, 0)]
        again = [result async for result in conformance("reader", wire, BAUD, 0)]
        floor.move(infeed(0), HAND)
        floor.move(HAND, infeed(0))
        replaced_card = [result async for result in conformance("reader", wire, BAUD, 0)]
    assert failed(first) == failed(again) == failed(replaced_card) == []
    assert passed(first) == passed(replaced_card) == 37
