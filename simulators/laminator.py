"""A simulated roll laminator on one wire: two heat zones (units 1 and 2), mechanics (unit 3).

Power, wire and back doors are here; registers and motions are in `laminator_mechanics`, heat in
`heat_zone`.
"""

from simulators.floor import HAND, Floor, PhysicalCard
from simulators.lamination import LaminatorSettings
from simulators.laminator_mechanics import LaminatorMechanics
from simulators.machine import Drawn, Pace
from simulators.modbus import ModbusSlave
from simulators.wire import Wire

__all__ = ["LaminatorSettings", "SimulatedLaminator"]


class SimulatedLaminator:
    """One machine at a station of the floor."""

    def __init__(
        self,
        floor: Floor,
        station: int,
        pace: Pace,
        settings: LaminatorSettings,
        serial_number: str,
    ) -> None:
        self.serial_number = serial_number
        self._floor = floor
        self._mechanics = LaminatorMechanics(floor, station, pace, settings, serial_number)
        self._zones = self._mechanics.zones
        self._slave = ModbusSlave(
            {1: self._zones[0], 2: self._zones[1], 3: self._mechanics.controller}
        )

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it closes."""
        await self._slave.serve(wire)

    def cut_power(self) -> None:
        """Stop where everything is and begin to cool."""
        self._slave.cut_power()
        self._mechanics.cut_power()
        for zone in self._zones:
            zone.cut_power()

    def restore_power(self) -> None:
        """Start up: not homed, heat zones stopped and not writable."""
        self._slave.powered = True
        for zone in self._zones:
            zone.restore_power()

    def drawn(self) -> list[Drawn]:
        """Return every motion so far; waiting for heat is none."""
        return self._mechanics.motion.drawn

    # Back doors: what a person or bad luck does.

    @property
    def mute(self) -> bool:
        """True while requests are carried out and their answers lost."""
        return self._slave.mute

    @mute.setter
    def mute(self, mute: bool) -> None:
        self._slave.mute = mute

    def refill_film(self) -> None:
        """Put in and thread a new roll."""
        self._mechanics.refill_film()

    def use_up_film(self, left_mm: int = 0) -> None:
        """Leave only so much film on the roll."""
        self._mechanics.film_mm = left_mm

    def tear_film_next(self) -> None:
        """Let the film break in the next cycle."""
        self._mechanics.break_next = True

    def jam_next(self) -> None:
        """Let the next laminating or ejecting end in a jam."""
        self._mechanics.jam_next = True

    def take_from_inside(self) -> PhysicalCard | None:
        """Take the card out of the machine into the hand."""
        place = self._mechanics.inside
        return None if self._floor.at(place) is None else self._floor.move(place, HAND)

    def open_door(self) -> None:
        """Open the door; what moves is stopped by it."""
        self._mechanics.open_door()

    def close_door(self) -> None:
        """Close the door."""
        self._mechanics.door_open = False

    def fail_heat(self, zone: int) -> None:
        """Break the heater of zone 1 or 2."""
        self._zones[zone - 1].fail()

    def run_away(self, zone: int) -> None:
        """Weld the heater of zone 1 or 2 on."""
        self._zones[zone - 1].run_away()

    def repair_heat(self, zone: int) -> None:
        """Give zone 1 or 2 a new heater."""
        self._zones[zone - 1].repair()

    def temperature_c(self, zone: int) -> float:
        """Return how hot the roller of zone 1 or 2 really is."""
        return self._zones[zone - 1].roller.temperature_c()

    def lose_memory(self) -> None:
        """Forget the sequence numbers."""
        self._mechanics.controller.lose_memory()
