"""Frames of a CCID reader on a serial line (GemPC Twin framing), pure.

Knows the bytes of one message and what may stand between messages. It does not know which answer
belongs to which command (`drivers/ccid_slot.py`) nor what a chip is.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from drivers.xor_checksum import xor_of

SYNC: Final = 0x03
ACK: Final = 0x06
NAK: Final = 0x15
HEADER_BYTES: Final = 10
MESSAGE_BYTES_MAX: Final = 271
DATA_BYTES_MAX: Final = MESSAGE_BYTES_MAX - HEADER_BYTES
NAK_FRAME: Final = bytes((SYNC, NAK, SYNC ^ NAK))


class MessageType(IntEnum):
    """Values of bMessageType, by name in the CCID specification."""

    SET_PARAMETERS = 0x61
    ICC_POWER_ON = 0x62
    ICC_POWER_OFF = 0x63
    GET_SLOT_STATUS = 0x65
    ESCAPE = 0x6B
    TRANSFER_BLOCK = 0x6F
    DATA_BLOCK = 0x80
    SLOT_STATUS = 0x81
    PARAMETERS = 0x82
    ESCAPE_ANSWER = 0x83


_TYPES: Final = frozenset(MessageType)


class CardStatus(IntEnum):
    """Values of bmICCStatus."""

    ACTIVE = 0
    INACTIVE = 1
    ABSENT = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One CCID message in either direction; `parameters` are the header's bytes 7 to 9."""

    kind: MessageType
    slot: int
    sequence: int
    parameters: bytes
    data: bytes

    @property
    def from_host(self) -> bool:
        """True for a command: seen by us only as an echo."""
        return self.kind < MessageType.DATA_BLOCK

    @property
    def card_status(self) -> int:
        """What the answer says of the card (bmICCStatus)."""
        return self.parameters[0] & 0x03

    @property
    def failed(self) -> bool:
        """True when the command failed; `error` says why."""
        return self.parameters[0] & 0xC0 == 0x40

    @property
    def wants_time(self) -> bool:
        """True when this is a time extension and the answer is still to come."""
        return self.parameters[0] & 0xC0 == 0x80

    @property
    def error(self) -> int:
        """Why the command failed (bError)."""
        return self.parameters[1]


@dataclass(frozen=True, slots=True)
class SlotChange:
    """An unframed notice that a card came or left."""

    present: bool


@dataclass(frozen=True, slots=True)
class TimeRequest:
    """A single byte 80..FF before a frame: the reader needs more time."""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A NAK frame: the far end received our frame damaged."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A frame whose LRC is wrong."""


Received: TypeAlias = Message | SlotChange | TimeRequest | NotUnderstood | Damaged


def encode(message: Message) -> bytes:
    """Return the frame of a message."""
    assert len(message.data) <= DATA_BYTES_MAX, "longer than a reader's buffer"
    body = b"%c%c%c%b%c%c%b%b" % (
        SYNC,
        ACK,
        message.kind,
        len(message.data).to_bytes(4, "little"),
        message.slot,
        message.sequence,
        message.parameters,
        message.data,
    )
    return body + bytes((xor_of(body),))


class FrameDecoder:
    """Incremental decoder; hunts for the next frame after garbage and counts what it dropped."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Received]:
        """Take bytes, return everything that they complete."""
        self._buffer += data
        found: list[Received] = []
        while self._buffer:
            size, item = self._first()
            if size == 0:
                break
            del self._buffer[:size]
            if item is None:
                self.garbage_bytes += size
            elif not (found and isinstance(item, TimeRequest) and item == found[-1]):
                found.append(item)
        return found

    def reset(self) -> None:
        """Forget a half-received frame."""
        self.garbage_bytes += len(self._buffer)
        self._buffer.clear()

    def _first(self) -> tuple[int, Received | None]:
        """Return the size and meaning of what the buffer begins with; size 0 means wait."""
        first = self._buffer[0]
        if first == SYNC:
            return self._frame()
        if first == 0x50:
            return self._slot_change()
        return (1, TimeRequest()) if first >= 0x80 else (1, None)

    def _slot_change(self) -> tuple[int, Received | None]:
        if len(self._buffer) < 2:
            return 0, None
        if self._buffer[1] in (2, 3):
            return 2, SlotChange(present=self._buffer[1] == 3)
        return 1, None

    def _frame(self) -> tuple[int, Received | None]:
        buffer = self._buffer
        if len(buffer) < 3:
            return 0, None
        if buffer[1] == NAK:
            return (3, NotUnderstood()) if buffer[2] == SYNC ^ NAK else (1, None)
        # A false SYNC inside garbage is told by what follows it, before its "length" is believed.
        if buffer[1] != ACK or buffer[2] not in _TYPES:
            return 1, None
        if len(buffer) < 7:
            return 0, None
        data_bytes = int.from_bytes(buffer[3:7], "little")
        if data_bytes > DATA_BYTES_MAX:
            return 1, None
        size = 2 + HEADER_BYTES + data_bytes + 1
        if len(buffer) < size:
            return 0, None
        frame = bytes(buffer[:size])
        if xor_of(frame) != 0:
            return size, Damaged()
        return size, Message(
            MessageType(frame[2]), frame[7], frame[8], frame[9:12], frame[12 : size - 1]
        )
