"""What is counted as events go by: a listener of the ledger that costs a few microseconds each.

It counts and adds up; how that is named for Prometheus is in `controller/metric_families.py`.
Counters begin at nothing in every process, as Prometheus expects; the present is the books'.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from controller.reason_labels import reason_label
from jobs.books import OPEN_ORDERS, Books
from jobs.events import Event, Kind
from jobs.rows import Work, WorkState
from jobs.states import CARD_TABLE, CardState, CardTrigger, OrderTrigger, StationState

# Plain words, looked up for every event: a member of an enumeration takes longer to get at.
_STAGE = {trigger.value: state.value for (_, trigger), state in CARD_TABLE.items()}
ISSUED = "issued"
ACCEPT, REJECT = "accept", "reject"
#: Acts whose result is a verdict on the card.
_VERDICT_ACTS = {"read_back", "inspect"}
_GOOD_VERDICTS = {CardTrigger.VERIFY.value, CardTrigger.ACCEPT.value}
_SPOIL, _PACK = CardTrigger.SPOIL.value, CardTrigger.PACK.value
_REQUEUE, _DONE = OrderTrigger.REQUEUE.value, WorkState.DONE.value

WORK_BOUNDS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)
WRITE_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0)
MICROSECONDS = 1_000_000


class Histogram:
    """Observations sorted into buckets."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> "Histogram":
        """Return what was observed so far."""
        other = Histogram(self.bounds)
        other.counts, other.total = self.counts.copy(), self.total
        return other

    def running(self) -> list[int]:
        """Return how many were at most each bound, and last how many there were."""
        return list(accumulate(self.counts))


class OpenOrder(NamedTuple):
    """What is counted of an order that is not done or cancelled."""

    state: str
    product: str
    express: bool
    promise_date: str


@dataclass(slots=True)
class StationTime:
    """A station's state and how long it was in each."""

    state: StationState
    since_us: int
    spent_us: dict[StationState, int] = field(default_factory=dict)

    def copy(self) -> "StationTime":
        """Return it as it is now."""
        return StationTime(self.state, self.since_us, self.spent_us.copy())

    def change(self, state: StationState, at_us: int) -> None:
        """Enter a state."""
        spent_us = max(0, at_us - self.since_us)
        self.spent_us[self.state] = self.spent_us.get(self.state, 0) + spent_us
        self.state, self.since_us = state, at_us

    def seconds(self, now_us: int) -> dict[StationState, float]:
        """Return the time in every state it has been in, the present one included."""
        present_us = self.spent_us.get(self.state, 0) + max(0, now_us - self.since_us)
        spent_us = self.spent_us | {self.state: present_us}
        return {state: time_us / MICROSECONDS for state, time_us in spent_us.items()}


class Tally:
    """All counts; `kinds` names every station's kind."""

    def __init__(self, books: Books, kinds: Mapping[str, str], now_us: int) -> None:
        self._books = books
        self._kinds = kinds
        self.events: Counter[Kind] = Counter()
        self.stages: Counter[str] = Counter()
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self.spoils: Counter[str] = Counter()
        self.remakes = 0
        self.works: Counter[tuple[str, str, str]] = Counter()
        self.durations: dict[tuple[str, str], Histogram] = {}
        self.writes = Histogram(WRITE_BOUNDS_S)
        #: Every station is stopped until it says otherwise, whatever the books say of yesterday.
        self.stations = {name: StationTime(StationState.STOPPED, now_us) for name in kinds}
        self.card_states: Counter[CardState] = Counter(c.state for c in books.cards.values())
        self.open_orders: Counter[OpenOrder] = Counter()
        self._cards = {card.id: card.state for card in books.cards.values()}
        self._orders: dict[str, OpenOrder] = {}
        # A work that was open at the start took as long as the centre was away: not measured.
        self._works: dict[str, tuple[Work, bool]] = {w.id: (w, False) for w in books.works.values()}
        for order in books.orders:
            self._look_at_order(order)
        self._see_kind: dict[Kind, Callable[[Event], None]] = {
            Kind.ORDER_CREATED: lambda event: self._look_at_order(event.draft.order),
            Kind.ORDER_CHANGED: self._order_changed,
            Kind.CARD_ISSUED: self._card_issued,
            Kind.CARD_CHANGED: lambda event: self._cards_changed((event.draft.card,), event),
            Kind.WORK_BEGUN: self._work_begun,
            Kind.WORK_FINISHED: self._work_finished,
            Kind.STATION_CHANGED: self._station_changed,
            Kind.BOX_DISPATCHED: self._box_dispatched,
        }

    def see(self, event: Event) -> None:
        """Count one event: a listener of the ledger."""
        kind = event.draft.kind
        self.events[kind] += 1
        see = self._see_kind.get(kind)
        if see is not None:
            see(event)

    def _order_changed(self, event: Event) -> None:
        if event.draft.data.get("trigger") == _REQUEUE:
            self.remakes += 1
        self._look_at_order(event.draft.order)

    def _card_issued(self, event: Event) -> None:
        self.stages[ISSUED] += 1
        self._look_at_card(event.draft.card)
        self._look_at_order(event.draft.order)

    def _cards_changed(self, cards: tuple[str, ...], event: Event) -> None:
        # Several events may be folded before this one is seen: what happened is told by the event,
        # what a card or an order is by the books.
        trigger = event.draft.data.get("trigger")
        for card in cards:
            self._look_at_card(card)
            if trigger in _STAGE:
                self.stages[_STAGE[trigger]] += 1
            if trigger == _SPOIL:
                reason = event.draft.data.get("reason") or self._books.cards[card].reason
                self.spoils[reason_label(reason)] += 1
            if trigger == _PACK:
                self._look_at_order(self._books.cards[card].order)

    def _work_begun(self, event: Event) -> None:
        work = self._books.works.get(event.draft.work)
        if work is not None:
            self._works[work.id] = (work, True)

    def _work_finished(self, event: Event) -> None:
        work, measured = self._works.pop(event.draft.work, (None, False))
        if work is None:
            return
        data = event.draft.data
        kind, outcome = self._kinds.get(work.station, "unknown"), data["outcome"]
        self.works[work.act, kind, outcome] += 1
        done = outcome == _DONE
        if done and measured:
            duration_s = (event.time_us - work.begun_us) / MICROSECONDS
            self._durations_of(work.act, kind).observe(duration_s)
        if done and work.act in _VERDICT_ACTS:
            good = data.get("trigger") in _GOOD_VERDICTS
            self.verdicts[work.act, ACCEPT if good else REJECT] += len(work.cards)
        self._cards_changed(work.cards, event)

    def _durations_of(self, act: str, kind: str) -> Histogram:
        found = self.durations.get((act, kind))
        if found is None:
            found = self.durations[act, kind] = Histogram(WORK_BOUNDS_S)
        return found

    def _station_changed(self, event: Event) -> None:
        station = self.stations.get(event.draft.station)
        if station is not None:
            station.change(StationState(event.draft.data["state"]), event.time_us)

    def _box_dispatched(self, event: Event) -> None:
        for card in event.draft.data["cards"]:
            self._look_at_card(card)
            self.stages[CardState.DISPATCHED.value] += 1

    def _look_at_card(self, card: str) -> None:
        state, before = self._books.cards[card].state, self._cards.get(card)
        if state is not before:
            self._cards[card] = state
            self.card_states[state] += 1
            if before is not None:
                self.card_states[before] -= 1

    def _look_at_order(self, name: str) -> None:
        order, before = self._books.orders[name], self._orders.pop(name, None)
        if before is not None:
            self.open_orders[before] -= 1
            if not self.open_orders[before]:
                del self.open_orders[before]
        if order.state in OPEN_ORDERS:
            counted = OpenOrder(order.state.value, order.product, order.express, order.promise_date)
            self._orders[name] = counted
            self.open_orders[counted] += 1
