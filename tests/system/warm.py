"""Start commands of ours from a process that has imported everything already.

Importing takes a centre most of a second, and the tests start a hundred. What is started here is a
process as any other (descriptors, signals, exit code); only `exec` and the imports are spared. How
Python itself starts and ends is not seen through this: the tests of that start a real one.

    python -m tests.system.warm DESCRIPTOR     (what the tests start, once each of their processes)
"""

import atexit
import ctypes
import gc
import io
import json
import os
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
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
REQUEST_BYTES_MAX = 1 << 20
_PR_SET_PDEATHSIG = 1
#: What commands import when they are called.
IMPORTED = (
    "controller.command_line.commands",
    "controller.running",
    "controller.simulating",
    "controller.exercise",
    "simulators.serving",
)


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
def _starter() -> socket.socket:
    """Start the process that starts commands; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.warm", str(its.fileno())],
            cwd=ROOT,
            pass_fds=[its.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def start(
    arguments: tuple[object, ...],
    descriptors: tuple[int, int, int],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> WarmProcess:
    """Start `cardcentre` with these arguments and standard descriptors."""
    request = {
        "arguments": [str(argument) for argument in arguments],
        "folder": str(folder),
        "environment": dict(os.environ if environment is None else environment),
    }
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        message = [json.dumps(request).encode()]
        socket.send_fds(_starter(), message, [its.fileno(), *descriptors])
    return WarmProcess(int(ours.recv(64)), ours)


def cardcentre(
    *arguments: object,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_s: float = 60.0,
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
        process = start(arguments, descriptors, folder, environment)
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


# The process that starts commands.


def _serve(requests: socket.socket) -> None:
    """Start what is asked for until nobody asks any more; children die with this process."""
    for name in IMPORTED:
        __import__(name)
    # A child that collected garbage would copy all that it shares with its parent.
    gc.collect()
    gc.freeze()
    ended, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        for ready in select.select([requests, ended], [], [])[0]:
            if ready is ended:
                ended.recv(4096)
                _reap(running)
                continue
            message, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES_MAX, 4)
            if not message:
                return
            ending = socket.socket(fileno=descriptors[0])
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _become(json.loads(message), descriptors[1:])
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            ending.send(str(child).encode())
            running[child] = ending


def _reap(running: dict[int, socket.socket]) -> None:
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        with running.pop(child) as ending, suppress(OSError):
            ending.send(str(status).encode())


def _become(request: dict[str, object], descriptors: list[int]) -> NoReturn:
    """Be the command that was asked for, and end as Python ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(str(request["folder"]))
    environment = request["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (it stays open)
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["cardcentre", *arguments]
    from controller.command_line.main import main

    code = 70
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _writer(descriptor: int) -> io.TextIOWrapper:
    binary = io.BufferedWriter(io.FileIO(descriptor, "wb", closefd=False))
    return io.TextIOWrapper(
        binary, encoding="utf-8", errors="backslashreplace", line_buffering=descriptor == 2
    )


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _serve(requests)
