"""The machines of a plant on pseudo-terminals or TCP ports, for anybody's client.

Carries bytes between a descriptor or socket and a machine; it knows no protocol, and machines do
not know that they are served. Who runs it decides for how long: leaving the context hangs up.
"""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulators.machine import Machine
from simulators.wire import Wire

READ_BYTES_MAX = 1 << 16
#: A serial line has no far end that could refuse: what nobody reads for this long is lost.
UNREAD_TIMEOUT_S = 2.0
LOCAL_HOST = "127.0.0.1"


class CannotServe(Exception):
    """A link or port for a machine cannot be made; says which and why."""

    code = "simulators.cannot_serve"


class PtyWire:
    """The machine's end of a pseudo-terminal; it never ends, whoever comes and goes."""

    def __init__(self) -> None:
        self._near, self._far = os.openpty()
        # Holding the far end open ourselves keeps reads from failing while no client has it open.
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.path = os.ttyname(self._far)
        self._closed = False

    async def send(self, data: bytes) -> None:
        """Send the bytes; what a client does not read in time is lost."""
        rest = memoryview(data)
        loop = asyncio.get_running_loop()
        while rest and not self._closed:
            try:
                rest = rest[os.write(self._near, rest) :]
            except BlockingIOError:
                try:
                    async with asyncio.timeout(UNREAD_TIMEOUT_S):
                        await _ready(self._near, loop.add_writer, loop.remove_writer)
                except TimeoutError:
                    return

    async def receive(self) -> bytes:
        """Wait for at least one byte; `b""` once closed."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            try:
                return os.read(self._near, READ_BYTES_MAX)
            except BlockingIOError:
                await _ready(self._near, loop.add_reader, loop.remove_reader)
        return b""

    async def aclose(self) -> None:
        """Nothing: a machine that hangs up stays on its line."""

    def close(self) -> None:
        """Close both ends; whoever has the terminal open sees it hang up."""
        self._closed = True
        os.close(self._near)
        os.close(self._far)


async def _ready(
    descriptor: int, watch: Callable[..., Any], unwatch: Callable[[int], bool]
) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch(descriptor, _wake, ready)
    try:
        await ready
    finally:
        unwatch(descriptor)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


@asynccontextmanager
async def on_pseudo_terminals(
    machines: Mapping[str, Machine], folder: Path
) -> AsyncIterator[dict[str, str]]:
    """Serve machines at `FOLDER/NAME`; gives the URL of each. The links vanish afterwards."""
    links: dict[Path, PtyWire] = {}
    try:
        _make_links(links, folder, machines)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(machine.serve(wire), name=f"serving {wire.path}")
                for machine, wire in zip(machines.values(), links.values(), strict=True)
            ]
            yield {link.name: f"serial://{link}?baud=115200" for link in links}
            for task in tasks:
                task.cancel()
    finally:
        for link, wire in links.items():
            # Somebody else may have put a link of his own here meanwhile.
            if link.is_symlink() and str(link.readlink()) == wire.path:
                link.unlink()
            wire.close()


def _make_links(links: dict[Path, PtyWire], folder: Path, names: Iterable[str]) -> None:
    """Make a terminal and its link for each name, in the place of links left by a dead process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            link = folder.absolute() / name
            wire = links[link] = PtyWire()
            if link.is_symlink():
                link.unlink()
            link.symlink_to(wire.path)
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise CannotServe(f"{where}: {error.strerror or error}") from error


class TcpWire(asyncio.Protocol):
    """One accepted connection. Reading stops while a machine has a lot unread."""

    def __init__(self, on_connection: "Callable[[TcpWire], None]") -> None:
        self._on_connection = on_connection
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended = False

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless the machine has another."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._on_connection(self)

    def data_received(self, data: bytes) -> None:
        """Keep bytes until the machine asks."""
        self._unread += data
        if len(self._unread) >= READ_BYTES_MAX:
            self._open().pause_reading()
        self._changed.set()

    def eof_received(self) -> None:
        """The client has hung up."""
        self._end()

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection is gone."""
        self._end()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable.set()

    # What the machine uses.

    async def send(self, data: bytes) -> None:
        """Send all of `data`; waits while the client does not read."""
        if self.ended:
            raise ConnectionResetError("the client has hung up")
        self._open().write(data)
        try:
            async with asyncio.timeout(UNREAD_TIMEOUT_S):
                await self._writable.wait()
        except TimeoutError:
            self.hang_up()

    async def receive(self) -> bytes:
        """Return what has come, or `b""` at the end."""
        while not self._unread:
            if self.ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._unread)
        self._unread.clear()
        if not self.ended:
            self._open().resume_reading()
        return data

    async def aclose(self) -> None:
        """Hang up."""
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection at once."""
        self._open().abort()
        self._end()

    def _open(self) -> asyncio.Transport:
        assert self._transport is not None, "connection_made comes first"
        return self._transport

    def _end(self) -> None:
        self.ended = True
        self._changed.set()
        self._writable.set()


class _TcpPort:
    """One machine's port: one living connection at a time, as a serial device server has it."""

    def __init__(self, machine: Machine, group: asyncio.TaskGroup) -> None:
        self._machine = machine
        self._group = group
        self._server: asyncio.Server | None = None
        self._wire: TcpWire | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str) -> str:
        """Begin to accept on a free port; returns its URL."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: TcpWire(self._take), host, 0)
        except OSError as error:
            raise CannotServe(f"{host}: {error.strerror or error}") from error
        return f"tcp://{host}:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._wire is not None:
            self._wire.hang_up()

    def _take(self, wire: TcpWire) -> None:
        if self._wire is not None and not self._wire.ended:
            wire.hang_up()
            return
        # The machine may still be busy with what the last client asked; it outlives its wires.
        self._wire = wire
        task = self._group.create_task(_serve(self._machine, wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _serve(machine: Machine, wire: Wire) -> None:
    try:
        await machine.serve(wire)
    finally:
        await wire.aclose()


@asynccontextmanager
async def on_tcp(
    machines: Mapping[str, Machine], host: str = LOCAL_HOST
) -> AsyncIterator[dict[str, str]]:
    """Serve each machine on a free port of its own; gives the URLs."""
    urls: dict[str, str] = {}
    async with asyncio.TaskGroup() as group:
        ports = {name: _TcpPort(machine, group) for name, machine in machines.items()}
        try:
            for name, port in ports.items():
                urls[name] = await port.listen(host)
            yield urls
        finally:
            for port in ports.values():
                port.close()
