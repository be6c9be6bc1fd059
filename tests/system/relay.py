"""A machine's TCP port with a cable that a test may cut, mend, or fill with nonsense.

It carries bytes between a centre and a machine in other processes. Threads, not tasks: a test here
waits for processes and has no event loop.
"""

import socket
import threading
from collections.abc import Callable
from enum import StrEnum
from random import Random
from urllib.parse import urlsplit

READ_BYTES_MAX = 1 << 16
CONNECT_TIMEOUT_S = 5.0


class Cable(StrEnum):
    """What becomes of the machine's answers."""

    GOOD = "good"
    SILENT = "silent"
    HALF = "half"  # of every piece that the machine sends, the second half is lost
    GARBAGE = "garbage"  # so many bytes as it sends, but others


class Relay:
    """One cable from a port of its own to a machine's port; `close` ends it."""

    def __init__(self, machine_url: str, cable: Cable = Cable.GOOD) -> None:
        self.machine_url = machine_url
        self.cable = cable
        self._random = Random("garbage")
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self._port: int = self._listener.getsockname()[1]
        self._accepting()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"

    def cut(self) -> None:
        """Hang up both ends; nobody listens on the port until `mend`."""
        # Closing alone would not wake the thread that accepts.
        _shut(self._listener)
        self._hang_up()

    def mend(self) -> None:
        """Listen again."""
        self._listener = self._listen(self._port)
        self._accepting()

    def close(self) -> None:
        """End it."""
        self.cut()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        return listener

    def _accepting(self) -> None:
        _in_thread(self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            parts = urlsplit(self.machine_url)
            assert parts.port is not None
            try:
                far = socket.create_connection((parts.hostname, parts.port), CONNECT_TIMEOUT_S)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._ends += [near, far]
            _in_thread(self._carry, near, far, lambda data: data)
            _in_thread(self._carry, far, near, self._spoiled)

    def _carry(
        self, source: socket.socket, destination: socket.socket, changed: Callable[[bytes], bytes]
    ) -> None:
        try:
            while data := source.recv(READ_BYTES_MAX):
                destination.sendall(changed(data))
        except OSError:
            pass
        finally:
            _shut(source)
            _shut(destination)

    def _spoiled(self, data: bytes) -> bytes:
        match self.cable:
            case Cable.SILENT:
                return b""
            case Cable.HALF:
                return data[: len(data) // 2]
            case Cable.GARBAGE:
                return self._random.randbytes(len(data))
            case Cable.GOOD:
                return data

    def _hang_up(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            _shut(end)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
    finally:
        end.close()


def _in_thread(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()
