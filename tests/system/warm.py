"""Start commands of ours from a process that has imported everything already.

Importing takes a centre most of a second, and the tests start a hundred. What is started here is a
process as any other (descriptors, signals, exit code); only `exec` and the imports are spared. How
Python itself starts and ends is not seen through this: the tests of that start a real one. The
process that they are started from is `warm_starter.py`, one for all processes of a run of tests.
"""

import atexit
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Importing takes a loaded machine a while.
PATIENCE_S = 60.0


@dataclass(slots=True)
class WarmProcess:
    """A command that was started; the names are those of `subprocess.Popen`."""

    pid: int
    #: Gives the status when the process has ended.
    ending: socket.socket
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raises `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self.ending], [], [], timeout_s)[0]:
            status = self.ending.recv(64)
            assert status, "the process that starts commands has gone"
            self.returncode = os.waitstatus_to_exitcode(int(status))
            self.ending.close()
        return self.returncode


@cache
def _way() -> socket.socket:
    """Return a way to the process that starts commands; it ends when nobody has one any more."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    address = f"\0cardcentre-tests-{run}"
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = None
    end_s = time.monotonic() + PATIENCE_S
    while ours.connect_ex(address):
        assert time.monotonic() < end_s, "the process that starts commands did not begin"
        if process is None:
            # Of several that are started at the same time the first serves, the others end.
            words = [sys.executable, "-m", "tests.system.warm_starter", address[1:]]
            process = subprocess.Popen(words, cwd=ROOT)
        time.sleep(0.01)  # nothing tells when it has bound its address: it is asked again

    def end() -> None:
        ours.close()
        if process is not None:
            process.wait()

    atexit.register(end)
    return ours


def start(
    arguments: tuple[object, ...],
    descriptors: tuple[int, int, int],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    file_bytes_max: int = resource.RLIM_INFINITY,
) -> WarmProcess:
    """Start `cardcentre` with these arguments and standard descriptors."""
    request = {
        "arguments": [str(argument) for argument in arguments],
        "folder": str(folder),
        "environment": dict(os.environ if environment is None else environment),
        "file_bytes_max": file_bytes_max,
    }
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        message = [json.dumps(request).encode()]
        socket.send_fds(_way(), message, [its.fileno(), *descriptors])
    return WarmProcess(int(ours.recv(64)), ours)


def cardcentre(
    *arguments: object,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_s: float = 60.0,
    file_bytes_max: int = resource.RLIM_INFINITY,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it says goes to files, as in `command > file 2> file`."""
    with (
        tempfile.TemporaryFile() as typed,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        typed.write(stdin)
        typed.seek(0)
        descriptors = (typed.fileno(), out.fileno(), err.fileno())
        process = start(arguments, descriptors, folder, environment, file_bytes_max)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess([*map(str, arguments)], code, *said)
