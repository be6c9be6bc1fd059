"""Captures of what went over a wire: `station capture` makes one, `capture show|unseal` read it.

A capture comes sealed from the running centre; this writes it down and never sees the key. Reading
the bytes needs the key in the centre's key folder, whether or not the centre runs.
"""

import json
import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click

from controller.api.client import CentreError
from controller.capture_file import CaptureBroken, Ended, Reader
from controller.command_line.output import json_option, write_json, yes_option
from controller.command_line.problems import No, WrongUse, emit
from controller.command_line.progress import waiting
from controller.command_line.session import Session, pass_session
from drivers.frame_names import frame_name
from drivers.replay import vector_head, vector_line
from drivers.tap import Traffic
from jobs.vault import KeyFolder, KeyMissing, VaultError

FOR_MAX_S = 3_600
#: How much longer than it lasts a capture is waited for.
PATIENCE_S = 30.0
_ARROWS = {Traffic.SENT: "->", Traffic.RECEIVED: "<-"}
_DURATION = re.compile(r"(\d{1,6})([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> int:
    """Return a duration like 90, 60s or 5m in seconds; it is wrong use else."""
    found = _DURATION.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 1 <= seconds <= FOR_MAX_S:
        raise WrongUse(f"--for {text}: from 1s to {FOR_MAX_S // 60}m, like 60s or 5m")
    return seconds


def capture_station(session: Session, name: str, for_s: int, path: Path) -> None:
    """Have the running centre capture a station's wire, and write the capture to a new file."""
    with ExitStack() as stack:
        descriptor = stack.enter_context(_new_file(path))
        body, patience_s = {"for_s": for_s}, for_s + PATIENCE_S
        lines = stack.enter_context(
            session.stream("stations", name, "capture", "begin", body=body, timeout_s=patience_s)
        )
        stack.enter_context(_ended_by_interrupt(session, name))
        stack.enter_context(waiting(f"capturing {name}, Ctrl-C ends it"))
        count, last = _write_down(path, descriptor, _until_hung_up(lines))
    ended = _end_of(last)
    if ended is None:
        raise No(f"the centre hung up: {path} is cut off after {max(count - 1, 0)} records")
    told = f"{path} holds {count - 2} records of {name}; {ended.told()}"
    if ended.cut:
        raise No(told)
    session.say(told)


def _until_hung_up(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines that came; that the last one is missing says that there were more."""
    with suppress(CentreError):
        yield from lines


def _write_down(path: Path, descriptor: int, lines: Iterable[bytes]) -> tuple[int, bytes]:
    """Write every line; return how many there were, and the last."""
    count, last = 0, b""
    for line in lines:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            raise No(
                f"{path} cannot be written ({error.strerror}): "
                f"it is cut off after {max(count - 1, 0)} records"
            ) from error
        count, last = count + 1, line
    return count, last


def _end_of(line: bytes) -> Ended | None:
    try:
        return Ended(json.loads(line)["ended"])
    except (ValueError, KeyError, TypeError):
        return None


@contextmanager
def _new_file(path: Path) -> Iterator[int]:
    """Open a file of our own that was not there; an empty one is not left behind."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise No(f"{path} exists already; it is not written over") from None
    except OSError as error:
        raise No(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        if not os.fstat(descriptor).st_size:
            path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def _ended_by_interrupt(session: Session, name: str) -> Iterator[None]:
    """Let the first Ctrl-C end the capture, which then comes to its end; a second one ends us."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, heard)
        with suppress(No):
            session.act("stations", name, "capture", "end")

    heard = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


@click.group()
def capture() -> None:
    """Read what was captured of a wire."""


file_argument = click.argument("file", type=click.Path(path_type=Path))


@capture.command("show")
@file_argument
@click.option("--hex", "with_bytes", is_flag=True, help="Show the bytes too; needs the key.")
@json_option
@pass_session
def capture_show(session: Session, file: Path, *, with_bytes: bool, as_json: bool) -> None:
    """Show the dialogue: when, which way, how many bytes.

    --hex shows the bytes, and what the frames are called: they may hold the data of persons.
    """
    with _opened(file) as reader:
        key = _key(session, reader) if with_bytes else None
        head, rows = reader.head, _rows(reader, key)
        if as_json:
            records = list(rows)
            write_json(head.model_dump() | {"records": records, "ended": reader.ended})
            return
        machine = " ".join(filter(None, (head.kind, head.machine_serial)))
        emit(f"{head.capture}: {head.station} ({machine}) of {head.centre}")
        for row in rows:
            emit(_shown(row))
        assert reader.ended is not None
        emit(f"the end: {reader.ended.told()}")


def _rows(reader: Reader, key: bytes | None) -> Iterator[dict[str, Any]]:
    if key is None:
        for seen in reader.seen():
            yield {"at_us": seen.at_us, "what": seen.what.value, "bytes": seen.size_bytes}
        return
    for record in reader.opened(key):
        sent = record.what is Traffic.SENT
        yield {
            "at_us": record.at_us,
            "what": record.what.value,
            "bytes": len(record.data),
            "frame": frame_name(reader.head.kind, record.data, sent=sent),
            "hex": record.data.hex(),
        }


def _shown(row: dict[str, Any]) -> str:
    what = Traffic(row["what"])
    line = f"{row['at_us'] / 1_000_000:12.6f}  "
    if what not in _ARROWS:
        return f"{line}{what.value}"
    if what is Traffic.RECEIVED and not row["bytes"]:
        return f"{line}<- the far end hung up"
    more = "  ".join(text for text in (row.get("frame"), row.get("hex")) if text)
    return f"{line}{_ARROWS[what]} {row['bytes']:7} bytes  {more}".rstrip()


@capture.command("unseal")
@file_argument
@click.option(
    "--to", "path", required=True, type=click.Path(path_type=Path), help="A new file.",
)  # fmt: skip
@yes_option
@pass_session
def capture_unseal(session: Session, file: Path, path: Path, *, yes: bool) -> None:
    """Make a capture into a test vector that anybody can read and replay to a driver.

    What was printed, written to chips and read from cards is then open: only for invented people.
    """
    with _opened(file) as reader:
        key, station = _key(session, reader), reader.head.station
        session.confirm(
            yes,
            lambda: (
                f"This writes every byte that went over the wire of {station} readable into "
                f"{path}: names, numbers and portraits, if cards of persons were made meanwhile."
            ),
        )
        with _new_file(path) as descriptor:
            try:
                _write_down(path, descriptor, _vector(reader, key))
            except BaseException:
                path.unlink()
                raise
    session.say(f"{path} can be read by anybody who may read the file")


def _vector(reader: Reader, key: bytes) -> Iterator[bytes]:
    head = reader.head
    facts = {"kind": head.kind, "machine": head.machine_serial, "source": head.capture}
    yield vector_head(facts).encode()
    for record in reader.opened(key):
        yield vector_line(record).encode()


@contextmanager
def _opened(file: Path) -> Iterator[Reader]:
    """Open a capture; what is wrong with it is one line."""
    try:
        with file.open("rb") as stream:
            yield Reader(stream)
    except CaptureBroken as error:
        raise No(f"{file}: {error}") from error
    except IsADirectoryError:
        raise No(f"{file} is a folder") from None
    except FileNotFoundError as error:
        raise No(f"there is no file {error.filename}") from error
    except PermissionError as error:
        raise No(f"you may not read {error.filename}") from error


def _key(session: Session, reader: Reader) -> bytes:
    """Return the key of a capture from the key folder of the centre that made it."""
    config = session.config()
    head = reader.head
    if head.centre != config.name:
        raise No(f"this is a capture of the centre {head.centre}, not of {config.name}")
    folder = config.ledger.keys
    try:
        if not folder.is_dir():
            raise No(f"there is no key folder {folder}")
        return KeyFolder(folder).key(head.capture)
    except KeyMissing:
        raise No(f"{head.capture} stays sealed: {folder} has no key of it") from None
    except VaultError as error:
        raise No(str(error)) from error
    except OSError as error:
        raise No(f"the keys in {folder} cannot be read: {error.strerror}") from error
