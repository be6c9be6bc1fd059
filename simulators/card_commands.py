"""Command APDUs (ISO/IEC 7816-4, short lengths) as a chip takes them apart, and its status words.

What a command means is the card's software's (see `smart_card.py`).
"""

from dataclasses import dataclass

DONE = 0x9000
END_OF_FILE = 0x6282
AUTHENTICATION_FAILED = 0x63C0  # and, in the last digit, the tries that are left
MEMORY_FAILURE = 0x6581
WRONG_LENGTH = 0x6700
RIGHTS_MISSING = 0x6982
AUTHENTICATION_BLOCKED = 0x6983
CONDITIONS_NOT_SATISFIED = 0x6985
NO_CURRENT_FILE = 0x6986
WRONG_DATA = 0x6A80
NOT_FOUND = 0x6A82
NOT_ENOUGH_MEMORY = 0x6A84
WRONG_P1_P2 = 0x6A86
KEY_NOT_FOUND = 0x6A88
OUTSIDE_FILE = 0x6B00
UNKNOWN_INSTRUCTION = 0x6D00
UNKNOWN_CLASS = 0x6E00

#: The bit of the class byte that says: secure messaging.
SECURED = 0x04
MAC_BYTES = 8

#: Shares of a full personalisation of 6 s: about 45 commands, 2,600 bytes written and read back.
FULL_PERSONALISATION_S = 6.0
COMMAND_S = 0.020
BYTE_WRITTEN_S = 0.0015
BYTE_READ_S = 0.00045


@dataclass(frozen=True, slots=True)
class Command:
    """One short command APDU, taken apart. `expected` is Ne: 0 when Le is absent."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    expected: int

    @property
    def offset(self) -> int:
        """Return P1-P2 as one number."""
        return self.p1 << 8 | self.p2


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A whole command has reached the card; its response goes back the way it came."""

    apdu: bytes


class Refused(Exception):
    """The card answers with this status word and changes nothing."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status:04X}")


def parse(apdu: bytes) -> Command:
    """Take a short command APDU apart; extended length is refused as a wrong length."""
    if len(apdu) < 4:
        raise Refused(WRONG_LENGTH)
    cla, ins, p1, p2 = apdu[:4]
    body = apdu[4:]
    if len(body) <= 1:  # cases 1 and 2
        return Command(cla, ins, p1, p2, b"", _expected(body))
    size, rest = body[0], body[1:]
    if size == 0 or len(rest) not in {size, size + 1}:
        raise Refused(WRONG_LENGTH)
    return Command(cla, ins, p1, p2, rest[:size], _expected(rest[size:]))


def _expected(le: bytes) -> int:
    return (le[0] or 256) if le else 0


def command_s(apdu: bytes) -> float:
    """Return how long a chip typically takes for one command, its transfer included."""
    try:
        command = parse(apdu)
    except Refused:
        return COMMAND_S
    match command.ins:
        case 0xD6:
            mac_bytes = MAC_BYTES if command.cla & SECURED else 0
            return COMMAND_S + BYTE_WRITTEN_S * max(0, len(command.data) - mac_bytes)
        case 0xB0:
            return COMMAND_S + BYTE_READ_S * command.expected
        case _:
            return COMMAND_S
