"""The socket file: made so that only those who may can open it, and never taken from a live centre.

A lock beside the socket says that a centre runs; the kernel drops it with the process, so a socket
left behind by a killed centre is told from a living one.
"""

import fcntl
import grp
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

FOLDER_MODE = 0o750
SOCKET_MODE = 0o660
BACKLOG = 64
ANSWER_TIMEOUT_S = 1.0
#: `sun_path` holds 108 bytes with the zero at its end.
PATH_BYTES_MAX = 107


class DoorError(Exception):
    """The socket cannot be opened for business; one line says why."""

    code = "api.socket"


class CentreRuns(DoorError):
    """Another centre has this socket."""

    code = "api.another_centre"


@contextmanager
def open_door(path: Path, group: str = "") -> Iterator[socket.socket]:
    """Listen on a socket file; the file is removed at the end. Raises `DoorError`."""
    path = path.absolute()
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise DoorError(f"the socket's path is longer than {PATH_BYTES_MAX} bytes: {path}")
    with ExitStack() as stack:
        try:
            _make_folder(path.parent, group)
            stack.callback(os.close, _lock(path))
            _remove_stale(path)
            listener = stack.enter_context(_listen(path, group))
        except OSError as error:
            reason = error.strerror or str(error)
            raise DoorError(f"the socket {path} cannot be made: {reason}") from error
        try:
            yield listener
        finally:
            with suppress(OSError):
                path.unlink()


def _make_folder(folder: Path, group: str) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER_MODE)
        folder.chmod(FOLDER_MODE)
        _give_to(folder, group)
    elif stat.S_IMODE(folder.stat().st_mode) & stat.S_IWOTH:
        raise DoorError(
            f"everybody may write to {folder}: name another folder in api.socket, "
            "one that does not exist is made"
        )


def _lock(path: Path) -> int:
    """Return the descriptor that holds the lock for as long as it is open."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CentreRuns(f"another centre runs on {path}") from None
    return descriptor


def _remove_stale(path: Path) -> None:
    """Remove a socket on which nobody answers."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DoorError(f"{path} is there and is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(ANSWER_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise CentreRuns(f"somebody answers on {path}: another centre runs")


def _listen(path: Path, group: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
        _give_to(path, group)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _give_to(path: Path, group: str) -> None:
    """Let the operators' group pass."""
    if not group:
        return
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        raise DoorError(f"there is no group {group} on this host (api.operator_groups)") from None
    if path.stat().st_gid == number:
        return
    try:
        os.chown(path, -1, number)
    except PermissionError:
        raise DoorError(
            f"{path} cannot be given to the group {group}: the centre's user is not in it"
        ) from None
