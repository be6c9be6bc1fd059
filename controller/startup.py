"""Bringing stations to where they may be given work: connect, settle, home and warm up.

Whatever moves a machine here waits until no act is open at it: homing would overwrite the evidence.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from config.centre import StationKind
from controller.line import Line
from controller.stations import Port, Station
from drivers.errors import DriverError, HardwareFault
from drivers.laminator import Laminator, LaminatorPhase
from drivers.printing import Printer
from drivers.transport import Transport, TransportPhase
from jobs.states import StationState, StationTrigger
from jobs.station_causes import MAINTENANCE

OPERATOR = "operator"

Prepare = Callable[[Station], Awaitable[None]]


async def prepare_transport(station: Station) -> None:
    """Acknowledge a fault that was seen to, and home if the transport does not know where it is."""
    transport = await cast("Port[Transport]", station.port).driver()
    await transport.clear_fault()
    if (await transport.state()).state is TransportPhase.NOT_HOMED:
        await transport.home()


async def prepare_printer(station: Station) -> None:
    """Clear errors that a person has seen to; a jam that is still there is a fault."""
    printer = await cast("Port[Printer]", station.port).driver()
    await printer.clear_errors()
    status = await printer.status()
    station.cleaning_due = status.cleaning_due
    if status.error:
        raise HardwareFault("The printer still reports an error.", error=f"{status.error:08X}")


def laminator_preparation(set_point_c: float) -> Prepare:
    """Return the preparation of a laminator for one temperature: home, heat, wait until warm."""

    async def prepare(station: Station) -> None:
        laminator = await cast("Port[Laminator]", station.port).driver()
        state = await laminator.state()
        if state.state is LaminatorPhase.FAULT:
            await laminator.clear_fault()
        await laminator.prepare(set_point_c)
        await laminator.wait_until_warm(set_point_c)

    return prepare


@dataclass(slots=True)
class Startup:
    """Starts the stations of one line."""

    line: Line
    preparations: Mapping[StationKind | None, Prepare]

    async def take_over(self, station: Station) -> None:
        """Let the books say that a station of a restarted centre is stopped, as it is."""
        row = self.line.ledger.books.stations.get(station.name)
        if row is None:
            return
        if row.state is StationState.STOPPED:
            if row.code == MAINTENANCE:
                station.left_under_maintenance(row.reason)
            return
        if self.left_by_a_person(station):
            await station.taken_over(f"left by an operator who had it {row.state.value}", OPERATOR)
        else:
            await station.taken_over("restart", "")

    async def connect(self, station: Station) -> bool:
        """Open the wire and see who is there; a station that cannot be reached is aborted."""
        if station.has_machine and not station.under_maintenance:
            try:
                await station.port.driver()
            except DriverError as error:
                await station.abort(str(error), error.code)
                return False
        return True

    async def bring_up(self, station: Station, actor: str) -> None:
        """Take a stopped station through reset and start, unless a technician has it."""
        if not station.is_in(StationState.STOPPED) or station.under_maintenance:
            return
        await station.change(StationTrigger.RESET, actor=actor)
        if await self._prepared(station) and station.is_in(StationState.RESETTING):
            await station.change(
                StationTrigger.STATE_COMPLETE,
                StationTrigger.START,
                StationTrigger.STATE_COMPLETE,
                actor=actor,
            )

    async def unhold(self, station: Station, actor: str) -> None:
        """Take a held station back to work."""
        if not station.is_in(StationState.HELD):
            return  # somebody else said so too, or it was aborted meanwhile
        await station.change(StationTrigger.UNHOLD, actor=actor)
        if await self._prepared(station) and station.state is StationState.UNHOLDING:
            await station.change(StationTrigger.STATE_COMPLETE, actor=actor)

    async def follow_transport(self) -> None:
        """Suspend what has run out of cards while the transport stands; let it go on after that.

        A printer goes on with the blank at its infeed as long as it has somewhere to put the card.
        """
        line, transport = self.line, self.line.transport
        while True:
            await line.places.until(lambda: self._out_of_step() is not None)
            # One at a time: while one is put on record, another may get something to do.
            station = self._out_of_step()
            if station is None:
                continue  # in step again before we were told
            if transport.usable:
                await station.unsuspend()
            else:
                await station.suspend(f"{transport.name} is {transport.state.value}")

    def _out_of_step(self) -> Station | None:
        line, transport = self.line, self.line.transport
        if transport.usable:
            suspended = (one for one in line.stations if one.is_in(StationState.SUSPENDED))
            return next(suspended, None)
        if transport.state in {StationState.HELD, StationState.ABORTED, StationState.STOPPED}:
            return next((one for one in line.stations if one.usable and line.rests(one)), None)
        return None

    def left_by_a_person(self, station: Station) -> bool:
        """Tell whether a person had stopped or held the station before the restart."""
        row = self.line.ledger.books.stations.get(station.name)
        return row is not None and row.code == OPERATOR and row.state is not StationState.EXECUTE

    async def _prepared(self, station: Station) -> bool:
        if not station.has_machine:
            return True
        works, state = self.line.ledger.books.works, station.state

        def settled() -> bool:
            return not any(work.station == station.name for work in works.values())

        try:
            await station.port.driver()
            await self.line.places.until(lambda: settled() or station.state is not state)
            if station.state is not state:
                return False  # stopped again, because its machine could not be asked
            prepare = self.preparations.get(station.kind)
            if prepare is not None:
                await prepare(station)
        except DriverError as error:
            await station.port.drop()
            await station.abort(str(error), error.code)
            return False
        return True
