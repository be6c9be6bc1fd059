"""How seldom a machine is looked at, and how soon its end is seen."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from drivers.errors import ReplyTimeout
from drivers.polling import CompletionPoll, look_seldom


class Motion:
    """Something that is over a while after it was begun, and counts who looks."""

    def __init__(self, duration_s: float) -> None:
        self._end_s = asyncio.get_running_loop().time() + duration_s
        self.looks = 0
        self.late_s = 0.0

    async def look(self) -> str | None:
        self.looks += 1
        self.late_s = asyncio.get_running_loop().time() - self._end_s
        return "over" if self.late_s >= 0 else None


async def run(poll: CompletionPoll, duration_s: float, timeout_s: float = 1000.0) -> Motion:
    motion = Motion(duration_s)
    assert await poll.until("it", motion.look, timeout_s) == "over"
    return motion


@pytest.mark.parametrize("typical_s", [0.6, 1.5, 12.0])
async def test_few_looks_and_little_delay_once_it_knows_the_machine(typical_s: float) -> None:
    poll, random = CompletionPoll(), Random(4)
    for _ in range(5):
        await run(poll, typical_s)
    motions = [await run(poll, typical_s * random.lognormvariate(0.0, 0.05)) for _ in range(200)]
    assert sum(motion.looks for motion in motions) / 200 < 7
    late_s = sum(motion.late_s for motion in motions) / 200
    assert late_s < max(0.02 * typical_s, 0.01)


async def test_unknown_machines_are_looked_at_ever_more_seldom() -> None:
    motion = await run(CompletionPoll(), 0.1)
    assert motion.late_s < 0.05
    motion = await run(CompletionPoll(), 10.0)
    assert motion.late_s <= 0.25
    assert motion.looks < 60


async def test_a_motion_that_waited_for_a_person_does_not_spoil_the_next() -> None:
    poll = CompletionPoll()
    for duration_s in (1.5, 600.0, 1.5, 1.5):
        await run(poll, duration_s)
    motion = await run(poll, 1.5)
    assert motion.late_s < 0.1


async def test_a_machine_that_became_faster_is_learnt() -> None:
    poll = CompletionPoll()
    for _ in range(10):
        await run(poll, 12.0)
    for _ in range(20):
        await run(poll, 0.6)
    assert (await run(poll, 0.6)).late_s < 0.05


async def test_each_kind_of_motion_has_its_own_time() -> None:
    poll = CompletionPoll()
    for _ in range(4):
        await run(poll, 12.0)
    assert poll.usual_s("it") == pytest.approx(12.0, rel=0.03)
    assert poll.usual_s("something else") is None


async def until(poll: CompletionPoll, look: Callable[[], Awaitable[str | None]]) -> str:
    return await poll.until("the move", look, 5.0)


@pytest.mark.parametrize("known", [0, 5])
async def test_the_time_out_is_kept_and_one_look_is_made_at_it(known: int) -> None:
    poll, loop = CompletionPoll(), asyncio.get_running_loop()
    for _ in range(known):
        await poll.until("the move", Motion(100.0).look, 1000.0)
    before_s = loop.time()
    with pytest.raises(ReplyTimeout) as caught:
        await until(poll, Motion(6.0).look)
    assert loop.time() - before_s == pytest.approx(5.0)
    assert caught.value.facts == {"waited_s": 5.0}
    assert await until(poll, Motion(5.0).look) == "over"


async def test_heat_is_looked_at_at_once_and_then_seldom() -> None:
    loop = asyncio.get_running_loop()
    assert await look_seldom(Motion(0.0).look, 100.0) == "over"
    assert loop.time() == 0.0
    motion = Motion(60.0)
    assert await look_seldom(motion.look, 100.0) == "over"
    assert motion.late_s <= 2.0
    assert motion.looks < 40
    before_s = loop.time()
    assert await look_seldom(Motion(60.0).look, 10.0) is None
    assert loop.time() - before_s == pytest.approx(10.0)
