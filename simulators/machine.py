"""What every simulated machine shares: motions that go on whoever listens, and drawn times.

A motion is a timer on the event loop, not a task of a connection: when a controller dies, the
machine finishes what it was doing, as a real one does.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from simulators.wire import Wire


@dataclass(frozen=True, slots=True)
class Drawn:
    """One motion that was started: when, how long it was drawn to take, and what it was."""

    start_s: float
    duration_s: float
    what: str


@dataclass(slots=True)
class Pace:
    """How fast machine time runs: typical times are divided by `factor`, spread is log-normal."""

    random: Random
    factor: float = 1.0
    sigma: float = 0.05

    def draw_s(self, typical_s: float) -> float:
        """Draw one duration around a typical one, in seconds of the event loop."""
        return typical_s * math.exp(self.random.gauss(0.0, self.sigma)) / self.factor


class Motion:
    """At most one motion of one mechanism at a time."""

    def __init__(self) -> None:
        self.drawn: list[Drawn] = []
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._over.set()

    @property
    def running(self) -> bool:
        """True while the mechanism moves."""
        return self._timer is not None

    def start(self, what: str, duration_s: float, finish: Callable[[], None]) -> None:
        """Begin a motion; `finish` changes the floor when it is over."""
        assert self._timer is None, "one motion at a time"
        loop = asyncio.get_running_loop()
        self.drawn.append(Drawn(loop.time(), duration_s, what))
        self._over.clear()
        self._timer = loop.call_later(duration_s, self._finish, finish)

    def _finish(self, finish: Callable[[], None]) -> None:
        self._timer = None
        self._over.set()
        finish()

    def stop(self) -> bool:
        """Power is lost: the motion ends where it is. True if there was one."""
        if self._timer is None:
            return False
        self._timer.cancel()
        self._timer = None
        self._over.set()
        return True

    async def wait(self) -> None:
        """Wait until nothing moves."""
        await self._over.wait()


class Machine(Protocol):
    """A simulated machine as the assembly and the tests see it."""

    serial_number: str

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it closes. Motions outlive it; one connection at a time."""

    def cut_power(self) -> None:
        """Lose what needs power (bitmaps, sessions, last replies, motion); keep what is retentive.

        The machine is off: bytes that arrive are lost, nothing answers, until `restore_power`.
        """

    def restore_power(self) -> None:
        """Start up again as after a real power failure."""

    def drawn(self) -> list[Drawn]:
        """Every motion so far, for working out bounds and shares."""
