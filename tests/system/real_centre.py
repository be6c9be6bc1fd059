"""A centre and its machines as processes of their own, for tests that treat them badly.

The machines run on whatever happens to the centre; a test reaches the centre as a person does, by
its socket and its command line. What must be true of it in the end is `books_and_floor.py`.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from config.centre import Centre, load_centre, shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.api.client import CentreClient, CentreError
from jobs.package_maker import PackagePlan, file_name, make_package
from tests.system import warm

DAY = date(2005, 9, 5)
PACE = 50.0
#: More than a loaded machine needs for anything that should happen at all.
PATIENCE_S = 60.0
LOOK_S = 0.1
#: What is timed is looked at more often.
LOOK_OFTEN_S = 0.05
#: Answering takes the centre's time from its machines: what takes seconds is asked for seldom.
LOOK_SELDOM_S = 0.25

#: Machines worse than usual, so that cards are spoiled and made again while things go wrong.
WEAR = {"chip_failure_share": 0.06, "misprint_share": 0.03, "jam_share": 0.01}


class Never(AssertionError):
    """What a test waited for did not happen."""


def until(
    true: Callable[[], object],
    what: str,
    timeout_s: float = PATIENCE_S,
    told: Callable[[], str] = lambda: "",
    look_s: float = LOOK_S,
) -> None:
    """Wait until something is true, or fail saying what it was."""
    end_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end_s:
            raise Never(f"never: {what}\n{told()}")
        time.sleep(look_s)


def start(log: Path, *arguments: object) -> warm.WarmProcess:
    """Start a command of ours that dies with this process; what it says is added to a log."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        return warm.start(arguments, (nothing.fileno(), output.fileno(), output.fileno()))


@dataclass(slots=True)
class RealCentre:
    """Machines in one process, a centre in another; `with` ends both."""

    folder: Path
    seed: int = 1
    on: str = "pty"
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operator: bool = True
    pace: float = PACE
    machines: warm.WarmProcess | None = None
    centre: warm.WarmProcess | None = None
    packages: int = 0
    #: Packages that no centre has acknowledged yet.
    unheard: list[Path] = field(default_factory=list)
    orders: int = 0

    @property
    def file(self) -> Path:
        """The centre's file that names where its machines are."""
        return self.folder / "machines" / "centre.toml"

    @property
    def config(self) -> Centre:
        return load_centre(self.file)

    @property
    def client(self) -> CentreClient:
        return CentreClient(self._socket)

    @property
    def _socket(self) -> Path:
        return self.folder / "machines" / "run" / "cardcentre.sock"

    @property
    def _inventory(self) -> Path:
        return self.folder / "inventory.json"

    def __enter__(self) -> Self:
        raw = read_toml(shipped_centre("simulated"))
        # A print that is cut short costs its card: an order may lose many here.
        raw["limits"] |= {"box_size": 8, "closing_delay_s": 1.0, "remakes_max": 20}
        raw["simulation"] |= {"seed": self.seed, "machines": dict(WEAR)}
        for table, values in self.changes.items():
            raw.setdefault(table, {}).update(values)
        source = self.folder / "source.toml"
        source.write_text(toml_text(raw), encoding="utf-8")
        self.machines = start(
            self.folder / "machines.log",
            *("simulators", "serve", "--centre", source, "--on", self.on),
            *("--folder", self.folder / "machines", "--pace", self.pace),
            *("--inventory", self._inventory),
            *(("--operator", self._socket) if self.operator else ()),
        )
        until(self.file.exists, "the machines are served")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in (self.centre, self.machines):
            if child is not None:
                child.kill()
                child.wait()

    # Its wires.

    def urls(self) -> dict[str, str]:
        """Return where each machine is."""
        line = read_toml(self.file)["lines"][0]
        urls = {station["name"]: station["url"] for station in line["stations"]}
        return {"line-1-transport": line["transport"]["url"], **urls}

    def rewire(self, urls: Mapping[str, str], **more: Any) -> None:
        """Write other wires into the centre's file, and settings of the machines there."""
        raw = read_toml(self.file)
        line = raw["lines"][0]
        machines = {"line-1-transport": line["transport"]}
        machines |= {station["name"]: station for station in line["stations"]}
        for name, url in urls.items():
            machines[name] |= {"url": url, **more}
        self.file.write_text(toml_text(raw), encoding="utf-8")

    # The centre as a process.

    def start_centre(self) -> None:
        """Start a centre; it does not answer yet."""
        self.centre = start(self.folder / "centre.log", "--debug", "run", "--centre", self.file)

    def run_centre(self) -> None:
        """Start a centre and wait until it answers."""
        self.start_centre()
        until(self.answers, "the centre answers", told=self.last_words)

    def answers(self) -> bool:
        """Tell whether the centre answers; it must still be there."""
        self.check_alive()
        try:
            self.client.get("/status")
        except CentreError:
            return False
        return True

    def check_alive(self) -> None:
        """Fail when one of the processes has ended by itself."""
        for child in (self.centre, self.machines):
            assert child is not None
            assert child.poll() is None, f"ended with {child.returncode}: {self.last_words()}"

    def kill_centre(self) -> None:
        """Kill the centre as no handler can hinder; it must have been alive until then."""
        self.check_alive()
        assert self.centre is not None
        self.centre.send_signal(signal.SIGKILL)
        self.centre.wait()

    def stop_centre(self) -> None:
        """Stop the centre as an operator does."""
        assert self.centre is not None
        self.centre.send_signal(signal.SIGTERM)
        assert self.centre.wait(PATIENCE_S) == 0, self.last_words()

    def last_words(self) -> str:
        """Return the end of what the processes said."""
        logs = (self.folder / "centre.log", self.folder / "machines.log")
        return "\n".join(
            f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs if log.exists()
        )

    # Work for it.

    def new_package(self, orders: int, counties: int = 3) -> None:
        """Make a package; it is heard of by `bring_packages`."""
        self.packages += 1
        self.orders += orders
        plan = PackagePlan(orders, DAY, counties, self.packages)
        path = self.folder / file_name(plan)
        path.write_bytes(make_package(Random(f"{self.seed}:package:{self.packages}"), plan)[1])
        self.unheard.append(path)

    def bring_packages(self) -> None:
        """Bring the centre what it has not acknowledged; raises `CentreError` when it is away."""
        while self.unheard:
            taken = self.client.act("/packages", {"path": str(self.unheard[0])})
            assert not taken["broken"], taken
            self.unheard.pop(0)

    def unfinished(self) -> int:
        """Return how many orders are not made yet."""
        return _unfinished(self.client.get("/account"))

    def wait_until_made(self, timeout_s: float = 240.0) -> None:
        """Wait until every order is made, every card off the line and every batch closed."""

        def over() -> bool:
            self.check_alive()
            account = self.client.get("/account")
            on_the_line = account["in_process"] - account["in_magazine"] + account["in_doubt"]
            if _unfinished(account) or on_the_line:
                return False
            return all(batch["state"] == "closed" for batch in self.client.get("/batches"))

        until(over, "everything is made", timeout_s, self.stuck, LOOK_SELDOM_S)

    def stuck(self) -> str:
        """Tell what everybody waits for."""
        lines = [f"kept: {self.folder}"]
        lines += [f"{one['subject']}: {one['reason']}" for one in self.client.get("/todo")]
        lines += [str(order) for order in self.client.get("/orders") if order["state"] != "done"]
        cards = self.client.get("/cards")
        gone = {"packed", "spoiled", "dispatched"}
        lines += [str(card) for card in cards if card["state"] not in gone]
        lines += [str(station) for station in self.client.get("/stations")]
        off = ("magazine", "tray", "reject bin")
        lines += [str(c) for c in self.inventory() if not c["place"].startswith(off)]
        return "\n".join(lines)

    # The floor.

    def inventory(self) -> list[dict[str, Any]]:
        """Ask the machines' process what lies where on its only line."""
        assert self.machines is not None
        self._inventory.unlink(missing_ok=True)
        self.machines.send_signal(signal.SIGUSR1)
        until(self._inventory.exists, "the machines tell what lies where")
        return self._read_inventory()

    def stop_machines(self) -> list[dict[str, Any]]:
        """End the machines' process; return what it left lying where."""
        assert self.machines is not None
        self._inventory.unlink(missing_ok=True)
        self.machines.send_signal(signal.SIGTERM)
        assert self.machines.wait(PATIENCE_S) == 0, self.last_words()
        assert self._inventory.stat().st_mode & 0o777 == 0o600
        return self._read_inventory()

    def _read_inventory(self) -> list[dict[str, Any]]:
        lines: dict[str, list[dict[str, Any]]] = json.loads(self._inventory.read_text())
        assert list(lines) == ["line-1"]
        return lines["line-1"]


def _unfinished(account: Mapping[str, Any]) -> int:
    states: dict[str, int] = account["orders_by_state"]
    return sum(states.values()) - states["done"] - states["cancelled"]
