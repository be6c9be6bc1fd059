"""Where a centre's socket and ledger are, read from its file without checking the rest of it.

A command that only asks a running centre must not spend the time that checking a whole file takes;
the centre checked it when it started. Whatever looks odd here is left to the full check.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOCKET = "run/cardcentre.sock"
LEDGER = "ledger.sqlite"
KEYS = "keys"


class Odd(Exception):
    """The file is not what it should be; the full check says how."""


@dataclass(frozen=True, slots=True)
class Doors:
    """A centre's name, its doors, and its stations as (station, line, kind)."""

    name: str
    socket: Path
    ledger: Path
    keys: Path
    stations: tuple[tuple[str, str, str], ...]


def read_doors(file: Path) -> Doors:
    """Read a centre's file; raises `Odd`."""
    try:
        if not file.is_file():
            raise Odd
        with file.open("rb") as stream:
            raw = tomllib.load(stream)
        folder = file.absolute().parent
        ledger = raw.get("ledger", {})
        return Doors(
            str(raw["name"]),
            folder / raw.get("api", {}).get("socket", SOCKET),
            folder / ledger.get("path", LEDGER),
            folder / ledger.get("keys", KEYS),
            tuple(station for line in raw["lines"] for station in _stations(line)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Odd from error


def _stations(line: dict[str, Any]) -> list[tuple[str, str, str]]:
    name = line["name"]
    found = [(one["name"], name, one["kind"]) for one in line["stations"]]
    return [(f"{name}-transport", name, "transport"), *found]
