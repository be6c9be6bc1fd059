"""The chip's end of SCP03, held to a real card's published sessions and to golden bytes."""

import tomllib
from pathlib import Path
from random import Random

import pytest

from simulators.card_commands import parse
from simulators.floor import KEY_TRIES, ChipKeys, ChipMemory, LifeCycle
from simulators.scp03_card import SecureChannel
from simulators.smart_card import SmartCard
from tests.unit.simulators.scp03_host import Host

VECTORS_FILE = Path(__file__).parents[2] / "vectors" / "scp03.toml"
VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(VECTORS_FILE.read_text(encoding="utf-8"))["vector"]
}
TRACE_COMMANDS = ("read", "case-1", "case-2", "case-3", "case-4")
SELECT_APPLICATION = "00 A4 04 0C 05 F0 52 49 44 32"
SELECT_TEXT = "00 A4 02 0C 02 00 01"
SELECT_MANAGEMENT = "00 A4 02 0C 02 00 05"
UPDATE = "00 D6 00 00 01 55"
READ = "00 B0 00 00 01"
DONE, RIGHTS_MISSING = "9000", "6982"


class Drawn(Random):
    """A card challenge that is known beforehand."""

    def randbytes(self, n: int) -> bytes:
        return bytes(range(0xA1, 0xA1 + n))


def rid2_chip() -> ChipMemory:
    return ChipMemory.new(bytes(range(0x41, 0x49)), ChipKeys.for_tests())


def card_of(chip: ChipMemory) -> SmartCard:
    """Return the chip, powered, with its application selected."""
    card = SmartCard(chip, Drawn(0))
    assert send(card, SELECT_APPLICATION) == DONE
    return card


def send(card: SmartCard, text: str) -> str:
    return card.answer(bytes.fromhex(text)).hex().upper()


def golden(card: SmartCard, name: str) -> None:
    """Send one golden command; its golden answer must come, and 9000."""
    wanted = VECTORS.get(f"{name}-answer", b"") + b"\x90\x00"
    assert card.answer(VECTORS[name]).hex(" ") == wanted.hex(" ")


def opened(chip: ChipMemory) -> SmartCard:
    card = card_of(chip)
    golden(card, "rid2-initialize-update")
    golden(card, "rid2-external-authenticate")
    return card


def trace_channel(level: str) -> SecureChannel:
    answer = VECTORS[f"trace-{level}-initialize-update-answer"]
    sessions = int.from_bytes(answer[-3:], "big") - 1
    keys = ChipKeys(
        VECTORS["trace-key-enc"], VECTORS["trace-key-mac"], parameter=0x70, sessions=sessions
    )
    return SecureChannel(keys, VECTORS["trace-application"], bytes(10), Random(0))


@pytest.mark.parametrize("level", ["11", "03", "33"])
def test_a_real_cards_session_is_repeated_byte_for_byte(level: str) -> None:
    channel = trace_channel(level)
    begun = channel.initialize_update(parse(VECTORS[f"trace-{level}-initialize-update"]))
    assert begun == VECTORS[f"trace-{level}-initialize-update-answer"]
    channel.external_authenticate(parse(VECTORS[f"trace-{level}-external-authenticate"]))
    for name in TRACE_COMMANDS:
        plain = parse(VECTORS[f"trace-{name}-plain"])
        found = channel.opened(parse(VECTORS[f"trace-{level}-{name}"]))
        assert (found.ins, found.offset, found.data) == (plain.ins, plain.offset, plain.data)
        if name == "read":
            answer = channel.protected(VECTORS["trace-read-plain-answer"], 0x9000)
            assert answer.hex(" ") == VECTORS[f"trace-{level}-read-answer"].hex(" ")


def test_a_session_of_our_profile() -> None:
    chip = rid2_chip()
    card = opened(chip)
    for name in ("rid2-select-text", "rid2-update", "rid2-read"):
        golden(card, name)
    assert chip.files[1][:6] == bytes.fromhex("12 34 56 78 90 00")


@pytest.mark.parametrize("damaged", [5, 12, 20])
def test_an_authentication_that_fails_costs_a_try_and_one_that_succeeds_gives_them_back(
    damaged: int,
) -> None:
    chip = rid2_chip()
    card = card_of(chip)
    golden(card, "rid2-initialize-update")
    wrong = bytearray(VECTORS["rid2-external-authenticate"])
    wrong[damaged] ^= 1
    assert send(card, wrong.hex()) == f"63C{KEY_TRIES - 1:X}"
    # The begun session is spent: the right bytes no longer help.
    assert send(card, VECTORS["rid2-external-authenticate"].hex()) == "6985"
    golden(card, "rid2-initialize-update")
    golden(card, "rid2-external-authenticate")
    assert chip.keys is not None
    assert chip.keys.tries_left == KEY_TRIES


def test_a_key_is_blocked_for_ever_after_too_many_wrong_authentications() -> None:
    chip = rid2_chip()
    wrong = VECTORS["rid2-external-authenticate"][:-1] + b"\x00"
    answers = []
    for _ in range(KEY_TRIES):
        card = card_of(chip)  # powered anew each time, which does not help
        golden(card, "rid2-initialize-update")
        answers.append(send(card, wrong.hex()))
    assert answers == [f"63C{left:X}" for left in reversed(range(KEY_TRIES))]
    card = card_of(chip)
    assert send(card, VECTORS["rid2-initialize-update"].hex()) == "6983"
    assert send(card, UPDATE) == "6986"


@pytest.mark.parametrize(
    ("begin", "status"),
    [
        ("80 50 31 00 08 0102030405060708 00", "6A88"),
        ("80 50 30 01 08 0102030405060708 00", "6A86"),
        ("80 50 30 00 07 01020304050607 00", "6700"),
        ("80 52 30 00 08 0102030405060708 00", "6E00"),
        ("C0 50 30 00 08 0102030405060708 00", "6E00"),
        ("84 82 33 00 10" + "00" * 16, "6985"),
        ("04 D6 00 00 09" + "00" * 9, "6982"),
    ],
)
def test_what_the_channel_refuses_before_a_session(begin: str, status: str) -> None:
    assert send(card_of(rid2_chip()), begin) == status


@pytest.mark.parametrize(
    ("finish", "status"),
    [
        ("84 82 00 00 10" + "00" * 16, "6A86"),  # a level without C-MAC
        ("84 82 33 01 10" + "00" * 16, "6A86"),
        ("84 82 33 00 0F" + "00" * 15, "6700"),
    ],
)
def test_an_authentication_of_the_wrong_form_costs_no_try(finish: str, status: str) -> None:
    chip = rid2_chip()
    card = card_of(chip)
    golden(card, "rid2-initialize-update")
    assert send(card, finish) == status
    assert chip.keys is not None
    assert chip.keys.tries_left == KEY_TRIES


def test_the_default_key_version_and_the_selected_application() -> None:
    chip = rid2_chip()
    begin = bytearray(VECTORS["rid2-initialize-update"])
    begin[2] = 0x00
    answer = VECTORS["rid2-initialize-update-answer"].hex().upper()
    assert send(card_of(chip), begin.hex()) == answer + DONE
    assert send(SmartCard(chip, Drawn(0)), begin.hex()) == "6985"
    chip.life_cycle = LifeCycle.TERMINATED
    assert send(card_of(chip), begin.hex()) == "6A82"


@pytest.mark.parametrize(
    "bad",
    [
        VECTORS["rid2-update"][:-2] + b"\x00\x00",  # C-MAC
        VECTORS["rid2-update"][:6] + b"\x00" + VECTORS["rid2-update"][7:],  # data
        b"\x04\xd6\x00\x01" + VECTORS["rid2-update"][4:],  # header
        bytes.fromhex("04 D6 00 00 07 00 00 00 00 00 00 00"),  # no room for a C-MAC
        VECTORS["rid2-select-text"],  # repeated: the chain of C-MACs went on
        bytes.fromhex(UPDATE),  # without protection
        bytes.fromhex("00 84 00 00 08"),
    ],
)
def test_a_command_not_protected_as_agreed_ends_the_session(bad: bytes) -> None:
    chip = rid2_chip()
    card = opened(chip)
    golden(card, "rid2-select-text")
    assert send(card, bad.hex()) == RIGHTS_MISSING
    assert send(card, VECTORS["rid2-update"].hex()) == RIGHTS_MISSING
    assert not any(chip.files[1])


@pytest.mark.parametrize("data", [bytes(16), b"\x80" + bytes(31), bytes(15) + b"\x81", b"\x80" * 7])
def test_padding_that_is_none_ends_the_session(data: bytes) -> None:
    card = card_of(rid2_chip())
    host = Host(card, level=0x33)
    assert host.send_block(0xD6, data) == RIGHTS_MISSING
    assert host.send_block(0xD6, b"\x80" + bytes(15)) == RIGHTS_MISSING


@pytest.mark.parametrize("level", [0x01, 0x03, 0x11, 0x13, 0x33])
def test_a_whole_personalisation_at_every_level(level: int) -> None:
    chip = rid2_chip()
    host = Host(card_of(chip), level)
    content = Random(level).randbytes(256)
    assert host.select(1) == DONE
    for start in (0, 239):
        part = content[start : start + 239]
        assert host.send(0xD6, part, offset=start) == DONE
    assert host.send(0xB0, offset=0, le=b"\xef") == content[:239].hex().upper() + DONE
    assert host.send(0xB0, offset=239, le=b"\x00") == content[239:].hex().upper() + DONE
    assert host.send(0xB0, offset=0) == content[:239].hex().upper() + DONE
    assert host.send(0xB0, offset=0, le=b"\xf0") == "6700"  # would not fit when protected
    assert host.send(0xB0, offset=250, le=b"\x20") == content[250:].hex().upper() + "6282"
    assert host.send(0x44) == DONE
    assert host.send(0xD6, b"\x00") == "6985"
    assert host.send(0xE6, le=b"\x00") == DONE
    assert bytes(chip.files[1]) == content
    assert chip.life_cycle is LifeCycle.TERMINATED


def test_no_data_may_come_as_one_block_of_padding() -> None:
    chip = rid2_chip()
    host = Host(card_of(chip), level=0x33)
    assert host.send_block(0x44, b"\x80" + bytes(15)) == DONE
    assert chip.life_cycle is LifeCycle.OPERATIONAL


@pytest.mark.parametrize("leaving", [SELECT_APPLICATION, "00 A4 00 0C 02 3F 00"])
def test_a_session_ends_when_the_application_is_left(leaving: str) -> None:
    card = opened(rid2_chip())
    assert send(card, leaving) == DONE
    assert send(card, VECTORS["rid2-select-text"].hex()) == RIGHTS_MISSING


def test_an_error_inside_a_session_goes_out_bare_and_the_session_goes_on() -> None:
    chip = rid2_chip()
    card = opened(chip)
    chip.files.pop(1)
    assert send(card, VECTORS["rid2-select-text"].hex()) == "6A82"
    chip.files[1] = bytearray(256)
    assert send(card, VECTORS["rid2-update"].hex()) == "6986"  # understood, but no file


@pytest.mark.parametrize(
    ("life_cycle", "commands", "status"),
    [
        (LifeCycle.PERSONALISATION, [SELECT_TEXT, UPDATE], "6982"),
        (LifeCycle.PERSONALISATION, [SELECT_TEXT, READ], "6982"),
        (LifeCycle.PERSONALISATION, ["00 44 00 00"], "6982"),
        (LifeCycle.PERSONALISATION, ["00 E6 00 00"], "6982"),
        (LifeCycle.PERSONALISATION, [SELECT_MANAGEMENT, "00 B0 00 00 09"], "6982"),
        (LifeCycle.PERSONALISATION, [SELECT_MANAGEMENT, "00 B0 00 00 08"], "41424344454647489000"),
        (LifeCycle.OPERATIONAL, [SELECT_TEXT, UPDATE], "6985"),
        (LifeCycle.OPERATIONAL, [SELECT_TEXT, READ], "009000"),
        (LifeCycle.OPERATIONAL, ["00 E6 00 00"], "6982"),
        (LifeCycle.TERMINATED, [SELECT_TEXT], "6A82"),
    ],
)
def test_rights_without_a_session(life_cycle: LifeCycle, commands: list[str], status: str) -> None:
    chip = rid2_chip()
    chip.life_cycle = life_cycle
    card = card_of(chip)
    answers = [send(card, command) for command in commands]
    assert answers[-1] == status


def test_nothing_shows_a_key() -> None:
    chip = rid2_chip()
    opened(chip)
    assert "40414243" not in repr(chip).lower()
    assert "@ABC" not in repr(chip)
