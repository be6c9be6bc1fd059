"""The simulated transport of a line (Modbus unit 10): one carrier that moves every workpiece.

The register map is our own; positions are those of the map. It sees the floor only through its
sensors and does not know what stations do with the workpieces.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from simulators import floor as places
from simulators.floor import (
    CARRIER,
    HAND,
    MAGAZINE,
    QUARANTINE_BIN,
    REJECT_BIN,
    SAMPLE_TRAY,
    Floor,
    Full,
    PhysicalCard,
    Place,
)
from simulators.machine import Drawn, Motion, Pace
from simulators.modbus import ExceptionCode, ModbusSlave, Refused, window
from simulators.plc import Plc
from simulators.wire import Wire

UNIT = 10
_FIRST_BIN = 0x60
_FIRST_TRAY = 0x70
_BIN_COUNTS = 0x10  # input register of the first bin's count


class State(IntEnum):
    """Input register 0x0000."""

    NOT_HOMED = 0
    READY = 1
    MOVING = 2
    FAULT = 4


class Fault(IntEnum):
    """Input register 0x0003."""

    NONE = 0
    NOTHING_AT_SOURCE = 1
    DESTINATION_TAKEN = 2
    JAM = 3
    LOST = 4


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Times at pace 1 and shares of one move; plausible figures, not a measured machine's."""

    move_s: float = 1.5
    home_s: float = 3.0
    jam_share: float = 0.0001
    lost_share: float = 0.00002


class SimulatedTransport:
    """One machine on one wire, for all places of one line's floor."""

    def __init__(
        self,
        floor: Floor,
        stations: int,
        trays: int,
        pace: Pace,
        settings: TransportSettings,
        serial_number: str,
    ) -> None:
        self.serial_number = serial_number
        self._controller = Plc("TRN-1", serial_number, self)
        self._slave = ModbusSlave({UNIT: self._controller})
        self._floor = floor
        self._pace = pace
        self._settings = settings
        self._motion = Motion()
        self._positions: list[Place] = [MAGAZINE]
        for station in range(stations):
            self._positions += [places.infeed(station), places.outfeed(station)]
        self._bins = {0x60: REJECT_BIN, 0x61: QUARANTINE_BIN, 0x62: SAMPLE_TRAY}
        self._bins |= {_FIRST_TRAY + number: places.tray(number) for number in range(trays)}
        self._dropped = dict.fromkeys(self._bins, 0)  # retentive, like the moves
        self._moves = 0
        self._homed = False
        self._fault = Fault.NONE
        self._jam_next = False
        self._lose_next = False

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it closes."""
        await self._slave.serve(wire)

    def cut_power(self) -> None:
        """Stop where the carrier is, with what lies on it."""
        self._slave.cut_power()
        self._controller.cut_power()
        self._motion.stop()
        self._homed = False
        self._fault = Fault.NONE

    def restore_power(self) -> None:
        """Start up, not homed."""
        self._slave.powered = True

    def drawn(self) -> list[Drawn]:
        """Return every motion so far."""
        return self._motion.drawn

    # Back doors: what a person or bad luck does.

    @property
    def mute(self) -> bool:
        """True while requests are carried out and their answers lost."""
        return self._slave.mute

    @mute.setter
    def mute(self, mute: bool) -> None:
        self._slave.mute = mute

    def jam_next(self) -> None:
        """Let the next move end in a jam half-way."""
        self._jam_next = True

    def lose_next(self) -> None:
        """Let the next move lose its workpiece between the sensors."""
        self._lose_next = True

    def take_from_carrier(self) -> PhysicalCard | None:
        """Take what lies on or under the carrier into the hand."""
        return None if self._floor.at(CARRIER) is None else self._floor.move(CARRIER, HAND)

    def exchange(self, position: int) -> None:
        """Put an empty bin or tray at a position (0x60 and up): its count begins again."""
        self._dropped[position] = 0

    def lose_memory(self) -> None:
        """Forget the sequence numbers."""
        self._controller.lose_memory()

    # The firmware: what its controller (simulators/plc.py) asks of it.

    def state(self) -> State:
        """Return the state as the register shows it."""
        if self._fault:
            return State.FAULT
        if self._motion.running:
            return State.MOVING
        return State.READY if self._homed else State.NOT_HOMED

    def input_registers(self, address: int, count: int) -> Sequence[int]:
        """Return state, sequence numbers, fault and moves, or the bins' counts."""
        if address >= _BIN_COUNTS:
            last = max(self._bins)
            counts = [self._dropped.get(bin_, 0) & 0xFFFF for bin_ in range(_FIRST_BIN, last + 1)]
            return window(counts, address, count, first=_BIN_COUNTS)
        registers = (
            self.state(),
            self._controller.started,
            self._controller.finished,
            self._fault,
            self._moves >> 16 & 0xFFFF,
            self._moves & 0xFFFF,
        )
        return window(registers, address, count)

    def discrete_inputs(self, address: int, count: int) -> Sequence[bool]:
        """Return whether a workpiece is at each position; a bin's sensor sees one dropped."""
        numbers = range(address, address + count)
        if address < _FIRST_BIN:
            window(range(len(self._positions)), address, count)
            return [self._floor.at(self._positions[number]) is not None for number in numbers]
        if not all(number in self._dropped for number in numbers):
            raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
        return [self._dropped[number] > 0 for number in numbers]

    def prepare(self, command: int, first: int, second: int) -> Callable[[], None]:
        """Check a command and return what begins it, or raise `Refused`."""
        state = self.state()
        begin: Callable[[], None]
        match command:
            case 1:
                self._check_way(first, second)
                ready = state == State.READY
                begin = partial(self._move, first, second)
            case 2:
                ready = state in {State.NOT_HOMED, State.READY}
                begin = self._home
            case 3:
                stuck = self._fault in {Fault.JAM, Fault.LOST} and self._carries()
                ready = state != State.MOVING and not stuck
                begin = self._clear
            case _:
                raise Refused(ExceptionCode.ILLEGAL_VALUE)
        if not ready:
            raise Refused(ExceptionCode.BUSY)
        return begin

    def _check_way(self, source: int, destination: int) -> None:
        """Refuse positions that the line does not have; bins give nothing back, nor takes 0."""
        into = 0 < destination < len(self._positions) or destination in self._bins
        if source >= len(self._positions) or not into or source == destination:
            raise Refused(ExceptionCode.ILLEGAL_VALUE)

    def _carries(self) -> bool:
        return self._floor.at(CARRIER) is not None

    def _clear(self) -> None:
        self._fault = Fault.NONE
        self._controller.finish()

    def _home(self) -> None:
        self._motion.start("home", self._pace.draw_s(self._settings.home_s), self._homing_over)

    def _homing_over(self) -> None:
        if self._carries():
            self._fault = Fault.LOST  # Nobody can tell which move this workpiece belongs to.
            return
        self._homed = True
        self._controller.finish()

    def _move(self, source: int, destination: int) -> None:
        if self._carries():
            self._lose()  # Somebody has put a workpiece on the carrier.
            return
        source_place = self._positions[source]
        if self._floor.at(source_place) is None:
            self._fault = Fault.NOTHING_AT_SOURCE
            return
        if destination not in self._bins and self._floor.at(self._positions[destination]):
            self._fault = Fault.DESTINATION_TAKEN
            return
        card = self._floor.move(source_place, CARRIER)
        duration_s = self._pace.draw_s(self._settings.move_s)
        chance = self._pace.random.random()
        settings = self._settings
        if self._jam_next or chance < settings.jam_share:
            self._jam_next = False
            self._motion.start("move", duration_s / 2, partial(self._jam, card))
        elif self._lose_next or chance < settings.jam_share + settings.lost_share:
            self._lose_next = False
            self._motion.start("move", duration_s, self._lose)
        else:
            self._motion.start("move", duration_s, partial(self._arrive, card, destination))

    def _arrive(self, card: PhysicalCard, destination: int) -> None:
        bin_place = self._bins.get(destination)
        try:
            if bin_place is not None:
                self._floor.move(CARRIER, bin_place, into_store=True)
                self._dropped[destination] += 1
            else:
                self._floor.move(CARRIER, self._positions[destination])
        except Full:
            self._jam(card)  # Somebody put another there while this one was under way.
            return
        except KeyError:
            self._lose()  # Somebody took it off the carrier.
            return
        self._moves += 1
        self._controller.finish()

    def _jam(self, card: PhysicalCard) -> None:
        card.damaged = True
        self._fault = Fault.JAM

    def _lose(self) -> None:
        self._homed = False
        self._fault = Fault.LOST
