"""What our two PLC register maps share: the machine's name, and how a numbered command is sent.

A command's last register is its number (`numbered.py`). Which commands there are and what a fault
means is the business of each machine's driver.
"""

from enum import IntEnum
from typing import TypeVar

from drivers.errors import (
    CommandRefused,
    Garbled,
    ReplyTimeout,
    UnexpectedReply,
    WrongDevice,
)
from drivers.identity import Identity
from drivers.modbus import ModbusMaster
from drivers.numbered import LAST_NUMBER, Numbers, next_number
from drivers.outcome import Note

PRODUCT_CODE_OBJECT, REVISION_OBJECT, SERIAL_NUMBER_OBJECT = 0x01, 0x02, 0x80
COMMAND_ADDRESS = 0x0000
LAMINATOR_UNIT, TRANSPORT_UNIT = 3, 10
PRODUCT_CODES = {"laminator": "LAM", "transport": "TRN"}

Value = TypeVar("Value", bound=IntEnum)


def known(kind: type[Value], value: int) -> Value:
    """Return a register's value as its enumeration; raises `UnexpectedReply`."""
    try:
        return kind(value)
    except ValueError as error:
        raise UnexpectedReply(
            "a register holds a value that its map does not have",
            register=kind.__name__,
            value=value,
        ) from error


class Plc:
    """One PLC of ours at one unit number."""

    def __init__(self, master: ModbusMaster, kind: str, unit: int) -> None:
        self._master = master
        self._kind = kind
        self._unit = unit
        self._serial_number = ""

    async def identify(self) -> Identity:
        """Read who answers; raises `WrongDevice` when it is not this kind of machine."""
        try:
            objects = await self._master.read_identification(self._unit)
        except CommandRefused as error:
            raise WrongDevice(
                f"what answers where a {self._kind} should be does not name itself"
            ) from error
        except (ReplyTimeout, Garbled):
            await self._master.raise_if_stranger(self._kind)
            raise
        model = _text(objects.get(PRODUCT_CODE_OBJECT, b""))
        if not model.startswith(PRODUCT_CODES[self._kind]):
            raise _wrong(self._kind, model, self._unit)
        firmware = _text(objects.get(REVISION_OBJECT, b""))
        return Identity(self._kind, model, await self.read_serial_number(), firmware)

    async def read_serial_number(self) -> str:
        """Read the machine's serial number from the machine."""
        data = await self._master.read_identification_object(self._unit, SERIAL_NUMBER_OBJECT)
        self._serial_number = _text(data)
        if not self._serial_number:
            raise UnexpectedReply("the machine has no serial number", unit=self._unit)
        return self._serial_number

    async def note(self, state: Numbers) -> Note:
        """Return what must be noted before the next command."""
        # Read once a wire: a machine exchanged meanwhile shows when the outcome reads it afresh.
        serial_number = self._serial_number or await self.read_serial_number()
        return {
            "serial_number": serial_number,
            "started": state.started,
            "finished": state.finished,
            "sequence": next_number(state.started),
        }

    async def is_machine_of(self, note: Note) -> bool:
        """Tell whether the machine that answers now is the one of the note."""
        return await self.read_serial_number() == note["serial_number"]

    async def command(self, code: int, first: int, second: int, sequence: int) -> None:
        """Send one command, once."""
        assert 1 <= sequence <= LAST_NUMBER, "0 means a lost memory and numbers no command"
        block = (code, first, second, sequence)
        await self._master.write_registers(self._unit, COMMAND_ADDRESS, block)


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace").strip("\0 ")


def _wrong(expected: str, model: str, unit: int) -> WrongDevice:
    kinds = (f"a {kind}" for kind, code in PRODUCT_CODES.items() if model.startswith(code))
    found = next(kinds, "an unknown machine")
    return WrongDevice(f"{found} answers where a {expected} should be", model=model, unit=unit)
