"""The dialogue with one slot of a serial CCID reader: a command, its echo, its answer.

Repeats the *answer* when it came damaged (NAK), never a command: whether a command may be sent
again is known to its caller. Knows nothing of chips or their protocols.
"""

from typing import Final, NoReturn

from drivers.ccid import (
    NAK_FRAME,
    CardStatus,
    Damaged,
    FrameDecoder,
    Message,
    MessageType,
    NotUnderstood,
    Received,
    SlotChange,
    TimeRequest,
    encode,
)
from drivers.errors import (
    ChipMute,
    CommandRefused,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
)
from drivers.link import Link
from drivers.wire import Wire

#: A damaged answer is asked for again so often.
NAKS_MAX: Final = 2
#: Echoes, notices, time requests and late answers that one answer may hide behind.
FRAMES_BEFORE_ANSWER_MAX: Final = 100

_ANSWERS: Final = {
    MessageType.ICC_POWER_ON: MessageType.DATA_BLOCK,
    MessageType.TRANSFER_BLOCK: MessageType.DATA_BLOCK,
    MessageType.ICC_POWER_OFF: MessageType.SLOT_STATUS,
    MessageType.GET_SLOT_STATUS: MessageType.SLOT_STATUS,
    MessageType.SET_PARAMETERS: MessageType.PARAMETERS,
    MessageType.ESCAPE: MessageType.ESCAPE_ANSWER,
}

_CHIP_ERRORS: Final = {
    0xFE: "mute",
    0xF8: "first byte of its reset answer is wrong",
    0xF7: "check byte of its reset answer is wrong",
    0xF6: "its protocol is not supported",
    0xF5: "its class is not supported",
    0xF4: "procedure byte conflict",
    0xF3: "its protocol is deactivated",
}
_BUSY_ERRORS: Final = {0xF2: "busy with its automatic sequence", 0xE0: "slot busy"}
_WIRE_ERRORS: Final = {0xFD: "parity error", 0xFC: "overrun"}


class CcidSlot:
    """Slot 0 of the reader on a wire. Its user asks one thing at a time."""

    def __init__(self, wire: Wire, *, echo: bool, slot: int = 0) -> None:
        self.link: Link[Received] = Link(wire, FrameDecoder())
        self._echo = echo
        self._slot = slot
        self._sequence = 0
        self._answered: int | None = None  # bSeq of the command that was answered last
        #: Answers that came once more: the wire repeated them, or it repeated their commands.
        self.answers_repeated = 0

    async def command(
        self,
        kind: MessageType,
        reply_timeout_s: float,
        *,
        parameters: bytes = b"\0\0\0",
        data: bytes = b"",
    ) -> Message:
        """Send a command once and return its answer, failed or not."""
        message = Message(kind, self._slot, self._sequence, parameters, data)
        self._sequence = (self._sequence + 1) & 0xFF
        await self.link.send(encode(message), reply_timeout_s)
        return await self._answer(message, reply_timeout_s)

    async def query(
        self,
        kind: MessageType,
        reply_timeout_s: float,
        *,
        parameters: bytes = b"\0\0\0",
        data: bytes = b"",
        repeats: int = 2,
    ) -> Message:
        """Like `command`, for what may be asked again: repeats after silence and damage."""
        for _ in range(repeats):
            try:
                return await self.command(kind, reply_timeout_s, parameters=parameters, data=data)
            except (ReplyTimeout, Garbled):
                continue
        return await self.command(kind, reply_timeout_s, parameters=parameters, data=data)

    async def _answer(self, asked: Message, reply_timeout_s: float) -> Message:
        echo_due = self._echo
        nak_echo_due = False
        naks = 0
        for _ in range(FRAMES_BEFORE_ANSWER_MAX):
            match await self.link.next_frame(reply_timeout_s):
                case SlotChange() | TimeRequest():
                    pass
                case Damaged() if echo_due:
                    # Only our copy of the echo may be hurt; if not, the reader's NAK follows.
                    echo_due = False
                case Damaged():
                    if naks == NAKS_MAX:
                        raise Garbled
                    naks += 1
                    nak_echo_due = self._echo
                    await self.link.send(NAK_FRAME, reply_timeout_s)
                case NotUnderstood() if nak_echo_due:
                    nak_echo_due = False
                case NotUnderstood():
                    raise Garbled("The reader received the command damaged.")
                case Message() as message if message.from_host:
                    self._check_echo()
                    echo_due = False
                case Message() as message:
                    if self._is_answer(message, asked):
                        self._answered = message.sequence
                        return message
                    self.answers_repeated += message.sequence == self._answered
        raise ReplyTimeout("The reader sent anything but an answer.")

    def _check_echo(self) -> None:
        if not self._echo:
            raise UnexpectedReply("The line sends our own bytes back.")

    def _is_answer(self, message: Message, asked: Message) -> bool:
        """Tell an answer from a late one (another bSeq) and from a request for time."""
        if message.slot != asked.slot or message.sequence != asked.sequence:
            return False
        if message.kind is not _ANSWERS[asked.kind]:
            raise UnexpectedReply(asked=asked.kind.name, answered=message.kind.name)
        return not message.wants_time


def raise_slot_error(message: Message) -> NoReturn:
    """Turn a failed answer into the error that says what must happen next."""
    code = f"{message.error:02X}"
    if message.card_status == CardStatus.ABSENT:
        raise NoCard(slot_error=code)
    if message.error in _CHIP_ERRORS:
        raise ChipMute(_chip_says(message.error), slot_error=code)
    if message.error in _BUSY_ERRORS:
        raise NotReady(f"The reader is {_BUSY_ERRORS[message.error]}.", slot_error=code)
    raise _other_error(message.error, code)


def _chip_says(error: int) -> str:
    return f"The chip does not work with the reader: {_CHIP_ERRORS[error]}."


def _other_error(error: int, code: str) -> DriverError:
    if error in _WIRE_ERRORS:
        return Garbled(f"Between reader and chip: {_WIRE_ERRORS[error]}.", slot_error=code)
    if error < 0x80:
        return CommandRefused("The reader does not take this command.", slot_error=code)
    return HardwareFault("The reader reports a fault of its own.", slot_error=code)
