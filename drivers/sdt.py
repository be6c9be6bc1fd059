"""Frames of an SDT / SAM_V card reader, pure.

Bytes of requests and answers, and what SW3 means. Which request follows which is the reader
driver's business (`drivers/reader.py`), which answer belongs to which that of
`drivers/sdt_answers.py`.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, TypeAlias

from drivers.xor_checksum import xor_of

PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
LENGTH_MIN: Final = 4
LENGTH_MAX: Final = 4096
_HEADER_BYTES: Final = 7
#: Codes of vendors' libraries, and none. Some readers send a broken `AAAAAA9669 0005 05050505` on a
#: time-out; with the AA AA of the next frame its XOR comes out right, and only this SW3 tells it.
#: An answer that lost its middle, too, may be left with its length and zeros, and a right XOR.
_NEVER_ON_THE_WIRE: Final = frozenset((0x00, 0x01, 0x02, 0x03, 0x05, 0x09))


class Request(Enum):
    """Every request of the protocol, as CMD and Para."""

    RESET = bytes.fromhex("10FF")
    STATUS = bytes.fromhex("11FF")
    SAM_ID = bytes.fromhex("12FF")
    FIND = bytes.fromhex("2001")
    SELECT = bytes.fromhex("2002")
    READ_BASE = bytes.fromhex("3001")
    READ_ADDRESSES = bytes.fromhex("3003")
    READ_MANAGEMENT = bytes.fromhex("3005")
    READ_WITH_FINGERPRINTS = bytes.fromhex("3010")
    RATE_115200 = bytes.fromhex("6000")
    RATE_57600 = bytes.fromhex("6001")
    RATE_38400 = bytes.fromhex("6002")
    RATE_19200 = bytes.fromhex("6003")
    RATE_9600 = bytes.fromhex("6004")
    RADIO_FRAME = bytes.fromhex("61FF")


#: The bits a second that a reader can be set to.
RATES: Final = {
    115_200: Request.RATE_115200,
    57_600: Request.RATE_57600,
    38_400: Request.RATE_38400,
    19_200: Request.RATE_19200,
    9_600: Request.RATE_9600,
}


class Status(IntEnum):
    """SW3, the status of the reader's module."""

    HOST_CHECKSUM = 0x10
    HOST_LENGTH = 0x11
    WRONG_COMMAND = 0x21
    NOT_ALLOWED = 0x23
    NOT_RECOGNISED = 0x24
    CARD_REJECTS_SAM = 0x31
    SAM_REJECTS_CARD = 0x32
    CHECK_FAILED = 0x33
    FINGERPRINT_CHECK_FAILED = 0x37
    LENGTH_ERROR = 0x3F
    CARD_TYPE = 0x40
    READ_FAILED = 0x41
    RANDOM_FAILED = 0x47
    SELF_TEST_FAILED = 0x60
    NOT_AUTHORISED = 0x66
    FIND_FAILED = 0x80
    SELECT_FAILED = 0x81
    DONE = 0x90
    NO_SUCH_ITEM = 0x91
    CARD_FOUND = 0x9F


MEANINGS: Final = {
    Status.HOST_CHECKSUM: "checksum error in our request",
    Status.HOST_LENGTH: "length error in our request",
    Status.WRONG_COMMAND: "wrong command or parameter",
    Status.NOT_ALLOWED: "command not allowed",
    Status.NOT_RECOGNISED: "error not recognised",
    Status.CARD_REJECTS_SAM: "the card rejects the security module",
    Status.SAM_REJECTS_CARD: "the security module rejects the card",
    Status.CHECK_FAILED: "information check failed",
    Status.FINGERPRINT_CHECK_FAILED: "fingerprint check failed",
    Status.LENGTH_ERROR: "length error",
    Status.CARD_TYPE: "card type not recognised",
    Status.READ_FAILED: "reading failed",
    Status.RANDOM_FAILED: "random number failed",
    Status.SELF_TEST_FAILED: "self test failed, the module takes no command",
    Status.NOT_AUTHORISED: "the security module is not authorised",
    Status.FIND_FAILED: "no card found",
    Status.SELECT_FAILED: "selecting the card failed",
    Status.DONE: "done",
    Status.NO_SUCH_ITEM: "no such item on the card",
    Status.CARD_FOUND: "card found",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `card_words` are SW1 SW2, which may be anything beside an error."""

    card_words: int
    sw3: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something began as a frame, but its check byte is wrong."""


Received: TypeAlias = Answer | Damaged


def encode(request: Request, data: bytes = b"") -> bytes:
    """Return the frame of a request; only that for the radio frames has data."""
    body = request.value + data
    body = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + body + bytes((xor_of(body),))


def meaning(sw3: int) -> str:
    """Return what SW3 means."""
    return MEANINGS[Status(sw3)] if sw3 in MEANINGS else "unknown status"


def sam_id_text(data: bytes) -> str:
    """Return the security module's number as the trade prints it."""
    assert len(data) == 16, "a SAM id is 16 bytes"
    major, minor = (int.from_bytes(data[at : at + 2], "little") for at in (0, 2))
    date, number, serial = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8, 12))
    return f"{major:02d}.{minor:02d}-{date:08d}-{number:010d}-{serial:010d}"


class FrameDecoder:
    """Incremental decoder; hunts for the preamble and counts what it dropped."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Received]:
        """Take bytes, return every frame that they complete, and damage that hid none."""
        self._buffer += data
        found: list[Received] = []
        damaged = False
        while self._hunt():
            buffer = self._buffer
            length = int.from_bytes(buffer[5:7], "big")
            if LENGTH_MIN <= length <= LENGTH_MAX:
                if len(buffer) < _HEADER_BYTES + length:
                    break
                body = bytes(buffer[5 : _HEADER_BYTES + length])
                if xor_of(body) == 0 and body[4] not in _NEVER_ON_THE_WIRE:
                    found.append(Answer(int.from_bytes(body[2:4], "big"), body[4], body[5:-1]))
                    del buffer[: _HEADER_BYTES + length]
                    continue
                damaged = True
            # The next frame may have begun inside what claimed to be this one.
            self._drop(1)
        return found or ([Damaged()] if damaged else [])

    def reset(self) -> None:
        """Forget a half-received frame."""
        self._drop(len(self._buffer))

    def _hunt(self) -> bool:
        """Drop what stands before the next preamble; True when preamble and length are there."""
        at = self._buffer.find(PREAMBLE)
        if at < 0:
            self._drop(max(0, len(self._buffer) - len(PREAMBLE) + 1))
            return False
        self._drop(at)
        return len(self._buffer) >= _HEADER_BYTES

    def _drop(self, count: int) -> None:
        self.garbage_bytes += count
        del self._buffer[:count]
