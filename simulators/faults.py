"""Wires around wires: one that loses, splits, delays, repeats, corrupts, hangs up; one that tells.

Whatever happens comes from the random generator that is handed in, so a bad wire is bad in the same
way again. Neither knows what the bytes mean.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from random import Random
from typing import Literal, TypeAlias

from simulators.wire import Wire

Direction: TypeAlias = Literal["send", "receive"]


@dataclass(frozen=True, slots=True)
class WireFaults:
    """How often each thing happens to one piece of a stream as it is sent or received."""

    loss: float = 0.0  # some run of its bytes, from one to all, never arrives
    split: float = 0.0  # it comes one byte at a time
    delay: float = 0.0  # it comes late
    repeat: float = 0.0  # it comes twice
    corrupt: float = 0.0  # one byte of it is changed
    hang_up: float = 0.0  # the wire closes instead
    longest_delay_s: float = 0.5
    byte_time_s: float = 0.0001  # between split bytes: about 115,200 baud

    def __post_init__(self) -> None:
        for field in fields(self):
            value: float = getattr(self, field.name)
            if value < 0.0 or (value > 1.0 and not field.name.endswith("_s")):
                raise ValueError(f"{field.name} must be a share from 0 to 1, or a time")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes that go on together, and from when on."""

    data: bytes
    due_s: float

    async def wait(self) -> None:
        early_s = self.due_s - asyncio.get_running_loop().time()
        if early_s > 0.0:
            await asyncio.sleep(early_s)


class Faulty:
    """A wire that misbehaves in both directions."""

    def __init__(self, wire: Wire, random: Random, faults: WireFaults) -> None:
        self._wire = wire
        self._random = random
        self._faults = faults
        self._received: deque[_Piece] = deque()
        self._hung_up = False

    async def send(self, data: bytes) -> None:
        """Send what is left of the bytes; `ConnectionError` when the wire has hung up."""
        for piece in await self._spoil(data):
            await piece.wait()
            await self._wire.send(piece.data)
        if self._hung_up:
            raise ConnectionResetError("the wire hung up")

    async def receive(self) -> bytes:
        """Return what is left of what has arrived, or `b""` at the end."""
        while not self._received:
            data = b"" if self._hung_up else await self._wire.receive()
            if not data:
                return b""
            # Kept before any further wait, so that a receiver who gives up loses nothing.
            self._received.extend(await self._spoil(data))
        await self._received[0].wait()
        return self._received.popleft().data

    async def aclose(self) -> None:
        """Close the wire underneath."""
        await self._wire.aclose()

    def _happens(self, share: float) -> bool:
        return share > 0.0 and self._random.random() < share

    async def _spoil(self, data: bytes) -> list[_Piece]:
        """Decide what becomes of some bytes; nothing is left of them when the wire hangs up."""
        if self._hung_up or self._happens(self._faults.hang_up):
            self._hung_up = True
            await self._wire.aclose()
            return []
        if data and self._happens(self._faults.loss):
            start = self._random.randrange(len(data))
            data = data[:start] + data[self._random.randint(start + 1, len(data)) :]
        if data and self._happens(self._faults.corrupt):
            where = self._random.randrange(len(data))
            changed = data[where] ^ self._random.randint(1, 255)
            data = data[:where] + bytes([changed]) + data[where + 1 :]
        if self._happens(self._faults.repeat):
            data *= 2
        return self._pieces(data)

    def _pieces(self, data: bytes) -> list[_Piece]:
        """Decide when some bytes go on, and in how many pieces."""
        due_s = asyncio.get_running_loop().time()
        if self._happens(self._faults.delay):
            due_s += self._random.uniform(0.0, self._faults.longest_delay_s)
        if self._happens(self._faults.split):
            between_s = self._faults.byte_time_s
            return [_Piece(data[i : i + 1], due_s + i * between_s) for i in range(len(data))]
        return [_Piece(data, due_s)] if data else []


class Traced:
    """A wire that tells a sink what passes, in order and before anybody acts on it."""

    def __init__(self, wire: Wire, sink: Callable[[Direction, bytes], None]) -> None:
        self._wire = wire
        self._sink = sink

    async def send(self, data: bytes) -> None:
        """Tell, then send."""
        self._sink("send", data)
        await self._wire.send(data)

    async def receive(self) -> bytes:
        """Receive, then tell; the end of the stream is told as no bytes."""
        data = await self._wire.receive()
        self._sink("receive", data)
        return data

    async def aclose(self) -> None:
        """Close the wire underneath."""
        await self._wire.aclose()
