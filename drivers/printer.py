"""The card printer's verbs over one wire, and what became of them.

It renders nothing, knows no order and moves no card outside the printer: the feeder is the
transport's infeed, the exit its outfeed. Acts are sent once; only questions are asked again.

The language numbers nothing, so a late answer could be taken for the next question's. Evidence is
therefore read between two readings of the serial number: answers out of step, or one too many,
cannot pass, and the whole reading is done again after the wire has fallen silent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
    WrongDevice,
)
from drivers.identity import Identity
from drivers.link import Link
from drivers.outcome import Note, Outcome
from drivers.printer_frames import (
    AnswerDecoder,
    Panel,
    PrinterStatus,
    PrintJob,
    answer_text,
    bitmap_command,
    check_ok,
    command,
    complaint,
    parse_count,
    parse_name,
    parse_status,
)
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire

__all__ = ["CardPrinter", "Panel", "PrintJob", "PrinterStatus", "PrinterTimeouts"]

QUERY_REPEATS = 2
#: How long a wire must be quiet before a question is asked again.
QUIET_S = 0.25
#: A machine that has not fallen silent after so many late answers is not answering us.
LATE_ANSWERS_MAX = 64

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PrinterTimeouts:
    """How long the printer may take; a download may take `reply_timeout_s` and its bytes' time."""

    reply_timeout_s: float = 3.0
    insert_timeout_s: float = 20.0
    print_timeout_s: float = 90.0
    #: Half of what a line of 115,200 baud carries.
    download_bytes_per_s: float = 5_000.0
    #: Between two looks at a machine that is still moving.
    poll_interval_s: float = 0.5


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the printer says of itself at one moment."""

    serial_number: str
    status: PrinterStatus
    cards_inserted: int
    panels_printed: int


class CardPrinter:
    """One printer on one wire; a wire that hung up ends it."""

    def __init__(self, wire: Wire, timeouts: PrinterTimeouts) -> None:
        self._link = Link(wire, AnswerDecoder())
        self._timeouts = timeouts

    async def identify(self) -> Identity:
        """Take over the errors, keep status words out of other answers, and ask who is there."""
        try:
            return await self._repeated(self._read_identity)
        except (UnexpectedReply, CommandRefused) as error:
            raise WrongDevice(expected="card printer") from error
        except (ReplyTimeout, Garbled):
            async with self._link:
                timeout_s = self._timeouts.reply_timeout_s
                await raise_if_stranger(self._link, "printer", timeout_s)
            raise

    async def status(self) -> PrinterStatus:
        """Read the status words."""
        return await self._repeated(lambda: self._query("Rpst", parse_status))

    async def cards_inserted(self) -> int:
        """Read how many cards were ever inserted."""
        return await self._repeated(lambda: self._query("Rco;c", parse_count))

    async def panels_printed(self) -> int:
        """Read how many panels were ever printed."""
        return await self._repeated(lambda: self._query("Rco;p", parse_count))

    async def ribbon_left_cards(self) -> int:
        """Read for how many cards the ribbon lasts."""
        return await self._repeated(lambda: self._query("Rco;l", parse_count))

    async def settle(self) -> bool:
        """Wait until nothing moves, for as long as a print may take; False if it moves still.

        A neighbour's sensor is evidence of an act only if it is read after this.
        """
        evidence, _ = await self._evidence_at_rest(self._timeouts.print_timeout_s)
        return not evidence.status.moving

    async def insert_note(self) -> Note:
        """Note what `insert_outcome` will compare with."""
        evidence = await self._repeated(self._read_evidence)
        return {
            "serial_number": evidence.serial_number,
            "cards_inserted": evidence.cards_inserted,
        }

    async def insert(self) -> None:
        """Take the card at the infeed to the print position. An act."""
        async with self._link:
            await self._command(command("Si"), self._timeouts.insert_timeout_s)
        if not (await self._status_at_rest()).card_at_print_position:
            raise _not_as_answered()

    async def insert_outcome(self, note: Note, infeed_occupied: bool) -> Outcome:
        """Tell what became of an insert. Read `infeed_occupied` after `settle`."""
        evidence, waited = await self._evidence_at_rest(self._timeouts.insert_timeout_s)
        if evidence.serial_number != note["serial_number"] or evidence.status.moving:
            return Outcome.UNKNOWN
        rose = evidence.cards_inserted - int(note["cards_inserted"])
        if rose == 1:
            return Outcome.DONE
        # A sensor that was read while the card was moving tells nothing of where it stopped.
        if rose == 0 and infeed_occupied and not waited:
            return Outcome.NOT_DONE
        return Outcome.UNKNOWN

    async def print_note(self) -> Note:
        """Note what `print_outcome` will compare with."""
        evidence = await self._repeated(self._read_evidence)
        return {
            "serial_number": evidence.serial_number,
            "panels_printed": evidence.panels_printed,
        }

    async def print_and_eject(
        self, job: PrintJob, way_out: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Print both faces of the card at the print position and bring it to the outfeed. An act.

        `way_out` is waited for after the front has been printed, before the command that ends at
        the outfeed: until then another card may lie there. An error after the first face has begun
        does not say what is on the card; the outcome does.
        """
        reply_s, print_s = self._timeouts.reply_timeout_s, self._timeouts.print_timeout_s
        async with self._link:
            await self._forget_bitmaps()
            await self._command(command("Ss"), reply_s)
            await self._command(command("Sr"), reply_s)
            await self._download(job.front)
            if job.back:
                await self._command(command("Sv"), print_s)
                await self._download(job.back)
            if way_out is not None:
                await way_out()
            await self._command(command("Se"), print_s)
        await self._check_card_is_out()

    async def print_outcome(self, note: Note, panels: int, outfeed_occupied: bool) -> Outcome:
        """Tell what became of a print of `panels` panels. Read `outfeed_occupied` after `settle`.

        A card that is printed but still under the head is brought out first.
        """
        assert panels > 0, "a print without panels leaves no evidence"
        evidence, waited = await self._evidence_at_rest(self._timeouts.print_timeout_s)
        status = evidence.status
        if evidence.serial_number != note["serial_number"] or status.moving:
            return Outcome.UNKNOWN
        rose = evidence.panels_printed - int(note["panels_printed"])
        if rose == 0 and status.card_at_print_position:
            return Outcome.NOT_DONE
        if rose != panels:
            return Outcome.UNKNOWN
        if status.card_at_print_position:
            await self.eject()
            return Outcome.DONE
        # The outfeed may have been read while the card was still on its way there: then the
        # printer's own sensors tell that it is out.
        left = waited and not status.card_inside and not status.error
        return Outcome.DONE if outfeed_occupied or left else Outcome.UNKNOWN

    async def eject(self) -> None:
        """Bring a card that is inside out to the outfeed without printing on it. An act."""
        async with self._link:
            await self._forget_bitmaps()
            await self._command(command("Se"), self._timeouts.print_timeout_s)
        await self._check_card_is_out()

    async def clear_errors(self) -> None:
        """Clear the errors that a person has seen to; the mechanism may move."""
        async with self._link:
            await self._command(command("Scs"), self._timeouts.insert_timeout_s)

    async def aclose(self) -> None:
        """Hang up."""
        await self._link.aclose()

    async def _check_card_is_out(self) -> None:
        """Believe the sensors: an OK may be an earlier command's that came twice."""
        status = await self._status_at_rest()
        if status.card_inside or status.jam:
            raise _not_as_answered()

    async def _status_at_rest(self) -> PrinterStatus:
        """Read the status of a machine that has answered that it is done."""
        status = await self.status()
        if status.moving:
            raise _not_as_answered()
        return status

    async def _forget_bitmaps(self) -> None:
        """Drop what an interrupted job left behind: it would be printed on this card."""
        await self._command(command("Wcb;a"), self._timeouts.reply_timeout_s)

    async def _download(self, panels: tuple[Panel, ...]) -> None:
        for panel in panels:
            await self._command(bitmap_command(panel), self._timeouts.reply_timeout_s)

    async def _evidence_at_rest(self, longest_s: float) -> tuple[_Evidence, bool]:
        """Read the evidence once nothing moves (or time is up), and whether that took waiting."""
        give_up_s = asyncio.get_running_loop().time() + longest_s
        waited = False
        while True:
            evidence = await self._repeated(self._read_evidence)
            if not evidence.status.moving or asyncio.get_running_loop().time() >= give_up_s:
                return evidence, waited
            waited = True
            await asyncio.sleep(self._timeouts.poll_interval_s)

    async def _read_evidence(self) -> _Evidence:
        unasked_frames = self._link.unasked_frames
        serial_number = await self._query("Rsn", parse_name)
        # First, so that the counters of a machine at rest are those it came to rest with.
        status = await self._query("Rpst", parse_status)
        cards_inserted = await self._query("Rco;c", parse_count)
        panels_printed = await self._query("Rco;p", parse_count)
        await self._check_in_step(serial_number, unasked_frames)
        return _Evidence(serial_number, status, cards_inserted, panels_printed)

    async def _read_identity(self) -> Identity:
        unasked_frames = self._link.unasked_frames
        # An earlier host may have left the printer adding its status words to every answer.
        for setting in ("Pem;2", "Pps;0"):
            await self._command(command(setting), self._timeouts.reply_timeout_s)
        serial_number = await self._query("Rsn", parse_name)
        model = await self._query("Rtp", parse_name)
        firmware = await self._query("Rfv", parse_name)
        await self._check_in_step(serial_number, unasked_frames)
        return Identity("printer", model, serial_number, firmware)

    async def _check_in_step(self, serial_number: str, unasked_frames: int) -> None:
        again = await self._query("Rsn", parse_name)
        if again != serial_number or self._link.unasked_frames != unasked_frames:
            raise UnexpectedReply("The answers are out of step with the questions.")

    async def _repeated(self, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """Read, and read again (twice at most) when answers fail, damage or fall out of step."""
        async with self._link:
            for _ in range(QUERY_REPEATS):
                try:
                    return await read()
                except WireClosed:
                    raise
                except DriverError:
                    await self._fall_silent()
            return await read()

    async def _fall_silent(self) -> None:
        """Read late answers away until none comes."""
        with suppress(ReplyTimeout):
            for _ in range(LATE_ANSWERS_MAX):
                await self._link.next_frame(QUIET_S)

    async def _query(self, question: str, parse: Callable[[str], Answer]) -> Answer:
        text = await self._ask(command(question), self._timeouts.reply_timeout_s)
        if error := complaint(text):
            raise error
        return parse(text)

    async def _command(self, request: bytes, longest_s: float) -> None:
        check_ok(await self._ask(request, longest_s))

    async def _ask(self, request: bytes, longest_s: float) -> str:
        """Send once and wait for the answer; both bounded, with time for the request's bytes."""
        longest_s += len(request) / self._timeouts.download_bytes_per_s
        garbage_bytes = self._link.garbage_bytes
        await self._send_whole(request, longest_s)
        try:
            return answer_text(await self._link.next_frame(longest_s))
        except ReplyTimeout as error:
            if self._link.garbage_bytes > garbage_bytes:
                raise Garbled(waited_s=longest_s) from error
            raise

    async def _send_whole(self, request: bytes, longest_s: float) -> None:
        """Send everything or hang up: the next command would be taken for a bitmap's rest."""
        sent = False
        try:
            async with asyncio.timeout(longest_s):
                await self._link.send(request)
            sent = True
        except TimeoutError as error:
            raise ReplyTimeout("The machine takes no more bytes.", waited_s=longest_s) from error
        finally:
            if not sent:
                await self._link.aclose()


def _not_as_answered() -> UnexpectedReply:
    return UnexpectedReply("The machine has not done what its answer says.")
