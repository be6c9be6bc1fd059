"""An event loop on which time jumps to the next timer, so that hours take milliseconds.

Nothing of the product knows which loop it runs on. Sockets and pipes still work, polled without
waiting; a loop with nothing ready and no timer is a deadlock and raises `Stalled`.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class Stalled(RuntimeError):
    """Nothing is ready and nothing will ever be: every task waits for another."""


class _JumpingSelector(selectors.SelectSelector):
    """Never sleeps: tells the loop how far to jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda _seconds: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # While callbacks are ready time stands still; descriptors are asked before it moves on.
        if timeout is not None and timeout <= 0:
            return []
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Stalled
            self.jump(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at second 0. Executors run inline, so that threads add no chance."""

    def __init__(self) -> None:
        self._now_s = 0.0
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.jump = self._jump

    def _jump(self, seconds: float) -> None:
        self._now_s += seconds

    def time(self) -> float:
        """Return the virtual time in seconds since the loop was made."""
        return self._now_s

    def run_in_executor(  # type: ignore[override]  # asyncio promises awaitables of many kinds
        self, _executor: Any, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Run the function at once, in order."""
        future = self.create_future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001  (handed to whoever awaits the future)
            future.set_exception(error)
        return future
