"""The module's side of SDT frames: what a host asks, taken apart, and answers put together.

Knows bytes only; what a command means is the firmware's (see `reader.py`). Nothing here is shared
with the drivers.
"""

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from simulators.xor import xor_of

PREAMBLE = bytes.fromhex("AAAAAA9669")
SHORTEST_LENGTH, LONGEST_LENGTH = 3, 4096


class Status(IntEnum):
    """SW3, the module's own status, as far as this module uses it."""

    CHECKSUM_ERROR = 0x10
    LENGTH_ERROR = 0x11
    WRONG_COMMAND = 0x21
    NOT_ALLOWED = 0x23
    READ_FAILED = 0x41
    SELF_TEST_FAILED = 0x60
    FIND_FAILED = 0x80
    SELECT_FAILED = 0x81
    DONE = 0x90
    NO_SUCH_ITEM = 0x91
    FOUND = 0x9F


@dataclass(frozen=True, slots=True)
class SamId:
    """The number of the security module in a reader."""

    kind: int
    version: int
    date: int
    batch: int
    unit: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take the shown form apart, such as `05.01-20100823-0000123456-1234567890`."""
        parts = re.fullmatch(r"(\d{2})\.(\d{2})-(\d{8})-(\d{10})-(\d{10})", text, re.ASCII)
        if parts is None:
            raise ValueError("a SAM id looks like 05.01-20100823-0000123456-1234567890")
        return cls(*(int(part) for part in parts.groups()))

    def __str__(self) -> str:
        return f"{self.kind:02}.{self.version:02}-{self.date:08}-{self.batch:010}-{self.unit:010}"

    def __bytes__(self) -> bytes:
        return struct.pack("<HHIII", self.kind, self.version, self.date, self.batch, self.unit)


@dataclass(frozen=True, slots=True)
class Request:
    """One good frame of the host."""

    command: int
    parameter: int
    data: bytes


def answer(module_status: Status, data: bytes = b"", *, card_status: int = 0) -> bytes:
    """Return a frame with the card's SW1-SW2, the module's SW3 and data."""
    size = (len(data) + 4).to_bytes(2, "big")
    body = size + card_status.to_bytes(2, "big") + bytes([module_status]) + data
    return PREAMBLE + body + bytes([xor_of(body)])


class HostFrames:
    """An incremental decoder of what the host sends; after damage it looks for a new preamble."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.garbage_bytes = 0

    @property
    def half(self) -> bool:
        """True while the beginning of a frame waits for its rest."""
        return self._buffer.startswith(PREAMBLE)

    def reset(self) -> None:
        """Forget a half-received frame."""
        self._drop(len(self._buffer))

    def feed(self, data: bytes) -> list[Request | Status]:
        """Take bytes and return every request that they complete; a damaged one is its status."""
        self._buffer += data
        found: list[Request | Status] = []
        while self._find_start():
            length = int.from_bytes(self._buffer[5:7], "big")
            if not SHORTEST_LENGTH <= length <= LONGEST_LENGTH:
                self._drop(len(PREAMBLE))
                found.append(Status.LENGTH_ERROR)
            elif len(self._buffer) < 7 + length:
                break
            else:
                found.append(self._take(7 + length))
        return found

    def _find_start(self) -> bool:
        """Drop what cannot begin a frame; True when a whole header is there."""
        start = self._buffer.find(PREAMBLE)
        if start < 0:
            # The last four bytes may be the beginning of a preamble.
            self._drop(max(0, len(self._buffer) - len(PREAMBLE) + 1))
            return False
        self._drop(start)
        return len(self._buffer) >= 7

    def _take(self, size: int) -> Request | Status:
        if xor_of(self._buffer[5:size]):
            self._drop(len(PREAMBLE))
            return Status.CHECKSUM_ERROR
        body = bytes(self._buffer[7 : size - 1])
        del self._buffer[:size]
        return Request(body[0], body[1], body[2:])

    def _drop(self, count: int) -> None:
        self.garbage_bytes += count
        del self._buffer[:count]
