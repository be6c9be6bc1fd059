"""Ports that a command opens itself, beside no centre that holds them.

A serial port is locked by whoever has it open; a TCP server is not, so the running centre's file
is asked too.
"""

import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from controller.api.client import CentreClient, CentreError, NotRunning, path_of
from controller.command_line.doors import Odd
from controller.command_line.problems import No
from controller.command_line.session import Session
from drivers.chip_reader import ChipReader, EncoderTimeouts
from drivers.open_chip_reader import open_chip_reader
from drivers.open_wire import open_wire
from drivers.wire import Wire
from jobs.station_causes import MAINTENANCE

CONNECT_TIMEOUT_S = 5.0
DEFAULT_BAUD = 115_200


async def open_port(url: str) -> Wire:
    """Open a wire; raises `WireNotOpened`."""
    return await open_wire(url, CONNECT_TIMEOUT_S)


async def open_reader(url: str, *, echo: bool) -> ChipReader:
    """Open an encoder's reader; raises `WireNotOpened`."""
    return await open_chip_reader(url, EncoderTimeouts(), CONNECT_TIMEOUT_S, open_wire, echo=echo)


def baud_of(url: str) -> int | None:
    """Return the rate of a serial URL; None where somebody else sets it."""
    parts = urlsplit(url)
    if parts.scheme != "serial":
        return None
    return int(dict(parse_qsl(parts.query)).get("baud", DEFAULT_BAUD))


def refuse_if_held(session: Session, url: str) -> None:
    """Refuse a port that a station of the running centre has, unless a technician has it."""
    if not session.has_file():
        return
    here = _place(url)
    holders = [name for name, used in _wires(session.file()) if _place(used) == here]
    if holders and not set(holders) <= _given_to_technicians(session, holders):
        raise No(
            f"the running centre has this port for {holders[0]}: stop the centre first, "
            f"or say `cardcentre station maintain {holders[0]} begin`"
        )


def _given_to_technicians(session: Session, holders: Sequence[str]) -> set[str]:
    """Return the stations that leave their ports to others: all where no centre runs.

    While an act is open its evidence is in the machine, and must not be overwritten.
    """
    try:
        rows = CentreClient(session.doors().socket).get(path_of("stations"))
    except (NotRunning, Odd):
        return set(holders)
    except CentreError:
        # Busy, or not for this user: it is there.
        return set()
    return {row["name"] for row in rows if row["code"] == MAINTENANCE and not row["act"]}


def _wires(file: Path) -> Iterator[tuple[str, str]]:
    """Return the stations of a centre's file with their wires; a file being written has none."""
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        for line in raw["lines"]:
            yield f"{line['name']}-transport", line["transport"]["url"]
            yield from ((one["name"], one["url"]) for one in line["stations"] if "url" in one)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return


def _place(url: str) -> str:
    """Return what two URLs of one port have in common."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # opening it says what it should be
    if parts.scheme == "serial":
        return os.path.realpath(parts.path)
    return parts.netloc.lower()
