"""The card printer's command language as the printer hears it: bytes in, commands out.

It only cuts the stream into commands. It does not know what a command does, nor what is answered
to it, beyond the refusal of a bitmap that it could not cut.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from simulators.printer_bitmap import COMPRESSED_BYTES_MAX, plain_bytes

_TEXT_BYTES_MAX: Final = 256
_BETWEEN_COMMANDS: Final = re.compile(rb"[\x00\r\n\x1b]*")
_PLAIN_HEADER: Final = re.compile(rb"Db;([^;\r\x1b]{0,8});([^;\r\x1b]{0,8});")
_COMPRESSED_HEADER: Final = re.compile(
    rb"Dbc;([^;\r\x1b]{0,8});([^;\r\x1b]{0,8});([^;\r\x1b]{0,8});"
)
_END_OF_TEXT: Final = re.compile(rb"[\r\x1b]")
_CR: Final = 0x0D
_ESC: Final = 0x1B


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, its text parameters, and a bitmap's bytes."""

    name: str
    parameters: tuple[str, ...] = ()
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A bitmap command that could not be cut; the host is owed a refusal."""


Heard: TypeAlias = Command | Unreadable


class CommandParser:
    """Cuts a byte stream into commands, however it arrives.

    Line noise (text that is not printable, or too long to be a command) is dropped and counted,
    and never answered. An escape always begins a new command, except within a bitmap.
    """

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._buffer = bytearray()
        self._at = 0
        self._bitmap: Command | None = None  # its header has come, its data has not
        self._bitmap_bytes = 0
        self._skipping = False

    @property
    def in_bitmap(self) -> bool:
        """True while bytes of a bitmap are missing."""
        return self._bitmap is not None

    def reset(self) -> None:
        """Forget what has come of an unfinished command."""
        self.garbage_bytes += len(self._buffer)
        self._buffer.clear()
        self._at = 0
        self._bitmap = None
        self._skipping = False

    def feed(self, data: bytes) -> list[Heard]:
        """Take bytes, return every command that they complete."""
        self._buffer += data
        heard: list[Heard] = []
        while self._step(heard):
            pass
        del self._buffer[: self._at]
        self._at = 0
        return heard

    def _step(self, heard: list[Heard]) -> bool:
        """Make one step through the buffer; False when more bytes are needed."""
        if self._bitmap is not None:
            return self._take_bitmap(self._bitmap, heard)
        if self._skipping:
            return self._skip()
        gap = _BETWEEN_COMMANDS.match(self._buffer, self._at)
        assert gap is not None, "the pattern matches nothing at all, too"
        self._at = gap.end()
        if self._at == len(self._buffer):
            return False
        return self._take_header(heard) or self._take_text(heard)

    def _take_header(self, heard: list[Heard]) -> bool:
        if header := _PLAIN_HEADER.match(self._buffer, self._at):
            length = plain_bytes(_number(header[2]))
        elif header := _COMPRESSED_HEADER.match(self._buffer, self._at):
            length = _number(header[3])
            length = length if 0 <= length <= COMPRESSED_BYTES_MAX else None
        else:
            return False
        if length is None:
            self._give_up(heard)
        else:
            name, *parameters = header[0].decode("latin-1")[:-1].split(";")
            self._bitmap = Command(name, tuple(parameters))
            self._bitmap_bytes = length
        self._at = header.end()
        return True

    def _take_bitmap(self, header: Command, heard: list[Heard]) -> bool:
        end = self._at + self._bitmap_bytes
        if len(self._buffer) <= end:
            return False
        self._bitmap = None
        data = bytes(self._buffer[self._at : end])
        self._at = end
        if self._buffer[end] == _CR:
            self._at += 1
            heard.append(Command(header.name, header.parameters, data))
        else:
            self._give_up(heard)
        return True

    def _take_text(self, heard: list[Heard]) -> bool:
        limit = self._at + _TEXT_BYTES_MAX + 1
        end = _END_OF_TEXT.search(self._buffer, self._at, limit)
        if end is None:
            if len(self._buffer) < limit:
                return False
            self._skipping = True
            return True
        text = bytes(self._buffer[self._at : end.start()])
        ended_by_escape = self._buffer[end.start()] == _ESC
        self._at = end.end()
        if ended_by_escape or not (text.isascii() and text.decode("ascii").isprintable()):
            self.garbage_bytes += len(text)
        elif text.startswith((b"Db;", b"Dbc;")):
            heard.append(Unreadable())
        else:
            name, *parameters = text.decode("ascii").split(";")
            heard.append(Command(name, tuple(parameters)))
        return True

    def _give_up(self, heard: list[Heard]) -> None:
        heard.append(Unreadable())
        self._skipping = True

    def _skip(self) -> bool:
        """Drop everything up to the next end or beginning of a command."""
        end = _END_OF_TEXT.search(self._buffer, self._at)
        stop = end.start() if end else len(self._buffer)
        self.garbage_bytes += stop - self._at
        self._at = stop
        self._skipping = end is None
        return end is not None


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else -1
