"""The books: the fold of all events into what is true at this moment. Pure.

One event in, the changed rows out; an event that the state tables forbid raises. The ledger writes
the rows in the same transaction as the event, so files and memory cannot disagree.
"""

from collections.abc import Callable

from jobs.book_rows import OFF_THE_LINE, OPEN_ORDERS, BookRows
from jobs.card_changes import change_card, claim_chip, step_card, step_order
from jobs.day_counts import day_count, day_count_of
from jobs.events import Event, Kind
from jobs.fees import Fee
from jobs.load import Load
from jobs.rows import (
    HAND,
    MAGAZINE,
    Batch,
    Box,
    BoxState,
    Card,
    Order,
    Refusal,
    Row,
    Station,
    Work,
    WorkState,
)
from jobs.states import (
    BATCH_TABLE,
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

__all__ = ["OFF_THE_LINE", "OPEN_ORDERS", "Books"]


class Books(BookRows):
    """The rows, and what every kind of event makes of them."""

    def __init__(self) -> None:
        super().__init__()
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
            # Only reports and audits ask for these, from the events.
            Kind.SHIFT_BEGUN: lambda _event: [],
            Kind.CAPTURE_BEGUN: lambda _event: [],
            Kind.CAPTURE_ENDED: lambda _event: [],
            Kind.CLEANING_BEGUN: lambda _event: [],
            Kind.CLEANING_ENDED: lambda _event: [],
        }

    def apply(self, event: Event) -> list[Row]:
        """Fold one event; return the rows that changed."""
        return self._fold[event.kind](event)

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
        self.index_refusal(refusal)
        rows: list[Row] = [refusal]
        if event.kind is Kind.APPLICATION_REFUSED and event.draft.batch in self.batches:
            batch = self.batches[event.draft.batch]
            batch.refused += 1
            county = data.get("county", batch.county)
            count = day_count(self.day_counts, event.time_us, county, data.get("product", ""))
            count.refused += 1
            rows.extend([batch, count])
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
            load=Load(data["load"]),
            fee_type=data.get("fee_type", ""),
            fee_cents=data.get("fee_cents", 0),
            reason=data.get("hold", ""),
        )
        assert order.id not in self.orders, order.id
        self.orders[order.id] = order
        self.index_new_order(order)
        count = day_count_of(self.day_counts, event.time_us, order)
        count.received += 1
        count.fees_cents += order.fee_cents
        count.relieved += Fee(order.fee_type, order.fee_cents).relieved
        return [order, count]

    def _order_changed(self, event: Event) -> list[Row]:
        order = self.orders[event.draft.order]
        step_order(self, order, event, OrderTrigger(event.draft.data["trigger"]))
        order.reason = event.draft.data.get("reason", "")
        return [order]

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
        self.index_card(card)
        return [order, line, card]

    def _card_changed(self, event: Event) -> list[Row]:
        return change_card(self, self.cards[event.draft.card], event)

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
            claim_chip(self, card, draft.chip_serial)
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
            rows.extend(change_card(self, card, event))
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
        box.state, box.dispatched_us = BoxState.DISPATCHED, event.time_us
        rows: dict[str, Row] = {box.id: box}  # a day's count stands for many cards, once
        for card_id in event.draft.data["cards"]:
            card = self.cards[card_id]
            assert card.box == box.id, card_id
            changed = [card, *step_card(self, card, CardTrigger.DISPATCH, event)]
            rows.update((row.id, row) for row in changed)
            card.place = HAND
        return list(rows.values())
