"""Commands and answers of a chip (ISO/IEC 7816-4), pure.

The words between us and the chip's operating system. How they travel, and which files a product
has, is not said here.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers.errors import ChipRefused

OK: Final = 0x9000
NOT_FOUND: Final = 0x6A82

_MEANINGS: Final = {
    0x6282: "end of file reached before all bytes were read",
    0x6283: "selected file deactivated",
    0x6581: "memory failure",
    0x6300: "verification failed",
    0x6700: "wrong length",
    0x6881: "logical channel not supported",
    0x6882: "secure messaging not supported",
    0x6981: "command incompatible with file structure",
    0x6982: "security status not satisfied",
    0x6983: "authentication method blocked",
    0x6985: "conditions of use not satisfied",
    0x6986: "command not allowed",
    0x6987: "secure messaging expected",
    0x6988: "secure messaging incorrect",
    0x6A80: "incorrect parameters in the data field",
    0x6A81: "function not supported",
    0x6A82: "file or application not found",
    0x6A84: "not enough memory space in the file",
    0x6A86: "incorrect parameters P1-P2",
    0x6A88: "no such key",
    0x6A89: "file already exists",
    0x6B00: "wrong parameters P1-P2",
    0x6D00: "instruction code not supported",
    0x6E00: "class not supported",
    0x6F00: "no precise diagnosis",
}


class LifeCycle(IntEnum):
    """Life cycle of the chip's application (tag 8A)."""

    PERSONALISATION = 0x03
    OPERATIONAL = 0x05
    TERMINATED = 0x0C


@dataclass(frozen=True, slots=True)
class Command:
    """One command APDU in short form; `repeatable` when doing it twice is doing it once."""

    name: str
    header: bytes
    data: bytes = b""
    expected_bytes: int | None = None
    repeatable: bool = True

    def encode(self) -> bytes:
        """Return the bytes, cases 1 to 4."""
        assert len(self.data) <= 255, "extended length is not used"
        parts = [self.header]
        if self.data:
            parts += (bytes((len(self.data),)), self.data)
        if self.expected_bytes is not None:
            parts.append(bytes((self.expected_bytes & 0xFF,)))
        return b"".join(parts)


def select_application(name: bytes) -> Command:
    """Select by name and ask for the file control parameters."""
    return Command("SELECT", b"\x00\xa4\x04\x04", name, 0)


def select_file(file_id: int) -> Command:
    """Select an elementary file under the application, no answer data."""
    return Command("SELECT", b"\x00\xa4\x02\x0c", file_id.to_bytes(2, "big"))


def update_binary(offset: int, data: bytes) -> Command:
    """Write to the selected file."""
    return Command("UPDATE BINARY", b"\x00\xd6" + _offset(offset), data)


def read_binary(offset: int, length: int) -> Command:
    """Read from the selected file."""
    return Command("READ BINARY", b"\x00\xb0" + _offset(offset), b"", length)


def activate() -> Command:
    """Lock the selected application for good."""
    return Command("ACTIVATE FILE", b"\x00\x44\x00\x00", repeatable=False)


def terminate() -> Command:
    """End the selected application for good."""
    return Command("TERMINATE DF", b"\x00\xe6\x00\x00", repeatable=False)


def meaning(status_word: int) -> str:
    """Return what a status word means in ISO/IEC 7816-4."""
    if status_word >> 8 == 0x61:
        return "more answer bytes are waiting"
    if status_word >> 4 == 0x63C:
        return f"verification failed, {status_word & 0x0F} tries left"
    if status_word >> 8 == 0x6C:
        return f"wrong length, {status_word & 0xFF} bytes available"
    return _MEANINGS.get(status_word, "unknown status word")


def answer_data(command: Command, answer: bytes) -> bytes:
    """Return the data of a good answer; raises `ChipRefused` with the status word otherwise."""
    if len(answer) < 2:
        raise ChipRefused("The chip's answer has no status word.", command=command.name)
    status_word = int.from_bytes(answer[-2:], "big")
    if status_word != OK:
        raise ChipRefused(
            f"The chip refused {command.name}: {meaning(status_word)}.",
            sw=f"{status_word:04X}",
            command=command.name,
        )
    data = answer[:-2]
    if command.header[1] == 0xB0 and len(data) != command.expected_bytes:
        raise ChipRefused(
            "The chip read back another number of bytes than asked for.",
            command=command.name,
            asked_bytes=command.expected_bytes or 0,
            read_bytes=len(data),
        )
    return data


def life_cycle_in(parameters: bytes) -> int:
    """Return tag 8A of a file control parameters template (tag 62); raises `ChipRefused`."""
    if len(parameters) >= 2 and parameters[0] == 0x62 and parameters[1] == len(parameters) - 2:
        position = 2
        while position + 2 <= len(parameters):
            tag, length = parameters[position], parameters[position + 1]
            value = parameters[position + 2 : position + 2 + length]
            if tag == 0x8A and len(value) == length == 1:
                return value[0]
            position += 2 + length
    raise ChipRefused("The chip does not say its life cycle.", command="SELECT")


def _offset(offset: int) -> bytes:
    assert 0 <= offset < 0x8000, "offsets are 15 bits"
    return offset.to_bytes(2, "big")
