"""Where Prometheus looks: `/metrics` on one TCP port, one request a connection, all of it bounded.

It is served in a thread with an event loop of its own. Of the control loop's time it takes only the
copy of the figures; the text is made and sent beside it. When the control loop does not give the
copy in time, the answer is 503: a centre that hangs must not look well.

The port is taken before the centre starts (`bind_metrics`), so that a port in use is one clear
error at the start. What the metrics are is in `controller/metric_families.py`.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Generic, TypeVar

from controller.exposition import CONTENT_TYPE

PATH = b"/metrics"
#: A scrape takes milliseconds; whoever has not asked and been answered by then is cut off.
CONNECTION_MAX_S = 10.0
#: The control loop is never busy for so long.
COPY_MAX_S = 5.0
REQUEST_BYTES_MAX = 8_192
CONNECTIONS_MAX = 16
ACCEPT_AGAIN_S = 0.1
_END_OF_HEAD = b"\r\n\r\n"

Figures = TypeVar("Figures")


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


async def serve_metrics(
    copy: Callable[[], Figures], text: Callable[[Figures], str], listening: socket.socket
) -> None:
    """Serve until cancelled; closes the socket.

    `copy` is called on the event loop that calls this, `text` in the thread.
    """
    control = asyncio.get_running_loop()
    serving = _Serving(control, copy, text, listening)
    pool = ThreadPoolExecutor(1, "metrics")
    ended = control.run_in_executor(pool, serving.run)
    try:
        await asyncio.shield(ended)
    finally:
        serving.stop()
        await ended
        pool.shutdown()
        listening.close()


@dataclass(slots=True)
class _Serving(Generic[Figures]):
    """What runs in the thread; only `stop` is called from elsewhere."""

    control: asyncio.AbstractEventLoop
    copy: Callable[[], Figures]
    text: Callable[[Figures], str]
    listening: socket.socket
    _stopped: Future[None] = field(default_factory=Future)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def _serve(self) -> None:
        self.listening.setblocking(False)
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(self._accept(group))
            await asyncio.wrap_future(self._stopped)
            for task in (accepting, *self._open):
                task.cancel()

    async def _accept(self, group: asyncio.TaskGroup) -> None:
        while True:
            await _readable(self.listening)
            try:
                connection, _ = self.listening.accept()
            except OSError:  # gone again, or no descriptor left
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            if len(self._open) >= CONNECTIONS_MAX:
                connection.close()
                continue
            connection.setblocking(False)
            task = group.create_task(self._bounded(connection))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            task.add_done_callback(partial(_close, connection))

    async def _bounded(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(CONNECTION_MAX_S):
                await self._answer(connection)
        except (TimeoutError, OSError):
            pass  # silent, slow or gone

    async def _answer(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        request = b""
        while _END_OF_HEAD not in request:
            got = await loop.sock_recv(connection, REQUEST_BYTES_MAX)
            request += got
            if not got or len(request) > REQUEST_BYTES_MAX:
                return
        status, body = _judged(request), b""
        if status is HTTPStatus.OK:
            try:
                body = self.text(await self._copied()).encode()
            except TimeoutError:
                status = HTTPStatus.SERVICE_UNAVAILABLE
        await loop.sock_sendall(connection, _response(status, body))

    async def _copied(self) -> Figures:
        """Have the control loop copy its figures."""
        copied: Future[Figures] = Future()

        def copy() -> None:
            if copied.set_running_or_notify_cancel():
                try:
                    copied.set_result(self.copy())
                except Exception as error:  # noqa: BLE001  (whatever it is, the thread raises it)
                    copied.set_exception(error)

        self.control.call_soon_threadsafe(copy)
        async with asyncio.timeout(COPY_MAX_S):
            return await asyncio.wrap_future(copied)


async def _readable(listening: socket.socket) -> None:
    """Wait for somebody to connect; unlike `sock_accept` it loses nobody when it is cancelled."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(listening, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(listening)


def _judged(request: bytes) -> HTTPStatus:
    """Return whether a request is for the metrics, and what it is told otherwise."""
    method, _, rest = request.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if path != PATH:
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.OK if method == b"GET" else HTTPStatus.METHOD_NOT_ALLOWED


def _close(connection: socket.socket, _task: asyncio.Task[None]) -> None:
    connection.close()


def _response(status: HTTPStatus, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {CONTENT_TYPE}\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
