"""Talking to a running centre from a command: HTTP over its Unix socket, with nothing but Python.

A command line must start at once, so this does without the HTTP library that
`controller/api/async_client.py` uses. It knows paths and bodies, not what they mean.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

ANSWER_TIMEOUT_S = 30.0
#: A package of a hundred thousand applications is read twice before the centre answers.
INTAKE_TIMEOUT_S = 4 * 3600.0


class CentreError(Exception):
    """A centre did not do what was asked; one line says why."""

    code = "centre"


class NotRunning(CentreError):
    """No centre answers on the socket."""

    code = "centre.not_running"


class NoAnswer(CentreError):
    """A centre has the socket, and did not answer in time or not in words that we know."""

    code = "centre.no_answer"


class NotAllowed(CentreError):
    """This user may not."""

    code = "centre.not_allowed"


class RefusedByCentre(CentreError):
    """The centre says no."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class CentreClient:
    """One centre's API. Makes a connection for each call."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    def get(self, path: str, **query: str | int) -> Any:
        """Return a listing."""
        wanted = {name: value for name, value in query.items() if value != ""}
        return self._call("GET", f"{path}?{urlencode(wanted)}" if wanted else path, None)

    def act(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Any:
        """Carry out an act, once; return what the centre says of it."""
        return self._call("POST", path, dict(body or {}), timeout_s)

    @contextmanager
    def stream(
        self, path: str, body: Mapping[str, Any], timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Iterator[Iterator[bytes]]:
        """Carry out an act whose answer comes line by line for as long as it goes on."""
        with closing(_UnixConnection(self._socket_path, timeout_s)) as connection:
            with self._told(timeout_s):
                response = _request(connection, "POST", path, dict(body))
                if response.status >= 400:
                    answer(response.status, response.read())
            yield self._lines(response, timeout_s)

    def _lines(self, response: HTTPResponse, timeout_s: float) -> Iterator[bytes]:
        with self._told(timeout_s):
            yield from iter(response.readline, b"")

    def _call(self, method: str, path: str, body: Any, timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        connection = _UnixConnection(self._socket_path, timeout_s)
        with closing(connection), self._told(timeout_s):
            response = _request(connection, method, path, body)
            return answer(response.status, response.read())

    @contextmanager
    def _told(self, timeout_s: float) -> Iterator[None]:
        """Say in our words what became of a connection."""
        try:
            yield
        except TimeoutError as error:
            raise NoAnswer(f"the centre did not answer within {timeout_s:.0f} s") from error
        except PermissionError as error:
            raise NotAllowed(f"you may not open the socket {self._socket_path}") from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(f"no centre runs on {self._socket_path}") from error
        except (OSError, HTTPException) as error:
            raise NoAnswer(f"the centre hung up ({type(error).__name__})") from error


def _request(connection: HTTPConnection, method: str, path: str, body: Any) -> HTTPResponse:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if content else {}
    connection.request(method, path, content, headers)
    return connection.getresponse()


def answer(status: int, content: bytes) -> Any:
    """Return what a centre answered, or raise what it refused with."""
    try:
        found = json.loads(content)
    except ValueError:
        raise NoAnswer(f"the centre did not answer in JSON (status {status})") from None
    if status < 400:
        return found
    message = str(found.get("message", f"status {status}"))
    if status == 403:
        raise NotAllowed(message)
    raise RefusedByCentre(str(found.get("code", "api")), message)


def path_of(*parts: str) -> str:
    """Return the path of a thing, whatever characters a person put into its name.

    Raises `RefusedByCentre` for what no path can carry, and so nothing is called.
    """
    for part in parts:
        if not part or "/" in part:
            raise RefusedByCentre("api.unknown", f"nothing is called {part!r}")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("centre", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(str(self._path))
