"""Our register maps served by pymodbus: its frames, its datastore, its exceptions.

What the machines do is a few lines each; no line of the simulators is behind it. A way is how a
driver reaches the server: a TCP connection, or a null modem of socat's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.peers.peer import package
from tests.peers.socat import joined, port

WRITE_ONE = 6
BUSY, FAULT = 2, 4
LOOKS_BUSY = 2


def table(count: int, datatype: DataType = DataType.REGISTERS, address: int = 0) -> list[SimData]:
    return [SimData(address, count=count, values=0, datatype=datatype)]


@dataclass
class Plc:
    """A controller with numbered commands; each runs for two looks at its state."""

    unit: int
    inputs: int
    started: int = 0
    finished: int = 0
    homed: bool = False
    fault: int = 0
    looks_left: int = 0
    taken: list[tuple[int, ...]] = field(default_factory=list)

    def device(self) -> SimDevice:
        bits = DataType.BITS
        tables = (table(16, bits), table(16, bits), table(4), table(self.inputs))
        return SimDevice(self.unit, tables, action=self.act)

    async def act(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Answer one request (pymodbus calls this before it answers from its tables)."""
        del start, count
        match function:
            case 4:  # input registers
                self.look()
                registers[: self.inputs] = self.input_registers()
            case 2:  # discrete inputs
                bits = self.sensors()
                registers[0] = sum(bit << place for place, bit in enumerate(bits))
            case 16 if values is not None and address == 0 and len(values) == 4:
                return self.command(*(int(value) for value in values))
            case 3 | 6:
                return ExcCodes.ILLEGAL_ADDRESS
        return None

    def command(self, code: int, first: int, second: int, number: int) -> ExcCodes | None:
        if number == self.started:
            return None
        if self.looks_left or (code == 1 and not self.homed):
            return ExcCodes.DEVICE_BUSY
        self.taken.append((code, first, second))
        self.started, self.looks_left = number, LOOKS_BUSY
        return None

    def look(self) -> None:
        if self.looks_left and not self.fault:
            self.looks_left -= 1
            if not self.looks_left:
                self.finish(*self.taken[-1])

    def finish(self, code: int, first: int, second: int) -> None:
        self.finished = self.started
        del code, first, second

    def state(self) -> int:
        if self.fault:
            return FAULT
        return BUSY if self.looks_left else int(self.homed)

    def input_registers(self) -> list[int]:
        raise NotImplementedError

    def sensors(self) -> list[bool]:
        raise NotImplementedError


@dataclass
class TransportPlc(Plc):
    """One magazine, one station, one reject bin."""

    at: dict[int, int] = field(default_factory=lambda: {0: 2, 1: 0, 2: 0, 0x60: 0})
    moves: int = 65_535  # the next one carries into the high word

    def finish(self, code: int, first: int, second: int) -> None:
        if code == 1:
            if not self.at[first]:
                self.fault = 1
                return
            self.at[first] -= 1
            self.at[second] += 1
            self.moves += 1
        elif code == 2:
            self.homed = True
        self.finished = self.started

    def command(self, code: int, first: int, second: int, number: int) -> ExcCodes | None:
        if code == 3:
            self.fault = 0
        return super().command(code, first, second, number)

    def input_registers(self) -> list[int]:
        moves = divmod(self.moves, 0x10000)
        state = [self.state(), self.started, self.finished, self.fault, *moves]
        return [*state, *[0] * 10, self.at[0x60]]

    def sensors(self) -> list[bool]:
        return [self.at[place] > 0 for place in (0, 1, 2)]


@dataclass
class LaminatorPlc(Plc):
    """The mechanics; the zones beside it are tables of their own."""

    result: int = 0
    inside: bool = False

    def finish(self, code: int, first: int, second: int) -> None:
        del first, second
        self.homed = True
        self.inside = code == 1
        self.finished = self.started

    def input_registers(self) -> list[int]:
        heat, cycles = [1230, 1262, 0xFFF6, 1259], [0x0001, 0x0002]
        state = [self.state(), self.started, self.finished, self.result, self.fault]
        return [*state, *heat, 297, *cycles, 1985]

    def sensors(self) -> list[bool]:
        return [self.inside, True]


@dataclass
class Zone:
    """An E5CC's two-byte map: writing is refused until it is switched on; warm when it runs."""

    unit: int
    writing: bool = False
    present: int = 200
    set_point: int = 0

    def device(self) -> SimDevice:
        holding = table(1) + table(3, address=0x2000) + table(1, address=0x2103)
        bits = DataType.BITS
        tables = (table(16, bits), table(16, bits), holding, table(1))
        return SimDevice(self.unit, tables, action=self.act)

    async def act(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        del count
        if function == WRITE_ONE and values is not None:
            return self.write(address, int(values[0]))
        monitor = 0x2000 - start
        registers[monitor : monitor + 3] = [self.present, 0, self.set_point]
        return None

    def write(self, address: int, value: int) -> ExcCodes | None:
        if (address, value) == (0x0000, 0x0001):
            self.writing = True
        elif not self.writing:
            return ExcCodes.DEVICE_FAILURE
        elif address == 0x2103:
            self.set_point = value
        elif (address, value) == (0x0000, 0x0100):
            self.present = self.set_point
        return None


def identity(product_code: str, serial_number: str) -> ModbusDeviceIdentification:
    objects = {0: "Somebody else", 1: product_code, 2: "7.1", 0x80: serial_number}
    return ModbusDeviceIdentification(objects)  # type: ignore[no-untyped-call]  # theirs


@asynccontextmanager
async def served(
    way: str, devices: list[SimDevice], who: ModbusDeviceIdentification, folder: Path
) -> AsyncIterator[str]:
    """Serve these units, silent about others as a real line is; gives the driver's URL.

    pymodbus has one identity for a whole server, and names itself by it at every unit.
    """
    package("pymodbus")
    if way == "tcp":
        server = ModbusTcpServer(
            devices,
            framer=FramerType.RTU,
            identity=who,
            address=("127.0.0.1", 0),
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        try:
            listening: Any = server.transport  # asyncio's server, under a wider name
            yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call]  # theirs
        return
    near, far = folder / "near", folder / "far"
    async with joined(port(near), port(far)):
        serial = ModbusSerialServer(
            devices,
            identity=who,
            port=str(far),
            baudrate=115_200,
            ignore_missing_devices=True,
        )
        await serial.serve_forever(background=True)
        try:
            yield f"serial://{near}?baud=115200"
        finally:
            await serial.shutdown()  # type: ignore[no-untyped-call]  # theirs
