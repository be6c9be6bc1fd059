"""Places: one card each, served by priority, and nothing leaks when somebody stops waiting."""

import asyncio

from controller.places import Places


async def test_the_first_by_priority_then_by_arrival_is_served() -> None:
    places, served = Places(), []

    async def want(card: str, priority: int) -> None:
        await places.reserve(lambda: ["printer-1 infeed"], card, (priority,))
        served.append(card)
        places.release("printer-1 infeed", card)

    places.take("printer-1 infeed", "C-0")
    async with asyncio.TaskGroup() as group:
        for card, priority in (("C-1", 1), ("C-2", 1), ("C-3", 0)):
            group.create_task(want(card, priority))
        await asyncio.sleep(1.0)
        assert served == []
        places.release("printer-1 infeed", "C-0")
    assert served == ["C-3", "C-1", "C-2"]


async def test_a_grant_that_meets_a_cancellation_is_given_back() -> None:
    places = Places()
    places.take("carrier", "C-1")
    waiting = asyncio.get_running_loop().create_task(places.reserve(lambda: ["carrier"], "C-2"))
    await asyncio.sleep(0)
    places.release("carrier", "C-1")  # granted now, but the task has not run since
    assert places.holder("carrier") == "C-2"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert places.holder("carrier") is None


async def test_who_stops_waiting_is_not_served_later() -> None:
    places = Places()
    places.take("carrier", "C-1")
    waiting = asyncio.get_running_loop().create_task(places.reserve(lambda: ["carrier"], "C-2"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    places.release("carrier", "C-1")
    assert places.holder("carrier") is None


async def test_a_card_waits_only_until_it_has_its_place_and_who_watches_is_told() -> None:
    places = Places()
    places.take("printer-1 outfeed", "C-1")
    async with asyncio.TaskGroup() as group:
        group.create_task(places.reserve_one("printer-1 outfeed", "C-2"))
        # Nothing else changes: that a card begins to wait is a change by itself.
        await places.until(lambda: places.waits("C-2"))
        assert not places.waits("C-1")
        places.release("printer-1 outfeed", "C-1")
        assert not places.waits("C-2")


async def test_giving_everything_back_keeps_the_place_where_the_card_is() -> None:
    places = Places()
    for place in ("a", "b", "c"):
        places.take(place, "C-1")
    places.release_all("C-1", keep="b")
    assert places.held_by("C-1") == ["b"]
    assert places.try_take("a", "C-2")
    assert not places.try_take("b", "C-2")
