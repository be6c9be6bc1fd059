"""The read-back reader's verbs: who it is, and everything that a finished card says of itself.

Reading is never in doubt: it is done again. What the data should have been, and taking the card
out of the field before another reading, are not its business.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
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
    sam_id_text,
)
from drivers.sdt_answers import (
    ADDRESS_BYTES,
    FINGERPRINT_BYTES,
    NO_MANAGEMENT,
    REQUEST_DAMAGED,
    blocks,
    code_of,
    data_of,
    data_of_reader,
    may_answer,
    parts,
)
from drivers.serial_settings import SerialSettings
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire

_REPEATS: Final = 2
_FIND_PAUSE_S: Final = 0.3
_FIND_ATTEMPTS: Final = 5
_SELECT_ATTEMPTS: Final = 2
#: What a reader needs to change its speed, counted from its answer.
_RATE_PAUSE_S: Final = 0.005
#: Late answers to other requests that are passed over while waiting for ours.
_STRAY_ANSWERS_MAX: Final = 3
_RADIO_FRAME_BYTES: Final = range(24, 256)
#: Where a card says whose it is: a citizen's has a blank here, a foreigner's an I.
_TYPE_AT: Final = 248
_CITIZENS: Final = b" \0"


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

    @property
    def is_a_citizens(self) -> bool:
        """Whether the text is laid out as a citizen's; others' cards say so in one place."""
        return self.text[_TYPE_AT : _TYPE_AT + len(_CITIZENS)] == _CITIZENS


@dataclass(frozen=True, slots=True)
class WholeCard:
    """Everything that a reader gives of a card. Personal data: never shown."""

    base: ReadBack
    #: None where the module is too old to read them.
    fingerprints: tuple[bytes, ...] | None = field(repr=False)
    addresses: tuple[bytes, ...] = field(repr=False)


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
            with _in_step():
                await self._select()
                text, photo, _ = blocks(await self._read(Request.READ_BASE))
            return ReadBack(text, photo, *await self._management())

    async def read_whole_card(self) -> WholeCard:
        """Like `read_card`, with fingerprints and the addresses that were added to a card."""
        async with self._link:
            await self._of_itself(Request.STATUS)
            await self._find()
            with _in_step():
                await self._select()
                answer = await self._read(Request.READ_WITH_FINGERPRINTS)
                knows_fingerprints = answer.sw3 != Status.WRONG_COMMAND
                if not knows_fingerprints:
                    answer = await self._read(Request.READ_BASE)
                text, photo, fingers = blocks(answer)
                addresses = await self._addresses()
            base = ReadBack(text, photo, *await self._management())
        fingerprints = parts(fingers, FINGERPRINT_BYTES) if knows_fingerprints else None
        return WholeCard(base, fingerprints, addresses)

    async def reset(self) -> None:
        """Have the security module begin anew; a card must be found again."""
        async with self._link:
            await self._of_itself(Request.RESET)

    async def limit_radio_frames(self, size_bytes: int) -> None:
        """Have frames between module and card be no longer than this."""
        if size_bytes not in _RADIO_FRAME_BYTES:
            raise CommandRefused(f"A reader's radio frames cannot end at {size_bytes} bytes.")
        async with self._link:
            await self._of_itself(Request.RADIO_FRAME, bytes((size_bytes,)))

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

    async def _of_itself(self, request: Request, data: bytes = b"") -> bytes:
        """Ask the reader about itself."""
        return data_of_reader(await self._ask(request, self._timeouts.find_timeout_s, data))

    async def _agrees_to(self, request: Request) -> bool:
        """Ask once: a reader that has changed its speed would not understand the second time."""
        try:
            answer = await self._answer(request, self._timeouts.find_timeout_s)
        except (ReplyTimeout, Garbled, UnexpectedReply):
            return False
        if answer.sw3 in REQUEST_DAMAGED:
            return False
        data_of_reader(answer)
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
                data_of(answer)
                return
            if attempt < _FIND_ATTEMPTS:
                await asyncio.sleep(_FIND_PAUSE_S)
        raise NoCard

    async def _select(self) -> None:
        for _ in range(_SELECT_ATTEMPTS):
            answer = await self._ask(Request.SELECT, self._timeouts.select_timeout_s)
            if answer.sw3 != Status.SELECT_FAILED:
                break
        data_of(answer)

    async def _read(self, request: Request) -> Answer:
        return await self._ask(request, self._timeouts.read_timeout_s)

    async def _addresses(self) -> tuple[bytes, ...]:
        """Return the added addresses; that there are none is an answer, too."""
        answer = await self._read(Request.READ_ADDRESSES)
        if answer.sw3 == Status.NO_SUCH_ITEM:
            return ()
        return parts(data_of(answer), ADDRESS_BYTES)

    async def _management(self) -> tuple[bytes | None, bytes | None]:
        """Return chip serial and card serial; IIN comes first and is the issuer's."""
        answer = await self._read(Request.READ_MANAGEMENT)
        if answer.sw3 in NO_MANAGEMENT:
            return None, None
        data = data_of(answer)
        return data[4:12], data[12:28]

    async def _ask(self, request: Request, reply_timeout_s: float, data: bytes = b"") -> Answer:
        """Ask; silence and damage in either direction are asked again, twice."""
        trouble: DriverError = Garbled()
        for _ in range(1 + _REPEATS):
            try:
                answer = await self._answer(request, reply_timeout_s, data)
            except (ReplyTimeout, Garbled) as error:
                trouble = error
                continue
            if answer.sw3 not in REQUEST_DAMAGED:
                return answer
            trouble = Garbled("The reader received the request damaged.", code=code_of(answer))
        raise trouble

    async def _answer(self, request: Request, reply_timeout_s: float, data: bytes = b"") -> Answer:
        """Ask once; answers carry no number, so ours is known by its shape and its words alone.

        On a serial line the answer to what an earlier driver asked may come to this one.
        """
        await self._link.send(encode(request, data), reply_timeout_s)
        for _ in range(1 + _STRAY_ANSWERS_MAX):
            received = await self._link.next_frame(reply_timeout_s)
            if isinstance(received, Damaged):
                self._link.distrust()
                raise Garbled
            if may_answer(received, request):
                return received
        raise UnexpectedReply("The reader answers other requests than the one asked.")


@contextmanager
def _in_step() -> Iterator[None]:
    """A step whose answer was lost has been taken; asked again it is out of order."""
    try:
        yield
    except CommandRefused as error:
        raise ReadFailed("The reader lost its place.", **error.facts) from error
