"""The firmware of one heat zone: an E5CC temperature controller as a Modbus unit.

The register map is the part of the E5CC's that a laminator needs; programs, multiple set points
and tuning are taken and acknowledged but steer nothing. How hot the roller is, `roller` knows.
"""

import asyncio
import math
from collections.abc import Callable, Sequence

from simulators.modbus import ExceptionCode, NoAnswer, Refused, Unit
from simulators.roller import HeatSettings, Roller

_SET_POINT, _ALARM, _ALARM_UPPER, _ALARM_LOWER, _PID = 0x2103, 0x2104, 0x2105, 0x2106, 0x2D14
_MONITOR = 0x2000
#: Operation commands of the E5CC and the related information that each may carry.
_OPERATIONS = {
    0x00: range(2),  # communications writing off, on
    0x01: range(2),  # run, stop
    0x02: range(8),  # multiple set point
    0x03: range(3),  # tuning: cancel, 100 %, 40 %
    0x04: range(2),  # write mode: backup, RAM
    0x05: range(1),  # save RAM data
    0x06: range(1),  # software reset
    0x09: range(2),  # automatic, manual
    0x0C: (*range(4), 0x0F),  # alarm latch cancel
    0x0D: range(2),  # set point mode: local, remote
    0x11: range(2),  # program start: reset, start
}
_RIPPLE_PERIOD_S = 7.0


class HeatZone(Unit):
    """The controller of one roller, two-byte and four-byte register maps."""

    def __init__(
        self, settings: HeatSettings, pace_factor: float, changed: Callable[[], None]
    ) -> None:
        self.roller = Roller(settings, pace_factor)
        self._settings = settings
        self._factor = pace_factor
        self._changed = changed
        self._powered = True
        self._writing = False
        self._running = False
        self._tuning = False
        self._manual = False
        self._ram_mode = False
        self._unsaved = False
        self._broken = False
        self._runaway = False
        self._stored = {_SET_POINT: 0, _ALARM: 0, _ALARM_UPPER: 0, _ALARM_LOWER: 0, _PID: 1}

    @property
    def set_point_c(self) -> float:
        """Return the set point in force."""
        return self._stored[_SET_POINT] / 10

    def seconds_until_warm(self, band_c: float) -> float | None:
        """Return when the roller will be within a band around the set point; None means never."""
        if not self._running:
            return None
        return self.roller.seconds_until(self.set_point_c - band_c, self.set_point_c + band_c)

    def cut_power(self) -> None:
        """Let the roller cool; what is not in non-volatile memory is lost."""
        self._powered = False
        self._start_up()

    def restore_power(self) -> None:
        """Start up stopped ("operation after power on: stop") and not writable, set point kept."""
        self._powered = True
        self._replan()

    def fail(self) -> None:
        """Break the heater: back door."""
        self._broken = True
        self._replan()

    def run_away(self) -> None:
        """Weld the relay shut, so that nothing switches the heater off: back door."""
        self._runaway = True
        self._replan()

    def repair(self) -> None:
        """Put in a new heater and relay: back door."""
        self._broken = self._runaway = False
        self._replan()

    def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Return variables: two-byte mode from 2000 on, else four-byte mode (high word first)."""
        if address >= _MONITOR:
            return [self._variable(address + offset) & 0xFFFF for offset in range(count)]
        if address % 2 or count % 2:
            raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
        words = []
        for place in range(address, address + count, 2):
            value = self._variable(_two_byte(place), wide=True)
            words += [value >> 16 & 0xFFFF, value & 0xFFFF]
        return words

    def write_one(self, address: int, value: int) -> None:
        """Carry out an operation command (0000 or FFFF) or write a variable in two-byte mode."""
        if address in {0x0000, 0xFFFF}:
            self._operate(value >> 8, value & 0xFF)
        else:
            self._write({address: _signed(value, 16)})

    def write_many(self, address: int, values: Sequence[int]) -> None:
        """Write variables, all or none, in the mode that the address tells."""
        if address >= _MONITOR:
            self._write({address + place: _signed(each, 16) for place, each in enumerate(values)})
            return
        if address % 2 or len(values) % 2:
            raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
        pairs = zip(values[::2], values[1::2], strict=True)
        wide = [_signed(high << 16 | low, 32) for high, low in pairs]
        self._write({_two_byte(address + 2 * place): each for place, each in enumerate(wide)})

    def _variable(self, address: int, *, wide: bool = False) -> int:
        match address - _MONITOR:
            case 0:
                return self._present_value()
            case 1:
                return self._status() if wide else self._status() & 0xFFFF
            case 2:
                return self._stored[_SET_POINT]
            case 3:
                share = 0.0 if self._broken else self._output() / 1000
                return round(10 * self._settings.heater_current_a * share)
            case 4:
                return self._output()
            case 5:
                return 0
        if address not in self._stored:
            raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
        return self._stored[address]

    def _present_value(self) -> int:
        phase = asyncio.get_running_loop().time() * self._factor / _RIPPLE_PERIOD_S
        return round(10 * (self.roller.temperature_c() + self._settings.ripple_c * math.sin(phase)))

    def _output(self) -> int:
        """Return the manipulated variable in 0.1 %: proportional, with what holding takes."""
        if not self._running:
            return 0
        short_c = self.set_point_c - self.roller.temperature_c()
        holding = 2.0 * (self.set_point_c - self._settings.ambient_c)
        return min(1000, max(0, round(100 * short_c + holding)))

    def _status(self) -> int:
        output = self._output() > 0
        too_hot = self.roller.temperature_c() > self.set_point_c + self._stored[_ALARM] / 10
        return (
            output << 8
            | (output and self._broken) << 10
            | (too_hot and self._stored[_ALARM] > 0) << 12
            | self._ram_mode << 20
            | self._unsaved << 21
            | self._tuning << 23
            | (not self._running) << 24
            | self._writing << 25
            | self._manual << 26
        )

    def _operate(self, code: int, information: int) -> None:
        if information not in _OPERATIONS.get(code, ()):
            raise Refused(ExceptionCode.ILLEGAL_VALUE)
        if code != 0x00 and not self._writing:
            raise Refused(ExceptionCode.DEVICE_FAILURE)
        match code:
            case 0x00:
                self._writing = information == 1
            case 0x01:
                self._running = information == 0
                self._tuning = self._tuning and self._running
                self._replan()
            case 0x03:
                if not self._running:
                    raise Refused(ExceptionCode.DEVICE_FAILURE)
                self._tuning = information != 0
            case 0x04:
                self._ram_mode = information == 1
            case 0x05:
                self._unsaved = False
            case 0x06:
                self._start_up()
                raise NoAnswer
            case 0x09:
                self._manual = information == 1

    def _write(self, values: dict[int, int]) -> None:
        for address, value in values.items():
            if address not in self._stored:
                raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
            if not self._allowed(address, value):
                raise Refused(ExceptionCode.ILLEGAL_VALUE)
        if not self._writing:
            raise Refused(ExceptionCode.DEVICE_FAILURE)
        self._stored |= values
        self._unsaved = self._unsaved or self._ram_mode
        self._replan()

    def _allowed(self, address: int, value: int) -> bool:
        if address == _SET_POINT:
            return 0 <= value <= 10 * self._settings.highest_set_point_c
        if address == _PID:
            return value in {0, 1}
        return -1999 <= value <= 9999

    def _start_up(self) -> None:
        self._writing = self._running = self._tuning = self._manual = self._ram_mode = False
        self._replan()

    def _replan(self) -> None:
        """Tell the roller where it is going, and the mechanics that waiting times have changed."""
        heated = self._powered and self._running and not self._broken
        target_c = self.set_point_c if heated else None
        if self._powered and self._runaway:
            target_c = self._settings.runaway_c
        self.roller.head_for(target_c)
        self._changed()


def _two_byte(address: int) -> int:
    """Return the two-byte address of a four-byte one: 0106 is 2103, 0D28 is 2D14."""
    if address % 2:
        raise Refused(ExceptionCode.ILLEGAL_ADDRESS)
    return _MONITOR + (address & 0xFF00) + (address & 0xFF) // 2


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
