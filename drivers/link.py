"""A dialogue over a wire: one question at a time, its answer within a time, late answers dropped.

It decides nothing about repeating: a query may be asked again by its driver, an act never is.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from drivers.errors import ReplyTimeout, WireClosed
from drivers.serial_settings import SerialSettings
from drivers.wire import SerialPort, Wire

#: A machine that never falls quiet is not waited for longer than this.
LONGEST_DRAIN_S = 1.0
#: Enough to know a machine by.
OVERHEARD_BYTES_MAX = 1024

Frame = TypeVar("Frame")


class Decoder(Protocol[Frame]):
    """An incremental decoder: bytes in as they come, whole frames out, garbage counted."""

    garbage_bytes: int

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, return every frame that they complete."""

    def reset(self) -> None:
        """Forget a half-received frame."""


class Link(Generic[Frame]):
    """Frames over one wire; `async with link:` makes a dialogue exclusive."""

    def __init__(self, wire: Wire, decoder: Decoder[Frame]) -> None:
        self._wire = wire
        self._decoder = decoder
        self._frames: deque[Frame] = deque()
        self._turn = asyncio.Lock()
        self._stale = False
        #: Whole frames dropped because no question was waiting for them.
        self.unasked_frames = 0

    @property
    def garbage_bytes(self) -> int:
        """Bytes dropped because they belonged to no frame."""
        return self._decoder.garbage_bytes

    @property
    def port(self) -> SerialPort | None:
        """The serial port that its wire is; None where the speed is not ours to set."""
        return self._wire if isinstance(self._wire, SerialPort) else None

    def set(self, settings: SerialSettings) -> None:
        """Go on at another speed; what was heard at the old one is nothing. For a port only."""
        assert isinstance(self._wire, SerialPort), "only a serial port is ours to set"
        try:
            self._wire.set(settings)
        except OSError as error:
            raise WireClosed from error
        self.distrust()

    async def __aenter__(self) -> Self:
        await self._turn.acquire()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turn.release()

    async def ask(self, request: bytes, reply_timeout_s: float) -> Frame:
        """Send a request and return the next frame. The caller holds the link."""
        await self.send(request, reply_timeout_s)
        return await self.next_frame(reply_timeout_s)

    async def send(self, data: bytes, longest_s: float) -> None:
        """Send one frame; what an earlier, timed-out question left behind is dropped first.

        Hangs up on a machine that does not take all of it in this time, and when it is called off
        before: whatever came next would be taken for the rest of the frame.
        """
        if self._stale:
            await self._drain()
        self.unasked_frames += len(self._frames)
        self._frames.clear()
        sent = False
        try:
            async with asyncio.timeout(longest_s):
                await self._wire.send(data)
            sent = True
        except TimeoutError as error:
            raise WireClosed("The machine takes no more bytes.", waited_s=longest_s) from error
        except OSError as error:
            raise WireClosed from error
        finally:
            if not sent:
                await self._wire.aclose()

    async def next_frame(self, reply_timeout_s: float) -> Frame:
        """Wait for one whole frame."""
        if self._frames:
            return self._frames.popleft()
        try:
            async with asyncio.timeout(reply_timeout_s):
                while not self._frames:
                    self._frames.extend(self._decoder.feed(await self._receive()))
        except TimeoutError as error:
            self.distrust()
            raise ReplyTimeout(waited_s=reply_timeout_s) from error
        except asyncio.CancelledError:
            # The answer of the question given up is still to come; it must not answer the next one.
            self.distrust()
            raise
        return self._frames.popleft()

    async def overhear(self, question: bytes, patience_s: float) -> bytes:
        """Return raw what comes within this time of a question that is not in our language.

        The caller holds the link; the dialogue is distrusted afterwards.
        """
        heard = b""
        await self.send(question, patience_s)
        try:
            async with asyncio.timeout(patience_s):
                while len(heard) < OVERHEARD_BYTES_MAX:
                    heard += await self._receive()
        except TimeoutError:
            pass
        finally:
            self.distrust()
        return heard

    def distrust(self) -> None:
        """Drop what still comes before the next question: an old answer may be on its way."""
        self._stale = True
        self._decoder.reset()

    async def aclose(self) -> None:
        """Close the wire."""
        await self._wire.aclose()

    async def _receive(self) -> bytes:
        try:
            data = await self._wire.receive()
        except OSError as error:
            raise WireClosed from error
        if not data:
            raise WireClosed
        return data

    async def _drain(self) -> None:
        """Swallow what a late answer left, until the wire has been quiet for 20 ms."""
        try:
            async with asyncio.timeout(LONGEST_DRAIN_S):
                while True:
                    async with asyncio.timeout(0.02):
                        await self._receive()
        except TimeoutError:
            self._decoder.reset()
        self._stale = False
