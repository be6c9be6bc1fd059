"""A card holds the places where it is and where it is going, and no others for longer."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from controller.clock import CalendarClock, start_of_day_us
from jobs.events import Event, Kind
from jobs.package_maker import PackagePlan
from jobs.states import CardState, OrderState
from simulators.laminator import SimulatedLaminator
from simulators.plant import Plant
from tests.simulation.checkers import check_every_order_has_one_good_card, check_floor
from tests.simulation.person import PowerCut
from tests.simulation.scene import DAY, Scene, centre, scene
from tests.simulation.world import World

ONE_LAMINATOR = centre(("printer", "printer", "laminator", "encoder", "reader"))


def laminated(stage: Scene) -> int:
    cards = stage.books.on_the_line.values()
    return sum(card.state is CardState.LAMINATED for card in cards)


async def test_a_card_that_leaves_for_the_twin_gives_up_the_station_that_ran_out(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.until(lambda: stage.station_state("laminator-1") == "Execute")
        await stage.until(lambda: stage.station_state("encoder-2") == "Execute")
        for encoder in ("encoder-1", "encoder-2"):
            await stage.verbs.stop_station(encoder, "test")  # the first card stays on the line
        laminator = stage.machine("laminator-1")
        assert isinstance(laminator, SimulatedLaminator)
        laminator.use_up_film()
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.station_state("laminator-1") == "Held")
        await stage.until(lambda: laminated(stage) == 1)
        await stage.verbs.stop_station("laminator-2", "test")
        laminator.refill_film()
        await stage.verbs.unhold_station("laminator-1", "test")
        await stage.takes(PackagePlan(1, DAY, serial=2))
        await stage.until(lambda: laminated(stage) == 2)
        # Film that ran out before the card was taken is no doubt, and costs no card.
        assert len(stage.books.cards) == 2


async def run_until(made: World, cut_at: Callable[[Event], bool]) -> None:
    """Run a centre for two orders until its power is cut right after an event."""
    service = await made.start()
    cut = asyncio.Event()

    def kill() -> None:
        made.kill()
        cut.set()

    def see(event: Event) -> None:
        if cut_at(event):
            # The intent is durable, its bytes still leave; then there is no power any more.
            asyncio.get_running_loop().call_later(0.01, kill)

    service.ledger.listeners.append(see)
    try:
        async with asyncio.TaskGroup() as group:
            made.running = group.create_task(service.run())
            await service.ready.wait()
            line = made.plant.lines["line-1"]
            line.floor.load_blanks(10, line.chips)
            await service.verbs.load_stock("line-1", 10, "test")
            await made.takes(2, counties=1)
            await asyncio.wait_for(cut.wait(), 2_000)
    except* PowerCut:
        pass
    assert cut.is_set()


async def test_where_a_card_was_going_when_the_power_failed_is_promised_to_nobody_else(
    tmp_path: Path,
) -> None:
    def first_card_leaves_for_the_laminator(event: Event) -> bool:
        data = event.draft.data
        return event.kind is Kind.WORK_BEGUN and data["destination"] == "laminator-1 infeed"

    simulation = ONE_LAMINATOR.simulation
    assert simulation is not None
    clock = CalendarClock(start_of_day_us(DAY, 8))
    async with Plant.of(ONE_LAMINATOR, simulation) as plant:
        made = World(ONE_LAMINATOR, plant, tmp_path, clock, 1)
        await run_until(made, first_card_leaves_for_the_laminator)
        await asyncio.sleep(60.0)  # the transport arrives, and so does the other card's printer
        transport = plant.lines["line-1"].transport
        transport.cut_power()
        service = await made.start()
        async with asyncio.TaskGroup() as group:
            made.running = group.create_task(service.run())
            await service.ready.wait()
            stage = Scene(made)
            # While nobody can say where the first card is, the laminator comes up.
            await stage.until(lambda: stage.waits("station aborted", "line-1-transport"))
            await stage.until(lambda: stage.station_state("laminator-1") == "Suspended")
            transport.restore_power()
            await stage.verbs.clear_station("line-1-transport", "test")
            await stage.verbs.start_station("line-1-transport", "test")
            await stage.until(lambda: len(stage.orders(OrderState.DONE)) == 2)
            await stage.ended()
            check_every_order_has_one_good_card(stage.books)
            await check_floor(service, plant.lines["line-1"])
            made.running.cancel()
        made.connection.close()
        assert len(stage.books.cards) == 2
