"""Modbus RTU master: the dialogue with the slaves of one wire.

Queries and single registers (a value set twice is the same value) are asked again after damage or
silence; a block of registers may be a command and is sent once. It does not know what any register
means.
"""

import asyncio
from collections.abc import Mapping, Sequence

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
)
from drivers.link import Link
from drivers.modbus_frames import (
    BASIC_STREAM,
    INDIVIDUAL,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    Answer,
    AnswerDecoder,
    Damage,
    Question,
    identification_question,
    read_question,
    write_register_question,
    write_registers_question,
)
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire

SLAVE_BUSY = 0x06
#: The first attempt and two repeats.
ATTEMPTS = 3
#: Silence between frames that the standard fixes for all rates above 19200 baud.
SILENCE_S = 0.00175
#: An identification may come in several answers; a slave that never ends is not followed for ever.
MOST_IDENTIFICATION_ANSWERS = 8


def refusal(answer: Answer) -> DriverError:
    """Return the error that an exception answer stands for."""
    kind = NotReady if answer.exception_code == SLAVE_BUSY else CommandRefused
    return kind(unit=answer.body[0], modbus_exception=answer.exception_code)


class ModbusMaster:
    """The dialogue with all slaves of one wire."""

    def __init__(self, wire: Wire, reply_timeout_s: float) -> None:
        self._decoder = AnswerDecoder()
        self._link: Link[Answer | Damage] = Link(wire, self._decoder)
        self._reply_timeout_s = reply_timeout_s
        self._quiet_since_s = 0.0

    async def read_holding(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Read holding registers."""
        return (await self._query(read_question(unit, READ_HOLDING, address, count))).registers()

    async def read_input(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Read input registers; one answer is one moment of the machine."""
        return (await self._query(read_question(unit, READ_INPUT, address, count))).registers()

    async def read_discrete(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """Read discrete inputs."""
        return (await self._query(read_question(unit, READ_DISCRETE, address, count))).bits(count)

    async def raise_if_stranger(self, expected: str) -> None:
        """Raise `WrongDevice` if a machine that speaks no Modbus, or another one, answers."""
        async with self._link:
            await raise_if_stranger(self._link, expected, self._reply_timeout_s)

    async def write_register(self, unit: int, address: int, value: int) -> None:
        """Set one register, again if need be."""
        await self._query(write_register_question(unit, address, value))

    async def write_registers(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write a block of registers once; after an error it is not known whether it arrived."""
        question = write_registers_question(unit, address, values)
        async with self._link:
            answer = await self._ask(question)
        if answer.exception_code:
            raise refusal(answer)

    async def read_identification(self, unit: int) -> Mapping[int, bytes]:
        """Read the basic identification objects: maker, product code, revision."""
        found: dict[int, bytes] = {}
        first = 0
        for _ in range(MOST_IDENTIFICATION_ANSWERS):
            question = identification_question(unit, BASIC_STREAM, first)
            objects, following = (await self._query(question)).objects()
            found.update(objects)
            if following is None:
                return found
            first = following
        raise UnexpectedReply("the machine's identification never ends", unit=unit)

    async def read_identification_object(self, unit: int, number: int) -> bytes:
        """Read one identification object by individual access."""
        question = identification_question(unit, INDIVIDUAL, number)
        objects, _ = (await self._query(question)).objects()
        if number not in objects:
            raise UnexpectedReply("the machine named another object", unit=unit, object=number)
        return objects[number]

    async def aclose(self) -> None:
        """Close the wire."""
        await self._link.aclose()

    async def _query(self, question: Question) -> Answer:
        """Ask, again after damage or silence; raises what an exception answer stands for."""
        async with self._link:
            answer = await self._ask_again(question)
        if answer.exception_code:
            raise refusal(answer)
        return answer

    async def _ask_again(self, question: Question) -> Answer:
        for repeats_left in reversed(range(ATTEMPTS)):
            try:
                answer = await self._ask(question)
            except (Garbled, ReplyTimeout):
                if not repeats_left:
                    raise
            else:
                if repeats_left < ATTEMPTS - 1:
                    # The earlier attempts' answers may only be late, and Modbus numbers nothing.
                    self._link.distrust()
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        silence_left_s = self._quiet_since_s + SILENCE_S - loop.time()
        if silence_left_s > 0:
            await asyncio.sleep(silence_left_s)
        self._decoder.expect(question)
        garbage_before = self._decoder.garbage_bytes
        unit, function = question.request[0], question.request[1]
        try:
            answer = await self._link.ask(question.request, self._reply_timeout_s)
        except ReplyTimeout as error:
            if self._decoder.garbage_bytes > garbage_before:
                raise Garbled(unit=unit, function=function) from error
            raise ReplyTimeout(
                unit=unit, function=function, waited_s=self._reply_timeout_s
            ) from error
        self._quiet_since_s = loop.time()
        if isinstance(answer, Damage):
            self._link.distrust()
            raise Garbled(unit=unit, function=function)
        return answer
