"""The acts that change a card: what is noted before, what is done, what the evidence says after.

Each act knows its machine's verbs and where the card will be; recording and deciding are done by
`controller/execution.py`. An act can be built again from the ledger after a crash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controller.stations import Port, Station
from drivers.errors import DestinationTaken, DriverError, NothingAtSource
from drivers.outcome import Note, Outcome
from drivers.transport import Transport
from jobs.events import Draft
from jobs.rows import MAGAZINE

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
