"""The card's own software: ISO/IEC 7816-4 commands over a chip's memory, and who may do what.

A chip with keys is of profile `rid2`: without the secure channel nothing is written and, before it
is locked, nothing read but its maker's serial. A chip without is of `rid2-plain`. Not responsible
for how a command reaches the card (see `powered_card.py`), nor for the channel's arithmetic (see
`scp03_card.py`). It never waits. A session is lost with the power; the memory is not.
"""

from random import Random

from simulators.card_commands import (
    CONDITIONS_NOT_SATISFIED,
    DONE,
    END_OF_FILE,
    MEMORY_FAILURE,
    NO_CURRENT_FILE,
    NOT_ENOUGH_MEMORY,
    NOT_FOUND,
    OUTSIDE_FILE,
    RIGHTS_MISSING,
    SECURED,
    UNKNOWN_CLASS,
    UNKNOWN_INSTRUCTION,
    WRONG_DATA,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Command,
    Refused,
    parse,
)
from simulators.floor import ChipHealth, ChipMemory, LifeCycle
from simulators.scp03_card import LONGEST_DATA_BYTES, SecureChannel

APPLICATION = bytes.fromhex("F052494432")
MASTER_FILE = 0x3F00
MANAGEMENT_FILE = 0x0005
#: Bytes of the management file that the chip's maker wrote for ever.
MAKER_BYTES = 8


class SmartCard:
    """One powered session of one chip."""

    def __init__(self, chip: ChipMemory, random: Random) -> None:
        self._chip = chip
        self._random = random
        self._in_application = False
        self._file: int | None = None
        self._waiting = b""  # response data that GET RESPONSE fetches, and its status word
        self._channel: SecureChannel | None = None
        if chip.keys is not None:
            diversification = bytes(2) + chip.serial
            self._channel = SecureChannel(chip.keys, APPLICATION, diversification, random)

    def answer(self, apdu: bytes) -> bytes:
        """Do one command and return response data and status word."""
        try:
            command = parse(apdu)
            waiting, self._waiting = self._waiting, b""
            if command.ins == 0xC0 and not command.cla & SECURED:
                return self._get_response(command, waiting)
            data, status = self._take(command)
        except Refused as refused:
            return refused.status.to_bytes(2, "big")
        return data + status.to_bytes(2, "big")

    def hold(self, answer: bytes) -> bytes:
        """Keep an answer with data for GET RESPONSE, and return the status word that says so."""
        self._waiting = answer
        return bytes([0x61, (len(answer) - 2) % 256])

    @property
    def _secured(self) -> bool:
        return self._channel is not None and self._channel.is_open

    @property
    def _may_read(self) -> bool:
        locked = self._chip.life_cycle is LifeCycle.OPERATIONAL
        return self._channel is None or self._secured or locked

    def _take(self, command: Command) -> tuple[bytes, int]:
        """Do a plain command, or one of the secure channel, or one inside it."""
        channel = self._channel
        if channel is None:
            return self._do(command)
        if command.cla == 0x00:
            if channel.is_open and not _leaves(command):
                channel.end()
                raise Refused(RIGHTS_MISSING)
            return self._do(command)
        match command.cla, command.ins:
            case 0x80, 0x50:
                self._require_application()
                self._refuse_if_terminated()
                return channel.initialize_update(command), DONE
            case 0x84, 0x82:
                channel.external_authenticate(command)
                return b"", DONE
            case ((0x04 | 0x84), _):
                data, status = self._do(channel.opened(command))
                return channel.protected(data, status), status
            case _:
                raise Refused(UNKNOWN_CLASS)

    def _do(self, command: Command) -> tuple[bytes, int]:
        if command.cla != 0x00:
            raise Refused(UNKNOWN_CLASS)
        match command.ins:
            case 0xA4:
                return self._give(self._select(command), command.expected)
            case 0xB0:
                return self._read(command)
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
        if expected == 0 and data and not self._secured:
            return b"", int.from_bytes(self.hold(data + DONE.to_bytes(2, "big")), "big")
        if 0 < expected < len(data):
            raise Refused(0x6C00 | len(data))
        return data, DONE

    def _get_response(self, command: Command, waiting: bytes) -> bytes:
        if not waiting or command.cla not in {0x00, 0x80}:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if command.expected < len(waiting) - 2:
            self._waiting = waiting
            raise Refused(0x6C00 | len(waiting) - 2)
        return waiting

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
        self._end_session()

    def _select_file(self, data: bytes, *, master_allowed: bool) -> None:
        if len(data) != 2:
            raise Refused(WRONG_DATA)
        number = int.from_bytes(data, "big")
        if master_allowed and number == MASTER_FILE:
            self._in_application, self._file = False, None
            self._end_session()
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
        expected = self._expected_of_read(command)
        if command.data or expected == 0:
            raise Refused(WRONG_LENGTH)
        if command.offset >= len(content):
            raise Refused(OUTSIDE_FILE)
        end = command.offset + expected
        of_maker = self._file == MANAGEMENT_FILE and end <= MAKER_BYTES
        if not (of_maker or self._may_read):
            raise Refused(RIGHTS_MISSING)
        data = bytes(content[command.offset : end])
        short = len(data) < command.expected < 256
        return data, END_OF_FILE if short else DONE

    def _expected_of_read(self, command: Command) -> int:
        """Return how many bytes to read; 0 if that cannot be."""
        if not self._secured:
            return command.expected
        # T=0 carries no Le beside data; not told how much, the card gives as much as fits.
        if command.expected in {0, 256}:
            return LONGEST_DATA_BYTES
        return command.expected if command.expected <= LONGEST_DATA_BYTES else 0

    def _update(self, command: Command) -> None:
        content = self._current_file(command)
        if not command.data:
            raise Refused(WRONG_LENGTH)
        if self._chip.life_cycle is not LifeCycle.PERSONALISATION:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if self._file == MANAGEMENT_FILE and command.offset < MAKER_BYTES:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        self._refuse_without_rights()
        if command.offset >= len(content):
            raise Refused(OUTSIDE_FILE)
        if command.offset + len(command.data) > len(content):
            raise Refused(NOT_ENOUGH_MEMORY)
        self._refuse_if_worn()
        content[command.offset : command.offset + len(command.data)] = command.data

    def _activate(self, command: Command) -> None:
        """Lock the application; asked again, it stays locked and answers as the first time."""
        self._refuse_parameters(command)
        self._require_application()
        self._refuse_if_terminated()
        self._refuse_without_rights()
        if self._chip.life_cycle is LifeCycle.PERSONALISATION:
            self._refuse_if_worn()
            self._chip.life_cycle = LifeCycle.OPERATIONAL

    def _terminate(self, command: Command) -> None:
        self._refuse_parameters(command)
        self._require_application()
        self._refuse_if_terminated()
        self._refuse_without_rights()
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

    def _refuse_parameters(self, command: Command) -> None:
        if command.offset != 0:
            raise Refused(WRONG_P1_P2)
        # A secured command may have an Le for its answer's MAC.
        if command.data or (command.expected and not self._secured):
            raise Refused(WRONG_LENGTH)

    def _require_application(self) -> None:
        if not self._in_application:
            raise Refused(CONDITIONS_NOT_SATISFIED)

    def _end_session(self) -> None:
        if self._channel is not None:
            self._channel.end()

    def _refuse_if_terminated(self) -> None:
        if self._in_application and self._chip.life_cycle is LifeCycle.TERMINATED:
            raise Refused(NOT_FOUND)

    def _refuse_without_rights(self) -> None:
        if self._channel is not None and not self._secured:
            raise Refused(RIGHTS_MISSING)

    def _refuse_if_worn(self) -> None:
        if self._chip.health is ChipHealth.FAILS_ON_WRITE:
            raise Refused(MEMORY_FAILURE)


def _leaves(command: Command) -> bool:
    """Tell whether a command selects an application or the master file: that ends a session."""
    by_name = command.p1 == 0x04
    return command.ins == 0xA4 and (by_name or command.data == MASTER_FILE.to_bytes(2, "big"))


def _tag(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value
