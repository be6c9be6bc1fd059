"""The listings of a running centre over HTTP, from the books that are in its memory.

What was done to a card or order is read from the ledger's file by a connection of its own, in a
thread, so that a long history never holds up the line.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from controller import overview, views
from controller.api.models import Sought
from controller.clock import day_of
from controller.history import card_history, order_history
from controller.verbs import Verbs
from controller.views import PAGE_MAX, Filter, Plain
from jobs.keyed_index import approval_key
from jobs.ledger.ledger import Ledger
from jobs.ledger.store import Store

READ_TIMEOUT_S = 10.0

History = Callable[[Store, str], list[Plain]]
Id = Annotated[str, Query(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


class Unknown(Exception):
    """There is no such thing in the books."""

    code = "api.unknown"


def facts_of(verbs: Verbs) -> list[overview.StationFacts]:
    """Return what the books do not know of the stations."""
    return [
        overview.StationFacts(
            station.name,
            parts.line.name,
            station.kind.value if station.kind else "transport",
            cleaning_due=station.cleaning_due,
        )
        for parts in verbs.lines.values()
        for station in (parts.line.transport, *parts.line.stations)
    ]


def listing_routes(
    verbs: Verbs,
    ledger: Ledger,
    status: Callable[[], Mapping[str, Any]],
    ledger_path: Path | None,
) -> APIRouter:
    """Return the listings as routes."""
    router = APIRouter()
    router.include_router(_of_orders(ledger, ledger_path))
    router.include_router(_of_cards(verbs, ledger, ledger_path))
    router.include_router(_of_the_centre(verbs, ledger, status))
    return router


def _of_orders(ledger: Ledger, path: Path | None) -> APIRouter:
    router, books = APIRouter(), ledger.books

    @router.get("/batches")
    async def batches() -> JSONResponse:
        return JSONResponse(views.batches(books))

    @router.get("/batches/{batch}")
    async def batch_detail(batch: str) -> JSONResponse:
        return _found(views.batch_detail(books, batch), f"there is no batch {batch}")

    @router.get("/refused-packages")
    async def refused_packages() -> JSONResponse:
        return JSONResponse(views.refused_packages(books))

    @router.get("/orders")
    async def orders(
        state: Id = "", batch: Id = "", county: Id = "", after: Id = "", limit: Limit = PAGE_MAX
    ) -> JSONResponse:
        wanted = Filter(state=state, batch=batch, county=county, after=after, limit=limit)
        return JSONResponse(views.orders(books, wanted))

    @router.get("/orders/{order}")
    async def order_detail(order: str) -> JSONResponse:
        found = views.order_detail(books, order)
        if found is not None:
            found["events"] = await _history(ledger, path, order_history, order)
        return _found(found, f"there is no order {order}")

    @router.get("/boxes")
    async def boxes(state: Id = "") -> JSONResponse:
        return JSONResponse(views.boxes(books, state))

    @router.get("/boxes/{box}")
    async def box_detail(box: str) -> JSONResponse:
        return _found(views.box_detail(books, box), f"there is no box {box}")

    return router


def _of_cards(verbs: Verbs, ledger: Ledger, path: Path | None) -> APIRouter:
    router, books = APIRouter(), ledger.books

    @router.get("/cards")
    async def cards(
        state: Id = "", batch: Id = "", line: Id = "", after: Id = "", limit: Limit = PAGE_MAX
    ) -> JSONResponse:
        wanted = Filter(state=state, batch=batch, line=line, after=after, limit=limit)
        return JSONResponse(views.cards(books, wanted))

    @router.post("/find-cards")
    async def find_cards(body: Sought) -> JSONResponse:
        key = approval_key(verbs.intake.index_key(), body.what)
        return JSONResponse(views.find_cards(books, body.what, key))

    @router.get("/cards/{card}")
    async def card_detail(card: str) -> JSONResponse:
        found = views.card_detail(books, card)
        if found is not None:
            found["events"] = await _history(ledger, path, card_history, card)
        return _found(found, f"there is no card {card}")

    return router


def _of_the_centre(
    verbs: Verbs, ledger: Ledger, status: Callable[[], Mapping[str, Any]]
) -> APIRouter:
    router, books = APIRouter(), ledger.books

    @router.get("/stations")
    async def stations() -> JSONResponse:
        return JSONResponse(overview.stations(books, facts_of(verbs)))

    @router.get("/lines")
    async def lines() -> JSONResponse:
        return JSONResponse(overview.lines_overview(books, list(verbs.lines)))

    @router.get("/stock")
    async def stock() -> JSONResponse:
        return JSONResponse(overview.stock(books, list(verbs.lines)))

    @router.get("/account")
    async def account() -> JSONResponse:
        return JSONResponse(overview.account_view(books))

    @router.get("/todo")
    async def todo() -> JSONResponse:
        return JSONResponse(
            [asdict(item) | {"may_be_at": _may_be_at(verbs, item.subject)} for item in verbs.todo()]
        )

    @router.get("/status")
    async def centre_status() -> JSONResponse:
        today = day_of(verbs.intake.clock.now_us())
        facts = {
            "running": True,
            "shift": verbs.shift(),
            "ledger": {
                "events": ledger.sequence,
                "generation": ledger.generation,
                "waiting": ledger.waiting,
                "fault": verbs.ledger_fault(),
            },
            "todo": len(verbs.todo()),
        }
        return JSONResponse({**facts, **overview.status(books, facts_of(verbs), today), **status()})

    return router


def _may_be_at(verbs: Verbs, subject: str) -> list[str]:
    card = verbs.ledger.books.cards.get(subject)
    return list(card.may_be_at) if card is not None else []


def _found(plain: Plain | None, otherwise: str) -> JSONResponse:
    if plain is None:
        raise Unknown(otherwise)
    return JSONResponse(plain)


async def _history(ledger: Ledger, path: Path | None, history: History, name: str) -> list[Plain]:
    if path is None:
        return history(ledger.store, name)

    def read() -> list[Plain]:
        store = Store.open_for_reading(str(path))
        try:
            return history(store, name)
        finally:
            store.close()

    async with asyncio.timeout(READ_TIMEOUT_S):
        return await asyncio.to_thread(read)
