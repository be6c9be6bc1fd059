"""A CCID reader on a serial wire: who it is, the power of its chip, commands over T=1 or T=0.

Joins the reader's slot and the rules of both protocols. What a command means, and whether it is
inside a secure channel, is not its business.
"""

import asyncio
from typing import Final

from drivers.apdu import OK, Command
from drivers.atr import AnswerToReset, parse_atr
from drivers.ccid import CardStatus, Message, MessageType
from drivers.ccid_slot import CcidSlot, raise_slot_error
from drivers.chip_reader import EncoderTimeouts
from drivers.errors import ChipMute, Garbled, NoCard, NotReady, ReplyTimeout, WrongDevice
from drivers.identity import Identity
from drivers.strangers import raise_if_stranger
from drivers.t0 import T0Exchange
from drivers.t1 import Send, Step, T1Host
from drivers.wire import Wire

_GET_FIRMWARE: Final = b"\x02"
_NOTIFY_CHANGES: Final = b"\x01\x01\x01"
#: Our own choice for our encoders; another reader refuses it and goes by its firmware text.
_GET_SERIAL_NUMBER: Final = b"\x04"

_VOLTAGES: Final = (1, 2, 3)  # bPowerSelect: 5 V, 3 V, 1.8 V
_BUSY_PAUSE_S: Final = 0.5
#: The reader may stay silent or be damaged so often in a row before the wire is to blame.
_WIRE_FAILURES_MAX: Final = 2
_OPENINGS_MAX: Final = 3
_WAITING_FACTOR_MAX: Final = 6
_OK: Final = OK.to_bytes(2, "big")


class CcidReader:
    """A serial CCID reader with one slot."""

    def __init__(
        self, wire: Wire, timeouts: EncoderTimeouts | None = None, *, echo: bool = True
    ) -> None:
        timeouts = timeouts or EncoderTimeouts()
        self._reply_timeout_s = timeouts.reply_timeout_s
        self._card_timeout_s = timeouts.card_timeout_s
        self._slot = CcidSlot(wire, echo=echo)
        self._t1: T1Host | None = None  # of a powered chip that speaks T=1
        self._answers_repeated_before = 0

    async def identify(self) -> Identity:
        """Open the dialogue as this kind of reader wants it; `WrongDevice` if it is another."""
        try:
            firmware = await self._escape(_GET_FIRMWARE)
        except (ReplyTimeout, Garbled) as error:
            await raise_if_stranger(self._slot.link, "encoder", self._reply_timeout_s)
            if self._slot.link.garbage_bytes:
                raise WrongDevice("What answers here is no CCID reader.") from error
            raise
        if firmware is None:
            raise WrongDevice("The reader does not tell its firmware.")
        serial_number = await self.serial_number()
        await self._escape(_NOTIFY_CHANGES)
        return Identity("encoder", "CCID serial reader", serial_number, firmware)

    async def serial_number(self) -> str:
        """Return the serial number, or the firmware of a reader without.

        A refusal is asked about once more: two flipped bits pass an LRC, and a reader taken for
        another puts its card in doubt.
        """
        for request in (_GET_SERIAL_NUMBER, _GET_SERIAL_NUMBER, _GET_FIRMWARE):
            if text := await self._escape(request):
                return text
        raise WrongDevice("The reader does not tell who it is.")

    async def card_present(self) -> bool:
        """Tell whether a card is in the field."""
        status = await self._slot.query(MessageType.GET_SLOT_STATUS, self._reply_timeout_s)
        if status.failed and status.card_status != CardStatus.ABSENT:
            raise_slot_error(status)
        return status.card_status != CardStatus.ABSENT

    async def power_on(self) -> int:
        """Reset the chip and agree on a protocol; raises `NoCard`, `ChipMute`.

        Begun again from the reset when the wire fails: nothing has been asked of the chip yet.
        """
        for _ in range(_OPENINGS_MAX - 1):
            try:
                return await self._power_on_once()
            except (Garbled, ReplyTimeout):
                continue
        return await self._power_on_once()

    async def transmit(self, command: Command) -> bytes:
        """Give the chip a command over the protocol agreed on; returns its whole answer."""
        if self._t1 is not None:
            first = self._t1.begin(command.encode(), repeatable=command.repeatable)
            return await self._run_t1(self._t1, first)
        answer = await self._exchange_t0(command)
        # T=0 numbers nothing: what was repeated on its way, the chip may have taken twice.
        if self._slot.answers_repeated > self._answers_repeated_before and answer[-2:] != _OK:
            raise Garbled("The wire repeated itself, and the chip lost its place.")
        return answer

    async def power_off(self) -> None:
        """Take the power from the chip; a chip that has left already is no error."""
        await self._slot.query(MessageType.ICC_POWER_OFF, self._reply_timeout_s)

    async def aclose(self) -> None:
        """Hang up."""
        await self._slot.link.aclose()

    async def _escape(self, request: bytes) -> str | None:
        """Return the text of the reader's answer; None when it refuses the request."""
        answer = await self._slot.query(MessageType.ESCAPE, self._reply_timeout_s, data=request)
        if answer.failed:
            return None
        return answer.data.decode("ascii", "replace").strip("\0 ")

    async def _power_on_once(self) -> int:
        atr = parse_atr(await self._first_answer_to_reset())
        if atr.wants_pps:
            await self._negotiate(atr.protocol)
        await self._set_parameters(atr)
        self._answers_repeated_before = self._slot.answers_repeated
        self._t1 = T1Host(atr.information_field_bytes) if atr.protocol == 1 else None
        if self._t1 is not None:
            await self._run_t1(self._t1, self._t1.begin_ifs())
        return atr.protocol

    async def _first_answer_to_reset(self) -> bytes:
        """Return the ATR at the first voltage that gives one."""
        mute = ChipMute()
        for voltage in _VOLTAGES:
            try:
                return (await self._power_on_when_free(voltage)).data
            except NoCard:
                raise
            except ChipMute as error:
                mute = error
        raise mute

    async def _power_on_when_free(self, voltage: int) -> Message:
        """Power on; while the slot is still busy with an earlier command, wait for it."""
        for _ in range(max(1, int(self._card_timeout_s / _BUSY_PAUSE_S))):
            try:
                return _checked(
                    await self._slot.command(
                        MessageType.ICC_POWER_ON,
                        self._card_timeout_s,
                        parameters=bytes((voltage, 0, 0)),
                    )
                )
            except NotReady:
                await asyncio.sleep(_BUSY_PAUSE_S)
        raise NotReady("The reader stays busy.")

    async def _negotiate(self, protocol: int) -> None:
        pps = bytes((0xFF, protocol, 0xFF ^ protocol))
        answer = await self._slot.command(
            MessageType.TRANSFER_BLOCK, self._card_timeout_s, data=pps
        )
        if _checked(answer).data != pps:
            text = "The chip does not agree to the protocol that it offers."
            raise ChipMute(text, protocol=protocol)

    async def _set_parameters(self, atr: AnswerToReset) -> None:
        parameters = await self._slot.query(
            MessageType.SET_PARAMETERS,
            self._reply_timeout_s,
            parameters=bytes((atr.protocol, 0, 0)),
            data=atr.t1_parameters() if atr.protocol else atr.t0_parameters(),
        )
        _checked(parameters)

    async def _exchange_t0(self, command: Command) -> bytes:
        """Ask over T=0, which has no means to ask for an answer again.

        After a failure of the wire nobody knows whether the chip did it: only what may be done
        twice is asked again, from its beginning, because part of its answer may be gone.
        """
        for _ in range(_WIRE_FAILURES_MAX if command.repeatable else 0):
            try:
                return await self._run_t0(T0Exchange(command))
            except (Garbled, ReplyTimeout):
                continue
        return await self._run_t0(T0Exchange(command))

    async def _run_t0(self, exchange: T0Exchange) -> bytes:
        step: Step = exchange.begin()
        while isinstance(step, Send):
            step = exchange.take(await self._transfer(step))
        return step.answer

    async def _run_t1(self, t1: T1Host, first: Send) -> bytes:
        """Exchange blocks until the answer is whole.

        A wire that failed meanwhile is blamed before the chip: a chip that counts as mute is
        spoilt, and noise must not spoil cards.
        """
        step, wire_failures = first, 0
        wire_error: Garbled | ReplyTimeout | None = None
        while True:
            received = None
            try:
                received = await self._transfer(step)
                wire_failures = 0
            except ChipMute:
                pass
            except (Garbled, ReplyTimeout) as error:
                wire_error = error
                wire_failures += 1
                if wire_failures > _WIRE_FAILURES_MAX:
                    raise
            try:
                then = t1.missed() if received is None else t1.take(received)
            except ChipMute as mute:
                raise (wire_error or mute) from mute.__cause__
            if not isinstance(then, Send):
                return then.answer
            step = then

    async def _transfer(self, step: Send) -> bytes:
        factor = min(step.waiting_factor, _WAITING_FACTOR_MAX)
        timeout_s = self._card_timeout_s * factor
        parameters = bytes((factor, 0, 0)) if factor > 1 else b"\0\0\0"
        answer = await self._slot.command(
            MessageType.TRANSFER_BLOCK, timeout_s, parameters=parameters, data=step.block
        )
        return _checked(answer).data


def _checked(answer: Message) -> Message:
    if answer.failed:
        raise_slot_error(answer)
    return answer
