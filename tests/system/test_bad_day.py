"""What an operator does to the program on a bad day, and the one line that comes of it."""

import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system import warm
from tests.system.test_command_line import (
    CENTRE,
    COMMAND,
    ENVIRONMENT,
    SAMPLE,
    a_stopped_centre,
)

pytestmark = pytest.mark.real_time

STARTED = "office runs; "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a centre's file in it."""
    (tmp_path / "centre.toml").write_text(CENTRE)
    return tmp_path


def ended(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command to its end."""
    done = warm.cardcentre(*arguments, folder=folder, environment=ENVIRONMENT)
    return done.returncode, done.stdout, done.stderr


@contextmanager
def started(folder: Path) -> Iterator[warm.WarmProcess]:
    """Start a centre and wait until it runs."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as said, Path(os.devnull).open("r+b") as nothing:
        descriptors = (nothing.fileno(), writing, nothing.fileno())
        process = warm.start(("run",), descriptors, folder, ENVIRONMENT)
        os.close(writing)
        try:
            assert said.readline().startswith(STARTED)
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def started_under_nohup(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a centre that is to ignore its terminal's end, and wait until it runs."""
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND, "run"]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith(STARTED)
        yield process


# The ledger


@pytest.mark.parametrize("statement", ["CREATE TABLE stuff (a)", "CREATE TABLE events (a)"])
def test_another_programs_database_is_left_as_it_is(folder: Path, statement: str) -> None:
    ledger = folder / "ledger.sqlite"
    with sqlite3.connect(ledger) as connection:
        connection.execute(statement)
    connection.close()
    before = ledger.read_bytes()
    for arguments in (["run"], ["batch", "list"], ["audit", "verify"]):
        code, out, err = ended(folder, *arguments)
        assert (code, out) == (1, "")
        assert "another program's database, and no ledger" in err
        assert len(err.splitlines()) == 1
    assert ledger.read_bytes() == before


def test_an_empty_file_is_a_ledger_that_nobody_began(folder: Path) -> None:
    (folder / "ledger.sqlite").touch()
    code, out, err = ended(folder, "batch", "list")
    assert (code, out) == (1, "")
    assert "none has begun the ledger" in err


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE cards", "has lost its tables: cards"),
        (
            "UPDATE cards SET state = 'mislaid' WHERE id = 'C-0000001'",
            "hold what no event can write",
        ),
    ],
)
async def test_no_centre_runs_on_a_ledger_with_damaged_tables(
    folder: Path, statement: str, said: str
) -> None:
    """Made anew and empty, the table would have every card made a second time."""
    await a_stopped_centre(folder)
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute(statement)
    connection.close()
    code, out, err = ended(folder, "run")
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert ended(folder, "audit", "verify")[0] == 1


# Doors, ports and signals


def test_a_centre_whose_door_is_taken_starts_nothing(folder: Path) -> None:
    (folder / "run").mkdir(mode=0o750)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "run" / "centre.sock"))
        other.listen()
        code, out, err = ended(folder, "run")
    assert (code, out) == (1, "")
    assert err.startswith("cardcentre: ")
    assert "another centre runs" in err
    assert '"event": "line.started"' not in err


def test_a_closed_terminal_ends_a_centre_in_order(folder: Path) -> None:
    with started(folder) as process:
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0
    assert not (folder / "run" / "centre.sock").exists()


def test_a_centre_under_nohup_outlives_its_terminal_and_ends_in_order_unread(folder: Path) -> None:
    """Its last words go to a pipe that nobody reads any more."""
    with started_under_nohup(folder) as process:
        process.send_signal(signal.SIGHUP)
        assert ended(folder, "status")[0] == 0
        assert process.stdout is not None
        process.stdout.close()
        process.terminate()
        assert process.wait(20) == 0


# Where the output goes


@pytest.mark.parametrize("arguments", [["--help"], ["package", "check", str(SAMPLE), "--json"]])
def test_a_full_disk_behind_the_output_is_one_line(folder: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=folder, env=ENVIRONMENT, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("written: No space left on device\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_command_without_any_stream_does_its_work(folder: Path) -> None:
    words = [*COMMAND, "package", "make", "--orders", "1", "--date", "2005-09-12"]
    shell = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *words]
    done = subprocess.run(shell, cwd=folder, env=ENVIRONMENT, timeout=30, check=False)
    assert done.returncode == 0
    assert list(folder.glob("*.XML"))


# Names


def test_what_cannot_be_a_name_is_not_found(folder: Path) -> None:
    with started(folder) as process:
        for arguments in (["order", "show", ""], ["order", "hold", "O-1/../O-2"]):
            found = ended(folder, *arguments)
            assert found == (1, "", f"cardcentre: nothing is called {arguments[-1]!r}\n")
        process.terminate()
        assert process.wait(20) == 0
    assert [file.name for file in (folder / "run").iterdir()] == ["centre.sock.lock"]


def test_a_pipe_is_no_package(folder: Path) -> None:
    os.mkfifo(folder / "pipe.XML")
    found = ended(folder, "package", "check", "pipe.XML")
    assert found == (1, "", "cardcentre: pipe.XML is not a file\n")
