"""The centre in Prometheus' words: names, help texts and labels of what `tally` counts.

Nothing is computed between scrapes but the tally; gauges are read from the books when somebody
asks. No label holds a card, an order or anything that a person typed. Serving is `metrics_http`'s.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from controller.clock import day_of
from controller.tally import ACCEPT, ISSUED, REJECT, Tally
from controller.verbs import LineParts
from jobs.ledger.ledger import Ledger
from jobs.states import CardState, StationState

TRANSPORT = "transport"
#: Days until the promise date, most urgent first; every open order is counted once.
DUE = (("overdue", -1), ("within_1_day", 1), ("within_3_days", 3), ("within_7_days", 7))
LATER = "later"
_GOOD = (CardState.ACCEPTED, CardState.PACKED, CardState.DISPATCHED)
_SPOILED = (CardState.SPOILED, CardState.DESTROYED)

Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class MeteredLine:
    """What is shown of a line."""

    name: str
    kinds: Mapping[str, str]  # station -> kind, the transport included
    in_process: Callable[[], int]
    in_process_max: int


def metered(parts: LineParts) -> MeteredLine:
    """Return what is shown of a running line."""
    line = parts.line
    stations = (line.transport, *line.stations)
    kinds = {one.name: one.kind.value if one.kind else TRANSPORT for one in stations}
    return MeteredLine(line.name, kinds, lambda: len(parts.feeder.cards), line.work_in_process_max)


class Telemetry(Collector):
    """All metrics of one centre in the registry handed in."""

    def __init__(
        self,
        registry: CollectorRegistry,
        ledger: Ledger,
        lines: Iterable[MeteredLine],
        now_us: Callable[[], int],
        ledger_fault: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._lines = tuple(lines)
        self._now_us = now_us
        self._ledger_fault = ledger_fault
        kinds = {name: kind for line in self._lines for name, kind in line.kinds.items()}
        self.tally = Tally(ledger.books, kinds, now_us())
        ledger.listeners.append(self.tally.see)
        ledger.on_written = self.tally.writes.observe
        registry.register(self)
        ProcessCollector(registry=registry)

    def collect(self) -> Iterable[Metric]:
        """Return every family as it is now."""
        yield from self._cards()
        yield from self._stations()
        yield from self._orders()
        yield from self._of_lines()
        yield from self._of_ledger()

    def _cards(self) -> Iterable[Metric]:
        tally = self.tally
        stages = (ISSUED, *(state.value for state in CardState if state is not CardState.BLANK))
        yield _counter(
            "cards", "Cards that reached a stage.", ["stage"],
            (((_word(stage),), tally.stages[stage]) for stage in stages),
        )  # fmt: skip
        yield _counter(
            "verdicts", "Cards judged, by the act that judged them.", ["act", "verdict"],
            (
                ((act, verdict), tally.verdicts[act, verdict])
                for act in ("read_back", "inspect")
                for verdict in (ACCEPT, REJECT)
            ),
        )  # fmt: skip
        yield _counter(
            "spoiled_cards", "Cards made unusable, by reason.", ["reason"],
            (((reason,), count) for reason, count in sorted(tally.spoils.items())),
        )  # fmt: skip
        yield _counter("remakes", "Orders put back to be made again.", [], [((), tally.remakes)])
        yield _gauge(
            "blanks", "The account: issued = good + spoiled + samples + returned + in process"
            " + in doubt; in_magazine is a part of in_process.", ["account"], self._account(),
        )  # fmt: skip

    def _account(self) -> Iterable[Sample]:
        states = self.tally.card_states
        lines = list(self._ledger.books.lines.values())
        good, spoiled = (sum(states[one] for one in group) for group in (_GOOD, _SPOILED))
        in_doubt, in_magazine = states[CardState.IN_DOUBT], sum(one.in_magazine for one in lines)
        on_the_way = sum(states.values()) - good - spoiled - in_doubt
        accounts = {
            "issued": sum(one.loaded for one in lines),
            "good": good,
            "spoiled": spoiled,
            "samples": sum(one.samples for one in lines),
            "returned": sum(one.returned for one in lines),
            "in_process": on_the_way + in_magazine,
            "in_doubt": in_doubt,
            "in_magazine": in_magazine,
        }
        return (((account,), count) for account, count in accounts.items())

    def _stations(self) -> Iterable[Metric]:
        now_us, tally = self._now_us(), self.tally
        names = ["line", "station", "kind"]
        state = GaugeMetricFamily(
            _name("station_state"), "1 for the PackML state that a station is in, else 0.",
            labels=[*names, "state"],
        )  # fmt: skip
        spent = CounterMetricFamily(
            _name("station_state_seconds"), "Time that a station has been in a PackML state.",
            labels=[*names, "state"],
        )  # fmt: skip
        for line in self._lines:
            for name, kind in line.kinds.items():
                station = tally.stations[name]
                for one in StationState:
                    state.add_metric([line.name, name, kind, one.value], one is station.state)
                for one, seconds in station.seconds(now_us).items():
                    spent.add_metric([line.name, name, kind, one.value], seconds)
        duration = HistogramMetricFamily(
            _name("work_duration_seconds"), "Time from intent to result of works that were done.",
            labels=["act", "kind"],
        )  # fmt: skip
        for (act, kind), histogram in tally.durations.items():
            duration.add_metric([act, kind], histogram.buckets(), histogram.total)
        yield from (state, spent, duration)
        yield _counter(
            "works", "Works that ended, by what became of them.", ["act", "kind", "outcome"],
            tally.works.items(),
        )  # fmt: skip

    def _orders(self) -> Iterable[Metric]:
        today = day_of(self._now_us())
        queues: Counter[tuple[str, ...]] = Counter()
        due: Counter[str] = Counter()
        for order, count in self.tally.open_orders.items():
            queues[_word(order.state), order.product, _yes(express=order.express)] += count
            due[due_label(order.promise_date, today)] += count
        yield _gauge(
            "orders", "Orders that are not done or cancelled.", ["state", "product", "express"],
            queues.items(),
        )  # fmt: skip
        yield _gauge(
            "orders_due", "Orders that are not done or cancelled, by days left until their promise"
            " date; each is counted once.", ["due"],
            (((label,), due[label]) for label in (*(label for label, _ in DUE), LATER)),
        )  # fmt: skip

    def _of_lines(self) -> Iterable[Metric]:
        books = self._ledger.books
        rows: tuple[tuple[str, str, Callable[[MeteredLine], float]], ...] = (
            ("line_running", "1 while an operator lets a line feed.",
             lambda line: books.line(line.name).running),
            ("work_in_process", "Cards on a line.", lambda line: line.in_process()),
            ("work_in_process_limit", "Cards that may be on a line at once.",
             lambda line: line.in_process_max),
            ("magazine_blanks", "Blanks in a line's magazine.",
             lambda line: books.line(line.name).in_magazine),
        )  # fmt: skip
        for name, text, value in rows:
            yield _gauge(name, text, ["line"], (((one.name,), value(one)) for one in self._lines))

    def _of_ledger(self) -> Iterable[Metric]:
        writes = HistogramMetricFamily(
            _name("ledger_write_seconds"), "Time that events waited until they were durable."
        )
        writes.add_metric([], self.tally.writes.buckets(), self.tally.writes.total)
        yield writes
        waiting, fault = self._ledger.waiting, bool(self._ledger_fault())
        yield _gauge("ledger_waiting_groups", "Groups not yet durable.", [], [((), waiting)])
        yield _gauge("ledger_fault", "1 while the ledger cannot be written.", [], [((), fault)])
        yield _counter(
            "ledger_events", "Events recorded.", ["kind"],
            (((kind.value,), count) for kind, count in self.tally.events.items()),
        )  # fmt: skip


def due_label(promise_date: str, today: date) -> str:
    """Return the bucket of a promise date."""
    days_left = (date.fromisoformat(promise_date) - today).days
    return next((label for label, days in DUE if days_left <= days), LATER)


def _name(name: str) -> str:
    return f"cardcentre_{name}"


def _word(text: str) -> str:
    return text.replace(" ", "_")


def _yes(*, express: bool) -> str:
    return "yes" if express else "no"


def _counter(name: str, text: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(_name(name), text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _gauge(name: str, text: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(_name(name), text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
