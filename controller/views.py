"""What listings show of batches, orders, cards and boxes; the keys are those of every `--json`.

The API of a running centre and a command that reads the ledger file use the same functions. They
change nothing and know no personal data. Times are ISO 8601 in UTC, or empty. Stations, stock and
the account are in `controller/overview.py`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from controller.waiting import doing, why_card_waits, why_order_waits
from jobs.books import Books
from jobs.rows import Batch, Box, Card, Order
from jobs.states import OrderState

PAGE_MAX = 500

Plain = dict[str, Any]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of a listing are wanted (empty: all): at most `limit`, after the id `after`."""

    state: str = ""
    batch: str = ""
    county: str = ""
    line: str = ""
    after: str = ""
    limit: int = PAGE_MAX


def iso(time_us: int) -> str:
    """Return a moment as text, empty for none."""
    if not time_us:
        return ""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Batches


def batches(books: Books) -> list[Plain]:
    """List all batches."""
    counts = _orders_by_batch(books)
    return [_batch(batch, counts.get(batch.id, Counter())) for batch in books.batches.values()]


def batch_detail(books: Books, batch_id: str) -> Plain | None:
    """Show one batch with its refusals and boxes."""
    batch = books.batches.get(batch_id)
    if batch is None:
        return None
    counts = _orders_by_batch(books).get(batch_id, Counter())
    return _batch(batch, counts) | {
        "refusals": [
            {"position": row.position, "at": iso(row.at_us), "reasons": row.reasons}
            for row in books.refusals.values()
            if row.batch == batch_id
        ],
        "boxes": [_box(box) for box in books.boxes.values() if box.batch == batch_id],
    }


def refused_packages(books: Books) -> list[Plain]:
    """List the packages that were refused whole."""
    return [
        {"package": row.package_number, "at": iso(row.at_us), "reasons": row.reasons}
        for row in books.refusals.values()
        if not row.position
    ]


def _orders_by_batch(books: Books) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for order in books.orders.values():
        counts.setdefault(order.batch, Counter())[order.state.value] += 1
    return counts


def _batch(batch: Batch, orders: Mapping[str, int]) -> Plain:
    return {
        "id": batch.id,
        "package": batch.package_number,
        "state": batch.state.value,
        "county": batch.county,
        "received_at": iso(batch.received_us),
        "closed_at": iso(batch.closed_us),
        "applications": batch.applications,
        "refused": batch.refused,
        "orders": {state.value: orders.get(state.value, 0) for state in OrderState},
        "reason": batch.reason,
    }


# Orders and cards


def orders(books: Books, wanted: Filter) -> list[Plain]:
    """List orders in the order they were taken in."""
    rows = (
        _order(books, order)
        for order in _after(books.orders, wanted.after)
        if wanted.state in {"", order.state.value}
        and wanted.batch in {"", order.batch}
        and wanted.county in {"", order.county}
    )
    return list(islice(rows, wanted.limit))


def order_detail(books: Books, order_id: str) -> Plain | None:
    """Show one order: where it is, its cards, and why it waits."""
    order = books.orders.get(order_id)
    if order is None:
        return None
    return _order(books, order) | {
        "waits": why_order_waits(books, order),
        "cards": [_card(card) for card in books.cards.values() if card.order == order_id],
    }


def cards(books: Books, wanted: Filter) -> list[Plain]:
    """List cards in the order they were issued."""
    rows = (
        _card(card)
        for card in _after(books.cards, wanted.after)
        if wanted.state in {"", card.state.value}
        and wanted.line in {"", card.line}
        and wanted.batch in {"", books.orders[card.order].batch}
    )
    return list(islice(rows, wanted.limit))


def card_detail(books: Books, card_id: str) -> Plain | None:
    """Show one card: where it is, what is being done to it, and why it waits."""
    card = books.cards.get(card_id)
    if card is None:
        return None
    order = books.orders[card.order]
    return _card(card) | {
        "batch": order.batch,
        "county": order.county,
        "doing": doing(books, card),
        "waits": why_card_waits(books, card),
    }


def find_cards(books: Books, what: str, approval_key: str = "") -> list[Plain]:
    """Return the cards of an id, order, chip or card serial, or approval, oldest first."""
    orders = [what] if what in books.orders else books.approvals.get(approval_key, [])
    serial = what.lower()
    return [
        _card(card)
        for card in books.cards.values()
        if card.id == what
        or card.order in orders
        or (serial and serial in {card.chip_serial.lower(), card.card_serial.lower()})
    ]


def _order(books: Books, order: Order) -> Plain:
    card = books.cards.get(order.card)
    return {
        "id": order.id,
        "batch": order.batch,
        "county": order.county,
        "product": order.product,
        "load": order.load.value,
        "express": order.express,
        "state": order.state.value,
        "promise_date": order.promise_date,
        "received_at": iso(order.received_us),
        "done_at": iso(order.done_us),
        "attempts": order.attempts,
        "spoiled": order.spoiled,
        "card": order.card,
        "place": card.place if card else "",
        "box": card.box if card else "",
        "reason": order.reason,
    }


def _card(card: Card) -> Plain:
    return {
        "id": card.id,
        "order": card.order,
        "attempt": card.attempt,
        "line": card.line,
        "state": card.state.value,
        "place": card.place,
        "may_be_at": list(card.may_be_at),
        "box": card.box,
        "issued_at": iso(card.issued_us),
        "chip_serial": card.chip_serial,
        "card_serial": card.card_serial,
        "reason": card.reason,
    }


def _after(rows: Mapping[str, Row], after: str) -> Iterator[Row]:
    """Iterate over the rows that come after an id."""
    found = iter(rows.items())
    if after in rows:
        for name, _ in found:
            if name == after:
                break
    return (row for _, row in found)


# Boxes


def boxes(books: Books, state: str = "") -> list[Plain]:
    """List all boxes."""
    return [_box(box) for box in books.boxes.values() if state in {"", box.state.value}]


def box_detail(books: Books, box_id: str) -> Plain | None:
    """Show one box with its cards."""
    box = books.boxes.get(box_id)
    if box is None:
        return None
    inside = [card for card in books.cards.values() if card.box == box_id]
    return _box(box) | {"contents": [_card(card) for card in inside]}


def _box(box: Box) -> Plain:
    return {
        "id": box.id,
        "batch": box.batch,
        "county": box.county,
        "state": box.state.value,
        "line": box.line,
        "tray": box.tray,
        "cards": box.cards,
        "opened_at": iso(box.opened_us),
        "sealed_at": iso(box.sealed_us),
    }
