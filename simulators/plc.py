"""The command block of our own register maps: a command with a sequence number, run at most once.

What the commands do is the machine's business; here is only when one starts, and the retentive
memory that tells a controller afterwards which one started and which one finished.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from simulators.modbus import ExceptionCode, Refused, Unit, window

_BLOCK_REGISTERS = 4


class Machinery(Protocol):
    """The machine behind a command block."""

    def prepare(self, command: int, first: int, second: int) -> Callable[[], None]:
        """Check a command and return what begins it, or raise `Refused` and change nothing."""

    def input_registers(self, address: int, count: int) -> Sequence[int]:
        """Return input registers, or refuse the address."""

    def discrete_inputs(self, address: int, count: int) -> Sequence[bool]:
        """Return discrete inputs, or refuse the address."""


class Plc(Unit):
    """One programmable controller: command, two operands, sequence number at 0x0000 to 0x0003."""

    def __init__(self, product_code: str, serial_number: str, machinery: Machinery) -> None:
        self.started = 0  # retentive
        self.finished = 0  # retentive
        self._machinery = machinery
        self._block: Sequence[int] = (0, 0, 0, 0)
        self._identity = {
            0x00: b"Cardcentre Simulators",
            0x01: product_code.encode("ascii"),
            0x02: b"1.0",
            0x80: serial_number.encode("ascii"),
        }

    def finish(self) -> None:
        """Record that the command last started has finished without a fault."""
        self.finished = self.started

    def cut_power(self) -> None:
        """Lose the command block but for the sequence number, which is retentive."""
        self._block = (0, 0, 0, self.started)

    def lose_memory(self) -> None:
        """Forget even the retentive registers, as with an empty battery."""
        self.started = self.finished = 0
        self._block = (0, 0, 0, 0)

    def read_discrete(self, address: int, count: int) -> Sequence[bool]:
        """Return the machine's sensors."""
        return self._machinery.discrete_inputs(address, count)

    def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Return the command block as last taken."""
        return window(self._block, address, count)

    def read_input(self, address: int, count: int) -> Sequence[int]:
        """Return what the machine reports."""
        return self._machinery.input_registers(address, count)

    def write_one(self, address: int, value: int) -> None:
        """Write one register of the block; the sequence number's starts the command."""
        self.write_many(address, (value,))

    def write_many(self, address: int, values: Sequence[int]) -> None:
        """Write registers of the block; with the last of them the command starts."""
        window(self._block, address, len(values))
        block = [*self._block[:address], *values, *self._block[address + len(values) :]]
        if address + len(values) == _BLOCK_REGISTERS:
            self._command(block)
        else:
            self._block = block

    def identity(self) -> Mapping[int, bytes]:
        """Return vendor, product code, revision and serial number (object 0x80)."""
        return self._identity

    def _command(self, block: Sequence[int]) -> None:
        """Start the block's command unless its number is already there; refused, keep the old."""
        command, first, second, number = block
        if number == 0:
            raise Refused(ExceptionCode.ILLEGAL_VALUE)
        if number == self.started:
            return
        begin = self._machinery.prepare(command, first, second)
        self._block = block
        self.started = number
        begin()
