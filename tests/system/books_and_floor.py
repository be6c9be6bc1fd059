"""What must be true in the end: the ledger's books compared with the floor.

It reads the files of a centre that has stopped, and the inventory of its machines. The same
questions as `tests/simulation/checkers.py`, of processes.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from config.centre import Centre
from controller.assembly import products_of
from controller.preparation import Preparation
from controller.rendering.faces import FaceRenderer
from controller.rendering.fonts import PrintFont
from jobs.account import account
from jobs.books import Books
from jobs.ledger.ledger import load_books
from jobs.ledger.store import Store
from jobs.rows import Card
from jobs.states import CardState, OrderState
from jobs.vault import KeyFolder
from simulators.inventory import face_digest, file_digest

GOOD = {CardState.PACKED, CardState.DISPATCHED}
GONE = {CardState.SPOILED, CardState.DESTROYED}
PhysicalCards = Sequence[Mapping[str, Any]]


def check_ledger(path: Path) -> Books:
    """The chain holds, the equation is true at every event, and the tables say what they say."""
    store = Store.open_for_reading(str(path))
    try:
        books = Books()
        for event in store.events():
            books.apply(event)
            state = account(books)
            assert state.balanced, (event.sequence, state)
        tables = load_books(store)
    finally:
        store.close()
    assert tables.batches == books.batches
    assert tables.orders == books.orders
    assert tables.cards == books.cards
    assert tables.boxes == books.boxes
    assert tables.lines == books.lines
    assert tables.works == books.works
    return books


def is_begun(path: Path) -> bool:
    """Tell whether there is a ledger; who is killed early leaves a file with nothing in it."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def open_acts(path: Path) -> list[str]:
    """Return the acts that were under way when a ledger's writer died."""
    store = Store.open_for_reading(str(path))
    try:
        found = store.query("SELECT act FROM works WHERE state = 'open' ORDER BY id")
    finally:
        store.close()
    return [row["act"] for row in found]


def check_all(config: Centre, cards: PhysicalCards, orders: int) -> Books:
    """Compare the books of a stopped centre with the floor; return them."""
    books = check_ledger(config.ledger.path)
    assert len(books.orders) == orders
    check_one_good_card_each(books)
    check_no_serial_twice(books)
    check_places(books, cards)
    asyncio.run(_check_good_cards(config, books, cards))
    return books


def check_one_good_card_each(books: Books) -> None:
    for order in books.orders.values():
        states = Counter(card.state for card in books.cards.values() if card.order == order.id)
        good = sum(states[state] for state in GOOD)
        gone = sum(states[state] for state in GONE)
        assert order.state is OrderState.DONE, (order.id, order.state, order.reason)
        assert good == 1, (order.id, states)
        assert good + gone == states.total(), (order.id, states)
    assert not books.works, books.works


def check_no_serial_twice(books: Books) -> None:
    for name in ("chip_serial", "card_serial"):
        serials = Counter(getattr(card, name) for card in books.cards.values())
        del serials[""]
        assert all(count == 1 for count in serials.values()), serials.most_common(1)


def check_places(books: Books, cards: PhysicalCards) -> None:
    """Every physical card is in the magazine, the reject bin or a tray, as many as booked."""
    found: Counter[str] = Counter()
    for card in cards:
        place = "tray" if card["place"].startswith("tray ") else card["place"]
        assert place in {"magazine", "reject bin", "tray"}, (card["number"], card["place"])
        found[place] += 1
    states = Counter(card.state for card in books.cards.values())
    assert found["tray"] == sum(states[state] for state in GOOD)
    assert found["reject bin"] == sum(states[state] for state in GONE)
    assert found["magazine"] == sum(line.in_magazine for line in books.lines.values())
    assert found.total() == sum(line.loaded for line in books.lines.values())


async def _check_good_cards(config: Centre, books: Books, cards: PhysicalCards) -> None:
    """What lies in the trays is what was ordered, on both faces and in the chip."""
    store = Store.open_for_reading(str(config.ledger.path))
    try:
        preparation = _preparation(config, books, store)
        by_serial = {card.card_serial: card for card in books.cards.values() if card.card_serial}
        seen: Counter[str] = Counter()
        for physical in cards:
            card = by_serial.get(physical["card_serial"])
            if physical["place"].startswith("tray "):
                assert card is not None, physical
                seen[card.id] += 1
                await _check_good_card(card, physical, preparation, books)
            elif physical["place"] == "reject bin" and physical["life_cycle"] == "operational":
                assert card is None or card.state in GONE, (card, physical)
    finally:
        store.close()
    good = {card.id for card in books.cards.values() if card.state in GOOD}
    assert set(seen) == good
    assert set(seen.values()) <= {1}


async def _check_good_card(
    card: Card, physical: Mapping[str, Any], preparation: Preparation, books: Books
) -> None:
    assert card.state in GOOD, (card, physical)
    assert card.chip_serial == physical["chip_serial"]
    assert card.place in {physical["place"], "removed by hand"}, (card, physical)
    assert physical["life_cycle"] == "operational", physical
    assert physical["laminations"] == [True], physical
    assert not physical["misprinted"], physical
    assert not physical["damaged"], physical
    await preparation.prepare(books.orders[card.order])
    contents, job = preparation.chip_contents(card), preparation.print_job(card)
    preparation.forget(card.order)
    for number, content in contents.files.items():
        assert physical["files"][str(number)] == file_digest(content), (card.id, number)
    for name, panels in (("front", job.front), ("back", job.back)):
        ordered = face_digest({panel.letter: panel.data for panel in panels})
        assert physical[name] == ordered, (card.id, name)


def _preparation(config: Centre, books: Books, store: Store) -> Preparation:
    products, font = products_of(config), PrintFont.shipped()
    renderers = {
        code: FaceRenderer(product.layout, font, product.print_profile)
        for code, product in products.items()
    }
    generation = store.head()[2]
    keys = KeyFolder(config.ledger.keys)
    return Preparation(books, store, keys, products, renderers, config.name, lambda: generation)


def station_at_work(path: Path, act: str, station: str = "%") -> str:
    """Return the station (or this one) where an act is under way at this moment, or nothing."""
    connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)
    try:
        row = connection.execute(
            "SELECT station FROM works WHERE state = 'open' AND act = ? AND station LIKE ? LIMIT 1",
            (act, station),
        ).fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else ""
