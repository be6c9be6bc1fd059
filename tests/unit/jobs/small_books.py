"""Books with a few orders, made from events alone."""

from typing import Any

from jobs.books import Books
from jobs.events import Draft, Event, Kind
from jobs.order_queue import OrderQueue
from jobs.states import BatchTrigger, CardTrigger, OrderTrigger


class SmallBooks:
    """Books, and a queue that listens to their events as the ledger's listener does."""

    def __init__(self, blanks: int = 50) -> None:
        self.books = Books()
        self.queue = OrderQueue(self.books)
        self._count = 0
        self.start_us = 0
        self.event(Kind.STOCK_CHANGED, {"line": "line-1", "loaded": blanks})

    def event(self, kind: Kind, data: dict[str, Any], **about: str) -> None:
        self._count += 1
        time_us = self.start_us + self._count * 1_000_000
        event = Event(self._count, time_us, 1, Draft(kind, "test", data, **about), "", "")
        self.books.apply(event)
        self.queue.see(event)

    def batch(self, name: str = "B-1", *, release: bool = True) -> None:
        data = {"package_number": f"P{name}", "product": "2", "county": "", "applications": 1}
        self.event(Kind.BATCH_RECEIVED, data, batch=name)
        if release:
            self.change_batch(BatchTrigger.RELEASE, name)

    def change_batch(self, trigger: BatchTrigger, name: str = "B-1") -> None:
        self.event(Kind.BATCH_CHANGED, {"trigger": trigger.value}, batch=name)

    def order(
        self,
        name: str,
        county: str = "229901",
        promise: str = "2005-10-05",
        batch: str = "B-1",
        *,
        express: bool = False,
        hold: str = "",
        person: str = "",
        **about: str | int,
    ) -> None:
        data: dict[str, Any] = {
            "position": len(self.books.orders) + 1,
            "county": county,
            "product": "2",
            "express": express,
            "reason_code": "12",
            "load": "person",
            "promise_date": promise,
            "hold": hold,
            **about,
        }
        keys = {"person_key": person or name, "approval_key": name}
        self.event(Kind.ORDER_CREATED, data, batch=batch, order=name, **keys)

    def change_order(self, name: str, trigger: OrderTrigger) -> None:
        self.event(Kind.ORDER_CHANGED, {"trigger": trigger.value}, order=name)

    def issue(self, order: str, line: str = "line-1") -> str:
        card = f"C-{len(self.books.cards) + 1}"
        self.event(Kind.CARD_ISSUED, {"line": line}, order=order, card=card)
        return card

    def change_card(self, card: str, *triggers: CardTrigger, box: str = "", **data: str) -> None:
        order = self.books.cards[card].order
        for trigger in triggers:
            self.event(
                Kind.CARD_CHANGED,
                {"trigger": trigger.value, **data},
                order=order,
                card=card,
                box=box,
            )

    def spoil(self, card: str) -> None:
        self.change_card(card, CardTrigger.SPOIL)

    def accept(self, card: str) -> None:
        self.change_card(
            card,
            CardTrigger.PRINT,
            CardTrigger.LAMINATE,
            CardTrigger.ENCODE,
            CardTrigger.VERIFY,
            CardTrigger.ACCEPT,
        )

    def drafts(self, drafts: tuple[Draft, ...] | list[Draft]) -> None:
        for draft in drafts:
            event = Event(self._count, self._count * 1_000_000, 1, draft, "", "")
            self.books.apply(event)
            self.queue.see(event)
