"""What becomes of an order when its card is spoiled: a remake, or a person's decision. Pure."""

from jobs.books import Books
from jobs.events import Draft, Kind
from jobs.rows import Card, Order
from jobs.states import BatchState, OrderState, OrderTrigger


def order_after_spoil(books: Books, card: Card, remakes_max: int, actor: str) -> tuple[Draft, ...]:
    """Return the events that belong beside the spoil of `card`.

    The order goes back into the queue as long as it may be remade, then it is held; an order that
    was cancelled meanwhile stays cancelled, and one of a cancelled batch is not made again.
    """
    order = books.orders[card.order]
    if order.state not in {OrderState.IN_PRODUCTION, OrderState.DONE}:
        return ()
    if books.batches[order.batch].state is BatchState.CANCELLED:
        return (
            _change(order, OrderTrigger.REQUEUE, "", actor),
            _change(order, OrderTrigger.CANCEL, "batch cancelled", actor),
        )
    if order.attempts > remakes_max and order.state is OrderState.IN_PRODUCTION:
        reason = f"{order.attempts} cards spoiled, the limit is reached"
        return (_change(order, OrderTrigger.HOLD, reason, actor),)
    return (_change(order, OrderTrigger.REQUEUE, "", actor),)


def _change(order: Order, trigger: OrderTrigger, reason: str, actor: str) -> Draft:
    data = {"trigger": trigger.value, "reason": reason}
    return Draft(Kind.ORDER_CHANGED, actor, data, batch=order.batch, order=order.id)
