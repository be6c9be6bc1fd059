"""The retransfer printer's language as the printer hears it: frames in, frames out, planes.

Written from `docs/retransfer-language.md`. It does not know what a command does.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final

_START: Final = 0x7E
_HEAD: Final = struct.Struct(">BBH")
_HEADER_BYTES: Final = 8
_CRC_BYTES: Final = 4
_LONGEST_PAYLOAD: Final = 0x100000

LINES: Final = 1036
DOTS_PER_LINE: Final = 664
#: Bits for each dot of a colour.
DEPTHS: Final = {"Y": 7, "M": 7, "C": 7, "K": 1}
#: The card lies so far inside the film.
_INSET_LINES: Final = 10
_INSET_DOTS: Final = 8


class Kind(IntEnum):
    """Types of frames."""

    WHO = 0x01
    STATUS = 0x02
    FORGET = 0x03
    PLANE = 0x04
    FEED = 0x10
    PRINT = 0x11
    EJECT = 0x12
    RESET = 0x13
    CLEAN = 0x14


class Code(IntEnum):
    """Answers to commands."""

    DONE = 0x00
    KNOWN_NUMBER = 0x01
    BUSY = 0x02
    IN_TROUBLE = 0x03
    COVER_OPEN = 0x04
    NO_CARD_AT_INFEED = 0x05
    CARD_INSIDE = 0x06
    NO_CARD_INSIDE = 0x07
    OUTFEED_TAKEN = 0x08
    FILM_OUT = 0x09
    RIBBON_OUT = 0x0A
    OTHER_PLANES = 0x0B
    CANNOT = 0x0C
    NO_CLEANING_CARD = 0x0D


class BadPlane(ValueError):
    """The bytes are no plane of this colour."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One frame of the host."""

    kind: int
    tag: int
    payload: bytes


class FrameHearer:
    """Cuts what is heard into frames, wherever they begin; damage is dropped without a word."""

    def __init__(self) -> None:
        self._heard = bytearray()

    @property
    def in_frame(self) -> bool:
        """True while something has been heard that is no whole frame yet."""
        return bool(self._heard)

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._heard.clear()

    def feed(self, data: bytes) -> list[Asked]:
        """Take bytes, return the whole frames among them."""
        self._heard += data
        asked: list[Asked] = []
        at = 0
        while (end := self._end_of_frame(at)) != at:
            if end < 0:
                at += 1
                continue
            _, kind, tag = _HEAD.unpack_from(self._heard, at)
            payload = bytes(self._heard[at + _HEADER_BYTES : end - _CRC_BYTES])
            asked.append(Asked(kind, tag, payload))
            at = end
        del self._heard[:at]
        return asked

    def _end_of_frame(self, at: int) -> int:
        """Return where the frame ends that begins here: -1 if none does, `at` if more is needed."""
        head = self._heard[at : at + _HEADER_BYTES]
        if head and head[0] != _START:
            return -1
        if len(head) < _HEADER_BYTES:
            return at
        length = int.from_bytes(head[4:7])
        if reduce(xor, head) or length > _LONGEST_PAYLOAD:
            return -1
        end = at + _HEADER_BYTES + length + _CRC_BYTES
        if len(self._heard) < end:
            return at
        (crc,) = struct.unpack_from(">I", self._heard, end - _CRC_BYTES)
        return end if zlib.crc32(self._heard[at : end - _CRC_BYTES]) == crc else -1


def answer(asked: Asked, payload: bytes) -> bytes:
    """Return the frame that answers another."""
    head = _HEAD.pack(_START, asked.kind | 0x80, asked.tag) + len(payload).to_bytes(3)
    body = head + bytes((reduce(xor, head),)) + payload
    return body + struct.pack(">I", zlib.crc32(body))


def unpacked_plane(colour: str, packed: bytes) -> bytes:
    """Unpack the dots of a plane; never more than a plane has."""
    wanted = LINES * DOTS_PER_LINE * DEPTHS[colour] // 8
    unpacker = zlib.decompressobj()
    try:
        dots = unpacker.decompress(packed, wanted + 1)
    except zlib.error as error:
        raise BadPlane from error
    if len(dots) != wanted or not unpacker.eof or unpacker.unused_data:
        raise BadPlane
    return dots


def on_the_card(colour: str, dots: bytes) -> bytes:
    """Return what of a plane comes to lie on the card, packed as the floor keeps ink."""
    depth = DEPTHS[colour]
    line_bytes, inset = DOTS_PER_LINE * depth // 8, _INSET_DOTS * depth // 8
    first, last = _INSET_LINES, LINES - _INSET_LINES
    return b"".join(
        dots[line * line_bytes + inset : (line + 1) * line_bytes - inset]
        for line in range(first, last)
    )
