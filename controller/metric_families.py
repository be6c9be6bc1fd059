"""The centre in Prometheus' words: names, help texts and labels of what a snapshot holds. Pure.

No label holds a card, an order or anything that a person typed. Targets of a programme are in
`controller/target_metrics.py`; `docs/monitoring.md` lists everything.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache

from controller.clock import MICROSECONDS, day_of
from controller.exposition import Family, counter, gauge, histogram, labelled, one, with_gaps
from controller.tally import ACCEPT, ISSUED, REJECT, SpentUs
from controller.telemetry import LineFigures, Snapshot
from jobs.states import CardState, StationState

#: Days until the promise date, most urgent first; every open order is counted once.
DUE = (("overdue", -1), ("within_1_day", 1), ("within_3_days", 3), ("within_7_days", 7))
LATER = "later"
_GOOD = (CardState.ACCEPTED, CardState.PACKED, CardState.DISPATCHED)
_SPOILED = (CardState.SPOILED, CardState.DESTROYED)
_STATE = "cardcentre_station_state"
_SPENT = "cardcentre_station_state_seconds_total"
_OF_STATION = ("line", "station", "kind", "state")
#: More than the stations of the largest centre; some kilobytes each.
_STATIONS_REMEMBERED = 1024


def _word(text: str) -> str:
    return text.replace(" ", "_")


_STAGES = {
    stage: labelled(("stage",), (_word(stage),))
    for stage in (ISSUED, *(state.value for state in CardState if state is not CardState.BLANK))
}
_VERDICTS = {
    (act, verdict): labelled(("act", "verdict"), (act, verdict))
    for act in ("read_back", "inspect")
    for verdict in (ACCEPT, REJECT)
}


def families(now: Snapshot) -> Iterator[Family]:
    """Return every family as it was when the snapshot was taken."""
    yield from _cards(now)
    yield from _stations(now)
    yield from _works(now)
    yield from _orders(now)
    yield from _of_lines(now.lines)
    yield from _of_ledger(now)


def _cards(now: Snapshot) -> Iterator[Family]:
    yield counter(
        "cards", "Cards that reached a stage.",
        ((labels, now.stages.get(stage, 0)) for stage, labels in _STAGES.items()),
    )  # fmt: skip
    yield counter(
        "verdicts", "Cards judged, by the act that judged them.",
        ((labels, now.verdicts.get(judged, 0)) for judged, labels in _VERDICTS.items()),
    )  # fmt: skip
    yield counter(
        "spoiled_cards", "Cards made unusable, by reason.",
        ((labelled(("reason",), (reason,)), count) for reason, count in sorted(now.spoils.items())),
    )  # fmt: skip
    yield counter("remakes", "Orders put back to be made again.", one(now.remakes))
    yield gauge(
        "blanks", "The account: issued = good + spoiled + samples + returned + in process"
        " + in doubt; in_magazine is a part of in_process.",
        ((labelled(("account",), (name,)), count) for name, count in _account(now)),
    )  # fmt: skip


def _account(now: Snapshot) -> Iterable[tuple[str, int]]:
    states = now.card_states
    good, spoiled = (sum(states.get(one, 0) for one in group) for group in (_GOOD, _SPOILED))
    in_doubt = states.get(CardState.IN_DOUBT, 0)
    in_magazine = sum(stock.in_magazine for stock in now.stocks)
    on_the_way = sum(states.values()) - good - spoiled - in_doubt
    return {
        "issued": sum(stock.loaded for stock in now.stocks),
        "good": good,
        "spoiled": spoiled,
        "samples": sum(stock.samples for stock in now.stocks),
        "returned": sum(stock.returned for stock in now.stocks),
        "in_process": on_the_way + in_magazine,
        "in_doubt": in_doubt,
        "in_magazine": in_magazine,
    }.items()


def _stations(now: Snapshot) -> Iterator[Family]:
    states: list[str] = []
    spent: list[str] = []
    for line, name, kind, state, since_us, spent_us in now.stations:
        one_hot, lines, from_us = _of_station(line, name, kind, state, spent_us)
        states.append(one_hot)
        spent.append(lines % ((from_us + max(0, now.now_us - since_us)) / MICROSECONDS))
    text = "1 for the PackML state that a station is in, else 0."
    yield Family(_STATE, "gauge", text, states)
    yield Family(_SPENT, "counter", "Time that a station has been in a PackML state.", spent)


@lru_cache(maxsize=_STATIONS_REMEMBERED)
def _of_station(
    line: str, station: str, kind: str, present: StationState, spent_us: SpentUs
) -> tuple[str, str, int]:
    """Return a station's lines, those of times with a gap, and from where what goes there grows.

    They are the larger part of a page, and all but one figure stay what they are for as long as
    the station stays in its state.
    """
    labels = {
        state: labelled(_OF_STATION, (line, station, kind, state.value)) for state in StationState
    }
    of_states = dict(spent_us)
    from_us = of_states.setdefault(present, 0)
    one_hot = [f"{_STATE}{each} {int(state is present)}" for state, each in labels.items()]
    spent = [
        f"{_SPENT}{with_gaps(labels[state])} "
        + ("%r" if state is present else repr(time_us / MICROSECONDS))
        for state, time_us in of_states.items()
    ]
    return "\n".join(one_hot), "\n".join(spent), from_us


def _works(now: Snapshot) -> Iterator[Family]:
    yield histogram(
        "work_duration_seconds", "Time from intent to result of works that were done.",
        ("act", "kind"),
        ((pair, one.bounds, one.running(), one.total) for pair, one in now.durations.items()),
    )  # fmt: skip
    yield counter(
        "works", "Works that ended, by what became of them.",
        ((labelled(("act", "kind", "outcome"), works), n) for works, n in now.works.items()),
    )  # fmt: skip


def _orders(now: Snapshot) -> Iterator[Family]:
    today = day_of(now.now_us)
    queues: Counter[tuple[str, ...]] = Counter()
    due: Counter[str] = Counter()
    for order, count in now.open_orders.items():
        queues[_word(order.state), order.product, _yes(express=order.express)] += count
        due[due_label(order.promise_date, today)] += count
    names = ("state", "product", "express")
    yield gauge(
        "orders", "Orders that are not done or cancelled.",
        ((labelled(names, values), count) for values, count in queues.items()),
    )  # fmt: skip
    yield gauge(
        "orders_due", "Orders that are not done or cancelled, by days left until their promise"
        " date; each is counted once.",
        (
            (labelled(("due",), (label,)), due[label])
            for label in (*(label for label, _ in DUE), LATER)
        ),
    )  # fmt: skip


def _of_lines(lines: Sequence[LineFigures]) -> Iterator[Family]:
    by_name = [(labelled(("line",), (line.name,)), line) for line in lines]
    yield gauge(
        "line_running", "1 while an operator lets a line feed.",
        ((key, int(line.running)) for key, line in by_name),
    )  # fmt: skip
    yield gauge(
        "work_in_process", "Cards on a line.", ((key, line.in_process) for key, line in by_name)
    )
    yield gauge(
        "work_in_process_limit", "Cards that may be on a line at once.",
        ((key, line.in_process_max) for key, line in by_name),
    )  # fmt: skip
    yield gauge(
        "magazine_blanks", "Blanks in a line's magazine.",
        ((key, line.in_magazine) for key, line in by_name),
    )  # fmt: skip
    yield gauge(
        "printer_cleaning_due", "1 while a printer wants cleaning, as it said when last asked.",
        (
            (labelled(("line", "station"), (line.name, name)), int(due))
            for line in lines
            for name, due in line.cleaning_due.items()
        ),
    )  # fmt: skip


def _of_ledger(now: Snapshot) -> Iterator[Family]:
    writes = now.writes
    yield histogram(
        "ledger_write_seconds", "Time that events waited until they were durable.", (),
        [((), writes.bounds, writes.running(), writes.total)],
    )  # fmt: skip
    yield gauge("ledger_waiting_groups", "Groups not yet durable.", one(now.ledger_waiting))
    yield gauge("ledger_fault", "1 while the ledger cannot be written.", one(int(now.ledger_fault)))
    yield counter(
        "ledger_events", "Events recorded.",
        ((labelled(("kind",), (kind.value,)), count) for kind, count in now.events.items()),
    )  # fmt: skip


def due_label(promise_date: str, today: date) -> str:
    """Return the bucket of a promise date."""
    days_left = (date.fromisoformat(promise_date) - today).days
    return next((label for label, days in DUE if days_left <= days), LATER)


def _yes(*, express: bool) -> str:
    return "yes" if express else "no"
