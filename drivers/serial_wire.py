"""A wire over a serial port, `serial:///dev/ttyUSB0?baud=115200&parity=N&stopbits=2`.

pyserial opens the port and sets its line; bytes go through its descriptor and the event loop,
without threads and without buffers of our own: what is not yet wanted stays with the kernel. No
exception of pyserial leaves this file. It does not reopen: a port that vanished is a wire that
hung up.
"""

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import serial

from drivers.errors import WireNotOpened
from drivers.serial_settings import SerialSettings

READ_BYTES_MAX = 1 << 16
WRITE_BYTES_MAX = 1 << 16

_REASONS = {
    errno.ENOENT: "the port does not exist",
    errno.ENODEV: "no machine is connected to the port",
    errno.ENXIO: "no machine is connected to the port",
    errno.EACCES: "no permission to use the port",
    errno.EPERM: "no permission to use the port",
    errno.EAGAIN: "in use by another process",
    errno.EBUSY: "in use by another process",
    errno.ENOTTY: "not a serial port",
    errno.EISDIR: "not a serial port",
    errno.EINVAL: "the port does not take these line parameters",
}
#: What a port says that was unplugged while it was open.
_GONE = {errno.EIO, errno.ENXIO, errno.ENODEV}
#: termios.error is no OSError, and pyserial lets it through.
_PYSERIAL_ERRORS = (termios.error, ValueError, OverflowError)


class SerialWire:
    """One open serial port."""

    def __init__(self, port: serial.Serial, settings: SerialSettings) -> None:
        self.path = str(port.port)
        self.settings = settings
        self._port = port
        self._descriptor = port.fileno()
        self._waits: set[asyncio.Future[None]] = set()
        self._closed = False

    async def send(self, data: bytes) -> None:
        """Write all of `data`; returns once the kernel has the last byte."""
        self._check_open()
        rest = memoryview(data)
        loop = asyncio.get_running_loop()
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest[:WRITE_BYTES_MAX]) :]
            except BlockingIOError:
                await self._ready(loop.add_writer, loop.remove_writer)

    async def receive(self) -> bytes:
        """Wait for at least one byte; an empty answer is the end: unplugged or hung up."""
        self._check_open()
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._descriptor, READ_BYTES_MAX)
            except BlockingIOError:
                await self._ready(loop.add_reader, loop.remove_reader)
            except OSError as error:
                if error.errno == errno.EIO:
                    return b""
                raise

    def set(self, settings: SerialSettings) -> None:
        """Change speed and framing at once; a port that cannot be set so stays as it was."""
        self._check_open()
        try:
            _apply(self._port, settings)
        except (OSError, *_PYSERIAL_ERRORS) as error:
            with suppress(OSError, *_PYSERIAL_ERRORS):
                _apply(self._port, self.settings)
            if _number(error) in _GONE:
                raise ConnectionResetError("the port has gone") from error
            url = f"serial://{self.path}?{settings.query}"
            raise WireNotOpened(url=url, reason=_reason(error)) from error
        self.settings = settings

    async def aclose(self) -> None:
        """Close at once; who waits gets `ConnectionError`."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.remove_writer(self._descriptor)
        for wait in self._waits:
            if not wait.done():
                wait.set_exception(ConnectionAbortedError("this wire is closed"))
        _drop_unsent(self._descriptor)
        self._port.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("this wire is closed")

    async def _ready(self, watch: Callable[..., Any], unwatch: Callable[[int], bool]) -> None:
        """Wait until the descriptor can be read or written, or has hung up."""
        wait = asyncio.get_running_loop().create_future()
        self._waits.add(wait)
        watch(self._descriptor, _wake, wait)
        try:
            await wait
        finally:
            self._waits.discard(wait)
            # After closing, the number may already be another wire's descriptor.
            if not self._closed:
                unwatch(self._descriptor)


def open_serial(url: str) -> SerialWire:
    """Open a port for us alone, or raise `WireNotOpened` with the reason."""
    path, settings = _parse(url)
    try:
        return SerialWire(_open(path, settings), settings)
    except (OSError, *_PYSERIAL_ERRORS) as error:
        raise WireNotOpened(url=url, reason=_reason(error)) from error


def _open(path: str, settings: SerialSettings) -> serial.Serial:
    # pyserial opens with O_NONBLOCK, so that it does not wait for a carrier.
    port = serial.Serial(path, timeout=0, write_timeout=0, exclusive=True, **_names(settings))
    try:
        _settle(port, settings)
    except BaseException:
        port.close()
        raise
    return port


def _apply(port: serial.Serial, settings: SerialSettings) -> None:
    port.apply_settings(_names(settings))
    _settle(port, settings)


def _names(settings: SerialSettings) -> dict[str, Any]:
    """Return settings as pyserial names them."""
    return {
        "baudrate": settings.baud,
        "bytesize": settings.databits,
        "parity": settings.parity,
        "stopbits": settings.stopbits,
    }


def _settle(port: serial.Serial, settings: SerialSettings) -> None:
    """Make sure that the port took its parity, and that an empty read is the end."""
    attributes = termios.tcgetattr(port.fileno())
    # Some ports without parity (pseudo-terminals) drop the wish instead of refusing it.
    if bool(attributes[2] & termios.PARENB) != (settings.parity != serial.PARITY_NONE):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    # pyserial leaves VMIN at 0, which makes "nothing yet" look like the end of the stream.
    attributes[6][termios.VMIN] = 1
    termios.tcsetattr(port.fileno(), termios.TCSANOW, attributes)


def _parse(url: str) -> tuple[str, SerialSettings]:
    parts = urlsplit(url)
    if parts.netloc or not parts.path:
        raise WireNotOpened(url=url, reason="not of the form serial:///dev/...?baud=...")
    settings: dict[str, int | str] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        allowed = _ALLOWED.get(name)
        if allowed is None:
            raise WireNotOpened(url=url, reason=f"unknown parameter {name!r}")
        if name in settings or not allowed(text):
            raise WireNotOpened(url=url, reason=f"{text!r} is no value for {name}")
        settings[name] = text if name == "parity" else int(text)
    return parts.path, SerialSettings(**settings)  # type: ignore[arg-type]  # checked name by name


_ALLOWED: dict[str, Callable[[str], bool]] = {
    "baud": lambda text: text.isdecimal() and len(text) <= 7 and int(text) > 0,
    "parity": lambda text: text in {"N", "E", "O"},
    "stopbits": lambda text: text in {"1", "2"},
    "databits": lambda text: text in {"7", "8"},
}


def _reason(error: Exception) -> str:
    number = _number(error)
    if number is None:
        return _REASONS[errno.EINVAL]
    return _REASONS.get(number) or os.strerror(number)


def _number(error: Exception) -> int | None:
    # pyserial gives the number first, or hides it in the error that it was handling.
    for source in (error, error.__context__):
        if source is not None and source.args and isinstance(source.args[0], int):
            return source.args[0]
    return None


def _wake(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)


def _drop_unsent(descriptor: int) -> None:
    """Forget unsent bytes: the kernel would hold the event loop in `close` while they trickle."""
    try:
        termios.tcflush(descriptor, termios.TCOFLUSH)
    except termios.error:
        # The port has vanished, and its bytes with it.
        return
