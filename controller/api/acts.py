"""The acts of a person over HTTP: one POST for each verb, recorded with the name of who does it.

Nothing is decided here; a verb that makes no sense now raises `Refused`, which becomes a 409.
"""

import asyncio
import stat
from collections.abc import Awaitable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from controller.api.models import (
    BatchAct,
    Blanks,
    CaptureBegin,
    LineAct,
    MaintenanceEnd,
    Nothing,
    OrderAct,
    PackageFile,
    Settlement,
    StationAct,
    Verdict,
    Why,
)
from controller.capture import Capture
from controller.capture_file import Ended
from controller.station_verbs import Refused
from controller.verbs import Verbs
from jobs.ledger.store import LedgerUnavailable
from jobs.states import BatchTrigger, OrderTrigger

#: An act waits for the ledger; when the disk refuses for longer, the caller is told.
ACT_TIMEOUT_S = 20.0
#: A cleaning takes a printer a minute or two, and every wait for the printer has its own end.
CLEANING_TIMEOUT_S = 900.0


def actor_of(request: Request) -> str:
    """Return who was let in; the door's keeper (`controller/api/server.py`) put it there."""
    return str(request.state.actor)


Actor = Annotated[str, Depends(actor_of)]
Done = dict[str, Any]
Value = TypeVar("Value")


def act_routes(verbs: Verbs) -> APIRouter:
    """Return the acts as routes."""

    async def ledger_can_be_written() -> None:
        if fault := verbs.ledger_fault():
            raise LedgerUnavailable(f"nothing can be done while {fault}")

    router = APIRouter(dependencies=[Depends(ledger_can_be_written)])
    for routes in (_packages, _orders, _cards, _stock, _stations, _technicians):
        router.include_router(routes(verbs))
    return router


async def _done(act: Awaitable[None], longest_s: float = ACT_TIMEOUT_S) -> Done:
    """Carry out a verb, for as long as a person should wait."""
    await _in_time(act, longest_s)
    return {"done": True}


async def _in_time(act: Awaitable[Value], longest_s: float = ACT_TIMEOUT_S) -> Value:
    try:
        async with asyncio.timeout(longest_s):
            return await act
    except TimeoutError:
        raise LedgerUnavailable(
            "not on the disk yet: it will be as soon as the ledger can be written"
        ) from None


def _packages(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/packages")
    async def take_package(body: PackageFile, actor: Actor) -> Done:
        path = Path(body.path)
        try:
            if not await asyncio.to_thread(_is_regular, path):
                raise Refused(f"{path} is not a file")
            return asdict(await verbs.take_package(path, actor))
        except OSError as error:
            raise Refused(f"the centre cannot read {path}: {error.strerror or error}") from error

    return router


def _is_regular(path: Path) -> bool:
    """Tell whether a path is a plain file: a pipe or device would never end."""
    return stat.S_ISREG(path.stat().st_mode)


def _orders(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/batches/{batch}/{act}")
    async def change_batch(batch: str, act: BatchAct, body: Why, actor: Actor) -> Done:
        return await _done(verbs.change_batch(batch, BatchTrigger(act), actor, body.reason))

    @router.post("/orders/{order}/{act}")
    async def change_order(order: str, act: OrderAct, body: Why, actor: Actor) -> Done:
        return await _done(verbs.change_order(order, OrderTrigger(act), actor, body.reason))

    return router


def _cards(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/cards/{card}/settle")
    async def settle(card: str, body: Settlement, actor: Actor) -> Done:
        return await _done(verbs.settle_card(card, actor, found_at=body.found_at))

    @router.post("/cards/{card}/spoil")
    async def spoil(card: str, body: Verdict, actor: Actor) -> Done:
        return await _done(verbs.spoil_card(card, body.reason, actor))

    @router.post("/cards/{card}/accept")
    async def accept(card: str, body: Nothing, actor: Actor) -> Done:
        del body
        return await _done(verbs.judge_card(card, actor))

    @router.post("/cards/{card}/reject")
    async def reject(card: str, body: Verdict, actor: Actor) -> Done:
        return await _done(verbs.judge_card(card, actor, reason=body.reason))

    return router


def _stock(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/stock/{line}/load")
    async def load(line: str, body: Blanks, actor: Actor) -> Done:
        return await _done(verbs.load_stock(line, body.blanks, actor))

    @router.post("/stock/{line}/return")
    async def take_back(line: str, body: Blanks, actor: Actor) -> Done:
        return await _done(verbs.return_stock(line, body.blanks, actor))

    @router.post("/boxes/{box}/seal")
    async def seal(box: str, body: Nothing, actor: Actor) -> Done:
        del body
        return await _done(verbs.seal_box(box, actor))

    return router


def _stations(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/stations/{name}/{act}")
    async def change_station(name: str, act: StationAct, body: Why, actor: Actor) -> Done:
        match act:
            case "hold":
                return await _done(verbs.hold_station(name, actor, body.reason))
            case "unhold":
                return await _done(verbs.unhold_station(name, actor))
            case "clear":
                return await _done(verbs.clear_station(name, actor))
            case "stop":
                return await _done(verbs.stop_station(name, actor))
            case "start":
                return await _done(verbs.start_station(name, actor))
            case "clean":
                return await _done(verbs.clean_station(name, actor), CLEANING_TIMEOUT_S)

    @router.post("/lines/{name}/{act}")
    async def change_line(name: str, act: LineAct, body: Why, actor: Actor) -> Done:
        if act == "start":
            return await _done(verbs.start_line(name, actor))
        return await _done(verbs.stop_line(name, actor, body.reason))

    return router


def _technicians(verbs: Verbs) -> APIRouter:
    router = APIRouter()

    @router.post("/stations/{name}/maintain/begin")
    async def begin_maintenance(name: str, body: Why, actor: Actor) -> Done:
        return await _done(verbs.begin_maintenance(name, actor, body.reason))

    @router.post("/stations/{name}/maintain/end")
    async def end_maintenance(name: str, body: MaintenanceEnd, actor: Actor) -> Done:
        return await _done(verbs.end_maintenance(name, actor, body.reason, body.samples))

    @router.post("/stations/{name}/capture/begin")
    async def begin_capture(name: str, body: CaptureBegin, actor: Actor) -> StreamingResponse:
        return CaptureResponse(await _in_time(verbs.begin_capture(name, actor, body.for_s)))

    @router.post("/stations/{name}/capture/end")
    async def end_capture(name: str, body: Nothing, actor: Actor) -> Done:
        del body
        return await _done(verbs.end_capture(name, actor))

    return router


class CaptureResponse(StreamingResponse):
    """A capture's lines as they come; it ends when nobody takes them any more."""

    def __init__(self, capture: Capture) -> None:
        super().__init__(capture.lines(), media_type="application/jsonl")
        self._capture = capture

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._capture.end(Ended.GONE)
