"""The mechanics of the simulated laminator: what its controller's registers say and commands do.

A card is taken from the station's infeed, pressed between the rollers, and leaves by the outfeed.
The register map is our own. Power and wire are not here; how a lamination turns out is decided in
`lamination`.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial

from simulators import floor as places
from simulators.floor import Floor, Full, PhysicalCard
from simulators.heat_zone import HeatZone
from simulators.lamination import Cycle, LaminatorSettings, Measured, Result, draw_cycle, measure
from simulators.machine import Motion, Pace
from simulators.modbus import ExceptionCode, Refused, window
from simulators.plc import Plc

_HIGHEST_PRESSURE_KPA = 2000


class State(IntEnum):
    """Input register 0x0000."""

    NOT_HOMED = 0
    READY = 1
    BUSY = 2
    WAITING_FOR_HEAT = 3
    FAULT = 4
    DOOR_OPEN = 5


class Fault(IntEnum):
    """Input register 0x0004."""

    NONE = 0
    FILM_OUT = 1
    FILM_BROKEN = 2
    JAM_AT_INFEED = 3
    JAM_AT_OUTFEED = 4
    OVER_TEMPERATURE = 5
    DOOR = 6


class LaminatorMechanics:
    """Registers, commands and motions of unit 3; owns the heat zones it waits for."""

    def __init__(
        self,
        floor: Floor,
        station: int,
        pace: Pace,
        settings: LaminatorSettings,
        serial_number: str,
    ) -> None:
        self.controller = Plc("LAM-1", serial_number, self)
        self.zones = tuple(HeatZone(settings.heat, pace.factor, self._await_heat) for _ in "12")
        self.motion = Motion()
        self.inside = places.inside(station)
        self.film_mm = settings.film_capacity_mm
        self.door_open = False
        self.jam_next = False
        self.break_next = False
        self._floor = floor
        self._infeed = places.infeed(station)
        self._outfeed = places.outfeed(station)
        self._pace = pace
        self._settings = settings
        self._homed = False
        self._fault = Fault.NONE
        self._stuck = Fault.NONE  # a card that is stuck stays so whatever the controller forgets
        self._film_broken = False
        self._waiting: Cycle | None = None  # begins once both zones are warm
        self._heat_timer: asyncio.TimerHandle | None = None
        self._pressing: Cycle | None = None
        # Of the last finished cycle; retentive like the counter and the sequence numbers.
        self._measured = Measured()
        self._cycles = 0

    def cut_power(self) -> None:
        """Stop where everything is and forget what is not retentive."""
        self.controller.cut_power()
        self._stop()
        self._homed = False
        self._fault = Fault.NONE

    def open_door(self) -> None:
        """Stop what moves: the door's switch is in the safety circuit."""
        self.door_open = True
        if self.motion.running or self._waiting:
            self._fail(Fault.DOOR)

    def refill_film(self) -> None:
        """Put in and thread a new roll."""
        self.film_mm = self._settings.film_capacity_mm
        self._film_broken = False

    def state(self) -> State:
        """Return the state as the register shows it."""
        if self._fault:
            return State.FAULT
        if self._waiting:
            return State.WAITING_FOR_HEAT
        if self.motion.running:
            return State.BUSY
        if self.door_open:
            return State.DOOR_OPEN
        return State.READY if self._homed else State.NOT_HOMED

    def input_registers(self, address: int, count: int) -> Sequence[int]:
        """Return input registers 0x0000 to 0x000C."""
        self._check_heat()
        registers = (
            self.state(),
            self.controller.started,
            self.controller.finished,
            self._measured.result,
            self._fault,
            *self._measured.extremes,
            self._measured.lowest_kpa,
            self._cycles >> 16 & 0xFFFF,
            self._cycles & 0xFFFF,
            self.film_mm // 100,
        )
        return window(registers, address, count)

    def discrete_inputs(self, address: int, count: int) -> Sequence[bool]:
        """Return the sensors: workpiece inside, door closed."""
        sensors = (self._floor.at(self.inside) is not None, not self.door_open)
        return [bool(sensor) for sensor in window(sensors, address, count)]

    def prepare(self, command: int, first: int, second: int) -> Callable[[], None]:
        """Check a command and return what begins it, or raise `Refused`."""
        self._check_heat()
        state = self.state()
        begin: Callable[[], None]
        match command:
            case 1:
                if not first or not 0 < second <= _HIGHEST_PRESSURE_KPA:
                    raise Refused(ExceptionCode.ILLEGAL_VALUE)
                ready = state == State.READY and self._card_waits()
                begin = partial(self._laminate, first / 1000, second)
            case 2:
                ready = state == State.READY and self._way_is_free()
                begin = self._eject
            case 3:
                ready = state in {State.NOT_HOMED, State.READY}
                begin = self._home
            case 4:
                idle = {State.FAULT, State.NOT_HOMED, State.READY}
                ready = state in idle and not self._cause_remains()
                begin = self._clear
            case _:
                raise Refused(ExceptionCode.ILLEGAL_VALUE)
        if not ready:
            raise Refused(ExceptionCode.BUSY)
        return begin

    def _card_waits(self) -> bool:
        return self._floor.at(self._infeed) is not None and self._floor.at(self.inside) is None

    def _way_is_free(self) -> bool:
        return self._floor.at(self.inside) is not None and self._floor.at(self._outfeed) is None

    def _cause_remains(self) -> bool:
        """Tell whether a person has still to do something about the present fault."""
        match self._fault:
            case Fault.FILM_OUT:
                return self.film_mm < self._settings.film_per_card_mm
            case Fault.FILM_BROKEN:
                return self._film_broken
            case Fault.JAM_AT_INFEED | Fault.JAM_AT_OUTFEED:
                return self.door_open or self._floor.at(self.inside) is not None
            case _:
                return self.door_open  # Heat that is still too high faults again by itself.

    def _clear(self) -> None:
        self._fault = self._stuck = Fault.NONE
        self.controller.finish()

    def _home(self) -> None:
        self.motion.start("home", self._pace.draw_s(self._settings.home_s), self._homing_over)

    def _homing_over(self) -> None:
        if self._stuck and self._floor.at(self.inside) is not None:
            self._fail(self._stuck)
            return
        self._stuck = Fault.NONE
        self._homed = True
        self.controller.finish()

    def _laminate(self, dwell_s: float, pressure_kpa: int) -> None:
        """Take the card in; press it as soon as both zones are warm."""
        settings = self._settings
        if self._film_broken or self.film_mm < settings.film_per_card_mm:
            self._fail(Fault.FILM_BROKEN if self._film_broken else Fault.FILM_OUT)
            return
        card = self._floor.move(self._infeed, self.inside)
        if self._jams():
            taking_in_s = self._pace.draw_s(settings.feed_s / 2)
            self.motion.start("take in", taking_in_s, partial(self._jam, card, Fault.JAM_AT_INFEED))
            return
        self._waiting = draw_cycle(settings, self._pace, card, dwell_s, pressure_kpa)
        self._await_heat()

    def _await_heat(self) -> None:
        """Press when both zones are warm; asked again whenever a zone's plan changes."""
        if self._heat_timer is not None:
            self._heat_timer.cancel()
            self._heat_timer = None
        if self._waiting is None:
            return
        band_c = self._settings.ready_band_c
        upper_s, lower_s = (zone.seconds_until_warm(band_c) for zone in self.zones)
        if upper_s is None or lower_s is None:
            return
        wait_s = max(upper_s, lower_s)
        if wait_s > 0:
            self._heat_timer = asyncio.get_running_loop().call_later(wait_s, self._await_heat)
            return
        self._pressing, self._waiting = self._waiting, None
        self._press(self._pressing)

    def _press(self, cycle: Cycle) -> None:
        for zone in self.zones:
            zone.roller.watch()
        breaks, self.break_next = cycle.film_breaks or self.break_next, False
        if breaks:
            self.motion.start("tear film", cycle.duration_s / 2, self._tear_film)
        else:
            self.motion.start("laminate", cycle.duration_s, partial(self._pressed, cycle))

    def _pressed(self, cycle: Cycle) -> None:
        self._pressing = None
        self.film_mm -= self._settings.film_per_card_mm
        self._cycles += 1
        zones = [(zone.set_point_c, zone.roller.extremes_c()) for zone in self.zones]
        self._measured = measure(cycle, self._settings.window_c, zones)
        cycle.card.laminations.append(self._measured.result == Result.GOOD)
        self.controller.finish()

    def _tear_film(self) -> None:
        self._film_broken = True
        self.film_mm = max(0, self.film_mm - self._settings.film_per_card_mm)
        self._fail(Fault.FILM_BROKEN)

    def _eject(self) -> None:
        card = self._floor.at(self.inside)
        assert card is not None, "checked before the command was taken"
        over = partial(self._jam, card, Fault.JAM_AT_OUTFEED) if self._jams() else self._ejected
        self.motion.start("eject", self._pace.draw_s(self._settings.eject_s), over)

    def _ejected(self) -> None:
        try:
            self._floor.move(self.inside, self._outfeed)
        except (Full, KeyError):
            # Somebody put a card in the way, or took this one out, while it moved.
            self._stuck = Fault.JAM_AT_OUTFEED
            self._fail(Fault.JAM_AT_OUTFEED)
            return
        self.controller.finish()

    def _jams(self) -> bool:
        jams = self._pace.random.random() < self._settings.jam_share or self.jam_next
        self.jam_next = False
        return jams

    def _jam(self, card: PhysicalCard, fault: Fault) -> None:
        card.damaged = True
        self._stuck = fault
        self._fail(fault)

    def _check_heat(self) -> None:
        """Trip the over-temperature guard; it is looked at whenever somebody looks."""
        limit_c = self._settings.over_temperature_c
        if not self._fault and any(z.roller.temperature_c() > limit_c for z in self.zones):
            self._fail(Fault.OVER_TEMPERATURE)

    def _fail(self, fault: Fault) -> None:
        self._fault = fault
        self._stop()

    def _stop(self) -> None:
        """Stop where everything is; a card left between hot rollers is not laminated as it must."""
        self.motion.stop()
        if self._pressing is not None:
            self._pressing.card.laminations.append(False)
            self._pressing = None
        self._waiting = None
        if self._heat_timer is not None:
            self._heat_timer.cancel()
            self._heat_timer = None
