"""A thread of its own for a library that blocks: one call at a time, each waited for within a time.

A call that hangs is left behind, and what was to follow it is not begun any more once nobody waits
for it. What the calls do is not known here.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import Queue
from threading import Thread
from typing import Any, Final, TypeAlias, TypeVar

from drivers.errors import ReplyTimeout

#: Calls that were given up and wait behind one that hangs.
WAITING_MAX: Final = 8

Value = TypeVar("Value")
_Call: TypeAlias = "tuple[Future[Any], Callable[[], Any]]"


class OwnThread:
    """Runs calls in the order in which they came. The process does not wait for it at its end."""

    def __init__(self, name: str) -> None:
        # Room for the last call and the end behind all that wait.
        self._calls: Queue[_Call | None] = Queue(WAITING_MAX + 2)
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], Value], timeout_s: float) -> Value:
        """Return what the call returns; raises `ReplyTimeout` when that takes too long.

        A call that has not begun by then never does; one that has goes on, unheard.
        """
        if self._calls.qsize() >= WAITING_MAX:
            raise ReplyTimeout("An earlier call hangs, and too many wait behind it.")
        future: Future[Value] = Future()
        self._calls.put_nowait((future, call))
        return await _result(future, timeout_s)

    async def end(self, last_call: Callable[[], None], timeout_s: float) -> None:
        """Run one last call and end; if that takes too long it still is, but unheard."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # nobody can call it off any more
        self._calls.put_nowait((future, last_call))
        self._calls.put_nowait(None)
        await _result(future, timeout_s)

    def _work(self) -> None:
        while (one := self._calls.get()) is not None:
            future, call = one
            if not (future.running() or future.set_running_or_notify_cancel()):
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  (it is raised where it is waited for)
                future.set_exception(error)
            else:
                future.set_result(result)


async def _result(future: "Future[Value]", timeout_s: float) -> Value:
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        raise ReplyTimeout(waited_s=timeout_s) from error
