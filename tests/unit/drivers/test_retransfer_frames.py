"""The retransfer printer's language as bytes, held to the golden vectors and the page's rules."""

import tomllib
import zlib
from pathlib import Path

import pytest

from drivers.errors import UnexpectedReply
from drivers.printing import FACE_BYTES, Panel, PrintJob
from drivers.retransfer_frames import (
    Ask,
    CardAt,
    Code,
    Ending,
    Frame,
    FrameDecoder,
    Phase,
    RetransferStatus,
    frame,
    number_payload,
    parse_code,
    parse_names,
    parse_status,
    plane,
    plane_payload,
    planes,
    print_payload,
)

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(
        (Path(__file__).parents[2] / "vectors" / "retransfer.toml").read_text(encoding="utf-8")
    )["vector"]
}
GOLDEN_PLANE = (b"\xff" + bytes(82)) * 1036
ALL_INK = Panel("K", 2, b"\xff" * FACE_BYTES)


def payload(name: str) -> bytes:
    [whole] = FrameDecoder().feed(VECTORS[name])
    return whole.payload


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("who", frame(Ask.WHO, 1)),
        ("status", frame(Ask.STATUS, 2)),
        ("forget", frame(Ask.FORGET, 3)),
        ("feed", frame(Ask.FEED, 5, number_payload(8))),
        ("print", frame(Ask.PRINT, 6, print_payload(9, [(b"\0K", GOLDEN_PLANE)]))),
        ("eject", frame(Ask.EJECT, 7, number_payload(10))),
        ("reset", frame(Ask.RESET, 8, number_payload(1))),
        ("clean", frame(Ask.CLEAN, 9, number_payload(11))),
    ],
)
def test_questions_are_the_golden_bytes(name: str, request_: bytes) -> None:
    assert request_ == VECTORS[name]


def test_a_plane_is_sent_as_in_the_golden_bytes_but_for_its_packing() -> None:
    ours = plane_payload(b"\0K", GOLDEN_PLANE)
    golden = payload("black-plane")
    assert ours[:2] == golden[:2]
    assert zlib.decompress(ours[2:]) == zlib.decompress(golden[2:]) == GOLDEN_PLANE


def test_golden_answers_are_read() -> None:
    assert parse_names(payload("who-answer")) == ("RT-600", "RTP-0002", "1.00")
    assert parse_code(payload("done")) is Code.DONE
    assert parse_code(payload("feed-refused")) is Code.NO_CARD_AT_INFEED
    assert parse_code(payload("clean-refused")) is Code.NO_CLEANING_CARD
    ready = RetransferStatus(
        "RTP-0002", Phase.READY, Ending.AS_MEANT, CardAt.PRINT_POSITION,
        cover_open=False, card_at_infeed=True, card_at_outfeed=False, cleaning_due=False,
        started=7, finished=7, printed=4, faces_pressed=2, cards_fed=300, cards_printed=299,
        film_left_faces=1000, ribbon_left_faces=950,
    )  # fmt: skip
    assert parse_status(payload("status-at-rest")) == ready
    assert (ready.error, ready.card_at_print_position) == (0, True)
    jammed = parse_status(payload("status-in-trouble"))
    assert (jammed.phase, jammed.ending, jammed.card) == (
        Phase.TROUBLE, Ending.JAM, CardAt.ELSEWHERE,
    )  # fmt: skip
    assert (jammed.started, jammed.finished, jammed.error) == (65535, 65534, 1)
    assert jammed.cover_open
    assert not jammed.card_at_print_position


@pytest.mark.parametrize("at", range(len(bytes.fromhex("7E82FFFF00001800")) + 4))
def test_a_damaged_frame_is_dropped_whole_and_counted(at: int) -> None:
    golden = VECTORS["status-in-trouble"]
    damaged = golden[:at] + bytes((golden[at] ^ 0x04,)) + golden[at + 1 :]
    decoder = FrameDecoder()
    heard = decoder.feed(damaged)
    decoder.reset()
    heard += decoder.feed(VECTORS["done"])
    assert heard == [Frame(0x83, 3, b"\0")]
    assert decoder.garbage_bytes == len(golden)


def test_frames_are_found_however_they_come() -> None:
    stream = b"\x7e\x00noise" + VECTORS["done"] + VECTORS["who-answer"] + b"~" + VECTORS["done"]
    whole = FrameDecoder().feed(stream)
    decoder = FrameDecoder()
    piecewise = [one for byte in stream for one in decoder.feed(bytes((byte,)))]
    assert [one.type for one in whole] == [0x83, 0x81, 0x83]
    assert piecewise == whole


@pytest.mark.parametrize("length", [0, 10, 22, 23, 60])
def test_a_status_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(UnexpectedReply):
        parse_status(bytes(length))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_status_with_a_value_that_cannot_be_is_refused(at: int) -> None:
    golden = payload("status-at-rest")
    with pytest.raises(UnexpectedReply):
        parse_status(golden[:at] + b"\x09" + golden[at + 1 :])


@pytest.mark.parametrize("told", [b"", b"a\0b", b"\0b\0c", b"a\0\xff\0c", b"a\0b\0c\0d"])
def test_names_that_are_none_are_refused(told: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        parse_names(told)


@pytest.mark.parametrize("told", [b"", b"\0\0", b"\x40"])
def test_codes_that_are_none_are_refused(told: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        parse_code(told)


def test_a_face_lies_inside_the_film() -> None:
    dots = plane(ALL_INK)
    lines = [dots[at : at + 83] for at in range(0, len(dots), 83)]
    assert len(lines) == 1036
    assert set(lines[:10] + lines[-10:]) == {bytes(83)}
    assert set(lines[10:-10]) == {b"\0" + b"\xff" * 81 + b"\0"}


def test_a_coloured_face_lies_at_the_same_dots() -> None:
    bits = "1010101" * 648
    line = int(bits, 2).to_bytes(567, "big")
    dots = plane(Panel("C", 128, line * 1016))
    assert len(dots) == 1036 * 581
    first = f"{int.from_bytes(dots[5810:6391], 'big'):0{581 * 8}b}"
    assert first == "0" * 56 + bits + "0" * 56


def test_both_faces_are_sent_without_their_overlay() -> None:
    overlay = Panel("O", 2, b"\x0f" * FACE_BYTES)
    job = PrintJob(front=(ALL_INK, overlay), back=(overlay, ALL_INK))
    assert [name for name, _ in planes(job)] == [b"\0K", b"\1K"]
