"""The verbs of a retransfer printer, and what became of them.

It renders nothing, knows no order and moves no card outside the printer. Each act is a numbered
command that is sent once; questions and planes are sent again when no answer comes. The printer
prints onto film before it touches the card, so a print that stopped before the first press is
known not to have been done. Everything is evidenced by one STATUS, which names its machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    ReplyTimeout,
    UnexpectedReply,
    WrongDevice,
)
from drivers.identity import Identity
from drivers.link import Link
from drivers.numbered import command_progress, next_number
from drivers.outcome import Note, Outcome
from drivers.polling import CompletionPoll
from drivers.printing import PrintJob
from drivers.retransfer_errors import ENDINGS, REFUSALS
from drivers.retransfer_frames import (
    ANSWER,
    Ask,
    CardAt,
    Code,
    Frame,
    FrameDecoder,
    RetransferStatus,
    frame,
    number_payload,
    parse_code,
    parse_names,
    parse_status,
    plane_payload,
    planes,
    print_payload,
)
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire

QUERY_REPEATS: Final = 2
LAST_TAG: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class RetransferTimeouts:
    """How long the printer may take; a plane may take `reply_timeout_s` and its bytes' time."""

    reply_timeout_s: float = 3.0
    act_timeout_s: float = 120.0
    #: Half of what a line of 115,200 baud carries.
    download_bytes_per_s: float = 5_000.0


class RetransferPrinter:
    """One printer on one wire; a wire that hung up ends it."""

    def __init__(self, wire: Wire, timeouts: RetransferTimeouts) -> None:
        self._link = Link(wire, FrameDecoder())
        # An earlier host's answers may still be coming; their tags could be ours.
        self._link.distrust()
        self._timeouts = timeouts
        self._tag = 0
        self._poll = CompletionPoll()

    async def identify(self) -> Identity:
        """Ask who is there."""
        try:
            model, serial_number, firmware = parse_names(await self._ask(Ask.WHO))
        except UnexpectedReply as error:
            raise WrongDevice(expected="retransfer printer") from error
        except (ReplyTimeout, Garbled):
            async with self._link:
                timeout_s = self._timeouts.reply_timeout_s
                await raise_if_stranger(self._link, "retransfer printer", timeout_s)
            raise
        return Identity("retransfer printer", model, serial_number, firmware)

    async def status(self) -> RetransferStatus:
        """Read everything that the printer says of itself."""
        return parse_status(await self._ask(Ask.STATUS))

    async def settle(self) -> bool:
        """Wait until nothing moves, for as long as a print may take; False if it moves still."""
        return not (await self._status_at_rest()).moving

    async def insert_note(self) -> Note:
        """Note what `insert_outcome` will compare with."""
        return _note(await self.status())

    async def insert(self) -> RetransferStatus:
        """Take the card at the infeed to the print position. An act."""
        return await self._act(Ask.FEED, await self.insert_note())

    async def insert_outcome(self, note: Note, infeed_occupied: bool) -> Outcome:
        """Tell what became of an insert. Read `infeed_occupied` after `settle`."""
        status = await self._status_at_rest()
        if not _may_tell(status, note):
            return Outcome.UNKNOWN
        if status.finished == note["sequence"]:
            return Outcome.DONE
        # The printer sees its infeed in the same moment; the neighbour must agree.
        if status.started == note["started"] and status.card_at_infeed and infeed_occupied:
            return Outcome.NOT_DONE
        return Outcome.UNKNOWN

    async def print_note(self) -> Note:
        """Note what `print_outcome` will compare with."""
        return _note(await self.status())

    async def print_and_eject(
        self, job: PrintJob, note: Note, way_out: Callable[[], Awaitable[None]]
    ) -> None:
        """Print both faces in one command and bring the card to the outfeed. An act.

        `way_out` is waited for with the card printed and inside.
        """
        sent = planes(job)
        if not sent:
            raise CommandRefused("Nothing of this job can be printed on film.")
        await self._put(Ask.FORGET)
        for name, dots in sent:
            await self._put(Ask.PLANE, plane_payload(name, dots))
        await self._act(Ask.PRINT, note, print_payload(int(note["sequence"]), sent))
        await way_out()
        await self.eject()

    async def print_outcome(self, note: Note, job: PrintJob, outfeed_occupied: bool) -> Outcome:
        """Tell what became of a print; a card that is printed but still inside is brought out."""
        del job
        status = await self._status_at_rest()
        if not _may_tell(status, note):
            return Outcome.UNKNOWN
        if status.printed == note["sequence"]:
            if status.card_at_print_position:
                await self.eject()
                return Outcome.DONE
            out = status.card is CardAt.NOWHERE and (outfeed_occupied or status.card_at_outfeed)
            return Outcome.DONE if out else Outcome.UNKNOWN
        begun = status.started == note["sequence"]
        # Before the first press only film is lost.
        untouched = status.started == note["started"] or (begun and not status.faces_pressed)
        if untouched and status.card_at_print_position:
            return Outcome.NOT_DONE
        return Outcome.UNKNOWN

    async def eject(self) -> None:
        """Bring a card that is inside out to the outfeed without printing on it. An act."""
        await self._act(Ask.EJECT, _note(await self.status()))

    async def clean_note(self) -> Note:
        """Note what `clean_outcome` will compare with."""
        return _note(await self.status())

    async def clean(self, note: Note) -> None:
        """Draw the cleaning card through that a person has put in. An act; no blank is used."""
        await self._act(Ask.CLEAN, note)

    async def clean_outcome(self, note: Note) -> Outcome:
        """Tell what became of a cleaning; one that was begun and not finished was none."""
        status = await self._status_at_rest()
        if not _may_tell(status, note):
            return Outcome.UNKNOWN
        if status.finished == note["sequence"]:
            return Outcome.DONE
        ours = status.started in {note["started"], note["sequence"]}
        return Outcome.NOT_DONE if ours else Outcome.UNKNOWN

    async def clear_errors(self) -> None:
        """Forget troubles that a person has seen to; the mechanism homes."""
        await self._act(Ask.RESET, _note(await self.status()))

    async def aclose(self) -> None:
        """Hang up."""
        await self._link.aclose()

    async def _act(self, ask: Ask, note: Note, payload: bytes = b"") -> RetransferStatus:
        """Send a numbered command once, and wait for its end."""
        number = number_payload(int(note["sequence"]))
        async with self._link:
            code = parse_code(await self._answer(ask, payload or number))
        if code is not Code.DONE:
            raise await self._refusal(code)
        look = command_progress(self.status, _wrong, note)
        return await self._poll.until(ask.name.lower(), look, self._timeouts.act_timeout_s)

    async def _refusal(self, code: Code) -> DriverError:
        if code is Code.KNOWN:
            return UnexpectedReply("The machine has started this number already.")
        if code is Code.IN_TROUBLE:
            return ENDINGS[(await self.status()).ending](refused=code.name.lower())
        return REFUSALS.get(code, CommandRefused)(refused=code.name.lower())

    async def _put(self, ask: Ask, payload: bytes = b"") -> None:
        """Change the memory of planes; doing it twice is as good as once."""
        code = parse_code(await self._ask(ask, payload))
        if code is not Code.DONE:
            raise await self._refusal(code)

    async def _status_at_rest(self) -> RetransferStatus:
        """Read the status once nothing moves, or when time is up."""

        async def at_rest() -> RetransferStatus | None:
            status = await self.status()
            return None if status.moving else status

        first = await self.status()
        if not first.moving:
            return first
        # A poll of its own: how long the rest of a motion takes says nothing about whole ones.
        poll = CompletionPoll()
        found = await poll.watch("coming to rest", at_rest, self._timeouts.act_timeout_s)
        return found or await self.status()

    async def _ask(self, ask: Ask, payload: bytes = b"") -> bytes:
        """Ask, and ask again (twice at most) when no whole answer comes."""
        async with self._link:
            for _ in range(QUERY_REPEATS):
                try:
                    return await self._answer(ask, payload)
                except (ReplyTimeout, Garbled):
                    continue
            return await self._answer(ask, payload)

    async def _answer(self, ask: Ask, payload: bytes) -> bytes:
        """Send once and wait for the answer with our tag; the caller holds the link."""
        self._tag = self._tag % LAST_TAG + 1
        request = frame(ask, self._tag, payload)
        longest_s = self._timeouts.reply_timeout_s
        longest_s += len(request) / self._timeouts.download_bytes_per_s
        garbage_bytes = self._link.garbage_bytes
        await self._link.send(request, longest_s)
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + longest_s
        try:
            while True:
                heard: Frame = await self._link.next_frame(max(0.0, give_up_s - loop.time()))
                if (heard.type, heard.tag) == (ask | ANSWER, self._tag):
                    return heard.payload
        except ReplyTimeout as error:
            if self._link.garbage_bytes > garbage_bytes:
                raise Garbled(waited_s=longest_s) from error
            raise


def _note(status: RetransferStatus) -> Note:
    return {
        "serial_number": status.serial_number,
        "started": status.started,
        "finished": status.finished,
        "sequence": next_number(status.started),
    }


def _may_tell(status: RetransferStatus, note: Note) -> bool:
    """Tell whether this is the machine of the note, at rest and with its memory."""
    same = status.serial_number == note["serial_number"]
    return same and not status.moving and bool(status.started and status.finished)


def _wrong(status: RetransferStatus) -> DriverError | None:
    """Return why a command that was begun will not finish; None while it runs."""
    return None if status.moving else ENDINGS[status.ending](ending=status.ending.name.lower())
