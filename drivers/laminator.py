"""The roll laminator: its two heat zones, laminating and ejecting one workpiece at a time.

It does not judge whether a lamination is good enough (the result is a value) and never repeats a
cycle. Homing and clearing a fault are numbered commands too and overwrite the evidence: ask for an
open act's outcome first.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.errors import DriverError, HardwareFault, NotReady, ReplyTimeout
from drivers.heat_zone import HeatZone
from drivers.identity import Identity
from drivers.laminator_mechanics import (
    MECHANICS_ADDRESS,
    MECHANICS_REGISTERS,
    LaminateResult,
    LaminatorFault,
    LaminatorPhase,
    Mechanics,
    ResultCode,
    decode_mechanics,
    fault_error,
    refused_error,
)
from drivers.modbus import ModbusMaster
from drivers.numbered import command_progress, judge
from drivers.outcome import Note, Outcome
from drivers.plc import LAMINATOR_UNIT, Plc
from drivers.polling import CompletionPoll, look_seldom
from drivers.wire import Wire

__all__ = [
    "LaminateResult",
    "Laminator",
    "LaminatorFault",
    "LaminatorPhase",
    "LaminatorState",
    "LaminatorTimeouts",
    "ResultCode",
]

LAMINATE, EJECT, HOME, CLEAR_FAULT = 1, 2, 3, 4
ZONE_UNITS = (1, 2)
SENSORS_ADDRESS, SENSORS = 0x0000, 2


@dataclass(frozen=True, slots=True)
class LaminatorTimeouts:
    """How long the laminator is waited for."""

    reply_timeout_s: float = 1.0
    laminate_timeout_s: float = 120.0
    eject_timeout_s: float = 30.0
    warm_up_timeout_s: float = 900.0


@dataclass(frozen=True, slots=True)
class LaminatorState:
    """One look at the whole machine; mechanics, sensors and zones are read one after another."""

    state: LaminatorPhase
    started: int
    finished: int
    result: ResultCode
    fault: LaminatorFault
    film_left_m: float
    cycles: int
    card_inside: bool
    door_closed: bool
    temperatures: tuple[float, float]


class Laminator:
    """One laminator on one wire: mechanics at unit 3, heat zones at units 1 and 2."""

    def __init__(self, wire: Wire, timeouts: LaminatorTimeouts = LaminatorTimeouts()) -> None:
        self._master = ModbusMaster(wire, timeouts.reply_timeout_s)
        self._plc = Plc(self._master, "laminator", LAMINATOR_UNIT)
        self._zones = tuple(HeatZone(self._master, unit) for unit in ZONE_UNITS)
        self._timeouts = timeouts
        self._poll = CompletionPoll()

    async def identify(self) -> Identity:
        """Read who answers; raises `WrongDevice` when it is no laminator."""
        return await self._plc.identify()

    async def state(self) -> LaminatorState:
        """Read everything that a person may want to know of the machine."""
        mechanics = await self._mechanics()
        inside, closed = await self._master.read_discrete(LAMINATOR_UNIT, SENSORS_ADDRESS, SENSORS)
        upper, lower = [(await zone.read()).temperature_c for zone in self._zones]
        return LaminatorState(
            state=mechanics.state,
            started=mechanics.started,
            finished=mechanics.finished,
            result=mechanics.last.code,
            fault=mechanics.fault,
            film_left_m=mechanics.film_left_m,
            cycles=mechanics.cycles,
            card_inside=inside,
            door_closed=closed,
            temperatures=(upper, lower),
        )

    async def prepare(self, set_point_c: float) -> None:
        """Start the heat of both zones and home the mechanics; does not wait for the heat."""
        for zone in self._zones:
            await zone.start(set_point_c)
        mechanics = await self._mechanics()
        error = fault_error(mechanics)
        if error is not None:
            raise error
        if mechanics.state is LaminatorPhase.NOT_HOMED:
            await self.home()

    async def wait_until_warm(self, set_point_c: float, window_c: float = 5.0) -> None:
        """Wait until both zones are within the window around the set point."""

        async def warm() -> bool | None:
            readings = [await zone.read() for zone in self._zones]
            near = (abs(reading.temperature_c - set_point_c) <= window_c for reading in readings)
            return True if all(near) else None

        if not await look_seldom(warm, self._timeouts.warm_up_timeout_s):
            raise HardwareFault(
                "the heat zones did not reach their set point in time", set_point_c=set_point_c
            )

    async def act_note(self) -> Note:
        """Read what must be noted before laminating or ejecting."""
        return await self._plc.note(await self._mechanics())

    async def laminate(self, note: Note, dwell_ms: int, pressure_kpa: int) -> LaminateResult:
        """Laminate the workpiece at the infeed, once; a bad result is returned, not raised."""
        await self._command(LAMINATE, dwell_ms, pressure_kpa, note)

        async def heated() -> Mechanics | None:
            mechanics = await self._mechanics()
            return None if mechanics.state is LaminatorPhase.WAITING_FOR_HEAT else mechanics

        # A cold machine waits for heat first, which says nothing about how long a cycle takes.
        if await look_seldom(heated, self._timeouts.warm_up_timeout_s) is None:
            raise ReplyTimeout("the laminator waited too long for heat")
        look = self._progress(_act_error, note)
        timeout_s = self._timeouts.laminate_timeout_s
        return (await self._poll.until("the lamination", look, timeout_s)).last

    async def eject(self, note: Note) -> None:
        """Eject the workpiece from inside to the outfeed, once."""
        await self._command(EJECT, 0, 0, note)
        look = self._progress(_act_error, note)
        await self._poll.until("the ejection", look, self._timeouts.eject_timeout_s)

    async def act_outcome(self, note: Note) -> Outcome:
        """Tell from evidence what became of the act of this note, waiting while it still runs.

        DONE says that the act ran to its end; after laminating, `last_result` tells how good it is.
        """
        if not await self._plc.is_machine_of(note):
            return Outcome.UNKNOWN

        async def unless(phase: LaminatorPhase) -> Mechanics | None:
            mechanics = await self._mechanics()
            ours = mechanics.started == note["sequence"] != mechanics.finished
            return None if ours and mechanics.state is phase else mechanics

        timeouts = self._timeouts
        heated = await look_seldom(
            lambda: unless(LaminatorPhase.WAITING_FOR_HEAT), timeouts.warm_up_timeout_s
        )
        if heated is None:
            return Outcome.UNKNOWN
        # A poll of its own: how long the rest of a cycle takes says nothing about whole cycles.
        at_rest = await CompletionPoll().watch(
            "the act", lambda: unless(LaminatorPhase.BUSY), timeouts.laminate_timeout_s
        )
        if at_rest is None:
            return Outcome.UNKNOWN
        return judge(note, at_rest, moved_nothing=False)

    async def last_result(self) -> LaminateResult:
        """Read the result of the command last finished."""
        return (await self._mechanics()).last

    async def home(self) -> None:
        """Find the home position."""
        note = await self.act_note()
        await self._command(HOME, 0, 0, note)
        look = self._progress(fault_error, note)
        await self._poll.until("homing", look, self._timeouts.eject_timeout_s)

    async def clear_fault(self) -> None:
        """Acknowledge a fault that a person has seen to; nothing happens if there is none."""
        mechanics = await self._mechanics()
        if fault_error(mechanics) is None:
            return
        note = await self._plc.note(mechanics)
        await self._command(CLEAR_FAULT, 0, 0, note)
        look = self._progress(_no_error, note)
        await self._poll.until("clearing the fault", look, self._timeouts.eject_timeout_s)

    async def aclose(self) -> None:
        """Close the wire."""
        await self._master.aclose()

    async def _mechanics(self) -> Mechanics:
        return decode_mechanics(
            await self._master.read_input(LAMINATOR_UNIT, MECHANICS_ADDRESS, MECHANICS_REGISTERS)
        )

    def _progress(
        self, wrong: Callable[[Mechanics], DriverError | None], note: Note
    ) -> Callable[[], Awaitable[Mechanics | None]]:
        return command_progress(self._mechanics, wrong, note)

    async def _command(self, code: int, first: int, second: int, note: Note) -> None:
        """Send a command; a refusal tells why the laminator was not ready."""
        try:
            await self._plc.command(code, first, second, int(note["sequence"]))
        except NotReady as error:
            raise refused_error(await self._mechanics()) from error


def _act_error(mechanics: Mechanics) -> DriverError | None:
    if mechanics.state is LaminatorPhase.NOT_HOMED:
        return HardwareFault("the laminator restarted during an act")
    return fault_error(mechanics)


def _no_error(_mechanics: Mechanics) -> DriverError | None:
    """A fault being cleared may still show."""
    return None
