"""socat as a cable: two ends, joined once both are as they were asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.peers.peer import peer, started

JOINED_TIMEOUT_S = 10.0


def port(link: Path) -> str:
    """Return the end that is a serial port of socat's own, under this name."""
    return f"pty,raw,echo=0,link={link}"


@asynccontextmanager
async def joined(one: str, other: str) -> AsyncIterator[None]:
    """Join two ends; leaving pulls the cable.

    A port's name is there before its line is set and its far end open: it must not be used yet.
    """
    program = peer("socat", "socat", "-V")
    async with started(program, "-d", "-d", one, other) as process:
        assert process.stdout is not None
        async with asyncio.timeout(JOINED_TIMEOUT_S):
            await process.stdout.readuntil(b"starting data transfer loop")
        yield
