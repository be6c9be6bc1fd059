"""Our transport and laminator drivers at a Modbus slave that nobody here wrote: pymodbus's.

Over TCP with RTU frames, and over a serial line.
"""

from pathlib import Path

import pytest

from drivers.errors import NothingAtSource, NotReady, WrongDevice
from drivers.laminator import Laminator, LaminatorPhase, ResultCode
from drivers.open_wire import open_wire
from drivers.outcome import Outcome
from drivers.transport import Transport, TransportPhase
from tests.peers.pymodbus_machines import LaminatorPlc, TransportPlc, Zone, identity, served

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

WAYS = ["pseudo-terminal", "tcp"]
INFEED, OUTFEED, REJECT_BIN = 1, 2, 0x60


@pytest.mark.parametrize("way", WAYS)
async def test_a_transport_moves_settles_and_is_refused(tmp_path: Path, way: str) -> None:
    plc = TransportPlc(10, 17)
    async with served(way, [plc.device()], identity("TRN-9", "TRN-0815"), tmp_path) as url:
        transport = Transport(await open_wire(url, 2.0))
        who = await transport.identify()
        assert (who.model, who.serial_number, who.firmware) == ("TRN-9", "TRN-0815", "7.1")
        await transport.home()
        plc.homed = False
        note = await transport.move_note()
        with pytest.raises(NotReady):
            await transport.move(0, INFEED, note)
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        plc.homed = True
        assert await transport.presence(3) == (True, False, False)
        note = await transport.move_note()
        await transport.move(0, INFEED, note)
        assert await transport.presence(3) == (True, True, False)
        assert await transport.move_outcome(note) is Outcome.DONE
        state = await transport.state()
        assert (state.state, state.moves) == (TransportPhase.READY, 65_536)
        await transport.move(INFEED, REJECT_BIN, await transport.move_note())
        assert await transport.bin_count(REJECT_BIN) == 1
        note = await transport.move_note()
        with pytest.raises(NothingAtSource):
            await transport.move(OUTFEED, REJECT_BIN, note)
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        await transport.aclose()
    assert plc.taken == [(2, 0, 0), (1, 0, 1), (1, 1, 0x60), (1, 2, 0x60)]


@pytest.mark.parametrize("way", WAYS)
async def test_a_laminator_heats_laminates_and_tells_its_result(tmp_path: Path, way: str) -> None:
    plc, zones = LaminatorPlc(3, 13), (Zone(1), Zone(2))
    devices = [plc.device(), *(zone.device() for zone in zones)]
    async with served(way, devices, identity("LAM-9", "LAM-0815"), tmp_path) as url:
        laminator = Laminator(await open_wire(url, 2.0))
        assert (await laminator.identify()).serial_number == "LAM-0815"
        await laminator.prepare(125.0)
        assert [zone.set_point for zone in zones] == [1250, 1250]
        await laminator.wait_until_warm(125.0)
        note = await laminator.act_note()
        result = await laminator.laminate(note, 8000, 300)
        assert result.code is ResultCode.GOOD
        assert result.zone_low_c == (123.0, -1.0)  # registers are signed
        assert result.zone_high_c == (126.2, 125.9)
        assert result.lowest_pressure_kpa == 297
        assert await laminator.act_outcome(note) is Outcome.DONE
        state = await laminator.state()
        assert (state.state, state.card_inside) == (LaminatorPhase.READY, True)
        assert (state.cycles, state.film_left_m) == (0x10002, 198.5)
        await laminator.eject(await laminator.act_note())
        await laminator.aclose()
    assert plc.taken == [(3, 0, 0), (1, 8000, 300), (2, 0, 0)]


async def test_another_machine_is_named_as_what_it_is(tmp_path: Path) -> None:
    plc = LaminatorPlc(3, 13)
    async with served("tcp", [plc.device()], identity("LAM-9", "LAM-1"), tmp_path) as url:
        transport = Transport(await open_wire(url, 2.0))
        with pytest.raises(WrongDevice, match="a laminator answers where a transport"):
            await transport.identify()
        await transport.aclose()
