"""The acts that change a card: what is noted before, what is done, what the evidence says after.

Each act knows its machine's verbs and where the card will be; recording and deciding are done by
`controller/execution.py`. An act can be built again from the ledger after a crash.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controller.stations import Port, Station
from drivers.chip_profile import ChipContents
from drivers.encoder import ChipEncoder
from drivers.errors import DestinationTaken, DriverError, NothingAtSource
from drivers.laminator import LaminateResult, Laminator, LaminatorFault, ResultCode
from drivers.outcome import Note, Outcome
from drivers.printing import Printer, PrintJob
from drivers.reader import ReadBack, ReadBackReader
from drivers.transport import Transport
from jobs.events import Draft
from jobs.rows import MAGAZINE, infeed, inside, outfeed
from jobs.states import CardTrigger

Finish = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """What becomes true with the result of a move: written in one group with it."""

    finish: Finish
    box: str = ""
    before: tuple[Draft, ...] = ()
    after: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class LineView:
    """What acts need of a line besides their own machine: the transport and its sensors."""

    transport: Port[Transport]
    positions: Mapping[str, int]  # place -> position on the transport

    async def sees(self, place: str) -> bool:
        """Tell whether a sensor sees a workpiece at a place."""
        position = self.positions[place]
        transport = await self.transport.driver()
        try:
            return (await transport.presence(position + 1))[position]
        except DriverError:
            # Whoever asks opens the wire of its own machine again, not this one.
            await self.transport.drop()
            raise


class Act(Protocol):
    """One act on one card at one station."""

    @property
    def name(self) -> str:
        """The act's name in the ledger."""

    @property
    def station(self) -> Station:
        """Where it is done."""

    @property
    def destination(self) -> str:
        """Where the card is afterwards, if the act moves it."""

    async def note(self) -> Note:
        """Read the evidence before."""

    async def perform(self, note: Note) -> Finish:
        """Do it, once; return what the ledger keeps of the result."""

    async def outcome(self, note: Note) -> Outcome:
        """Tell from evidence what became of it."""

    async def finish_of_done(self) -> Finish:
        """Return what `perform` would have returned, when only the evidence says DONE."""


@dataclass(frozen=True, slots=True)
class Move:
    """The transport carries a card from one place to another."""

    station: Station
    line: LineView
    source: str
    destination: str
    name: str = "move"

    async def note(self) -> Note:
        """Read the transport's sequence numbers."""
        return await (await self.line.transport.driver()).move_note()

    async def perform(self, note: Note) -> Finish:
        """Move."""
        positions = self.line.positions
        transport = await self.line.transport.driver()
        try:
            await transport.move(positions[self.source], positions[self.destination], note)
        except NothingAtSource as error:
            text = f"nothing lies at {self.source}, and nothing was moved"
            raise NothingAtSource(text) from error
        except DestinationTaken as error:
            text = f"something lies at {self.destination} already, and nothing was moved"
            raise DestinationTaken(text) from error
        return {"place": self.destination}

    async def outcome(self, note: Note) -> Outcome:
        """Ask the sequence numbers; a card that was not moved must still be where it was."""
        outcome = await (await self.line.transport.driver()).move_outcome(note)
        if outcome is Outcome.NOT_DONE and self.source != MAGAZINE:
            return outcome if await self.line.sees(self.source) else Outcome.UNKNOWN
        return outcome

    async def finish_of_done(self) -> Finish:
        """The card is at the destination."""
        return {"place": self.destination}


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
        await (await self.printer.driver()).insert()
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


@dataclass(frozen=True, slots=True)
class Laminate:
    """The laminator takes the card in and presses it; it stays inside."""

    station: Station
    laminator: Port[Laminator]
    line: LineView
    dwell_ms: int
    pressure_kpa: int
    name: str = "laminate"

    @property
    def destination(self) -> str:
        """Where the card is afterwards."""
        return inside(self.station.name)

    async def note(self) -> Note:
        """Read the sequence numbers."""
        return await (await self.laminator.driver()).act_note()

    async def perform(self, note: Note) -> Finish:
        """Laminate."""
        laminator = await self.laminator.driver()
        result = await laminator.laminate(note, self.dwell_ms, self.pressure_kpa)
        return self._finish(result)

    async def outcome(self, note: Note) -> Outcome:
        """Ask the sequence numbers; film that ran out before the card was taken is evidence too."""
        laminator = await self.laminator.driver()
        outcome = await laminator.act_outcome(note)
        if outcome is Outcome.DONE:
            return outcome
        state = await laminator.state()
        out_of_film = state.fault is LaminatorFault.FILM_OUT and not state.card_inside
        untouched = outcome is Outcome.NOT_DONE or out_of_film
        if untouched and await self.line.sees(infeed(self.station.name)):
            return Outcome.NOT_DONE
        return Outcome.UNKNOWN

    async def finish_of_done(self) -> Finish:
        """Read the result of the last cycle."""
        return self._finish(await (await self.laminator.driver()).last_result())

    def _finish(self, result: LaminateResult) -> Finish:
        finish: dict[str, Any] = {
            "place": self.destination,
            "trigger": CardTrigger.LAMINATE.value,
        }
        if result.code is not ResultCode.GOOD:
            finish["reason"] = f"lamination: {result.code.name.lower()}"
        return finish


@dataclass(frozen=True, slots=True)
class LaminatorEject:
    """The laminator brings the card to its outfeed."""

    station: Station
    laminator: Port[Laminator]
    name: str = "eject"

    @property
    def destination(self) -> str:
        """Where the card is afterwards."""
        return outfeed(self.station.name)

    async def note(self) -> Note:
        """Read the sequence numbers."""
        return await (await self.laminator.driver()).act_note()

    async def perform(self, note: Note) -> Finish:
        """Eject."""
        await (await self.laminator.driver()).eject(note)
        return await self.finish_of_done()

    async def outcome(self, note: Note) -> Outcome:
        """Ask the sequence numbers."""
        return await (await self.laminator.driver()).act_outcome(note)

    async def finish_of_done(self) -> Finish:
        """The card is out."""
        return {"place": self.destination}


@dataclass(frozen=True, slots=True)
class Encode:
    """The encoder writes, verifies and locks the chip."""

    station: Station
    encoder: Port[ChipEncoder]
    contents: ChipContents
    name: str = "encode"
    destination: str = ""

    async def note(self) -> Note:
        """Read the chip's serial and life cycle."""
        return await (await self.encoder.driver()).write_note()

    async def perform(self, note: Note) -> Finish:
        """Write and lock."""
        del note
        await (await self.encoder.driver()).write(self.contents)
        return await self.finish_of_done()

    async def outcome(self, note: Note) -> Outcome:
        """Ask the chip."""
        return await (await self.encoder.driver()).write_outcome(note, self.contents)

    async def finish_of_done(self) -> Finish:
        """The chip is written and locked."""
        return {
            "trigger": CardTrigger.ENCODE.value,
            "card_serial": self.contents.card_serial.hex(),
        }


@dataclass(frozen=True, slots=True)
class Terminate:
    """The encoder ends a spoiled card's chip for ever. Asking twice does no harm."""

    station: Station
    encoder: Port[ChipEncoder]
    name: str = "terminate"
    destination: str = ""

    async def note(self) -> Note:
        """Tell whose encoder it is."""
        return {"serial_number": (await (await self.encoder.driver()).identify()).serial_number}

    async def perform(self, note: Note) -> Finish:
        """Terminate; a chip that does not answer is on record as such."""
        del note
        return {"terminated": await (await self.encoder.driver()).terminate()}

    async def outcome(self, note: Note) -> Outcome:
        """It may always be done again."""
        del note
        return Outcome.NOT_DONE

    async def finish_of_done(self) -> Finish:
        """Never asked: the outcome is NOT_DONE."""
        return {}


@dataclass(frozen=True, slots=True)
class Read:
    """The reader reads the card back and `judge` compares; a reading may always be done again."""

    station: Station
    reader: Port[ReadBackReader]
    judge: Callable[[ReadBack], Finish]
    name: str = "read_back"
    destination: str = ""

    async def note(self) -> Note:
        """Make sure that the reader answers; a reading needs no evidence."""
        await self.reader.driver()
        return {}

    async def perform(self, note: Note) -> Finish:
        """Read and judge."""
        del note
        return self.judge(await (await self.reader.driver()).read_card())

    async def outcome(self, note: Note) -> Outcome:
        """It may always be done again."""
        del note
        return Outcome.NOT_DONE

    async def finish_of_done(self) -> Finish:
        """Never asked: the outcome is NOT_DONE."""
        return {}
