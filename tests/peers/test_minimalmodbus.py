"""minimalmodbus, a Modbus master, works the simulated laminator as a technician does by hand."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import minimalmodbus
import pytest

from simulators.serving import on_pseudo_terminals
from tests.peers.peer import package
from tests.peers.test_pymodbus_master import MECHANICS, NOBODY, UPPER, WRITING_ON, laminator

pytestmark = [pytest.mark.peer, pytest.mark.real_time]


def by_hand(port: str, unit: int) -> minimalmodbus.Instrument:
    instrument = minimalmodbus.Instrument(port, unit)
    instrument.serial.baudrate = 115_200
    instrument.serial.timeout = 0.5  # a refusal is shorter than it expects, and waited out
    return instrument


async def test_minimalmodbus_heats_homes_and_is_refused(tmp_path: Path) -> None:
    package("minimalmodbus")
    machine = laminator()
    async with on_pseudo_terminals({"machine": machine}, tmp_path) as urls:
        port = urlsplit(urls["machine"]).path
        async with asyncio.timeout(20.0):
            seen = await asyncio.to_thread(heat_and_home, port)
    assert seen == [3, 0, 0, 1]
    assert [each.what for each in machine.drawn()] == ["home"]


def heat_and_home(port: str) -> Sequence[int]:
    zone, mechanics = by_hand(port, UPPER), by_hand(port, MECHANICS)
    try:
        assert 19.0 < zone.read_register(0x2000, 1) < 21.0
        with pytest.raises(minimalmodbus.SlaveReportedException, match="failure"):
            zone.write_register(0x2103, 125.0, 1, functioncode=6)
        zone.write_register(0x0000, WRITING_ON, functioncode=6)
        zone.write_register(0x2103, 125.0, 1, functioncode=6)
        assert zone.read_register(0x2103, 1) == 125.0
        assert zone.read_long(0x0106) == 1250
        with pytest.raises(minimalmodbus.IllegalRequestError):
            mechanics.read_register(0x0100, functioncode=4)
        with pytest.raises(minimalmodbus.SlaveDeviceBusyError):
            mechanics.write_registers(0, [1, 8000, 300, 1])
        assert mechanics.read_bits(0, 2, functioncode=2) == [0, 1]
        mechanics.write_registers(0, [3, 0, 0, 1])
        looks = (mechanics.read_registers(1, 2, functioncode=4) for _ in range(1000))
        assert [1, 1] in looks
        silent = by_hand(port, NOBODY)
        silent.serial.timeout = 0.2
        with pytest.raises(minimalmodbus.NoResponseError):
            silent.read_register(0, functioncode=3)
        return list(mechanics.read_registers(0, 4, functioncode=3))
    finally:
        zone.serial.close()
