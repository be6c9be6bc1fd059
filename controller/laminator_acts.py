"""The acts of a laminator: laminate a card, and eject it."""

from dataclasses import dataclass
from typing import Any

from controller.acts import Finish, LineView
from controller.stations import Port, Station
from drivers.laminator import LaminateResult, Laminator, LaminatorFault, ResultCode
from drivers.outcome import Note, Outcome
from jobs.rows import infeed, inside, outfeed
from jobs.states import CardTrigger


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
