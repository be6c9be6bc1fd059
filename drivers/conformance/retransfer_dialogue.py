"""Raw frames to a retransfer printer for checks: one question, its one answer, and its status."""

import asyncio
import zlib
from collections.abc import Sequence
from typing import Final

from drivers.conformance.bench import REPLY_S, Bench, shown
from drivers.conformance.check import Failed
from drivers.retransfer_frames import ANSWER, Ask, Code, RetransferStatus, frame, parse_status

SETTLED_S: Final = 120.0
LOOK_S: Final = 0.05
TAG: Final = 0x5A5A
_HEADER_BYTES, _CRC_BYTES = 8, 4


def is_whole(heard: bytes) -> bool:
    """Tell whether the frame that the bytes begin with is there."""
    length = int.from_bytes(heard[4:7], "big") + _HEADER_BYTES + _CRC_BYTES
    return len(heard) >= max(length, _HEADER_BYTES)


def payload_of(heard: bytes, kind: int, tag: int = TAG) -> bytes:
    """Return the payload of an answer that is right in every byte."""
    right = (
        len(heard) >= _HEADER_BYTES + _CRC_BYTES
        and heard[:4] == bytes((0x7E, kind | ANSWER)) + tag.to_bytes(2, "big")
        and len(heard) == int.from_bytes(heard[4:7], "big") + _HEADER_BYTES + _CRC_BYTES
        and _xor(heard[:_HEADER_BYTES]) == 0
        and zlib.crc32(heard[:-_CRC_BYTES]).to_bytes(4, "big") == heard[-_CRC_BYTES:]
    )
    if not right:
        raise Failed(shown(heard))
    return heard[_HEADER_BYTES:-_CRC_BYTES]


async def ask(bench: Bench, kind: Ask, payload: bytes = b"", reply_s: float = REPLY_S) -> bytes:
    """Ask one question and return the payload of its answer."""
    return payload_of(await bench.ask(frame(kind, TAG, payload), reply_s), kind)


async def names(bench: Bench) -> Sequence[str]:
    """Return model, serial number and firmware."""
    texts = (await ask(bench, Ask.WHO)).decode("latin-1").split("\0")
    printable = all(text.isascii() and text.isprintable() for text in texts)
    if len(texts) != 3 or not all(texts[:2]) or not printable:
        raise Failed(f"{len(texts)} texts, not all of them names")
    return texts


async def code(bench: Bench, kind: Ask, payload: bytes, wanted: Code) -> str:
    """Send a command that must be answered with a certain code."""
    answer = await ask(bench, kind, payload)
    if answer != bytes((wanted,)):
        raise Failed(f"code {answer.hex().upper() or 'missing'}")
    return f"code {wanted:02X}"


async def status(bench: Bench) -> RetransferStatus:
    """Read the status."""
    return parse_status(await ask(bench, Ask.STATUS))


async def settled(bench: Bench) -> RetransferStatus:
    """Wait until nothing moves and return the status."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + SETTLED_S
    while (now := await status(bench)).moving:
        if loop.time() > give_up_s:
            raise Failed(f"still moving after {SETTLED_S:g} s")
        await asyncio.sleep(LOOK_S)
    return now


def _xor(data: bytes) -> int:
    check = 0
    for byte in data:
        check ^= byte
    return check
