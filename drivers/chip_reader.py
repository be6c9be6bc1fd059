"""What the encoder needs of the thing that holds a chip: its power, commands and answers, its name.

A reader on a serial port (`drivers/ccid_reader.py`) and one behind PC/SC (`drivers/pcsc_reader.py`)
both give it. How a command travels below this is theirs; what commands mean is said above it.
"""

from dataclasses import dataclass
from typing import Protocol

from drivers.apdu import Command
from drivers.identity import Identity


@dataclass(frozen=True, slots=True)
class EncoderTimeouts:
    """How long to wait for the reader itself, and for the reader working with a chip."""

    reply_timeout_s: float = 3.0
    card_timeout_s: float = 10.0


class ChipReader(Protocol):
    """One reader with a place for one chip. Whoever has it asks one thing at a time."""

    async def identify(self) -> Identity:
        """Open the dialogue and tell who answers; `WrongDevice` if it is no such reader."""

    async def serial_number(self) -> str:
        """Return what evidence is tied to: the serial number, or the next best of one without."""

    async def card_present(self) -> bool:
        """Tell whether a card is in the field."""

    async def power_on(self) -> int:
        """Reset the chip and return the protocol agreed on; raises `NoCard`, `ChipMute`."""

    async def transmit(self, command: Command) -> bytes:
        """Give the chip a command and return its whole answer, the status word last.

        Only a repeatable command is ever given twice.
        """

    async def power_off(self) -> None:
        """Take the power from the chip; a chip that has left already is no error."""

    async def aclose(self) -> None:
        """Hang up."""
