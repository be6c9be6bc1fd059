"""A ledger's file with days in it that a test tells: so many people received, made and sent out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from controller.clock import start_of_day_us
from jobs.events import Draft, Kind
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.store import Store
from jobs.states import BatchTrigger, CardTrigger

MADE = ("print", "laminate", "encode", "verify", "accept")
COUNTY = "220122"


@dataclass(slots=True)
class ToldLedger:
    """Tells a ledger what happened when."""

    ledger: Ledger
    now: list[int]
    told: int = 0

    def at(self, day: date, hour: int = 0) -> None:
        """Turn the clock on."""
        self.now[0] = start_of_day_us(day, hour)

    async def receive(
        self, day: date, people: int, county: str = COUNTY, *, load: str = "person", hour: int = 8
    ) -> list[str]:
        """Take a package of so many people in."""
        self.at(day, hour)
        self.told += 1
        batch = f"B-{self.told}"
        about = {"package_number": f"P{batch}", "product": "2", "county": county}
        drafts = [
            Draft(Kind.BATCH_RECEIVED, "centre", {**about, "applications": people}, batch=batch),
            Draft(
                Kind.BATCH_CHANGED, "centre", {"trigger": BatchTrigger.RELEASE.value}, batch=batch
            ),
        ]
        orders = [f"O-{batch}-{number}" for number in range(1, people + 1)]
        for position, order in enumerate(orders, 1):
            data = {
                "position": position, "county": county, "product": "2", "express": False,
                "reason_code": "12", "load": load, "hold": "", "fee_type": "1", "fee_cents": 2_000,
                "promise_date": date.fromordinal(day.toordinal() + 30).isoformat(),
            }  # fmt: skip
            names = {"person_key": order, "approval_key": order}
            drafts.append(
                Draft(Kind.ORDER_CREATED, "centre", data, batch=batch, order=order, **names)
            )
        await self.ledger.append(*drafts)
        return orders

    async def make(self, day: date, orders: list[str], hour: int = 16) -> None:
        """Make and send out the cards of some orders of one batch."""
        if not orders:
            return
        self.at(day, hour)
        books = self.ledger.books
        one = books.orders[orders[0]]
        line, box = "line-1", f"X-{len(books.boxes) + 1}"
        data = {"county": one.county, "line": line, "tray": "tray 0"}
        drafts = [
            Draft(Kind.STOCK_CHANGED, "user:li", {"line": line, "loaded": len(orders)}),
            Draft(Kind.BOX_OPENED, "centre", data, batch=one.batch, box=box),
        ]
        cards = []
        for order in orders:
            card = f"C-{order}"
            cards.append(card)
            drafts.append(Draft(Kind.CARD_ISSUED, "centre", {"line": line}, order=order, card=card))
            drafts += [
                Draft(Kind.CARD_CHANGED, "centre", {"trigger": step}, order=order, card=card)
                for step in MADE
            ]
            pack = {"trigger": CardTrigger.PACK.value}
            drafts.append(Draft(Kind.CARD_CHANGED, "centre", pack, order=order, card=card, box=box))
        drafts.append(Draft(Kind.BOX_SEALED, "centre", {}, box=box))
        drafts.append(Draft(Kind.BOX_DISPATCHED, "centre", {"cards": cards}, box=box))
        await self.ledger.append(*drafts)

    async def day(self, day: date, people: int, county: str = COUNTY) -> None:
        """Have so many people received in the morning and sent out in the afternoon."""
        await self.make(day, await self.receive(day, people, county))


@asynccontextmanager
async def told_ledger(path: Path, begins: date) -> AsyncIterator[ToldLedger]:
    """Open a new ledger in the first hour of a day."""
    now = [start_of_day_us(begins)]
    store = Store.open(str(path))
    ledger = await open_ledger(store, InlineWriter(store, 1.0, lambda _error: None), lambda: now[0])
    try:
        yield ToldLedger(ledger, now)
    finally:
        ledger.close()
