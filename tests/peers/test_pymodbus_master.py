"""pymodbus, a Modbus master, asks the simulated laminator and transport for their whole maps.

Every function and every refusal, over a serial line and over TCP with RTU frames.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed, outfeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.serving import on_pseudo_terminals, on_tcp
from simulators.transport import SimulatedTransport, TransportSettings
from tests.contract.ways import until
from tests.peers.peer import package

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

UPPER, LOWER, MECHANICS, TRANSPORT, NOBODY = 1, 2, 3, 10, 77
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, FAILURE, BUSY = 1, 2, 3, 4, 6
WRITING_ON, RUN, STOP, RESET = 0x0001, 0x0100, 0x0101, 0x0600
REPLY_TIMEOUT_S = 1.0

Client = AsyncModbusSerialClient | AsyncModbusTcpClient


def laminator(floor: Floor | None = None) -> SimulatedLaminator:
    settings = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)
    return SimulatedLaminator(floor or Floor(), 0, Pace(Random(1), 200.0), settings, "LAM-7")


def transport(floor: Floor) -> SimulatedTransport:
    floor.load_blanks(2, (ChipMemory.new(bytes((n,)) * 8) for n in range(2)))
    settings = TransportSettings(jam_share=0.0, lost_share=0.0)
    return SimulatedTransport(floor, 1, 1, Pace(Random(1), 200.0), settings, "TRN-7")


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[Client]:
    package("pymodbus")
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


@asynccontextmanager
async def by_terminal(machine: Machine, folder: Path) -> AsyncIterator[Client]:
    async with on_pseudo_terminals({"machine": machine}, folder) as urls:
        port = urlsplit(urls["machine"]).path
        client = AsyncModbusSerialClient(
            port, framer=FramerType.RTU, baudrate=115_200, timeout=REPLY_TIMEOUT_S, retries=0
        )
        async with connected(client) as master:
            yield master


@asynccontextmanager
async def by_tcp(machine: Machine) -> AsyncIterator[Client]:
    async with on_tcp({"machine": machine}) as urls:
        far = urlsplit(urls["machine"])
        assert far.hostname is not None
        assert far.port is not None
        client = AsyncModbusTcpClient(
            far.hostname, framer=FramerType.RTU, port=far.port, timeout=REPLY_TIMEOUT_S, retries=0
        )
        async with connected(client) as master:
            yield master


def registers(answer: ModbusPDU) -> list[int]:
    assert not answer.isError(), answer
    return list(answer.registers)


async def look(master: Client, unit: int, address: int, count: int) -> list[int]:
    return registers(await master.read_input_registers(address, count=count, device_id=unit))


async def command(master: Client, unit: int, *block: int) -> int:
    """Give a numbered command; returns the refusal, 0 if it was taken."""
    answer = await master.write_registers(0, list(block), device_id=unit)
    return answer.exception_code


@pytest.mark.parametrize("way", ["pseudo-terminal", "tcp"])
async def test_a_transport_s_whole_map(tmp_path: Path, way: str) -> None:
    floor = Floor()
    machine = transport(floor)
    reached = by_tcp(machine) if way == "tcp" else by_terminal(machine, tmp_path)
    async with reached as master:
        sensors = await master.read_discrete_inputs(0, count=3, device_id=TRANSPORT)
        assert sensors.bits[:3] == [True, False, False]
        assert await look(master, TRANSPORT, 0, 6) == [0, 0, 0, 0, 0, 0]
        assert await command(master, TRANSPORT, 1, 0, 1, 1) == BUSY  # not homed: nothing started
        assert await look(master, TRANSPORT, 0, 3) == [0, 0, 0]
        assert await command(master, TRANSPORT, 2, 0, 0, 1) == 0
        await until(lambda: not machine._motion.running)
        assert await command(master, TRANSPORT, 1, 0, 1, 2) == 0
        assert await command(master, TRANSPORT, 1, 1, 2, 3) == BUSY  # still moving
        await until(lambda: not machine._motion.running)
        assert await command(master, TRANSPORT, 1, 0, 1, 2) == 0  # a repeat starts nothing
        assert await look(master, TRANSPORT, 0, 6) == [1, 2, 2, 0, 0, 1]
        assert floor.at(infeed(0)) is not None
        assert len(floor.store(MAGAZINE)) == 1
        assert await command(master, TRANSPORT, 1, 1, 0x60, 3) == 0
        await until(lambda: not machine._motion.running)
        assert await look(master, TRANSPORT, 0x10, 1) == [1]
        for block in ((9, 0, 0, 4), (1, 0, 99, 4), (1, 0, 0, 4), (1, 0, 1, 0)):
            assert await command(master, TRANSPORT, *block) == ILLEGAL_VALUE
        held = await master.read_holding_registers(0, count=4, device_id=TRANSPORT)
        assert registers(held) == [1, 1, 0x60, 3]


async def test_a_laminator_s_heat_zone(tmp_path: Path) -> None:
    machine = laminator()
    async with by_terminal(machine, tmp_path) as master:

        async def read(address: int, count: int) -> list[int]:
            return registers(
                await master.read_holding_registers(address, count=count, device_id=UPPER)
            )

        async def write(address: int, value: int) -> int:
            answer = await master.write_register(address, value, device_id=UPPER)
            return answer.exception_code

        assert await write(0x2103, 1250) == FAILURE  # writing is off
        assert await write(0x0000, WRITING_ON) == 0
        assert await write(0x2103, 1250) == 0
        assert await write(0x2103, 40_000) == ILLEGAL_VALUE
        assert await write(0x2FFF, 1) == ILLEGAL_ADDRESS
        # Four-byte mode knows the same set point: high word first, at 0x0106.
        assert await read(0x0106, 2) == [0, 1250]
        wide = await master.write_registers(0x0106, [0, 1300], device_id=UPPER)
        assert not wide.isError()
        assert await read(0x2103, 1) == [1300]
        assert await write(0xFFFF, RUN) == 0
        high, low = await read(0x0002, 2)
        assert high & 0x0300 == 0x0200  # bit 24, stopped, is off; bit 25, writing, is on
        assert low == (await read(0x2001, 1))[0]
        await until(lambda: machine.temperature_c(1) > 128)
        [present] = await read(0x2000, 1)
        assert 1270 < present < 1330
        assert await write(0x0000, STOP) == 0
        assert (await read(0x0002, 2))[0] & 0x0100
        # A software reset is carried out and never answered; afterwards writing is off again.
        with pytest.raises(ModbusIOException):
            await master.write_register(0x0000, RESET, device_id=UPPER)
        assert await write(0x2103, 1250) == FAILURE


async def test_a_whole_lamination_by_a_stranger(tmp_path: Path) -> None:
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    machine = laminator(floor)
    async with by_terminal(machine, tmp_path) as master:
        for zone in (UPPER, LOWER):
            for address, value in ((0x0000, WRITING_ON), (0x2103, 1250), (0x0000, RUN)):
                answer = await master.write_register(address, value, device_id=zone)
                assert not answer.isError()

        async def finished(number: int) -> list[int]:
            async with asyncio.timeout(20.0):
                while (seen := await look(master, MECHANICS, 0, 13))[2] != number:
                    assert seen[4] == 0, "a fault"
            return seen

        assert await command(master, MECHANICS, 3, 0, 0, 1) == 0
        await finished(1)
        assert await command(master, MECHANICS, 1, 0, 300, 2) == ILLEGAL_VALUE  # no dwell
        assert await command(master, MECHANICS, 1, 8000, 300, 2) == 0
        state, started, done, result, fault, *measured = await finished(2)
        assert [state, started, done, result, fault] == [1, 2, 2, 0, 0]
        *heat, pressure, cycles_high, cycles_low, film = measured
        assert all(1200 <= tenths <= 1300 for tenths in heat)
        assert 250 < pressure <= 300
        assert (cycles_high, cycles_low) == (0, 1)
        assert film < 2000
        sensors = await master.read_discrete_inputs(0, count=2, device_id=MECHANICS)
        assert sensors.bits[:2] == [True, True]
        assert await command(master, MECHANICS, 2, 0, 0, 3) == 0
        await finished(3)
        machine.open_door()
        assert await command(master, MECHANICS, 2, 0, 0, 4) == BUSY
        assert (await look(master, MECHANICS, 0, 1)) == [5]
    card = floor.at(outfeed(0))
    assert card is not None
    assert card.laminations == [True]


async def test_what_is_not_on_the_map_is_refused(tmp_path: Path) -> None:
    async with by_terminal(laminator(), tmp_path) as master:
        refusals = {
            "input": await master.read_input_registers(13, count=1, device_id=MECHANICS),
            "over the end": await master.read_input_registers(12, count=2, device_id=MECHANICS),
            "holding": await master.read_holding_registers(4, count=1, device_id=MECHANICS),
            "discrete": await master.read_discrete_inputs(2, count=1, device_id=MECHANICS),
        }
        for which, answer in refusals.items():
            assert answer.exception_code == ILLEGAL_ADDRESS, which
        for answer in (
            await master.read_coils(0, count=1, device_id=MECHANICS),
            await master.write_coil(0, value=True, device_id=MECHANICS),
            await master.read_input_registers(0, count=1, device_id=UPPER),
            await master.report_device_id(device_id=MECHANICS),
        ):
            assert answer.exception_code == ILLEGAL_FUNCTION
        echoed = await master.diag_query_data(b"\x12\x34", device_id=MECHANICS)
        assert not echoed.isError()
        with pytest.raises(ModbusIOException):
            await master.read_holding_registers(0, count=1, device_id=NOBODY)
        # After a silence the line is as before.
        assert (await look(master, MECHANICS, 0, 13))[12] == 2000


async def test_a_broadcast_moves_nothing_and_is_not_answered(tmp_path: Path) -> None:
    machine = laminator()
    async with by_terminal(machine, tmp_path) as master:
        await master.write_registers(0, [3, 0, 0, 1], device_id=0, no_response_expected=True)
        assert await look(master, MECHANICS, 0, 3) == [0, 0, 0]
        assert machine.drawn() == []


@pytest.mark.parametrize(
    ("unit", "code", "number"), [(3, b"LAM", b"LAM-7"), (10, b"TRN", b"TRN-7")]
)
async def test_who_it_is_by_function_43(
    tmp_path: Path, unit: int, code: bytes, number: bytes
) -> None:
    machine = laminator() if unit == MECHANICS else transport(Floor())
    async with by_terminal(machine, tmp_path) as master:

        async def read(code: int, first: int) -> dict[int, bytes]:
            answer = await master.read_device_information(
                read_code=code, object_id=first, device_id=unit
            )
            assert isinstance(answer, ReadDeviceInformationResponse), answer
            return answer.information

        basic = await read(1, 0)
        assert sorted(basic) == [0, 1, 2]
        assert basic[1].startswith(code)
        assert await read(4, 0x80) == {0x80: number}
        assert sorted(await read(3, 0)) == [0, 1, 2, 0x80]
        unknown = await master.read_device_information(read_code=4, object_id=0x99, device_id=unit)
        assert unknown.exception_code == ILLEGAL_ADDRESS
