"""A raw-byte CCID reader with a T=1 chip, written from the documents for the driver's tests.

It understands good commands only; what goes wrong is put in by a test through `mischief`, which
sees each command frame and the chunks that would be sent, and returns the chunks that are.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from pathlib import Path

from drivers.ccid_reader import CcidReader
from drivers.chip_keys import ChipKeys
from drivers.chip_profile import ChipContents, ChipProfile, profile_named
from drivers.encoder import ChipEncoder
from drivers.outcome import Note
from simulators.wire import MemoryWire, memory_pair

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(Path("tests/vectors/ccid.toml").read_text("utf-8"))["vector"]
}
PROFILE = profile_named("rid2-plain")
CONTENTS = ChipContents(
    {
        1: bytes(range(256)),
        2: bytes(range(255, -1, -1)) * 4,
        3: bytes(1024),
        4: b"\x20\0" * 140,
    },
    card_serial=bytes(range(0x31, 0x41)),
)
NOTE: Note = {
    "serial_number": "ENC-0001",
    "chip_serial": "2299010203040506",
    "life_cycle": 3,
}
TRANSFER, POWER_ON = 0x6F, 0x62

APPLICATION = bytes.fromhex("F052494432")
ATR = bytes.fromhex("3B 85 81 31 FE 4D 49 44 53 49 4D DC")
HANG_UP = [b""]
Mischief = Callable[[int, bytes, list[bytes]], list[bytes]]


def framed(body: bytes) -> bytes:
    return body + bytes((reduce(xor, body),))


@dataclass
class Chip:
    """An unlocked chip of profile rid2; `commands` are all APDUs that reached it."""

    serial: bytes = bytes.fromhex("2299010203040506")
    life_cycle: int = 3
    atr: bytes = ATR
    mute: bool = False
    commands: list[bytes] = field(default_factory=list)
    refuse: dict[int, str] = field(default_factory=dict)  # by instruction code
    files: dict[int, bytearray] = field(default_factory=dict)
    selected: int = 0

    def __post_init__(self) -> None:
        sizes = {1: 256, 2: 1024, 3: 1024, 4: 280}
        self.files = {number: bytearray(size) for number, size in sizes.items()}
        self.files[5] = bytearray(self.serial + bytes(16))

    def apdu(self, command: bytes) -> bytes:
        self.commands.append(command)
        instruction = command[1]
        if instruction in self.refuse:
            return bytes.fromhex(self.refuse[instruction])
        offset = int.from_bytes(command[2:4])
        match instruction:
            case 0xA4 if command[2] == 4:
                if self.life_cycle == 0x0C or command[5:10] != APPLICATION:
                    return b"\x6a\x82"
                self.selected = 0
                return bytes((0x62, 3, 0x8A, 1, self.life_cycle)) + b"\x90\0"
            case 0xA4:
                self.selected = int.from_bytes(command[5:7])
            case 0xB0:
                length = command[4] or 256
                return bytes(self.files[self.selected][offset : offset + length]) + b"\x90\0"
            case 0xD6:
                if self.life_cycle != 3:
                    return b"\x69\x85"
                self.files[self.selected][offset : offset + command[4]] = command[5:]
            case 0x44 if self.selected == 0:
                self.life_cycle = 5
            case 0xE6 if self.selected == 0:
                self.life_cycle = 0x0C
            case _:
                return b"\x6d\0"
        return b"\x90\0"


class Peer:
    """The reader; `frames` are all whole CCID frames that came."""

    def __init__(self, wire: MemoryWire, chip: Chip | None, *, echo: bool = True) -> None:
        self.wire = wire
        self.chip = chip
        self.echo = echo
        self.serial_number: bytes | None = b"ENC-0001"
        self.mischief: Mischief = lambda _number, _frame, chunks: chunks
        self.deaf_to: Callable[[bytes], bool] = lambda _frame: False
        self.frames: list[bytes] = []
        self.powered = False
        self._card_turn = 0
        self._host_turn = 0
        self._last_block = b""
        self._last_frame = b""

    async def serve(self) -> None:
        pending = b""
        while data := await self.wire.receive():
            pending += data
            while len(pending) >= 3:
                size = 3 if pending[1] == 0x15 else 13 + int.from_bytes(pending[3:7], "little")
                if len(pending) < size:
                    break
                frame, pending = pending[:size], pending[size:]
                if not await self._reply(frame):
                    return

    async def _reply(self, frame: bytes) -> bool:
        self.frames.append(frame)
        if self.deaf_to(frame):
            self._last_frame = b"\x03\x15\x16"
        elif frame[1] != 0x15:
            self._last_frame = self._answer(frame)
        chunks = [frame] if self.echo else []
        chunks = self.mischief(len(self.frames) - 1, frame, [*chunks, self._last_frame])
        for chunk in chunks:
            if not chunk:
                await self.wire.aclose()
                return False
            await self.wire.send(chunk)
        return True

    def _answer(self, frame: bytes) -> bytes:
        assert reduce(xor, frame) == 0, "the driver sent a wrong LRC"
        data = frame[12:-1]
        card = 2 if self.chip is None else 0 if self.powered else 1
        match frame[2]:
            case 0x6B:
                return self._escape(frame, card, data)
            case 0x62 if self.chip is None or self.chip.mute:
                return self._message(0x80, frame, card | 0x40, 0xFE)
            case 0x62:
                self.powered, self._card_turn, self._host_turn = True, 0, 0
                return self._message(0x80, frame, 0, 0, self.chip.atr if self.chip else b"")
            case 0x63:
                self.powered = False
                return self._message(0x81, frame, 1, 0)
            case 0x65:
                return self._message(0x81, frame, card, 0)
            case 0x61:
                return self._message(0x82, frame, card, 0, data)
            case _ if not self.powered or self.chip is None or self.chip.mute:
                return self._message(0x80, frame, card | 0x40, 0xFE)
            case _:
                return self._message(0x80, frame, 0, 0, self._block(data, self.chip))

    def _escape(self, frame: bytes, card: int, data: bytes) -> bytes:
        if data == b"\x02":
            return self._message(0x83, frame, card, 0, b"GemTwin-V2.00-SIM")
        if data == b"\x04" and self.serial_number is not None:
            return self._message(0x83, frame, card, 0, self.serial_number)
        return self._message(0x83, frame, card | (0x40 if data == b"\x04" else 0), 0)

    def _block(self, block: bytes, chip: Chip) -> bytes:
        if block == b"\xff\x01\xfe":
            return block
        if block[1] & 0xC0 == 0xC0:
            if block[1] == 0xC0:
                self._card_turn = self._host_turn = 0
            return framed(bytes((0, block[1] | 0x20, block[2])) + block[3:-1])
        if block[1] & 0x80:
            wanted = block[1] >> 4 & 1
            if wanted == self._card_turn:  # nothing was sent under this number yet
                return framed(bytes((0, 0x80 | self._host_turn << 4, 0)))
            return self._last_block
        assert block[1] >> 6 == self._host_turn, "the driver's sequence number is wrong"
        answer = chip.apdu(block[3:-1])
        self._last_block = framed(bytes((0, self._card_turn << 6, len(answer))) + answer)
        self._card_turn ^= 1
        self._host_turn ^= 1
        return self._last_block

    @staticmethod
    def _message(kind: int, asked: bytes, status: int, error: int, data: bytes = b"") -> bytes:
        length = len(data).to_bytes(4, "little")
        head = bytes((3, 6, kind)) + length + bytes((asked[7], asked[8], status, error, 0))
        return framed(head + data)


@asynccontextmanager
async def bench(
    chip: Chip | None,
    *,
    echo: bool = True,
    driver_echo: bool = True,
    profile: ChipProfile = PROFILE,
    keys: ChipKeys | None = None,
) -> AsyncIterator[tuple[ChipEncoder, Peer]]:
    near, far = memory_pair()
    peer = Peer(far, chip, echo=echo)
    async with asyncio.TaskGroup() as group:
        group.create_task(peer.serve())
        encoder = ChipEncoder(CcidReader(near, echo=driver_echo), profile, keys=keys)
        try:
            yield encoder, peer
        finally:
            await encoder.aclose()


def instructions(chip: Chip) -> list[int]:
    return [command[1] for command in chip.commands]


def carried_instruction(frame: bytes) -> int | None:
    """Return the instruction code inside an XfrBlock with an I-block."""
    is_command = len(frame) > 18 and frame[2] == TRANSFER and frame[13] & 0x80 == 0
    return frame[16] if is_command else None
