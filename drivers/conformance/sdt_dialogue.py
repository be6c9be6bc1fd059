"""Raw SDT frames for checks, and the one visit that a card pays to a reader.

What an answer says of a person is never shown.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from drivers.conformance.bench import Bench, shown
from drivers.conformance.check import Failed, Skipped
from drivers.xor_checksum import xor_of

PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
DONE, FOUND, NO_ITEM = 0x90, 0x9F, 0x91
CHECKSUM, LENGTH, WRONG_COMMAND, NOT_ALLOWED = 0x10, 0x11, 0x21, 0x23
READ_FAILED, NOT_FOUND, NOT_SELECTED = 0x41, 0x80, 0x81
STATUS, SAM_ID, RESET = bytes.fromhex("11FF"), bytes.fromhex("12FF"), bytes.fromhex("10FF")
FIND, SELECT, BASE = bytes.fromhex("2001"), bytes.fromhex("2002"), bytes.fromhex("3001")
MANAGEMENT, ADDRESSES = bytes.fromhex("3005"), bytes.fromhex("3003")
FINGERPRINTS: Final = bytes.fromhex("3010")
RATES: Final = (115200, 57600, 38400, 19200, 9600)
READ_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; only its words and lengths are ever shown."""

    sw3: int
    data: bytes

    def __str__(self) -> str:
        return f"SW3 {self.sw3:02X}, {len(self.data)} bytes"


def frame(command: bytes) -> bytes:
    """Return the frame of a command with its parameters."""
    body = (len(command) + 1).to_bytes(2, "big") + command
    return PREAMBLE + body + bytes((xor_of(body),))


def is_whole(heard: bytes) -> bool:
    """Tell whether as many bytes have come as the frame says."""
    return len(heard) >= 7 and len(heard) >= 7 + int.from_bytes(heard[5:7], "big")


def parsed(heard: bytes) -> Reply:
    """Read one whole, undamaged answer."""
    if heard[:5] != PREAMBLE or len(heard) < 11:
        raise Failed(shown(heard))
    if len(heard) != 7 + int.from_bytes(heard[5:7], "big"):
        raise Failed(f"its length is wrong: {shown(heard[:10])}, {len(heard)} bytes")
    if xor_of(heard[5:]) != 0:
        raise Failed(f"wrong check byte: {shown(heard[:10])}, {len(heard)} bytes")
    return Reply(heard[9], heard[10:-1])


async def ask(bench: Bench, request: bytes) -> Reply:
    """Send a request and return its answer."""
    return parsed(await bench.ask(request, READ_S))


async def expect(bench: Bench, request: bytes, sw3: frozenset[int], size: int) -> Reply:
    """Send a request that must be answered by one of these words and so many bytes."""
    got = await ask(bench, request)
    if got.sw3 not in sw3 or len(got.data) != size:
        raise Failed(str(got))
    return got


@dataclass(frozen=True, slots=True)
class Visit:
    """What was answered during one visit of a card, request by request."""

    #: Which of the two readings of text and photo it was: a card allows one in a visit.
    request: bytes
    before: Reply
    find: Reply
    select: Reply
    reading: Reply
    management: Reply
    addresses: Reply
    again: Reply


class ReaderBench(Bench):
    """A reader on a wire, and the one visit of the card in its field."""

    visit: Visit | None = None

    async def visited(self, request: bytes = BASE) -> Visit:
        """Return the visit, made with this reading at the first call; skipped without a card.

        A module that does not know the reading with fingerprints is asked for the other.
        """
        if self.visit is None:
            before = await ask(self, frame(BASE))
            found = await ask(self, frame(FIND))
            if found.sw3 == NOT_FOUND:
                raise Skipped("no card is in the field, or it has not left it since it was read")
            select, reading = await ask(self, frame(SELECT)), await ask(self, frame(request))
            if request == FINGERPRINTS and reading.sw3 == WRONG_COMMAND:
                request, reading = BASE, await ask(self, frame(BASE))
            rest = [await ask(self, frame(each)) for each in (MANAGEMENT, ADDRESSES, FIND)]
            self.visit = Visit(request, before, found, select, reading, *rest)
        return self.visit


ReaderRun: TypeAlias = Callable[[ReaderBench], Awaitable[str]]
