"""A Modbus RTU slave: answers requests from the registers of its units.

It is NOT a master, knows no machine, finds no frames (`modbus_frames` does), and drops broadcasts:
no command of ours may reach two machines.
"""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum

from simulators.modbus_frames import RequestDecoder, crc16
from simulators.wire import Wire

MAX_READ_REGISTERS = 125
MAX_READ_BITS = 2000
MAX_WRITE_REGISTERS = 123

_IDENTIFICATION = b"\x2b\x0e"
#: Identification can be streamed and asked object by object, up to the extended objects (0x80..).
_CONFORMITY = 0x83


class ExceptionCode(IntEnum):
    """Why a slave refuses, in the words of the Modbus specification, section 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    BUSY = 6


class Refused(Exception):
    """The unit refuses the request and has done nothing."""

    def __init__(self, code: ExceptionCode) -> None:
        self.code = code
        super().__init__(code.name)


class NoAnswer(Exception):
    """The request was carried out and is one of those that are never answered."""


class Unit:
    """One slave address; what a unit does not override it does not know."""

    def read_discrete(self, address: int, count: int) -> Sequence[bool]:
        """Return discrete inputs (function 02)."""
        del address, count
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)

    def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Return holding registers (function 03), each 0 to 65,535."""
        del address, count
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)

    def read_input(self, address: int, count: int) -> Sequence[int]:
        """Return input registers (function 04), each 0 to 65,535."""
        del address, count
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)

    def write_one(self, address: int, value: int) -> None:
        """Write one holding register (function 06)."""
        del address, value
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)

    def write_many(self, address: int, values: Sequence[int]) -> None:
        """Write holding registers (function 16)."""
        del address, values
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)

    def identity(self) -> Mapping[int, bytes]:
        """Return the objects of device identification (function 43/14), by ascending number."""
        raise Refused(ExceptionCode.ILLEGAL_FUNCTION)


def window(values: Sequence[int], address: int, count: int, first: int = 0) -> Sequence[int]:
    """Return `count` registers of a block that begins at `first`, or refuse the address."""
    start = address - first
    if start < 0 or start + count > len(values):
        raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
    return values[start : start + count]


class ModbusSlave:
    """The units of one machine on its wire, with the machine's power switch."""

    def __init__(self, units: Mapping[int, Unit]) -> None:
        self.mute = False  # requests are carried out, their answers are lost
        self.powered = True
        self._units = units
        self._power_cuts = 0

    async def serve(self, wire: Wire) -> None:
        """Answer until the wire closes; without power, bytes are lost."""
        decoder = RequestDecoder()
        power_cuts = self._power_cuts
        try:
            while data := await wire.receive():
                if power_cuts != self._power_cuts:
                    decoder.reset()
                    power_cuts = self._power_cuts
                if not self.powered:
                    continue
                answers = b"".join([self.answer(frame) for frame in decoder.feed(data)])
                if answers and not self.mute:
                    await wire.send(answers)
        except OSError:
            return  # The far end has gone; the machine does not mind.

    def cut_power(self) -> None:
        """Lose half-received requests, and everything until power is back."""
        self.powered = False
        self._power_cuts += 1

    def answer(self, frame: bytes) -> bytes:
        """Carry out one request with a good CRC; empty if it is for somebody else."""
        unit = self._units.get(frame[0])
        if unit is None:
            return b""
        function = frame[1]
        try:
            reply = _carry_out(unit, function, frame[2:-2])
        except Refused as refusal:
            reply = bytes((function | 0x80, refusal.code))
        except NoAnswer:
            return b""
        body = frame[:1] + reply
        return body + crc16(body)


def _carry_out(unit: Unit, function: int, body: bytes) -> bytes:
    match function:
        case 2:
            return _read_bits(unit, body)
        case 3 | 4:
            return _read_registers(unit, function, body)
        case 6:
            address, value = struct.unpack(">HH", body)
            unit.write_one(address, value)
            return b"\x06" + body
        case 8 if body[:2] == b"\0\0":
            return b"\x08" + body  # Diagnostics, subfunction 0: return the query data.
        case 16:
            return _write_registers(unit, body)
        case 43 if body[:1] == b"\x0e":
            return _identify(unit.identity(), body[1], body[2])
        case _:
            raise Refused(ExceptionCode.ILLEGAL_FUNCTION)


def _read_registers(unit: Unit, function: int, body: bytes) -> bytes:
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= MAX_READ_REGISTERS:
        raise Refused(ExceptionCode.ILLEGAL_VALUE)
    read = unit.read_holding if function == 3 else unit.read_input
    return struct.pack(f">BB{count}H", function, 2 * count, *read(address, count))


def _read_bits(unit: Unit, body: bytes) -> bytes:
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= MAX_READ_BITS:
        raise Refused(ExceptionCode.ILLEGAL_VALUE)
    packed = sum(1 << place for place, bit in enumerate(unit.read_discrete(address, count)) if bit)
    length = (count + 7) // 8
    return bytes((2, length)) + packed.to_bytes(length, "little")


def _write_registers(unit: Unit, body: bytes) -> bytes:
    address, count, byte_count = struct.unpack(">HHB", body[:5])
    if not 1 <= count <= MAX_WRITE_REGISTERS or byte_count != 2 * count:
        raise Refused(ExceptionCode.ILLEGAL_VALUE)
    unit.write_many(address, struct.unpack(f">{count}H", body[5:]))
    return b"\x10" + body[:4]


def _identify(identity: Mapping[int, bytes], code: int, first: int) -> bytes:
    """Answer function 43/14: streams of basic, regular and extended objects, or one object.

    The serial number is object 0x80, so it comes by code 04 (or with the extended stream, 03);
    code 01 gives vendor, product code and revision (objects 00 to 02).
    """
    last = {1: 0x02, 2: 0x7F, 3: 0xFF}.get(code)
    if code == 4:
        if first not in identity:
            raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
        wanted = [first]
    elif last is None:
        raise Refused(ExceptionCode.ILLEGAL_VALUE)
    else:
        start = first if first in identity else 0
        wanted = [number for number in identity if start <= number <= last]
    objects = b"".join(
        bytes((number, len(identity[number]))) + identity[number] for number in wanted
    )
    return _IDENTIFICATION + bytes((code, _CONFORMITY, 0, 0, len(wanted))) + objects
