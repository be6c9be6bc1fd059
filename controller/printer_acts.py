"""The acts of a card printer: take a card in, print and eject it, eject it unprinted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from controller.acts import Finish, LineView
from controller.stations import Port, Station
from drivers.outcome import Note, Outcome
from drivers.printing import Printer, PrintJob
from jobs.rows import infeed, inside, outfeed
from jobs.states import CardTrigger


@dataclass(frozen=True, slots=True)
class Insert:
    """The printer takes the card from its infeed to the print position."""

    station: Station
    printer: Port[Printer]
    line: LineView
    name: str = "insert"

    @property
    def destination(self) -> str:
        """Where the card is afterwards."""
        return inside(self.station.name)

    async def note(self) -> Note:
        """Read the evidence before."""
        return await (await self.printer.driver()).insert_note()

    async def perform(self, note: Note) -> Finish:
        """Insert."""
        del note
        condition = await (await self.printer.driver()).insert()
        self.station.cleaning_due = condition.cleaning_due
        return {"place": self.destination}

    async def outcome(self, note: Note) -> Outcome:
        """Ask the printer at rest, then the infeed's sensor, then what both prove."""
        printer = await self.printer.driver()
        await printer.settle()
        occupied = await self.line.sees(infeed(self.station.name))
        return await printer.insert_outcome(note, occupied)

    async def finish_of_done(self) -> Finish:
        """The card is inside."""
        return {"place": self.destination}


@dataclass(frozen=True, slots=True)
class Print:
    """The printer prints both faces and brings the card to its outfeed."""

    station: Station
    printer: Port[Printer]
    line: LineView
    job: PrintJob
    way_out: Callable[[], Awaitable[None]]
    name: str = "print"

    @property
    def destination(self) -> str:
        """Where the card is afterwards."""
        return outfeed(self.station.name)

    async def note(self) -> Note:
        """Read the evidence before."""
        return await (await self.printer.driver()).print_note()

    async def perform(self, note: Note) -> Finish:
        """Print."""
        printer = await self.printer.driver()
        await printer.print_and_eject(self.job, note, self.way_out)
        return await self.finish_of_done()

    async def outcome(self, note: Note) -> Outcome:
        """Ask the printer at rest, then the outfeed's sensor, then what both prove."""
        printer = await self.printer.driver()
        await printer.settle()
        occupied = await self.line.sees(outfeed(self.station.name))
        return await printer.print_outcome(note, self.job, occupied)

    async def finish_of_done(self) -> Finish:
        """The card is printed and out."""
        return {"place": self.destination, "trigger": CardTrigger.PRINT.value}


@dataclass(frozen=True, slots=True)
class PrinterEject:
    """The printer brings out a card without printing on it, to pull it off the line."""

    station: Station
    printer: Port[Printer]
    line: LineView
    name: str = "eject"

    @property
    def destination(self) -> str:
        """Where the card is afterwards."""
        return outfeed(self.station.name)

    async def note(self) -> Note:
        """Tell whose printer it is."""
        return await (await self.printer.driver()).insert_note()

    async def perform(self, note: Note) -> Finish:
        """Eject."""
        del note
        await (await self.printer.driver()).eject()
        return {"place": self.destination}

    async def outcome(self, note: Note) -> Outcome:
        """Ask the sensors: out, still inside, or neither."""
        printer = await self.printer.driver()
        await printer.settle()
        if (await printer.identify()).serial_number != note["serial_number"]:
            return Outcome.UNKNOWN
        status = await printer.status()
        if await self.line.sees(outfeed(self.station.name)):
            return Outcome.DONE
        return Outcome.NOT_DONE if status.card_at_print_position else Outcome.UNKNOWN

    async def finish_of_done(self) -> Finish:
        """The card is out."""
        return {"place": self.destination}
