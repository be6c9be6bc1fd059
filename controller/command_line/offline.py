"""The listings of a centre that does not run: the same paths as its API, from the ledger's file.

It only reads. What is true at this moment of a machine nobody can tell; stations are as they were
last recorded.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller import overview, views
from controller.command_line.doors import Doors
from controller.command_line.problems import No
from controller.history import card_history, order_history
from controller.views import PAGE_MAX, Filter, Plain
from jobs.books import Books
from jobs.day_counts import china_day
from jobs.ledger.ledger import load_books
from jobs.ledger.ownership import is_empty, is_strangers
from jobs.ledger.references import WRITTEN_BY_NO_EVENT, check_references
from jobs.ledger.store import BUSY_TIMEOUT_MS, LedgerCorrupt, Store

Query = Mapping[str, str | int]


@contextmanager
def reading(path: Path) -> Iterator[Store]:
    """Open a ledger's file at one moment of its life, whatever is written meanwhile."""
    if not path.is_file():
        raise No(f"no centre runs and there is no ledger yet at {path}")
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("BEGIN")
            if is_strangers(connection):
                raise No(f"{path} is another program's database, and no ledger")
            if is_empty(connection):
                raise No(f"no centre runs, and none has begun the ledger {path} yet")
            yield Store(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise No(f"the ledger {path} cannot be read: {error}") from error


def read_listing(doors: Doors, parts: tuple[str, ...], query: Query) -> Any:
    """Return what the API of a running centre would show."""
    with reading(doors.ledger) as store:
        books = _loaded(store)
        match parts:
            case (listing,) if listing in _LISTINGS:
                return _LISTINGS[listing](books, query)
            case ("batches", batch):
                return _found(views.batch_detail(books, batch), f"there is no batch {batch}")
            case ("orders", order):
                found = _found(views.order_detail(books, order), f"there is no order {order}")
                return found | {"events": order_history(store, order)}
            case ("cards", card):
                found = _found(views.card_detail(books, card), f"there is no card {card}")
                return found | {"events": card_history(store, card)}
            case ("boxes", box):
                return _found(views.box_detail(books, box), f"there is no box {box}")
            case _:
                return _of_the_centre(doors, store, books, parts[0], query)


def _loaded(store: Store) -> Books:
    try:
        check_references(store)
        return load_books(store)
    except LedgerCorrupt as error:
        raise No(str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise No(WRITTEN_BY_NO_EVENT) from error


_LISTINGS: Mapping[str, Callable[[Books, Query], Any]] = {
    "batches": lambda books, _query: views.batches(books),
    "refused-packages": lambda books, _query: views.refused_packages(books),
    "orders": lambda books, query: views.orders(books, _filter(query)),
    "cards": lambda books, query: views.cards(books, _filter(query)),
    "boxes": lambda books, query: views.boxes(books, str(query.get("state", ""))),
    "account": lambda books, _query: overview.account_view(books),
}


def _of_the_centre(doors: Doors, store: Store, books: Books, listing: str, query: Query) -> Any:
    facts = [overview.StationFacts(*station) for station in doors.stations]
    lines = list(dict.fromkeys(one.line for one in facts))
    match listing:
        case "stations":
            return overview.stations(books, facts)
        case "lines":
            return [_stopped(line) for line in overview.lines_overview(books, lines)]
        case "stock":
            return overview.stock(books, lines)
        case "find-cards":
            what = str(query["what"])
            return views.find_cards(books, what, _approval_key(doors.keys, what))
        case "todo":
            return _todo(doors, books)
        case _:
            assert listing == "status", listing
            return _status(doors, store, books, facts)


def _status(doors: Doors, store: Store, books: Books, facts: list[overview.StationFacts]) -> Plain:
    sequence, last_us, generation, _ = store.head()
    found = overview.status(books, facts, china_day(last_us))
    return {
        "running": False,
        "ledger": {"events": sequence, "generation": generation, "waiting": 0, "fault": ""},
        "todo": len(_todo(doors, books)),
        **found,
        "lines": [_stopped(line) for line in found["lines"]],
        "name": doors.name,
    }


def _todo(doors: Doors, books: Books) -> list[Plain]:
    """Return what waits for a person whichever machines there are; first of all, the centre."""
    from controller.todo import todo_of_books, todo_of_cards

    run = {"need": "centre stopped", "subject": doors.name, "reason": "no centre runs", "code": "",
           "command": "cardcentre run", "may_be_at": []}  # fmt: skip
    return [
        run,
        *(
            asdict(item) | {"may_be_at": _may_be_at(books, item.subject)}
            for item in (*todo_of_cards(books), *todo_of_books(books))
        ),
    ]


def _may_be_at(books: Books, subject: str) -> list[str]:
    card = books.cards.get(subject)
    return list(card.may_be_at) if card is not None else []


def _stopped(line: Plain) -> Plain:
    return line | {"running": False, "reason": "no centre runs"}


def _filter(query: Query) -> Filter:
    limit = int(query.get("limit", PAGE_MAX))
    texts = {name: str(value) for name, value in query.items() if name != "limit"}
    return Filter(**texts, limit=limit)


def _found(plain: Plain | None, otherwise: str) -> Plain:
    if plain is None:
        raise No(otherwise)
    return plain


def _approval_key(keys: Path, what: str) -> str:
    """Return the index of an acceptance number, where the key is at hand."""
    from controller.intake import INDEX_KEY
    from jobs.keyed_index import approval_key
    from jobs.vault import KeyFolder, VaultError

    if not keys.is_dir():
        return ""
    try:
        return approval_key(KeyFolder(keys).key(INDEX_KEY), what)
    except (VaultError, PermissionError):
        return ""
