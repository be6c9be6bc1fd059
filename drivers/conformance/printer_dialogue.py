"""Raw questions to a card printer for checks: a command, and its one answer up to the NUL."""

import asyncio
from typing import Final

from drivers.conformance.bench import REPLY_S, Bench, shown
from drivers.conformance.check import Failed

#: Information bits: printing, encoding, cleaning or busy; a card anywhere inside.
MOVING, INSIDE = 0x000000E1, 0x1E000000
SETTLED_S: Final = 60.0
LOOK_S: Final = 0.05


def is_whole(heard: bytes) -> bool:
    """Tell whether an answer's NUL has come."""
    return heard.endswith(b"\0")


async def ask(bench: Bench, command: str, reply_s: float = REPLY_S) -> str:
    """Send a command and return its answer: one, of printable lines, ended by NUL."""
    heard = await bench.ask(b"\x1b%s\r" % command.encode("ascii"), reply_s)
    text = heard[:-1].decode("latin-1").replace("\n", " ")
    if not (heard.endswith(b"\0") and text.isascii() and text.isprintable()):
        raise Failed(f"{command}: {shown(heard)}")
    return text


async def ok(bench: Bench, command: str, reply_s: float = REPLY_S) -> None:
    """Send a command that must be done."""
    text = await ask(bench, command, reply_s)
    if text != "OK":
        raise Failed(f"{command}: {text}")


async def count(bench: Bench, command: str) -> int:
    """Read a counter."""
    text = await ask(bench, command)
    if not text.isdecimal():
        raise Failed(f"{command}: {text}")
    return int(text)


async def words(bench: Bench) -> tuple[int, int, int, int]:
    """Read configuration, information, warning and error."""
    text = await ask(bench, "Rpst")
    try:
        configuration, information, warning, error = (
            int(text[at : at + 8], 16) for at in range(0, 32, 8)
        )
    except ValueError:
        raise Failed(f"Rpst: {text}") from None
    return configuration, information, warning, error


async def settled(bench: Bench) -> tuple[int, int, int, int]:
    """Wait until nothing moves and return the status words."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + SETTLED_S
    while (status := await words(bench))[1] & MOVING:
        if loop.time() > give_up_s:
            raise Failed(f"still moving after {SETTLED_S:g} s")
        await asyncio.sleep(LOOK_S)
    return status
