"""A read-back reader made of software: the SDT / SAM_V protocol and the card in its field.

Find, select and read go in this order for every card, and a card that was read, or failed to be,
must leave the field before it is found again. The reader knows no keys: it reads a chip once that
is locked (operational), and no other. It does not judge what it reads.

Our own choices, where the protocol leaves them open: a read without a selected card is not allowed
(23); a chip still in personalisation fails at the read (41, 6985), a terminated one at the select
(81, 6A82), a mute one is not found; a frame cut off for 0.5 s is a length error (11).
"""

import asyncio
import struct
from dataclasses import dataclass
from enum import Enum, auto

from simulators.floor import ChipHealth, ChipMemory, Floor, LifeCycle, infeed
from simulators.machine import Drawn, Motion, Pace
from simulators.sdt_frames import HostFrames, Request, SamId, Status, answer
from simulators.wire import Wire

TEXT_FILE, PHOTO_FILE, FINGERPRINT_FILE, ADDRESS_FILE, MANAGEMENT_FILE = range(1, 6)
ADDRESS_BYTES = 70
ADDRESS_BLANKS = (bytes(ADDRESS_BYTES), b" \x00" * (ADDRESS_BYTES // 2))
FINGER_BYTES = 512
#: Files other than text and photo are short: their share of a whole read.
SHORT_READ_SHARE = 0.05
HALF_FRAME_TIMEOUT_S = 0.5
BASE_READS = (0x01, 0x10)
BIT_RATES = (115200, 57600, 38400, 19200, 9600)

CARD_NOT_LOCKED, CARD_TERMINATED = 0x6985, 0x6A82
#: What some readers send after a frame that was cut off: no frame at all.
BROKEN_ANSWER = bytes.fromhex("AAAAAA96690005050505")


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a person may set of a simulated reader."""

    read_s: float = 2.0


class _Field(Enum):
    """How far the card in the field has come."""

    UNKNOWN = auto()
    FOUND = auto()
    SELECTED = auto()
    READ = auto()
    SPENT = auto()  # it failed: take it away and put it back


class _Refused(Exception):
    """The module answers with these status words and does nothing."""

    def __init__(self, module_status: Status, card_status: int = 0) -> None:
        self.module_status = module_status
        self.card_status = card_status
        super().__init__(module_status.name)


class SimulatedReader:
    """One reader at station `station`; its serial number is its SAM id as shown."""

    def __init__(
        self, floor: Floor, station: int, pace: Pace, settings: ReaderSettings, serial_number: str
    ) -> None:
        self.serial_number = serial_number
        self.bit_rate = BIT_RATES[0]
        self.largest_radio_frame_bytes = 88
        #: Back doors.
        self.mute = False
        self.self_test_fails = False
        self.broken_answers = 0  # answers to send as the broken frame
        self.selects_to_fail = 0
        self.reads_to_fail = 0
        self.bytes_to_misread = 0  # of the next text that is read
        self._sam_id = SamId.parse(serial_number)
        self._floor = floor
        self._place = infeed(station)
        self._pace = pace
        self._settings = settings
        self._reading = Motion()
        self._next_bit_rate = self.bit_rate  # it answers at the old one first
        self._powered = True
        self._power_cuts = 0
        self._field = _Field.UNKNOWN
        self._arrivals = -1

    def drawn(self) -> list[Drawn]:
        """Return every read so far."""
        return self._reading.drawn

    def cut_power(self) -> None:
        """Lose what is known of the card in the field, and the read under way."""
        self._powered = False
        self._power_cuts += 1
        self._reading.stop()
        self._field = _Field.UNKNOWN
        self.bit_rate = self._next_bit_rate = BIT_RATES[0]

    def restore_power(self) -> None:
        """Start up; a card in the field counts as newly come."""
        self._powered = True

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it closes."""
        frames = HostFrames()
        try:
            while True:
                data = await self._receive(wire, frames)
                if data == b"":
                    return
                if not self._powered:
                    frames.reset()
                    continue
                requests = [Status.LENGTH_ERROR] if data is None else frames.feed(data)
                power_cuts = self._power_cuts
                for request in requests:
                    reply = await self._answer(request)
                    if self._power_cuts != power_cuts:
                        break
                    if not self.mute:
                        await wire.send(reply)
                    self.bit_rate = self._next_bit_rate
        except OSError:
            return  # the host hung up in the middle of an answer

    async def _receive(self, wire: Wire, frames: HostFrames) -> bytes | None:
        """Return what has come, or None when a frame was begun and never finished."""
        if not frames.half:
            return await wire.receive()
        try:
            async with asyncio.timeout(HALF_FRAME_TIMEOUT_S):
                return await wire.receive()
        except TimeoutError:
            frames.reset()
            return None

    async def _answer(self, request: Request | Status) -> bytes:
        await self._reading.wait()  # begun by an earlier connection
        self._look()
        if isinstance(request, Status):
            reply = answer(request)
        else:
            reply = await self._reply(request)
        if self.broken_answers:
            self.broken_answers -= 1
            return BROKEN_ANSWER
        return reply

    async def _reply(self, request: Request) -> bytes:
        try:
            return await self._obey(request)
        except _Refused as refused:
            return answer(refused.module_status, card_status=refused.card_status)

    def _look(self) -> None:
        """Note a card that has left or come since."""
        arrivals = self._floor.arrivals(self._place)
        if arrivals != self._arrivals or self._floor.at(self._place) is None:
            self._field = _Field.UNKNOWN
        self._arrivals = arrivals

    async def _obey(self, request: Request) -> bytes:
        expected_bytes = 1 if request.command == 0x61 else 0
        if len(request.data) != expected_bytes:
            raise _Refused(Status.LENGTH_ERROR)
        if self.self_test_fails:
            raise _Refused(Status.SELF_TEST_FAILED)
        match request.command, request.parameter:
            case (0x10, 0xFF):
                self._reset()
                return answer(Status.DONE)
            case (0x11, 0xFF):
                return answer(Status.DONE)
            case (0x12, 0xFF):
                return answer(Status.DONE, bytes(self._sam_id))
            case (0x20, 0x01):
                return self._find()
            case (0x20, 0x02):
                return self._select()
            case (0x30, 0x01 | 0x03 | 0x05 | 0x10):
                return await self._read(request.parameter)
            case _:
                return self._set(request)

    def _reset(self) -> None:
        if self._field not in {_Field.READ, _Field.SPENT}:
            self._field = _Field.UNKNOWN

    def _set(self, request: Request) -> bytes:
        match request.command, request.parameter:
            case (0x60, number) if number < len(BIT_RATES):
                self._next_bit_rate = BIT_RATES[number]
            case (0x61, 0xFF) if request.data[0] >= 24:
                self.largest_radio_frame_bytes = request.data[0]
            case _:
                raise _Refused(Status.WRONG_COMMAND)
        return answer(Status.DONE)

    def _chip(self) -> ChipMemory | None:
        """Return the chip that answers in the field."""
        card = self._floor.at(self._place)
        if card is None or card.chip.health is ChipHealth.MUTE:
            return None
        return card.chip

    def _find(self) -> bytes:
        if self._chip() is None or self._field in {_Field.READ, _Field.SPENT}:
            raise _Refused(Status.FIND_FAILED)
        self._field = _Field.FOUND
        return answer(Status.FOUND, bytes(4))

    def _select(self) -> bytes:
        chip = self._chip()
        if chip is None or self._field is not _Field.FOUND:
            raise _Refused(Status.SELECT_FAILED)
        if chip.life_cycle is LifeCycle.TERMINATED:
            raise _Refused(Status.SELECT_FAILED, CARD_TERMINATED)
        if self.selects_to_fail:
            self.selects_to_fail -= 1
            raise _Refused(Status.SELECT_FAILED)
        self._field = _Field.SELECTED
        return answer(Status.DONE, bytes(8))

    async def _read(self, parameter: int) -> bytes:
        base = parameter in BASE_READS
        if self._field is not _Field.SELECTED and (base or self._field is not _Field.READ):
            raise _Refused(Status.NOT_ALLOWED)
        replies: list[bytes] = []

        def finish() -> None:
            replies.append(self._finish_read(parameter))

        typical_s = self._settings.read_s * (1.0 if base else SHORT_READ_SHARE)
        self._reading.start(f"read {parameter:02x}", self._pace.draw_s(typical_s), finish)
        await self._reading.wait()
        return replies[0] if replies else answer(Status.READ_FAILED)

    def _finish_read(self, parameter: int) -> bytes:
        self._look()
        if self._field is _Field.UNKNOWN:  # the card left meanwhile
            return answer(Status.READ_FAILED)
        chip = self._chip()
        if chip is None or self.reads_to_fail:
            self.reads_to_fail = max(0, self.reads_to_fail - 1)
            self._field = _Field.SPENT
            return answer(Status.READ_FAILED)
        if chip.life_cycle is not LifeCycle.OPERATIONAL:
            self._field = _Field.SPENT
            return answer(Status.READ_FAILED, card_status=CARD_NOT_LOCKED)
        if parameter in BASE_READS:
            self._field = _Field.READ
        content = self._content(chip, parameter)
        return answer(Status.DONE, content) if content else answer(Status.NO_SUCH_ITEM)

    def _content(self, chip: ChipMemory, parameter: int) -> bytes:
        match parameter:
            case 0x03:
                return _added_addresses(chip)
            case 0x05:
                return bytes(4) + chip.files[MANAGEMENT_FILE]
            case 0x10:
                text, photo, fingers = self._text(chip), chip.files[PHOTO_FILE], _fingers(chip)
                sizes = struct.pack(">HHH", len(text), len(photo), len(fingers))
                return sizes + text + photo + fingers
            case _:
                text, photo = self._text(chip), chip.files[PHOTO_FILE]
                return struct.pack(">HH", len(text), len(photo)) + text + photo

    def _text(self, chip: ChipMemory) -> bytes:
        text = bytearray(chip.files[TEXT_FILE])
        for offset in self._pace.random.sample(range(len(text)), self.bytes_to_misread):
            text[offset] ^= 1 + self._pace.random.randrange(255)
        self.bytes_to_misread = 0
        return bytes(text)


def _added_addresses(chip: ChipMemory) -> bytes:
    content = bytes(chip.files[ADDRESS_FILE])
    parts = [content[i : i + ADDRESS_BYTES] for i in range(0, len(content), ADDRESS_BYTES)]
    while parts and parts[-1] in ADDRESS_BLANKS:
        parts.pop()
    return b"".join(parts)


def _fingers(chip: ChipMemory) -> bytes:
    """Return no finger, one or two: those that hold anything."""
    content = bytes(chip.files[FINGERPRINT_FILE])
    count = 2 if any(content[FINGER_BYTES:]) else int(any(content))
    return content[: count * FINGER_BYTES]
