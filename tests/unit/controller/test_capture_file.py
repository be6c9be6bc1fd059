"""The file of a capture: what was sealed is found changed, moved, left out or cut off."""

import base64
import io
import json
from collections.abc import Callable
from random import Random

import pytest

from controller.capture_file import CaptureBroken, Ended, Head, Reader, Writer
from drivers.replay import Record
from drivers.tap import Traffic

KEY = bytes(range(32))
RECORDS = [
    Record(1, 10, Traffic.OPENED),
    Record(2, 20, Traffic.SENT, b"\x1bRsn\r"),
    Record(3, 35, Traffic.RECEIVED, b"PRN-1\0"),
    Record(4, 40, Traffic.SENT, bytes(100_000)),
    Record(5, 50, Traffic.RECEIVED),
    Record(6, 60, Traffic.CLOSED),
]


def head(name: str = "capture-20050905T080000-000000") -> Head:
    return Head(
        capture=name, centre="office", station="printer-1", kind="printer",
        machine_serial="PRN-1", begun_us=1,
    )  # fmt: skip


def lines_of(records: list[Record], seed: int = 1, ended: Ended = Ended.TIME) -> list[bytes]:
    writer = Writer(head(), KEY, Random(seed).randbytes)
    lines = [writer.record(record) for record in records]
    return [writer.first_line, *lines, writer.end(ended, len(records), 70)]


def opened(lines: list[bytes], key: bytes = KEY) -> list[Record]:
    return list(Reader(io.BytesIO(b"".join(lines))).opened(key))


def seen(lines: list[bytes]) -> list[tuple[int, Traffic, int]]:
    found = Reader(io.BytesIO(b"".join(lines))).seen()
    return [(one.at_us, one.what, one.size_bytes) for one in found]


def test_what_was_captured_is_read_again_and_its_outline_without_the_key() -> None:
    lines = lines_of(RECORDS)
    assert opened(lines) == RECORDS
    assert seen(lines) == [(one.at_us, one.what, len(one.data)) for one in RECORDS]


def changed(line: bytes, **values: object) -> bytes:
    return json.dumps(json.loads(line) | values).encode() + b"\n"


def with_a_bit_turned(line: bytes) -> bytes:
    sealed = bytearray(base64.b64decode(json.loads(line)["sealed"]))
    sealed[20] ^= 1
    return changed(line, sealed=base64.b64encode(sealed).decode())


def unreadable(line: bytes) -> bytes:
    return changed(line, sealed="?" + json.loads(line)["sealed"][1:])


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a record left out": lambda lines: [*lines[:2], *lines[3:]],
    "two records exchanged": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "a record twice": lambda lines: [*lines[:3], *lines[2:]],
    "another time": lambda lines: [*lines[:3], changed(lines[3], at_us=36), *lines[4:]],
    "the other way": lambda lines: [*lines[:3], changed(lines[3], what="sent"), *lines[4:]],
    "another length": lambda lines: [*lines[:3], changed(lines[3], bytes=7), *lines[4:]],
    "another content": lambda lines: [*lines[:3], with_a_bit_turned(lines[3]), *lines[4:]],
    "no base64": lambda lines: [*lines[:3], unreadable(lines[3]), *lines[4:]],
    "no base64 at the end": lambda lines: [*lines[:-1], unreadable(lines[-1])],
    "another station": lambda lines: [changed(lines[0], station="printer-2"), *lines[1:]],
    "another end": lambda lines: [*lines[:-1], changed(lines[-1], ended="slow")],
    "one less, and said so": lambda lines: [*lines[:-2], changed(lines[-1], records=5)],
    "nothing but the end": lambda lines: [lines[0], changed(lines[-1], records=0)],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_with_the_key(change: str) -> None:
    with pytest.raises(CaptureBroken) as caught:
        opened(CHANGES[change](lines_of(RECORDS)))
    assert "PRN-1" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_record_of_another_capture_under_the_same_key_is_found() -> None:
    other = Writer(head("capture-20050905T080000-000001"), KEY, Random(2).randbytes)
    lines = lines_of(RECORDS)
    with pytest.raises(CaptureBroken, match="at record 2"):
        opened([*lines[:2], other.record(RECORDS[1]), *lines[3:]])


def test_wherever_a_capture_is_cut_off_it_is_known() -> None:
    whole = b"".join(lines_of([*RECORDS[:3], *RECORDS[4:]]))
    for size in range(len(whole)):
        with pytest.raises(CaptureBroken, match=r"no capture|cut off"):
            seen([whole[:size]])


def test_what_came_before_the_cut_is_read_first() -> None:
    lines = lines_of(RECORDS)
    records = Reader(io.BytesIO(b"".join(lines[:4]) + lines[4][:50])).opened(KEY)
    assert [next(records) for _ in range(3)] == RECORDS[:3]
    with pytest.raises(CaptureBroken, match="the capture was cut off after record 3"):
        next(records)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "this is no capture"),
        (b"\x89PNG\r\n\x1a\n", "this is no capture"),
        (b'{"cardcentre_capture":2}\n', "this is no capture"),
        (b'{"cardcentre_vector":1}\n', "this is no capture"),
        (lines_of([])[0] + b"[]\n", "damaged at its beginning"),
        (lines_of([])[0] + b'{"ended":"well"}\n', "damaged at its beginning"),
        (b"".join(lines_of(RECORDS)[:2]) + b"{}\n", "damaged after record 1"),
        (b"".join(lines_of([])) + lines_of(RECORDS)[1], "something follows the end"),
        (lines_of([])[0].replace(b"office", b"\\u001b[2J"), "this is no capture"),
        (lines_of([])[0] + b" " * 13_000_000 + b"\n", "damaged at its beginning"),
    ],
)
def test_what_is_no_capture_is_told_in_one_line(content: bytes, told: str) -> None:
    with pytest.raises(CaptureBroken, match=told):
        seen([content])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(CaptureBroken, match="changed, or sealed with another key, at record 1"):
        opened(lines_of(RECORDS), bytes(32))
    with pytest.raises(CaptureBroken, match="at its end"):
        opened(lines_of([]), bytes(32))
