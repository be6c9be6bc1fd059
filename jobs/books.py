"""The books: the fold of all events into what is true at this moment. Pure.

One event in, the changed rows out; an event that the state tables forbid raises. The ledger writes
the rows in the same transaction as the event, so files and memory cannot disagree.
"""

from collections import Counter
from collections.abc import Callable

from jobs.events import Event, Kind
from jobs.rows import (
    HAND,
    MAGAZINE,
    Batch,
    Box,
    BoxState,
    Card,
    Line,
    Order,
    Refusal,
    Row,
    Station,
    Work,
    WorkState,
)
from jobs.states import (
    BATCH_TABLE,
    CARD_TABLE,
    ORDER_TABLE,
    BatchState,
    BatchTrigger,
    CardState,
    CardTrigger,
    IllegalTransition,
    OrderState,
    OrderTrigger,
    StationState,
    step,
)

OFF_THE_LINE = {CardState.PACKED, CardState.DISPATCHED, CardState.SPOILED, CardState.DESTROYED}
OPEN_ORDERS = {OrderState.QUEUED, OrderState.IN_PRODUCTION, OrderState.HELD}


class Books:
    """Every batch, order, card, work, box, station and line, by id."""

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self.orders: dict[str, Order] = {}
        self.cards: dict[str, Card] = {}
        self.works: dict[str, Work] = {}  # open ones only; finished works live in the ledger
        self.boxes: dict[str, Box] = {}
        self.stations: dict[str, Station] = {}
        self.lines: dict[str, Line] = {}
        self.refusals: dict[str, Refusal] = {}
        self.chips: dict[str, str] = {}  # chip serial -> card
        self.persons: dict[str, list[str]] = {}  # person key -> orders
        self.approvals: dict[str, list[str]] = {}  # approval key -> orders
        self.works_begun = 0
        # Indexes over the rows above, kept by the fold so that nobody has to search for years.
        self.open_orders: Counter[tuple[str, str]] = Counter()  # by batch and county
        self.held_orders: dict[str, Order] = {}
        self.on_the_line: dict[str, Card] = {}
        self.card_serials: dict[str, str] = {}  # card serial -> card
        self._fold: dict[Kind, Callable[[Event], list[Row]]] = {
            Kind.LEDGER_OPENED: lambda _event: [],
            Kind.PACKAGE_REFUSED: self._refused,
            Kind.APPLICATION_REFUSED: self._refused,
            Kind.BATCH_RECEIVED: self._batch_received,
            Kind.BATCH_CHANGED: self._batch_changed,
            Kind.ORDER_CREATED: self._order_created,
            Kind.ORDER_CHANGED: self._order_changed,
            Kind.CARD_ISSUED: self._card_issued,
            Kind.CARD_CHANGED: self._card_changed,
            Kind.WORK_BEGUN: self._work_begun,
            Kind.WORK_FINISHED: self._work_finished,
            Kind.STATION_CHANGED: self._station,
            Kind.MACHINE_SEEN: self._station,
            Kind.LINE_CHANGED: self._line,
            Kind.STOCK_CHANGED: self._line,
            Kind.BOX_OPENED: self._box_opened,
            Kind.BOX_SEALED: self._box_closed,
            Kind.BOX_DISPATCHED: self._box_closed,
        }

    def apply(self, event: Event) -> list[Row]:
        """Fold one event; return the rows that changed."""
        return self._fold[event.kind](event)

    def index(self) -> None:
        """Make the indexes from the rows, after these were loaded."""
        for order in self.orders.values():
            self.persons.setdefault(order.person_key, []).append(order.id)
            self.approvals.setdefault(order.approval_key, []).append(order.id)
            self.open_orders[order.batch, order.county] += order.state in OPEN_ORDERS
            self._index_order(order)
        for card in self.cards.values():
            if card.chip_serial:
                self.chips[card.chip_serial] = card.id
            self._index_card(card)

    def _index_order(self, order: Order) -> None:
        if order.state is OrderState.HELD:
            self.held_orders[order.id] = order
        else:
            self.held_orders.pop(order.id, None)

    def _index_card(self, card: Card) -> None:
        if card.state in OFF_THE_LINE:
            self.on_the_line.pop(card.id, None)
        else:
            self.on_the_line[card.id] = card
        if card.card_serial:
            self.card_serials[card.card_serial] = card.id

    def line(self, name: str) -> Line:
        """Return a line's row, made on first sight."""
        return self.lines.setdefault(name, Line(name))

    def live_card(self, order: str) -> Card | None:
        """Return the card that may still become an order's good card."""
        card = self.cards.get(self.orders[order].card)
        if card is None or card.state in {CardState.SPOILED, CardState.DESTROYED}:
            return None
        return card

    def _refused(self, event: Event) -> list[Row]:
        data = event.draft.data
        refusal = Refusal(
            id=f"R-{event.sequence:08d}",
            package_number=data["package_number"],
            batch=event.draft.batch,
            position=data.get("position", 0),
            at_us=event.time_us,
            held=False,
            reasons=list(data["reasons"]),
        )
        self.refusals[refusal.id] = refusal
        rows: list[Row] = [refusal]
        if event.kind is Kind.APPLICATION_REFUSED and event.draft.batch in self.batches:
            batch = self.batches[event.draft.batch]
            batch.refused += 1
            rows.append(batch)
        return rows

    def _batch_received(self, event: Event) -> list[Row]:
        data = event.draft.data
        batch = Batch(
            id=event.draft.batch,
            package_number=data["package_number"],
            product=data["product"],
            county=data["county"],
            state=BatchState.RECEIVED,
            received_us=event.time_us,
            applications=data["applications"],
        )
        assert batch.id not in self.batches, batch.id
        self.batches[batch.id] = batch
        return [batch]

    def _batch_changed(self, event: Event) -> list[Row]:
        batch = self.batches[event.draft.batch]
        batch.state = step(BATCH_TABLE, batch.state, BatchTrigger(event.draft.data["trigger"]))
        batch.reason = event.draft.data.get("reason", "")
        if batch.state is BatchState.CLOSED:
            batch.closed_us = event.time_us
        return [batch]

    def _order_created(self, event: Event) -> list[Row]:
        draft, data = event.draft, event.draft.data
        order = Order(
            id=draft.order,
            batch=draft.batch,
            position=data["position"],
            county=data["county"],
            product=data["product"],
            express=data["express"],
            reason_code=data["reason_code"],
            received_us=event.time_us,
            promise_date=data["promise_date"],
            state=OrderState.HELD if data.get("hold") else OrderState.QUEUED,
            person_key=draft.person_key,
            approval_key=draft.approval_key,
            reason=data.get("hold", ""),
        )
        assert order.id not in self.orders, order.id
        self.orders[order.id] = order
        self.persons.setdefault(order.person_key, []).append(order.id)
        self.approvals.setdefault(order.approval_key, []).append(order.id)
        self.open_orders[order.batch, order.county] += 1
        self._index_order(order)
        return [order]

    def _order_changed(self, event: Event) -> list[Row]:
        order = self.orders[event.draft.order]
        self._step_order(order, event, OrderTrigger(event.draft.data["trigger"]))
        order.reason = event.draft.data.get("reason", "")
        return [order]

    def _step_order(self, order: Order, event: Event, trigger: OrderTrigger) -> None:
        if trigger is OrderTrigger.REQUEUE and self.live_card(order.id) is not None:
            raise IllegalTransition(f"{order.id} still has the live card {order.card}")
        was_open = order.state in OPEN_ORDERS
        order.state = step(ORDER_TABLE, order.state, trigger)
        self.open_orders[order.batch, order.county] += (order.state in OPEN_ORDERS) - was_open
        order.done_us = event.time_us if order.state is OrderState.DONE else 0
        self._index_order(order)

    def _card_issued(self, event: Event) -> list[Row]:
        draft, data = event.draft, event.draft.data
        order, line = self.orders[draft.order], self.line(data["line"])
        if self.live_card(order.id) is not None:
            raise IllegalTransition(f"{order.id} has a live card: {order.card}")
        if line.in_magazine < 1:
            raise IllegalTransition(f"{line.id} has no blank in its magazine")
        order.state = step(ORDER_TABLE, order.state, OrderTrigger.BEGIN)
        order.attempts += 1
        order.card = draft.card
        line.taken += 1
        card = Card(
            id=draft.card,
            order=order.id,
            attempt=order.attempts,
            line=line.id,
            state=CardState.BLANK,
            place=MAGAZINE,
            issued_us=event.time_us,
        )
        assert card.id not in self.cards, card.id
        self.cards[card.id] = card
        self._index_card(card)
        return [order, line, card]

    def _card_changed(self, event: Event) -> list[Row]:
        return self._change_card(self.cards[event.draft.card], event)

    def _change_card(self, card: Card, event: Event) -> list[Row]:
        data = event.draft.data
        trigger = data.get("trigger")
        rows: list[Row] = [card]
        if trigger:
            rows.extend(self._step_card(card, CardTrigger(trigger), event))
        if "place" in data:
            card.place = data["place"]
            if card.state is CardState.IN_DOUBT:
                card.may_be_at = (card.place,)  # what was done to it is in doubt, not where it is
        card.reason = data.get("reason", card.reason)
        card.card_serial = data.get("card_serial", card.card_serial)
        if event.draft.chip_serial:
            self._claim_chip(card, event.draft.chip_serial)
        self._index_card(card)
        return rows

    def _claim_chip(self, card: Card, chip_serial: str) -> None:
        owner = self.chips.setdefault(chip_serial, card.id)
        if owner != card.id:
            raise IllegalTransition(f"chip {chip_serial} belongs to {owner}, not to {card.id}")
        card.chip_serial = chip_serial

    def _step_card(self, card: Card, trigger: CardTrigger, event: Event) -> list[Row]:
        before = card.state
        if trigger is CardTrigger.SETTLE:
            if before is not CardState.IN_DOUBT:
                raise IllegalTransition(f"{card.id} is not in doubt")
            card.state, card.state_before_doubt = CardState(card.state_before_doubt), ""
            card.reason, card.reason_before_doubt = card.reason_before_doubt, ""
            card.may_be_at = ()
            return []
        card.state = step(CARD_TABLE, before, trigger)
        card.may_be_at = ()
        if trigger is CardTrigger.DOUBT:
            card.state_before_doubt, card.reason_before_doubt = before.value, card.reason
            card.may_be_at = (card.place,)
        if trigger is CardTrigger.SPOIL:
            order = self.orders[card.order]
            order.spoiled += 1
            if before is not CardState.PACKED:
                return [order]
            box = self.boxes[card.box]
            box.cards -= 1
            return [order, box]
        if trigger is CardTrigger.PACK:
            box = self.boxes[event.draft.box]
            card.box = box.id
            box.cards += 1
            order = self.orders[card.order]
            self._step_order(order, event, OrderTrigger.COMPLETE)
            return [box, order]
        return []

    def _work_begun(self, event: Event) -> list[Row]:
        draft, data = event.draft, event.draft.data
        work = Work(
            id=draft.work,
            act=data["act"],
            station=draft.station,
            cards=tuple(data["cards"]),
            state=WorkState.OPEN,
            begun_us=event.time_us,
            source=data.get("source", ""),
            destination=data.get("destination", ""),
            note=dict(data["note"]),
        )
        for other in self.works.values():
            if other.station == work.station or set(other.cards) & set(work.cards):
                raise IllegalTransition(f"{work.id} while {other.id} is open")
        rows: list[Row] = [work]
        if draft.chip_serial:
            card = self.cards[work.cards[0]]
            self._claim_chip(card, draft.chip_serial)
            rows.append(card)
        self.works[work.id] = work
        self.works_begun += 1
        return rows

    def _work_finished(self, event: Event) -> list[Row]:
        work = self.works.pop(event.draft.work)
        work.state = WorkState(event.draft.data["outcome"])
        work.finished_us = event.time_us
        rows: list[Row] = [work]
        for name in work.cards:
            card = self.cards[name]
            rows.extend(self._change_card(card, event))
            if work.state is WorkState.UNKNOWN and card.state is CardState.IN_DOUBT:
                places = (work.source, work.destination)
                card.may_be_at = tuple(place for place in places if place)
        return rows

    def _station(self, event: Event) -> list[Row]:
        data, name = event.draft.data, event.draft.station
        station = self.stations.get(name)
        if station is None:
            station = Station(name, StationState.STOPPED, event.time_us)
            self.stations[name] = station
        if event.kind is Kind.MACHINE_SEEN:
            station.machine_serial = event.draft.machine_serial
            return [station]
        station.state = StationState(data["state"])
        station.reason, station.code = data.get("reason", ""), data.get("code", "")
        station.since_us = event.time_us
        return [station]

    def _line(self, event: Event) -> list[Row]:
        data = event.draft.data
        line = self.line(data["line"])
        if event.kind is Kind.LINE_CHANGED:
            line.running, line.reason = data["running"], data.get("reason", "")
            return [line]
        line.loaded += data.get("loaded", 0)
        line.returned += data.get("returned", 0)
        line.samples += data.get("samples", 0)
        if line.in_magazine < 0:
            raise IllegalTransition(f"{line.id} would have {line.in_magazine} blanks")
        return [line]

    def _box_opened(self, event: Event) -> list[Row]:
        data = event.draft.data
        box = Box(
            id=event.draft.box,
            batch=event.draft.batch,
            county=data["county"],
            line=data["line"],
            tray=data["tray"],
            state=BoxState.OPEN,
            opened_us=event.time_us,
        )
        assert box.id not in self.boxes, box.id
        self.boxes[box.id] = box
        return [box]

    def _box_closed(self, event: Event) -> list[Row]:
        box = self.boxes[event.draft.box]
        expected = BoxState.OPEN if event.kind is Kind.BOX_SEALED else BoxState.SEALED
        if box.state is not expected:
            raise IllegalTransition(f"{box.id} is {box.state}")
        if event.kind is Kind.BOX_SEALED:
            box.state, box.sealed_us = BoxState.SEALED, event.time_us
            return [box]
        box.state = BoxState.DISPATCHED
        rows: list[Row] = [box]
        for card_id in event.draft.data["cards"]:
            card = self.cards[card_id]
            assert card.box == box.id, card_id
            rows.extend([card, *self._step_card(card, CardTrigger.DISPATCH, event)])
            card.place = HAND
        return rows
