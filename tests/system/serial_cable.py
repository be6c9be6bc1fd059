"""A machine's pseudo-terminal with a cable that a test may pull and put back.

What a serial adapter on USB does: pulled, whoever has the port open is hung up on and its name is
gone; put back, it is a new device under the same name. Bytes sent meanwhile are lost, in both
directions. A thread, not a task: a test here waits for processes and has no event loop.
"""

import os
import select
import termios
import threading
import tty
from pathlib import Path
from urllib.parse import urlsplit

READ_BYTES_MAX = 1 << 12


class SerialCable:
    """One cable from a port of its own, at `link`, to a machine's port; `close` ends it."""

    def __init__(self, machine_url: str, link: Path) -> None:
        machine = urlsplit(machine_url)
        self._link = link
        self.url = f"serial://{link}?{machine.query}"
        self._machine = os.open(machine.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._open: _Plugged | None = None
        self.mend()

    def cut(self) -> None:
        """Take the device away, and its name; who has it open sees it hang up."""
        assert self._open is not None
        self._link.unlink()
        self._open.unplug()
        self._open = None

    def mend(self) -> None:
        """Make a new device under the old name."""
        termios.tcflush(self._machine, termios.TCIFLUSH)
        self._open = _Plugged(self._machine)
        self._link.symlink_to(self._open.path)

    def close(self) -> None:
        """End it."""
        if self._open is not None:
            self.cut()
        os.close(self._machine)


class _Plugged:
    """A cable that is in, and the thread that carries its bytes."""

    def __init__(self, machine: int) -> None:
        self._machine = machine
        # Holding the far end open ourselves keeps reads from failing while nobody has it open.
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.path = os.ttyname(self._far)
        self._unplugged, self._unplug = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        os.close(self._unplug)
        self._thread.join()
        for descriptor in (self._unplugged, self._near, self._far):
            os.close(descriptor)

    def _carry(self) -> None:
        other = {self._near: self._machine, self._machine: self._near}
        while True:
            readable, _, _ = select.select([self._unplugged, *other], [], [])
            if self._unplugged in readable:
                return
            for source in readable:
                self._write(other[source], os.read(source, READ_BYTES_MAX))

    def _write(self, destination: int, data: bytes) -> None:
        """Write all of it, or what is taken before the cable is pulled."""
        while data:
            ended, writable, _ = select.select([self._unplugged], [destination], [])
            if ended:
                return
            if writable:
                data = data[os.write(destination, data) :]
