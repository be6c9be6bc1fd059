"""The acts on a chip: write and lock it, end its life, read it back."""

from collections.abc import Callable
from dataclasses import dataclass

from controller.acts import Finish
from controller.stations import Port, Station
from drivers.chip_profile import ChipContents
from drivers.encoder import ChipEncoder
from drivers.outcome import Note, Outcome
from drivers.reader import ReadBack, ReadBackReader
from jobs.states import CardTrigger


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
