"""One session with a chip: from its reset to power off, commands in and answers out.

They travel over T=1, or over T=0 where a chip has nothing else. Inside a secure channel each
command and answer is wrapped, unseen by whoever asks. Joins the reader's slot, the rules of both
protocols and the chip's words; what is written to a chip, and in which order, is the encoder's
business.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from drivers.apdu import Command, answer_data, select_application
from drivers.atr import AnswerToReset, parse_atr
from drivers.ccid import Message, MessageType
from drivers.ccid_slot import CcidSlot, raise_slot_error
from drivers.chip_keys import ChipKeys
from drivers.errors import (
    ChipKeysRefused,
    ChipMute,
    ChipRefused,
    Garbled,
    NoCard,
    NotReady,
    ReplyTimeout,
)
from drivers.scp03 import ChipHello, SecureChannel, initialize_update, is_authentic
from drivers.t0 import T0Exchange, as_asked
from drivers.t1 import Send, Step, T1Host

_VOLTAGES: Final = (1, 2, 3)  # bPowerSelect: 5 V, 3 V, 1.8 V
_BUSY_PAUSE_S: Final = 0.5
#: The reader may stay silent or be damaged so often in a row before the wire is to blame.
_WIRE_FAILURES_MAX: Final = 2
_OPENINGS_MAX: Final = 3
_WAITING_FACTOR_MAX: Final = 6

#: Refusals by which a chip tells that other keys belong to it: to the version asked for, to our
#: proof, and to a command that it decrypted with another key.
_NO_SUCH_KEYS: Final = frozenset({"6A88"})
_WRONG_PROOF: Final = frozenset({"6300", "6982", "6988", *(f"63C{n:X}" for n in range(16))})
_NOT_DECRYPTED: Final = frozenset({"6700", "6982", "6988", "6A80", "6A82", "6A86"})


class ChipSession:
    """A powered chip that speaks T=1 or T=0, as its answer to reset says."""

    def __init__(self, slot: CcidSlot, atr: AnswerToReset, card_timeout_s: float) -> None:
        self._slot = slot
        self._t1 = T1Host(atr.information_field_bytes) if atr.protocol == 1 else None
        self._card_timeout_s = card_timeout_s
        self._channel: SecureChannel | None = None
        self._answers_repeated_before = slot.answers_repeated

    async def ask(self, command: Command) -> bytes:
        """Return the data of the chip's answer; raises `ChipRefused` on any other than 9000."""
        answer = await self._answer(command)
        try:
            return answer_data(command, answer)
        except ChipRefused as refused:
            if self._took_commands_twice():
                raise Garbled("The wire repeated itself, and the chip lost its place.") from refused
            raise

    async def select_application(self, name: bytes) -> bytes:
        """Select by name, in the clear: that ends a channel. Returns the control parameters."""
        self._channel = None
        return await self.ask(select_application(name))

    async def open_channel(self, key_version: int, keys: ChipKeys) -> None:
        """Open a secure channel with the selected application; raises `ChipKeysRefused`.

        The chip proves its keys first: while they are not ours, it is given none of the wrong
        proofs that it counts.
        """
        challenge = keys.host_challenge()
        version = f"{key_version:02X}"
        with _refused_for_its_keys(_NO_SUCH_KEYS, version):
            hello = ChipHello.parse(await self.ask(initialize_update(key_version, challenge)))
        context = challenge + hello.challenge
        session_keys = await keys.session_keys(key_version, hello.diversification, context)
        if hello.key_version != key_version:
            raise ChipKeysRefused("The chip answers with another key version.", key_version=version)
        if not is_authentic(session_keys, context, hello.cryptogram):
            raise ChipKeysRefused("The chip does not hold our keys.", key_version=version)
        channel = SecureChannel(session_keys)
        with _refused_for_its_keys(_WRONG_PROOF, version):
            await self.ask(channel.external_authenticate(context))
        self._channel = channel

    async def prove_encryption(self, key_version: int, harmless: Command) -> None:
        """Ask something harmless in a new channel; raises `ChipKeysRefused`.

        Both proofs of the opening use the MAC key alone: a chip that cannot decrypt is not a bad
        chip, it holds another encryption key.
        """
        with _refused_for_its_keys(_NOT_DECRYPTED, f"{key_version:02X}"):
            await self.ask(harmless)

    async def agree_sizes(self) -> None:
        """Tell a chip that speaks in blocks that we take long ones."""
        if self._t1 is not None:
            await self._run_t1(self._t1, self._t1.begin_ifs())

    async def _answer(self, command: Command) -> bytes:
        """Return the chip's whole answer as it would have come in the clear."""
        if self._channel is None:
            return await self._exchange(command)
        answer = self._channel.unwrap(await self._exchange(self._channel.wrap(command)))
        return answer if self._t1 else as_asked(command, answer)

    def _took_commands_twice(self) -> bool:
        """Tell whether what the chip says may be the wire's doing: T=0 numbers nothing."""
        return self._t1 is None and self._slot.answers_repeated > self._answers_repeated_before

    async def _exchange(self, command: Command) -> bytes:
        if self._t1 is None:
            return await self._exchange_t0(command)
        first = self._t1.begin(command.encode(), repeatable=command.repeatable)
        return await self._run_t1(self._t1, first)

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


async def open_chip(slot: CcidSlot, reply_timeout_s: float, card_timeout_s: float) -> ChipSession:
    """Reset the chip in the field and agree on a protocol; raises `NoCard`, `ChipMute`.

    Begun again from the reset when the wire fails: nothing has been asked of the chip yet.
    """
    for _ in range(_OPENINGS_MAX - 1):
        try:
            return await _open_once(slot, reply_timeout_s, card_timeout_s)
        except (Garbled, ReplyTimeout):
            continue
    return await _open_once(slot, reply_timeout_s, card_timeout_s)


async def close_chip(slot: CcidSlot, reply_timeout_s: float) -> None:
    """Take the power from the chip; a chip that has left already is no error."""
    await slot.query(MessageType.ICC_POWER_OFF, reply_timeout_s)


async def _open_once(slot: CcidSlot, reply_timeout_s: float, card_timeout_s: float) -> ChipSession:
    atr = parse_atr(await _power_on(slot, card_timeout_s))
    if atr.wants_pps:
        await _negotiate(slot, atr.protocol, card_timeout_s)
    parameters = await slot.query(
        MessageType.SET_PARAMETERS,
        reply_timeout_s,
        parameters=bytes((atr.protocol, 0, 0)),
        data=atr.t1_parameters() if atr.protocol else atr.t0_parameters(),
    )
    _checked(parameters)
    session = ChipSession(slot, atr, card_timeout_s)
    await session.agree_sizes()
    return session


async def _negotiate(slot: CcidSlot, protocol: int, card_timeout_s: float) -> None:
    pps = bytes((0xFF, protocol, 0xFF ^ protocol))
    answer = await slot.command(MessageType.TRANSFER_BLOCK, card_timeout_s, data=pps)
    if _checked(answer).data != pps:
        raise ChipMute("The chip does not agree to the protocol that it offers.", protocol=protocol)


async def _power_on(slot: CcidSlot, card_timeout_s: float) -> bytes:
    """Return the ATR at the first voltage that gives one."""
    mute = ChipMute()
    for voltage in _VOLTAGES:
        try:
            return (await _power_on_when_free(slot, voltage, card_timeout_s)).data
        except NoCard:
            raise
        except ChipMute as error:
            mute = error
    raise mute


async def _power_on_when_free(slot: CcidSlot, voltage: int, card_timeout_s: float) -> Message:
    """Power on; while the slot is still busy with an earlier command, wait for it."""
    for _ in range(max(1, int(card_timeout_s / _BUSY_PAUSE_S))):
        try:
            return _checked(
                await slot.command(
                    MessageType.ICC_POWER_ON, card_timeout_s, parameters=bytes((voltage, 0, 0))
                )
            )
        except NotReady:
            await asyncio.sleep(_BUSY_PAUSE_S)
    raise NotReady("The reader stays busy.")


@contextmanager
def _refused_for_its_keys(status_words: frozenset[str], key_version: str) -> Iterator[None]:
    """Tell a chip that is at fault from one that other keys belong to."""
    try:
        yield
    except ChipRefused as error:
        if error.facts.get("sw") not in status_words:
            raise
        raise ChipKeysRefused(
            error.detail, sw=error.facts["sw"], key_version=key_version
        ) from error


def _checked(answer: Message) -> Message:
    if answer.failed:
        raise_slot_error(answer)
    return answer
