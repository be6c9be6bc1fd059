"""The equation of blanks: every blank is in exactly one place in the books. Pure.

blanks issued = good + spoiled + samples + returned + in process + in doubt
"""

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter

from jobs.books import Books
from jobs.states import CardState, OrderState

_GOOD = {CardState.ACCEPTED, CardState.PACKED, CardState.DISPATCHED}
_SPOILED = {CardState.SPOILED, CardState.DESTROYED}
_state = attrgetter("state")


@dataclass(frozen=True, slots=True)
class Account:
    """Counts of blanks; `in_magazine` is the part of `in_process` that no machine has touched."""

    issued: int
    good: int
    spoiled: int
    samples: int
    returned: int
    in_process: int
    in_doubt: int
    in_magazine: int
    dispatched: int
    spoiled_by_reason: dict[str, int]
    orders_by_state: dict[str, int]
    refused_applications: int
    remade_orders: int

    @property
    def balanced(self) -> bool:
        """True when the equation holds."""
        return self.issued == (
            self.good
            + self.spoiled
            + self.samples
            + self.returned
            + self.in_process
            + self.in_doubt
        )


def account(books: Books) -> Account:
    """Work out the account from the books."""
    states: Counter[CardState] = Counter(map(_state, books.cards.values()))
    lines = books.lines.values()
    in_magazine = sum(line.in_magazine for line in lines)
    good = sum(states[state] for state in _GOOD)
    spoiled = sum(states[state] for state in _SPOILED)
    on_the_way = len(books.cards) - good - spoiled - states[CardState.IN_DOUBT]
    reasons = Counter(
        card.reason or "unknown" for card in books.cards.values() if card.state in _SPOILED
    )
    orders: Counter[OrderState] = Counter(map(_state, books.orders.values()))
    return Account(
        issued=sum(line.loaded for line in lines),
        good=good,
        spoiled=spoiled,
        samples=sum(line.samples for line in lines),
        returned=sum(line.returned for line in lines),
        in_process=on_the_way + in_magazine,
        in_doubt=states[CardState.IN_DOUBT],
        in_magazine=in_magazine,
        dispatched=states[CardState.DISPATCHED],
        spoiled_by_reason=dict(sorted(reasons.items())),
        orders_by_state={state.value: orders[state] for state in OrderState},
        refused_applications=sum(1 for row in books.refusals.values() if row.position),
        remade_orders=sum(1 for order in books.orders.values() if order.attempts > 1),
    )
