"""When to look whether a machine has finished: seldom while it cannot have, often when it is due.

It learns from the machine itself how long a motion takes, so it assumes nothing about a model or
about how fast a simulated machine runs. It knows nothing of wires; the caller looks.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from drivers.errors import ReplyTimeout

T = TypeVar("T")

#: Without knowledge: intervals grow from the first to the longest by this factor.
FIRST_INTERVAL_S = 0.02
LONGEST_BLIND_INTERVAL_S = 0.25
INTERVAL_GROWTH = 1.3
#: With knowledge: the first look at this share of the usual duration, then at this fraction of it.
FIRST_LOOK_SHARE = 0.9
INTERVAL_SHARE = 0.025
SHORTEST_INTERVAL_S = 0.01
LONGEST_INTERVAL_S = 0.5
#: For what takes minutes, such as heat.
SELDOM_INTERVAL_S = 0.5
LONGEST_SELDOM_INTERVAL_S = 2.0
#: The median of the last few durations is not moved by one motion that waited for a person.
REMEMBERED = 7
ENOUGH_TO_TELL = 3


class CompletionPoll:
    """How long each kind of motion of one machine takes, and the waiting for its end."""

    def __init__(self) -> None:
        self._durations_s: dict[str, deque[float]] = {}

    def usual_s(self, what: str) -> float | None:
        """Return the usual duration of this kind of motion, None while too few have been seen."""
        seen = self._durations_s.get(what, ())
        if len(seen) < ENOUGH_TO_TELL:
            return None
        return sorted(seen)[len(seen) // 2]

    async def until(
        self, what: str, look: Callable[[], Awaitable[T | None]], timeout_s: float
    ) -> T:
        """Look until `look` returns something; raises `ReplyTimeout` after `timeout_s`."""
        found = await self.watch(what, look, timeout_s)
        if found is None:
            raise ReplyTimeout(f"{what} did not finish in time", waited_s=timeout_s)
        return found

    async def watch(
        self, what: str, look: Callable[[], Awaitable[T | None]], timeout_s: float
    ) -> T | None:
        """Look until `look` returns something, or return None after `timeout_s`.

        `look` bounds its own waiting. The motion is taken to have just begun.
        """
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        usual_s = self.usual_s(what)
        pause_s = FIRST_INTERVAL_S if usual_s is None else usual_s * FIRST_LOOK_SHARE
        first_look = True
        while True:
            left_s = started_s + timeout_s - loop.time()
            await asyncio.sleep(max(0.0, min(pause_s, left_s)))
            found = await look()
            if found is not None:
                late = first_look and usual_s is not None
                self._remember(what, loop.time() - started_s, late=late)
                return found
            if left_s <= pause_s:
                return None
            first_look = False
            pause_s = _next_pause_s(pause_s, usual_s)

    def _remember(self, what: str, duration_s: float, *, late: bool) -> None:
        """Keep a duration; one that was over before the first look is only known to be shorter."""
        seen = self._durations_s.setdefault(what, deque(maxlen=REMEMBERED))
        seen.append(duration_s / 2 if late else duration_s)


def _next_pause_s(pause_s: float, usual_s: float | None) -> float:
    if usual_s is None:
        return min(pause_s * INTERVAL_GROWTH, LONGEST_BLIND_INTERVAL_S)
    return min(max(usual_s * INTERVAL_SHARE, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S)


async def look_seldom(look: Callable[[], Awaitable[T | None]], timeout_s: float) -> T | None:
    """Look at once and then ever more seldom; return None after `timeout_s`."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + timeout_s
    pause_s = SELDOM_INTERVAL_S
    while True:
        found = await look()
        left_s = give_up_s - loop.time()
        if found is not None or left_s <= 0:
            return found
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * INTERVAL_GROWTH, LONGEST_SELDOM_INTERVAL_S)
