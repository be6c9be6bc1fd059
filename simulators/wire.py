"""The simulators' side of a byte stream, and a pair of them joined in memory.

Carries bytes only. Faults and traces are wires around wires (see `simulators/faults.py`).
"""

import asyncio
from collections import deque
from typing import Protocol

HIGH_WATER_BYTES = 1 << 20


class Wire(Protocol):
    """One open, ordered, full-duplex byte stream; the far end's view is the same."""

    async def send(self, data: bytes) -> None:
        """Send all of `data`; raises `ConnectionError` when the far end has gone."""

    async def receive(self) -> bytes:
        """Return at least one byte, or `b""` at the end of the stream."""

    async def aclose(self) -> None:
        """Close this end."""


class _Pipe:
    """One direction: a bounded buffer of chunks."""

    __slots__ = ("_waiting", "chunks", "closed", "size_bytes")

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.size_bytes = 0
        self.closed = False
        self._waiting: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Let everybody look again who waits at this moment."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def change(self) -> None:
        """Wait until something was put in or taken out, or an end was closed."""
        # A bare future: an `asyncio.Event` for every change costs more than the change.
        one: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(one)
        try:
            await one
        finally:
            if one in self._waiting:
                self._waiting.remove(one)


class MemoryWire:
    """One end of an in-memory wire."""

    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def send(self, data: bytes) -> None:
        """Hand the bytes over; waits while the far end has a mebibyte unread."""
        pipe = self._outgoing
        while pipe.size_bytes >= HIGH_WATER_BYTES and not pipe.closed:
            await pipe.change()
        if pipe.closed:
            raise ConnectionResetError("the far end is closed")
        if data:
            pipe.chunks.append(bytes(data))
            pipe.size_bytes += len(data)
            pipe.wake()

    async def receive(self) -> bytes:
        """Return everything that has arrived, or `b""` once the far end has closed."""
        pipe = self._incoming
        while not pipe.chunks:
            if pipe.closed:
                return b""
            await pipe.change()
        data = pipe.chunks[0] if len(pipe.chunks) == 1 else b"".join(pipe.chunks)
        pipe.chunks.clear()
        pipe.size_bytes = 0
        pipe.wake()
        return data

    async def aclose(self) -> None:
        """Hang up in both directions."""
        for pipe in (self._incoming, self._outgoing):
            pipe.closed = True
            pipe.wake()


def memory_pair() -> tuple[MemoryWire, MemoryWire]:
    """Return the two ends of one wire."""
    there, back = _Pipe(), _Pipe()
    return MemoryWire(back, there), MemoryWire(there, back)
