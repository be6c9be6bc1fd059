"""The figures of `report quality`: what was spoiled where and why, made again, or refused."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from controller.reason_labels import reason_label
from controller.reports.reading import DAY_US, Basis, Period
from jobs.day_counts import china_day
from jobs.events import Event, Kind
from jobs.ledger.store import Store, event_from_record
from jobs.rows import Refusal
from jobs.standing import between
from jobs.states import CardTrigger, OrderState

_FIRST = 1
#: A card that was issued longer ago has left, or was spoiled, before.
LIFE_US = 90 * DAY_US


@dataclass(frozen=True, slots=True)
class Spoilage:
    """Cards spoiled on one day for one reason, found at one station ("": away from the line)."""

    day: date
    station: str
    reason: str
    cards: int


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """Applications refused for one code and field; one may be refused for several."""

    code: str
    field: str
    applications: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day's cards."""

    day: date
    made: int
    spoiled: int


@dataclass(frozen=True, slots=True)
class Quality:
    """What was good and what was not in some days."""

    first: date
    last: date
    made: int  # orders whose card was packed
    spoiled: int
    orders_done: int
    done_at_first: int
    spoilage: tuple[Spoilage, ...]
    days: tuple[DayFigures, ...]
    received: int
    refused: int
    refusals: tuple[RefusalFigures, ...]

    @property
    def spoiled_share(self) -> float | None:
        """Cards spoiled / cards made or spoiled."""
        ended = self.made + self.spoiled
        return self.spoiled / ended if ended else None

    @property
    def first_pass_yield(self) -> float | None:
        """Orders done with their first card / orders done."""
        return self.done_at_first / self.orders_done if self.orders_done else None

    @property
    def remade(self) -> int:
        """Orders that took more than one card."""
        return self.orders_done - self.done_at_first


def quality(basis: Basis, period: Period) -> Quality:
    """Work out what was spoiled, made again and refused in some days."""
    rows = between(basis.day_counts(), period.first, period.last)
    made: Counter[str] = Counter()
    spoiled: Counter[str] = Counter()
    for row in rows:
        made[row.day] += row.made
        spoiled[row.day] += row.spoiled
    (done,) = basis.store.query(
        "SELECT COUNT(*) AS orders, COUNT(CASE WHEN attempts = ? THEN 1 END) AS at_first "
        "FROM orders WHERE state = ? AND done_us >= ? AND done_us < ?",
        (_FIRST, OrderState.DONE.value, period.begins_us, period.ends_us),
    )
    days = sorted({*made, *spoiled})
    return Quality(
        first=period.first,
        last=period.last,
        made=made.total(),
        spoiled=spoiled.total(),
        orders_done=done["orders"],
        done_at_first=done["at_first"],
        spoilage=spoilage(basis.store, period.begins_us, period.ends_us),
        days=tuple(DayFigures(date.fromisoformat(d), made[d], spoiled[d]) for d in days),
        received=sum(row.received for row in rows),
        refused=sum(row.refused for row in rows),
        refusals=_refusals(basis.store, period),
    )


def spoilage(store: Store, from_us: int, until_us: int) -> tuple[Spoilage, ...]:
    """Return the cards spoiled in a stretch of time by day, station and reason."""
    found: Counter[tuple[date, str, str]] = Counter()
    spoiled = (
        "SELECT id FROM cards WHERE state IN ('spoiled', 'destroyed')"
        " AND issued_us >= ? AND issued_us < ?"
    )
    for row in store.query(spoiled, (from_us - LIFE_US, until_us)):
        events = _events_of(store, row["id"])
        at_us, station, reason = _condemned(events)
        if from_us <= at_us < until_us:
            found[china_day(at_us), station, reason_label(reason)] += 1
    return tuple(Spoilage(*key, cards) for key, cards in sorted(found.items()))


def _events_of(store: Store, card: str) -> list[Event]:
    rows = store.query("SELECT * FROM events WHERE card = ? ORDER BY sequence", (card,))
    return [event_from_record(tuple(row.values())) for row in rows]


def _condemned(events: Iterable[Event]) -> tuple[int, str, str]:
    """Return when a card was spoiled, at which station it was found bad, and why.

    The reason may be on record before the spoil; the station is that of the work which showed it.
    """
    station = reason = ""
    found_at: str | None = None
    spoiled_us = 0
    for event in events:
        data: dict[str, Any] = dict(event.draft.data)
        if event.kind is Kind.WORK_FINISHED and not event.draft.station.endswith("-transport"):
            station = event.draft.station
        if event.kind is Kind.WORK_FINISHED and data.get("trigger") == CardTrigger.PACK.value:
            station = ""  # whoever finds it bad now finds it away from the line
        if data.get("reason") and found_at is None:
            found_at, reason = station, data["reason"]
        if data.get("trigger") == CardTrigger.SETTLE.value:
            found_at, reason = None, ""
        if data.get("trigger") == CardTrigger.SPOIL.value:
            spoiled_us = event.time_us
    return spoiled_us, found_at or "", reason


def _refusals(store: Store, period: Period) -> tuple[RefusalFigures, ...]:
    found: Counter[tuple[str, str]] = Counter()
    where = f"position > 0 AND at_us >= {period.begins_us:d} AND at_us < {period.ends_us:d}"
    for refusal in store.load(Refusal, where):
        found.update({(reason["code"], reason["field"]) for reason in refusal.reasons})
    rows = (RefusalFigures(*key, applications) for key, applications in found.items())
    return tuple(sorted(rows, key=lambda row: (-row.applications, row.code, row.field)))
