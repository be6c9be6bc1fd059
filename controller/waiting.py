"""Why an order or a card is not further on: one line for a person. Pure: reads the books.

What a person is asked to do about it is `controller/todo.py`.
"""

from jobs.books import Books
from jobs.order_queue import urgency
from jobs.rows import QUARANTINE_BIN, BoxState, Card, Order, Station
from jobs.states import BatchState, CardState, OrderState, StationState

_ENDED = {CardState.SPOILED, CardState.DESTROYED, CardState.DISPATCHED}
_NEXT = {
    CardState.BLANK: "a free printer",
    CardState.PRINTED: "a free laminator",
    CardState.LAMINATED: "a free station of its next operation",
    CardState.ENCODED: "a free reader",
    CardState.VERIFIED: "its way out",
    CardState.ACCEPTED: "its tray",
}


def why_order_waits(books: Books, order: Order) -> str:
    """Return why an order is not done, or nothing."""
    match order.state:
        case OrderState.DONE | OrderState.CANCELLED:
            return ""
        case OrderState.HELD:
            return order.reason or "held"
        case OrderState.IN_PRODUCTION:
            card = books.cards[order.card]
            return doing(books, card) or why_card_waits(books, card)
        case OrderState.QUEUED:
            return _why_queued(books, order)


def why_card_waits(books: Books, card: Card) -> str:
    """Return why a card is where it is, or nothing when it is being worked on or has left."""
    if card.state in _ENDED or doing(books, card):
        return ""
    if card.state is CardState.IN_DOUBT:
        places = " or ".join(card.may_be_at) or card.place
        return f"in doubt ({card.reason or 'no reason'}): look at {places}"
    if card.state is CardState.PACKED:
        box = books.boxes[card.box]
        return f"{box.id} is open" if box.state is BoxState.OPEN else f"{box.batch} is not closed"
    if card.place == QUARANTINE_BIN:
        return f"in quarantine ({card.reason or 'no reason'}): a person decides"
    if (station := _stopped_station(books, card)) is not None:
        return f"{station.id} is {station.state.value}" + (
            f": {station.reason}" if station.reason else ""
        )
    if card.reason:
        return f"condemned ({card.reason}): goes to the reject bin"
    return f"waits for {_NEXT[card.state]}"


def doing(books: Books, card: Card) -> str:
    """Return what is being done to a card at this moment, or nothing."""
    for work in books.works.values():
        if card.id in work.cards:
            return f"{work.act} at {work.station}"
    return ""


def _why_queued(books: Books, order: Order) -> str:
    batch = books.batches[order.batch]
    if batch.state is not BatchState.RELEASED:
        return f"{batch.id} is {batch.state.value}" + (f": {batch.reason}" if batch.reason else "")
    running = [line for line in books.lines.values() if line.running]
    if not running:
        return "no line runs"
    if all(line.in_magazine < 1 for line in running):
        return "no blanks in the magazine"
    mine = urgency(order)
    before = sum(
        other.state is OrderState.QUEUED
        and books.batches[other.batch].state is BatchState.RELEASED
        and urgency(other) < mine
        for other in books.orders.values()
    )
    return f"{before} orders go before it" if before else "it is next"


def _stopped_station(books: Books, card: Card) -> Station | None:
    """Return the station that keeps a card, or its transport, if that is not at work."""
    for name in (card.place.rpartition(" ")[0], f"{card.line}-transport"):
        station = books.stations.get(name)
        if station is not None and station.state is not StationState.EXECUTE:
            return station
    return None
