"""What becomes of an order when its card is spoiled."""

from jobs.events import Kind
from jobs.remakes import order_after_spoil
from jobs.rows import BoxState
from jobs.states import BatchTrigger, CardTrigger, OrderState, OrderTrigger
from tests.unit.jobs.small_books import SmallBooks

REMAKES_MAX = 1


def spoil(small: SmallBooks, name: str) -> None:
    small.spoil(name)
    small.drafts(order_after_spoil(small.books, small.books.cards[name], REMAKES_MAX, "test"))


def test_a_spoiled_card_is_remade_up_to_the_limit_then_the_order_is_held() -> None:
    small = SmallBooks()
    small.batch()
    small.order("o")
    order = small.books.orders["o"]
    spoil(small, small.issue("o"))
    assert (order.state, order.spoiled) == (OrderState.QUEUED, 1)
    spoil(small, small.issue("o"))
    assert (order.state, order.reason) == (
        OrderState.HELD,
        "2 cards spoiled, the limit is reached",
    )
    small.change_order("o", OrderTrigger.RELEASE)
    assert order.state is OrderState.QUEUED


def test_an_order_cancelled_meanwhile_stays_cancelled() -> None:
    small = SmallBooks()
    small.batch()
    small.order("o")
    card = small.issue("o")
    small.change_order("o", OrderTrigger.CANCEL)
    spoil(small, card)
    assert small.books.orders["o"].state is OrderState.CANCELLED


def test_a_packed_card_takes_its_promise_back_and_leaves_its_box() -> None:
    small = SmallBooks()
    small.batch()
    for name in ("o", "p"):
        small.order(name)
        card = small.issue(name)
        small.accept(card)
        if not small.books.boxes:
            data = {"county": "229901", "line": "line-1", "tray": "tray 0"}
            small.event(Kind.BOX_OPENED, data, batch="B-1", box="X")
        small.change_card(card, CardTrigger.PACK, box="X")
    assert [order.state for order in small.books.orders.values()] == [OrderState.DONE] * 2
    assert small.books.boxes["X"].cards == 2
    spoil(small, "C-1")
    assert small.books.orders["o"].state is OrderState.QUEUED
    assert small.books.boxes["X"].cards == 1
    assert small.books.boxes["X"].state is BoxState.OPEN


def test_no_order_of_a_cancelled_batch_is_made_again() -> None:
    small = SmallBooks()
    small.batch()
    small.order("o")
    card = small.issue("o")
    small.change_batch(BatchTrigger.CANCEL)
    spoil(small, card)
    assert small.books.orders["o"].state is OrderState.CANCELLED
    assert small.books.open_orders["B-1", "229901"] == 0
