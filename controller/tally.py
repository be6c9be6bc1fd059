"""What is counted as events go by: a listener of the ledger that costs few microseconds each.

It counts and adds up; how that is named for Prometheus is in `controller/metric_families.py`.
Counters begin at nothing in every process, as Prometheus expects; the present is the books'.

Events are kept, and counted some at a time and whenever somebody looks. One event alone finds
nothing that counting needs in the processor's caches, and to bring it there takes longer than to
count. What an event did is told by the event; what a card or an order is, by the books, which may
know of later events already.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from controller.reason_labels import reason_label
from jobs.books import OPEN_ORDERS, Books
from jobs.events import Draft, Event, Kind
from jobs.rows import WorkState
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
#: Few enough that the control loop does not notice: they take a quarter of a millisecond.
COUNTED_TOGETHER = 64


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


#: Times in states that were left, in the order in which each was first left.
SpentUs = tuple[tuple[StationState, int], ...]


class StationTime(NamedTuple):
    """A station, its state and how long it was in others: replaced, never changed."""

    line: str
    name: str
    kind: str
    state: StationState
    since_us: int
    spent_us: SpentUs = ()

    def entering(self, state: StationState, at_us: int) -> "StationTime":
        """Return what it becomes as it enters a state."""
        spent_us = dict(self.spent_us)
        spent_us[self.state] = spent_us.get(self.state, 0) + max(0, at_us - self.since_us)
        return self._replace(state=state, since_us=at_us, spent_us=tuple(spent_us.items()))


class BegunWork(NamedTuple):
    """What is counted of a work once its outcome is known."""

    act: str
    kind: str
    cards: Sequence[str]
    begun_us: int | None  # none of a work that took as long as the centre was away


class Tally:
    """All counts, of these stations; whoever reads them calls `count` before."""

    def __init__(self, books: Books, stations: Iterable[StationTime]) -> None:
        self._books = books
        # `defaultdict` takes a third of the time of `Counter` to add one.
        self.events = defaultdict[Kind, int](int)
        self.stages = defaultdict[str, int](int)
        self.verdicts = defaultdict[tuple[str, str], int](int)
        self.spoils = defaultdict[str, int](int)
        self.remakes = 0
        self.works = defaultdict[tuple[str, str, str], int](int)
        self.durations = defaultdict[tuple[str, str], Histogram](lambda: Histogram(WORK_BOUNDS_S))
        self.writes = Histogram(WRITE_BOUNDS_S)
        self.stations = {station.name: station for station in stations}
        self._cards = {card.id: card.state for card in books.cards.values()}
        self.card_states = defaultdict[CardState, int](int, Counter(self._cards.values()))
        self._orders: dict[str, OpenOrder] = {}
        self.open_orders = defaultdict[OpenOrder, int](int)
        for order in books.orders:
            self._look_at_order(order)
        self._works = {
            work.id: BegunWork(work.act, self._kind_of(work.station), work.cards, None)
            for work in books.works.values()
        }
        self._uncounted: list[Event] = []
        #: How long groups waited for the disk, until it is counted with the next events.
        self.waits_s: list[float] = []
        self._count_kind: dict[Kind, Callable[[Event], None]] = {
            Kind.ORDER_CREATED: lambda event: self._look_at_order(event.draft.order),
            Kind.ORDER_CHANGED: self._order_changed,
            Kind.CARD_ISSUED: self._card_issued,
            Kind.CARD_CHANGED: self._card_changed,
            Kind.WORK_BEGUN: self._work_begun,
            Kind.WORK_FINISHED: self._work_finished,
            Kind.STATION_CHANGED: self._station_changed,
            Kind.BOX_DISPATCHED: self._box_dispatched,
        }

    def see(self, event: Event) -> None:
        """Take an event that is to be counted: a listener of the ledger."""
        self._uncounted.append(event)
        if len(self._uncounted) >= COUNTED_TOGETHER:
            self.count()

    def count(self) -> None:
        """Count what was taken since the last time."""
        for event in self._uncounted:
            kind = event.draft.kind
            self.events[kind] += 1
            count_kind = self._count_kind.get(kind)
            if count_kind is not None:
                count_kind(event)
        self._uncounted.clear()
        for wait_s in self.waits_s:
            self.writes.observe(wait_s)
        self.waits_s.clear()

    def _order_changed(self, event: Event) -> None:
        if event.draft.data.get("trigger") == _REQUEUE:
            self.remakes += 1
        self._look_at_order(event.draft.order)

    def _card_issued(self, event: Event) -> None:
        self.stages[ISSUED] += 1
        self._look_at_card(event.draft.card)
        self._look_at_order(event.draft.order)

    def _card_changed(self, event: Event) -> None:
        draft = event.draft
        if trigger := draft.data.get("trigger"):
            self._cards_stepped((draft.card,), trigger, draft)

    def _cards_stepped(self, cards: Sequence[str], trigger: str, draft: Draft) -> None:
        stage = _STAGE.get(trigger)
        for card in cards:
            self._look_at_card(card)
            if stage is not None:
                self.stages[stage] += 1
            if trigger == _SPOIL:
                reason = draft.data.get("reason") or self._books.cards[card].reason
                self.spoils[reason_label(reason)] += 1
            elif trigger == _PACK:
                self._look_at_order(self._books.cards[card].order)

    def _work_begun(self, event: Event) -> None:
        draft = event.draft
        act, cards = draft.data["act"], draft.data["cards"]
        kind = self._kind_of(draft.station)
        self._works[draft.work] = BegunWork(act, kind, cards, event.time_us)

    def _work_finished(self, event: Event) -> None:
        draft = event.draft
        work = self._works.pop(draft.work, None)
        if work is None:
            return
        act, kind, cards, begun_us = work
        outcome, trigger = draft.data["outcome"], draft.data.get("trigger")
        self.works[act, kind, outcome] += 1
        if outcome == _DONE:
            if begun_us is not None:
                self.durations[act, kind].observe((event.time_us - begun_us) / MICROSECONDS)
            if act in _VERDICT_ACTS:
                verdict = ACCEPT if trigger in _GOOD_VERDICTS else REJECT
                self.verdicts[act, verdict] += len(cards)
        if trigger:
            self._cards_stepped(cards, trigger, draft)

    def _kind_of(self, name: str) -> str:
        station = self.stations.get(name)
        return station.kind if station is not None else "unknown"

    def _station_changed(self, event: Event) -> None:
        draft = event.draft
        station = self.stations.get(draft.station)
        if station is not None:
            state = StationState(draft.data["state"])
            self.stations[station.name] = station.entering(state, event.time_us)

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
