"""A card is found on the line after a restart, and its person's data can no longer be opened."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.preparation import CannotPrepare
from jobs.events import Event, Kind
from jobs.states import CardState, OrderState
from tests.simulation.checkers import check_books
from tests.simulation.person import PowerCut
from tests.simulation.scene import Scene
from tests.simulation.world import SupplyStore, World, world

REST = {"chip_failure_share": 0.0, "misprint_share": 0.0, "jam_share": 0.0}


async def runs_until(made: World, cut_at: Callable[[Event], bool]) -> None:
    """Run a centre for one order until an event is durable; then its power is cut."""
    service = await made.start()
    cut = asyncio.Event()

    def see(event: Event) -> None:
        if not cut.is_set() and cut_at(event):
            cut.set()
            made.kill()

    service.ledger.listeners.append(see)
    try:
        async with asyncio.TaskGroup() as group:
            made.running = group.create_task(service.run())
            await service.ready.wait()
            await made.takes(1)
            await asyncio.wait_for(cut.wait(), 2_000)
    except* PowerCut:
        pass
    assert cut.is_set()


@asynccontextmanager
async def found_without_its_data(made: World) -> AsyncIterator[Scene]:
    """Start the next controller after the key of the batch has gone."""
    (made.folder / "keys" / "B-00001.key").unlink()
    made.prepared.clear()
    await asyncio.sleep(60.0)  # the machines finish what they were doing
    service = await made.start()
    async with asyncio.TaskGroup() as group:
        made.running = group.create_task(service.run())
        yield Scene(made)
        made.running.cancel()


async def test_a_card_that_lay_still_is_taken_off_the_line_and_its_order_held(
    tmp_path: Path,
) -> None:
    def in_between(event: Event) -> bool:
        data = event.draft.data
        return event.kind is Kind.WORK_FINISHED and data.get("trigger") == "print"

    async with world(tmp_path, 1, SupplyStore, **REST) as made:
        await runs_until(made, in_between)
        async with found_without_its_data(made) as stage:
            await stage.until(lambda: not stage.books.on_the_line)
            await stage.until(lambda: len(stage.orders(OrderState.HELD)) == 1)
            (card,) = stage.books.cards.values()
            assert card.state is CardState.SPOILED
            assert card.reason == "cannot be made: batch B-00001 has no key"
            check_books(stage.service)


async def test_a_card_whose_act_was_open_keeps_the_centre_from_starting(tmp_path: Path) -> None:
    def printing(event: Event) -> bool:
        return event.kind is Kind.WORK_BEGUN and event.draft.data["act"] == "print"

    async with world(tmp_path, 1, SupplyStore, **REST) as made:
        await runs_until(made, printing)
        with pytest.raises(BaseExceptionGroup) as refused:
            async with found_without_its_data(made) as stage:
                await stage.until(lambda: not stage.books.on_the_line)
        assert refused.group_contains(CannotPrepare, match="batch B-00001 has no key")
