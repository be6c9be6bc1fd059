"""The card's own software: ISO/IEC 7816-4 commands of profile `rid2-plain` over a chip's memory.

Not responsible for how a command reaches the card (see `t1_card.py`), and it never waits: it only
tells how long a chip typically takes. A session is lost with the power; the memory is not. Secure
messaging is another profile's.
"""

from dataclasses import dataclass
from random import Random

from simulators.floor import ChipHealth, ChipMemory, LifeCycle

ANSWER_TO_RESET = bytes.fromhex("3B858131FE4D494453494DDC")
APPLICATION = bytes.fromhex("F052494432")
MASTER_FILE = 0x3F00
MANAGEMENT_FILE = 0x0005
#: Bytes of the management file that the chip's maker wrote for ever.
MAKER_BYTES = 8

#: Shares of a full personalisation of 6 s: about 45 commands, 2,600 bytes written and read back.
FULL_PERSONALISATION_S = 6.0
COMMAND_S = 0.020
BYTE_WRITTEN_S = 0.0015
BYTE_READ_S = 0.00045

DONE = 0x9000
END_OF_FILE = 0x6282
MEMORY_FAILURE = 0x6581
WRONG_LENGTH = 0x6700
CONDITIONS_NOT_SATISFIED = 0x6985
NO_CURRENT_FILE = 0x6986
WRONG_DATA = 0x6A80
NOT_FOUND = 0x6A82
NOT_ENOUGH_MEMORY = 0x6A84
WRONG_P1_P2 = 0x6A86
OUTSIDE_FILE = 0x6B00
UNKNOWN_INSTRUCTION = 0x6D00
UNKNOWN_CLASS = 0x6E00


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
    match apdu[1:2], apdu[4:5]:
        case b"\xd6", size if size:
            return COMMAND_S + BYTE_WRITTEN_S * size[0]
        case b"\xb0", size if size:
            return COMMAND_S + BYTE_READ_S * (size[0] or 256)
        case _:
            return COMMAND_S


class SmartCard:
    """One powered session of one chip."""

    def __init__(self, chip: ChipMemory, random: Random) -> None:
        self._chip = chip
        self._random = random
        self._in_application = False
        self._file: int | None = None
        self._waiting = b""  # response data that GET RESPONSE fetches

    def answer(self, apdu: bytes) -> bytes:
        """Do one command and return response data and status word."""
        try:
            command = parse(apdu)
            waiting, self._waiting = self._waiting, b""
            data, status = self._do(command, waiting)
        except Refused as refused:
            return refused.status.to_bytes(2, "big")
        return data + status.to_bytes(2, "big")

    def _do(self, command: Command, waiting: bytes) -> tuple[bytes, int]:
        if command.cla != 0x00:
            raise Refused(UNKNOWN_CLASS)
        match command.ins:
            case 0xA4:
                return self._give(self._select(command), command.expected)
            case 0xB0:
                return self._read(command)
            case 0xC0:
                return self._get_response(command, waiting)
            case 0x84:
                return self._challenge(command)
            case 0xD6:
                self._update(command)
            case 0x44:
                self._activate(command)
            case 0xE6:
                self._terminate(command)
            case _:
                raise Refused(UNKNOWN_INSTRUCTION)
        return b"", DONE

    def _give(self, data: bytes, expected: int) -> tuple[bytes, int]:
        """Return data that was asked for; what was not asked for waits for GET RESPONSE."""
        if expected == 0 and data:
            self._waiting = data
            return b"", 0x6100 | len(data)
        if 0 < expected < len(data):
            raise Refused(0x6C00 | len(data))
        return data, DONE

    def _get_response(self, command: Command, waiting: bytes) -> tuple[bytes, int]:
        if not waiting:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if command.expected < len(waiting):
            self._waiting = waiting
            raise Refused(0x6C00 | len(waiting))
        return waiting, DONE

    def _select(self, command: Command) -> bytes:
        if command.p2 not in {0x00, 0x04, 0x0C}:
            raise Refused(WRONG_P1_P2)
        match command.p1:
            case 0x04:
                self._select_application(command.data)
            case 0x00 | 0x02:
                self._select_file(command.data, master_allowed=command.p1 == 0x00)
            case _:
                raise Refused(WRONG_P1_P2)
        if command.p2 == 0x0C:
            return b""
        template = self._control_parameters()
        return _tag(0x6F, template) if command.p2 == 0x00 else _tag(0x62, template)

    def _select_application(self, name: bytes) -> None:
        # A terminated application is still found, so that its life cycle can be told.
        if name != APPLICATION:
            raise Refused(NOT_FOUND)
        self._in_application, self._file = True, None

    def _select_file(self, data: bytes, *, master_allowed: bool) -> None:
        if len(data) != 2:
            raise Refused(WRONG_DATA)
        number = int.from_bytes(data, "big")
        if master_allowed and number == MASTER_FILE:
            self._in_application, self._file = False, None
            return
        if not self._in_application or number not in self._chip.files:
            raise Refused(NOT_FOUND)
        self._refuse_if_terminated()
        self._file = number

    def _control_parameters(self) -> bytes:
        life_cycle = _tag(0x8A, bytes([self._chip.life_cycle]))
        if self._file is not None:
            size = len(self._chip.files[self._file]).to_bytes(2, "big")
            number = self._file.to_bytes(2, "big")
            return _tag(0x80, size) + _tag(0x82, b"\x01") + _tag(0x83, number) + life_cycle
        if self._in_application:
            return _tag(0x82, b"\x38") + _tag(0x84, APPLICATION) + life_cycle
        return _tag(0x82, b"\x38") + _tag(0x83, MASTER_FILE.to_bytes(2, "big"))

    def _read(self, command: Command) -> tuple[bytes, int]:
        content = self._current_file(command)
        if command.data or command.expected == 0:
            raise Refused(WRONG_LENGTH)
        if command.offset >= len(content):
            raise Refused(OUTSIDE_FILE)
        data = bytes(content[command.offset : command.offset + command.expected])
        short = len(data) < command.expected < 256
        return data, END_OF_FILE if short else DONE

    def _update(self, command: Command) -> None:
        content = self._current_file(command)
        if not command.data:
            raise Refused(WRONG_LENGTH)
        if self._chip.life_cycle is not LifeCycle.PERSONALISATION:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if self._file == MANAGEMENT_FILE and command.offset < MAKER_BYTES:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if command.offset >= len(content):
            raise Refused(OUTSIDE_FILE)
        if command.offset + len(command.data) > len(content):
            raise Refused(NOT_ENOUGH_MEMORY)
        self._refuse_if_worn()
        content[command.offset : command.offset + len(command.data)] = command.data

    def _activate(self, command: Command) -> None:
        """Lock the application; asked again, it stays locked and answers as the first time."""
        self._require_application(command)
        self._refuse_if_terminated()
        if self._chip.life_cycle is LifeCycle.PERSONALISATION:
            self._refuse_if_worn()
            self._chip.life_cycle = LifeCycle.OPERATIONAL

    def _terminate(self, command: Command) -> None:
        self._require_application(command)
        self._refuse_if_terminated()
        self._refuse_if_worn()
        self._chip.life_cycle = LifeCycle.TERMINATED
        self._file = None

    def _challenge(self, command: Command) -> tuple[bytes, int]:
        if command.offset != 0:
            raise Refused(WRONG_P1_P2)
        if command.data or command.expected == 0:
            raise Refused(WRONG_LENGTH)
        return self._random.randbytes(command.expected), DONE

    def _current_file(self, command: Command) -> bytearray:
        if command.p1 & 0x80:  # short file identifiers are not in this profile
            raise Refused(WRONG_P1_P2)
        self._refuse_if_terminated()
        if self._file is None:
            raise Refused(NO_CURRENT_FILE)
        return self._chip.files[self._file]

    def _require_application(self, command: Command) -> None:
        if command.offset != 0:
            raise Refused(WRONG_P1_P2)
        if command.data or command.expected:
            raise Refused(WRONG_LENGTH)
        if not self._in_application:
            raise Refused(CONDITIONS_NOT_SATISFIED)

    def _refuse_if_terminated(self) -> None:
        if self._in_application and self._chip.life_cycle is LifeCycle.TERMINATED:
            raise Refused(NOT_FOUND)

    def _refuse_if_worn(self) -> None:
        if self._chip.health is ChipHealth.FAILS_ON_WRITE:
            raise Refused(MEMORY_FAILURE)


def _tag(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value
