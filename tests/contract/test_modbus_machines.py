"""Transport and laminator drivers against the simulated machines, on clean and on bad wires.

Both sides are written apart from the same documents; every outcome is held to the floor's truth.
Over memory in virtual time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from drivers.errors import ConsumableEmpty, CoverOpen, DriverError, Jam, NothingAtSource, NotReady
from drivers.laminator import Laminator, ResultCode
from drivers.outcome import Note, Outcome
from drivers.transport import Transport
from simulators.faults import Faulty, WireFaults
from simulators.floor import MAGAZINE, REJECT_BIN, ChipMemory, Floor, infeed, inside, outfeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.transport import SimulatedTransport, TransportSettings
from simulators.wire import memory_pair

CLEAN = WireFaults()
NOISY = WireFaults(loss=0.03, split=0.2, delay=0.1, repeat=0.03, corrupt=0.04, hang_up=0.01)
TRIES_MAX = 60
SET_POINT_C = 125.0


@dataclass
class Bench:
    """A magazine, a transport and one laminator (station 0)."""

    floor: Floor
    group: asyncio.TaskGroup
    random: Random
    faults: WireFaults
    moving: SimulatedTransport
    laminating: SimulatedLaminator

    def transport(self) -> Transport:
        return Transport(self._wire(self.moving))

    def laminator(self) -> Laminator:
        return Laminator(self._wire(self.laminating))

    def _wire(self, machine: Machine) -> Faulty:
        near, far = memory_pair()
        self.group.create_task(machine.serve(far))
        return Faulty(near, self.random, self.faults)


@asynccontextmanager
async def bench(seed: int, faults: WireFaults, blanks: int = 1) -> AsyncIterator[Bench]:
    floor = Floor()
    floor.load_blanks(blanks, (ChipMemory.new(bytes((n,)) * 8) for n in range(blanks)))
    pace = Pace(Random(seed))
    quiet = TransportSettings(jam_share=0.0, lost_share=0.0)
    steady = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)
    moving = SimulatedTransport(floor, 1, 1, pace, quiet, "TRN-1")
    laminating = SimulatedLaminator(floor, 0, pace, steady, "LAM-1")
    async with asyncio.TaskGroup() as group:
        yield Bench(floor, group, Random(seed), faults, moving, laminating)


async def test_a_card_travels_through_the_laminator_to_its_tray() -> None:
    async with bench(1, CLEAN) as here:
        transport, laminator = here.transport(), here.laminator()
        assert (await transport.identify()).serial_number == "TRN-1"
        assert (await laminator.identify()).serial_number == "LAM-1"
        await transport.home()
        await laminator.prepare(SET_POINT_C)
        await laminator.wait_until_warm(SET_POINT_C)
        await transport.move(0, 1, await transport.move_note())
        assert (await transport.presence(3)) == (False, True, False)
        note = await laminator.act_note()
        result = await laminator.laminate(note, 8000, 300)
        assert result.code is ResultCode.GOOD
        assert all(abs(low - SET_POINT_C) <= 5 for low in result.zone_low_c)
        assert await laminator.act_outcome(note) is Outcome.DONE
        assert (await laminator.state()).card_inside
        await laminator.eject(await laminator.act_note())
        await transport.move(2, 0x70, await transport.move_note())
        assert await transport.bin_count(0x70) == 1
        assert (await transport.state()).moves == 2
        [(place, card)] = here.floor.everything()
        assert (place, card.laminations) == ("tray 0", [True])
        note = await transport.move_note()
        with pytest.raises(NothingAtSource):
            await transport.move(2, 0x60, note)
        assert await transport.move_outcome(note) is Outcome.NOT_DONE
        await transport.aclose()
        await laminator.aclose()


async def move_and_settle(here: Bench, source: int, destination: int) -> Outcome:
    """Try one move; ask over new wires until there is an answer what became of it."""
    note: Note | None = None
    for _ in range(TRIES_MAX):
        transport = here.transport()
        try:
            if note is not None:
                return await transport.move_outcome(note)
            note = await transport.move_note()
            await transport.move(source, destination, note)
        except DriverError:
            continue
        else:
            return Outcome.DONE
        finally:
            await transport.aclose()
    raise AssertionError("the wire was never good enough for an answer")


@pytest.mark.parametrize("seed", range(12))
async def test_on_a_bad_wire_every_move_s_outcome_is_the_floor_s_truth(seed: int) -> None:
    async with bench(seed, CLEAN) as here:
        transport = here.transport()
        await transport.home()
        await transport.aclose()
        here.faults = NOISY
        source, way = 0, {0: 1, 1: 2, 2: 0x60}
        places = {1: infeed(0), 2: outfeed(0), 0x60: REJECT_BIN}
        for _ in range(8):
            destination = way[source]
            outcome = await move_and_settle(here, source, destination)
            moved = here.floor.at(places[destination]) is not None
            assert outcome is (Outcome.DONE if moved else Outcome.NOT_DONE)
            if moved and destination == 0x60:
                here.floor.move(REJECT_BIN, MAGAZINE)
            if moved:
                source = destination % 0x60


@pytest.mark.parametrize("seed", range(8))
async def test_on_a_bad_wire_every_lamination_s_outcome_is_the_floor_s_truth(seed: int) -> None:
    async with bench(seed, CLEAN) as here:
        laminator = here.laminator()
        await laminator.prepare(SET_POINT_C)
        await laminator.wait_until_warm(SET_POINT_C)
        await laminator.aclose()
        here.faults = NOISY
        here.floor.move(MAGAZINE, infeed(0))
        note: Note | None = None
        outcome = None
        for _ in range(TRIES_MAX):
            laminator = here.laminator()
            try:
                if note is not None:
                    outcome = await laminator.act_outcome(note)
                    break
                note = await laminator.act_note()
                await laminator.laminate(note, 8000, 300)
            except DriverError:
                continue
            finally:
                await laminator.aclose()
        [(place, card)] = here.floor.everything()
        laminated = place == inside(0) and card.laminations == [True]
        assert outcome is (Outcome.DONE if laminated else Outcome.NOT_DONE)


@pytest.mark.parametrize("cut_after_s", [0.0, 0.001, 0.01, 0.5, 1.0, 1.4, 1.6, 2.0])
async def test_a_power_cut_in_a_move_never_makes_a_wrong_outcome(cut_after_s: float) -> None:
    async with bench(3, CLEAN) as here:
        transport = here.transport()
        await transport.home()
        note = await transport.move_note()
        here.group.create_task(cut_power(here.moving, cut_after_s))
        try:
            await transport.move(0, 1, note)
            await asyncio.sleep(10)
        except DriverError:
            await asyncio.sleep(10)
        await transport.aclose()
        transport = here.transport()
        outcome = await transport.move_outcome(note)
        place = here.floor.everything()[0][0]
        truth = {MAGAZINE: Outcome.NOT_DONE, infeed(0): Outcome.DONE}.get(place, Outcome.UNKNOWN)
        assert outcome in (truth, Outcome.UNKNOWN)
        assert outcome is not Outcome.UNKNOWN or 0.001 < cut_after_s < 1.6
        await transport.aclose()


async def cut_power(machine: Machine, after_s: float) -> None:
    await asyncio.sleep(after_s)
    machine.cut_power()
    await asyncio.sleep(2.0)
    machine.restore_power()


async def test_a_jam_is_cleared_by_a_person_and_then_acknowledged() -> None:
    async with bench(4, CLEAN, blanks=2) as here:
        transport = here.transport()
        await transport.home()
        here.moving.jam_next()
        note = await transport.move_note()
        with pytest.raises(Jam):
            await transport.move(0, 1, note)
        assert await transport.move_outcome(note) is Outcome.UNKNOWN
        with pytest.raises(NotReady):
            await transport.move(0, 1, await transport.move_note())
        assert here.moving.take_from_carrier() is not None
        await transport.clear_fault()
        await transport.home()
        await transport.move(0, 1, await transport.move_note())
        await transport.aclose()


async def test_film_out_and_an_open_door_hold_the_laminator() -> None:
    async with bench(5, CLEAN) as here:
        laminator = here.laminator()
        await laminator.prepare(SET_POINT_C)
        await laminator.wait_until_warm(SET_POINT_C)
        here.floor.move(MAGAZINE, infeed(0))
        here.laminating.open_door()
        with pytest.raises(CoverOpen):
            await laminator.laminate(await laminator.act_note(), 8000, 300)
        here.laminating.close_door()
        await laminator.clear_fault()
        here.laminating.use_up_film()
        with pytest.raises(ConsumableEmpty):
            await laminator.laminate(await laminator.act_note(), 8000, 300)
        here.laminating.refill_film()
        await laminator.clear_fault()
        assert here.floor.at(infeed(0)) is not None
        await laminator.laminate(await laminator.act_note(), 8000, 300)
        await laminator.aclose()
