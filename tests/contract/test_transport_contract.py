"""What the transport's driver promises, over every kind of wire.

On a real transport: put one blank into the magazine and leave station 0's infeed free; the blank
ends in the reject bin.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import DestinationTaken, Jam, NothingAtSource, WorkpieceLost
from drivers.outcome import Outcome
from drivers.transport import Transport, TransportPhase
from simulators.floor import HAND, REJECT_BIN, ChipMemory, Floor, infeed
from simulators.transport import SimulatedTransport, TransportSettings
from tests.contract.ways import Opener, Way, hang_up_during, noticed

STACK, INFEED, OUTFEED, REJECT = 0, 1, 2, 0x60
#: A move lasts long enough to be caught in the act, however fast the machine is paced.
SURE = TransportSettings(jam_share=0.0, lost_share=0.0, move_s=12.0)


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedTransport
    open: Opener

    async def transport(self) -> Transport:
        await noticed()
        return Transport(await self.open())

    def is_moving(self) -> bool:
        return self.machine._motion.running


@asynccontextmanager
async def transporting(way: Way, ports: Path, serial_number: str = "TRN-1") -> AsyncIterator[Bench]:
    """Serve the transport of a line of one station, with two blanks in the magazine."""
    floor = Floor()
    floor.load_blanks(2, (ChipMemory.new(bytes((n,)) * 8) for n in range(2)))
    machine = SimulatedTransport(floor, 1, 1, way.pace(), SURE, serial_number)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_moves_a_card_and_knows_that_it_did(
    any_way: Way, ports: Path
) -> None:
    async with transporting(any_way, ports) as here:
        transport = await here.transport()
        identity = await transport.identify()
        assert identity.kind == "transport"
        if (await transport.state()).state is TransportPhase.NOT_HOMED:
            await transport.home()
        note = await transport.move_note()
        assert note["serial_number"] == identity.serial_number != ""
        await transport.move(STACK, INFEED, note)
        assert await transport.move_outcome(note) is Outcome.DONE
        assert (await transport.presence(3))[1:] == (True, False)
        rejected = await transport.bin_count(REJECT)
        note = await transport.move_note()
        await transport.move(INFEED, REJECT, note)
        assert await transport.bin_count(REJECT) == rejected + 1
        assert (await transport.presence(3))[1:] == (False, False)
        await transport.aclose()


async def test_a_move_that_was_never_sent_is_not_done(any_way: Way, ports: Path) -> None:
    async with transporting(any_way, ports) as here:
        transport = await here.transport()
        if (await transport.state()).state is TransportPhase.NOT_HOMED:
            await transport.home()
        note = await transport.move_note()
        await transport.aclose()
        transport = await here.transport()
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        await transport.aclose()


async def test_a_move_that_moved_nothing_is_not_done(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        note = await transport.move_note()
        with pytest.raises(NothingAtSource):
            await transport.move(OUTFEED, INFEED, note)
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        await transport.clear_fault()
        await transport.move(STACK, INFEED, await transport.move_note())
        note = await transport.move_note()
        with pytest.raises(DestinationTaken):
            await transport.move(STACK, INFEED, note)
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        await transport.aclose()


async def test_a_move_goes_on_without_us_and_is_found_done(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        note = await transport.move_note()
        await hang_up_during(transport.move(STACK, INFEED, note), transport, here.is_moving)
        transport = await here.transport()
        assert await transport.move_outcome(note) is Outcome.DONE
        assert here.floor.at(infeed(0)) is not None
        await transport.aclose()


async def test_a_move_that_a_power_cut_ended_is_unknown(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        note = await transport.move_note()
        await hang_up_during(
            transport.move(STACK, INFEED, note), transport, here.is_moving, here.machine
        )
        transport = await here.transport()
        assert await transport.move_outcome(note) is Outcome.UNKNOWN
        assert here.floor.at(infeed(0)) is None
        await transport.aclose()


async def test_a_jam_and_a_lost_card_are_unknown(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        for trouble, error in (
            (here.machine.jam_next, Jam),
            (here.machine.lose_next, WorkpieceLost),
        ):
            trouble()
            note = await transport.move_note()
            with pytest.raises(error):
                await transport.move(STACK, INFEED, note)
            assert await transport.move_outcome(note) is Outcome.UNKNOWN
            assert here.machine.take_from_carrier() is not None
            here.floor.move(HAND, REJECT_BIN, into_store=True)
            await transport.clear_fault()
            await transport.home()
        await transport.aclose()


async def test_a_transport_that_lost_its_memory_knows_nothing(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        note = await transport.move_note()
        await transport.move(STACK, INFEED, note)
        here.machine.lose_memory()
        assert await transport.move_outcome(note) is Outcome.UNKNOWN
        await transport.aclose()


async def test_what_another_transport_says_of_a_move_is_unknown(way: Way, ports: Path) -> None:
    async with transporting(way, ports) as here:
        transport = await here.transport()
        await transport.home()
        note = await transport.move_note()
        await transport.aclose()
    async with transporting(way, ports, "TRN-2") as here:
        transport = await here.transport()
        await transport.home()
        assert await transport.move_outcome(note) is Outcome.UNKNOWN
        await transport.aclose()
