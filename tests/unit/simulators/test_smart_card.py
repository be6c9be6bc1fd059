"""The chip's software and its end of T=1, without reader or time."""

import tomllib
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random

import pytest

from simulators.card_commands import RunCommand
from simulators.floor import ChipMemory
from simulators.smart_card import SmartCard
from simulators.t1_card import SendBlock, T1Card
from simulators.xor import xor_of

VECTORS_FILE = Path(__file__).parents[2] / "vectors" / "ccid.toml"
VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(VECTORS_FILE.read_text(encoding="utf-8"))["vector"]
}
CHIP_SERIAL = bytes.fromhex("0102030405060708")
SELECT_APPLICATION = "00 A4 04 00 05 F0 52 49 44 32"
SELECT_WITH_PARAMETERS = "00 A4 04 04 05 F0 52 49 44 32 00"
FILE = "00 A4 02 0C 02 00 01"
MANAGEMENT = "00 A4 02 0C 02 00 05"


def checked(data: bytes) -> bytes:
    return data + bytes([reduce(xor, data)])


def t1(pcb: int, information: bytes = b"") -> bytes:
    return checked(bytes([0, pcb, len(information)]) + information)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 64, 255, 274, 1290])
def test_folding_is_the_same_as_a_loop(size: int) -> None:
    data = Random(size).randbytes(size)
    assert xor_of(data) == reduce(xor, data, 0)


@pytest.mark.parametrize(
    ("commands", "answer"),
    [
        ([SELECT_APPLICATION], "61 0F"),
        ([SELECT_APPLICATION, "00 C0 00 00 0F"], "6F 0D 82 01 38 84 05 F052494432 8A 01 03 9000"),
        ([SELECT_APPLICATION, "00 C0 00 00 05"], "6C 0F"),
        ([SELECT_WITH_PARAMETERS], "62 0D 82 01 38 84 05 F052494432 8A 01 03 9000"),
        (["00 A4 04 0C 05 F0 52 49 44 32"], "9000"),
        (["00 A4 04 0C 04 F0 52 49 44"], "6A82"),
        (["00 A4 00 0C 02 3F 00"], "9000"),
        (["00 A4 02 0C 02 3F 00"], "6A82"),
        ([FILE], "6A82"),  # no application selected
        ([SELECT_APPLICATION, FILE], "9000"),
        ([SELECT_APPLICATION, "00 A4 00 0C 02 3F 00", FILE], "6A82"),
        (
            [SELECT_APPLICATION, "00 A4 02 04 02 00 04 00"],
            "62 0E 80 02 0118 82 01 01 83 02 0004 8A 01 03 9000",
        ),
        ([SELECT_APPLICATION, "00 A4 02 0C 02 00 06"], "6A82"),
        ([SELECT_APPLICATION, "00 A4 02 0C 01 06"], "6A80"),
        ([SELECT_APPLICATION, "00 A4 02 02 02 00 01"], "6A86"),
        ([SELECT_APPLICATION, "00 A4 08 0C 02 00 01"], "6A86"),
        ([SELECT_APPLICATION, "00 B0 00 00 10"], "6986"),
        ([SELECT_APPLICATION, FILE, "00 B0 01 00 01"], "6B00"),
        ([SELECT_APPLICATION, FILE, "00 B0 00 FE 05"], "0000 6282"),
        ([SELECT_APPLICATION, FILE, "00 B0 00 FE 00"], "0000 9000"),
        ([SELECT_APPLICATION, FILE, "00 B0 81 00 01"], "6A86"),
        ([SELECT_APPLICATION, FILE, "00 B0 00 00"], "6700"),
        ([SELECT_APPLICATION, FILE, "00 D6 00 FF 01 AB", "00 B0 00 FE 02"], "00AB 9000"),
        ([SELECT_APPLICATION, FILE, "00 D6 00 FF 02 AB CD"], "6A84"),
        ([SELECT_APPLICATION, FILE, "00 D6 01 00 01 AB"], "6B00"),
        ([SELECT_APPLICATION, FILE, "00 D6 00 00"], "6700"),
        ([SELECT_APPLICATION, FILE, "00 D6 00 00 05 AB"], "6700"),
        ([SELECT_APPLICATION, MANAGEMENT, "00 D6 00 07 01 AB"], "6985"),
        ([SELECT_APPLICATION, MANAGEMENT, "00 B0 00 00 08"], CHIP_SERIAL.hex() + "9000"),
        (["00 44 00 00"], "6985"),
        ([SELECT_APPLICATION, "00 44 00 00", "00 44 00 00"], "9000"),
        ([SELECT_APPLICATION, "00 44 00 01"], "6A86"),
        ([SELECT_APPLICATION, "00 44 00 00", FILE, "00 D6 00 00 01 AB"], "6985"),
        ([SELECT_APPLICATION, "00 44 00 00", FILE, "00 B0 00 00 01"], "00 9000"),
        ([SELECT_APPLICATION, "00 E6 00 00"], "9000"),
        ([SELECT_APPLICATION, "00 E6 00 00", FILE], "6A82"),
        ([SELECT_APPLICATION, FILE, "00 E6 00 00", "00 B0 00 00 01"], "6A82"),
        ([SELECT_APPLICATION, "00 E6 00 00", "00 44 00 00"], "6A82"),
        ([SELECT_APPLICATION, "00 E6 00 00", "00 E6 00 00"], "6A82"),
        (
            [SELECT_APPLICATION, "00 E6 00 00", SELECT_WITH_PARAMETERS],
            "62 0D 82 01 38 84 05 F052494432 8A 01 0C 9000",
        ),
        (["00 84 00 00"], "6700"),
        (["00 84 00 01 08"], "6A86"),
        (["00 C0 00 00 08"], "6985"),
        (["00 20 00 01"], "6D00"),
        (["80 84 00 00 08"], "6E00"),
        (["00 84 00"], "6700"),
        (["00 84 00 00 00 00 08"], "6700"),  # extended length
    ],
)
def test_status_words_of_the_profile(commands: list[str], answer: str) -> None:
    card = SmartCard(ChipMemory.new(CHIP_SERIAL), Random(0))
    answers = [card.answer(bytes.fromhex(command)) for command in commands]
    wanted = bytes.fromhex(answer)
    assert answers[-1].hex(" ") == wanted.hex(" ")


def test_each_challenge_is_new() -> None:
    card = SmartCard(ChipMemory.new(CHIP_SERIAL), Random(0))
    first, second = (card.answer(bytes.fromhex("00 84 00 00 08")) for _ in range(2))
    assert len(first) == len(second) == 10
    assert first != second


def test_chains_in_both_directions() -> None:
    card = T1Card()
    assert card.receive(t1(0x20, b"abc")) == SendBlock(t1(0x90))
    assert card.receive(t1(0x60, b"def")) == SendBlock(t1(0x80))
    assert card.receive(t1(0x00, b"ghi")) == RunCommand(b"abcdefghi")
    response = bytes(range(70))
    assert card.respond(response) == t1(0x20, response[:32])
    assert card.receive(t1(0x90)) == SendBlock(t1(0x60, response[32:64]))
    assert card.receive(t1(0x80)) == SendBlock(t1(0x00, response[64:]))


def test_what_was_lost_is_sent_again_when_asked() -> None:
    card = T1Card()
    assert card.receive(t1(0x80)) == SendBlock(t1(0x80))  # nothing sent yet: waiting for N(S)=0
    assert card.receive(t1(0x00, b"one")) == RunCommand(b"one")
    answer = card.respond(b"\x90\x00")
    assert answer == t1(0x00, b"\x90\x00")
    assert card.receive(t1(0x80)) == SendBlock(answer)
    assert card.receive(t1(0x81)) == SendBlock(answer)
    # The host's second block was lost on the way: the card still waits for N(S)=1.
    assert card.receive(t1(0x90)) == SendBlock(t1(0x90))
    assert card.receive(t1(0x40, b"two")) == RunCommand(b"two")
    assert card.respond(b"\x90\x00") == t1(0x40, b"\x90\x00")


def test_damaged_and_unexpected_blocks_are_complained_about_and_change_nothing() -> None:
    card = T1Card()
    good = t1(0x00, b"abce")
    assert card.receive(good[:-1] + b"\x00") == SendBlock(t1(0x81))
    for bad in (
        good[:-2],
        t1(0x40, b"abce"),  # N(S) out of turn
        t1(0xC5),
        t1(0xC1, b"\xff"),
        t1(0xE3, b"\x01"),
        checked(b"\x21\x00\x01a"),
        t1(0x20, b"x" * 255),
        b"\x00",
    ):
        assert card.receive(bad) == SendBlock(t1(0x82)), bad.hex(" ")
    assert card.receive(good) == RunCommand(b"abce")


def test_supervision_blocks() -> None:
    card = T1Card()
    assert card.receive(VECTORS["t1-select"]) == RunCommand(VECTORS["t1-select"][3:-1])
    card.respond(b"\x90\x00")
    reply = card.receive(VECTORS["t1-resynch-request"])
    assert reply == SendBlock(VECTORS["t1-resynch-response"])
    assert isinstance(card.receive(VECTORS["t1-select"]), RunCommand)  # N(S)=0 again
    reply = card.receive(VECTORS["t1-ifs-request"])
    assert reply == SendBlock(VECTORS["t1-ifs-response"])
    assert len(card.respond(bytes(300))) == 258
    assert card.receive(t1(0xC2)) == SendBlock(t1(0xE2))  # the rest is given up
    assert card.receive(t1(0x90)) == SendBlock(t1(0x90))


def test_a_card_may_ask_for_time() -> None:
    card = T1Card(waits_before_next=2)
    wait, granted = SendBlock(t1(0xC3, b"\x01")), t1(0xE3, b"\x01")
    assert card.receive(t1(0x00, b"abce")) == wait
    assert card.receive(t1(0x80)) == wait  # asked to repeat it
    assert card.receive(granted) == wait
    assert card.receive(t1(0xE3, b"\x02")) == SendBlock(t1(0x92))  # not what it asked for
    assert card.receive(granted) == RunCommand(b"abce")
