"""Proving a ledger's file: its chain, the tables against the fold of all events, the account.

It reads one moment of the file and trusts nothing in it. It cannot tell a ledger that was written
anew from its beginning; for that its digest must have been noted elsewhere.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from controller.command_line.centre import equation
from controller.command_line.offline import reading
from controller.command_line.progress import STEPS_TOLD, progress
from controller.overview import account_view
from jobs.account import account
from jobs.books import Books
from jobs.ledger.ledger import load_books
from jobs.ledger.store import LedgerCorrupt, Store
from jobs.rows import Work, WorkState


@dataclass(slots=True)
class Audit:
    """What was found."""

    events: int = 0
    generation: int = 0
    ledger_digest: str = ""
    account: str = ""
    problems: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"whole": not self.problems}


def audit_ledger(path: Path) -> Audit:
    """Check a ledger's file from its first event to its last."""
    with reading(path) as store:
        found = Audit()
        found.events, _, found.generation, found.ledger_digest = store.head()
        works: dict[str, Work] = {}
        folded = _fold(store, found, works)
        if folded is not None:
            found.account = equation(account_view(folded))
            if not account(folded).balanced:
                found.problems.append("the equation of blanks does not hold")
            _compare(store, folded, works, found)
        return found


def _fold(store: Store, found: Audit, works: dict[str, Work]) -> Books | None:
    """Fold all events; None when the chain or an event does not hold."""
    books, done = Books(), 0
    try:
        with progress("checking", found.events) as advance:
            for event in store.events():
                for row in books.apply(event):
                    if isinstance(row, Work) and row.state is not WorkState.OPEN:
                        works[row.id] = row
                done += 1
                if done % STEPS_TOLD == 0:
                    advance(STEPS_TOLD)
    except LedgerCorrupt as error:
        found.problems.append(str(error))
        return None
    except (AssertionError, KeyError, ValueError, TypeError) as error:
        # A forged event may hold anything; what it is, is no part of the finding.
        found.problems.append(f"event {done + 1} makes no sense ({type(error).__name__})")
        return None
    return books


def _compare(store: Store, folded: Books, works: dict[str, Work], found: Audit) -> None:
    """Note every table that says something else than the events."""
    try:
        loaded = load_books(store)
        finished = {row.id: row for row in store.load(Work, "state <> 'open'")}
    except (ValueError, TypeError, KeyError) as error:
        found.problems.append(f"a table holds what no event can write ({type(error).__name__})")
        return
    tables: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
        "batches": (folded.batches, loaded.batches),
        "orders": (folded.orders, loaded.orders),
        "cards": (folded.cards, loaded.cards),
        "open works": (folded.works, loaded.works),
        "finished works": (works, finished),
        "boxes": (folded.boxes, loaded.boxes),
        "stations": (folded.stations, loaded.stations),
        "lines": (folded.lines, loaded.lines),
        "refusals": (folded.refusals, loaded.refusals),
        "day counts": (folded.day_counts, loaded.day_counts),
    }
    for name, (told, written) in tables.items():
        if told != written:
            wrong = sorted(_different(told, written))
            found.problems.append(
                f"the table of {name} disagrees with the events about {', '.join(wrong[:5])}"
                + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            )
    if Counter(+folded.open_orders) != Counter(+loaded.open_orders):
        found.problems.append("the counts of open orders disagree with the events")


def _different(told: Mapping[str, Any], written: Mapping[str, Any]) -> set[str]:
    return {name for name in told.keys() | written.keys() if told.get(name) != written.get(name)}
