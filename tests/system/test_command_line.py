"""The command as an operator has it: a process with exit codes, a standard output and an error."""

import asyncio
import io
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from config.centre import Ledger, load_centre
from config.doors import Api
from controller.command_line.commands import ENTRIES, run
from controller.command_line.doors import KEYS, LEDGER, SOCKET, read_doors
from controller.verbs import Verbs
from tests.system import warm
from tests.unit.controller.office import ACCEPTANCE_NUMBER, office, running

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "ZAGL_ZZJH_2299010000002005091200001.XML"
COMMAND = [sys.executable, "-m", "controller.command_line.main"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Asia/Shanghai", "COLUMNS": "200"}
CENTRE = """
name = "office"
purpose = "simulation"
simulation = {}
api = { socket = "run/centre.sock" }

[[lines]]
name = "line-1"
transport = { url = "sim://line-1-transport" }
stations = [
    { name = "printer-1", kind = "printer", url = "sim://printer-1" },
    { name = "laminator-1", kind = "laminator", url = "sim://laminator-1" },
    { name = "encoder-1", kind = "encoder", url = "sim://encoder-1" },
    { name = "reader-1", kind = "reader", url = "sim://reader-1" },
]
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> Any:
        return json.loads(self.out)


async def cardcentre(folder: Path, *arguments: str, stdin: bytes = b"") -> Ended:
    """Run the command without a terminal."""
    done = await asyncio.to_thread(
        warm.cardcentre, *arguments, folder=folder, environment=ENVIRONMENT, stdin=stdin
    )
    return Ended(done.returncode, done.stdout, done.stderr)


async def called(folder: Path, *arguments: str, stdin: str = "") -> Ended:
    """Run the command in this process: the same but for the start of Python, for long tables."""
    return await asyncio.to_thread(_called, folder, arguments, stdin)


def _called(folder: Path, arguments: Sequence[str], stdin: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        code = run(["--centre", str(folder / "centre.toml"), *arguments])
    return Ended(code, out.getvalue(), err.getvalue())


async def on_terminal(folder: Path, arguments: Sequence[str], keys: bytes) -> Ended:
    """Run the command on a terminal and type keys when it asks."""
    return await asyncio.to_thread(_on_terminal, folder, arguments, keys)


def _on_terminal(folder: Path, arguments: Sequence[str], keys: bytes) -> Ended:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(COMMAND[0], [*COMMAND, *arguments], ENVIRONMENT)  # noqa: S606  (no shell is wanted)
    seen = b""
    typed = False
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
            if not typed and (b"[y/N]" in seen or (keys == b"\x03" and b"office" in seen)):
                os.write(terminal, keys)
                typed = True
    except OSError:
        pass  # the terminal's other end is closed: the command has ended
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), seen.decode(), "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a centre's file in it."""
    (tmp_path / "centre.toml").write_text(CENTRE)
    return tmp_path


@asynccontextmanager
async def a_running_centre(folder: Path) -> AsyncIterator[Verbs]:
    async with running(folder, on_disk=True) as (verbs, _):
        yield verbs


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def files_with(folder: Path, content: bytes) -> list[Path]:
    return [file for file in files_in(folder) if content in file.read_bytes()]


async def a_stopped_centre(folder: Path) -> None:
    verbs = await office(folder, path=str(folder / "ledger.sqlite"))
    verbs.ledger.close()


# Start, help, mistakes in the call


def test_the_help_and_the_listings_import_nothing_heavy(folder: Path) -> None:
    code = """
import sys
from controller.command_line.main import main
try:
    main()
except SystemExit:
    print(sorted({"pydantic", "fastapi", "httpx", "rich", "PIL", "asyncio"} & set(sys.modules)))
"""
    for arguments in (["--help"], ["card", "--help"]):
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=folder, env=ENVIRONMENT,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ended.stdout.endswith("[]\n")


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if "running" not in e.place])
async def test_every_command_has_a_help(name: str, folder: Path) -> None:
    ended = await called(folder, name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: cardcentre {name}")


async def test_wrong_use_is_two_and_never_a_traceback(tmp_path: Path) -> None:
    for arguments in (
        ["explode"], ["card", "explode"], ["card", "show"], ["stock", "load", "line-1", "0"],
        ["status"], ["--centre", "nowhere.toml", "status"], ["package", "make", "--date", "x"],
        ["order", "list", "--state", "dun"], ["card", "list", "--state", "lost"],
        ["package", "make", "--orders", "2", "--faults", "3"], ["config", "check", "nowhere"],
    ):  # fmt: skip
        ended = await cardcentre(tmp_path, *arguments)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert "Traceback" not in ended.err
        assert ended.err


#: What `cardcentre` would be if one of its commands had a mistake.
FAULTY = """
import asyncio, sys, click
from controller.command_line import commands
from jobs.states import IllegalTransition

@click.command()
def list_orders():
    asyncio.run(main())

async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(mistaken())

async def mistaken():
    try:
        raise {}
    except ValueError as error:
        raise RuntimeError("some person's name") from error

commands.cli.get_command = lambda *_: list_orders
sys.exit(commands.run(sys.argv[1:]))
"""


def faulty(fault: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a command that makes this mistake."""
    return subprocess.run(
        [sys.executable, "-c", FAULTY.format(fault), *options, "list"],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("ValueError('some person')", "(ValueError)"),
        ("KeyError('some person')", "(KeyError)"),
        ("IllegalTransition('C-0000001 is not in doubt')",
         "(IllegalTransition: C-0000001 is not in doubt)"),
    ],
)  # fmt: skip
def test_a_fault_of_ours_is_one_line(fault: str, told: str) -> None:
    ended = faulty(fault)
    assert (ended.returncode, ended.stdout) == (70, "")
    assert ended.stderr.startswith(f"cardcentre: an unexpected fault {told}: please report this")
    assert len(ended.stderr.splitlines()) == 1
    assert "person" not in ended.stderr


def test_a_fault_of_ours_is_a_traceback_for_who_debugs() -> None:
    assert "Traceback" in faulty("ValueError('some person')", "--debug").stderr


def test_a_fault_of_ours_tells_the_innermost_place_of_ours() -> None:
    code = (
        "from config.loading import read_toml; import controller.command_line.our_fault as fault\n"
    )
    code += (
        "try: read_toml(None)\nexcept AttributeError as error: print(fault.our_fault_line(error))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert re.match(
        r"cardcentre: an unexpected fault \(AttributeError at config\.loading:\d+ in read_toml\):",
        ended.stdout,
    )


def test_nobody_reading_is_quiet(folder: Path) -> None:
    asyncio.run(a_stopped_centre(folder))
    with subprocess.Popen(
        [*COMMAND, "order", "list"], cwd=folder, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read().decode()
        assert process.wait() == 141
    assert complaint.count("\n") == 1, "only that no centre runs"


def test_ctrl_c_while_python_still_imports_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("print('imports', flush=True)\nimport time\ntime.sleep(30)")
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [*COMMAND, "status"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    # A shell shows it as 130.
    assert (process.returncode, err) == (-signal.SIGINT, b"")


async def test_ctrl_c_is_quiet(folder: Path) -> None:
    async with a_running_centre(folder):
        watching = await asyncio.create_subprocess_exec(
            *COMMAND, "status", "--watch", "--json", cwd=folder, env=ENVIRONMENT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert watching.stdout is not None
        await watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, err = await watching.communicate()
        assert (watching.returncode, err.strip()) == (130, b"")


# Configuration and packages


async def test_all_mistakes_of_a_file_are_told_at_once(folder: Path) -> None:
    sound = await cardcentre(folder, "config", "check", "centre.toml")
    assert sound.code == 0
    assert "1 line, 4 stations" in sound.out
    wrong = CENTRE.replace('name = "office"', 'name = "Büro"').replace("sim://reader-1", "x://y")
    (folder / "wrong.toml").write_text("colour = 3\n" + wrong)
    ended = await cardcentre(folder, "config", "check", "wrong.toml")
    assert ended.code == 2
    for path in ("name:", "colour: there is no such setting", "lines[0].stations[3]:"):
        assert path in ended.err
    assert "mistakes, nothing was started" in ended.err
    (folder / "centre.toml").write_text("name = 3")
    assert (await cardcentre(folder, "status")).code == 2


async def test_a_package_is_made_the_same_from_the_same_seed(tmp_path: Path) -> None:
    options = ["--orders", "3", "--seed", "5", "--date", "2005-09-12", "--out"]
    first = await cardcentre(tmp_path, "package", "make", *options, "a")
    second = await cardcentre(tmp_path, "package", "make", *options, "b")
    assert (first.code, second.code) == (0, 0)
    name = "ZAGL_ZZJH_2299000000002005091200001.XML"
    assert first.out == f"a/{name}\n"
    content = (tmp_path / "a" / name).read_bytes()
    assert content == (tmp_path / "b" / name).read_bytes()
    again = await cardcentre(tmp_path, "package", "make", *options, "a", "--seed", "6")
    assert (again.code, again.out) == (1, "")
    assert "is there already" in again.err
    assert (tmp_path / "a" / name).read_bytes() == content


async def test_a_package_is_made_for_the_day_of_the_centre_at_hand(folder: Path) -> None:
    (folder / "centre.toml").write_text(
        CENTRE.replace("simulation = {}", "simulation = { calendar_date = 2005-09-07 }")
    )
    ended = await cardcentre(folder, "package", "make", "--orders", "1", "--counties", "1")
    assert ended.out == "ZAGL_ZZJH_2299010000002005090700001.XML\n"


async def test_a_package_is_judged_without_being_taken_in(tmp_path: Path) -> None:
    ended = await cardcentre(tmp_path, "package", "check", str(SAMPLE))
    assert ended.code == 1
    assert "8 applications, 6 accepted, 0 held, 2 refused" in ended.out
    assert "number has a wrong check digit" in ended.out
    assert "photo is 300 x 400, not 358 x 441" in ended.out
    found = (await cardcentre(tmp_path, "package", "check", "--json", str(SAMPLE))).plain
    assert (found["accepted"], found["refused"], found["broken"]) == (6, 2, "")
    assert {reason["code"] for reason in found["reasons"]} == {"21", "32"}
    assert not files_in(tmp_path)
    made = await cardcentre(tmp_path, "package", "make", "--orders", "2")
    assert (await cardcentre(tmp_path, "package", "check", made.out.strip())).code == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (SAMPLE.read_bytes()[:30_000], "ends before its last element"),
        (b"", "the file is empty"),
        (bytes(1000), "zero bytes"),
        (b"\xff\xfe<\0", "UTF-16"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><zzjh version="1"/>', "entities are not allowed"),
        (SAMPLE.read_bytes().replace(b"</zzjh>", b"<jl>"), "more records|ends before"),
    ],
)
async def test_a_broken_package_is_one_clear_line(content: bytes, text: str, folder: Path) -> None:
    (folder / SAMPLE.name).write_bytes(content)
    ended = await called(folder, "package", "check", str(folder / SAMPLE.name))
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert re.search(text, ended.err)
    found = (await called(folder, "package", "check", "--json", str(folder / SAMPLE.name))).plain
    assert re.search(text, found["broken"])


# Listings


async def test_listings_of_a_centre_that_does_not_run_come_from_its_ledger(folder: Path) -> None:
    await a_stopped_centre(folder)
    ended = await cardcentre(folder, "order", "list", "--state", "in production")
    assert ended.code == 0
    assert ended.err.startswith("cardcentre: no centre runs; this is from ")
    lines = ended.out.splitlines()
    assert lines[0].split() == [
        "ORDER", "COUNTY", "EXPRESS", "STATE", "PROMISED", "BY", "CARD", "PLACE", "ATTEMPTS",
        "REASON",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:]] == ["O-00001-00002", "O-00001-00003"]
    stations = (await cardcentre(folder, "station", "list", "--json")).plain
    assert [row["name"] for row in stations] == [
        "line-1-transport", "printer-1", "laminator-1", "encoder-1", "reader-1",
    ]  # fmt: skip
    assert stations[1]["state"] == "Held"
    todo = (await cardcentre(folder, "todo", "--json")).plain
    assert [item["need"] for item in todo] == ["centre stopped", "card in doubt"]


LISTINGS = {
    "batch list": {"id", "package", "state", "county", "received_at", "closed_at", "applications",
                   "refused", "orders", "reason"},
    "order list": {"id", "batch", "county", "product", "load", "express", "state",
                   "promise_date", "received_at", "done_at", "attempts", "spoiled", "card", "place",
                   "box", "reason"},
    "card list": {"id", "order", "attempt", "line", "state", "place", "may_be_at", "box",
                  "issued_at", "chip_serial", "card_serial", "reason"},
    "box list": {"id", "batch", "county", "state", "line", "tray", "cards", "opened_at",
                 "sealed_at"},
    "station list": {"name", "line", "kind", "state", "since", "act", "cards", "reason", "code",
                     "machine_serial", "cleaning"},
    "stock show": {"line", "in_magazine", "loaded", "taken", "returned", "samples"},
    "line status": {"name", "running", "reason", "in_process", "in_magazine"},
}  # fmt: skip
SHOWS = {
    "batch show B-00001": {"refusals", "boxes"},
    "order show O-00001-00002": {"waits", "cards", "events"},
    "card show C-0000004": {"batch", "county", "doing", "waits", "events"},
    "box show X-00001": {"contents"},
    "report account": {"issued", "good", "spoiled", "samples", "returned", "in_process",
                       "in_doubt", "balanced", "spoiled_by_reason"},
    "status": {"name", "running", "lines", "stations", "orders", "account", "promises", "todo"},
}  # fmt: skip


async def test_every_listing_has_json_with_stable_keys_running_or_not(folder: Path) -> None:
    async def look() -> dict[str, Any]:
        commands = [*LISTINGS, *SHOWS]
        ended = [await called(folder, *one.split(), "--json") for one in commands]
        assert [one.code for one in ended] == [0] * len(commands)
        return {name: one.plain for name, one in zip(commands, ended, strict=True)}

    async with a_running_centre(folder):
        while_running = await look()
    when_stopped = await look()
    for name, keys in LISTINGS.items():
        for rows in (while_running[name], when_stopped[name]):
            assert all(set(row) == keys for row in rows), name
    for name, keys in SHOWS.items():
        assert keys <= set(while_running[name]), name
        assert keys <= set(when_stopped[name]), name
    same = ("batch list", "order list", "card list", "box list", "card show C-0000004",
            "order show O-00001-00002", "report account")  # fmt: skip
    assert all(while_running[name] == when_stopped[name] for name in same)


async def test_a_pipe_gets_plain_text_and_a_terminal_colours(folder: Path) -> None:
    async with a_running_centre(folder):
        for command in ("status", "order show O-00001-00002", "card show C-0000004", "batch list"):
            ended = await cardcentre(folder, *command.split())
            assert (ended.code, ended.err) == (0, "")
            assert ended.out.isascii(), "no box drawing, no ANSI"
            assert "\x1b" not in ended.out
        shown = (await cardcentre(folder, "card", "show", "C-0000004")).out
        assert "in doubt (link.reply_timeout during print at printer-1)" in shown
        assert "2005-09-05 08:0" in shown, "local time, with the date since it is not today"
        terminal = await on_terminal(folder, ["order", "list"], b"")
        assert terminal.code == 0
        assert "\x1b[" in terminal.out
        watched = await on_terminal(folder, ["status", "--watch"], b"\x03")
        assert watched.code == 0
        assert "Traceback" not in watched.out


async def test_a_long_listing_is_cut_and_says_so(folder: Path) -> None:
    async with a_running_centre(folder):
        for limit, shown in (("3", 3), ("0", 4), ("4", 4)):
            ended = await called(folder, "order", "list", "--limit", limit, "--json")
            assert len(ended.plain) == shown
            assert ("--limit 0 shows all" in ended.err) == (limit == "3")


async def test_a_card_is_found_without_its_number_being_written_anywhere(folder: Path) -> None:
    async def find(what: str) -> Ended:
        return await called(folder, "card", "find", "-", "--json", stdin=f"{what}\n")

    async def look() -> None:
        for what in (ACCEPTANCE_NUMBER, "a0b1", "c0ffee", "C-0000001", "O-00001-00001"):
            ended = await find(what)
            assert [card["id"] for card in ended.plain] == ["C-0000001"]
            assert ACCEPTANCE_NUMBER not in ended.err + ended.out
        assert (await find("nobody")).code == 1

    async with a_running_centre(folder):
        await look()
    await look()
    assert files_with(folder, b"C-0000001"), "the ledger is looked at too"
    assert not files_with(folder, ACCEPTANCE_NUMBER.encode())


# Acts

ACTS = [
    "batch release B-00001", "batch hold B-00001", "batch cancel B-00001 --yes",
    "order hold O-00001-00004", "order cancel O-00001-00004 --yes", "order remake O-00001-00004",
    "card settle C-0000004 --spoiled --yes", "card settle C-0000004 --at magazine",
    "card spoil C-0000001 --reason bad --yes", "card accept C-0000003",
    "card reject C-0000003 --reason bad", "stock load line-1 5", "stock return line-1 5 --yes",
    "box seal X-00001 --yes", "station hold printer-1", "station unhold printer-1",
    "station clear printer-1", "station stop printer-1 --yes", "station start printer-1",
    "station maintain printer-1 begin", "station maintain printer-1 end --samples 2",
    "station clean printer-1",
    "line start line-1", "line start", "line stop line-1 --yes", f"intake {SAMPLE}",
]  # fmt: skip
DESTRUCTIVE = [act.removesuffix(" --yes") for act in ACTS if act.endswith("--yes")]


async def test_an_act_without_a_running_centre_is_refused(folder: Path) -> None:
    await a_stopped_centre(folder)
    before = (folder / "ledger.sqlite").read_bytes()
    for act in ACTS:
        ended = await called(folder, *act.split())
        assert (ended.code, ended.out) == (1, ""), act
        assert "no centre runs" in ended.err
        assert len(ended.err.splitlines()) == 1
    assert (folder / "ledger.sqlite").read_bytes() == before


async def test_a_destructive_act_asks_and_without_a_terminal_needs_yes(folder: Path) -> None:
    async with a_running_centre(folder) as verbs:
        before = verbs.ledger.sequence
        for act in DESTRUCTIVE:
            ended = await called(folder, *act.split())
            assert (ended.code, ended.out) == (2, ""), act
            assert "--yes" in ended.err
        settle = ["card", "settle", "C-0000004", "--spoiled"]
        no = await on_terminal(folder, settle, b"n\n")
        assert no.code == 1
        assert "This spoils C-0000004 of order O-00001-00003" in no.out
        assert "nothing was done" in no.out
        gone = await on_terminal(folder, settle, b"\x04")
        assert gone.code == 130
        assert verbs.ledger.sequence == before
        yes = await on_terminal(folder, settle, b"y\n")
        assert yes.code == 0
        assert verbs.ledger.books.cards["C-0000004"].state == "spoiled"


async def test_acts_are_done_and_what_makes_no_sense_is_refused(folder: Path) -> None:
    async with a_running_centre(folder) as verbs:
        done = {
            "order hold O-00001-00004 --reason test": "O-00001-00004 is held",
            "box seal X-00001 --yes": "X-00001 is sealed",
            "card settle C-0000004 --spoiled --yes": "C-0000004 is settled: spoiled",
            "card spoil C-0000001 --reason scratched --yes": "C-0000001 is spoiled: scratched",
            "order cancel O-00001-00001 --yes": "O-00001-00001 is cancelled",
            "batch hold B-00001": "B-00001 is held",
            "batch release B-00001": "B-00001 is released",
            "batch cancel B-00001 --yes": "B-00001 is cancelled",
        }
        for act, said in done.items():
            ended = await called(folder, *act.split())
            assert (ended.code, ended.out.strip(), ended.err) == (0, said, ""), act
        actors = {event.draft.actor for event in list(verbs.ledger.store.events())[-5:]}
        assert len(actors) == 1
        assert next(iter(actors)).startswith("user:")
        refused = {
            "order hold O-00001-00001": (1, "is cancelled: it cannot be held"),
            "order cancel O-99 --yes": (1, "there is no order O-99"),
            "card accept C-0000003": (1, "is not before an inspector"),
            "card settle C-0000003": (2, "one of --spoiled and --at"),
            "card spoil C-0000003 --reason 229901198001010017 --yes": (2, "no personal number"),
            "station hold nobody": (1, "there is no station nobody"),
            "station maintain nobody end --samples 1": (1, "there is no station nobody"),
            "station maintain printer-1 begin --samples 1": (2, "at the end of the work"),
            "stock load line-9 5": (1, "there is no line line-9"),
            "order remake O-00001-00001": (1, "is cancelled: it cannot be released or remade"),
            "batch hold B-00001": (1, "is cancelled: it cannot be held"),
            "box show X-9": (1, "there is no box X-9"),
            "order show O-99": (1, "there is no order O-99"),
        }
        for act, (code, text) in refused.items():
            ended = await called(folder, *act.split())
            assert (ended.code, ended.out) == (code, ""), act
            assert text in ended.err
            assert len(ended.err.splitlines()) == 1


async def test_packages_are_taken_in_once(folder: Path) -> None:
    broken = folder / "ZAGL_ZZJH_2299010000002005091200002.XML"
    broken.write_bytes(SAMPLE.read_bytes())
    copy(SAMPLE, folder)
    async with a_running_centre(folder) as verbs:
        ended = await cardcentre(folder, "intake", SAMPLE.name, "--json")
        assert ended.code == 0
        assert (ended.plain[0]["refused"], ended.plain[0]["known"]) == (2, False)
        before = verbs.ledger.sequence
        again = await cardcentre(folder, "intake", SAMPLE.name)
        assert (again.code, verbs.ledger.sequence) == (0, before)
        assert "known already" in again.out
        refused = await cardcentre(folder, "intake", SAMPLE.name, broken.name)
        assert refused.code == 1
        assert "refused whole: the file's name does not fit" in refused.out


# Audit


async def test_a_sound_ledger_passes_its_audit(folder: Path) -> None:
    async with a_running_centre(folder) as verbs:
        found = (await cardcentre(folder, "audit", "verify", "--json")).plain
        assert found["whole"] is True
        assert (found["events"], found["ledger_digest"]) == (
            verbs.ledger.sequence, verbs.ledger.head,
        )  # fmt: skip
    ended = await cardcentre(folder, "audit", "verify")
    assert ended.code == 0
    assert "10 issued = 1 good + 1 spoiled" in ended.out
    assert "NOT" not in ended.out


@pytest.mark.parametrize(
    ("forgery", "problem"),
    [
        ("UPDATE cards SET state = 'dispatched' WHERE id = 'C-0000001'",
         "the table of cards disagrees with the events about C-0000001"),
        ("UPDATE lines SET loaded = loaded + 1", "the table of lines disagrees"),
        ("DELETE FROM refusals", "the table of refusals disagrees"),
        ("UPDATE day_counts SET made = made + 1", "the table of day counts disagrees"),
        ("UPDATE works SET station = 'x' WHERE id = 'W-00000001'", "finished works disagrees"),
        ("UPDATE orders SET state = 'x' WHERE id = 'O-00001-00001'", "no event can write"),
        ("DROP TRIGGER events_are_never_changed; UPDATE events SET actor = 'x' WHERE sequence = 9",
         "the chain of events breaks at event 9"),
        ("DROP TRIGGER events_are_never_changed; UPDATE events SET data = 'x' WHERE sequence = 5",
         "event 5 makes no sense"),
        ("DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE sequence = 7",
         "the chain of events breaks at event 7"),
    ],
)  # fmt: skip
async def test_a_forged_ledger_fails_its_audit(forgery: str, problem: str, folder: Path) -> None:
    await a_stopped_centre(folder)
    forged = sqlite3.connect(folder / "ledger.sqlite")
    forged.executescript(forgery)
    forged.close()
    ended = await called(folder, "audit", "verify")
    assert ended.code == 1
    assert problem in ended.out
    assert "NOT WHOLE" in ended.out


def test_the_doors_are_where_the_full_check_says(folder: Path) -> None:
    assert (Path(SOCKET), Path(LEDGER), Path(KEYS)) == (
        Api().socket, Ledger().path, Ledger().keys,
    )  # fmt: skip
    doors, checked = read_doors(folder / "centre.toml"), load_centre(folder / "centre.toml")
    assert doors.socket == checked.api.socket
    assert doors.ledger == checked.ledger.path
    assert doors.keys == checked.ledger.keys
    assert [name for name, _, _ in doors.stations][1:] == [
        station.name for station in checked.lines[0].stations
    ]
