"""Blanks: the magazine runs empty and is filled again, and the account is true of the plastic."""

from pathlib import Path

import pytest

from controller.station_verbs import Refused
from jobs.account import account
from jobs.package_maker import PackagePlan
from jobs.states import OrderState
from simulators.floor import MAGAZINE
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, centre, scene


async def test_an_empty_magazine_stops_feeding_and_nothing_else(tmp_path: Path) -> None:
    config = centre(capacity=10)  # low from 2 blanks on
    async with scene(tmp_path, config, person=False) as stage:
        await stage.takes(PackagePlan(9, DAY))
        assert stage.waits("magazine low", "line-1")
        await stage.loads(4)
        assert not stage.waits("magazine low")
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) == 4)
        assert len(stage.books.cards) == 4
        assert stage.waits("magazine low", "line-1")
        assert {stage.station_state(name) for name in stage.line.kinds} == {"Execute"}
        assert stage.station_state("line-1-transport") == "Execute"
        await stage.loads(10)
        await stage.ended()
        assert not stage.waits("magazine low"), "nothing is wanted any more"
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_blanks_told_but_not_there_hold_the_transport_until_they_are(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.takes(PackagePlan(3, DAY))
        await stage.loads(1)
        await stage.verbs.load_stock("line-1", 4, "test")  # a person who speaks too soon
        await stage.until(lambda: stage.waits("station held", "line-1-transport"))
        stage.floor.load_blanks(4, stage.line.chips)
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_blanks_are_returned_and_never_more_than_there_are(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(2, DAY))
        await stage.ended()
        for wrong in (9, 0, -1):
            with pytest.raises(Refused):
                await stage.verbs.return_stock("line-1", wrong, "test")
        for wrong in (0, -5):
            with pytest.raises(Refused):
                await stage.verbs.load_stock("line-1", wrong, "test")
        with pytest.raises(Refused, match="there is no line line-9"):
            await stage.verbs.load_stock("line-9", 5, "test")
        del stage.floor.store(MAGAZINE)[:8]
        await stage.verbs.return_stock("line-1", 8, "test")
        found = account(stage.books)
        assert (found.issued, found.good, found.returned, found.in_magazine) == (10, 2, 8, 0)
        assert found.balanced
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


async def test_nobody_puts_more_into_a_magazine_than_it_takes(tmp_path: Path) -> None:
    """A slip of the finger (5000 for 500) would be in the account for ever."""
    async with scene(tmp_path, centre(capacity=100), person=False) as stage:
        with pytest.raises(Refused, match="line-1's magazine takes 100 blanks, not 1000"):
            await stage.verbs.load_stock("line-1", 1000, "test")
        assert stage.books.line("line-1").in_magazine == 0
        await stage.loads(100)
        assert stage.books.line("line-1").in_magazine == 100
