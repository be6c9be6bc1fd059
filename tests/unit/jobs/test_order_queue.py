"""Which order is made next."""

from jobs.order_queue import OrderQueue
from jobs.rows import Order
from jobs.states import BatchTrigger, OrderTrigger
from tests.unit.jobs.small_books import SmallBooks


def anything(_order: Order) -> bool:
    return True


def drawn(small: SmallBooks, queue: OrderQueue | None = None) -> list[str]:
    """Issue cards for all orders that may be made, in the order that the queue says."""
    found = []
    while (order := (queue or small.queue).best(anything)) is not None:
        found.append(order.id)
        small.issue(order.id)
    return found


def test_express_then_the_earliest_promise_then_counties_together() -> None:
    small = SmallBooks()
    small.batch()
    small.order("b2", "229902", "2005-10-05")
    small.order("a1", "229901", "2005-10-05")
    small.order("b1", "229902", "2005-10-05")
    small.order("a2", "229901", "2005-10-05")
    small.order("early", "229903", "2005-10-01")
    small.order("express", "229903", "2005-10-04", express=True)
    small.order("express early", "229902", "2005-10-02", express=True)
    assert drawn(small) == ["express early", "express", "early", "a1", "a2", "b2", "b1"]


def test_a_remake_goes_before_the_rest_but_not_before_express() -> None:
    small = SmallBooks()
    small.batch()
    small.order("late", promise="2005-10-09")
    card = small.issue("late")
    small.order("early", promise="2005-10-01")
    small.order("express", express=True)
    small.spoil(card)
    small.change_order("late", OrderTrigger.REQUEUE)
    assert drawn(small) == ["express", "late", "early"]


def test_only_released_batches_and_queued_orders_are_made() -> None:
    small = SmallBooks()
    small.batch("B-1")
    small.batch("B-2", release=False)
    small.order("held", promise="2005-09-01", hold="no glyph")
    small.order("cancelled", promise="2005-09-02")
    small.order("waits", promise="2005-09-03", batch="B-2")
    small.order("made")
    small.change_order("cancelled", OrderTrigger.CANCEL)
    assert drawn(small) == ["made"]
    small.change_order("held", OrderTrigger.RELEASE)
    small.change_batch(BatchTrigger.RELEASE, "B-2")
    assert drawn(small) == ["held", "waits"]


def test_an_order_that_may_not_begin_yields_to_another_county() -> None:
    small = SmallBooks()
    small.batch()
    small.order("a", "229901")
    small.order("b", "229902")
    best = small.queue.best(lambda order: order.county == "229902")
    assert best is not None
    assert best.id == "b"
    assert small.queue.best(lambda _order: False) is None
    assert drawn(small) == ["a", "b"], "passing over changes nothing"


def test_a_queue_made_from_books_agrees_with_one_that_listened() -> None:
    small = SmallBooks()
    small.batch()
    for number in range(6):
        small.order(f"o{number}", f"22990{number % 3 + 1}", f"2005-10-0{9 - number}")
    small.spoil(small.issue("o2"))
    small.change_order("o2", OrderTrigger.REQUEUE)
    again = OrderQueue(small.books)
    listened, found = small.queue.best(anything), again.best(anything)
    assert listened is found
    assert drawn(small, again) == ["o2", "o5", "o4", "o3", "o1", "o0"]
