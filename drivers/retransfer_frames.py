"""The retransfer printer's language as bytes: frames, answers, and faces laid out as planes.

Written from `docs/retransfer-language.md`. Pure: nothing here waits, sends or repeats.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from drivers.errors import UnexpectedReply
from drivers.printing import LINES, Panel, PrintJob

START: Final = b"\x7e"
ANSWER: Final = 0x80
_HEADER_BYTES: Final = 8
_CRC_BYTES: Final = 4
PAYLOAD_BYTES_MAX: Final = 1 << 20

#: How far the film reaches over the card on each side.
_MARGIN_LINES: Final = 10
_MARGIN_DOTS: Final = 8
#: The film covers and protects the ink, so there is no overlay.
COLOURS: Final = "YMCK"

_STATUS: Final = Struct(">BBBBHHHBIIHH")
_COVER_OPEN, _AT_INFEED, _AT_OUTFEED, _CLEANING_DUE = 0x01, 0x02, 0x04, 0x08


class Ask(IntEnum):
    """The types of questions and commands."""

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
    """What a command is answered with."""

    DONE = 0x00
    KNOWN = 0x01
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


class Phase(IntEnum):
    """What the printer is doing."""

    READY = 0
    BUSY = 1
    HEATING = 2
    TROUBLE = 3


class Ending(IntEnum):
    """Why the last command ended early."""

    AS_MEANT = 0
    JAM = 1
    FILM_TORN = 2
    ROLLER = 3
    OUTFEED_TAKEN = 4
    NOTHING_AT_INFEED = 5


class CardAt(IntEnum):
    """Where in the printer a card lies."""

    NOWHERE = 0
    PRINT_POSITION = 1
    ELSEWHERE = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame."""

    type: int
    tag: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class RetransferStatus:
    """One answer to STATUS: one moment of one machine."""

    serial_number: str
    phase: Phase
    ending: Ending
    card: CardAt
    cover_open: bool
    card_at_infeed: bool
    card_at_outfeed: bool
    cleaning_due: bool
    started: int
    finished: int
    printed: int
    faces_pressed: int
    cards_fed: int
    cards_printed: int
    film_left_faces: int
    ribbon_left_faces: int

    @property
    def moving(self) -> bool:
        """What is known of the card may yet change."""
        return self.phase in {Phase.BUSY, Phase.HEATING}

    @property
    def card_at_print_position(self) -> bool:
        """A card lies where it can be printed or brought out."""
        return self.card is CardAt.PRINT_POSITION

    @property
    def error(self) -> int:
        """The trouble that stops the machine, 0 for none."""
        return int(self.ending) if self.phase is Phase.TROUBLE else 0


class FrameDecoder:
    """Cuts a byte stream into whole frames; what belongs to none is counted and dropped."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes and return the frames that they complete."""
        self._buffer += data
        frames: list[Frame] = []
        while (length := self._frame_length()) is not None:
            whole, rest = self._buffer[:length], self._buffer[length:]
            if zlib.crc32(whole[:-_CRC_BYTES]) == int.from_bytes(whole[-_CRC_BYTES:], "big"):
                tag = int.from_bytes(whole[2:4], "big")
                frames.append(Frame(whole[1], tag, whole[_HEADER_BYTES:-_CRC_BYTES]))
                self._buffer = rest
            else:
                self._drop(1)
        return frames

    def reset(self) -> None:
        """Forget a half-received frame."""
        self._drop(len(self._buffer))

    def _frame_length(self) -> int | None:
        """Return the length of the whole frame that the buffer begins with; None if none is."""
        while True:
            start = self._buffer.find(START)
            self._drop(len(self._buffer) if start < 0 else start)
            if len(self._buffer) < _HEADER_BYTES:
                return None
            payload = int.from_bytes(self._buffer[4:7], "big")
            if _header_check(self._buffer) == self._buffer[7] and payload <= PAYLOAD_BYTES_MAX:
                length = _HEADER_BYTES + payload + _CRC_BYTES
                return length if len(self._buffer) >= length else None
            self._drop(1)

    def _drop(self, count: int) -> None:
        self.garbage_bytes += count
        self._buffer = self._buffer[count:]


def frame(ask: Ask, tag: int, payload: bytes = b"") -> bytes:
    """Return the bytes of one question or command."""
    assert len(payload) <= PAYLOAD_BYTES_MAX, "a plane is shorter"
    head = START + bytes((ask,)) + tag.to_bytes(2, "big") + len(payload).to_bytes(3, "big")
    body = head + bytes((_header_check(head),)) + payload
    return body + zlib.crc32(body).to_bytes(_CRC_BYTES, "big")


def _header_check(head: bytes) -> int:
    check = 0
    for byte in head[:7]:
        check ^= byte
    return check


def plane(panel: Panel) -> bytes:
    """Lay a panel's face on the film, with nothing on what reaches over the card."""
    bits = panel.levels.bit_length() - 1
    line_bytes = len(panel.data) // LINES
    margin = bytes(_MARGIN_DOTS * bits // 8)
    edge = bytes(_MARGIN_LINES * (line_bytes + 2 * len(margin)))
    lines = (
        panel.data[start : start + line_bytes] for start in range(0, len(panel.data), line_bytes)
    )
    return edge + margin + (2 * margin).join(lines) + margin + edge


def planes(job: PrintJob) -> list[tuple[bytes, bytes]]:
    """Return each plane of a job: its face and colour, and its dots."""
    return [
        (bytes((face, ord(panel.letter))), plane(panel))
        for face, panels in enumerate((job.front, job.back))
        for panel in panels
        if panel.letter in COLOURS
    ]


def plane_payload(name: bytes, dots: bytes) -> bytes:
    """Return the payload of PLANE, packed fast rather than tight: all lines wait meanwhile."""
    return name + zlib.compress(dots, level=1)


def print_payload(number: int, sent: list[tuple[bytes, bytes]]) -> bytes:
    """Return the payload of PRINT, which names all that has been sent."""
    named = (name + zlib.crc32(dots).to_bytes(4, "big") for name, dots in sent)
    return number_payload(number) + bytes((len(sent),)) + b"".join(named)


def number_payload(number: int) -> bytes:
    """Return a command's number."""
    return number.to_bytes(2, "big")


def parse_names(payload: bytes) -> tuple[str, str, str]:
    """Read model, serial number and firmware."""
    texts = [_text(part) for part in payload.split(b"\0")]
    if len(texts) != 3 or not all(texts[:2]):
        raise UnexpectedReply(length_bytes=len(payload))
    return texts[0], texts[1], texts[2]


def parse_code(payload: bytes) -> Code:
    """Read the answer to a command."""
    try:
        (code,) = payload
        return Code(code)
    except ValueError as error:
        raise UnexpectedReply(length_bytes=len(payload)) from error


def parse_status(payload: bytes) -> RetransferStatus:
    """Read the answer to STATUS."""
    serial_number = _text(payload[_STATUS.size :])
    if not serial_number:
        raise UnexpectedReply(length_bytes=len(payload))
    phase, ending, card, flags, *numbers = _STATUS.unpack_from(payload)
    try:
        return RetransferStatus(
            serial_number,
            Phase(phase),
            Ending(ending),
            CardAt(card),
            bool(flags & _COVER_OPEN),
            bool(flags & _AT_INFEED),
            bool(flags & _AT_OUTFEED),
            bool(flags & _CLEANING_DUE),
            *numbers,
        )
    except ValueError as error:
        raise UnexpectedReply("a field holds a value that it cannot have") from error


def _text(data: bytes) -> str:
    """Return a name, or nothing where there is none."""
    text = data.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and len(text) <= 32 else ""
