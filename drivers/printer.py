"""The verbs of a card printer that speaks escape commands, and what became of them.

It renders nothing, knows no order and moves no card outside the printer: the feeder is the
transport's infeed, the exit its outfeed. Acts are sent once; only questions are asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.errors import CommandRefused, Garbled, ReplyTimeout, UnexpectedReply, WrongDevice
from drivers.identity import Identity
from drivers.outcome import Note, Outcome
from drivers.printer_dialogue import Evidence, PrinterDialogue
from drivers.printer_frames import (
    PrinterStatus,
    bitmap_command,
    command,
    parse_count,
    parse_status,
)
from drivers.printing import Panel, PrintJob
from drivers.strangers import raise_if_stranger
from drivers.wire import Wire


@dataclass(frozen=True, slots=True)
class PrinterTimeouts:
    """How long the printer may take; a download may take `reply_timeout_s` and its bytes' time."""

    reply_timeout_s: float = 3.0
    insert_timeout_s: float = 20.0
    print_timeout_s: float = 90.0  # of a cleaning, too
    #: Half of what a line of 115,200 baud carries.
    download_bytes_per_s: float = 5_000.0
    #: Between two looks at a machine that is still moving.
    poll_interval_s: float = 0.5


class CardPrinter:
    """One printer on one wire; a wire that hung up ends it."""

    def __init__(self, wire: Wire, timeouts: PrinterTimeouts) -> None:
        self._dialogue = PrinterDialogue(
            wire, timeouts.reply_timeout_s, timeouts.download_bytes_per_s
        )
        self._timeouts = timeouts

    async def identify(self) -> Identity:
        """Take over the errors and ask who is there."""
        try:
            return await self._dialogue.identity()
        except (UnexpectedReply, CommandRefused) as error:
            raise WrongDevice(expected="card printer") from error
        except (ReplyTimeout, Garbled):
            link = self._dialogue.link
            async with link:
                await raise_if_stranger(link, "printer", self._timeouts.reply_timeout_s)
            raise

    async def status(self) -> PrinterStatus:
        """Read the status words."""
        return await self._dialogue.read("Rpst", parse_status)

    async def cards_inserted(self) -> int:
        """Read how many cards were ever inserted."""
        return await self._dialogue.read("Rco;c", parse_count)

    async def panels_printed(self) -> int:
        """Read how many panels were ever printed."""
        return await self._dialogue.read("Rco;p", parse_count)

    async def ribbon_left_cards(self) -> int:
        """Read for how many cards the ribbon lasts."""
        return await self._dialogue.read("Rco;l", parse_count)

    async def settle(self) -> bool:
        """Wait until nothing moves, for as long as a print may take; False if it moves still.

        A neighbour's sensor is evidence of an act only if it is read after this.
        """
        evidence, _ = await self._evidence_at_rest(self._timeouts.print_timeout_s)
        return not evidence.status.moving

    async def insert_note(self) -> Note:
        """Note what `insert_outcome` will compare with."""
        evidence = await self._dialogue.evidence()
        return {
            "serial_number": evidence.serial_number,
            "cards_inserted": evidence.cards_inserted,
        }

    async def insert(self) -> PrinterStatus:
        """Take the card at the infeed to the print position. An act."""
        async with self._dialogue.link:
            await self._dialogue.command(command("Si"), self._timeouts.insert_timeout_s)
        status = await self._status_at_rest()
        if not status.card_at_print_position:
            raise _not_as_answered()
        return status

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
        evidence = await self._dialogue.evidence()
        return {
            "serial_number": evidence.serial_number,
            "panels_printed": evidence.panels_printed,
        }

    async def print_and_eject(
        self, job: PrintJob, note: Note, way_out: Callable[[], Awaitable[None]]
    ) -> None:
        """Print both faces of the card at the print position and bring it to the outfeed. An act.

        `way_out` is waited for after the front has been printed, before the command that ends at
        the outfeed. An error after the first face has begun does not say what is on the card; the
        outcome does.
        """
        dialogue, print_s = self._dialogue, self._timeouts.print_timeout_s
        async with dialogue.link:
            await self._forget_bitmaps()
            await dialogue.command(command("Ss"))
            await dialogue.command(command("Sr"))
            await self._download(job.front)
            if job.back:
                await dialogue.command(command("Sv"), print_s)
                await self._download(job.back)
            await way_out()
            await dialogue.command(command("Se"), print_s)
        await self._check_card_is_out()
        # A printer whose power failed meanwhile forgets a face, and brings the card out all the
        # same.
        rose = await self.panels_printed() - int(note["panels_printed"])
        if rose != job.panels:
            raise UnexpectedReply("Not all panels were printed.", sent=job.panels, made=rose)

    async def print_outcome(self, note: Note, job: PrintJob, outfeed_occupied: bool) -> Outcome:
        """Tell what became of a print. Read `outfeed_occupied` after `settle`.

        A card that is printed but still under the head is brought out first.
        """
        evidence, waited = await self._evidence_at_rest(self._timeouts.print_timeout_s)
        status = evidence.status
        if evidence.serial_number != note["serial_number"] or status.moving:
            return Outcome.UNKNOWN
        rose = evidence.panels_printed - int(note["panels_printed"])
        if rose == 0 and status.card_at_print_position:
            return Outcome.NOT_DONE
        if rose != job.panels:
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
        async with self._dialogue.link:
            await self._forget_bitmaps()
            await self._dialogue.command(command("Se"), self._timeouts.print_timeout_s)
        await self._check_card_is_out()

    async def reject(self) -> None:
        """Bring a card that is inside into the printer's own reject box. An act.

        For a printer that stands alone and has one; on a line the transport rejects cards.
        """
        async with self._dialogue.link:
            await self._forget_bitmaps()
            await self._dialogue.command(command("Ser"), self._timeouts.print_timeout_s)
        await self._check_card_is_out()

    async def clean_note(self) -> Note:
        """Note what `clean_outcome` will compare with."""
        serial_number, cleanings = await self._dialogue.cleanings()
        return {"serial_number": serial_number, "cleanings": cleanings}

    async def clean(self, note: Note) -> None:
        """Draw the cleaning card through that a person has put in. An act; no blank is used."""
        async with self._dialogue.link:
            await self._dialogue.command(command("Scp"), self._timeouts.print_timeout_s)
        await self._status_at_rest()
        if await self._dialogue.cleanings() != _once_more(note):
            raise _not_as_answered()

    async def clean_outcome(self, note: Note) -> Outcome:
        """Tell what became of a cleaning: the printer counts those that came to their end."""
        evidence, _ = await self._evidence_at_rest(self._timeouts.print_timeout_s)
        if evidence.status.moving:
            return Outcome.UNKNOWN
        found = await self._dialogue.cleanings()
        if found == _once_more(note):
            return Outcome.DONE
        as_noted = (note["serial_number"], note["cleanings"])
        return Outcome.NOT_DONE if found == as_noted else Outcome.UNKNOWN

    async def clear_errors(self) -> None:
        """Clear the errors that a person has seen to; the mechanism may move."""
        async with self._dialogue.link:
            await self._dialogue.command(command("Scs"), self._timeouts.insert_timeout_s)

    async def aclose(self) -> None:
        """Hang up."""
        await self._dialogue.aclose()

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
        await self._dialogue.command(command("Wcb;a"))

    async def _download(self, panels: tuple[Panel, ...]) -> None:
        for panel in panels:
            await self._dialogue.command(bitmap_command(panel))

    async def _evidence_at_rest(self, longest_s: float) -> tuple[Evidence, bool]:
        """Read the evidence once nothing moves (or time is up), and whether that took waiting."""
        give_up_s = asyncio.get_running_loop().time() + longest_s
        waited = False
        while True:
            evidence = await self._dialogue.evidence()
            if not evidence.status.moving or asyncio.get_running_loop().time() >= give_up_s:
                return evidence, waited
            waited = True
            await asyncio.sleep(self._timeouts.poll_interval_s)


def _once_more(note: Note) -> tuple[str, int]:
    """Return what the printer of a note says after one more cleaning."""
    return str(note["serial_number"]), int(note["cleanings"]) + 1


def _not_as_answered() -> UnexpectedReply:
    return UnexpectedReply("The machine has not done what its answer says.")
