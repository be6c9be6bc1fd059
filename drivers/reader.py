"""The read-back reader's verbs: who it is, and everything that a finished card says of itself.

Reading is never in doubt: it is done again. What the data should have been, and taking the card
out of the field before another reading, are not its business.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    ReadFailed,
    ReplyTimeout,
    UnexpectedReply,
    WrongDevice,
)
from drivers.identity import Identity
from drivers.link import Link
from drivers.sdt import (
    RATES,
    Answer,
    Damaged,
    FrameDecoder,
    Received,
    Request,
    Status,
    encode,
    meaning,
    sam_id_text,
)
from drivers.serial_settings import SerialSettings
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire

TEXT_BYTES: Final = 256
PHOTO_BYTES: Final = 1024
_BASE_LENGTHS: Final = bytes.fromhex("01000400")
_REPEATS: Final = 2
_FIND_PAUSE_S: Final = 0.3
_FIND_ATTEMPTS: Final = 5
_SELECT_ATTEMPTS: Final = 2
#: What a reader needs to change its speed, counted from its answer.
_RATE_PAUSE_S: Final = 0.005
#: Late answers to other requests that are passed over while waiting for ours.
_STRAY_ANSWERS_MAX: Final = 3

#: The good answer to each request: SW3 and data bytes.
_GOOD: Final = {
    Request.STATUS: (Status.DONE, 0),
    Request.SAM_ID: (Status.DONE, 16),
    Request.FIND: (Status.CARD_FOUND, 4),
    Request.SELECT: (Status.DONE, 8),
    Request.READ_BASE: (Status.DONE, 4 + TEXT_BYTES + PHOTO_BYTES),
    Request.READ_MANAGEMENT: (Status.DONE, 28),
    **dict.fromkeys(RATES.values(), (Status.DONE, 0)),
}
_GOOD_WORDS: Final = frozenset((Status.DONE, Status.CARD_FOUND))

#: What is said of a card answers no question about the reader itself.
_OF_A_CARD: Final = frozenset(
    (
        Status.CARD_REJECTS_SAM,
        Status.SAM_REJECTS_CARD,
        Status.CHECK_FAILED,
        Status.FINGERPRINT_CHECK_FAILED,
        Status.CARD_TYPE,
        Status.READ_FAILED,
        Status.FIND_FAILED,
        Status.SELECT_FAILED,
        Status.NO_SUCH_ITEM,
    )
)
_OF_THE_READER: Final = frozenset((Request.STATUS, Request.SAM_ID, *RATES.values()))

_MODULE_FAULTS: Final = frozenset((Status.SELF_TEST_FAILED, Status.NOT_AUTHORISED))
_REQUEST_DAMAGED: Final = frozenset((Status.HOST_CHECKSUM, Status.HOST_LENGTH))
_REFUSALS: Final = frozenset((Status.WRONG_COMMAND, Status.NOT_ALLOWED))
#: Older modules do not know the management number, or say that the card has none.
_NO_MANAGEMENT: Final = _REFUSALS | {Status.NO_SUCH_ITEM, Status.NOT_RECOGNISED}


@dataclass(frozen=True, slots=True)
class ReaderTimeouts:
    """How long to wait for each kind of answer; status and identity answer as fast as `find`."""

    find_timeout_s: float = 1.0
    select_timeout_s: float = 1.0
    read_timeout_s: float = 3.0


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What is on a card. Personal data: never shown."""

    text: bytes = field(repr=False)
    photo: bytes = field(repr=False)
    chip_serial: bytes | None
    card_serial: bytes | None


class ReadBackReader:
    """A reader that speaks SDT."""

    def __init__(self, wire: Wire, timeouts: ReaderTimeouts | None = None) -> None:
        self._link: Link[Received] = Link(wire, FrameDecoder())
        self._timeouts = timeouts or ReaderTimeouts()

    async def identify(self) -> Identity:
        """Return its security module's number as serial number; `WrongDevice` if it has none."""
        async with self._link:
            try:
                await self._of_itself(Request.STATUS)
                sam_id = await self._of_itself(Request.SAM_ID)
            except (ReplyTimeout, Garbled) as error:
                await raise_if_stranger(self._link, "reader", self._timeouts.find_timeout_s)
                if self._link.garbage_bytes:
                    raise WrongDevice("What answers here is no SDT reader.") from error
                raise
        return Identity("reader", "SDT read-back reader", sam_id_text(sam_id), "")

    async def read_card(self) -> ReadBack:
        """Find, select and read the card in the field; raises `NoCard`, `ReadFailed`.

        After a reading the card must leave the field before the next one can succeed.
        """
        async with self._link:
            await self._of_itself(Request.STATUS)
            await self._find()
            try:
                await self._select()
                base = await self._ask(Request.READ_BASE, self._timeouts.read_timeout_s)
                data = _data(base)
            except CommandRefused as error:
                # A step whose answer was lost has been taken; asked again it is out of order.
                raise ReadFailed("The reader lost its place.", **error.facts) from error
            if data[:4] != _BASE_LENGTHS:
                raise ReadFailed("The reader announces other lengths than a card has.")
            chip_serial, card_serial = await self._management()
        text_end = 4 + TEXT_BYTES
        return ReadBack(data[4:text_end], data[text_end:], chip_serial, card_serial)

    async def set_bit_rate(self, bit_rate: int) -> None:
        """Have the reader and its wire go on at another speed, and prove it.

        Where no answer came, the reader is asked at both speeds. The wire is left at the one at
        which it answers; what is raised says which that is.
        """
        if bit_rate not in RATES:
            raise CommandRefused(f"A reader cannot be set to {bit_rate} bit/s.")
        async with self._link:
            if self._link.port is None:
                raise CommandRefused("The speed of this wire is not ours to set.")
            old = self._link.port.settings
            new = replace(old, baud=bit_rate)
            # Whether the port can follow must be known before the reader is gone.
            self._link.set(new)
            self._link.set(old)
            for _ in range(1 + _REPEATS):
                agreed = await self._agrees_to(RATES[bit_rate])
                found = await self._found_at(new, old, new, old)
                if found == new:
                    return
                if found is None:
                    text = f"The reader answers neither at {bit_rate} bit/s nor at {old.baud}."
                    raise ReplyTimeout(text)
                if agreed:
                    break
            raise CommandRefused(f"The reader stays at {old.baud} bit/s, and so does its wire.")

    async def aclose(self) -> None:
        """Hang up."""
        await self._link.aclose()

    async def _of_itself(self, request: Request) -> bytes:
        """Ask the reader about itself."""
        return self._checked(await self._ask(request, self._timeouts.find_timeout_s))

    def _checked(self, answer: Answer) -> bytes:
        """Return the data of an answer about the reader; what is wrong there is no card's fault."""
        if answer.sw3 in _GOOD_WORDS | _REFUSALS:
            return _data(answer)
        raise HardwareFault(f"The reader reports: {meaning(answer.sw3)}.", code=_hex(answer.sw3))

    async def _agrees_to(self, request: Request) -> bool:
        """Ask once: a reader that has changed its speed would not understand the second time."""
        try:
            answer = await self._answer(request, self._timeouts.find_timeout_s)
        except (ReplyTimeout, Garbled, UnexpectedReply):
            return False
        if answer.sw3 in _REQUEST_DAMAGED:
            return False
        self._checked(answer)
        return True

    async def _found_at(self, *likely: SerialSettings) -> SerialSettings | None:
        """Return at which of these settings the reader answers; the wire is left at the last."""
        for settings in likely:
            await asyncio.sleep(_RATE_PAUSE_S)
            self._link.set(settings)
            try:
                await self._of_itself(Request.STATUS)
            except (ReplyTimeout, Garbled, UnexpectedReply):
                continue
            return settings
        return None

    async def _find(self) -> None:
        for attempt in range(1, _FIND_ATTEMPTS + 1):
            answer = await self._ask(Request.FIND, self._timeouts.find_timeout_s)
            if answer.sw3 != Status.FIND_FAILED:
                _data(answer)
                return
            if attempt < _FIND_ATTEMPTS:
                await asyncio.sleep(_FIND_PAUSE_S)
        raise NoCard

    async def _select(self) -> None:
        for _ in range(_SELECT_ATTEMPTS):
            answer = await self._ask(Request.SELECT, self._timeouts.select_timeout_s)
            if answer.sw3 != Status.SELECT_FAILED:
                break
        _data(answer)

    async def _management(self) -> tuple[bytes | None, bytes | None]:
        """Return chip serial and card serial; IIN comes first and is the issuer's."""
        answer = await self._ask(Request.READ_MANAGEMENT, self._timeouts.read_timeout_s)
        if answer.sw3 in _NO_MANAGEMENT:
            return None, None
        data = _data(answer)
        return data[4:12], data[12:28]

    async def _ask(self, request: Request, reply_timeout_s: float) -> Answer:
        """Ask; silence and damage in either direction are asked again, twice."""
        trouble: DriverError = Garbled()
        for _ in range(1 + _REPEATS):
            try:
                answer = await self._answer(request, reply_timeout_s)
            except (ReplyTimeout, Garbled) as error:
                trouble = error
                continue
            if answer.sw3 not in _REQUEST_DAMAGED:
                return answer
            trouble = Garbled("The reader received the request damaged.", code=_hex(answer.sw3))
        raise trouble

    async def _answer(self, request: Request, reply_timeout_s: float) -> Answer:
        """Ask once; answers carry no number, so ours is known by its shape and its words alone.

        On a serial line the answer to what an earlier driver asked may come to this one.
        """
        await self._link.send(encode(request))
        for _ in range(1 + _STRAY_ANSWERS_MAX):
            received = await self._link.next_frame(reply_timeout_s)
            if isinstance(received, Damaged):
                self._link.distrust()
                raise Garbled
            if _may_answer(received, request):
                return received
        raise UnexpectedReply("The reader answers other requests than the one asked.")


def _may_answer(answer: Answer, request: Request) -> bool:
    if answer.sw3 in _GOOD_WORDS:
        return (answer.sw3, len(answer.data)) == _GOOD[request]
    return not (request in _OF_THE_READER and answer.sw3 in _OF_A_CARD)


def _data(answer: Answer) -> bytes:
    """Return the data of a good answer; raises what the module's status word calls for."""
    if answer.sw3 in _GOOD_WORDS:
        return answer.data
    code, text = _hex(answer.sw3), meaning(answer.sw3)
    if answer.sw3 in _MODULE_FAULTS:
        raise HardwareFault(f"The reader reports: {text}.", code=code)
    if answer.sw3 in _REFUSALS:
        raise CommandRefused(f"The reader refused: {text}.", code=code)
    if answer.sw3 == Status.FIND_FAILED:
        raise NoCard
    raise ReadFailed(
        f"The reader could not read the card: {text}.",
        code=code,
        card_words=f"{answer.card_words:04X}",
    )


def _hex(sw3: int) -> str:
    return f"{sw3:02X}"
