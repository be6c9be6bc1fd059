"""What the real processes of ours share: how they are told to stop, and say in one line why not.

It imports little, so that whoever only serves machines does not wait for all that a centre needs.
"""

import asyncio
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Say = Callable[[str], None]


class CannotRun(Exception):
    """The centre or its machines cannot be started; one line says why."""

    code = "centre.cannot_run"


def allow_many_descriptors() -> None:
    """Lift our own soft limit: each station, client and file of the ledger takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def told_to_stop(stack: AsyncExitStack) -> asyncio.Event:
    """Return what is set by SIGTERM, SIGINT or a closed terminal for as long as the stack is open.

    What the starter had us ignore stays ignored, as `nohup` wants it.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(number, stop.set)
        stack.callback(loop.remove_signal_handler, number)
    return stop


@contextmanager
def refused_for(*faults: type[Exception]) -> Iterator[None]:
    """Turn faults of the world that end a process into `CannotRun`, out of groups of tasks too."""
    try:
        yield
    except faults as error:
        raise CannotRun(str(error)) from error
    except BaseExceptionGroup as group:
        kinds: tuple[type[Exception], ...] = (CannotRun, *faults)
        known, rest = group.split(kinds)
        if known is None or rest is not None:
            raise
        raise CannotRun(str(_first(known))) from group


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
