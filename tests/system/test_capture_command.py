"""Captures from the command line, at a centre in a process of its own that makes cards."""

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.centre import load_centre
from controller.api.client import CentreClient
from drivers.replay import read_vector
from drivers.tap import Traffic
from tests.system import warm
from tests.system.test_command_line import SAMPLE, Ended, called
from tests.system.test_running import answers, centre_file, running, until

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(180)]


@dataclass(frozen=True, slots=True)
class Capturing:
    """A capture under way, and the files that hold what it says."""

    process: warm.WarmProcess
    out: Path
    err: Path

    def ended(self, timeout_s: float = 60.0) -> Ended:
        """Wait for its end."""
        code = self.process.wait(timeout_s)
        return Ended(code, self.out.read_text(), self.err.read_text())


@contextmanager
def capturing(
    folder: Path,
    station: str,
    name: str,
    *,
    lasting: str = "5m",
    file_bytes_max: int = resource.RLIM_INFINITY,
) -> Iterator[Capturing]:
    """Capture until told otherwise, into a file that cannot become larger than this."""
    arguments = ("station", "capture", station, "--for", lasting, "--to", folder / name)
    command = ("--centre", folder / "centre.toml", *arguments)
    said, complaint = folder / f"{name}.out", folder / f"{name}.err"
    with (
        Path(os.devnull).open("rb") as nothing,
        said.open("wb") as out,
        complaint.open("wb") as err,
    ):
        descriptors = (nothing.fileno(), out.fileno(), err.fileno())
        child = warm.start(command, descriptors, file_bytes_max=file_bytes_max)
    try:
        yield Capturing(child, said, complaint)
    finally:
        child.kill()
        child.wait()


async def check_refusals(folder: Path) -> None:
    there = folder / "there"
    there.write_text("kept")
    for arguments, code, told in (
        (["nobody", "--to", "x"], 1, "there is no station nobody"),
        (["printer-1", "--to", str(there)], 1, "exists already"),
        (["printer-1", "--to", str(folder / "no" / "x")], 1, "No such file"),
        (["printer-1", "--for", "2h", "--to", "x"], 2, "from 1s to 60m"),
        (["printer-1", "--for", "0", "--to", "x"], 2, "from 1s to 60m"),
        (["printer-1", "--for", "soon", "--to", "x"], 2, "from 1s to 60m"),
    ):
        ended = await called(folder, "station", "capture", *arguments)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1), ended
        assert told in ended.err
    assert there.read_text() == "kept"


async def test_a_capture_of_a_centre_at_work_is_written_shown_and_unsealed(tmp_path: Path) -> None:
    file = centre_file(tmp_path, simulation={"pace": 100.0})
    client = CentreClient(load_centre(file).api.socket)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    with running(tmp_path / "log", "run", "--centre", file):
        until(lambda: answers(client), "the centre answers")
        await check_refusals(tmp_path)
        with (
            capturing(tmp_path, "reader-1", "whole") as capture,
            capturing(tmp_path, "printer-1", "cut", file_bytes_max=4096) as overfull,
        ):
            until(lambda: whole.exists() and whole.stat().st_size, "reader-1 is captured")
            until(lambda: cut.exists() and cut.stat().st_size, "printer-1 is captured")
            assert (await called(tmp_path, "intake", str(SAMPLE))).code == 0
            until(lambda: whole.stat().st_size > 5_000, "a card is read back")
            capture.process.send_signal(signal.SIGINT)
            ended = capture.ended()
            assert (ended.code, ended.err) == (0, "")
            assert "records of reader-1; a person ended it" in ended.out
            ended = overfull.ended()
            assert (ended.code, ended.out) == (1, "")
            assert "cannot be written" in ended.err
            assert "it is cut off after" in ended.err
        until(lambda: "gone" in {row[3] for row in on_record(tmp_path)}, "the hang-up is seen")
        with capturing(tmp_path, "printer-1", "again", lasting="1s") as again:
            ended = again.ended()
            assert (ended.code, ended.err) == (0, ""), "the one before ended with its command"
            assert "its time was over" in ended.out
    assert "Traceback" not in (tmp_path / "log").read_text()
    ended = await called(tmp_path, "station", "capture", "printer-1", "--to", str(tmp_path / "x"))
    assert (ended.code, "no centre runs" in ended.err) == (1, True)
    assert not (tmp_path / "x").exists(), "nothing was captured"
    await check_shown(tmp_path, whole, cut)
    await check_unsealed(tmp_path, whole)
    await check_without_key(tmp_path, whole)
    check_ledger(tmp_path)


async def check_shown(folder: Path, whole: Path, cut: Path) -> None:
    shown = await called(folder, "capture", "show", str(whole))
    assert shown.code == 0, shown
    assert "reader-1 (reader" in shown.out.splitlines()[0]
    assert shown.out.splitlines()[-1] == "the end: a person ended it"
    assert "aaaaaa9669" not in shown.out
    shown = await called(folder, "capture", "show", "--hex", str(whole))
    assert "bytes  read base  aaaaaa9669000330" in shown.out
    shown = await called(folder, "capture", "show", "--hex", "--json", str(whole))
    assert shown.plain["station"] == "reader-1"
    assert shown.plain["ended"] == "person"
    assert {row["what"] for row in shown.plain["records"]} <= {what.value for what in Traffic}
    for more in ([], ["--hex"]):
        shown = await called(folder, "capture", "show", *more, str(cut))
        assert shown.code == 1
        assert shown.err.endswith("\n")
        assert "cut: the capture was cut off" in shown.err
        assert len(shown.err.splitlines()) == 1


async def check_unsealed(folder: Path, whole: Path) -> None:
    vector = folder / "vector.jsonl"
    unseal = ["capture", "unseal", str(whole), "--to", str(vector)]
    ended = await called(folder, *unseal)
    assert ended.code == 2
    assert "--yes" in ended.err
    assert not vector.exists()
    ended = await called(folder, *unseal, "--yes")
    assert ended.code == 0, ended
    assert vector.stat().st_mode & 0o777 == 0o600
    records = read_vector(vector.read_text())
    shown = await called(folder, "capture", "show", "--hex", "--json", str(whole))
    assert [one.data.hex() for one in records] == [row["hex"] for row in shown.plain["records"]]
    ended = await called(folder, *unseal, "--yes")
    assert (ended.code, "exists already" in ended.err) == (1, True)
    damaged = without_last_line(whole, folder / "damaged")
    for broken in (damaged, folder / "centre.toml", folder / "nowhere", folder):
        half = folder / "half.jsonl"
        ended = await called(folder, "capture", "unseal", str(broken), "--to", str(half), "--yes")
        assert (ended.code, len(ended.err.splitlines())) == (1, 1), ended
        assert not half.exists(), "half of a capture is not left behind readable"


def without_last_line(file: Path, other: Path) -> Path:
    other.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    return other


def key_file_of(file: Path) -> Path:
    text = file.read_text()
    return next(one for one in (file.parent / "keys").glob("*.key") if one.stem in text)


async def check_without_key(folder: Path, whole: Path) -> None:
    async def refused(told: str) -> None:
        for arguments in (["show", "--hex"], ["unseal", "--yes", "--to", str(folder / "x")]):
            ended = await called(folder, "capture", *arguments, str(whole))
            assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1), ended
            assert told in ended.err

    file = folder / "centre.toml"
    text = file.read_text()
    file.write_text(text.replace('name = "simulated"', 'name = "elsewhere"', 1))
    await refused("this is a capture of the centre simulated, not of elsewhere")
    file.write_text(text)
    key_file_of(whole).unlink()
    await refused("stays sealed: ")
    shown: Ended = await called(folder, "capture", "show", str(whole))
    assert shown.code == 0, "its outline needs no key"


def on_record(folder: Path) -> list[tuple[str, str, str, str | None]]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        return connection.execute(
            "SELECT kind, station, actor, json_extract(data, '$.ended') FROM events "
            "WHERE kind LIKE 'capture_%' ORDER BY sequence"
        ).fetchall()


def check_ledger(folder: Path) -> None:
    rows = on_record(folder)
    begun = [row for row in rows if row[0] == "capture_begun"]
    assert len(begun) == 3
    assert all(row[2].startswith("user:") for row in begun)
    assert {row[1:] for row in rows if row[0] == "capture_ended"} == {
        ("reader-1", begun[0][2], "person"),
        ("printer-1", "centre", "gone"),
        ("printer-1", "centre", "time"),
    }
