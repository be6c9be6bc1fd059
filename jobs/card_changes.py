"""What an event makes of a card, and with it of its order, its box and the day's counts. Pure.

A part of the fold in `jobs/books.py`: the rows go in, the changed ones come out, and a change that
the state tables forbid raises.
"""

from jobs.book_rows import OPEN_ORDERS, BookRows
from jobs.day_counts import day_count_of
from jobs.events import Event
from jobs.load import Load
from jobs.rows import Card, Order, Row
from jobs.states import (
    CARD_TABLE,
    ORDER_TABLE,
    CardState,
    CardTrigger,
    IllegalTransition,
    OrderState,
    OrderTrigger,
    step,
)


def change_card(rows: BookRows, card: Card, event: Event) -> list[Row]:
    """Take up what an event says of a card."""
    data = event.draft.data
    trigger = data.get("trigger")
    changed: list[Row] = [card]
    if trigger:
        changed.extend(step_card(rows, card, CardTrigger(trigger), event))
    if "place" in data:
        card.place = data["place"]
        if card.state is CardState.IN_DOUBT:
            card.may_be_at = (card.place,)  # what was done to it is in doubt, not where it is
    card.reason = data.get("reason", card.reason)
    card.card_serial = data.get("card_serial", card.card_serial)
    if event.draft.chip_serial:
        claim_chip(rows, card, event.draft.chip_serial)
    rows.index_card(card)
    return changed


def claim_chip(rows: BookRows, card: Card, chip_serial: str) -> None:
    """Put on record which chip a card has, for ever."""
    owner = rows.chips.setdefault(chip_serial, card.id)
    if owner != card.id:
        raise IllegalTransition(f"chip {chip_serial} belongs to {owner}, not to {card.id}")
    card.chip_serial = chip_serial


def step_card(rows: BookRows, card: Card, trigger: CardTrigger, event: Event) -> list[Row]:
    """Step a card's state; return the other rows that this changed."""
    if trigger is CardTrigger.SETTLE:
        _settle(card)
        return []
    before = card.state
    card.state = step(CARD_TABLE, before, trigger)
    card.may_be_at = ()
    match trigger:
        case CardTrigger.DOUBT:
            card.state_before_doubt, card.reason_before_doubt = before.value, card.reason
            card.may_be_at = (card.place,)
            return []
        case CardTrigger.SPOIL:
            return _spoil(rows, card, event, was_packed=before is CardState.PACKED)
        case CardTrigger.PACK:
            return _pack(rows, card, event)
        case CardTrigger.DISPATCH:
            return _dispatch(rows, card, event)
        case _:
            return []


def step_order(rows: BookRows, order: Order, event: Event, trigger: OrderTrigger) -> None:
    """Step an order's state."""
    if trigger is OrderTrigger.REQUEUE and rows.live_card(order.id) is not None:
        raise IllegalTransition(f"{order.id} still has the live card {order.card}")
    was_open = order.state in OPEN_ORDERS
    order.state = step(ORDER_TABLE, order.state, trigger)
    rows.open_orders[order.batch, order.county] += (order.state in OPEN_ORDERS) - was_open
    order.done_us = event.time_us if order.state is OrderState.DONE else 0
    rows.index_order(order)


def _settle(card: Card) -> None:
    if card.state is not CardState.IN_DOUBT:
        raise IllegalTransition(f"{card.id} is not in doubt")
    card.state, card.state_before_doubt = CardState(card.state_before_doubt), ""
    card.reason, card.reason_before_doubt = card.reason_before_doubt, ""
    card.may_be_at = ()


def _spoil(rows: BookRows, card: Card, event: Event, *, was_packed: bool) -> list[Row]:
    order = rows.orders[card.order]
    order.spoiled += 1
    count = day_count_of(rows.day_counts, event.time_us, order)
    count.spoiled += 1
    if not was_packed:
        return [order, count]
    box = rows.boxes[card.box]
    box.cards -= 1
    return [order, count, box]


def _pack(rows: BookRows, card: Card, event: Event) -> list[Row]:
    box = rows.boxes[event.draft.box]
    card.box = box.id
    box.cards += 1
    order = rows.orders[card.order]
    step_order(rows, order, event, OrderTrigger.COMPLETE)
    count = day_count_of(rows.day_counts, event.time_us, order)
    count.made += 1
    return [box, order, count]


def _dispatch(rows: BookRows, card: Card, event: Event) -> list[Row]:
    """Count a dispatched card, and as progress the first of each person (`decisions/0018`)."""
    order = rows.orders[card.order]
    count = day_count_of(rows.day_counts, event.time_us, order)
    count.dispatched += 1
    if order.load is not Load.PERSON or rows.was_counted(order.person_key):
        return [count]
    order.counted = True
    count.counted += 1
    return [order, count]
