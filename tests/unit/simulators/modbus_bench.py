"""A hand-held Modbus master for tests: raw bytes out, raw bytes in, a CRC of its own."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from simulators.floor import ChipMemory, Floor
from simulators.machine import Machine
from simulators.wire import MemoryWire, memory_pair

_VECTORS = Path(__file__).parents[2] / "vectors" / "modbus.toml"


def golden() -> dict[str, bytes]:
    """Return the golden frames by name."""
    entries = tomllib.loads(_VECTORS.read_text(encoding="utf-8"))["vector"]
    return {entry["name"]: bytes.fromhex(entry["hex"]) for entry in entries}


def with_crc(body: bytes) -> bytes:
    """Append the CRC, worked out bit by bit with the polynomial A001."""
    check = 0xFFFF
    for value in body:
        check ^= value
        for _ in range(8):
            check = check >> 1 ^ 0xA001 if check & 1 else check >> 1
    return body + check.to_bytes(2, "little")


def stocked_floor(blanks: int) -> Floor:
    """Return a floor with blanks in the magazine."""
    floor = Floor()
    serials = (number.to_bytes(8, "big") for number in count(1))
    floor.load_blanks(blanks, (ChipMemory.new(serial) for serial in serials))
    return floor


class Master:
    """Asks by raw frames and takes answers apart."""

    def __init__(self, wire: MemoryWire) -> None:
        self.wire = wire

    async def ask(self, frame: bytes) -> bytes:
        """Send a whole frame and return what comes back, or nothing after a second."""
        await self.wire.send(frame)
        try:
            async with asyncio.timeout(1.0):
                return await self.wire.receive()
        except TimeoutError:
            return b""

    async def read(self, unit: int, function: int, address: int, registers: int) -> list[int]:
        """Read registers by function 03 or 04."""
        head = bytes((unit, function)) + address.to_bytes(2, "big") + registers.to_bytes(2, "big")
        answer = await self.ask(with_crc(head))
        assert answer[:3] == bytes((unit, function, 2 * registers)), answer.hex(" ")
        assert answer == with_crc(answer[:-2])
        return [int.from_bytes(answer[at : at + 2], "big") for at in range(3, 3 + 2 * registers, 2)]

    async def sensors(self, unit: int, address: int, sensors: int) -> list[bool]:
        """Read discrete inputs."""
        head = bytes((unit, 2)) + address.to_bytes(2, "big") + sensors.to_bytes(2, "big")
        answer = await self.ask(with_crc(head))
        assert answer[:2] == bytes((unit, 2)), answer.hex(" ")
        bits = int.from_bytes(answer[3:-2], "little")
        return [bool(bits >> place & 1) for place in range(sensors)]

    async def command(self, unit: int, *block: int) -> int:
        """Write a command block by function 16 and return the exception code, 0 if it is taken."""
        data = b"".join(value.to_bytes(2, "big") for value in block)
        head = bytes((unit, 16, 0, 0, 0, len(block)))
        answer = await self.ask(with_crc(head + bytes((len(data),)) + data))
        if answer == with_crc(head):
            return 0
        assert answer == with_crc(bytes((unit, 0x90, answer[2])))
        return answer[2]

    async def write(self, unit: int, address: int, value: int) -> int:
        """Write one register by function 06 and return the exception code, 0 if it is taken."""
        frame = with_crc(
            bytes((unit, 6)) + address.to_bytes(2, "big") + (value & 0xFFFF).to_bytes(2, "big")
        )
        answer = await self.ask(frame)
        if answer == frame:
            return 0
        assert answer == with_crc(bytes((unit, 0x86, answer[2])))
        return answer[2]


@asynccontextmanager
async def connected(machine: Machine) -> AsyncIterator[Master]:
    """Put a master on the far end of the machine's wire and hang up at the end."""
    near, far = memory_pair()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(machine.serve(far))
        try:
            yield Master(near)
        finally:
            await near.aclose()
