"""Where Prometheus looks: `/metrics` on one TCP port, one request a connection, all of it bounded.

The port is taken before the centre starts (`bind_metrics`), so that a port in use is one clear
error at the start. What the metrics are is in `controller/telemetry.py`.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

PATH = "/metrics"
#: A scrape takes milliseconds; whoever has not asked and been answered by then is cut off.
CONNECTION_MAX_S = 10.0
REQUEST_BYTES_MAX = 8_192
CONNECTIONS_MAX = 16


class MetricsNotServed(Exception):
    """The metrics' port cannot be had."""

    code = "metrics.not_served"


def bind_metrics(host: str, port: int) -> socket.socket:
    """Take the port; raises `MetricsNotServed` with one line that says why."""
    listening = None
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(CONNECTIONS_MAX)
    except OSError as error:
        if listening is not None:
            listening.close()
        why = error.strerror or str(error)
        raise MetricsNotServed(f"metrics cannot be served on {host}:{port}: {why}") from error
    return listening


async def serve_metrics(registry: CollectorRegistry, listening: socket.socket) -> None:
    """Serve until cancelled; closes the socket."""
    config = uvicorn.Config(
        _only_metrics(make_asgi_app(registry)),
        http=_BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=REQUEST_BYTES_MAX,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    try:
        await server.serve(sockets=[listening])
    except asyncio.CancelledError:
        await server.shutdown(sockets=[listening])
        raise
    finally:
        listening.close()


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the centre."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _BoundedProtocol(H11Protocol):
    """Ends a connection that is silent, slow or asks for too much."""

    _deadline: asyncio.TimerHandle | None = None
    _received_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a server's is one
        super().connection_made(transport)
        self._deadline = self.loop.call_later(CONNECTION_MAX_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._received_bytes > REQUEST_BYTES_MAX:
            self.transport.abort()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)


def _only_metrics(metrics: Any) -> Any:
    """Answer GET /metrics and nothing else; every answer ends its connection."""

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"

        async def send_and_close(event: ASGISendEvent) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event.get("headers", ()), (b"connection", b"close")]
            await send(event)

        status = 404 if scope["path"] != PATH else 405 if scope["method"] != "GET" else 200
        if status == 200:
            await metrics(scope, receive, send_and_close)
            return
        await send_and_close({"type": "http.response.start", "status": status})
        await send_and_close({"type": "http.response.body", "body": b""})

    return app
