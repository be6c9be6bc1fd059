"""The HTTP API of a running centre, and its serving on a Unix socket.

It lets people in by who they are on this host, hands their acts to `Verbs` and shows them the
books. There is no network port.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.api.access import Access, Forbidden
from controller.api.acts import act_routes
from controller.api.door import open_door
from controller.api.listings import Unknown, listing_routes
from controller.station_verbs import Refused
from controller.verbs import Verbs
from jobs.ledger.ledger import Ledger
from jobs.ledger.store import LedgerUnavailable

#: What stands for a host name in the address of a caller on the Unix socket; its port is the uid.
UNIX_USER = "unix-user"
SHUTDOWN_TIMEOUT_S = 2.0
CALLS_MAX = 64

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_STATUS_OF: Mapping[type[Exception], int] = {
    Forbidden: 403,
    Unknown: 404,
    Refused: 409,
    LedgerUnavailable: 503,
}


def make_app(
    verbs: Verbs,
    ledger: Ledger,
    access: Access,
    status: Callable[[], Mapping[str, Any]] = dict,
    ledger_path: Path | None = None,
) -> FastAPI:
    """Return the application; `status` adds what only the caller knows, such as the name."""

    def admit(request: Request) -> None:
        request.state.actor = access.actor(_uid(request))

    app = FastAPI(title="Cardcentre", openapi_url=None, dependencies=[Depends(admit)])
    app.include_router(listing_routes(verbs, ledger, status, ledger_path))
    app.include_router(act_routes(verbs))
    for error_class in _STATUS_OF:
        app.add_exception_handler(error_class, _refusal)
    app.add_exception_handler(RequestValidationError, _wrong_input)
    app.add_exception_handler(HTTPException, _no_such_path)
    app.add_exception_handler(Exception, _our_fault)
    return app


async def serve(
    app: FastAPI, socket_path: Path, group: str = "", ready: asyncio.Event | None = None
) -> None:
    """Serve until cancelled; raises `DoorError` when the socket cannot be had.

    `group` is the Unix group of operators that the socket is given to; `ready` is set once calls
    are answered.
    """
    config = uvicorn.Config(
        app,
        http=_KnowsItsPeer,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        limit_concurrency=CALLS_MAX,
        timeout_graceful_shutdown=round(SHUTDOWN_TIMEOUT_S),
        server_header=False,
    )
    with open_door(socket_path, group) as listener:
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        try:
            if ready is not None:
                ready.set()
            # Not `Server.serve`: that would take the signals, which are the caller's.
            await server.main_loop()
        finally:
            await server.shutdown([listener])


class _KnowsItsPeer(H11Protocol):
    """HTTP over a Unix socket, where the caller's address is the user that the kernel names."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        peer: socket.socket = transport.get_extra_info("socket")
        if peer.family == socket.AF_UNIX:
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            self.client = (UNIX_USER, _CREDENTIALS.unpack(raw)[1])


def _uid(request: Request) -> int:
    if request.client is None or request.client.host != UNIX_USER:
        raise Forbidden("only users of this host may call, over the centre's socket")
    return request.client.port


async def _refusal(_request: Request, error: Exception) -> JSONResponse:
    status = next(number for kind, number in _STATUS_OF.items() if isinstance(error, kind))
    return _answer(status, cast("Any", error).code, str(error))


async def _wrong_input(_request: Request, error: Exception) -> JSONResponse:
    """Say what is wrong, but never repeat what was sent: it may be somebody's number."""
    found = cast("RequestValidationError", error).errors()
    texts = [
        f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}".removeprefix(": ")
        for one in found
    ]
    return _answer(422, "api.wrong_input", "; ".join(texts).replace("Value error, ", ""))


async def _no_such_path(_request: Request, error: Exception) -> JSONResponse:
    status = cast("HTTPException", error).status_code
    return _answer(status, "api.no_such_path", "this centre has no such command")


async def _our_fault(_request: Request, error: Exception) -> JSONResponse:
    return _answer(500, "api.failed", f"the centre failed at this ({type(error).__name__})")


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)
