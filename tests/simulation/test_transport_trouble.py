"""The transport jams, loses, misses and forgets: every card is found, pulled or settled."""

from pathlib import Path

import pytest

from jobs.package_maker import PackagePlan
from jobs.rows import Card
from jobs.states import CardState, OrderState
from simulators.floor import HAND, REJECT_BIN, ChipMemory, PhysicalCard, infeed, outfeed
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene

TRANSPORT = "line-1-transport"


def spoiled(stage: Scene) -> list[Card]:
    return [card for card in stage.books.cards.values() if card.state is CardState.SPOILED]


def moving(stage: Scene, destination: str) -> bool:
    works = stage.books.works.values()
    return any(work.act == "move" and destination in work.destination for work in works)


async def checked(stage: Scene) -> None:
    await stage.ended(8_000.0)
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


async def test_a_jam_stops_the_transport_until_a_person_has_cleared_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: moving(stage, "laminator"))
        stage.line.transport.jam_next()
        await stage.until(lambda: stage.station_state(TRANSPORT) == "Aborted")
        assert stage.books.stations[TRANSPORT].code == "device.jam"
        assert stage.waits("station aborted", TRANSPORT)
        assert stage.waits("card in doubt")
        await checked(stage)
        assert len(spoiled(stage)) == 1
        assert stage.floor.store(REJECT_BIN)[0].damaged


async def test_a_card_lost_between_sensors_is_settled_by_a_person(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: moving(stage, "encoder"))
        stage.line.transport.lose_next()
        await stage.until(lambda: stage.station_state(TRANSPORT) == "Aborted")
        await stage.until(lambda: stage.waits("card in doubt"))
        await checked(stage)
        assert len(spoiled(stage)) == 1


@pytest.mark.parametrize("kind", ["printer", "laminator", "encoder", "reader"])
async def test_a_card_that_somebody_took_away_is_missed_and_settled_by_a_person(
    tmp_path: Path, kind: str
) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        kinds = list(stage.line.kinds.values())
        at = [
            outfeed(index) if kind in {"printer", "laminator"} else infeed(index)
            for index, one in enumerate(kinds)
            if one == kind
        ]
        await stage.until(lambda: any(stage.floor.at(place) for place in at))
        place = next(place for place in at if stage.floor.at(place))
        stage.floor.move(place, HAND)
        stage.floor.move(HAND, REJECT_BIN, into_store=True)  # without a word
        await stage.until(lambda: stage.waits("card in doubt") or _all_but_one(stage), 8_000.0)
        if stage.waits("card in doubt"):
            # Its places stay blocked until a person says where it is; nothing is remade before.
            doubtful = next(c for c in cards(stage) if c.state is CardState.IN_DOUBT)
            assert len(stage.cards_of(stage.books.orders[doubtful.order])) == 1
            await stage.verbs.settle_card(doubtful.id, "test")
        await checked(stage)
        assert len(spoiled(stage)) == 1


def _all_but_one(stage: Scene) -> bool:
    return len(stage.orders(OrderState.DONE)) >= 5


async def test_a_foreign_card_in_the_way_is_taken_out_and_nothing_is_spoiled(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        foreign = PhysicalCard(9_999, ChipMemory.new(bytes(8)), front={"K": b"?"})
        index = list(stage.line.kinds).index("laminator-1")
        stage.floor._single[infeed(index)] = foreign
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: stage.station_state(TRANSPORT) == "Held")
        assert stage.books.stations[TRANSPORT].code == "device.destination_taken"
        await stage.ended(8_000.0)
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        assert not spoiled(stage)
        assert stage.floor.store(REJECT_BIN) == [foreign]


async def test_a_transport_that_forgot_its_numbers_leaves_no_card_behind(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: moving(stage, "laminator"))
        transport = stage.line.transport
        transport.cut_power()
        transport.lose_memory()
        await stage.until(lambda: stage.station_state(TRANSPORT) in {"Held", "Aborted"})
        transport.restore_power()
        await stage.until(lambda: any(c.state is CardState.IN_DOUBT for c in cards(stage)))
        await checked(stage)
        assert len(spoiled(stage)) == 1


async def test_numbers_forgotten_while_nothing_moves_cost_no_card(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(3, DAY))
        await stage.until(lambda: len(cards(stage)) == 3 and not _moves(stage))
        stage.line.transport.lose_memory()
        await checked(stage)
        assert not spoiled(stage)


def cards(stage: Scene) -> list[Card]:
    return list(stage.books.cards.values())


def _moves(stage: Scene) -> bool:
    return any(work.act == "move" for work in stage.books.works.values())
