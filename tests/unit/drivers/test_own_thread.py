"""Blocking calls on a thread of their own: in turn, within a time, and none that nobody awaits."""

import asyncio
from threading import Event

import pytest

from drivers.errors import NoCard, ReplyTimeout
from drivers.own_thread import WAITING_MAX, OwnThread

pytestmark = pytest.mark.real_time

BRIEFLY_S, AMPLY_S = 0.05, 10.0


async def test_calls_are_made_in_turn_and_their_errors_come_back() -> None:
    thread = OwnThread("test")
    made: list[int] = []
    assert await thread.run(lambda: 7, AMPLY_S) == 7

    def fails() -> None:
        raise NoCard

    with pytest.raises(NoCard):
        await thread.run(fails, AMPLY_S)
    await thread.end(lambda: made.append(2), AMPLY_S)
    assert made == [2]


async def test_what_waited_behind_a_call_that_hangs_is_not_made_any_more() -> None:
    thread = OwnThread("test")
    go_on, ended = Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    made: list[int] = []

    def end() -> None:
        loop.call_soon_threadsafe(ended.set)

    with pytest.raises(ReplyTimeout):
        await thread.run(go_on.wait, BRIEFLY_S)
    with pytest.raises(ReplyTimeout):
        await thread.run(lambda: made.append(1), BRIEFLY_S)
    with pytest.raises(ReplyTimeout):
        await thread.end(end, BRIEFLY_S)
    assert not ended.is_set()
    go_on.set()
    async with asyncio.timeout(AMPLY_S):
        await ended.wait()
    assert made == []


async def test_no_more_calls_wait_than_there_is_room_for() -> None:
    thread = OwnThread("test")
    go_on = Event()
    with pytest.raises(ReplyTimeout):
        await thread.run(go_on.wait, BRIEFLY_S)
    for _ in range(WAITING_MAX):
        with pytest.raises(ReplyTimeout):
            await thread.run(int, 0.001)
    with pytest.raises(ReplyTimeout, match="An earlier call hangs"):
        await thread.run(int, AMPLY_S)
    go_on.set()
    await thread.end(lambda: None, AMPLY_S)
