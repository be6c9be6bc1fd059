"""A raw dialogue with a machine: bytes out, what comes back within a time, whole.

It forgives nothing and repeats nothing; what the bytes should have been is said by the checks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from drivers.conformance.check import Failed
from drivers.errors import WireClosed
from drivers.wire import Wire

#: A machine answers a question about itself well within this.
REPLY_S: Final = 2.0
#: So long a machine is listened to that should stay silent.
SILENCE_S: Final = 0.3
#: An answer that does not come to its end is over after such a pause: a reader that echoes at once
#: may wait for its chip.
PAUSE_S: Final = 3.0
#: After a whole answer: what follows at once belongs to it and makes it wrong.
TAIL_S: Final = 0.01
ANSWER_BYTES_MAX: Final = 8192
SHOWN_BYTES_MAX: Final = 14


class Bench:
    """One machine on one wire; `is_whole` tells when an answer in its language has ended."""

    def __init__(
        self, wire: Wire, is_whole: Callable[[bytes], bool], baud: int | None = None
    ) -> None:
        self._wire = wire
        self._is_whole = is_whole
        #: The rate of a serial wire; None where we do not know it.
        self.baud = baud
        self.heard_bytes = 0

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            async with asyncio.timeout(REPLY_S + len(data) / 1000):
                await self._wire.send(data)
        except TimeoutError:
            raise Failed("the machine takes no more bytes") from None
        except OSError as error:
            raise WireClosed from error

    async def ask(self, request: bytes, reply_s: float = REPLY_S) -> bytes:
        """Send a request and return the raw answer; empty when none came."""
        await self.send(request)
        return await self.hear(reply_s)

    async def hear(self, reply_s: float = REPLY_S) -> bytes:
        """Return what comes: until it is whole, or pauses, or nothing came for `reply_s`."""
        heard = await self._more(reply_s)
        while heard and not self._is_whole(heard) and len(heard) < ANSWER_BYTES_MAX:
            more = await self._more(min(reply_s, PAUSE_S))
            if not more:
                return heard
            heard += more
        return heard + await self._more(TAIL_S) if heard else heard

    async def expect_silence(self, request: bytes) -> str:
        """Send what must not be answered; returns what was seen."""
        heard = await self.ask(request, SILENCE_S)
        if heard:
            raise Failed(shown(heard))
        return "silence"

    async def fall_silent(self) -> None:
        """Read away what an earlier check left on the wire."""
        for _ in range(ANSWER_BYTES_MAX):
            if not await self._more(TAIL_S):
                return
        raise Failed("the machine never falls silent")

    async def aclose(self) -> None:
        """Hang up."""
        await self._wire.aclose()

    async def _more(self, longest_s: float) -> bytes:
        try:
            async with asyncio.timeout(longest_s):
                data = await self._wire.receive()
        except TimeoutError:
            return b""
        except OSError as error:
            raise WireClosed from error
        if not data:
            raise WireClosed
        self.heard_bytes += len(data)
        return data


#: What a row of a table runs; it returns what was seen.
Run: TypeAlias = Callable[[Bench], Awaitable[str]]


def shown(heard: bytes) -> str:
    """Return bytes as hexadecimal, the first of many; nothing of a card's data is that early."""
    if not heard:
        return "no answer"
    text = heard[:SHOWN_BYTES_MAX].hex(" ").upper()
    return text if len(heard) <= SHOWN_BYTES_MAX else f"{text} ... ({len(heard)} bytes)"
