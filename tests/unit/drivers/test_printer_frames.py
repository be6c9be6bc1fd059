"""The printer's language as bytes, held to the golden vectors and to the page's rules."""

import tomllib
from pathlib import Path

import pytest

from drivers.printer_frames import (
    AnswerDecoder,
    PrinterStatus,
    bitmap_command,
    command,
    compress,
    parse_status,
)
from drivers.printing import Panel, PrintJob

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(
        (Path(__file__).parents[2] / "vectors" / "evolis.toml").read_text(encoding="utf-8")
    )["vector"]
}

FACE_BYTES = 82_296
BLACK = Panel("O", 2, b"\xff" * FACE_BYTES)
#: Every line ends in ink, so nothing is won by packing; it holds every framing byte there is.
DENSE = Panel("K", 2, (b"\x1bSe\r\0;" + bytes(74) + b"\x81") * 1016)
YELLOW = Panel("Y", 128, bytes(range(1, 253)) * 2286)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("host-manages-errors", "Pem;2"),
        ("status-trailers-off", "Pps;0"),
        ("read-status-words", "Rpst"),
        ("read-cards-inserted", "Rco;c"),
        ("insert", "Si"),
        ("clear-bitmaps", "Wcb;a"),
        ("back", "Sv"),
        ("end-and-eject", "Se"),
        ("reject", "Ser"),
        ("clean", "Scp"),
        ("read-cleanings", "Rco;n"),
    ],
)
def test_commands_are_the_golden_bytes(name: str, text: str) -> None:
    assert command(text) == VECTORS[name]


def test_a_face_is_packed_line_by_line_as_in_the_golden_bytes() -> None:
    lines = [b"\xff" * 81, b"\xf0\x00\x80" + bytes(78), b"\x01" + bytes(79) + b"\x80"]
    panel = Panel("K", 2, b"".join(lines) + bytes(81 * 1013))
    assert bitmap_command(panel) == VECTORS["compressed-black-face"]


def test_packing_is_undone_by_the_rules_of_the_page() -> None:
    source = bytes((position * position >> 7) & 0xFF for position in range(FACE_BYTES))
    face = source[:40_500] + bytes(8_100) + b"\xff" * 8_100 + source[56_700:]
    packed, lines, at = compress(face), [], 0
    while at < len(packed):
        count = packed[at]
        ink = b"\xff" * 81 if count == 0xFF else packed[at + 1 : at + 1 + count]
        at += 1 if count == 0xFF else 1 + count
        lines.append(ink.ljust(81, b"\0"))
    assert b"".join(lines) == face


def test_a_face_that_packing_would_lengthen_goes_raw() -> None:
    assert bitmap_command(DENSE) == b"\x1bDb;k;2;" + DENSE.data + b"\r"
    assert bitmap_command(BLACK) == b"\x1bDbc;o;2;1016;" + b"\xff" * 1016 + b"\r"


def test_colour_goes_raw_with_its_levels() -> None:
    sent = bitmap_command(YELLOW)
    assert sent[:10] == b"\x1bDb;y;128;"
    assert sent[10:-1] == YELLOW.data
    assert len(YELLOW.data) == 576_072


def test_a_bitmap_of_the_wrong_size_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        Panel("K", 2, bytes(FACE_BYTES - 1))
    with pytest.raises(AssertionError):
        Panel("Y", 2, bytes(FACE_BYTES))
    with pytest.raises(AssertionError):
        PrintJob((), ())


def test_status_words_are_read_as_the_makers_library_reads_them() -> None:
    status = parse_status(VECTORS["status-sdk-example"][:-1].decode())
    assert status == PrinterStatus(0x80000001, 0x11111111, 0x22222222, 0x33333333)
    assert parse_status(VECTORS["status-eight-words"][:-1].decode()).card_at_print_position


@pytest.mark.parametrize(
    ("words", "properties"),
    [
        ((0, 0x00000080, 0, 0), {"printing", "moving"}),
        ((0, 0x00000001, 0, 0), {"busy", "moving"}),
        ((0, 0x02000000, 0, 0), {"card_at_print_position", "card_inside"}),
        ((0, 0x01000000, 0, 0), {"card_at_eject"}),
        ((0, 0, 0x04000000, 0), {"card_at_eject"}),
        ((0, 0x00080000, 0, 0), {"ribbon_low"}),
        ((0, 0x00010000, 0, 0), {"reset"}),
        ((0, 0, 0x01000000, 0), {"feeder_empty"}),
        ((0, 0, 0x00080000, 0), {"ribbon_ended"}),
        ((0, 0, 0, 0x00200000), {"ribbon_ended"}),
        ((0, 0, 0x00020000, 0), {"cover_open"}),
        ((0, 0, 0, 0x02000000), {"cover_open"}),
        ((0, 0, 0, 0x01000000), {"jam"}),
        ((0, 0, 0x00100000, 0), {"hopper_full"}),
        ((0, 0x00020000, 0, 0), {"cleaning_due"}),
        ((0, 0x00040000, 0, 0), {"cleaning_due", "cleaning_required"}),
        ((0, 0x00000100, 0, 0), {"cleaning_due", "cleaning_required"}),
        ((0, 0x00000020, 0, 0), {"moving"}),
        ((0, 0, 0x08000000, 0), {"reject_box_full"}),
        ((0, 0, 0, 0x00800000), {"reject_box_full"}),
        ((0xFFFFFFDF, 0, 0, 0), set()),
        ((0x00000020, 0, 0, 0), {"reject_slot"}),
    ],
)
def test_each_bit_means_one_thing(words: tuple[int, ...], properties: set[str]) -> None:
    status = PrinterStatus(*words)
    told = [name for name, one in vars(PrinterStatus).items() if isinstance(one, property)]
    names = [name for name in told if isinstance(getattr(status, name), bool)]
    assert {name for name in names if getattr(status, name)} == properties


def test_answers_are_cut_at_their_ends_however_they_arrive() -> None:
    stream = b"\0OK\0\0" + b"1234\0" + b"CARD JAM\0"
    at_once, one_by_one = AnswerDecoder(), AnswerDecoder()
    singly = [answer for byte in stream for answer in one_by_one.feed(bytes((byte,)))]
    assert at_once.feed(stream) == singly == [b"OK", b"1234", b"CARD JAM"]
    assert at_once.garbage_bytes == 0


def test_garbage_is_counted_and_left_behind() -> None:
    decoder = AnswerDecoder()
    assert decoder.feed(b"x" * 5_000) == []
    assert decoder.feed(b"yy\0OK\0") == [b"OK"]
    assert decoder.garbage_bytes == 5_002
    decoder.feed(b"half")
    decoder.reset()
    assert decoder.feed(b"OK\0") == [b"OK"]
    assert decoder.garbage_bytes == 5_006
