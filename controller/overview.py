"""What listings show of stations, lines, stock, and of the centre as a whole.

Like `controller/views.py`: used by the API of a running centre and by commands that read the ledger
file, which know the stations only as they were last recorded.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from controller.views import Plain, iso
from jobs.account import account
from jobs.books import OPEN_ORDERS, Books
from jobs.rows import Line, Station, Work
from jobs.states import BatchState, CardState, StationState

SOON_DAYS = 3
_OFF_THE_LINE = {
    CardState.PACKED,
    CardState.DISPATCHED,
    CardState.SPOILED,
    CardState.DESTROYED,
}


@dataclass(frozen=True, slots=True)
class StationFacts:
    """What the books do not know of a station: which line it stands on and what it is."""

    name: str
    line: str
    kind: str
    cleaning_due: bool = False


def stations(books: Books, facts: Sequence[StationFacts] = ()) -> list[Plain]:
    """List the stations in line order; without facts, those that the books have seen."""
    known = facts or [StationFacts(name, "", "") for name in books.stations]
    works = {work.station: work for work in books.works.values()}
    return [_station(books.stations.get(one.name), one, works.get(one.name)) for one in known]


def _station(row: Station | None, facts: StationFacts, work: Work | None) -> Plain:
    return {
        "name": facts.name,
        "line": facts.line,
        "kind": facts.kind,
        "state": row.state.value if row else StationState.STOPPED.value,
        "since": iso(row.since_us) if row else "",
        "act": work.act if work else "",
        "cards": list(work.cards) if work else [],
        "reason": row.reason if row else "",
        "code": row.code if row else "",
        "machine_serial": row.machine_serial if row else "",
        "cleaning": "due" if facts.cleaning_due else "",
    }


def stock(books: Books, lines: Iterable[str] = ()) -> list[Plain]:
    """List the blanks of every line."""
    return [
        {
            "line": line.id,
            "in_magazine": line.in_magazine,
            "loaded": line.loaded,
            "taken": line.taken,
            "returned": line.returned,
            "samples": line.samples,
        }
        for line in _lines(books, lines)
    ]


def lines_overview(books: Books, names: Iterable[str] = ()) -> list[Plain]:
    """List the lines: whether they feed, and what is on them."""
    on_the_line = Counter(
        card.line for card in books.cards.values() if card.state not in _OFF_THE_LINE
    )
    return [
        {
            "name": line.id,
            "running": line.running,
            "reason": line.reason,
            "in_process": on_the_line[line.id],
            "in_magazine": line.in_magazine,
        }
        for line in _lines(books, names)
    ]


def _lines(books: Books, names: Iterable[str]) -> list[Line]:
    found = [books.lines.get(name, Line(name)) for name in names]
    return found or list(books.lines.values())


def account_view(books: Books) -> Plain:
    """Show the equation of blanks and whether it holds."""
    counted = account(books)
    return asdict(counted) | {"balanced": counted.balanced}


def status(books: Books, facts: Sequence[StationFacts], today: date) -> Plain:
    """Show the centre at a glance; the caller adds what only it knows."""
    lines = list(dict.fromkeys(one.line for one in facts))
    batch_states = Counter(batch.state for batch in books.batches.values())
    box_states = Counter(box.state.value for box in books.boxes.values())
    card_states = Counter(card.state for card in books.cards.values())
    return {
        "lines": lines_overview(books, lines),
        "stations": stations(books, facts),
        "batches": {state.value: batch_states[state] for state in BatchState},
        "orders": account(books).orders_by_state,
        "cards": {state.value: card_states[state] for state in CardState},
        "boxes": dict(sorted(box_states.items())),
        "promises": promises(books, today),
        "account": account_view(books),
    }


def promises(books: Books, today: date) -> Plain:
    """Count the open orders whose promise date is past or near."""
    soon = (today + timedelta(days=SOON_DAYS)).isoformat()
    dates = [order.promise_date for order in books.orders.values() if order.state in OPEN_ORDERS]
    overdue = sum(day < today.isoformat() for day in dates)
    return {
        "today": today.isoformat(),
        "overdue": overdue,
        f"due_in_{SOON_DAYS}_days": sum(day <= soon for day in dates) - overdue,
        "open": len(dates),
    }
