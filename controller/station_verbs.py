"""What a person may tell a running centre about its stations and lines.

Each verb checks, records who did it, and acts. Packages, orders, cards and stock: `verbs.py`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from config.centre import StationKind
from controller.capture import Capture, Captures
from controller.cleaning import clean
from controller.feeder import Feeder
from controller.line import Line
from controller.maintenance import begin, end, hang_up
from controller.startup import OPERATOR, Startup
from controller.stations import Station
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.states import (
    StationState,
    StationTrigger,
)
from jobs.vault import VaultError

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Refused(Exception):
    """The verb makes no sense now; says why. Nothing was changed."""

    code = "verb.refused"


@dataclass(frozen=True, slots=True)
class LineParts:
    """One line with what runs it."""

    line: Line
    startup: Startup
    feeder: Feeder


@dataclass(slots=True)
class StationVerbs:
    """The verbs of stations and lines."""

    ledger: Ledger
    lines: dict[str, LineParts]
    spawn: Spawn
    captures: Captures = field(init=False)

    async def hold_station(self, name: str, actor: str, reason: str = "") -> None:
        """Hold a station; what it is doing is finished first."""
        _, station = self._station(name)
        if station.state is not StationState.EXECUTE:
            raise Refused(f"{name} is {station.state.value}: only a station at work is held")
        await station.hold(reason or "held by an operator", OPERATOR, actor)

    async def unhold_station(self, name: str, actor: str) -> None:
        """Let a held station work again."""
        parts, station = self._station(name)
        if station.state is not StationState.HELD:
            raise Refused(f"{name} is {station.state.value}, not Held")
        self.spawn(parts.startup.unhold(station, actor))

    async def clear_station(self, name: str, actor: str) -> None:
        """Say that the cause of an abort has been seen to; the station is then stopped."""
        _, station = self._station(name)
        if station.state is not StationState.ABORTED:
            raise Refused(f"{name} is {station.state.value}, not Aborted")
        await station.change(StationTrigger.CLEAR, StationTrigger.STATE_COMPLETE, actor=actor)

    async def stop_station(self, name: str, actor: str) -> None:
        """Stop a station; what it is doing is finished first."""
        _, station = self._station(name)
        if station.state in {StationState.STOPPED, StationState.ABORTED}:
            raise Refused(f"{name} is {station.state.value}")
        await station.change(
            StationTrigger.STOP, StationTrigger.STATE_COMPLETE,
            reason="stopped by an operator", code=OPERATOR, actor=actor,
        )  # fmt: skip

    async def start_station(self, name: str, actor: str) -> None:
        """Bring a stopped station up; it homes and warms up first."""
        parts, station = self._station(name)
        if station.state is not StationState.STOPPED:
            raise Refused(f"{name} is {station.state.value}, not Stopped")
        if station.under_maintenance:
            raise Refused(f"{name} is under maintenance: `station maintain {name} end` comes first")
        if not self.ledger.books.line(parts.line.name).running:
            raise Refused(f"{parts.line.name} is stopped: start the line")
        self.spawn(parts.startup.bring_up(station, actor))

    async def begin_maintenance(self, name: str, actor: str, reason: str = "") -> None:
        """Give a machine to a technician; what it is doing is finished first."""
        parts, station = self._station(name)
        if not station.has_machine:
            raise Refused(f"{name} is a desk: it has no machine")
        if station.under_maintenance:
            raise Refused(f"{name} is under maintenance already: {station.reason}")
        await begin(station, reason, actor)
        self.spawn(hang_up(parts.line, station))

    async def end_maintenance(
        self, name: str, actor: str, reason: str = "", samples: int = 0
    ) -> None:
        """Take a machine back, with the blanks of the magazine that went as samples."""
        parts, station = self._station(name)
        if not station.under_maintenance:
            raise Refused(f"{name} is {station.state.value}, not under maintenance")
        if station.cleaning:
            raise Refused(f"{name} is being cleaned: wait until that is over")
        in_magazine = self.ledger.books.line(parts.line.name).in_magazine
        if not 0 <= samples <= in_magazine:
            raise Refused(
                f"{parts.line.name} has {in_magazine} blanks in its magazine: {samples} cannot "
                "have been taken out of it as samples"
            )
        await end(parts.line, station, reason, samples, actor)
        self._changed()

    async def clean_station(self, name: str, actor: str) -> None:
        """Have a technician's printer draw its cleaning card through; returns when it is clean.

        It goes on, and onto record, if nobody waits for it any more.
        """
        _, station = self._station(name)
        if station.kind is not StationKind.PRINTER:
            raise Refused(f"{name} is not a printer")
        if not station.under_maintenance:
            raise Refused(
                f"{name} is {station.state.value}, not under maintenance: "
                f"`station maintain {name} begin` comes first"
            )
        if station.cleaning:
            raise Refused(f"{name} is being cleaned already")
        if any(work.station == name for work in self.ledger.books.works.values()):
            raise Refused(f"{name} has not finished its last act")
        station.cleaning = True
        why_not: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.spawn(self._clean(station, actor, why_not))
        if reason := await why_not:
            raise Refused(reason)

    async def begin_capture(self, name: str, actor: str, for_s: float) -> Capture:
        """Listen to what goes over a station's wire, for so long."""
        _, station = self._station(name)
        if not station.has_machine:
            raise Refused(f"{name} is a desk: it has no machine")
        if station.port.tap is None:
            raise Refused(f"{name} has no wire of its own: another program talks to its machine")
        if name in self.captures.running:
            raise Refused(f"{name} is being captured already")
        try:
            return await self.captures.begin(station, actor, for_s)
        except (OSError, VaultError) as error:
            raise Refused(f"the key of this capture cannot be made: {error}") from error

    async def end_capture(self, name: str, actor: str) -> None:
        """End a capture before its time; what was captured is kept."""
        self._station(name)
        if not await self.captures.end(name, actor):
            raise Refused(f"{name} is not being captured")

    async def start_line(self, name: str, actor: str) -> None:
        """Authorise a line: its stations come up and feeding begins."""
        parts = self._line(name)
        if self.ledger.books.line(name).running:
            raise Refused(f"{name} is running")
        await self._change_line(parts, running=True, reason="", actor=actor)

    async def stop_line(self, name: str, actor: str, reason: str = "") -> None:
        """Stop feeding; the cards in process are finished."""
        parts = self._line(name)
        if not self.ledger.books.line(name).running:
            raise Refused(f"{name} is stopped")
        await self._change_line(
            parts, running=False, reason=reason or "stopped by an operator", actor=actor
        )

    # Helpers

    async def _clean(self, station: Station, actor: str, why_not: asyncio.Future[str]) -> None:
        reason = f"the centre stopped while {station.name} was being cleaned"
        try:
            reason = await clean(self.ledger, station, actor)
        finally:
            if not why_not.done():
                why_not.set_result(reason)

    async def _change_line(
        self, parts: LineParts, *, running: bool, reason: str, actor: str
    ) -> None:
        data = {"line": parts.line.name, "running": running, "reason": reason}
        await self.ledger.append(Draft(Kind.LINE_CHANGED, actor, data))
        self._changed()

    def _changed(self) -> None:
        for parts in self.lines.values():
            parts.line.places.changed()

    def _line(self, name: str) -> LineParts:
        if name not in self.lines:
            raise Refused(f"there is no line {name}; lines are: {', '.join(self.lines)}")
        return self.lines[name]

    def _station(self, name: str) -> tuple[LineParts, Station]:
        for parts in self.lines.values():
            for station in (parts.line.transport, *parts.line.stations):
                if station.name == name:
                    return parts, station
        raise Refused(f"there is no station {name}")
