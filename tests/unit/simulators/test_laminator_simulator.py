"""The simulated laminator's mechanics at their wire: cycles, refusals, faults, repeats, power."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from simulators.floor import HAND, MAGAZINE, Floor, PhysicalCard, infeed, inside, outfeed
from simulators.laminator import LaminatorSettings, SimulatedLaminator
from simulators.machine import Pace
from tests.unit.simulators.modbus_bench import Master, connected, golden, stocked_floor

GOLDEN = golden()
UNIT, STATION = 3, 1
NOT_HOMED, READY, BUSY, WAITING, FAULT, DOOR_OPEN = range(6)
LAMINATE = (1, 8000, 300)
NEVER = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)


class Stand:
    """A laminator with a master on its wire and cards to give it."""

    def __init__(self, floor: Floor, laminator: SimulatedLaminator, master: Master) -> None:
        self.floor = floor
        self.laminator = laminator
        self.master = master

    async def command(self, *block: int) -> int:
        return await self.master.command(UNIT, *block)

    async def state(self) -> list[int]:
        """Return state, last started, last finished, result, fault."""
        return await self.master.read(UNIT, 4, 0, 5)

    async def sensors(self) -> list[bool]:
        return await self.master.sensors(UNIT, 0, 2)

    def feed(self) -> PhysicalCard:
        return self.floor.move(MAGAZINE, infeed(STATION))

    async def heat(self) -> None:
        for unit in (1, 2):
            for address, value in ((0, 1), (0x2103, 1250), (0, 0x0100)):
                assert await self.master.write(unit, address, value) == 0

    async def warm_and_homed(self) -> None:
        await self.heat()
        assert await self.command(3, 0, 0, 1) == 0
        await asyncio.sleep(600)
        assert await self.state() == [READY, 1, 1, 0, 0]


@asynccontextmanager
async def _stand(
    settings: LaminatorSettings = NEVER, *, blanks: int = 3, seed: int = 11
) -> AsyncIterator[Stand]:
    floor = stocked_floor(blanks)
    laminator = SimulatedLaminator(floor, STATION, Pace(Random(seed)), settings, "LM-000123")
    async with connected(laminator) as master:
        yield Stand(floor, laminator, master)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("laminator-identify", "laminator-identity"),
        ("laminator-ask-serial", "laminator-serial"),
        ("laminator-read-state", "laminator-new"),
        ("laminator-sensors", "laminator-door-closed"),
        ("laminator-laminate-2", "command-while-not-ready"),
        ("laminator-eject-3", "command-while-not-ready"),
        ("laminator-home-1", "laminate-answer"),
        ("illegal-function-asked", "illegal-function"),
        ("illegal-address-asked", "illegal-address"),
    ],
)
async def test_a_new_laminator_answers_as_laid_down(asked: str, answered: str) -> None:
    async with _stand() as stand:
        assert await stand.master.ask(GOLDEN[asked]) == GOLDEN[answered]


async def test_a_card_goes_through_a_warm_laminator() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        ready = GOLDEN["laminator-ready-after-one"]
        assert await stand.master.ask(GOLDEN["laminator-read-state"]) == ready
        card = stand.feed()
        taken = GOLDEN["laminate-answer"]
        assert await stand.master.ask(GOLDEN["laminator-laminate-2"]) == taken
        assert await stand.state() == [BUSY, 2, 1, 0, 0]
        assert stand.floor.at(inside(STATION)) is card
        assert await stand.sensors() == [True, True]
        await asyncio.sleep(15)
        assert await stand.state() == [READY, 2, 2, 0, 0]
        assert await stand.master.ask(GOLDEN["laminator-eject-3"]) == taken
        await asyncio.sleep(3)
        assert await stand.state() == [READY, 3, 3, 0, 0]
        assert stand.floor.at(outfeed(STATION)) is card
        assert card.laminations == [True]
        figures = await stand.master.read(UNIT, 4, 5, 8)
    for low, high in (figures[0:2], figures[2:4]):
        assert 1200 <= low < high <= 1250
    assert 285 <= figures[4] <= 300
    assert figures[5:] == [0, 1, 1999]
    drawn = stand.laminator.drawn()
    assert [motion.what for motion in drawn] == ["home", "laminate", "eject"]
    assert drawn[1].duration_s + drawn[2].duration_s == pytest.approx(12.0, rel=0.2)


async def test_a_long_dwell_makes_a_long_cycle() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.feed()
        await stand.command(1, 30_000, 300, 2)
        assert stand.laminator.drawn()[-1].duration_s == pytest.approx(32.0, rel=0.2)


async def test_a_cold_laminator_takes_the_card_and_waits_for_heat() -> None:
    async with _stand() as stand:
        await stand.command(3, 0, 0, 1)
        await asyncio.sleep(10)
        card = stand.feed()
        assert await stand.command(*LAMINATE, 2) == 0
        await asyncio.sleep(100)
        assert await stand.state() == [WAITING, 2, 1, 0, 0]  # the zones are stopped
        assert await stand.command(2, 0, 0, 3) == 6
        await stand.heat()
        await asyncio.sleep(150)
        assert await stand.state() == [WAITING, 2, 1, 0, 0]
        await asyncio.sleep(60)
        assert await stand.state() == [READY, 2, 2, 0, 0]
        assert card.laminations == [True]
        waits_end = stand.laminator.drawn()[-1].start_s
        assert waits_end == pytest.approx(290, abs=15)  # about 180 s after the heat came on


async def test_a_broken_heater_keeps_it_waiting_until_it_is_repaired() -> None:
    async with _stand() as stand:
        await stand.command(3, 0, 0, 1)
        await asyncio.sleep(10)
        stand.feed()
        await stand.heat()
        stand.laminator.fail_heat(2)
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(3600)
        assert (await stand.state())[0] == WAITING
        stand.laminator.repair_heat(2)
        await asyncio.sleep(250)
        assert await stand.state() == [READY, 2, 2, 0, 0]


async def test_the_number_that_is_there_starts_nothing() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        card = stand.feed()
        for _ in range(3):
            assert await stand.command(*LAMINATE, 2) == 0
        await asyncio.sleep(15)
        await stand.command(2, 0, 0, 3)
        await asyncio.sleep(3)
        stand.feed()
        assert await stand.command(*LAMINATE, 3) == 0
        assert await stand.command(*LAMINATE, 0) == 3
        await asyncio.sleep(15)
        assert await stand.state() == [READY, 3, 3, 0, 0]
        assert card.laminations == [True]
        assert stand.floor.at(infeed(STATION)) is not None


async def test_it_refuses_what_it_cannot_begin_and_counts_nothing_as_started() -> None:
    async with _stand() as stand:
        assert await stand.command(*LAMINATE, 9) == 6  # not homed
        await stand.warm_and_homed()
        assert await stand.command(*LAMINATE, 9) == 6  # nothing at the infeed
        assert await stand.command(2, 0, 0, 9) == 6  # nothing inside
        card = stand.feed()
        assert await stand.command(1, 0, 300, 9) == 3
        assert await stand.command(1, 8000, 0, 9) == 3
        assert await stand.command(1, 8000, 2001, 9) == 3
        assert await stand.command(5, 0, 0, 9) == 3
        assert await stand.command(*LAMINATE, 2) == 0
        assert await stand.command(*LAMINATE, 9) == 6  # busy
        assert await stand.command(4, 0, 0, 9) == 6
        await asyncio.sleep(15)
        stand.feed()
        assert await stand.command(*LAMINATE, 9) == 6  # one is inside
        stand.floor.move(MAGAZINE, outfeed(STATION))
        assert await stand.command(2, 0, 0, 9) == 6  # the outfeed is taken
        assert await stand.state() == [READY, 2, 2, 0, 0]
        assert stand.floor.at(inside(STATION)) is card


async def test_single_writes_start_with_the_last_register() -> None:
    async with _stand() as stand:
        await stand.master.write(UNIT, 0, 3)
        assert await stand.state() == [NOT_HOMED, 0, 0, 0, 0]
        assert await stand.master.write(UNIT, 3, 1) == 0
        assert await stand.state() == [BUSY, 1, 0, 0, 0]
        assert await stand.master.read(UNIT, 3, 0, 4) == [3, 0, 0, 1]


async def test_film_out_stops_it_before_it_takes_the_card() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.laminator.use_up_film(left_mm=94)
        card = stand.feed()
        assert await stand.command(*LAMINATE, 2) == 0
        assert await stand.state() == [FAULT, 2, 1, 0, 1]
        assert stand.floor.at(infeed(STATION)) is card
        assert await stand.command(4, 0, 0, 3) == 6
        stand.laminator.refill_film()
        assert await stand.command(4, 0, 0, 3) == 0
        assert await stand.command(*LAMINATE, 4) == 0
        await asyncio.sleep(15)
        assert await stand.state() == [READY, 4, 4, 0, 0]


async def test_a_roll_is_used_up_card_by_card() -> None:
    settings = replace(NEVER, film_capacity_mm=300)
    async with _stand(settings, blanks=4) as stand:
        await stand.warm_and_homed()
        for number in range(2, 8, 2):
            stand.feed()
            await stand.command(*LAMINATE, number)
            await asyncio.sleep(15)
            await stand.command(2, 0, 0, number + 1)
            await asyncio.sleep(3)
            stand.floor.move(outfeed(STATION), HAND, into_store=True)
        assert await stand.master.read(UNIT, 4, 10, 3) == [0, 3, 0]
        stand.feed()
        await stand.command(*LAMINATE, 8)
        assert (await stand.state())[4] == 1


def _jam(laminator: SimulatedLaminator) -> None:
    laminator.jam_next()


def _tear(laminator: SimulatedLaminator) -> None:
    laminator.tear_film_next()


def _overheat(laminator: SimulatedLaminator) -> None:
    laminator.run_away(2)


@pytest.mark.parametrize(
    ("misfortune", "fault", "laminations", "damaged"),
    [(_jam, 3, [], True), (_tear, 2, [False], False), (_overheat, 5, [False], False)],
)
async def test_a_fault_while_laminating_leaves_the_card_inside(
    misfortune: Callable[[SimulatedLaminator], None],
    fault: int,
    laminations: list[bool],
    damaged: bool,
) -> None:
    async with _stand(replace(NEVER, laminate_s=60.0)) as stand:
        await stand.warm_and_homed()
        misfortune(stand.laminator)
        card = stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(50)
        assert await stand.state() == [FAULT, 2, 1, 0, fault]
        assert stand.floor.at(inside(STATION)) is card
        assert (card.laminations, card.damaged) == (laminations, damaged)
        assert await stand.command(2, 0, 0, 3) == 6


async def test_a_jam_is_cleared_by_a_person_first() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.laminator.jam_next()
        card = stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(5)
        assert await stand.command(4, 0, 0, 3) == 6
        stand.laminator.open_door()
        assert stand.laminator.take_from_inside() is card
        assert stand.laminator.take_from_inside() is None
        assert await stand.command(4, 0, 0, 3) == 6
        stand.laminator.close_door()
        assert await stand.command(4, 0, 0, 3) == 0
        assert await stand.state() == [READY, 3, 3, 0, 0]
        assert stand.floor.at(HAND) is card


async def test_a_jam_at_the_outfeed_outlasts_a_power_cut() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        card = stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(15)
        stand.laminator.jam_next()
        await stand.command(2, 0, 0, 3)
        await asyncio.sleep(3)
        assert await stand.state() == [FAULT, 3, 2, 0, 4]
        assert card.damaged
        stand.laminator.cut_power()
        stand.laminator.restore_power()
        assert await stand.state() == [NOT_HOMED, 3, 2, 0, 0]
        await stand.command(3, 0, 0, 4)
        await asyncio.sleep(10)
        assert await stand.state() == [FAULT, 4, 2, 0, 4]
        stand.laminator.take_from_inside()
        assert await stand.command(4, 0, 0, 5) == 0
        await stand.command(3, 0, 0, 6)
        await asyncio.sleep(10)
        assert await stand.state() == [READY, 6, 6, 0, 0]


async def test_an_open_door_stops_and_is_not_a_fault_when_nothing_moves() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.laminator.open_door()
        card = stand.feed()
        assert await stand.state() == [DOOR_OPEN, 1, 1, 0, 0]
        assert await stand.sensors() == [False, False]
        assert await stand.command(*LAMINATE, 2) == 6
        stand.laminator.close_door()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(2)
        stand.laminator.open_door()
        await asyncio.sleep(15)
        assert await stand.state() == [FAULT, 2, 1, 0, 6]
        assert card.laminations == [False]
        assert await stand.command(4, 0, 0, 3) == 6
        stand.laminator.close_door()
        assert await stand.command(4, 0, 0, 3) == 0
        assert await stand.state() == [READY, 3, 3, 0, 0]
        assert await stand.sensors() == [True, True]


async def test_over_temperature_comes_back_until_it_has_cooled() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.laminator.run_away(1)
        await asyncio.sleep(120)
        assert await stand.state() == [FAULT, 1, 1, 0, 5]
        stand.laminator.repair_heat(1)
        assert await stand.command(4, 0, 0, 2) == 0
        assert (await stand.state())[4] == 5
        await asyncio.sleep(900)
        assert await stand.command(4, 0, 0, 3) == 0
        assert await stand.state() == [READY, 3, 3, 0, 0]


async def test_heat_that_nobody_has_looked_at_still_refuses_a_command() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.feed()
        stand.laminator.run_away(1)
        await asyncio.sleep(120)
        assert await stand.command(*LAMINATE, 2) == 6
        assert await stand.state() == [FAULT, 1, 1, 0, 5]


async def test_a_power_cut_while_pressing_spoils_the_lamination_and_keeps_the_numbers() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        card = stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(5)
        stand.laminator.cut_power()
        assert await stand.master.ask(GOLDEN["laminator-read-state"]) == b""
        await asyncio.sleep(120)
        stand.laminator.restore_power()
        assert await stand.state() == [NOT_HOMED, 2, 1, 0, 0]
        assert await stand.master.read(UNIT, 3, 0, 4) == [0, 0, 0, 2]
        assert card.laminations == [False]
        assert await stand.sensors() == [True, True]
        assert await stand.command(2, 0, 0, 3) == 6
        await stand.command(3, 0, 0, 3)
        await asyncio.sleep(10)
        assert await stand.command(2, 0, 0, 4) == 0
        await asyncio.sleep(3)
        assert stand.floor.at(outfeed(STATION)) is card


async def test_a_power_cut_while_waiting_for_heat_leaves_the_card_as_it_was() -> None:
    async with _stand() as stand:
        await stand.command(3, 0, 0, 1)
        await asyncio.sleep(10)
        card = stand.feed()
        await stand.heat()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(100)
        stand.laminator.cut_power()
        stand.laminator.restore_power()
        await stand.heat()
        await asyncio.sleep(600)
        assert await stand.state() == [NOT_HOMED, 2, 1, 0, 0]
        assert card.laminations == []


async def test_what_was_measured_and_counted_outlasts_a_power_cut() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(15)
        before = await stand.master.read(UNIT, 4, 1, 12)
        stand.laminator.cut_power()
        await asyncio.sleep(30)
        stand.laminator.restore_power()
        assert await stand.master.read(UNIT, 4, 1, 12) == before
        stand.laminator.lose_memory()
        assert (await stand.state())[1:3] == [0, 0]


async def test_a_cycle_goes_on_when_the_wire_is_cut() -> None:
    async with _stand() as stand:
        await stand.warm_and_homed()
        card = stand.feed()
        stand.laminator.mute = True
        assert await stand.master.ask(GOLDEN["laminator-laminate-2"]) == b""
        stand.laminator.mute = False
    await asyncio.sleep(15)
    async with connected(stand.laminator) as master:
        assert await master.read(UNIT, 4, 0, 5) == [READY, 2, 2, 0, 0]
    assert card.laminations == [True]


async def test_bad_cycles_say_why_and_the_card_knows() -> None:
    results = []
    async with _stand(replace(NEVER, bad_cycle_share=1.0), blanks=30) as stand:
        await stand.warm_and_homed()
        for number in range(2, 62, 2):
            card = stand.feed()
            await stand.command(*LAMINATE, number)
            await asyncio.sleep(15)
            results.append((await stand.state())[3])
            low, _, _, _, pressure = await stand.master.read(UNIT, 4, 5, 5)
            assert (low < 1200, pressure < 270) == (results[-1] == 1, results[-1] == 2)
            assert card.laminations == [False]
            await stand.command(2, 0, 0, number + 1)
            await asyncio.sleep(3)
            stand.floor.move(outfeed(STATION), HAND, into_store=True)
    assert set(results) == {1, 2, 3}


async def test_a_set_point_changed_while_pressing_leaves_the_window() -> None:
    async with _stand(replace(NEVER, laminate_s=60.0)) as stand:
        await stand.warm_and_homed()
        stand.feed()
        await stand.command(*LAMINATE, 2)
        await asyncio.sleep(5)
        await stand.master.write(1, 0x2103, 1400)
        await asyncio.sleep(100)
        assert (await stand.state())[3] == 1


async def test_the_highest_temperature_is_noted_although_it_has_passed() -> None:
    async with _stand(replace(NEVER, laminate_s=100.0)) as stand:
        await stand.warm_and_homed()
        stand.feed()
        await stand.command(*LAMINATE, 2)
        await stand.master.write(1, 0x2103, 1280)
        await asyncio.sleep(60)
        peak_c = stand.laminator.temperature_c(1)
        await stand.master.write(1, 0x2103, 1250)
        await asyncio.sleep(100)
        assert stand.laminator.temperature_c(1) < peak_c - 1.0
        assert await stand.master.read(UNIT, 4, 6, 1) == [round(10 * peak_c)]
