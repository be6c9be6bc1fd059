"""SDT frames: golden bytes, the parser's known traps, bytes in any portions."""

import tomllib
from pathlib import Path

import pytest

from drivers.sdt import RATES, Answer, Damaged, FrameDecoder, Request, encode, meaning, sam_id_text

DOCUMENT = tomllib.loads(Path("tests/vectors/sdt.toml").read_text("utf-8"))
VECTORS = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in DOCUMENT["vector"]}
ERRORS = [name for name in VECTORS if name.startswith("error-")]


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (Request.RESET, "reset"),
        (Request.STATUS, "status"),
        (Request.SAM_ID, "sam-id"),
        (Request.FIND, "find"),
        (Request.SELECT, "select"),
        (Request.READ_BASE, "read-base"),
        (Request.READ_ADDRESSES, "read-addresses"),
        (Request.READ_MANAGEMENT, "read-management"),
        (Request.READ_WITH_FINGERPRINTS, "read-base-and-fingerprints"),
        *((request, f"set-rate-{bit_rate}") for bit_rate, request in RATES.items()),
    ],
)
def test_requests_are_the_golden_bytes(request_: Request, name: str) -> None:
    assert encode(request_) == VECTORS[name]


@pytest.mark.parametrize("size_bytes", [80, 88])
def test_the_only_request_with_data_is_the_golden_bytes(size_bytes: int) -> None:
    assert encode(Request.RADIO_FRAME, bytes((size_bytes,))) == VECTORS[f"set-rf-{size_bytes}"]


def test_every_golden_request_is_the_driver_s() -> None:
    ours = {encode(request) for request in Request if request is not Request.RADIO_FRAME}
    requests = {
        bytes.fromhex(vector["hex"])
        for vector in DOCUMENT["vector"]
        if vector["direction"] == "to_machine" and not vector["name"].startswith("set-rf")
    }
    assert ours == requests


@pytest.mark.parametrize(
    ("name", "sw3", "data"),
    [
        ("done", 0x90, ""),
        ("found", 0x9F, "00000000"),
        ("selected", 0x90, "0000000000000000"),
        ("sam-id-answer", 0x90, "05000100D7B6320140E20100D2029649"),
    ],
)
def test_golden_answers_are_understood(name: str, sw3: int, data: str) -> None:
    assert FrameDecoder().feed(VECTORS[name]) == [Answer(0, sw3, bytes.fromhex(data))]


@pytest.mark.parametrize("name", ERRORS)
def test_every_golden_error_has_its_code_and_a_meaning(name: str) -> None:
    [answer] = FrameDecoder().feed(VECTORS[name])
    assert isinstance(answer, Answer)
    assert answer.sw3 == int(name.split("-")[1], 16)
    assert answer.data == b""
    assert meaning(answer.sw3) != meaning(0x00) == "unknown status"


def test_the_cards_own_words_beside_an_error_are_kept() -> None:
    assert FrameDecoder().feed(VECTORS["error-41-with-card-words"]) == [Answer(0x6A82, 0x41, b"")]


def test_the_sam_id_is_shown_as_the_trade_prints_it() -> None:
    [answer] = FrameDecoder().feed(VECTORS["sam-id-answer"])
    assert isinstance(answer, Answer)
    assert sam_id_text(answer.data) == "05.01-20100823-0000123456-1234567890"


def test_single_bytes_give_the_same_frames() -> None:
    decoder = FrameDecoder()
    stream = VECTORS["found"] + VECTORS["selected"] + VECTORS["error-80"]
    found = [item for byte in stream for item in decoder.feed(bytes((byte,)))]
    assert [item.sw3 for item in found if isinstance(item, Answer)] == [0x9F, 0x90, 0x80]
    assert decoder.garbage_bytes == 0


def test_a_fourth_aa_before_the_preamble_still_matches() -> None:
    assert FrameDecoder().feed(b"\xaa" + VECTORS["done"]) == [Answer(0, 0x90, b"")]


def test_a_wrong_check_byte_is_damage() -> None:
    frame = VECTORS["selected"]
    assert FrameDecoder().feed(frame[:-1] + b"\x00") == [Damaged()]


def test_the_frame_behind_a_damaged_one_is_found() -> None:
    found = VECTORS["found"]
    assert FrameDecoder().feed(found[:-1] + b"\x00" + VECTORS["done"]) == [Answer(0, 0x90, b"")]


@pytest.mark.parametrize("length", [0, 1, 3, 4097, 0xFFFF])
def test_an_impossible_length_is_dropped_and_hunted_through(length: int) -> None:
    decoder = FrameDecoder()
    liar = bytes.fromhex("AAAAAA9669") + length.to_bytes(2, "big")
    assert decoder.feed(liar + VECTORS["done"]) == [Answer(0, 0x90, b"")]
    assert decoder.garbage_bytes == len(liar)


def test_the_broken_timeout_answer_waits_then_hides_nothing() -> None:
    # Completed by the next frame's AA AA it has a good check byte.
    decoder = FrameDecoder()
    assert decoder.feed(VECTORS["broken-timeout-answer"]) == []
    assert decoder.feed(VECTORS["found"]) == [Answer(0, 0x9F, bytes(4))]
    assert decoder.garbage_bytes == len(VECTORS["broken-timeout-answer"])


@pytest.mark.parametrize("rest", ["0004 0000 0004", "0004 0004 0000"])
def test_an_answer_that_lost_its_middle_is_damage_though_its_xor_is_right(rest: str) -> None:
    decoder = FrameDecoder()
    assert decoder.feed(bytes.fromhex(f"AAAAAA9669 {rest}")) == [Damaged()]
    assert decoder.feed(VECTORS["done"]) == [Answer(0, 0x90, b"")]


def test_endless_garbage_does_not_pile_up() -> None:
    decoder = FrameDecoder()
    for _ in range(100):
        assert decoder.feed(b"\xaa\x96" * 5000) == []
    assert decoder.garbage_bytes >= 100 * 10000 - 4
    assert decoder.feed(VECTORS["done"]) == [Answer(0, 0x90, b"")]
