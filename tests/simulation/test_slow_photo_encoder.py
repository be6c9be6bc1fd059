"""An external photo encoder takes its time, and meanwhile a person decides otherwise."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.products import ExternalPhotoEncoder
from jobs.package_maker import PackagePlan
from jobs.rows import Order
from jobs.states import BatchTrigger, OrderState, OrderTrigger
from tests.simulation.scene import DAY, Scene, centre, scene

pytestmark = pytest.mark.real_time

#: Says that it has begun, waits until it may end, and makes a picture unless told otherwise.
ENCODER = "cd {}; touch begun; until [ -e go ]; do sleep 0.02; done; [ ! -e fail ] && "
ENCODER += "head -c 1024 /dev/zero"

Decision = Callable[[Scene], Awaitable[None]]


@asynccontextmanager
async def encoding(folder: Path) -> AsyncIterator[Scene]:
    """Run a centre with two orders until the encoder is at work for the first."""
    config = centre(simulation={"calendar_date": DAY, "pace": 1000.0})
    async with scene(folder, config, person=False) as stage:
        preparation = stage.service.lines["line-1"].feeder.journeys.operations.preparation
        preparation._prepared = {}  # as in a real centre; a world's own never drops anything
        product = preparation.products["2"]
        shell = ("/bin/sh", "-c", ENCODER.format(folder))
        encoder = ExternalPhotoEncoder(command=shell, timeout_s=60.0)
        preparation.products["2"] = product.model_copy(update={"photo_encoder": encoder})
        await stage.loads(10)
        await stage.takes(PackagePlan(2, DAY, express_share=0.0))
        await stage.until((folder / "begun").exists)
        yield stage


def prepared(stage: Scene, order: Order) -> bool:
    """Tell whether the encoder has ended, and what it made for an order was taken up."""
    return (
        order.id in stage.service.lines["line-1"].feeder.journeys.operations.preparation._prepared
    )


async def stop_the_line(stage: Scene) -> None:
    await stage.verbs.stop_line("line-1", "test")


async def return_the_blanks(stage: Scene) -> None:
    await stage.verbs.return_stock("line-1", 10, "test")


async def hold_the_batch(stage: Scene) -> None:
    await stage.verbs.change_batch("B-00001", BatchTrigger.HOLD, "test")


@pytest.mark.parametrize("decide", [stop_the_line, return_the_blanks, hold_the_batch])
async def test_no_blank_is_spent_on_an_order_that_may_not_begin_any_more(
    tmp_path: Path, decide: Decision
) -> None:
    async with encoding(tmp_path) as stage:
        first = stage.orders()[0]
        assert not prepared(stage, first)
        await decide(stage)
        (tmp_path / "go").touch()
        await stage.until(lambda: prepared(stage, first))
        assert not stage.books.cards
        assert first.state is OrderState.QUEUED


async def test_an_order_cancelled_while_its_photo_failed_stays_cancelled(tmp_path: Path) -> None:
    async with encoding(tmp_path) as stage:
        first, second = stage.orders()
        await stage.verbs.change_order(first.id, OrderTrigger.CANCEL, "test", "died")
        (tmp_path / "fail").touch()
        (tmp_path / "go").touch()
        await stage.until(lambda: second.state is OrderState.HELD)
        assert second.reason == "the photo encoder ended with status 1"
        assert first.state is OrderState.CANCELLED
        assert not stage.books.cards


async def test_nothing_stays_prepared_of_an_order_cancelled_while_its_photo_was_made(
    tmp_path: Path,
) -> None:
    async with encoding(tmp_path) as stage:
        first, second = stage.orders()
        await stage.verbs.change_order(first.id, OrderTrigger.CANCEL, "test", "died")
        (tmp_path / "go").touch()
        await stage.until(lambda: prepared(stage, second))
        assert not prepared(stage, first)
