"""After a restart the books say of each station what it is now, and not what it was before."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from controller.service import Service
from jobs.states import StationState
from tests.simulation.world import SupplyStore, World, world


@asynccontextmanager
async def run_of(made: World) -> AsyncIterator[Service]:
    """Run one controller on the ledger as it is, and stop it."""
    service = await made.start()
    async with asyncio.TaskGroup() as group:
        made.running = group.create_task(service.run())
        await service.ready.wait()
        yield service
        made.running.cancel()


async def until(predicate: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + 600.0
    while not predicate():
        assert loop.time() < end_s, "it never comes true"
        await asyncio.sleep(0.25)


def seen(service: Service) -> dict[str, StationState]:
    return {row.id: row.state for row in service.ledger.books.stations.values()}


async def test_what_a_person_left_is_stopped_and_comes_up_when_told(tmp_path: Path) -> None:
    async with world(tmp_path, 1, SupplyStore) as made:
        async with run_of(made) as service:
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})
            await service.verbs.hold_station("printer-1", "test", "look at it")
        for _ in range(2):  # a second restart does not forget it
            async with run_of(made) as service:
                await until(lambda: list(seen(service).values()).count(StationState.EXECUTE) == 10)
                row = service.ledger.books.stations["printer-1"]
                assert row.state is StationState.STOPPED
                assert row.reason == "left by an operator who had it Held"
        async with run_of(made) as service:
            await service.verbs.start_station("printer-1", "test")
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})


async def test_a_line_that_waits_for_authorisation_shows_no_station_at_work(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, 1, SupplyStore) as made:
        async with run_of(made) as service:
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})
        policy = made.config.policy.model_copy(update={"authorise_after_restart": True})
        made.config = made.config.model_copy(update={"policy": policy})
        async with run_of(made) as service:
            await asyncio.sleep(60.0)
            assert set(seen(service).values()) == {StationState.STOPPED}
            await service.verbs.start_line("line-1", "test")
            await until(lambda: set(seen(service).values()) == {StationState.EXECUTE})
