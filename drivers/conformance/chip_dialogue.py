"""A chip in the field of an encoder, for checks: power, and agreement on T=1 or T=0.

Over T=1 it gives and takes blocks, over T=0 single transfers; both strictly.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from drivers.atr import AnswerToReset, parse_atr
from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.ccid_dialogue import (
    ABSENT,
    POWER_OFF,
    POWER_ON,
    SET_PARAMETERS,
    TRANSFER,
    Reply,
    done,
    frame,
    reply,
)
from drivers.conformance.check import Failed, Skipped
from drivers.errors import ChipMute
from drivers.t1 import block

CARD_S: Final = 10.0
WAITING_EXTENSIONS_MAX: Final = 60
PPS_T1: Final = bytes.fromhex("FF01FE")
PPS_T0: Final = bytes.fromhex("FF00FF")
OK: Final = 0x9000
_GET_RESPONSE: Final = b"\x00\xc0\x00\x00"


class Answering(Protocol):
    """A powered chip, whatever protocol it speaks."""

    async def ask(self, command: bytes) -> tuple[bytes, int]:
        """Exchange a short command; returns data and status word."""


class Chip:
    """A powered chip that speaks T=1; it forgives nothing."""

    def __init__(self, bench: Bench, atr: AnswerToReset) -> None:
        self._bench = bench
        self.atr = atr
        self._to_send = 0
        self._to_come = 0

    async def block(self, request: bytes) -> bytes:
        """Exchange one block, granting the time that the chip asks for."""
        answer = await self._transfer(request)
        for _ in range(WAITING_EXTENSIONS_MAX):
            if answer[1:2] != b"\xc3":
                return answer
            answer = await self._transfer(block(0xE3, answer[3:-1]))
        raise Failed("the chip asks for more time without end")

    async def ask(self, command: bytes) -> tuple[bytes, int]:
        """Exchange a command whose answer fits one block; returns data and status word."""
        size = self.atr.information_field_bytes
        while len(command) > size:
            head = await self.block(self.information(command[:size], more=True))
            if head != block(0x80 | self._to_send << 4):
                raise Failed(f"instead of R({self._to_send}): {shown(head[:4])}")
            command = command[size:]
        return self.take(await self.block(self.information(command)))

    def information(self, data: bytes, *, more: bool = False) -> bytes:
        """Return the next I-block; it counts as acknowledged."""
        pcb = self._to_send << 6 | more << 5
        self._to_send ^= 1
        return block(pcb, data)

    def take(self, answer: bytes) -> tuple[bytes, int]:
        """Read the chip's one I-block, whose number must be the next."""
        if len(answer) < 6 or answer[1] != self._to_come << 6:
            raise Failed(f"instead of I({self._to_come}): {shown(answer[:3])}")
        self._to_come ^= 1
        return answer[3:-3], int.from_bytes(answer[-3:-1], "big")

    async def _transfer(self, request: bytes) -> bytes:
        answer = (await done(self._bench, frame(TRANSFER, request), CARD_S)).data
        if (
            len(answer) < 4
            or answer[2] != len(answer) - 4
            or block(answer[1], answer[3:-1]) != answer
        ):
            raise Failed(f"no block: {shown(answer[:4])}")
        return answer


class T0Chip:
    """A powered chip that speaks T=0; it forgives nothing."""

    def __init__(self, bench: Bench, atr: AnswerToReset) -> None:
        self._bench = bench
        self.atr = atr

    async def transfer(self, data: bytes) -> tuple[bytes, int]:
        """Exchange one transfer: a header, and the data that it announces."""
        answer = (await done(self._bench, frame(TRANSFER, data), CARD_S)).data
        if len(answer) < 2:
            raise Failed(f"no status word: {shown(answer)}")
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    async def get_response(self, length: int) -> tuple[bytes, int]:
        """Ask for so much of what waits."""
        return await self.transfer(_GET_RESPONSE + bytes((length & 0xFF,)))

    async def ask(self, command: bytes) -> tuple[bytes, int]:
        """Exchange a short command of any case; an answer to data is fetched whole."""
        brings_data = len(command) > 5
        # T=0 carries no Le beside data, and always a fifth byte.
        sent = command[: 5 + command[4]] if brings_data else command.ljust(5, b"\0")
        data, word = await self.transfer(sent)
        if not brings_data or word >> 8 != 0x61:
            return data, word
        if data:
            raise Failed(f"{len(data)} bytes beside {word:04X}")
        data, fetched = await self.get_response(word)
        if fetched == OK and len(data) != (word & 0xFF or 256):
            raise Failed(f"{len(data)} bytes after {word:04X}")
        return data, fetched


async def powered(bench: Bench, volts: int = 1) -> Reply:
    """Reset the chip and return the answer; the card must be there."""
    if (await reply(bench, frame(POWER_OFF))).card == ABSENT:
        raise Skipped("no card is in the field")
    return await reply(bench, frame(POWER_ON, parameters=bytes((volts, 0, 0))), CARD_S)


@asynccontextmanager
async def opened(bench: Bench) -> AsyncIterator[Chip]:
    """Power the chip on, agree on T=1, and power it off afterwards."""
    answer = await powered(bench)
    if answer.failed:
        raise Failed(str(answer))
    atr = parsed(answer.data)
    if 1 not in atr.protocols:
        raise Skipped("the chip speaks no T=1")
    if atr.negotiable and (await done(bench, frame(TRANSFER, PPS_T1), CARD_S)).data != PPS_T1:
        raise Failed("the chip does not agree to T=1")
    await done(bench, frame(SET_PARAMETERS, atr.t1_parameters(), parameters=b"\1\0\0"))
    try:
        yield Chip(bench, atr)
    finally:
        await done(bench, frame(POWER_OFF))


@asynccontextmanager
async def opened_t0(bench: Bench) -> AsyncIterator[T0Chip]:
    """Power the chip on, agree on T=0, and power it off afterwards."""
    answer = await powered(bench)
    if answer.failed:
        raise Failed(str(answer))
    atr = parsed(answer.data)
    if 0 not in atr.protocols:
        raise Skipped("the chip speaks no T=0")
    # The protocol that is offered first is spoken without an agreement.
    agree = atr.negotiable and atr.protocols[0] != 0
    if agree and (await done(bench, frame(TRANSFER, PPS_T0), CARD_S)).data != PPS_T0:
        raise Failed("the chip does not agree to T=0")
    await done(bench, frame(SET_PARAMETERS, atr.t0_parameters()))
    try:
        yield T0Chip(bench, atr)
    finally:
        await done(bench, frame(POWER_OFF))


def parsed(atr: bytes) -> AnswerToReset:
    """Read an answer to reset that must be right."""
    try:
        return parse_atr(atr)
    except ChipMute as error:
        raise Failed(f"{error} {shown(atr)}") from None


def with_chip(run: Callable[[Chip], Awaitable[str]]) -> Run:
    """Return the run of what needs a powered chip."""

    async def on_chip(bench: Bench) -> str:
        async with opened(bench) as chip:
            return await run(chip)

    return on_chip


def with_t0_chip(run: Callable[[T0Chip], Awaitable[str]]) -> Run:
    """Return the run of what needs a powered chip that speaks T=0."""

    async def on_chip(bench: Bench) -> str:
        async with opened_t0(bench) as chip:
            return await run(chip)

    return on_chip
