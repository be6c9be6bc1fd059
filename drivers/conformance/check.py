"""A check of a conformance table, what came of it, and the running of a table.

Checks stand for themselves: each puts right what it changed, and none relies on another. Which
checks there are is said by the tables.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from drivers.errors import DriverError, WireClosed

#: What a check may take, unless its machine must heat or take long bitmaps.
CHECK_TIMEOUT_S: Final = 60.0
#: A wire that stays silent in so many checks is not waited for in all others.
SILENT_CHECKS: Final = 3


class Failed(Exception):
    """The machine did otherwise; its text says what was seen."""


class Skipped(Exception):
    """The machine's state or options do not allow this check; its text says why."""


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "PASS"  # noqa: S105  (a verdict, not a password)
    FAIL = "FAIL"
    SKIP = "SKIP"


class Silenced(Protocol):
    """What is at the machine's wire."""

    heard_bytes: int

    async def fall_silent(self) -> None:
        """Read away what an earlier check left."""


On = TypeVar("On", bound=Silenced)


@dataclass(frozen=True, slots=True)
class Check(Generic[On]):
    """One thing that a machine must do; `run` returns what was seen, or raises."""

    id: str
    title: str
    section: str
    expected: str
    run: Callable[[On], Awaitable[str]]
    #: How many cards it uses up: it runs only if so many were granted.
    cards: int = 0
    timeout_s: float = CHECK_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check; `seen` holds no personal data."""

    id: str
    title: str
    section: str
    expected: str
    verdict: Verdict
    seen: str


async def run_checks(
    checks: Sequence[Check[On]], bench: On, cards: int = 0
) -> AsyncIterator[Result]:
    """Run a table in its order; when the wire is gone or silent, the rest is skipped."""
    gone = False
    for number, check in enumerate(checks):
        if gone:
            verdict, seen = Verdict.SKIP, "the wire is gone"
        elif number >= SILENT_CHECKS and not bench.heard_bytes:
            verdict, seen = Verdict.SKIP, "nothing has answered so far"
        elif check.cards > cards:
            verdict, seen = Verdict.SKIP, f"uses up {check.cards} card: say --consume"
        else:
            verdict, seen, gone = await _run(check, bench)
            if verdict is not Verdict.SKIP:
                cards -= check.cards
        yield Result(check.id, check.title, check.section, check.expected, verdict, seen)


async def _run(check: Check[On], bench: On) -> tuple[Verdict, str, bool]:
    try:
        async with asyncio.timeout(check.timeout_s):
            await bench.fall_silent()
            return Verdict.PASS, await check.run(bench), False
    except Failed as failed:
        return Verdict.FAIL, str(failed), False
    except Skipped as skipped:
        return Verdict.SKIP, str(skipped), False
    except TimeoutError:
        return Verdict.FAIL, f"not over after {check.timeout_s:g} s", False
    except WireClosed as closed:
        return Verdict.FAIL, str(closed), True
    except DriverError as error:
        return Verdict.FAIL, f"{error.code}: {error}", False
