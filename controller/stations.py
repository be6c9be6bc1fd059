"""A station: one machine's wire, its PackML state, and who may use it.

It knows nothing of routes or orders. Its machine is reached through `port`, which opens the wire
when needed and again after a hang-up; another unit on the wire than before is put on record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from config.centre import StationKind
from controller.places import Places
from drivers.errors import DriverError, ReplyTimeout, WireClosed, WrongDevice
from drivers.identity import Identity
from drivers.tap import Tap
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.states import STATION_TABLE, StationState, StationTrigger, step
from jobs.station_causes import MAINTENANCE

#: Pauses before the wire is opened again; then the station is held.
REOPEN_PAUSES_S = (0.2, 1.0, 3.0)


class Driver(Protocol):
    """What every machine's driver has."""

    async def identify(self) -> Identity:
        """Tell who is on the wire."""

    async def aclose(self) -> None:
        """Hang up."""


DriverType = TypeVar("DriverType", bound=Driver)


class Port(Generic[DriverType]):
    """A machine's wire, opened when it is needed."""

    def __init__(
        self,
        open_driver: Callable[[], Awaitable[DriverType]],
        *,
        expected_serial: str = "",
        identify_timeout_s: float = 15.0,
        tap: Tap | None = None,
    ) -> None:
        self._open_driver = open_driver
        self._expected_serial = expected_serial
        self._identify_timeout_s = identify_timeout_s
        self._driver: DriverType | None = None
        self._opening = asyncio.Lock()
        self.on_identity: Callable[[Identity], Awaitable[None]] | None = None
        #: Where its wire can be listened to; None where bytes are another program's business.
        self.tap = tap

    async def driver(self) -> DriverType:
        """Return the driver of the machine that is on the wire; opens and identifies if needed."""
        async with self._opening:
            if self._driver is None:
                self._driver = await self._open()
            return self._driver

    async def _open(self) -> DriverType:
        driver = await self._open_driver()
        try:
            async with asyncio.timeout(self._identify_timeout_s):
                identity = await driver.identify()
            self._check(identity)
            if self.on_identity is not None:
                await self.on_identity(identity)
        except TimeoutError as error:
            await driver.aclose()
            raise ReplyTimeout("The machine does not say who it is.") from error
        except BaseException:
            await driver.aclose()
            raise
        return driver

    async def drop(self) -> None:
        """Hang up; the next use opens the wire again."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(DriverError, OSError):
                await driver.aclose()

    def _check(self, identity: Identity) -> None:
        if self._expected_serial and identity.serial_number != self._expected_serial:
            raise WrongDevice(
                "Another unit is on this port than the configuration names.",
                expected=self._expected_serial,
                found=identity.serial_number,
            )


class Station:
    """One machine position of a line, or the line's transport."""

    def __init__(
        self,
        name: str,
        kind: StationKind | None,
        index: int,
        port: Port[Driver] | None,
        ledger: Ledger,
        places: Places,
    ) -> None:
        self.name = name
        self.kind = kind
        self.index = index
        self._port = port
        self._ledger = ledger
        self._places = places
        self.state = StationState.STOPPED
        self.reason = ""
        self.code = ""
        self.working = False
        #: As its machine said when it was last asked.
        self.cleaning_due = False
        #: True while a technician has the centre clean the machine: its port may be opened.
        self.cleaning = False
        self.changes = 0
        self.blamed_cards: set[str] = set()
        if port is not None:
            port.on_identity = self._seen

    @property
    def usable(self) -> bool:
        """True while the station may be given work."""
        return self.state is StationState.EXECUTE

    def is_in(self, state: StationState) -> bool:
        """Tell whether the station is in a state now; others may change it at every wait."""
        return self.state is state

    @property
    def may_be_asked(self) -> bool:
        """True while its machine answers questions: at work, or on the way there."""
        return self.state in {
            StationState.EXECUTE,
            StationState.RESETTING,
            StationState.UNHOLDING,
            StationState.SUSPENDED,
        }

    @property
    def under_maintenance(self) -> bool:
        """True while a technician has the machine: nothing but a person's word ends that."""
        return self.state is StationState.STOPPED and self.code == MAINTENANCE

    @property
    def port(self) -> Port[Driver]:
        """The machine's wire."""
        assert self._port is not None, f"{self.name} has no machine"
        return self._port

    @property
    def has_machine(self) -> bool:
        """False for a person's desk."""
        return self._port is not None

    async def ready(self) -> None:
        """Wait until the station may be given work."""
        await self._places.until(lambda: self.usable)

    async def change(
        self,
        *triggers: StationTrigger,
        reason: str = "",
        code: str = "",
        actor: str = "centre",
        beside: Sequence[Draft] = (),
    ) -> None:
        """Go through some transitions; the state that is reached is put on record.

        What is true together with it (`beside`) is on record together with it.
        """
        state = self.state
        for trigger in triggers:
            state = step(STATION_TABLE, state, trigger)
        await self._record(state, reason, code, actor, beside)

    async def taken_over(self, reason: str, code: str) -> None:
        """Put on record that after a restart the station is stopped, whatever it was before."""
        assert self.state is StationState.STOPPED
        await self._record(self.state, reason, code, "centre")

    def left_under_maintenance(self, reason: str) -> None:
        """Take over from the books that a technician has had the machine since before a restart."""
        assert self.state is StationState.STOPPED
        self.reason, self.code = reason, MAINTENANCE

    async def _record(
        self,
        state: StationState,
        reason: str,
        code: str,
        actor: str,
        beside: Sequence[Draft] = (),
    ) -> None:
        self.state, self.reason, self.code = state, reason, code
        self.changes += 1
        data = {"state": state.value, "reason": reason, "code": code}
        draft = Draft(Kind.STATION_CHANGED, actor, data, station=self.name)
        recorded = self._ledger.post(draft, *beside)
        self._places.changed()
        await asyncio.shield(recorded)

    async def hold(self, reason: str, code: str, actor: str = "centre") -> None:
        """Hold for the station's own reason, until a person unholds it; only while at work."""
        if self.state in {StationState.EXECUTE, StationState.SUSPENDED}:
            await self.change(
                StationTrigger.HOLD, StationTrigger.STATE_COMPLETE,
                reason=reason, code=code, actor=actor,
            )  # fmt: skip

    async def suspend(self, reason: str) -> None:
        """Suspend for a neighbour's reason; what is being done is finished first."""
        if self.state is StationState.EXECUTE:
            await self.change(StationTrigger.SUSPEND, StationTrigger.STATE_COMPLETE, reason=reason)

    async def unsuspend(self) -> None:
        """Go on after the neighbour's reason has gone."""
        if self.state is StationState.SUSPENDED:
            await self.change(StationTrigger.UNSUSPEND, StationTrigger.STATE_COMPLETE)

    async def abort(self, reason: str, code: str, actor: str = "centre") -> None:
        """Abort: a fault that a person must look at and clear; a technician is at it already."""
        if self.state is not StationState.ABORTED and not self.under_maintenance:
            await self.change(
                StationTrigger.ABORT, StationTrigger.STATE_COMPLETE,
                reason=reason, code=code, actor=actor,
            )  # fmt: skip

    async def reopen(self) -> DriverError | None:
        """Open the wire again with growing pauses; returns the last error if it stays dead."""
        await self.port.drop()
        last: DriverError | None = None
        for pause_s in REOPEN_PAUSES_S:
            await asyncio.sleep(pause_s)
            try:
                await self.port.driver()
            except DriverError as error:
                last = error
                await self.port.drop()
            else:
                return None
        return last

    async def _seen(self, identity: Identity) -> None:
        if self.under_maintenance and self.kind is not None and not self.cleaning:
            # It was being opened as a technician got the machine. A transport's sensors are
            # evidence for the acts of others, and are asked all the same.
            raise WireClosed("A technician has the machine.")
        known = self._ledger.books.stations.get(self.name)
        if known is not None and known.machine_serial == identity.serial_number:
            return
        data = {"kind": identity.kind, "model": identity.model, "firmware": identity.firmware}
        await self._ledger.append(
            Draft(
                Kind.MACHINE_SEEN,
                "centre",
                data,
                station=self.name,
                machine_serial=identity.serial_number,
            )
        )
