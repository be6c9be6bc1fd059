"""A chip encoder made of software: a serial CCID reader (GemPC Twin family) and the card in it.

Physics (how long a chip takes, which chips are bad), firmware (messages, slot states), and `serve`
for the wire. What passes between reader and card, and what the card answers, is in
`powered_card.py`. It encodes what it is told to and knows nothing of what a chip should contain.

Our own choices, where the protocol leaves them open: Escape `04` answers the reader's serial number
as text; slot-change notices are sent after Escape `01 01 01`, ahead of the next echo; a half frame
is forgotten after 0.5 s.
"""

import asyncio
from dataclasses import dataclass

from simulators.card_commands import FULL_PERSONALISATION_S, RunCommand, command_s
from simulators.ccid_frames import (
    DEFAULT_PARAMETERS,
    NAK,
    READER_NAMES,
    CardStatus,
    Error,
    HostFrame,
    HostFrames,
    Kind,
    Message,
    frame,
)
from simulators.floor import ChipHealth, ChipMemory, Floor, infeed
from simulators.machine import Drawn, Motion, Pace
from simulators.powered_card import PoweredCard, TransferFailed
from simulators.wire import Wire

#: A command that takes longer makes the reader ask the host for time, again and again.
TIME_REQUEST_EVERY_S = 1.0
TIME_REQUEST = b"\x80"
HALF_FRAME_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What a person may set of a simulated encoder."""

    reader_name: str = "GemPCTwin"
    firmware: str = "GemTwin-V2.00-SIM"
    chip_s: float = 6.0
    chip_failure_share: float = 0.003

    def __post_init__(self) -> None:
        if self.reader_name not in READER_NAMES:
            raise ValueError(f"unknown reader name; known are {', '.join(READER_NAMES)}")


class SimulatedEncoder:
    """One encoder at station `station`; the card in its field lies on the station's infeed."""

    def __init__(
        self, floor: Floor, station: int, pace: Pace, settings: EncoderSettings, serial_number: str
    ) -> None:
        self.serial_number = serial_number
        #: Back doors: the next answers (echo excepted) that never leave, or leave damaged.
        self.answers_to_swallow = 0
        self.answers_to_garble = 0
        self._floor = floor
        self._place = infeed(station)
        self._pace = pace
        self._settings = settings
        self._echo, self._slots = READER_NAMES[settings.reader_name]
        self._command = Motion()
        self._tried: set[bytes] = set()  # chips whose health has been drawn
        self._powered = True
        self._power_cuts = 0
        self._forget()

    def drawn(self) -> list[Drawn]:
        """Return every command of every chip so far."""
        return self._command.drawn

    def cut_power(self) -> None:
        """Lose the session and the running command; the chip keeps what earlier ones wrote."""
        self._powered = False
        self._power_cuts += 1
        self._command.stop()
        self._forget()

    def restore_power(self) -> None:
        """Start up with the card unpowered."""
        self._powered = True

    @property
    def powered_card(self) -> PoweredCard | None:
        """Back door: the card as the reader sees it, while it is powered."""
        return self._session

    def _forget(self) -> None:
        self._session: PoweredCard | None = None
        self._notices = False
        self._owed = b""
        self._seen = (False, -1)
        self._last_answer = NAK

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it closes."""
        frames = HostFrames()
        try:
            while data := await self._receive(wire, frames):
                if not self._powered:
                    frames.reset()
                    continue
                power_cuts = self._power_cuts
                for host_frame in frames.feed(data):
                    await self._answer(host_frame, wire)
                    if self._power_cuts != power_cuts:
                        break
        except OSError:
            return  # the host hung up in the middle of an answer

    async def _receive(self, wire: Wire, frames: HostFrames) -> bytes:
        while frames.half:
            try:
                async with asyncio.timeout(HALF_FRAME_TIMEOUT_S):
                    return await wire.receive()
            except TimeoutError:
                frames.reset()
        return await wire.receive()

    async def _answer(self, host_frame: HostFrame, wire: Wire) -> None:
        power_cuts = self._power_cuts
        await self._command.wait()  # begun by an earlier connection
        if self._power_cuts != power_cuts:
            return
        self._look()
        before, self._owed = self._owed, b""
        if self._echo:
            before += host_frame.raw
        if before:
            await wire.send(before)
        if host_frame.message is not None:
            self._last_answer = await self._obey(host_frame.message, wire)
        if self._power_cuts != power_cuts:
            self._forget()
            return
        damaged = host_frame.message is None and not host_frame.again
        await self._send(NAK if damaged else self._last_answer, wire)

    async def _send(self, answer: bytes, wire: Wire) -> None:
        if self.answers_to_swallow:
            self.answers_to_swallow -= 1
            return
        if self.answers_to_garble:
            self.answers_to_garble -= 1
            answer = answer[:-1] + bytes([answer[-1] ^ 0xFF])
        await wire.send(answer)

    def _look(self) -> None:
        """Note what has happened in the field, and the notices that the host is owed for it."""
        seen = (self._floor.at(self._place) is not None, self._floor.arrivals(self._place))
        if seen == self._seen:
            return
        was_present, is_present = self._seen[0], seen[0]
        self._seen = seen
        self._session = None
        if self._notices:
            self._owed = (self._owed + b"\x50\x02" * was_present + b"\x50\x03" * is_present)[-4:]

    async def _obey(self, message: Message, wire: Wire) -> bytes:
        if message.slot >= self._slots:
            return self._reply(message, Kind.SLOT_STATUS, error=Error.BAD_SLOT)
        match message.kind:
            case 0x62:
                return self._power_on(message)
            case 0x63:
                self._session = self._session if message.slot else None
                return self._reply(message, Kind.SLOT_STATUS)
            case 0x65:
                return self._reply(message, Kind.SLOT_STATUS)
            case 0x6F:
                return await self._transfer(message, wire)
            case 0x61 | 0x6C | 0x6D:
                return self._parameters(message)
            case 0x6B:
                return self._escape(message)
            case _:
                return self._reply(message, Kind.SLOT_STATUS, error=Error.NOT_SUPPORTED)

    def _reply(
        self,
        to: Message,
        kind: Kind,
        data: bytes = b"",
        *,
        error: Error | None = None,
        last: int = 0,
    ) -> bytes:
        status = self._card_status(to.slot) | (0 if error is None else CardStatus.FAILED)
        header = bytes([kind, to.slot, to.sequence, status, error or 0, last])
        return frame(header, data)

    def _card_status(self, slot: int) -> int:
        if slot or not self._seen[0]:
            return CardStatus.ABSENT
        return CardStatus.ACTIVE if self._session else CardStatus.INACTIVE

    def _power_on(self, message: Message) -> bytes:
        if message.special[0] not in {1, 2, 3}:
            return self._reply(message, Kind.DATA_BLOCK, error=Error.BAD_BYTE_7)
        card = None if message.slot else self._floor.at(self._place)
        if card is not None:
            self._session = None
            self._draw_health(card.chip)
        if card is None or card.chip.health is ChipHealth.MUTE:
            return self._reply(message, Kind.DATA_BLOCK, error=Error.CARD_MUTE)
        self._session = PoweredCard(card.chip, self._pace.random)
        return self._reply(message, Kind.DATA_BLOCK, self._session.answer_to_reset)

    def _draw_health(self, chip: ChipMemory) -> None:
        """Find out, the first time a chip is powered here, whether it is one of the bad ones."""
        if chip.serial in self._tried:
            return
        self._tried.add(chip.serial)
        random = self._pace.random
        if random.random() < self._settings.chip_failure_share:
            chip.health = random.choice([ChipHealth.MUTE, ChipHealth.FAILS_ON_WRITE])

    def _parameters(self, message: Message) -> bytes:
        session = None if message.slot else self._session
        if session is None:
            return self._reply(message, Kind.PARAMETERS, error=Error.CARD_MUTE)
        try:
            if message.kind == 0x61:
                session.choose(message.special[0], message.data)
            elif message.kind == 0x6D:
                session.choose(0, DEFAULT_PARAMETERS[0])
        except TransferFailed as failed:
            return self._reply(message, Kind.PARAMETERS, error=failed.error)
        return self._reply(message, Kind.PARAMETERS, session.parameters, last=session.protocol)

    def _escape(self, message: Message) -> bytes:
        match message.data:
            case b"\x02" | b"\x06":  # how hosts open a GemPC, and a SEC1210
                return self._reply(message, Kind.ESCAPE, self._settings.firmware.encode("ascii"))
            case b"\x04":
                return self._reply(message, Kind.ESCAPE, self.serial_number.encode("ascii"))
            case b"\x01\x01\x01":
                self._notices = True
                return self._reply(message, Kind.ESCAPE)
            case _:
                return self._reply(message, Kind.ESCAPE, error=Error.NOT_SUPPORTED)

    async def _transfer(self, message: Message, wire: Wire) -> bytes:
        session = None if message.slot else self._session
        if session is None or session.chip.health is ChipHealth.MUTE:
            return self._reply(message, Kind.DATA_BLOCK, error=Error.CARD_MUTE)
        if not message.data:
            return self._reply(message, Kind.DATA_BLOCK, error=Error.WRONG_LENGTH)
        try:
            step = session.take(message.data)
        except TransferFailed as failed:
            return self._reply(message, Kind.DATA_BLOCK, error=failed.error)
        if not isinstance(step, RunCommand):
            return self._reply(message, Kind.DATA_BLOCK, step)
        answer = await self._run(session, step.apdu, wire)
        if answer is None:
            return self._reply(message, Kind.DATA_BLOCK, error=Error.CARD_MUTE)
        return self._reply(message, Kind.DATA_BLOCK, answer)

    async def _run(self, session: PoweredCard, apdu: bytes, wire: Wire) -> bytes | None:
        """Let the chip work; what it writes is written when it is done, whoever listens."""
        answers: list[bytes] = []

        def finish() -> None:
            self._look()
            if self._session is session:
                answers.append(session.respond(apdu))

        typical_s = command_s(apdu) * self._settings.chip_s / FULL_PERSONALISATION_S
        self._command.start(f"chip command {apdu[1:2].hex()}", self._pace.draw_s(typical_s), finish)
        while self._command.running:
            try:
                async with asyncio.timeout(TIME_REQUEST_EVERY_S):
                    await self._command.wait()
            except TimeoutError:
                await wire.send(TIME_REQUEST)
        return answers[0] if answers else None
