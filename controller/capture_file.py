"""The file of a capture: one JSON object a line, what went over the wire sealed in each.

Who, when, which way and how many bytes can be read by everybody; the bytes by whoever has the
capture's key. Each line is sealed to its place in its file: none can be left out, moved or changed
unseen, and a file without its last line was cut off. Bytes are not masked by protocol, because that
could miss something. What is captured and how long is decided in `controller/capture.py`.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.replay import Record
from drivers.tap import Traffic
from jobs.vault import NONCE_BYTES, SealBroken, open_sealed, seal

#: Longer than the line of the largest record that a capture takes (`controller/capture.py`).
LINE_BYTES_MAX = 12_000_000

Entropy = Callable[[int], bytes]


class CaptureBroken(Exception):
    """This is no capture, or not a whole one."""

    code = "capture.broken"


class Ended(StrEnum):
    """How a capture ended."""

    TIME = "time"
    PERSON = "person"
    GONE = "gone"
    STOPPED = "stopped"
    SIZE = "size"
    SLOW = "slow"

    @property
    def cut(self) -> bool:
        """True when something went over the wire that the capture should have had."""
        return self in {Ended.SIZE, Ended.SLOW}

    def told(self) -> str:
        """Return it in words."""
        return _TOLD[self]


_TOLD = {
    Ended.TIME: "its time was over",
    Ended.PERSON: "a person ended it",
    Ended.GONE: "whoever took it away hung up",
    Ended.STOPPED: "the centre stopped",
    Ended.SIZE: "cut: it was as large as a capture may be",
    Ended.SLOW: "cut: it was taken away too slowly",
}


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


#: A capture comes from anywhere and is shown on a terminal.
_Name = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Head(_Line):
    """Which capture this is."""

    cardcentre_capture: Literal[1] = 1
    capture: Annotated[str, Field(pattern=r"^capture-[0-9T-]{1,40}$")]
    centre: _Name
    station: _Name
    kind: _Name
    machine_serial: _Name
    begun_us: int  # since 1970-01-01 UTC


class _RecordLine(_Line):
    at_us: int
    what: Annotated[Traffic, Field(strict=False)]
    bytes: int
    sealed: str


class _EndLine(_Line):
    at_us: int
    ended: Annotated[Ended, Field(strict=False)]
    records: int
    sealed: str


class Writer:
    """Makes the lines of one capture."""

    def __init__(self, head: Head, key: bytes, entropy: Entropy) -> None:
        self.first_line = _text(head)
        self._head_digest = _digest(self.first_line)
        self._key = key
        self._entropy = entropy

    def record(self, record: Record) -> bytes:
        """Return the line of a record."""
        size, what = len(record.data), record.what.value
        place = _place(self._head_digest, record.number, record.at_us, what, size)
        # Put together by hand: a JSON encoder takes longer over a bitmap than sealing it does.
        head = f'{{"at_us":{record.at_us},"what":"{what}","bytes":{size},"sealed":"'.encode()
        return b"".join((head, self._sealed(record.data, place), b'"}\n'))

    def end(self, ended: Ended, records: int, at_us: int) -> bytes:
        """Return the last line."""
        place = _place(self._head_digest, records, at_us, ended, 0)
        return _text(
            _EndLine(
                at_us=at_us,
                ended=ended,
                records=records,
                sealed=self._sealed(b"", place).decode(),
            )
        )

    def _sealed(self, data: bytes, place: bytes) -> bytes:
        return base64.b64encode(seal(self._key, data, place, self._entropy(NONCE_BYTES)))


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it can be seen without the key."""

    number: int
    at_us: int
    what: Traffic
    size_bytes: int
    sealed: str


class Reader:
    """Reads one capture, a line at a time. `ended` is None until its last line was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0
        self.ended: Ended | None = None
        first = self._line()
        try:
            self.head = Head.model_validate_json(first)
        except ValidationError:
            raise CaptureBroken("this is no capture") from None
        self._head_digest = _digest(first)
        self._end: _EndLine | None = None

    def seen(self) -> Iterator[Seen]:
        """Return the records; raises `CaptureBroken` where the file is damaged or cut off."""
        while line := self._line():
            if self.ended is not None:
                raise CaptureBroken(f"something follows the end of the capture{self._after()}")
            fields = self._fields(line)
            if isinstance(fields, _EndLine):
                self._end, self.ended = fields, fields.ended
                continue
            self._count += 1
            yield Seen(self._count, fields.at_us, fields.what, fields.bytes, fields.sealed)
        if self._end is None:
            raise CaptureBroken(f"the capture was cut off{self._after()}")
        if self._end.records != self._count:
            raise CaptureBroken(
                f"{self._end.records} records were captured, {self._count} are here"
            )

    def opened(self, key: bytes) -> Iterator[Record]:
        """Return the records with their bytes; raises `CaptureBroken`, for a wrong key too."""
        for seen in self.seen():
            place = _place(self._head_digest, seen.number, seen.at_us, seen.what, seen.size_bytes)
            data = self._unsealed(key, seen.sealed, place, f"record {seen.number}")
            yield Record(seen.number, seen.at_us, seen.what, data)
        assert self._end is not None
        end = self._end
        place = _place(self._head_digest, end.records, end.at_us, end.ended, 0)
        self._unsealed(key, end.sealed, place, "its end")

    def _unsealed(self, key: bytes, sealed: str, place: bytes, where: str) -> bytes:
        try:
            return open_sealed(key, base64.b64decode(sealed, validate=True), place)
        except (SealBroken, binascii.Error):
            raise CaptureBroken(
                f"the capture was changed, or sealed with another key, at {where}"
            ) from None

    def _line(self) -> bytes:
        line = self._stream.readline(LINE_BYTES_MAX)
        if line and not line.endswith(b"\n"):
            return b"" if len(line) < LINE_BYTES_MAX else line
        return line

    def _fields(self, line: bytes) -> "_RecordLine | _EndLine":
        model = _EndLine if b'"ended"' in line else _RecordLine
        try:
            return model.model_validate_json(line)
        except ValidationError:
            raise CaptureBroken(f"the capture is damaged{self._after()}") from None

    def _after(self) -> str:
        return f" after record {self._count}" if self._count else " at its beginning"


def _text(line: _Line) -> bytes:
    return json.dumps(line.model_dump(), separators=(",", ":")).encode() + b"\n"


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _place(head: str, number: int, at_us: int, what: str, size: int) -> bytes:
    """Return what a line is sealed to."""
    return f"capture\x1f{head}\x1f{number}\x1f{at_us}\x1f{what}\x1f{size}".encode()
