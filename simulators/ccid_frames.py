"""The reader's side of serial CCID frames: messages taken apart, answers put together.

Knows bytes only; what a message means is the firmware's (see `encoder.py`). Nothing here is shared
with the drivers.
"""

from dataclasses import dataclass
from enum import IntEnum

from simulators.xor import xor_of

SYNC, ACKNOWLEDGE, REFUSE = 0x03, 0x06, 0x15
NAK = bytes([SYNC, REFUSE, SYNC ^ REFUSE])
LONGEST_DATA_BYTES = 261  # 271 bytes of CCID message less its header

#: Reader name: whether it echoes every frame, and how many slots it has.
READER_NAMES = {
    "GemPCTwin": (True, 1),
    "GemPCPinPad": (True, 1),
    "GemCorePOSPro": (False, 5),
    "GemCoreSIMPro": (False, 2),
    "GemCoreSIMPro2": (False, 2),
    "SEC1210": (False, 2),
}
DEFAULT_PARAMETERS = {0: bytes.fromhex("1100000A00"), 1: bytes.fromhex("1110004D00FE00")}


class Kind(IntEnum):
    """bMessageType of what a reader answers."""

    DATA_BLOCK = 0x80
    SLOT_STATUS = 0x81
    PARAMETERS = 0x82
    ESCAPE = 0x83


class CardStatus(IntEnum):
    """bmICCStatus, and the bit that says that the command failed."""

    ACTIVE = 0x00
    INACTIVE = 0x01
    ABSENT = 0x02
    FAILED = 0x40


class Error(IntEnum):
    """bError of a command that failed."""

    NOT_SUPPORTED = 0x00
    WRONG_LENGTH = 0x01
    BAD_SLOT = 0x05
    BAD_BYTE_7 = 0x07
    PROCEDURE_BYTE = 0xF4
    WRONG_PROTOCOL = 0xF6
    CARD_MUTE = 0xFE


@dataclass(frozen=True, slots=True)
class Message:
    """One PC_to_RDR message; `special` is the header's last three bytes."""

    kind: int
    slot: int
    sequence: int
    special: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class HostFrame:
    """One frame as it came. Neither a message nor `again`: it was damaged."""

    raw: bytes
    message: Message | None = None
    again: bool = False  # the host's NAK: our last answer came damaged


def frame(header: bytes, data: bytes = b"") -> bytes:
    """Return a frame around a message: kind, slot, sequence and three special bytes, then data."""
    size = len(data).to_bytes(4, "little")
    body = bytes([SYNC, ACKNOWLEDGE, header[0]]) + size + header[1:] + data
    return body + bytes([xor_of(body)])


class HostFrames:
    """An incremental decoder of what the host sends; after damage it looks for the next SYNC."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.garbage_bytes = 0

    @property
    def half(self) -> bool:
        """True while the beginning of a frame waits for its rest."""
        return bool(self._buffer)

    def reset(self) -> None:
        """Forget a half-received frame."""
        self.garbage_bytes += len(self._buffer)
        self._buffer.clear()

    def feed(self, data: bytes) -> list[HostFrame]:
        """Take bytes and return every frame that they complete."""
        self._buffer += data
        frames: list[HostFrame] = []
        while self._find_start():
            size = self._size()
            if size is None:
                self._drop(1)
            elif len(self._buffer) < size:
                break
            else:
                frames.append(self._take(size))
        return frames

    def _find_start(self) -> bool:
        """Drop what cannot begin a frame; True when there is enough to tell a frame's size."""
        start = self._buffer.find(SYNC)
        self._drop(len(self._buffer) if start < 0 else start)
        enough = 2 if self._buffer[1:2] != bytes([ACKNOWLEDGE]) else 7
        return len(self._buffer) >= enough

    def _size(self) -> int | None:
        match self._buffer[1]:
            case 0x15:
                return len(NAK)
            case 0x06:
                length = int.from_bytes(self._buffer[3:7], "little")
                return 13 + length if length <= LONGEST_DATA_BYTES else None
            case _:
                return None

    def _take(self, size: int) -> HostFrame:
        raw = bytes(self._buffer[:size])
        if xor_of(raw):
            self._drop(1)
            return HostFrame(raw)
        del self._buffer[:size]
        if raw == NAK:
            return HostFrame(raw, again=True)
        return HostFrame(raw, Message(raw[2], raw[7], raw[8], raw[9:12], raw[12:-1]))

    def _drop(self, count: int) -> None:
        self.garbage_bytes += count
        del self._buffer[:count]
