"""Raw CCID frames for checks: one command, its one answer, the echo allowed but whole.

Notices of slot changes and requests for time may stand before an answer; nothing else may.
"""

from dataclasses import dataclass
from typing import Final

from drivers.conformance.bench import REPLY_S, Bench, shown
from drivers.conformance.check import Failed
from drivers.xor_checksum import xor_of

SYNC_ACK: Final = b"\x03\x06"
NAK: Final = b"\x03\x15\x16"
SET_PARAMETERS, POWER_ON, POWER_OFF, SLOT_STATUS = 0x61, 0x62, 0x63, 0x65
ESCAPE, GET_PARAMETERS, TRANSFER = 0x6B, 0x6C, 0x6F
#: How each command is answered.
ANSWERED_BY: Final = {
    0x61: 0x82,
    0x62: 0x80,
    0x63: 0x81,
    0x65: 0x81,
    0x6B: 0x83,
    0x6C: 0x82,
    0x6F: 0x80,
}
ABSENT: Final = 2
TIME_EXTENSIONS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its header's fields and its data."""

    kind: int
    slot: int
    sequence: int
    status: int
    error: int
    last: int
    data: bytes

    @property
    def failed(self) -> bool:
        """True when the command failed."""
        return self.status & 0xC0 == 0x40

    @property
    def card(self) -> int:
        """bmICCStatus: 0 active, 1 inactive, 2 absent."""
        return self.status & 3

    def __str__(self) -> str:
        return f"{self.kind:02X} bStatus {self.status:02X} bError {self.error:02X}"


def frame(
    kind: int, data: bytes = b"", *, sequence: int = 0, slot: int = 0, parameters: bytes = b"\0\0\0"
) -> bytes:
    """Return a command's frame."""
    length = len(data).to_bytes(4, "little")
    body = SYNC_ACK + bytes((kind,)) + length + bytes((slot, sequence)) + parameters + data
    return body + bytes((xor_of(body),))


def is_whole(heard: bytes) -> bool:
    """Tell whether an answer or a NAK has come; an echo alone is not whole."""
    pieces, rest = _pieces(heard)
    last = pieces[-1] if pieces else b""
    return not rest and (last == NAK or (len(last) > 3 and last[2] >= 0x80))


async def reply(bench: Bench, request: bytes, reply_s: float = REPLY_S) -> Reply:
    """Send a command; its answer must be undamaged and carry its slot and sequence."""
    heard = await bench.ask(request, reply_s)
    for _ in range(TIME_EXTENSIONS_MAX):
        answer = _answer_in(heard, request)
        if answer.status & 0xC0 != 0x80:
            return answer
        heard = await bench.hear(reply_s)
    raise Failed("asks for more time without end")


async def done(bench: Bench, request: bytes, reply_s: float = REPLY_S) -> Reply:
    """Send a command that must succeed."""
    answer = await reply(bench, request, reply_s)
    if answer.failed:
        raise Failed(str(answer))
    return answer


def without_echo(heard: bytes, request: bytes) -> bytes:
    """Return what came after the echo, if there is one."""
    return heard.removeprefix(request)


def _answer_in(heard: bytes, request: bytes) -> Reply:
    pieces, rest = _pieces(without_echo(heard, request))
    frames = [piece for piece in pieces if piece[0] == 3]
    if rest or len(frames) != 1 or frames[0] == NAK:
        raise Failed(shown(heard))
    got = frames[0]
    if xor_of(got) != 0:
        raise Failed(f"wrong LRC: {shown(got)}")
    answer = Reply(got[2], got[7], got[8], got[9], got[10], got[11], got[12:-1])
    if (answer.slot, answer.sequence) != (request[7], request[8]):
        raise Failed(f"bSlot {answer.slot}, bSeq {answer.sequence:02X}")
    if answer.kind != ANSWERED_BY.get(request[2], answer.kind):
        raise Failed(f"answered by message {answer.kind:02X}")
    return answer


def _pieces(heard: bytes) -> tuple[list[bytes], bytes]:
    """Cut what came into frames, notices and time requests; what is none of these is the rest."""
    pieces = []
    while heard:
        size = _piece_bytes(heard)
        if not 0 < size <= len(heard):
            break
        pieces.append(heard[:size])
        heard = heard[size:]
    return pieces, heard


def _piece_bytes(heard: bytes) -> int:
    """Return how long the first piece is; 0 if it is none."""
    if heard[:3] == NAK:
        return 3
    if heard[:2] == SYNC_ACK and len(heard) >= 7:
        return 13 + int.from_bytes(heard[3:7], "little")
    if heard[:1] == b"\x50":
        return 2 if heard[1:2] in {b"\x02", b"\x03"} else 0
    return 1 if heard[0] >= 0x80 else 0
