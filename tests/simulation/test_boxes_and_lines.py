"""Trays, boxes and lines: more counties than trays, two lines, boxes sealed by size and by hand."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from pydantic import ValidationError

from controller.station_verbs import Refused
from jobs.books import Books
from jobs.package_maker import PackagePlan
from jobs.rows import BoxState
from jobs.states import BatchState, BatchTrigger, CardState, OrderState
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, FIRST, SECOND, Fields, Scene, centre, scene

COUNTIES = ("229901", "229902", "229903", "229904", "229905")


def in_turn(index: int, fields: Fields) -> None:
    """Spread a package evenly over the five counties."""
    fields["ssxqdm"] = COUNTIES[index % 5]


def check_boxes(books: Books, box_size: int) -> None:
    """A box holds one county of one batch, no more than its size, and its count is true."""
    inside = defaultdict(list)
    for card in books.cards.values():
        if card.state in {CardState.PACKED, CardState.DISPATCHED}:
            inside[card.box].append(books.orders[card.order])
    for box in books.boxes.values():
        orders = inside[box.id]
        assert box.cards == len(orders) <= box_size, box
        assert {(one.batch, one.county) for one in orders} <= {(box.batch, box.county)}, box


async def test_more_counties_than_trays_are_all_made_and_boxes_are_full(tmp_path: Path) -> None:
    config = centre(trays=2, limits={"box_size": 2})
    async with scene(tmp_path, config) as stage:
        batch = stage.books.batches[(await stage.takes(PackagePlan(15, DAY, 5), in_turn)).batch]
        await stage.ended()
        await stage.until(lambda: batch.state is BatchState.CLOSED)
        check_every_order_has_one_good_card(stage.books)
        check_boxes(stage.books, 2)
        assert Counter(box.cards for box in stage.books.boxes.values()) == {2: 5, 1: 5}
        assert {box.tray for box in stage.books.boxes.values()} == {"tray 0", "tray 1"}
        assert {box.state for box in stage.books.boxes.values()} == {BoxState.DISPATCHED}
        await check_floor(stage.service, stage.line)
        check_books(stage.service)


async def test_one_tray_is_passed_on_when_its_last_box_was_full(tmp_path: Path) -> None:
    config = centre(trays=1, limits={"box_size": 1})
    async with scene(tmp_path, config) as stage:
        await stage.takes(PackagePlan(5, DAY, 5), in_turn)
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_boxes(stage.books, 1)


async def test_held_orders_keep_no_tray_from_the_other_counties(tmp_path: Path) -> None:
    config = centre(trays=1)

    def some_without_glyph(index: int, fields: Fields) -> None:
        in_turn(index, fields)
        if index in {1, 2}:
            fields["xm"] += "\ua015"

    async with scene(tmp_path, config) as stage:
        result = await stage.takes(PackagePlan(10, DAY, 5), some_without_glyph)
        assert (result.accepted, result.held) == (8, 2)
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) == 8)
        check_boxes(stage.books, 20)
        assert {order.reason for order in stage.orders(OrderState.HELD)} != {""}


async def test_a_held_batch_leaves_its_trays_to_the_next(tmp_path: Path) -> None:
    async with scene(tmp_path, centre(trays=1)) as stage:
        first = (await stage.takes(PackagePlan(8, DAY))).batch
        await stage.until(lambda: bool(stage.orders(OrderState.DONE)))
        await stage.verbs.change_batch(first, BatchTrigger.HOLD, "test")
        second = (await stage.takes(PackagePlan(3, DAY, serial=2))).batch
        await stage.until(lambda: _all_done(stage, second))
        await stage.verbs.change_batch(first, BatchTrigger.RELEASE, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_boxes(stage.books, 20)
        await check_floor(stage.service, stage.line)


def _all_done(stage: Scene, batch: str) -> bool:
    orders = [order for order in stage.orders() if order.batch == batch]
    return all(order.state is OrderState.DONE for order in orders)


async def test_two_lines_share_orders_and_keep_their_boxes_apart(tmp_path: Path) -> None:
    config = centre(SECOND, SECOND, limits={"box_size": 4})
    async with scene(tmp_path, config) as stage:
        await stage.takes(PackagePlan(16, DAY, 2))
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_boxes(stage.books, 4)
        made_on = Counter(card.line for card in stage.books.cards.values())
        assert made_on["line-1"] >= 5
        assert made_on["line-2"] >= 5
        for card in stage.books.cards.values():
            assert stage.books.boxes[card.box].line == card.line
        for name, line in stage.world.plant.lines.items():
            in_trays = sum(place.startswith("tray") for place, _ in line.floor.everything())
            assert in_trays == made_on[name]
        check_books(stage.service)


async def test_a_line_makes_only_the_products_that_it_has_stations_for(tmp_path: Path) -> None:
    """A first-generation line beside a second-generation one: each order goes where it can."""
    config = centre(
        SECOND, FIRST, products=("first-generation", "second-generation"), wear={"print_s": 4.0}
    )
    async with scene(tmp_path, config) as stage:
        await stage.takes(PackagePlan(5, DAY, product="1"))
        await stage.takes(PackagePlan(5, DAY, serial=2))
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        lines = {
            (stage.books.orders[card.order].product, card.line)
            for card in stage.books.cards.values()
        }
        assert lines == {("1", "line-2"), ("2", "line-1")}


def test_a_product_that_no_single_line_can_make_is_refused_with_the_file() -> None:
    with pytest.raises(ValidationError, match="no single line has a station for every operation"):
        centre(SECOND[:2], SECOND[2:])


async def test_an_inspector_s_list_names_only_cards_of_each_line_once(tmp_path: Path) -> None:
    config = centre(FIRST, FIRST, products=("first-generation",))
    async with scene(tmp_path, config, person=False) as stage:
        for line in ("line-1", "line-2"):
            await stage.loads(2, line)
        await stage.takes(PackagePlan(4, DAY, product="1"))
        await stage.until(lambda: len(stage.verbs.desk.shown()) == 2)
        shown = [item.subject for item in stage.verbs.todo() if item.need == "inspection"]
        assert sorted(shown) == sorted(stage.verbs.desk.shown())


async def test_a_box_is_sealed_by_hand_and_the_next_card_opens_another(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) >= 2)
        box = next(iter(stage.books.boxes.values()))
        await stage.verbs.seal_box(box.id, "test")
        sealed_with = box.cards
        with pytest.raises(Refused, match="is sealed"):
            await stage.verbs.seal_box(box.id, "test")
        await stage.ended()
        assert box.cards == sealed_with
        assert len(stage.books.boxes) == 2
        check_every_order_has_one_good_card(stage.books)
        check_boxes(stage.books, 20)
