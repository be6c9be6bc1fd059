"""Modbus RTU frames: questions, the shape of their answers, and an incremental decoder.

Pure: bytes in, bytes out. Frames are told apart by length and CRC, never by time. It does not
decide about repeating and does not know what any register means.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_DISCRETE, READ_HOLDING, READ_INPUT = 0x02, 0x03, 0x04
WRITE_REGISTER, WRITE_REGISTERS = 0x06, 0x10
READ_IDENTIFICATION = 0x2B
IDENTIFICATION = 0x0E
BASIC_STREAM, INDIVIDUAL = 0x01, 0x04
REFUSED = 0x80

SHORTEST_ANSWER_BYTES = 5
LONGEST_FRAME_BYTES = 256


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ 0xA001 if remainder & 1 else remainder >> 1
        table.append(remainder)
    return tuple(table)


CRC_TABLE = _crc_table()


def crc16(data: bytes) -> bytes:
    """Return the two CRC bytes as they follow `data` on the wire, low byte first."""
    remainder = 0xFFFF
    for byte in data:
        remainder = (remainder >> 8) ^ CRC_TABLE[(remainder ^ byte) & 0xFF]
    return remainder.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Question:
    """A whole request frame, and how its answer begins and how long it is with its CRC."""

    request: bytes
    answer_start: bytes
    answer_bytes: int | None  # None: an identification, whose objects tell their lengths

    @property
    def refusal_start(self) -> bytes:
        """How an exception answer to this question begins."""
        return bytes((self.request[0], self.request[1] | REFUSED))


def read_question(unit: int, function: int, address: int, count: int) -> Question:
    """Ask for `count` registers, or for `count` discrete inputs with function 02."""
    data_bytes = (count + 7) // 8 if function == READ_DISCRETE else 2 * count
    assert 1 <= data_bytes <= LONGEST_FRAME_BYTES - 6, "one answer holds at most 250 bytes"
    body = struct.pack(">BBHH", unit, function, address, count)
    start = bytes((unit, function, data_bytes))
    return Question(body + crc16(body), start, 3 + data_bytes + 2)


def write_register_question(unit: int, address: int, value: int) -> Question:
    """Set one register; the answer is the request's echo."""
    body = struct.pack(">BBHH", unit, WRITE_REGISTER, address, value)
    return Question(body + crc16(body), body, 8)


def write_registers_question(unit: int, address: int, values: Sequence[int]) -> Question:
    """Set registers in one block; the answer names the address and how many."""
    assert 1 <= len(values) <= 123, "one request holds at most 123 registers"
    start = struct.pack(">BBHH", unit, WRITE_REGISTERS, address, len(values))
    body = start + struct.pack(f">B{len(values)}H", 2 * len(values), *values)
    return Question(body + crc16(body), start, 8)


def identification_question(unit: int, access_code: int, first_object: int) -> Question:
    """Ask for identification objects (function 43/14)."""
    start = bytes((unit, READ_IDENTIFICATION, IDENTIFICATION, access_code))
    body = start + bytes((first_object,))
    return Question(body + crc16(body), start, None)


@dataclass(frozen=True, slots=True)
class Answer:
    """An undamaged answer to the question, without its CRC."""

    body: bytes

    @property
    def exception_code(self) -> int:
        """The exception code of a refusal, else 0."""
        return self.body[2] if self.body[1] & REFUSED else 0

    def registers(self) -> tuple[int, ...]:
        """Return the register values of a read answer."""
        return struct.unpack(f">{self.body[2] // 2}H", self.body[3:])

    def bits(self, count: int) -> tuple[bool, ...]:
        """Return the first `count` discrete inputs of a read answer."""
        packed = int.from_bytes(self.body[3:], "little")
        return tuple(bool(packed >> index & 1) for index in range(count))

    def objects(self) -> tuple[dict[int, bytes], int | None]:
        """Return the identification objects, and from which one more would follow."""
        found, position = {}, 8
        for _ in range(self.body[7]):
            number, size = self.body[position], self.body[position + 1]
            found[number] = self.body[position + 2 : position + 2 + size]
            position += 2 + size
        return found, self.body[6] if self.body[5] == 0xFF else None


@dataclass(frozen=True, slots=True)
class Damage:
    """What came can never become an answer to the question."""


class AnswerDecoder:
    """Finds the one answer to the present question; everything else is garbage."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._question: Question | None = None
        self._buffer = bytearray()

    def expect(self, question: Question) -> None:
        """Look for the answer to this question from here on."""
        self.reset()
        self._question = question

    def reset(self) -> None:
        """Forget a half-received answer."""
        self.garbage_bytes += len(self._buffer)
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Answer | Damage]:
        """Take bytes; return the answer, or damage as soon as no answer can come of them."""
        self._buffer += data
        if self._question is None:
            self.reset()
            return []
        buffer, may_complete = bytes(self._buffer), False
        for start in range(len(buffer)):
            needed = _needed_bytes(self._question, buffer[start:])
            if needed is None:
                continue
            frame = buffer[start : start + needed]
            if len(frame) < needed:
                may_complete = True
            elif crc16(frame[:-2]) == frame[-2:]:
                del self._buffer[start : start + needed]
                self.reset()
                return [Answer(frame[:-2])]
        if may_complete or len(buffer) < SHORTEST_ANSWER_BYTES:
            return []
        self.reset()
        return [Damage()]


def _needed_bytes(question: Question, candidate: bytes) -> int | None:
    """Return how long an answer that begins with `candidate` is at least; None if none does."""
    if _agree(candidate, question.refusal_start):
        return SHORTEST_ANSWER_BYTES
    if not _agree(candidate, question.answer_start):
        return None
    needed = question.answer_bytes
    if needed is None:
        needed = _identification_bytes(candidate)
    return needed if needed <= LONGEST_FRAME_BYTES else None


def _agree(candidate: bytes, start: bytes) -> bool:
    return candidate.startswith(start) or start.startswith(candidate)


def _identification_bytes(candidate: bytes) -> int:
    """Return the length of an identification answer as far as its objects have come."""
    needed = 8
    if len(candidate) < needed:
        return needed + 2
    for _ in range(candidate[7]):
        if len(candidate) < needed + 2:
            return needed + 4
        needed += 2 + candidate[needed + 1]
    return needed + 2
