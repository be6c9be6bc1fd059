"""The demonstration: a whole centre before a stranger's eyes, in under a minute.

Two child processes, as on site: the machines (made of software, on pseudo-terminals, with their
operator) and the centre. This process is the person at the counter: it brings packages, watches,
and prints the account. It knows nothing that the centre's API does not tell. It runs no event loop:
like a person it looks, sleeps a little and looks again.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from config.centre import shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.api.client import CentreClient, CentreError, NotRunning, path_of
from controller.simulation_report import equation
from jobs.invented_faults import FaultKind
from jobs.package_maker import PackagePlan, make_package

PACE = 20
#: With this seed and this share the 15th and the 24th chip of the magazine are bad ones.
SEED, CHIP_FAILURE_SHARE = 22, 0.03
DAY = date(2005, 9, 5)
#: County, applications, deliberate faults of each package.
PACKAGES = (("229901", 16, 1), ("229902", 16, 2), ("229903", 16, 0))
FAULTS = (FaultKind.CHECK_DIGIT, FaultKind.PHOTO_CUT_OFF)
START_TIMEOUT_S = 20.0
WHOLE_TIMEOUT_S = 150.0
LOOK_S = 0.5
LINE_EVERY_S = 5.0
STOP_TIMEOUT_S = 10.0
_PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


class DemonstrationFailed(Exception):
    """Something was not as it should be; says what, and where to look."""

    code = "demonstration.failed"


def demonstrate(folder: Path | None, say: Say) -> None:
    """Run the whole story; raises `DemonstrationFailed`, and then keeps the folder.

    Interrupted, it leaves nothing behind that it was not told to make.
    """
    here = (folder or Path(tempfile.mkdtemp(prefix="cardcentre-demo-"))).absolute()
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise DemonstrationFailed(f"{folder} is not empty")
    begin_s = time.monotonic()
    try:
        with _Children(here) as children:
            _Story(here, children, say).tell()
    except KeyboardInterrupt:
        if folder is None:
            shutil.rmtree(here, ignore_errors=True)
        raise
    except (CentreError, DemonstrationFailed, OSError) as error:
        raise DemonstrationFailed(f"{error}; everything is kept in {here}") from error
    file = here / "machines" / "centre.toml"
    say(f"done in {time.monotonic() - begin_s:.0f} s; look around:")
    say(f"  cardcentre --centre {file} order list")


@dataclass(slots=True)
class _Story:
    """What happens, in order."""

    folder: Path
    children: "_Children"
    say: Say

    def tell(self) -> None:
        self._begin()
        client = CentreClient(self._socket)
        self._take_packages_in(client)
        self._watch(client)
        self._account(client)

    @property
    def _socket(self) -> Path:
        return self.folder / "machines" / "run" / "cardcentre.sock"

    def _begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "machines.toml"
        file.write_text(demonstration_file(), encoding="utf-8")
        machines = self.folder / "machines"
        self.say("A card centre of software machines, each on a pseudo-terminal of its own.")
        self.say(f"Their times are divided by {PACE}; bytes, time-outs and the centre are real.")
        served = machines / "centre.toml"
        self.children.start(
            "machines", "simulators", "serve", "--centre", str(file), "--on", "pty",
            "--folder", str(machines), "--pace", str(PACE), "--operator", str(self._socket),
        )  # fmt: skip
        self._until(served.exists, "the machines are not there")
        ports = sorted(path.name for path in machines.iterdir() if path.is_symlink())
        self.say(f"{len(ports)} machines in {machines}: {', '.join(ports)}")
        self.children.start("centre", "run", "--centre", str(served))
        self._until(self._answers, "the centre does not answer")

    def _answers(self) -> bool:
        try:
            CentreClient(self._socket).get("/status")
        except NotRunning:
            return False
        return True

    def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        end_s = time.monotonic() + START_TIMEOUT_S
        while not true():
            self.children.check()
            if time.monotonic() > end_s:
                raise DemonstrationFailed(f"{otherwise} after {START_TIMEOUT_S:.0f} s")
            time.sleep(0.05)

    def _take_packages_in(self, client: CentreClient) -> None:
        for serial, (county, count, faults) in enumerate(PACKAGES, start=1):
            plan = PackagePlan(count, DAY, (county,), serial, faults=faults, fault_kinds=FAULTS)
            name, content = make_package(Random(f"{SEED}:package:{serial}"), plan)
            path = self.folder / name
            path.write_bytes(content)
            taken = client.act("/packages", {"path": str(path)})
            if taken["broken"]:
                raise DemonstrationFailed(f"{name}: {taken['broken']}")
            self.say(
                f"county {county}: {count} applications; {taken['accepted']} accepted, "
                f"{taken['refused']} refused (batch {taken['batch']})"
            )
            self._tell_refusals(client, taken["batch"])

    def _tell_refusals(self, client: CentreClient, batch: str) -> None:
        for refusal in client.get(path_of("batches", batch)).get("refusals", []):
            reasons = "; ".join(f"{one['field']}: {one['text']}" for one in refusal["reasons"])
            self.say(f"  refused, application {refusal['position']}: {reasons}")

    def _watch(self, client: CentreClient) -> None:
        with _progress(self.say) as show:
            end_s = time.monotonic() + WHOLE_TIMEOUT_S
            while time.monotonic() < end_s:
                self.children.check()
                account = client.get("/account")
                batches = client.get("/batches")
                show(account)
                if all(batch["state"] == "closed" for batch in batches):
                    return
                time.sleep(LOOK_S)
        waiting = "; ".join(one["reason"] for one in client.get("/todo")) or "nobody knows for what"
        raise DemonstrationFailed(f"not ready after {WHOLE_TIMEOUT_S:.0f} s, it waits: {waiting}")

    def _account(self, client: CentreClient) -> None:
        account = client.get("/account")
        for reason, count in account["spoiled_by_reason"].items():
            self.say(f"caught: {count} card spoiled, {reason}; its order was made again")
        out = self.folder / "machines" / "out"
        self._until_written(out)
        names = ("issued", "good", "spoiled", "samples", "returned", "in_process", "in_doubt")
        self.say("manifests of the boxes:  " + str(out / "boxes"))
        self.say("receipts of the batches: " + str(out / "receipts"))
        self.say(equation({name: account[name] for name in names}))
        orders = sum(account["orders_by_state"].values())
        wanted = {
            "the equation of blanks is not true": account["balanced"],
            "not every order is done": account["orders_by_state"]["done"] == orders >= 40,
            "nothing was refused": account["refused_applications"] >= 1,
            "no bad card was caught": account["spoiled"] >= 1,
            "nothing was made again": account["remade_orders"] >= 1,
        }
        if missed := [text for text, true in wanted.items() if not true]:
            raise DemonstrationFailed(", ".join(missed))

    def _until_written(self, out: Path) -> None:
        def written() -> bool:
            boxes, receipts = out / "boxes", out / "receipts"
            made = list(receipts.glob("*.xml")) if receipts.is_dir() else []
            return len(made) == len(PACKAGES) and any(boxes.glob("*/manifest.csv"))

        self._until(written, "manifests and receipts are not written")


class _Children:
    """The two processes of the centre; none of them outlives this one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "_Children":  # noqa: PYI034  (a private class without children)
        return self

    def __exit__(self, *_error: object) -> None:
        # The centre first: it says good-bye to machines that are still there.
        for child in reversed(self._running.values()):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def start(self, name: str, *arguments: str) -> None:
        """Start a command of ours; what it prints goes to a file."""
        command = [sys.executable, "-m", "controller.command_line.main", *arguments]
        with (self._folder / f"{name}.log").open("wb") as log, _interrupts_wait() as heard:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(_die_with_parent, heard),  # noqa: PLW1509  (we have no threads)
            )

    def check(self) -> None:
        """Raise when a child has ended before its time."""
        for name, child in self._running.items():
            if child.poll() is not None:
                log = (self._folder / f"{name}.log").read_text(errors="replace").strip()
                last = log.splitlines()[-1] if log else "it said nothing"
                raise DemonstrationFailed(f"{name} ended with code {child.returncode}: {last}")


@contextmanager
def _interrupts_wait() -> Iterator[set[int]]:
    """Let Ctrl-C wait until a child is started and known; gives the signals blocked before.

    In the midst of a fork Python swallows it, or the child takes it for its own.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield heard
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _die_with_parent(heard: set[int]) -> None:
    """Ask the kernel to end this child when its parent dies, even by SIGKILL."""
    signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _progress(say: Say) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show the account as it grows: live on a terminal, a line now and then in a pipe."""
    if not sys.stdout.isatty():
        last_s = [time.monotonic()]

        def tell(account: dict[str, Any]) -> None:
            if time.monotonic() - last_s[0] >= LINE_EVERY_S:
                last_s[0] = time.monotonic()
                say(_progress_line(account))

        yield tell
        return
    from rich.live import Live
    from rich.text import Text

    with Live(refresh_per_second=4, transient=True) as live:
        yield lambda account: live.update(Text(_progress_line(account)))


def _progress_line(account: dict[str, Any]) -> str:
    orders = account["orders_by_state"]
    total, done = sum(orders.values()), orders["done"]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    bar_width = max(10, min(40, width - 60))
    filled = bar_width * done // max(1, total)
    bar = "#" * filled + "." * (bar_width - filled) + " " if sys.stdout.isatty() else ""
    in_work = account["in_process"] - account["in_magazine"]
    return (
        f"{bar}{done} of {total} cards packed, {in_work} on the line, {account['spoiled']} spoiled"
    )


def demonstration_file() -> str:
    """Return the demonstration's centre: the shipped one with small boxes and two bad chips."""
    raw = read_toml(shipped_centre("simulated"))
    raw["name"] = "demonstration"
    raw["limits"] |= {"box_size": 8, "closing_delay_s": 2.0}
    raw["simulation"] |= {
        "seed": SEED,
        "pace": float(PACE),
        "calendar_date": DAY,
        "machines": {"chip_failure_share": CHIP_FAILURE_SHARE},
    }
    return toml_text(raw)
