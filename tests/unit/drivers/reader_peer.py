"""The far end of a read-back reader's wire: golden frames, or what mischief makes of them."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import reduce
from operator import xor
from pathlib import Path

from drivers.reader import ReadBackReader, ReaderTimeouts
from simulators.wire import MemoryWire, memory_pair

DOCUMENT = tomllib.loads(Path("tests/vectors/sdt.toml").read_text("utf-8"))
VECTORS = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in DOCUMENT["vector"]}
[GOLDEN_BASE] = DOCUMENT["golden_base"]
PHOTO = bytes(range(256)) * 4
FINGERPRINTS = (b"\x5a" * 512, bytes(range(256)) * 2)
ADDRESSES = tuple(f"示例路{number}号".ljust(35).encode("utf-16-le") for number in (2, 3))

Mischief = Callable[[str, int, bytes], list[bytes]]


def golden_text() -> bytes:
    return b"".join(
        field.ljust(width // 2).encode("utf-16-le")
        for field, width in zip(GOLDEN_BASE["fields"], GOLDEN_BASE["widths_bytes"], strict=True)
    )


def framed(body: str, *data: bytes) -> bytes:
    """Return the frame of an answer: its length and words, and its data."""
    whole = bytes.fromhex(body) + b"".join(data)
    return bytes.fromhex("AAAAAA9669") + whole + bytes((reduce(xor, whole),))


def golden_base_frame() -> bytes:
    return framed("0508 000090 0100 0400", golden_text(), PHOTO)


ANSWERS = {
    "reset": VECTORS["done"],
    "status": VECTORS["done"],
    "sam-id": VECTORS["sam-id-answer"],
    "find": VECTORS["found"],
    "select": VECTORS["selected"],
    "read-base": golden_base_frame(),
    "read-base-and-fingerprints": framed(
        "090A 000090 0100 0400 0400", golden_text(), PHOTO, *FINGERPRINTS
    ),
    "read-addresses": framed("0090 000090", *ADDRESSES),
    "read-management": VECTORS["management-answer"],
    "set-rf-88": VECTORS["done"],
}
NAMES = {VECTORS[name]: name for name in ANSWERS}


class Peer:
    """Answers each request with its golden frame, unless a test's mischief says otherwise.

    Mischief gets the request's name, how often it came before, and the good answer.
    """

    def __init__(self, wire: MemoryWire, mischief: Mischief) -> None:
        self.wire = wire
        self.mischief = mischief
        self.requests: list[str] = []
        self.times_s: list[float] = []

    async def serve(self) -> None:
        pending = b""
        while data := await self.wire.receive():
            pending += data
            while len(pending) >= 10:
                size_bytes = 7 + pending[6]
                if pending[:size_bytes] not in NAMES:
                    pending = pending[1:]  # another machine's language: heard and not understood
                    continue
                name, pending = NAMES[pending[:size_bytes]], pending[size_bytes:]
                count = self.requests.count(name)
                self.requests.append(name)
                self.times_s.append(asyncio.get_running_loop().time())
                for chunk in self.mischief(name, count, ANSWERS[name]):
                    if not chunk:
                        await self.wire.aclose()
                        return
                    await self.wire.send(chunk)


def no_mischief(_name: str, _count: int, answer: bytes) -> list[bytes]:
    return [answer]


def instead(name: str, *vectors: str) -> Mischief:
    """Answer a request with these vectors in turn, the last one for ever."""

    def mischief(asked: str, count: int, answer: bytes) -> list[bytes]:
        if asked != name:
            return [answer]
        return [VECTORS[vectors[min(count, len(vectors) - 1)]]]

    return mischief


@asynccontextmanager
async def bench(mischief: Mischief = no_mischief) -> AsyncIterator[tuple[ReadBackReader, Peer]]:
    near, far = memory_pair()
    peer = Peer(far, mischief)
    async with asyncio.TaskGroup() as group:
        group.create_task(peer.serve())
        reader = ReadBackReader(near, ReaderTimeouts())
        try:
            yield reader, peer
        finally:
            await reader.aclose()
