"""What a person may set of a centre's doors and windows: its socket, its figures, its files.

Who is let in is decided in `controller/api/access.py`.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from config.settings import Settings


class Api(Settings):
    """The doors: a Unix socket for commands, and a network port only where one is set."""

    #: In a folder of its own, which is made so that only the centre's group can look into it.
    socket: Path = Path("run/cardcentre.sock")
    operators: tuple[str, ...] = ()  # Unix users; the user who runs the centre always may
    operator_groups: tuple[str, ...] = ()

    @field_validator("socket")
    @classmethod
    def _has_a_name(cls, socket: Path) -> Path:
        if not socket.name:
            raise ValueError("a socket needs a file name")
        return socket


class Metrics(Settings):
    """Where Prometheus may look; port 0 means nowhere."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)


class Output(Settings):
    """Where manifests and receipts go."""

    folder: Path = Path("out")


class Reports(Settings):
    """What a running centre writes by itself into the folder `reports` of its output."""

    language: Literal["zh", "en"] = "zh"
