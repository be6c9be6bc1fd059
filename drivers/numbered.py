"""Commands that carry a number: the evidence that such a machine keeps, and what it proves.

A machine keeps the numbers last started and last finished; a number that is already there starts
nothing. How a number travels, and which commands there are, is the business of each driver.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from drivers.errors import DriverError, HardwareFault
from drivers.outcome import Note, Outcome

LAST_NUMBER: Final = 65535


class Numbers(Protocol):
    """The two numbers that every reading of a machine's state carries."""

    @property
    def started(self) -> int:
        """Number of the command last started."""

    @property
    def finished(self) -> int:
        """Number of the command last finished."""


State = TypeVar("State", bound=Numbers)


def next_number(started: int) -> int:
    """Return the number after the one last started: 1 after 65,535 and after a lost memory."""
    return started % LAST_NUMBER + 1


def judge(note: Note, state: Numbers, *, moved_nothing: bool) -> Outcome:
    """Tell what became of the command of this note; 0 means that the machine lost its memory.

    `moved_nothing`: the machine's present fault says that its last command did nothing.
    """
    if not state.started or not state.finished:
        return Outcome.UNKNOWN
    if state.finished == note["sequence"]:
        return Outcome.DONE
    if state.started == note["started"]:
        return Outcome.NOT_DONE
    if state.started == note["sequence"] and moved_nothing:
        return Outcome.NOT_DONE
    return Outcome.UNKNOWN


def command_progress(
    read: Callable[[], Awaitable[State]],
    wrong: Callable[[State], DriverError | None],
    note: Note,
) -> Callable[[], Awaitable[State | None]]:
    """Return a look at a command that was accepted: its end, None while it runs, or its failure."""

    async def look() -> State | None:
        state = await read()
        if state.finished == note["sequence"]:
            return state
        if state.started == note["sequence"]:
            error = wrong(state)
            if error is not None:
                raise error
        elif state.started != note["started"]:
            raise HardwareFault(
                "the machine forgot the command that it had accepted", last_started=state.started
            )
        return None

    return look
