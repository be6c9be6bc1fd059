"""After a restart: a card holds the place where it is found, and nothing else."""

import asyncio
from pathlib import Path

import pytest

from controller.service import Service
from jobs.events import Event, Kind
from jobs.states import CardState
from tests.simulation.person import PowerCut
from tests.simulation.world import SupplyStore, World, world

REST = {"chip_failure_share": 0.0, "misprint_share": 0.0, "jam_share": 0.0}


@pytest.mark.parametrize("act", ["move", "insert", "print", "laminate", "eject", "encode"])
async def test_a_card_whose_act_was_open_holds_only_its_place_afterwards(
    tmp_path: Path, act: str
) -> None:
    async with world(tmp_path, 3, SupplyStore, **REST) as made:
        with pytest.raises(BaseExceptionGroup) as cut:
            await _run_until_begun(made, act)
        assert cut.group_contains(PowerCut)
        await asyncio.sleep(120.0)  # the machine finishes what it was doing
        service = await made.start()
        await _recovered(service)


async def _run_until_begun(made: World, act: str) -> None:
    service = await made.start()
    cut = asyncio.Event()

    def kill() -> None:
        made.kill()
        cut.set()

    def see(event: Event) -> None:
        data = event.draft.data
        later = event.sequence > 150  # several cards are on the line by then
        if event.kind is Kind.WORK_BEGUN and data["act"] == act and later:
            # The intent is durable, its bytes still leave; then there is no power any more.
            asyncio.get_running_loop().call_later(0.01, kill)

    service.ledger.listeners.append(see)
    async with asyncio.TaskGroup() as group:
        made.running = group.create_task(service.run())
        await service.ready.wait()
        await made.takes(12)
        await asyncio.wait_for(cut.wait(), 2_000)
        raise PowerCut


async def _recovered(service: Service) -> None:
    """Let recovery ask its questions, with all stations kept from moving."""
    parts = service.lines["line-1"]
    recovery, places = parts.feeder.journeys.recovery, parts.line.places
    recovery.take_places()
    books = service.ledger.books
    cards = list(books.on_the_line.values())
    assert books.works, "an act was open"
    for card in cards:
        await parts.feeder.journeys.operations.preparation.prepare(books.orders[card.order])
    async with asyncio.TaskGroup() as group:
        for card in cards:
            group.create_task(recovery.settle(card))
    assert not books.works
    for card in cards:
        if card.state is not CardState.IN_DOUBT:
            assert set(places.held_by(card.id)) <= {card.place}, card
