"""A wire over TCP, `tcp://host:port`: for machines with a network socket or a port server.

It does not reconnect: a wire that hung up is done, and the controller opens another.
"""

import asyncio
import os
import socket
from urllib.parse import urlsplit

from drivers.errors import WireNotOpened

READ_BYTES_MAX = 1 << 16


class TcpWire:
    """One TCP connection; what is buffered on either side is bounded by asyncio's limits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._closed = False

    async def send(self, data: bytes) -> None:
        """Send all of `data`; waits while the far end takes nothing."""
        self._check_open()
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """Wait for at least one byte; an empty answer is the end of the stream."""
        self._check_open()
        data = await self._reader.read(READ_BYTES_MAX)
        if not data:
            self._check_open()
        return data

    async def aclose(self) -> None:
        """Close at once: what the far end has not taken by now is dropped."""
        self._closed = True
        self._writer.transport.abort()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("this wire is closed")


async def open_tcp(url: str, connect_timeout_s: float) -> TcpWire:
    """Connect, or raise `WireNotOpened` with the reason."""
    host, port = _address(url)
    try:
        async with asyncio.timeout(connect_timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES_MAX)
    except OSError as error:
        raise WireNotOpened(url=url, reason=_reason(error, connect_timeout_s)) from error
    connection = writer.get_extra_info("socket")
    # Questions are short and wait for their answers: nothing is gained by collecting bytes.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return TcpWire(reader, writer)


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WireNotOpened(url=url, reason="not of the form tcp://host:port") from error
    if not host or not port or parts.path or parts.query:
        raise WireNotOpened(url=url, reason="not of the form tcp://host:port")
    return host, port


def _reason(error: OSError, connect_timeout_s: float) -> str:
    match error:
        case socket.gaierror():
            return "unknown host"
        case ConnectionRefusedError():
            return "nothing listens there"
        case TimeoutError():
            return f"no connection within {connect_timeout_s:g} s"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "no connection"
