"""The host's side of the T=1 block protocol (ISO/IEC 7816-3 clause 11), pure.

Decides which block goes next; sending blocks, waiting and what the commands mean are not its
business. One object lives from one reset of the chip to the next.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from drivers.errors import ChipMute
from drivers.xor_checksum import xor_of

IFSD: Final = 254
#: Retransmission requests before a resynchronisation, and again before the chip counts as mute.
REPEATS_MAX: Final = 3
WAITING_EXTENSIONS_MAX: Final = 60

_MORE: Final = 0x20
_S_RESYNCH: Final = 0xC0
_S_IFS: Final = 0xC1
_S_ABORT: Final = 0xC2
_S_WTX: Final = 0xC3
_S_RESPONSE: Final = 0x20
_CHECK_FAILED: Final = 1
_OTHER_ERROR: Final = 2


@dataclass(frozen=True, slots=True)
class Send:
    """Send this block and wait for the next one, longer by `waiting_factor` if the chip asks."""

    block: bytes
    waiting_factor: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """The exchange is over; `answer` is the chip's whole answer."""

    answer: bytes


Step: TypeAlias = Send | Done


class _Awaiting(Enum):
    """What the chip owes us."""

    NOTHING = "nothing"
    IFS = "an S(IFS response)"
    RESYNCH = "an S(RESYNCH response)"
    INFORMATION = "an acknowledgement or an I-block"


def block(pcb: int, information: bytes = b"") -> bytes:
    """Return a block with node address 0 and its LRC."""
    body = b"\0%c%c%b" % (pcb, len(information), information)
    return body + bytes((xor_of(body),))


class T1Host:
    """Sequence numbers, chaining and recovery of one card session."""

    def __init__(self, information_field_bytes: int = 32) -> None:
        self._ifsc = information_field_bytes
        self._awaiting = _Awaiting.NOTHING
        self._command = b""
        self._repeatable = True
        self._sent_bytes = 0
        self._acknowledged = False
        self._answer = bytearray()
        self._last = b""
        self._send_number = 0
        self._receive_number = 0
        self._failures = 0
        self._extensions = 0
        self._resynchronised = False

    def begin_ifs(self) -> Send:
        """Tell the chip that we take information fields of 254 bytes."""
        self._start_exchange()
        return self._supervise(_Awaiting.IFS, block(_S_IFS, bytes((IFSD,))))

    def begin(self, command: bytes, *, repeatable: bool = True) -> Send:
        """Begin a command; only a repeatable one is sent again after a resynchronisation."""
        self._start_exchange()
        self._command = command
        self._repeatable = repeatable
        return self._first_block()

    def take(self, received: bytes) -> Step:
        """Take one block as it came and return what to do next; raises `ChipMute` at the end."""
        if len(received) < 4 or received[2] != len(received) - 4 or xor_of(received) != 0:
            return self._recover(_CHECK_FAILED)
        pcb = received[1]
        information = received[3:-1]
        if received[0] != 0:
            return self._recover(_OTHER_ERROR)
        if pcb & 0x80 == 0:
            return self._information(pcb, information)
        if pcb & 0xC0 == 0x80:
            return self._receive_ready(pcb)
        return self._supervisory(pcb, information)

    def missed(self) -> Step:
        """Say that no block came, or none that could be read."""
        return self._recover(_CHECK_FAILED)

    def _start_exchange(self) -> None:
        assert self._awaiting is _Awaiting.NOTHING, "one exchange at a time"
        self._failures = 0
        self._extensions = 0
        self._resynchronised = False

    def _first_block(self) -> Send:
        self._awaiting = _Awaiting.INFORMATION
        self._sent_bytes = 0
        self._acknowledged = False
        self._answer.clear()
        return self._next_chunk()

    def _next_chunk(self) -> Send:
        chunk = self._command[self._sent_bytes : self._sent_bytes + self._ifsc]
        self._sent_bytes += len(chunk)
        more = _MORE if self._sent_bytes < len(self._command) else 0
        self._last = block(self._send_number << 6 | more, chunk)
        return Send(self._last)

    def _supervise(self, awaiting: _Awaiting, request: bytes) -> Send:
        self._awaiting = awaiting
        self._last = request
        return Send(request)

    def _information(self, pcb: int, information: bytes) -> Step:
        """Take an I-block; it also acknowledges our last one."""
        unsent = self._sent_bytes < len(self._command)
        wrong_turn = self._awaiting is not _Awaiting.INFORMATION or unsent or pcb & 0x1F
        if wrong_turn or pcb >> 6 != self._receive_number:
            return self._recover(_OTHER_ERROR)
        if not self._acknowledged:
            self._acknowledged = True
            self._send_number ^= 1
        self._answer += information
        self._receive_number ^= 1
        self._failures = 0
        if pcb & _MORE:
            return Send(self._ready(0))
        self._awaiting = _Awaiting.NOTHING
        return Done(bytes(self._answer))

    def _receive_ready(self, pcb: int) -> Step:
        """Take an R-block: the next chunk, or our last block once more."""
        if self._awaiting is not _Awaiting.INFORMATION:
            return self._recover(_OTHER_ERROR)
        wanted = pcb >> 4 & 1
        unsent = self._sent_bytes < len(self._command)
        if wanted != self._send_number and unsent and not pcb & 0x0F:
            self._send_number ^= 1
            self._failures = 0
            return self._next_chunk()
        if wanted == self._send_number and not self._acknowledged:
            return self._counted(Send(self._last))
        return self._recover(_OTHER_ERROR)

    def _supervisory(self, pcb: int, information: bytes) -> Step:
        if pcb & _S_RESPONSE:
            return self._supervisory_response(pcb, information)
        if pcb == _S_WTX and len(information) == 1:
            self._extensions += 1
            if self._extensions > WAITING_EXTENSIONS_MAX:
                raise ChipMute("The chip asks for more time without end.")
            return Send(block(pcb | _S_RESPONSE, information), max(1, information[0]))
        if pcb == _S_IFS and len(information) == 1 and 0 < information[0] < 255:
            self._ifsc = information[0]
            return self._counted(Send(block(pcb | _S_RESPONSE, information)))
        if pcb == _S_ABORT:
            raise ChipMute("The chip broke the exchange off.")
        return self._recover(_OTHER_ERROR)

    def _supervisory_response(self, pcb: int, information: bytes) -> Step:
        if self._awaiting is _Awaiting.IFS and pcb == _S_IFS | _S_RESPONSE:
            if information == bytes((IFSD,)):
                self._awaiting = _Awaiting.NOTHING
                return Done(b"")
        elif self._awaiting is _Awaiting.RESYNCH and pcb == _S_RESYNCH | _S_RESPONSE:
            return self._begin_again()
        return self._recover(_OTHER_ERROR)

    def _begin_again(self) -> Step:
        self._send_number = self._receive_number = 0
        self._awaiting = _Awaiting.NOTHING
        if not self._repeatable:
            raise ChipMute("The chip lost its place in a command that is not sent twice.")
        self._failures = 0
        return self._first_block()

    def _recover(self, error: int) -> Step:
        """Ask for the block again; when that has not helped, resynchronise once, then give up."""
        if self._awaiting is _Awaiting.INFORMATION:
            return self._counted(Send(self._ready(error)))
        return self._counted(Send(self._last))

    def _counted(self, step: Send) -> Send:
        self._failures += 1
        if self._failures <= REPEATS_MAX:
            return step
        if self._resynchronised or self._awaiting is not _Awaiting.INFORMATION:
            raise ChipMute("The chip answers against its transmission protocol.")
        self._resynchronised = True
        self._failures = 0
        return self._supervise(_Awaiting.RESYNCH, block(_S_RESYNCH))

    def _ready(self, error: int) -> bytes:
        return block(0x80 | self._receive_number << 4 | error)
