"""A scripted Modbus slave for tests: raw bytes to raw bytes, with a CRC of its own."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from simulators.wire import MemoryWire, memory_pair

VECTORS = Path(__file__).parents[2] / "vectors" / "modbus.toml"
SILENCE = b""


def vector(name: str) -> bytes:
    """Return a golden frame."""
    entries = tomllib.loads(VECTORS.read_text(encoding="utf-8"))["vector"]
    return bytes.fromhex(next(entry["hex"] for entry in entries if entry["name"] == name))


def sealed(body: str | bytes) -> bytes:
    """Return a frame: the body and its CRC, worked out bit by bit."""
    data = bytes.fromhex(body) if isinstance(body, str) else body
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ 0xA001 if remainder & 1 else remainder >> 1
    return data + remainder.to_bytes(2, "little")


def registers(unit: int, function: int, *values: int) -> bytes:
    """Return a read answer."""
    data = b"".join(value.to_bytes(2, "big") for value in values)
    return sealed(bytes((unit, function, len(data))) + data)


def identification(unit: int, access_code: int, objects: Mapping[int, bytes]) -> bytes:
    """Return an identification answer that holds everything."""
    listed = b"".join(bytes((number, len(text))) + text for number, text in objects.items())
    start = bytes((unit, 0x2B, 0x0E, access_code, 0x83, 0, 0, len(objects)))
    return sealed(start + listed)


class ScriptedSlave:
    """Answers each request it knows with the next of its answers; the last one repeats."""

    def __init__(
        self, wire: MemoryWire, answers: Mapping[str, Sequence[bytes]], *, byte_by_byte: bool
    ) -> None:
        self._wire = wire
        self._answers = {bytes.fromhex(key): list(value) for key, value in answers.items()}
        self._byte_by_byte = byte_by_byte
        self.requests: list[bytes] = []

    def count(self, body: str) -> int:
        """Return how often this request came."""
        return self.requests.count(sealed(body))

    async def serve(self) -> None:
        """Answer until the wire closes."""
        buffer = b""
        while data := await self._wire.receive():
            buffer += data
            while len(buffer) >= 7 and len(buffer) >= (size := _request_bytes(buffer)):
                request, buffer = buffer[:size], buffer[size:]
                if sealed(request[:-2]) != request:
                    buffer = b""  # damaged, or another machine's language: no slave answers it
                    break
                self.requests.append(request)
                await self._answer(request[:-2])

    async def _answer(self, body: bytes) -> None:
        answers = self._answers.get(body)
        assert answers is not None, f"nobody scripted {body.hex(' ')}"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        pieces = [bytes((byte,)) for byte in answer] if self._byte_by_byte else [answer]
        for piece in pieces:
            await self._wire.send(piece)
            if self._byte_by_byte:
                await asyncio.sleep(0.001)


def _request_bytes(buffer: bytes) -> int:
    return {0x10: 9 + buffer[6], 0x2B: 7}.get(buffer[1], 8)


@asynccontextmanager
async def slave(
    answers: Mapping[str, Sequence[bytes]], *, byte_by_byte: bool = False
) -> AsyncIterator[tuple[MemoryWire, ScriptedSlave]]:
    """Serve a script at the far end of a wire."""
    near, far = memory_pair()
    peer = ScriptedSlave(far, answers, byte_by_byte=byte_by_byte)
    async with asyncio.TaskGroup() as group:
        group.create_task(peer.serve())
        try:
            yield near, peer
        finally:
            await near.aclose()
