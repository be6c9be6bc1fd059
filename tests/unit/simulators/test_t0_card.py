"""The card's end of T=0 and what a reader makes of it, without wire or time."""

import tomllib
from pathlib import Path
from random import Random

import pytest

from simulators.card_commands import RunCommand
from simulators.ccid_frames import DEFAULT_PARAMETERS, Error
from simulators.floor import ChipKeys, ChipMemory, Contacts, LifeCycle
from simulators.powered_card import PoweredCard, TransferFailed
from simulators.smart_card import SmartCard
from simulators.t0_card import T0Card

VECTORS_FILE = Path(__file__).parents[2] / "vectors" / "ccid.toml"
VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(VECTORS_FILE.read_text(encoding="utf-8"))["vector"]
}
CHIP_SERIAL = bytes.fromhex("0102030405060708")
SELECT_APPLICATION = "00 A4 04 00 05 F0 52 49 44 32"
SELECT_TEXT = "00 A4 02 0C 02 00 01"
SELECT_MANAGEMENT = "00 A4 02 0C 02 00 05"
DONE = "9000"


def powered(contacts: Contacts = Contacts.T0, keys: ChipKeys | None = None) -> PoweredCard:
    chip = ChipMemory.new(CHIP_SERIAL, keys)
    chip.contacts = contacts
    return PoweredCard(chip, Random(0))


def sent(card: PoweredCard, transfer: str | bytes) -> str:
    """Do one transfer to its end; an error of the reader's is its name."""
    data = bytes.fromhex(transfer) if isinstance(transfer, str) else transfer
    try:
        step = card.take(data)
    except TransferFailed as failed:
        return failed.error.name
    return (card.respond(step.apdu) if isinstance(step, RunCommand) else step).hex().upper()


def on_the_contacts() -> tuple[T0Card, SmartCard]:
    chip = ChipMemory.new(CHIP_SERIAL)
    chip.files[1][:4] = bytes.fromhex("12345678")
    software = SmartCard(chip, Random(0))
    for command in (SELECT_APPLICATION, SELECT_TEXT):
        software.answer(bytes.fromhex(command))
    return T0Card(software.hold), software


def test_golden_bytes_on_the_contacts() -> None:
    card, software = on_the_contacts()
    assert card.receive(VECTORS["t0-select"]) == VECTORS["t0-select-acknowledged"][0]
    assert card.receive(b"\x3f\x00") == RunCommand(VECTORS["t0-select"] + b"\x3f\x00")
    assert card.respond(b"\x90\x00") == b"\x90\x00"
    read = VECTORS["t0-read"]
    assert card.receive(read) == RunCommand(read)
    assert card.respond(software.answer(read)) == VECTORS["t0-read-answer"]


def test_golden_bytes_of_a_card_that_goes_byte_by_byte() -> None:
    card, software = on_the_contacts()
    card.byte_by_byte = True
    one = VECTORS["t0-select-acknowledged-one"][0]
    assert card.receive(VECTORS["t0-select"]) == one
    assert card.receive(b"\x3f") == one
    assert card.receive(b"\x00") == RunCommand(VECTORS["t0-select"] + b"\x3f\x00")
    card.respond(b"\x90\x00")
    card.nulls_before_next = 1
    card.receive(VECTORS["t0-read"])
    answer = card.respond(software.answer(VECTORS["t0-read"]))
    assert answer.hex(" ") == VECTORS["t0-read-answer-one-by-one"].hex(" ")


@pytest.mark.parametrize("byte_by_byte", [False, True])
@pytest.mark.parametrize("nulls", [0, 3])
def test_the_host_sees_nothing_of_how_the_card_takes_its_bytes(
    nulls: int, *, byte_by_byte: bool
) -> None:
    card = powered()
    card.characters.byte_by_byte = byte_by_byte
    assert sent(card, SELECT_APPLICATION) == "610F"
    assert sent(card, SELECT_TEXT) == DONE
    assert sent(card, "00 D6 00 00 03 B0 4F 60") == DONE  # data that look like procedure bytes
    card.characters.nulls_before_next = nulls
    assert sent(card, "00 B0 00 00 03") == "B04F609000"


@pytest.mark.parametrize(
    ("transfers", "answer"),
    [
        (["00 44 00 00"], "6985"),  # case 1, of four bytes and of five
        (["00 44 00 00 00"], "6985"),
        (["00 20 00 01 00"], "6D00"),
        (["00 20 00 01 08"], "6D00"),
        (["A0 A4 00 00 02 3F 00"], "6E00"),
        ([SELECT_APPLICATION, "00 C0 00 00 0F"], "6F0D82013884 05F0524944328A01039000"),
        ([SELECT_APPLICATION, "00 C0 00 00 05"], "6C0F"),
        ([SELECT_APPLICATION, "00 C0 00 00 00"], "6C0F"),
        ([SELECT_APPLICATION, "00 C0 00 00 20", "00 C0 00 00 0F"], "6F0D"),
        ([SELECT_APPLICATION, SELECT_TEXT, "00 C0 00 00 0F"], "6985"),  # no longer held
        ([SELECT_APPLICATION, SELECT_TEXT, "00 B0 00 FE 05"], "6C02"),
        ([SELECT_APPLICATION, SELECT_TEXT, "00 B0 00 FE 00"], "6C02"),
        ([SELECT_APPLICATION, SELECT_TEXT, "00 B0 00 FE 02"], "00009000"),
        ([SELECT_APPLICATION, SELECT_TEXT, "00 B0 01 00 01"], "6B00"),
        ([SELECT_APPLICATION, SELECT_MANAGEMENT, "00 B0 00 00 08"], CHIP_SERIAL.hex() + "9000"),
        # Errors of transfers that no card can mend.
        (["00 A4 00"], "WRONG_LENGTH"),
        ([SELECT_APPLICATION + "00"], "WRONG_LENGTH"),  # T=0 has no Le beside data
        (["00 A4 04 00 05 F0"], "WRONG_LENGTH"),
        (["00 A4 04 00 05"], "CARD_MUTE"),  # it waits for data that never come
    ],
)
def test_cases_of_commands(transfers: list[str], answer: str) -> None:
    card = powered()
    answers = [sent(card, transfer) for transfer in transfers]
    assert answers[-1].startswith(answer.replace(" ", "").upper())


def test_256_bytes_are_asked_for_with_nought() -> None:
    card = powered()
    sent(card, SELECT_APPLICATION)
    sent(card, SELECT_TEXT)
    card.chip.files[1][:] = bytes(range(256))
    assert sent(card, "00 B0 00 00 00") == bytes(range(256)).hex().upper() + DONE


def test_a_procedure_byte_that_is_none_is_an_error_of_the_reader() -> None:
    card = powered()
    card.characters.wrong_procedure_bytes = 1
    assert sent(card, SELECT_APPLICATION) == Error.PROCEDURE_BYTE.name
    assert sent(card, SELECT_APPLICATION) == "610F"


def test_a_secured_answer_waits_for_get_response() -> None:
    card = powered(keys=ChipKeys.for_tests())
    assert sent(card, SELECT_APPLICATION) == "610F"
    assert sent(card, "80 50 30 00 08 01 02 03 04 05 06 07 08") == "611D"
    answer = bytes.fromhex(sent(card, "00 C0 00 00 1D"))
    assert answer[:13] == bytes(2) + CHIP_SERIAL + b"\x30\x03\x00"
    # GET RESPONSE did not end the session that was begun.
    assert sent(card, "84 82 33 00 10" + "00" * 16) == "63C9"


def test_protocols_that_a_card_offers_and_speaks() -> None:
    block = bytes.fromhex("00 C1 01 20 E0")
    negotiable = powered(Contacts.T0_OR_T1)
    assert negotiable.answer_to_reset == VECTORS["atr-negotiable"]
    assert sent(negotiable, "FF 02 FD") == "CARD_MUTE"
    assert sent(negotiable, "FF 11 12 FC") == "CARD_MUTE"  # a rate that it does not have
    assert sent(negotiable, "FF 01 FF") == "CARD_MUTE"
    assert sent(negotiable, "FF 11 11 FF") == "FF1111FF"
    negotiable.choose(1, DEFAULT_PARAMETERS[1])
    assert sent(negotiable, block) == "00E10120C0"
    assert sent(negotiable, bytes.fromhex("00 00 21") + bytes(33) + b"\x21") == "00820082"
    assert sent(negotiable, "FF 01 FE") == "00820082"  # too late: it is a bad block by now
    negotiable.choose(0, DEFAULT_PARAMETERS[0])
    assert sent(negotiable, SELECT_APPLICATION) == "CARD_MUTE"

    characters = powered(Contacts.T0)
    assert characters.answer_to_reset == VECTORS["atr-t0-only"]
    assert sent(characters, "FF 01 FE") == "CARD_MUTE"
    characters.choose(1, DEFAULT_PARAMETERS[1])
    assert sent(characters, block) == "WRONG_PROTOCOL"

    blocks = powered(Contacts.T1)
    assert blocks.answer_to_reset == VECTORS["atr-t1-only"]
    assert sent(blocks, SELECT_APPLICATION) == "WRONG_PROTOCOL"


def test_a_whole_chip_is_written_over_t0() -> None:
    card = powered()
    content = Random(3).randbytes(256)
    sent(card, SELECT_APPLICATION)
    sent(card, SELECT_TEXT)
    for start in (0, 128):
        part = content[start : start + 128]
        assert sent(card, bytes([0x00, 0xD6, 0, start, 128]) + part) == DONE
    assert sent(card, "00 44 00 00 00") == DONE
    assert bytes(card.chip.files[1]) == content
    assert card.chip.life_cycle is LifeCycle.OPERATIONAL
