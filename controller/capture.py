"""A technician's capture of what goes over a station's wire, while the centre works.

The centre hands out sealed lines and the command that asked writes them: so no key leaves the
centre, and it writes no file where a client says. A capture is bounded in time and size. It never
holds up the line: whoever takes the lines away too slowly loses the capture, not the card.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from controller.capture_file import Ended, Head, Writer
from controller.clock import MICROSECONDS, Clock
from controller.stations import Station
from drivers.replay import Record
from drivers.tap import Tap, Traffic
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.vault import KeyFolder

#: What a capture may hold of a wire, and what of it may wait in memory: a few colour prints.
BYTES_MAX = 100_000_000
WAITING_BYTES_MAX = 8_000_000
#: What a record takes beside its bytes.
RECORD_BYTES = 250


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a capture may hold, and leave waiting for whoever takes it away."""

    bytes_max: int = BYTES_MAX
    waiting_bytes_max: int = WAITING_BYTES_MAX


class Capture:
    """One capture: takes from the tap what passes, gives it away as lines of a file."""

    def __init__(self, name: str, writer: Writer, limits: Limits) -> None:
        self.name = name
        self.ended: Ended | None = None
        self.ended_by = "centre"
        self.over = asyncio.Event()
        #: Set once its end is durable, or the centre stops.
        self.end_recorded = asyncio.Event()
        self.records = 0
        self.bytes = 0
        self._writer = writer
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._waiting: deque[Record] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()

    def take(self, what: Traffic, data: bytes) -> None:
        """Listen to the tap; neither waits nor raises."""
        if self.ended is not None:
            return
        cost = RECORD_BYTES + len(data)
        if self.records * RECORD_BYTES + self.bytes + cost > self._limits.bytes_max:
            self.end(Ended.SIZE)
        elif self._waiting_bytes + cost > self._limits.waiting_bytes_max:
            self.end(Ended.SLOW)
        else:
            self.records += 1
            self.bytes += len(data)
            self._waiting_bytes += cost
            self._waiting.append(Record(self.records, self._at_us(), what, bytes(data)))
            self._more.set()

    def end(self, ended: Ended, by: str = "centre") -> None:
        """End it, if it has not ended; what was taken is still given away."""
        if self.ended is None:
            self.ended, self.ended_by = ended, by
            self._ended_us = self._at_us()
            self.over.set()
            self._more.set()

    async def lines(self) -> AsyncIterator[bytes]:
        """Give the file away line by line, to its end. Sealed here, out of the dialogue's way."""
        yield self._writer.first_line
        while self._waiting or self.ended is None:
            while self._waiting:
                record = self._waiting.popleft()
                self._waiting_bytes -= RECORD_BYTES + len(record.data)
                yield self._writer.record(record)
                await asyncio.sleep(0)  # a long queue must not keep the loop from the machines
            if self.ended is None:
                self._more.clear()
                await self._more.wait()
        # Nobody may hold a whole capture whose end the ledger can still lose.
        await self.end_recorded.wait()
        yield self._writer.end(self.ended, self.records, self._ended_us)

    def _at_us(self) -> int:
        return round((self._loop.time() - self._begun_s) * MICROSECONDS)


@dataclass(slots=True)
class Captures:
    """Begins captures, ends them, and has both on record."""

    centre: str
    ledger: Ledger
    clock: Clock
    keys: KeyFolder
    entropy: Callable[[int], bytes]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    limits: Limits = Limits()
    #: By station; None while one is being begun.
    running: dict[str, Capture | None] = field(default_factory=dict)

    async def begin(self, station: Station, actor: str, for_s: float) -> Capture:
        """Capture a station's wire; at most one capture of it runs at a time."""
        assert station.name not in self.running
        assert station.port.tap is not None
        self.running[station.name] = None
        try:
            head = self._head(station)
            # Durable, and on record, before anything is captured.
            key = await asyncio.to_thread(self.keys.new_key, head.capture, self.entropy)
            data = {"capture": head.capture, "for_s": for_s}
            await self.ledger.append(Draft(Kind.CAPTURE_BEGUN, actor, data, station=station.name))
        except BaseException:
            del self.running[station.name]
            raise
        capture = Capture(head.capture, Writer(head, key, self.entropy), self.limits)
        self.running[station.name] = capture
        self.spawn(self._watch(station, station.port.tap, capture, for_s))
        return capture

    async def end(self, name: str, actor: str) -> bool:
        """End the capture of a station and have it on record; False if there is none."""
        capture = self.running.get(name)
        if capture is None:
            return False
        capture.end(Ended.PERSON, actor)
        await capture.end_recorded.wait()
        return True

    async def _watch(self, station: Station, tap: Tap, capture: Capture, for_s: float) -> None:
        try:
            await self._listen(station, tap, capture, for_s)
            assert capture.ended is not None
            data = {
                "capture": capture.name,
                "ended": capture.ended.value,
                "records": capture.records,
                "bytes": capture.bytes,
            }
            await self.ledger.append(
                Draft(Kind.CAPTURE_ENDED, capture.ended_by, data, station=station.name)
            )
        finally:
            capture.end_recorded.set()

    async def _listen(self, station: Station, tap: Tap, capture: Capture, for_s: float) -> None:
        tap.listener = capture.take
        try:
            async with asyncio.timeout(for_s):
                await capture.over.wait()
        except TimeoutError:
            capture.end(Ended.TIME)
        finally:
            tap.listener = None
            del self.running[station.name]
            capture.end(Ended.STOPPED)

    def _head(self, station: Station) -> Head:
        known = self.ledger.books.stations.get(station.name)
        begun_us = self.clock.now_us()
        while self.keys.has_key(_name(begun_us)):  # two stations at once
            begun_us += 1
        return Head(
            capture=_name(begun_us),
            centre=self.centre,
            station=station.name,
            kind=station.kind.value if station.kind else "transport",
            machine_serial=known.machine_serial if known else "",
            begun_us=begun_us,
        )


def _name(begun_us: int) -> str:
    seconds, rest_us = divmod(begun_us, MICROSECONDS)
    return f"capture-{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}-{rest_us:06d}"
