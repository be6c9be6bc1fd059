"""What the laminator's driver promises, over every kind of wire.

On a real laminator: put one blank at its infeed and leave the outfeed free.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import ConsumableEmpty, CoverOpen, Jam
from drivers.laminator import Laminator, ResultCode
from drivers.outcome import Outcome
from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed, inside, outfeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.roller import HeatSettings
from tests.contract.ways import Opener, Way, hang_up_during, noticed

SET_POINT_C, DWELL_MS, PRESSURE_KPA = 125.0, 8000, 300
ROOM_C, OVEN_C = 20.0, 124.0


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedLaminator
    open: Opener

    async def laminator(self, *, ready: bool = True) -> Laminator:
        await noticed()
        laminator = Laminator(await self.open())
        if ready:
            await laminator.prepare(SET_POINT_C)
            await laminator.wait_until_warm(SET_POINT_C)
        return laminator

    def is_moving(self) -> bool:
        return self.machine._mechanics.motion.running


@asynccontextmanager
async def laminating(
    way: Way, ports: Path, serial_number: str = "LAM-1", *, ambient_c: float = OVEN_C
) -> AsyncIterator[Bench]:
    """Serve a laminator (station 0) with one card at its infeed."""
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    settings = LaminatorSettings(
        jam_share=0.0,
        film_break_share=0.0,
        bad_cycle_share=0.0,
        heat=HeatSettings(ambient_c=ambient_c),
    )
    machine = SimulatedLaminator(floor, 0, way.pace(), settings, serial_number)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_warms_laminates_ejects_and_knows_that_it_did(
    any_way: Way, ports: Path
) -> None:
    async with laminating(any_way, ports, ambient_c=ROOM_C) as here:
        laminator = await here.laminator(ready=False)
        identity = await laminator.identify()
        assert identity.kind == "laminator"
        await laminator.prepare(SET_POINT_C)
        await laminator.wait_until_warm(SET_POINT_C)
        note = await laminator.act_note()
        assert note["serial_number"] == identity.serial_number != ""
        result = await laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        assert result.code is ResultCode.GOOD
        assert await laminator.act_outcome(note) is Outcome.DONE
        assert await laminator.last_result() == result
        state = await laminator.state()
        assert state.card_inside
        assert all(abs(each - SET_POINT_C) < 5 for each in state.temperatures)
        note = await laminator.act_note()
        await laminator.eject(note)
        assert await laminator.act_outcome(note) is Outcome.DONE
        assert not (await laminator.state()).card_inside
        await laminator.aclose()
        if not any_way.is_real_machine:
            card = here.floor.at(outfeed(0))
            assert card is not None
            assert card.laminations == [True]


async def test_an_act_that_was_never_sent_is_not_done(any_way: Way, ports: Path) -> None:
    async with laminating(any_way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        await laminator.aclose()
        laminator = await here.laminator(ready=False)
        assert await laminator.act_outcome(note) is Outcome.NOT_DONE
        await laminator.aclose()


async def test_a_lamination_goes_on_without_us_and_is_found_done(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        act = laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        await hang_up_during(act, laminator, here.is_moving)
        laminator = await here.laminator(ready=False)
        assert await laminator.act_outcome(note) is Outcome.DONE
        assert (await laminator.last_result()).code is ResultCode.GOOD
        card = here.floor.at(inside(0))
        assert card is not None
        assert card.laminations == [True]
        await laminator.aclose()


async def test_a_lamination_that_a_power_cut_ended_is_unknown(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        # A machine's first command leaves nothing finished before it to tell the cut apart by.
        note = await laminator.act_note()
        act = laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        await hang_up_during(act, laminator, here.is_moving, here.machine)
        laminator = await here.laminator(ready=False)
        assert await laminator.act_outcome(note) is Outcome.UNKNOWN
        await laminator.aclose()


async def test_film_out_and_an_open_door_stop_it_before_it_begins(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        here.machine.open_door()
        with pytest.raises(CoverOpen):
            await laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        assert await laminator.act_outcome(note) is Outcome.NOT_DONE
        here.machine.close_door()
        here.machine.use_up_film()
        with pytest.raises(ConsumableEmpty):
            await laminator.laminate(await laminator.act_note(), DWELL_MS, PRESSURE_KPA)
        assert here.floor.at(infeed(0)) is not None
        await laminator.aclose()


async def test_a_jam_leaves_the_lamination_unknown(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        here.machine.jam_next()
        with pytest.raises(Jam):
            await laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        assert await laminator.act_outcome(note) is Outcome.UNKNOWN
        await laminator.aclose()


async def test_a_laminator_that_lost_its_memory_knows_nothing(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        await laminator.laminate(note, DWELL_MS, PRESSURE_KPA)
        here.machine.lose_memory()
        assert await laminator.act_outcome(note) is Outcome.UNKNOWN
        await laminator.aclose()


async def test_what_another_laminator_says_of_an_act_is_unknown(way: Way, ports: Path) -> None:
    async with laminating(way, ports) as here:
        laminator = await here.laminator()
        note = await laminator.act_note()
        await laminator.aclose()
    async with laminating(way, ports, "LAM-2") as here:
        laminator = await here.laminator()
        assert await laminator.act_outcome(note) is Outcome.UNKNOWN
        await laminator.aclose()
