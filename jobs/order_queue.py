"""Which order is made next: express first, then remakes, then the earliest promise. Pure.

Counties are kept together. A remake goes before the rest, since its box waits for it.
Entries are checked when they are taken, not removed when an order changes: an order that is held,
cancelled or already in production is passed over.
"""

import heapq
from collections.abc import Callable

from jobs.books import Books
from jobs.events import Event, Kind
from jobs.rows import Order
from jobs.states import BatchState, OrderState

Key = tuple[bool, bool, str, str, str, int]


def urgency(order: Order) -> Key:
    """Return the sort key of an order; the smallest is made first."""
    first = order.attempts == 0
    where = (order.county, order.batch, order.position)
    return (not order.express, first, order.promise_date, *where)


class OrderQueue:
    """All queued orders, in one heap per batch and county."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._heaps: dict[tuple[str, str], list[tuple[Key, str]]] = {}
        for order in books.orders.values():
            if order.state is OrderState.QUEUED:
                self._push(order)

    def see(self, event: Event) -> None:
        """Take note of an event: a listener of the ledger."""
        if event.kind in {Kind.ORDER_CREATED, Kind.ORDER_CHANGED}:
            order = self._books.orders[event.draft.order]
            if order.state is OrderState.QUEUED:
                self._push(order)

    def best(self, may_begin: Callable[[Order], bool]) -> Order | None:
        """Return the most urgent order that may begin; it stays in the queue."""
        heads = []
        for group, heap in list(self._heaps.items()):
            while heap and self._books.orders[heap[0][1]].state is not OrderState.QUEUED:
                heapq.heappop(heap)
            if not heap:
                del self._heaps[group]
            elif self._books.batches[group[0]].state is BatchState.RELEASED:
                heads.append(heap[0])
        for _, order_id in sorted(heads):
            order = self._books.orders[order_id]
            if may_begin(order):
                return order
        return None

    def _push(self, order: Order) -> None:
        heap = self._heaps.setdefault((order.batch, order.county), [])
        heapq.heappush(heap, (urgency(order), order.id))
