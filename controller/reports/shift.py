"""The figures of `report shift`: one shift from its begin to its end, or to the last event."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from controller.reports.oee import Oee, oee_of
from controller.reports.quality import Spoilage, spoilage
from controller.reports.reading import Basis, Period, account_terms, spans_of, station_events
from controller.reports.stops import stops
from jobs.events import Event, Kind
from jobs.rows import Line
from jobs.shifts import ShiftSpan
from jobs.states import CardTrigger
from jobs.station_time import Span, time_account

HOUR_US = 3_600_000_000
#: The stages of a card that a shift is counted by, in their order.
STAGES = (
    CardTrigger.PRINT,
    CardTrigger.LAMINATE,
    CardTrigger.ENCODE,
    CardTrigger.VERIFY,
    CardTrigger.PACK,
    CardTrigger.SPOIL,
    CardTrigger.DISPATCH,
)
#: What people do to a magazine.
_STOCK_TERMS = ("loaded", "returned", "samples")
STOPS_SHOWN = 15
#: Who acts without being a person.
NOBODY = frozenset({"centre", "simulation"})


@dataclass(frozen=True, slots=True)
class Hour:
    """The cards that reached each stage in one hour, or the part of it that is in the shift."""

    begins_us: int
    cards: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stock:
    """A line's blanks: what the shift changed, and what was left at the last event."""

    line: str
    loaded: int
    issued: int
    returned: int
    samples: int
    in_magazine_now: int


@dataclass(frozen=True, slots=True)
class PersonsActs:
    """What one person did, and how often."""

    actor: str
    kind: str
    times: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift."""

    name: str
    day: date
    begins_us: int
    ends_us: int  # of what is reported: the last event's moment while the shift goes on
    complete: bool
    hours: tuple[Hour, ...]
    good: int
    spoiled: int
    spoilage: tuple[Spoilage, ...]
    time: Oee
    stops: tuple[Span, ...]
    stops_in_all: int
    stock: tuple[Stock, ...]
    acts: tuple[PersonsActs, ...]
    account: Mapping[str, int]
    account_at_us: int

    @property
    def balanced(self) -> bool:
        """True when every blank is accounted for."""
        issued, *parts = self.account.values()
        return issued == sum(parts)


class NoSuchShift(Exception):
    """There was no such shift on that day."""

    code = "report.no_such_shift"


def shift_of(basis: Basis, day: date, name: str) -> ShiftSpan:
    """Return a shift by its day and name ("": the day's last that has begun)."""
    period = Period(day, day)
    spans = spans_of(basis.shifts, period.begins_us, period.ends_us)
    of_day = [one for one in spans if one.day == day]
    found = [one for one in of_day if name in {"", one.name}]
    known = [basis.known(one.begins_us, one.ends_us) for one in found]
    begun = [
        one for one, (begins_us, ends_us) in zip(found, known, strict=True) if begins_us < ends_us
    ]
    if not begun:
        names = ", ".join(one.name for one in of_day)
        why = f"the ledger has none (that day has {names})" if names else "no shift is worked"
        raise NoSuchShift(f"shift {name} of {day}: {why}" if name else f"{day}: {why}")
    return begun[-1]


def _is_known(basis: Basis, span: ShiftSpan) -> bool:
    begins_us, ends_us = basis.known(span.begins_us, span.ends_us)
    return begins_us < ends_us


def shift(basis: Basis, span: ShiftSpan) -> Shift:
    """Work out what happened in a shift."""
    last_us = basis.last_us()
    begins_us, ends_us = basis.known(span.begins_us, span.ends_us)
    counts = _Counts(begins_us, ends_us)
    time = time_account(
        counts.watching(station_events(basis.store, begins_us, ends_us)),
        basis.stations,
        spans_of(basis.shifts, begins_us, ends_us),
        begins_us,
        ends_us,
    )
    stopped = stops(basis, begins_us, ends_us)
    return Shift(
        name=span.name,
        day=span.day,
        begins_us=begins_us,
        ends_us=ends_us,
        complete=ends_us == span.ends_us,
        hours=counts.hours(),
        good=sum(ended.packed for ended in time.lines.values()),
        spoiled=sum(ended.spoiled for ended in time.lines.values()),
        spoilage=spoilage(basis.store, begins_us, ends_us),
        time=oee_of(time),
        stops=tuple(stopped[:STOPS_SHOWN]),
        stops_in_all=len(stopped),
        stock=counts.stock(basis.store.load(Line)),
        acts=counts.acts(),
        account=account_terms(basis.store),
        account_at_us=last_us,
    )


class _Counts:
    """Sees the events of a shift in their order and counts what its report shows."""

    def __init__(self, from_us: int, until_us: int) -> None:
        self._from_us, self._until_us = from_us, until_us
        self._stages: Counter[tuple[int, str]] = Counter()
        self._blanks: dict[str, Counter[str]] = {}
        self._acts: Counter[tuple[str, str]] = Counter()
        self._works: dict[str, int] = {}  # open works: how many cards

    def watching(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass events on, and count them."""
        for event in events:
            self._see(event, within=self._from_us <= event.time_us < self._until_us)
            yield event

    def _see(self, event: Event, *, within: bool) -> None:
        draft, data = event.draft, event.draft.data
        cards = 1
        if event.kind is Kind.WORK_BEGUN:
            self._works[draft.work] = len(data["cards"])
        elif event.kind is Kind.WORK_FINISHED:
            cards = self._works.pop(draft.work, 1)
        elif event.kind is Kind.BOX_DISPATCHED:
            cards = len(data["cards"])
        if not within:
            return
        hour_us = event.time_us // HOUR_US * HOUR_US
        if event.kind is Kind.BOX_DISPATCHED:
            self._stages[hour_us, CardTrigger.DISPATCH.value] += cards
        elif event.kind in {Kind.WORK_FINISHED, Kind.CARD_CHANGED} and "trigger" in data:
            self._stages[hour_us, data["trigger"]] += cards
        elif event.kind is Kind.STOCK_CHANGED:
            blanks = self._blanks.setdefault(data["line"], Counter())
            blanks.update({term: data.get(term, 0) for term in _STOCK_TERMS})
        elif event.kind is Kind.CARD_ISSUED:
            self._blanks.setdefault(data["line"], Counter())["issued"] += 1
        if draft.actor not in NOBODY:
            self._acts[draft.actor, event.kind.value] += 1

    def hours(self) -> tuple[Hour, ...]:
        """Return every hour of the shift."""
        first = self._from_us // HOUR_US * HOUR_US
        return tuple(
            Hour(
                max(hour_us, self._from_us),
                {stage.value: self._stages[hour_us, stage.value] for stage in STAGES},
            )
            for hour_us in range(first, self._until_us, HOUR_US)
        )

    def stock(self, lines: Iterable[Line]) -> tuple[Stock, ...]:
        """Return every line's blanks."""
        return tuple(
            Stock(
                line.id,
                found["loaded"],
                found["issued"],
                found["returned"],
                found["samples"],
                line.in_magazine,
            )
            for line in lines
            for found in [self._blanks.get(line.id, Counter())]
        )

    def acts(self) -> tuple[PersonsActs, ...]:
        """Return who did what."""
        return tuple(PersonsActs(*key, times) for key, times in sorted(self._acts.items()))
