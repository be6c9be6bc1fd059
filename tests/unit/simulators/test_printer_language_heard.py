"""The printer's ear: however the bytes come, the same commands; whatever comes, it survives."""

import tomllib
from pathlib import Path
from random import Random

import pytest

from simulators.printer_bitmap import BadBitmap, expand_panel, plain_panel, with_failed_band
from simulators.printer_language import Command, CommandParser, Heard, Unreadable

VECTORS = {
    vector["name"]: vector
    for vector in tomllib.loads(
        (Path(__file__).parents[2] / "vectors" / "evolis.toml").read_text(encoding="utf-8")
    )["vector"]
}
FACE = 1016 * 81
AWKWARD_FACE = (b"\r\x1bRsn\r\x00;Se\r" * FACE)[:FACE]


def heard(data: bytes) -> list[Heard]:
    return CommandParser().feed(data)


def test_every_vector_to_the_machine_is_one_command() -> None:
    for name, vector in VECTORS.items():
        if vector["direction"] == "to_machine":
            found = heard(bytes.fromhex(vector["hex"]))
            assert len(found) == 1, name
            assert isinstance(found[0], Command), name


def test_the_golden_black_face_has_exactly_the_ink_it_means() -> None:
    (command,) = heard(bytes.fromhex(VECTORS["compressed-black-face"]["hex"]))
    assert isinstance(command, Command)
    assert (command.name, command.parameters) == ("Dbc", ("k", "2", "1100"))
    line_1 = b"\xf0\x00\x80" + bytes(78)
    line_2 = b"\x01" + bytes(79) + b"\x80"
    assert expand_panel("k", 2, command.data) == (b"\xff" * 81 + line_1 + line_2 + bytes(1013 * 81))


def test_escape_is_optional_and_nuls_between_commands_are_ignored() -> None:
    expected = [Command("Pem", ("2",)), Command("Rsn"), Command("Rco", ("p",))]
    assert heard(b"\x1bPem;2\r\x00Rsn\r\x00\x00\r\n\x1b\x1bRco;p\r") == expected


def test_a_bitmap_may_hold_any_byte() -> None:
    stream = b"\x1bDb;k;2;" + AWKWARD_FACE + b"\r\x1bSe\r"
    assert heard(stream) == [Command("Db", ("k", "2"), AWKWARD_FACE), Command("Se")]


def test_the_same_commands_however_the_stream_is_split() -> None:
    random = Random(20050901)
    stream = b"".join(
        [
            b"\x00\x1bPem;2\r\x00noise\xfe\x1bSi\r",
            b"\x1bDbc;k;2;14;\r\r\x1b\x00;Se\r;;\x1b\x1b\xff\r\rSv\r",  # data full of control bytes
            b"Db;k;3;\x01\x02\rRsn\r",  # no such levels: refused, skipped
            b"Dbc;k;2;2;ab?\rRtp\r",  # not ended where it should be
            b"Db;k;2\rDbc;k;2;9999999;\rDbc;k;2;x;\r",
            b"x" * 300 + b"\rRfv\r" + b"y" * 256 + b"\r" + b"z" * 257 + b"\x1bRco;c\r",
            b"\x80\x81\rSe\r",
        ]
    )
    whole = CommandParser()
    expected = whole.feed(stream)
    assert expected == [
        Command("Pem", ("2",)),
        Command("Si"),
        Command("Dbc", ("k", "2", "14"), b"\r\r\x1b\x00;Se\r;;\x1b\x1b\xff\r"),
        Command("Sv"),
        Unreadable(),
        Command("Rsn"),
        Unreadable(),
        Command("Rtp"),
        *[Unreadable()] * 3,
        Command("Rfv"),
        Command("y" * 256),
        Command("Rco", ("c",)),
        Command("Se"),
    ]
    for trial in range(200):
        parser = CommandParser()
        found: list[Heard] = []
        at = 0
        while at < len(stream):
            size = 1 if trial == 0 else random.choice([1, 1, 2, 3, 7, 40, 200])
            found += parser.feed(stream[at : at + size])
            at += size
        assert found == expected
        assert parser.garbage_bytes == whole.garbage_bytes > 0


def test_any_garbage_is_survived_within_bounded_memory() -> None:
    random = Random(7)
    parser = CommandParser()
    for _ in range(300):
        parser.feed(random.randbytes(random.randrange(5000)))
    parser.reset()
    parser.feed(b"noise without end" * 100_000)
    assert len(parser._buffer) <= 257
    assert parser.feed(b"\x1bRsn\r") == [Command("Rsn")]


@pytest.mark.parametrize(
    ("noise", "garbage_bytes"),
    [(b"x" * 300 + b"\r", 300), (b"\xfe\xff\r", 2), (b"Rc\x1b", 2), (b"Db;k;3;123\r", 3)],
)
def test_what_is_dropped_is_counted(noise: bytes, garbage_bytes: int) -> None:
    parser = CommandParser()
    assert parser.feed(noise + b"Rsn\r")[-1] == Command("Rsn")
    assert parser.garbage_bytes == garbage_bytes


def test_a_command_cut_off_is_dropped_for_the_next_one() -> None:
    assert heard(b"\x1bRco;\x1bRco;p\r") == [Command("Rco", ("p",))]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1015,
        b"\x00" * 1017,
        b"\x52" + bytes(82) + b"\x00" * 1015,  # 82 bytes in a line of 81
        b"\x00" * 1015 + b"\x05abcd",  # the last line is cut off
    ],
)
def test_black_that_is_not_exactly_one_face_is_refused(data: bytes) -> None:
    with pytest.raises(BadBitmap):
        expand_panel("k", 2, data)


def test_colour_is_expanded_to_seven_packed_bits() -> None:
    runs = b"\xff\x02" + b"\x01" + b"\xc0\x00"  # 127 twice, 1 once, the rest white
    rest = b"\x80\x00" * 1014
    singles = bytes(value % 128 for value in range(648))
    face = expand_panel("y", 128, runs + singles + rest)
    bits = "".join(f"{byte:08b}" for byte in face)
    dots = [int(bits[at : at + 7], 2) for at in range(0, len(bits), 7)]
    assert len(face) == 576_072
    assert dots[:648] == [127, 127, 1] + [0] * 645
    assert dots[648:1296] == list(singles)
    assert not any(dots[1296:])


@pytest.mark.parametrize(("levels", "size"), [(32, 411_480), (64, 493_776), (128, 576_072)])
def test_colour_compressed_is_as_long_as_colour_plain(levels: int, size: int) -> None:
    face = expand_panel("m", levels, bytes([0x80 | (levels - 1), 255] * 2 + [0x81, 138]) * 1016)
    assert plain_panel("m", levels, face) == face
    assert len(face) == size


@pytest.mark.parametrize(
    ("levels", "data"),
    [
        (128, b"\xff\xff" * 3 * 1016),  # runs beyond the end of the line
        (128, b"\x80\x00" * 1015 + b"\x80"),
        (128, b"\x80\x00" * 1016 + b"\x00"),
        (32, b"\xa0\x01\x80\x00" + b"\x80\x00" * 1015),  # value 32 of 32 levels
        (256, b"\x80\x00" * 1016),
        (2, b"\x00" * 1016),
    ],
)
def test_colour_that_is_not_exactly_one_face_is_refused(levels: int, data: bytes) -> None:
    with pytest.raises(BadBitmap):
        expand_panel("c", levels, data)


@pytest.mark.parametrize(
    ("panel", "levels", "size"),
    [("k", 2, FACE - 1), ("k", 128, 576_072), ("o", 256, 658_368), ("y", 128, 658_368)],
)
def test_plain_panels_have_one_length(panel: str, levels: int, size: int) -> None:
    with pytest.raises(BadBitmap):
        plain_panel(panel, levels, bytes(size))


def test_a_failed_band_always_shows() -> None:
    faces = [
        bytes(FACE),
        b"\xff" * FACE,
        bytes(FACE - 1) + b"\x01",
        bytes(40_000) + b"\x10" + bytes(FACE - 40_001),
    ]
    for face in faces:
        failed = with_failed_band(face)
        assert len(failed) == FACE
        assert failed != face
