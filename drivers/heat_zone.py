"""One heat zone of a laminator: a temperature controller of the E5CC kind, two-byte registers.

It starts the heat and reads it; how hot and how long is the laminator's business.
"""

from dataclasses import dataclass

from drivers.errors import HardwareFault
from drivers.modbus import ModbusMaster

OPERATION_COMMAND = 0x0000
COMMUNICATIONS_WRITING_ON, RUN = 0x0001, 0x0100
PRESENT_VALUE, PRESENT_REGISTERS = 0x2000, 3
SET_POINT = 0x2103
#: Lower status word: heater overcurrent, converter error, heater short alarm, input error.
BROKEN = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6


@dataclass(frozen=True, slots=True)
class ZoneReading:
    """One reading of a zone."""

    temperature_c: float
    status: int
    set_point_c: float


class HeatZone:
    """One controller at one unit number of the laminator's wire."""

    def __init__(self, master: ModbusMaster, unit: int) -> None:
        self._master = master
        self._unit = unit

    async def start(self, set_point_c: float) -> None:
        """Let the zone heat to the set point."""
        tenths = round(set_point_c * 10)
        assert 0 <= tenths < 1 << 15, "set points are positive and fit a signed register"
        # Writing over the wire is off after power-up, and the controller refuses until it is on.
        await self._master.write_register(self._unit, OPERATION_COMMAND, COMMUNICATIONS_WRITING_ON)
        await self._master.write_register(self._unit, SET_POINT, tenths)
        await self._master.write_register(self._unit, OPERATION_COMMAND, RUN)

    async def read(self) -> ZoneReading:
        """Read temperature, status and set point; raises `HardwareFault` if the zone is broken."""
        present, status, set_point = await self._master.read_holding(
            self._unit, PRESENT_VALUE, PRESENT_REGISTERS
        )
        if status & BROKEN:
            raise HardwareFault("a heat zone reports a fault", unit=self._unit, status=status)
        return ZoneReading(signed(present) / 10, status, signed(set_point) / 10)


def signed(register: int) -> int:
    """Return a register's value as a signed 16-bit number."""
    return register - 0x10000 if register & 0x8000 else register
