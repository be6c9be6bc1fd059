"""T=1 from the host's side, block by block in hex (ISO/IEC 7816-3 clause 11), and the ATR."""

import tomllib
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from drivers.atr import parse_atr
from drivers.errors import ChipMute
from drivers.t1 import Done, Send, T1Host

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(Path("tests/vectors/ccid.toml").read_text("utf-8"))["vector"]
}
SELECT = bytes.fromhex("00A40400 07 627601FF000000")


def block(head: str, information: bytes = b"") -> bytes:
    """Return node 0, the given control byte, length, information and LRC."""
    body = bytes((0, int(head, 16), len(information))) + information
    return body + bytes((reduce(xor, body),))


def damaged(good: bytes) -> bytes:
    return good[:-1] + bytes((good[-1] ^ 1,))


def test_a_command_is_the_golden_block_and_its_answer_ends_it() -> None:
    host = T1Host(254)
    assert host.begin(SELECT) == Send(VECTORS["t1-select"])
    assert host.take(block("00", b"\x90\x00")) == Done(b"\x90\x00")


def test_sequence_numbers_toggle_in_both_directions() -> None:
    host = T1Host(254)
    for turn in ("00", "40", "00"):
        assert host.begin(b"\0\x84\0\0") == Send(block(turn, b"\0\x84\0\0"))
        assert host.take(block(turn, b"\x90\0")) == Done(b"\x90\0")


def test_the_size_is_agreed_with_the_golden_blocks() -> None:
    host = T1Host(254)
    assert host.begin_ifs() == Send(VECTORS["t1-ifs-request"])
    assert host.take(VECTORS["t1-ifs-response"]) == Done(b"")


def test_a_long_command_is_chained_and_acknowledged() -> None:
    host = T1Host(4)
    assert host.begin(b"ABCDEFGHIJ") == Send(block("20", b"ABCD"))
    assert host.take(block("90")) == Send(block("60", b"EFGH"))
    assert host.take(block("80")) == Send(block("00", b"IJ"))
    assert host.take(block("00", b"ok")) == Done(b"ok")


def test_a_long_answer_is_gathered() -> None:
    host = T1Host(254)
    host.begin(b"ask")
    assert host.take(block("20", b"one ")) == Send(block("90"))
    assert host.take(block("60", b"two ")) == Send(block("80"))
    assert host.take(block("00", b"three")) == Done(b"one two three")


def test_a_damaged_answer_is_asked_for_again_and_the_command_is_not_repeated() -> None:
    host = T1Host(254)
    host.begin(b"write", repeatable=False)
    assert host.take(damaged(block("00", b"\x90\0"))) == Send(block("81"))
    assert host.take(block("00", b"\x90\0")) == Done(b"\x90\0")


def test_the_chip_may_ask_for_our_block_again() -> None:
    host = T1Host(254)
    first = host.begin(b"write", repeatable=False)
    assert host.take(block("81")) == first
    assert host.take(block("00", b"\x90\0")) == Done(b"\x90\0")


def test_silence_is_answered_with_a_request_for_the_expected_block() -> None:
    host = T1Host(254)
    host.begin(b"one")
    host.take(block("00", b"\x90\0"))
    host.begin(b"two")
    assert host.missed() == Send(block("91"))


def test_an_old_answer_does_not_pass_for_a_new_one() -> None:
    host = T1Host(254)
    host.begin(b"one")
    host.take(block("00", b"first"))
    host.begin(b"two")
    assert host.take(block("00", b"first")) == Send(block("92"))
    assert host.take(block("40", b"second")) == Done(b"second")


def test_more_time_is_granted_and_told_to_the_reader() -> None:
    host = T1Host(254)
    host.begin(b"slow")
    assert host.take(block("C3", b"\x05")) == Send(block("E3", b"\x05"), waiting_factor=5)
    assert host.take(block("00", b"\x90\0")) == Done(b"\x90\0")


def test_endless_requests_for_time_are_ended() -> None:
    host = T1Host(254)
    host.begin(b"slow")
    granted = [host.take(block("C3", b"\x01")) for _ in range(60)]
    assert set(granted) == {Send(block("E3", b"\x01"))}
    with pytest.raises(ChipMute):
        host.take(block("C3", b"\x01"))


def test_the_chip_may_shorten_our_blocks() -> None:
    host = T1Host(254)
    host.begin(b"ABCDEF")
    assert host.take(block("C1", b"\x03")) == Send(block("E1", b"\x03"))
    assert host.take(block("00", b"\x90\0")) == Done(b"\x90\0")
    assert host.begin(b"ABCDEF") == Send(block("60", b"ABC"))


def test_after_three_requests_the_host_resynchronises_and_begins_again() -> None:
    host = T1Host(254)
    host.begin(b"one")
    host.take(block("00", b"\x90\0"))
    host.begin(b"two")
    assert [host.missed() for _ in range(3)] == [Send(block("91"))] * 3
    assert host.missed() == Send(VECTORS["t1-resynch-request"])
    assert host.take(VECTORS["t1-resynch-response"]) == Send(block("00", b"two"))
    assert host.take(block("00", b"done")) == Done(b"done")


def test_a_command_that_is_not_repeatable_is_not_sent_again_after_resynchronising() -> None:
    host = T1Host(254)
    host.begin(b"lock", repeatable=False)
    for _ in range(4):
        host.missed()
    with pytest.raises(ChipMute):
        host.take(VECTORS["t1-resynch-response"])


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"\0", b"garbage", bytes.fromhex("00 40 02 90"), block("E5", b"x"), block("1F")],
)
def test_a_chip_that_only_answers_nonsense_counts_as_mute(nonsense: bytes) -> None:
    host = T1Host(254)
    host.begin(b"ask")
    sent = [host.take(nonsense) for _ in range(7)]
    assert sent[3:] == [Send(VECTORS["t1-resynch-request"])] * 4
    with pytest.raises(ChipMute):
        host.take(nonsense)


@pytest.mark.parametrize(
    ("name", "protocols", "information_field_bytes"),
    [("atr-t1-only", (1, 1), 254), ("atr-negotiable", (0, 1), 32), ("atr-t0-only", (0,), 32)],
)
def test_golden_answers_to_reset(
    name: str, protocols: tuple[int, ...], information_field_bytes: int
) -> None:
    atr = parse_atr(VECTORS[name])
    assert atr.protocols == protocols
    assert atr.information_field_bytes == information_field_bytes
    assert atr.negotiable


def test_parameters_for_t1_follow_the_answer_to_reset() -> None:
    parameters = parse_atr(VECTORS["atr-t1-only"]).t1_parameters()
    assert parameters == bytes.fromhex("11 10 00 4D 00 FE 00")


def test_a_damaged_or_cut_answer_to_reset_is_refused() -> None:
    atr = VECTORS["atr-t1-only"]
    for end in range(len(atr)):
        with pytest.raises(ChipMute):
            parse_atr(atr[:end])
    for place in range(len(atr)):
        with pytest.raises(ChipMute):
            parse_atr(atr[:place] + bytes((atr[place] ^ 0x40,)) + atr[place + 1 :])
