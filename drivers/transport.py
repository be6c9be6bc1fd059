"""The transport of a line: every move of a workpiece, its sensors and the counts of its bins.

It does not know what lies on a position or why it is moved, does not keep two moves apart (one
carrier: the caller moves one workpiece at a time), and never repeats a move. Homing and clearing a
fault are numbered commands too and overwrite the evidence: ask for an open move's outcome first.
"""

from dataclasses import dataclass
from enum import IntEnum

from drivers.errors import (
    DestinationTaken,
    DriverError,
    HardwareFault,
    Jam,
    NothingAtSource,
    NotReady,
    WorkpieceLost,
)
from drivers.identity import Identity
from drivers.modbus import ModbusMaster
from drivers.numbered import command_progress, judge
from drivers.outcome import Note, Outcome
from drivers.plc import TRANSPORT_UNIT, Plc, known
from drivers.polling import CompletionPoll
from drivers.wire import Wire

MOVE, HOME, CLEAR_FAULT = 1, 2, 3
STATE_ADDRESS, STATE_REGISTERS = 0x0000, 6
PRESENCE_ADDRESS = 0x0000
BIN_COUNT_ADDRESS, FIRST_BIN = 0x0010, 0x60


class TransportPhase(IntEnum):
    """What the transport is doing."""

    NOT_HOMED = 0
    READY = 1
    MOVING = 2
    FAULT = 4


class TransportFault(IntEnum):
    """The transport's present fault."""

    NONE = 0
    NOTHING_AT_SOURCE = 1
    DESTINATION_TAKEN = 2
    JAM = 3
    LOST = 4


ERRORS: dict[TransportFault, type[DriverError]] = {
    TransportFault.NONE: HardwareFault,
    TransportFault.NOTHING_AT_SOURCE: NothingAtSource,
    TransportFault.DESTINATION_TAKEN: DestinationTaken,
    TransportFault.JAM: Jam,
    TransportFault.LOST: WorkpieceLost,
}
MOVED_NOTHING = (TransportFault.NOTHING_AT_SOURCE, TransportFault.DESTINATION_TAKEN)


@dataclass(frozen=True, slots=True)
class TransportTimeouts:
    """How long the transport is waited for."""

    reply_timeout_s: float = 1.0
    move_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class TransportState:
    """One reading: what it does, the numbers of its commands, and moves since it was made."""

    state: TransportPhase
    started: int
    finished: int
    fault: TransportFault
    moves: int


class Transport:
    """One transport on one wire."""

    def __init__(
        self,
        wire: Wire,
        unit: int = TRANSPORT_UNIT,
        timeouts: TransportTimeouts = TransportTimeouts(),
    ) -> None:
        self._master = ModbusMaster(wire, timeouts.reply_timeout_s)
        self._plc = Plc(self._master, "transport", unit)
        self._unit = unit
        self._timeouts = timeouts
        self._poll = CompletionPoll()

    async def identify(self) -> Identity:
        """Read who answers; raises `WrongDevice` when it is no transport."""
        return await self._plc.identify()

    async def state(self) -> TransportState:
        """Read the state; one answer is one moment."""
        state, started, finished, fault, high, low = await self._master.read_input(
            self._unit, STATE_ADDRESS, STATE_REGISTERS
        )
        return TransportState(
            known(TransportPhase, state),
            started,
            finished,
            known(TransportFault, fault),
            high << 16 | low,
        )

    async def presence(self, positions: int) -> tuple[bool, ...]:
        """Read the sensors of positions 0 to `positions` - 1."""
        return await self._master.read_discrete(self._unit, PRESENCE_ADDRESS, positions)

    async def bin_count(self, position: int) -> int:
        """Read how many workpieces dropped into a bin or tray since it was last exchanged."""
        assert position >= FIRST_BIN, "only bins and trays count"
        address = BIN_COUNT_ADDRESS + position - FIRST_BIN
        return (await self._master.read_input(self._unit, address, 1))[0]

    async def move_note(self) -> Note:
        """Read what must be noted before a move."""
        return await self._plc.note(await self.state())

    async def move(self, source: int, destination: int, note: Note) -> None:
        """Move one workpiece, once, and wait until it is there."""

        def wrong(state: TransportState) -> DriverError | None:
            if state.state is TransportPhase.NOT_HOMED:
                return HardwareFault("the transport restarted during a move")
            return _fault(state, source=source, destination=destination)

        await self._command(MOVE, source, destination, note)
        look = command_progress(self.state, wrong, note)
        await self._poll.until("the move", look, self._timeouts.move_timeout_s)

    async def move_outcome(self, note: Note) -> Outcome:
        """Tell from evidence what became of the move of this note, waiting while it still runs."""
        if not await self._plc.is_machine_of(note):
            return Outcome.UNKNOWN

        async def at_rest() -> TransportState | None:
            state = await self.state()
            ours = state.started == note["sequence"] != state.finished
            return None if ours and state.state is TransportPhase.MOVING else state

        # A poll of its own: how long the rest of a move takes says nothing about whole moves.
        state = await CompletionPoll().watch("the move", at_rest, self._timeouts.move_timeout_s)
        if state is None:
            return Outcome.UNKNOWN
        failed = state.state is TransportPhase.FAULT and state.fault in MOVED_NOTHING
        return judge(note, state, moved_nothing=failed)

    async def home(self) -> None:
        """Find the home position; the transport may move whatever it carries."""
        note = await self.move_note()
        await self._command(HOME, 0, 0, note)
        look = command_progress(self.state, _fault, note)
        await self._poll.until("homing", look, self._timeouts.move_timeout_s)

    async def clear_fault(self) -> None:
        """Acknowledge a fault that a person has seen to; nothing happens if there is none."""
        state = await self.state()
        if state.state is not TransportPhase.FAULT:
            return
        note = await self._plc.note(state)
        await self._command(CLEAR_FAULT, 0, 0, note)
        look = command_progress(self.state, _no_error, note)
        await self._poll.until("clearing the fault", look, self._timeouts.move_timeout_s)

    async def aclose(self) -> None:
        """Close the wire."""
        await self._master.aclose()

    async def _command(self, code: int, first: int, second: int, note: Note) -> None:
        """Send a command; a refusal tells what the transport was doing instead."""
        try:
            await self._plc.command(code, first, second, int(note["sequence"]))
        except NotReady as error:
            state = await self.state()
            raise NotReady(
                state=state.state.name.lower(), fault=state.fault.name.lower()
            ) from error


def _fault(state: TransportState, **facts: float) -> DriverError | None:
    """Return the error that a fault state stands for."""
    if state.state is not TransportPhase.FAULT:
        return None
    return ERRORS[state.fault]("", **facts)


def _no_error(_state: TransportState) -> DriverError | None:
    """A fault being cleared may still show."""
    return None
