"""Trays and boxes: who gets a tray, when a box is sealed, when a batch closes."""

from controller.packing import Packing, cancellable, closable, closing, is_being_packed
from jobs.events import Draft, Kind
from jobs.rows import BoxState
from jobs.states import BatchTrigger, CardState, OrderTrigger
from tests.unit.jobs.small_books import SmallBooks


def packed(small: SmallBooks, packing: Packing, order: str) -> str:
    """Make an order's card and lay it into its tray; return the box."""
    card = small.issue(order, packing.line)
    small.accept(card)
    completion = packing.complete(small.books.cards[card], {})
    small.drafts(completion.before)
    small.event(
        Kind.CARD_CHANGED, dict(completion.finish), order=order, card=card, box=completion.box
    )
    small.drafts(completion.after)
    return completion.box


def with_orders(*counties: str) -> SmallBooks:
    small = SmallBooks()
    small.event(Kind.STOCK_CHANGED, {"line": "line-2", "loaded": 50})
    small.batch()
    for number, county in enumerate(counties, start=1):
        small.order(f"o{number}", county)
    return small


def sealed(drafts: list[Draft]) -> list[tuple[str, str]]:
    return [(draft.box, draft.data["reason"]) for draft in drafts]


def test_a_county_without_a_tray_waits_until_one_has_no_more_to_come() -> None:
    small = with_orders("229901", "229902")
    packing, books = Packing(small.books, "line-1", 1, 20), small.books
    assert packing.claim(books.orders["o1"]) == "tray 0"
    assert packing.tray_of(books.orders["o2"]) is None
    box = packed(small, packing, "o1")
    seals, freed = packing.ripe()
    assert (sealed(seals), freed) == ([(box, "last of its county")], True)
    small.drafts(seals)
    assert packing.tray_of(books.orders["o2"]) == "tray 0"
    assert packing.ripe() == ([], False)


def test_a_full_box_is_sealed_and_its_tray_freed_although_nothing_is_left_to_seal() -> None:
    small = with_orders("229901", "229901")
    packing = Packing(small.books, "line-1", 1, 2)
    boxes = {packed(small, packing, "o1"), packed(small, packing, "o2")}
    assert len(boxes) == 1
    assert small.books.boxes[boxes.pop()].state is BoxState.SEALED
    assert packing.ripe() == ([], True)


def test_two_lines_with_trays_of_one_name_fill_two_boxes() -> None:
    small = with_orders("229901", "229901", "229901")
    one, two = (Packing(small.books, line, 1, 20) for line in ("line-1", "line-2"))
    assert packed(small, one, "o1") == packed(small, one, "o3") != packed(small, two, "o2")
    assert [box.line for box in small.books.boxes.values()] == ["line-1", "line-2"]


def test_after_a_restart_the_cards_on_the_line_still_have_their_trays() -> None:
    small = with_orders("229901", "229902", "229903")
    before = Packing(small.books, "line-1", 2, 20)
    packed(small, before, "o1")
    before.claim(small.books.orders["o2"])
    small.issue("o2")
    small.order("o4", "229901")
    again = Packing(small.books, "line-1", 2, 20)
    assert again.tray_of(small.books.orders["o4"]) == "tray 0"
    assert again.tray_of(small.books.orders["o2"]) == "tray 1"
    assert again.tray_of(small.books.orders["o3"]) is None


def test_held_orders_keep_a_tray_only_while_nobody_else_wants_it() -> None:
    small = with_orders("229901", "229901", "229902")
    packing = Packing(small.books, "line-1", 2, 20)
    box = packed(small, packing, "o1")
    small.change_order("o2", OrderTrigger.HOLD)
    assert packing.ripe() == ([], False), "another tray is free"
    packing.claim(small.books.orders["o3"])
    assert sealed(packing.ripe()[0]) == [(box, "the rest of its county is held")]


def test_a_batch_closes_after_its_rest_when_nothing_of_it_is_open() -> None:
    small = with_orders("229901", "229901")
    packing, books = Packing(small.books, "line-1", 2, 20), small.books
    box = packed(small, packing, "o1")
    assert not closable(books, 10**12, 0)
    small.change_order("o2", OrderTrigger.CANCEL)
    assert not closable(books, 10**12, 0), "its box is open"
    small.drafts(packing.ripe()[0])
    done_us = books.orders["o1"].done_us
    assert not closable(books, done_us + 99, 100)
    assert closable(books, done_us + 100, 100) == ["B-1"]
    small.drafts(closing(books, "B-1"))
    assert books.boxes[box].state is BoxState.DISPATCHED
    assert {card.state for card in books.cards.values()} == {CardState.DISPATCHED}
    assert not closable(books, 10**12, 0)


def test_an_order_is_cancellable_until_its_card_is_on_the_way_into_its_tray() -> None:
    small = with_orders("229901")
    order = small.books.orders["o1"]
    card = small.issue("o1")
    small.accept(card)
    assert cancellable(small.books, order)
    data = {"act": "move", "cards": [card], "note": {}, "source": "a", "destination": "tray 0"}
    small.event(Kind.WORK_BEGUN, data, work="W", station="line-1-transport", card=card)
    assert is_being_packed(small.books, small.books.cards[card])
    assert not cancellable(small.books, order)


def test_a_held_batch_is_never_closed() -> None:
    small = with_orders("229901")
    small.change_order("o1", OrderTrigger.CANCEL)
    small.change_batch(BatchTrigger.HOLD)
    assert not closable(small.books, 10**12, 0)
