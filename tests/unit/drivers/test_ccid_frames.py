"""CCID frames: golden bytes both ways, damage, garbage, bytes in any portions."""

import tomllib
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from drivers.ccid import (
    NAK_FRAME,
    Damaged,
    FrameDecoder,
    Message,
    MessageType,
    NotUnderstood,
    SlotChange,
    TimeRequest,
    encode,
)
from drivers.xor_checksum import xor_of

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(Path("tests/vectors/ccid.toml").read_text("utf-8"))["vector"]
}
FIRMWARE = Message(MessageType.ESCAPE_ANSWER, 0, 0, bytes.fromhex("010000"), b"GemTwin-V2.00-SIM")


@pytest.mark.parametrize(
    ("name", "kind", "sequence", "parameters", "data"),
    [
        ("escape-get-firmware", MessageType.ESCAPE, 0, "000000", "02"),
        ("escape-sync-notify", MessageType.ESCAPE, 1, "000000", "010101"),
        ("get-slot-status", MessageType.GET_SLOT_STATUS, 2, "000000", ""),
        ("power-on-5v", MessageType.ICC_POWER_ON, 3, "010000", ""),
        ("power-off", MessageType.ICC_POWER_OFF, 4, "000000", ""),
        ("transfer-pps-t1", MessageType.TRANSFER_BLOCK, 5, "000000", "FF01FE"),
        ("transfer-ifs-254", MessageType.TRANSFER_BLOCK, 6, "000000", "00C101FE3E"),
    ],
)
def test_commands_are_the_golden_bytes(
    name: str, kind: MessageType, sequence: int, parameters: str, data: str
) -> None:
    message = Message(kind, 0, sequence, bytes.fromhex(parameters), bytes.fromhex(data))
    assert encode(message) == VECTORS[name]


def test_the_golden_answer_is_understood() -> None:
    assert FrameDecoder().feed(VECTORS["escape-firmware-answer"]) == [FIRMWARE]


def test_no_card_is_read_from_its_status_and_error() -> None:
    [answer] = FrameDecoder().feed(VECTORS["power-on-no-card"])
    assert isinstance(answer, Message)
    assert (answer.failed, answer.card_status, answer.error, answer.sequence) == (True, 2, 0xFE, 3)


def test_a_stream_in_single_bytes_gives_the_same_frames() -> None:
    stream = (
        VECTORS["notice-card-present"]
        + VECTORS["escape-get-firmware"]
        + b"\x9b"
        + VECTORS["escape-firmware-answer"]
        + VECTORS["nak"]
        + VECTORS["notice-card-absent"]
    )
    decoder = FrameDecoder()
    found = [item for byte in stream for item in decoder.feed(bytes((byte,)))]
    assert [type(item) for item in found] == [
        SlotChange,
        Message,
        TimeRequest,
        Message,
        NotUnderstood,
        SlotChange,
    ]
    assert (found[0], found[3], found[5]) == (SlotChange(True), FIRMWARE, SlotChange(False))
    assert decoder.garbage_bytes == 0


def test_a_wrong_lrc_is_damage_and_the_next_frame_is_found() -> None:
    frame = VECTORS["escape-firmware-answer"]
    damaged = frame[:14] + bytes((frame[14] ^ 4,)) + frame[15:]
    assert FrameDecoder().feed(damaged + frame) == [Damaged(), FIRMWARE]


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n",
        b"\x03",  # a SYNC that is none
        b"\x03\x06",  # and one that goes on to look like one
        bytes.fromhex("0306 80 FFFFFFFF 00 00"),  # a length no reader can mean
        b"\x50\x41",
        b"\x03\x15\x00",
    ],
)
def test_garbage_is_dropped_counted_and_hunted_through(garbage: bytes) -> None:
    decoder = FrameDecoder()
    found = decoder.feed(garbage + VECTORS["escape-firmware-answer"])
    assert found[-1] == FIRMWARE
    assert decoder.garbage_bytes + sum(isinstance(item, TimeRequest) for item in found) >= 1


def test_half_a_frame_waits_and_reset_forgets_it() -> None:
    decoder = FrameDecoder()
    frame = VECTORS["escape-firmware-answer"]
    assert decoder.feed(frame[:20]) == []
    decoder.reset()
    assert decoder.garbage_bytes == 20
    assert decoder.feed(frame) == [FIRMWARE]


def test_the_longest_message_has_271_bytes() -> None:
    longest = Message(MessageType.DATA_BLOCK, 0, 7, bytes(3), bytes(261))
    frame = encode(longest)
    assert len(frame) == 274
    assert FrameDecoder().feed(frame) == [longest]
    one_more = frame[:3] + (262).to_bytes(4, "little") + frame[7:]
    assert Message not in [type(item) for item in FrameDecoder().feed(one_more)]


def test_our_nak_is_the_golden_one() -> None:
    assert VECTORS["nak"] == NAK_FRAME


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 1290])
def test_the_folded_xor_is_the_xor_of_all_bytes(size: int) -> None:
    data = bytes((index * 37 + 11) & 0xFF for index in range(size))
    assert xor_of(data) == reduce(xor, data, 0)
