"""The process that the tests' commands are forked from: it has imported everything already.

    python -m tests.system.warm_starter NAME

Serves every process of one run of tests on an abstract socket of that name. `warm.py` is what tests
use; nothing here is for them.
"""

import ctypes
import gc
import io
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from typing import NoReturn

REQUEST_BYTES_MAX = 1 << 20
#: So long it waits for the first who wants anything.
PATIENCE_S = 60.0
_PR_SET_PDEATHSIG = 1
_CREDENTIALS = struct.Struct("3i")  # of a peer: process, user, group
#: What commands import when they are called.
IMPORTED = (
    "anyio._backends._asyncio",
    "controller.command_line.auditing",
    "controller.command_line.cards",
    "controller.command_line.commands",
    "controller.command_line.commissioning",
    "controller.command_line.offline",
    "controller.command_line.packages",
    "controller.command_line.report_commands",
    "controller.command_line.running",
    "controller.command_line.stations",
    "controller.exercise",
    "controller.machine_server",
    "controller.running",
    "controller.simulating",
    "controller.simulation_report",
    "dateutil.easter",
    "drivers.conformance.probe",
    "holidays.countries",
    "httpx",
    "justmytype_intl_cjk",
    "pydantic.v1",
    "simulators.serving",
    "uvicorn.lifespan.off",
)


class _Starter:
    """Starts what is asked for over any of its ways, until nobody has one any more."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._ended, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self._ways: list[socket.socket] = []
        #: Which way asked for a child, and where its end is told.
        self._running: dict[int, tuple[socket.socket, socket.socket]] = {}

    def serve(self) -> None:
        """Start commands; what still runs at the end dies with this process."""
        signal.set_wakeup_fd(self._wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        patience_s: float | None = PATIENCE_S
        while ready := select.select(self._heard(), [], [], patience_s)[0]:
            for one in ready:
                if one is self._ended:
                    one.recv(4096)
                    self._reap()
                elif one is self._listening:
                    self._let_in()
                else:
                    self._hear(one)
            if self._ways:
                patience_s = None
            elif patience_s is None:
                return

    def _heard(self) -> list[socket.socket]:
        return [self._listening, self._ended, *self._ways]

    def _let_in(self) -> None:
        way, _ = self._listening.accept()
        asked = way.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(asked)[1] == os.getuid():
            self._ways.append(way)
        else:
            way.close()

    def _hear(self, way: socket.socket) -> None:
        message, descriptors, _, _ = socket.recv_fds(way, REQUEST_BYTES_MAX, 4)
        if not message:
            self._ways.remove(way)
            way.close()
            for child, (asked_by, _) in self._running.items():
                if asked_by is way:
                    os.kill(child, signal.SIGKILL)
            return
        ending = socket.socket(fileno=descriptors[0])
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(json.loads(message), descriptors[1:])
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        self._running[child] = way, ending
        ending.send(str(child).encode())

    def _reap(self) -> None:
        while self._running:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            _, ending = self._running.pop(child)
            with ending, suppress(OSError):
                ending.send(str(status).encode())


def _serve(name: str) -> None:
    """Be the process that starts commands, unless there is one already."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        try:
            listening.bind(f"\0{name}")
        except OSError:
            return
        listening.listen()
        for module in IMPORTED:
            __import__(module)
        from PIL import Image

        Image.init()
        # A child that collected garbage would copy all that it shares with its parent.
        gc.collect()
        gc.freeze()
        _Starter(listening).serve()


def _become(request: dict[str, object], descriptors: list[int]) -> NoReturn:
    """Be the command that was asked for, and end as Python ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file_bytes_max = request["file_bytes_max"]
    assert isinstance(file_bytes_max, int)
    if file_bytes_max != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, hard))
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(str(request["folder"]))
    environment = request["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    # The process that this one is forked from was started by another test's, without these.
    lent = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in lent if folder and folder not in sys.path]
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
    _serve(sys.argv[1])
