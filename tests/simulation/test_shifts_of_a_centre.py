"""A centre with shifts: fed in them, done with what was fed after them, each on record once."""

import asyncio
from pathlib import Path

from config.centre import Centre
from config.shifts import Shift
from controller.clock import start_of_day_us
from jobs.events import Event, Kind
from jobs.ledger.store import Store
from jobs.package_maker import PackagePlan
from jobs.states import OrderState
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card
from tests.simulation.scene import DAY, Scene, centre, scene
from tests.simulation.test_stations_after_restart import run_of
from tests.simulation.world import SupplyStore, world

#: The scene begins at eight on a Monday; warming up takes some minutes of the first shift.
SHIFTS = (
    Shift(name="early", begins="08:00", ends="08:06"),
    Shift(name="late", begins="08:40", ends="12:00"),
)
MINUTE_US = 60_000_000


def with_shifts(config: Centre) -> Centre:
    return config.model_copy(update={"shifts": SHIFTS})


def begun(store: Store) -> list[Event]:
    return [event for event in store.events() if event.kind is Kind.SHIFT_BEGUN]


def at_us(hour: int, minute: int) -> int:
    return start_of_day_us(DAY, hour) + minute * MINUTE_US


async def until_clock(stage: Scene, time_us: int) -> None:
    await asyncio.sleep((time_us - stage.world.clock.now_us()) / 1e6)


async def test_nothing_is_fed_between_shifts_and_what_was_fed_is_finished(tmp_path: Path) -> None:
    async with scene(tmp_path, with_shifts(centre())) as stage:
        await stage.takes(PackagePlan(36, DAY))
        await stage.loads(100)
        assert stage.verbs.shift() == "early, until 2005-09-05 08:06"
        assert not stage.waits("off shift")
        await until_clock(stage, at_us(8, 6) + 1_000)
        fed = len(stage.books.cards)
        assert 0 < fed < 36, "the shift ends in the middle of the work"
        assert stage.books.on_the_line
        assert stage.verbs.shift() == "off shift until 2005-09-05 08:40"
        assert stage.waits("off shift", "feeding")
        await until_clock(stage, at_us(8, 39))
        assert len(stage.books.cards) == fed, "nothing was fed"
        assert not stage.books.on_the_line, "all that was fed is finished"
        assert len(stage.orders(OrderState.QUEUED)) == 36 - fed
        check_books(stage.service)
        await until_clock(stage, at_us(8, 41))
        assert len(stage.books.cards) > fed
        await stage.ended()
        check_books(stage.service)
        check_every_order_has_one_good_card(stage.books)
        early, late = begun(stage.service.ledger.store)
        assert early.time_us == at_us(8, 0)
        assert at_us(8, 40) <= late.time_us < at_us(8, 40) + 1_000_000
        assert dict(early.draft.data) == {
            "name": "early",
            "day": "2005-09-05",
            "begins_us": at_us(8, 0),
            "ends_us": at_us(8, 6),
        }


async def test_off_shift_is_on_the_list_only_while_orders_wait(tmp_path: Path) -> None:
    async with scene(tmp_path, with_shifts(centre())) as stage:
        await until_clock(stage, at_us(8, 20))
        assert stage.verbs.shift().startswith("off shift")
        assert not stage.waits("off shift")


async def test_a_restart_in_a_shift_does_not_begin_it_again(tmp_path: Path) -> None:
    async with world(tmp_path, 1, SupplyStore) as made:
        made.config = with_shifts(made.config)
        for _ in range(2):
            async with run_of(made) as service:
                await asyncio.sleep(1.0)
                assert len(begun(service.ledger.store)) == 1
        async with run_of(made) as service:
            await asyncio.sleep(45 * 60.0)
            names = [event.draft.data["name"] for event in begun(service.ledger.store)]
            assert names == ["early", "late"]


async def test_without_shifts_no_begin_is_on_record(tmp_path: Path) -> None:
    async with scene(tmp_path, centre()) as stage:
        await until_clock(stage, at_us(8, 1))
        assert stage.verbs.shift() == ""
        assert begun(stage.service.ledger.store) == []
