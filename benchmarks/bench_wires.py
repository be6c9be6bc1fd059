"""What many wires cost one process: 200 machines on pseudo-terminals, asked at a line's real pace.

Every machine is asked 20 questions in 3.6 s, by the drivers and wires of the product: half are
printers that tell their status, half transports that tell their state over Modbus. The far ends
are in another process and answer at once. A question's time runs from the moment at which it was
due, so that a loop which falls behind is charged for it.

The same far ends are first asked the same bytes at the same moments by a bare loop that only polls,
writes and reads descriptors. `p99_added_ms` is the 99th percentile of our times less that of the
bare loop's: what drivers, framing, time-outs and the event loop add to what the kernel and the far
ends take. CPU shares are of one core, of the asking process alone.
"""

import asyncio
import heapq
import os
import select
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

from benchmarks.command import CommandFailed
from benchmarks.wire_far_ends import (
    ANSWERS,
    PRINTER_ASKED,
    TRANSPORT_ASKED,
    FarEndsFailed,
    far_ends,
)
from controller.real_process import allow_many_descriptors
from drivers.errors import DriverError
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.serial_wire import open_serial
from drivers.transport import Transport

STATIONS = 200
QUESTIONS, PERIOD_S = 20, 3.6
#: The first period is not counted: it warms caches and memory.
PERIODS = 4
SEED = 7
START_AFTER_S = 0.5
ANSWER_TIMEOUT_S = 5.0
READ_BYTES_MAX = 4096

Figure = tuple[str, float]


@dataclass(frozen=True, slots=True)
class _Run:
    """How long each counted question took, and the share of one core while they were asked."""

    times_s: list[float]
    cpu_share: float

    @property
    def p99_ms(self) -> float:
        return 1000 * statistics.quantiles(self.times_s, n=100)[98]


def figures() -> Iterator[Figure]:
    """Ask by a bare loop, then by drivers."""
    allow_many_descriptors()
    try:
        with far_ends(STATIONS) as paths:
            bare, ours = _by_a_bare_loop(paths), _by_drivers(paths)
    except (FarEndsFailed, OSError) as error:
        raise CommandFailed(f"wires: {error}") from error
    yield f"wires.cpu_share_{STATIONS}", ours.cpu_share
    yield f"wires.p99_added_ms_{STATIONS}", ours.p99_ms - bare.p99_ms
    yield f"wires.p99_ms_{STATIONS}", ours.p99_ms
    yield f"wires.bare_p99_ms_{STATIONS}", bare.p99_ms
    yield f"wires.bare_cpu_share_{STATIONS}", bare.cpu_share


def _moments() -> list[list[float]]:
    """Return for each machine when it is asked, in seconds: evenly, from a moment of its own on."""
    random, interval_s = Random(SEED), PERIOD_S / QUESTIONS
    firsts_s = [random.uniform(0, interval_s) for _ in range(STATIONS)]
    return [[first_s + interval_s * n for n in range(PERIODS * QUESTIONS)] for first_s in firsts_s]


def _speaks_modbus(number: int) -> bool:
    return number % 2 == 1


class _Watch:
    """Takes the times of one run, which starts a little after the watch was made."""

    def __init__(self, now_s: float) -> None:
        self.start_s = now_s + START_AFTER_S
        self._cpu_s = time.process_time()
        self._times_s: list[float] = []

    def take(self, offset_s: float, now_s: float) -> None:
        """Take the time of a question that was due at this offset and is answered now."""
        if offset_s >= PERIOD_S:
            self._times_s.append(now_s - self.start_s - offset_s)

    def run(self, now_s: float) -> _Run:
        """Return what was measured."""
        cpu_s = time.process_time() - self._cpu_s
        return _Run(self._times_s, cpu_s / (now_s - self.start_s))


# Ours: one task for each machine, its driver and its serial wire.

Ask = Callable[[], Awaitable[object]]


def _by_drivers(paths: Sequence[str]) -> _Run:
    try:
        return asyncio.run(_ask_drivers(paths))
    except* DriverError as errors:
        raise CommandFailed(f"wires: {errors.exceptions[0]}") from errors


async def _ask_drivers(paths: Sequence[str]) -> _Run:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        asks = [_ask(path, number, stack) for number, path in enumerate(paths)]
        watch = _Watch(loop.time())
        async with asyncio.TaskGroup() as group:
            for ask, offsets_s in zip(asks, _moments(), strict=True):
                group.create_task(_keep_asking(ask, offsets_s, watch))
        return watch.run(loop.time())


def _ask(path: str, number: int, stack: AsyncExitStack) -> Ask:
    """Open one machine and return its question."""
    wire = open_serial(f"serial://{path}?baud=115200")
    if _speaks_modbus(number):
        transport = Transport(wire)
        stack.push_async_callback(transport.aclose)
        return transport.state
    printer = CardPrinter(wire, PrinterTimeouts())
    stack.push_async_callback(printer.aclose)
    return printer.status


async def _keep_asking(ask: Ask, offsets_s: Sequence[float], watch: _Watch) -> None:
    loop = asyncio.get_running_loop()
    for offset_s in offsets_s:
        early_s = watch.start_s + offset_s - loop.time()
        if early_s > 0:
            await asyncio.sleep(early_s)
        await ask()
        watch.take(offset_s, loop.time())


# The bare loop: one poll, one list of what is due.


@dataclass(slots=True)
class _Bare:
    """One descriptor, what is asked there, and since when an answer is awaited."""

    descriptor: int
    question: bytes
    answer: bytes
    due_s: Iterator[float]
    offset_s: float = 0.0
    got: bytes = b""


def _by_a_bare_loop(paths: Sequence[str]) -> _Run:
    poll, ends = select.epoll(), {}
    for number, (path, offsets_s) in enumerate(zip(paths, _moments(), strict=True)):
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        question = TRANSPORT_ASKED if _speaks_modbus(number) else PRINTER_ASKED
        ends[descriptor] = _Bare(descriptor, question, ANSWERS[question], iter(offsets_s))
        poll.register(descriptor, select.EPOLLIN)
    try:
        return _poll(poll, ends)
    finally:
        poll.close()
        for descriptor in ends:
            os.close(descriptor)


def _poll(poll: select.epoll, ends: dict[int, _Bare]) -> _Run:
    watch = _Watch(time.monotonic())
    due = [(next(end.due_s), descriptor) for descriptor, end in ends.items()]
    heapq.heapify(due)
    awaited = 0
    while due or awaited:
        wait_s = watch.start_s + due[0][0] - time.monotonic() if due else ANSWER_TIMEOUT_S
        events = poll.poll(max(wait_s, 0.0))
        if not events and not due:
            raise CommandFailed("wires: a far end does not answer")
        for descriptor, _ in events:
            end = ends[descriptor]
            end.got += os.read(descriptor, READ_BYTES_MAX)
            if end.got == end.answer:
                watch.take(end.offset_s, time.monotonic())
                end.got, awaited = b"", awaited - 1
                if (following_s := next(end.due_s, None)) is not None:
                    heapq.heappush(due, (following_s, descriptor))
        while due and watch.start_s + due[0][0] <= time.monotonic():
            offset_s, descriptor = heapq.heappop(due)
            ends[descriptor].offset_s, awaited = offset_s, awaited + 1
            os.write(descriptor, ends[descriptor].question)
    return watch.run(time.monotonic())
