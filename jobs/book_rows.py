"""The rows of the books by id, and the indexes over them that spare searching for years.

What an event makes of them is `jobs/books.py`'s and `jobs/card_changes.py`'s to say.
"""

from collections import Counter

from jobs.rows import Batch, Box, Card, DayCount, Line, Order, Refusal, Station, Work
from jobs.states import CardState, OrderState

OFF_THE_LINE = {CardState.PACKED, CardState.DISPATCHED, CardState.SPOILED, CardState.DESTROYED}
OPEN_ORDERS = {OrderState.QUEUED, OrderState.IN_PRODUCTION, OrderState.HELD}


class BookRows:
    """Every batch, order, card, work, box, station, line and count, by id."""

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self.orders: dict[str, Order] = {}
        self.cards: dict[str, Card] = {}
        self.works: dict[str, Work] = {}  # open ones only; finished works live in the ledger
        self.boxes: dict[str, Box] = {}
        self.stations: dict[str, Station] = {}
        self.lines: dict[str, Line] = {}
        self.refusals: dict[str, Refusal] = {}
        self.day_counts: dict[str, DayCount] = {}
        self.works_begun = 0
        # Indexes over the rows above, kept by the fold.
        self.chips: dict[str, str] = {}  # chip serial -> card
        self.persons: dict[str, list[str]] = {}  # person key -> orders
        self.approvals: dict[str, list[str]] = {}  # approval key -> orders
        self.batch_orders: dict[str, list[Order]] = {}
        self.batch_refusals: dict[str, list[Refusal]] = {}
        self.open_orders: Counter[tuple[str, str]] = Counter()  # by batch and county
        self.held_orders: dict[str, Order] = {}
        self.on_the_line: dict[str, Card] = {}
        self.card_serials: dict[str, str] = {}  # card serial -> card

    def index(self) -> None:
        """Make the indexes from the rows, after these were loaded."""
        for order in self.orders.values():
            self.index_new_order(order)
        for card in self.cards.values():
            if card.chip_serial:
                self.chips[card.chip_serial] = card.id
            self.index_card(card)
        for refusal in self.refusals.values():
            self.index_refusal(refusal)

    def index_refusal(self, refusal: Refusal) -> None:
        """Take up a refusal that no index knows."""
        self.batch_refusals.setdefault(refusal.batch, []).append(refusal)

    def index_new_order(self, order: Order) -> None:
        """Take up an order that no index knows."""
        self.persons.setdefault(order.person_key, []).append(order.id)
        self.approvals.setdefault(order.approval_key, []).append(order.id)
        self.batch_orders.setdefault(order.batch, []).append(order)
        self.open_orders[order.batch, order.county] += order.state in OPEN_ORDERS
        self.index_order(order)

    def index_order(self, order: Order) -> None:
        """Follow the state of an order."""
        if order.state is OrderState.HELD:
            self.held_orders[order.id] = order
        else:
            self.held_orders.pop(order.id, None)

    def index_card(self, card: Card) -> None:
        """Follow the state of a card."""
        if card.state in OFF_THE_LINE:
            self.on_the_line.pop(card.id, None)
        else:
            self.on_the_line[card.id] = card
        if card.card_serial:
            self.card_serials[card.card_serial] = card.id

    def line(self, name: str) -> Line:
        """Return a line's row, made on first sight."""
        return self.lines.setdefault(name, Line(name))

    def live_card(self, order: str) -> Card | None:
        """Return the card that may still become an order's good card."""
        card = self.cards.get(self.orders[order].card)
        if card is None or card.state in {CardState.SPOILED, CardState.DESTROYED}:
            return None
        return card

    def was_counted(self, person_key: str) -> bool:
        """Tell whether a card of this person was progress of the programme."""
        return any(self.orders[name].counted for name in self.persons.get(person_key, ()))
