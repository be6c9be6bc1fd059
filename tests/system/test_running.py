"""Real processes: the centre, its machines on pseudo-terminals and TCP, and the demonstration."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.centre import load_centre, shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.api.client import CentreClient, CentreError
from tests.system.real_centre import start
from tests.system.warm import WarmProcess, cardcentre

pytestmark = pytest.mark.real_time

#: More than a loaded machine needs.
START_S = 60.0


@contextmanager
def running(log: Path, *arguments: object) -> Iterator[WarmProcess]:
    child = start(log, *arguments)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def until(true: Callable[[], object], what: str, timeout_s: float = START_S) -> None:
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.05)


def answers(client: CentreClient) -> bool:
    try:
        client.get("/status")
    except CentreError:
        return False
    return True


def centre_file(folder: Path, name: str = "centre.toml", **changes: object) -> Path:
    raw = read_toml(shipped_centre("simulated"))
    raw["simulation"]["pace"] = 20.0
    for table, values in changes.items():
        assert isinstance(values, dict)
        raw.setdefault(table, {}).update(values)
    path = folder / name
    path.write_text(toml_text(raw), encoding="utf-8")
    return path


@pytest.mark.parametrize("orders", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_the_same_seed_gives_the_same_ledger_and_another_seed_another(orders: int) -> None:
    def simulated(seed: int) -> dict[str, object]:
        done = cardcentre("simulate", "--orders", orders, "--seed", seed, "--json", timeout_s=90)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        found: dict[str, object] = json.loads(done.stdout)
        return found

    first, again, other = simulated(7), simulated(7), simulated(8)
    assert first["ledger_digest"] == again["ledger_digest"] != other["ledger_digest"]
    assert (first["good"], first["held"], first["balanced"]) == (orders, 0, True)
    makespan_s, bound_s = first["makespan_s"], first["lower_bound_s"]
    assert isinstance(makespan_s, float)
    assert isinstance(bound_s, float)
    assert 0 < bound_s < makespan_s


def test_a_simulated_ledger_file_is_whole_and_is_never_begun_twice(tmp_path: Path) -> None:
    ledger = tmp_path / "run.sqlite"
    arguments = ("simulate", "--orders", 3, "--ledger", ledger)
    assert cardcentre(*arguments).returncode == 0
    again = cardcentre(*arguments)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "exists" in again.stderr


def test_a_centre_stops_cleanly_and_no_second_one_runs_on_its_ledger(tmp_path: Path) -> None:
    file = centre_file(tmp_path)
    client = CentreClient(load_centre(file).api.socket)
    with running(tmp_path / "log", "run", "--centre", file) as centre:
        until(lambda: answers(client), "the centre answers")
        second = cardcentre("run", "--centre", file)
        assert second.returncode == 1
        assert second.stderr.startswith("cardcentre: another centre runs on the ledger ")
        assert second.stderr.count("\n") == 1
        centre.send_signal(signal.SIGTERM)
        assert centre.wait(15) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not load_centre(file).api.socket.exists()
    whole = cardcentre("--centre", file, "audit", "verify")
    assert whole.returncode == 0, whole.stdout + whole.stderr


def test_a_killed_centre_leaves_a_lock_that_holds_nobody_up(tmp_path: Path) -> None:
    file = centre_file(tmp_path)
    client = CentreClient(load_centre(file).api.socket)
    for _ in range(2):
        with running(tmp_path / "log", "run", "--centre", file) as centre:
            until(lambda: answers(client), "the centre answers")
            centre.send_signal(signal.SIGKILL)
            assert centre.wait(10) == -signal.SIGKILL


def test_ports_that_cannot_be_opened_abort_their_stations_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    file = centre_file(tmp_path)
    raw = read_toml(file)
    stations = raw["lines"][0]["stations"]
    stations[0]["url"] = f"serial://{tmp_path}/nowhere"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        stations[2]["url"] = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        file.write_text(toml_text(raw), encoding="utf-8")
        client = CentreClient(load_centre(file).api.socket)

        def states() -> dict[str, str]:
            return {one["name"]: one["state"] for one in client.get("/stations")}

        with running(tmp_path / "log", "run", "--centre", file):
            until(lambda: answers(client), "the centre answers")
            until(lambda: states()["reader-2"] == "Execute", "the others work")
            until(lambda: states()["laminator-1"] == "Aborted", "the laminator is aborted")
            assert states()["printer-1"] == "Aborted"
            reasons = {one["subject"]: one["reason"] for one in client.get("/todo")}
    assert "the port does not exist" in reasons["printer-1"]
    assert "nothing listens there" in reasons["laminator-1"]


def test_a_taken_metrics_port_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file = centre_file(tmp_path, metrics={"port": taken.getsockname()[1]})
        refused = cardcentre("run", "--centre", file)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "metrics cannot be served" in refused.stderr


def test_a_wrong_file_starts_nothing(tmp_path: Path) -> None:
    file = centre_file(tmp_path, limits={"box_sise": 3})
    for command in (("run",), ("simulators", "serve"), ("simulate",)):
        refused = cardcentre(*command, "--centre", file)
        assert refused.returncode == 2
        assert "limits.box_sise: there is no such setting" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["centre.toml"]


def test_a_wire_to_another_process_is_not_simulated(tmp_path: Path) -> None:
    file = centre_file(tmp_path)
    file.write_text(file.read_text().replace("sim://reader-2", "tcp://127.0.0.1:9"))
    refused = cardcentre("simulate", "--centre", file)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "cardcentre: lines[0].stations[9].url is tcp://127.0.0.1:9: "
        "a simulation needs wires that begin with sim://\n"
    )


def test_a_desk_without_a_wire_is_simulated(tmp_path: Path) -> None:
    file = centre_file(tmp_path)
    raw = read_toml(file)
    raw["lines"][0]["stations"].append({"name": "inspection-1", "kind": "inspection"})
    file.write_text(toml_text(raw), encoding="utf-8")
    ended = cardcentre("simulate", "--centre", file, "--orders", 2, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["good"] == 2


@pytest.mark.parametrize("on", ["pty", "tcp"])
def test_a_centre_works_against_machines_of_another_process(tmp_path: Path, on: str) -> None:
    file = centre_file(tmp_path)
    folder = tmp_path / "machines"
    derived = folder / "centre.toml"
    arguments = ("simulators", "serve", "--centre", file, "--on", on, "--folder", folder)
    with running(tmp_path / "machines.log", *arguments, "--pace", 200) as machines:
        until(derived.exists, "the machines are served")
        urls = [station.url for station in load_centre(derived).lines[0].stations]
        assert all(url.startswith("serial://" if on == "pty" else "tcp://") for url in urls)
        client = CentreClient(load_centre(derived).api.socket)
        with running(tmp_path / "centre.log", "run", "--centre", derived):
            until(lambda: answers(client), "the centre answers")

            def ready() -> bool:
                return all(one["state"] == "Execute" for one in client.get("/stations"))

            until(ready, "every station works")
        machines.send_signal(signal.SIGTERM)
        assert machines.wait(10) == 0
    assert [path.name for path in folder.iterdir() if path.is_symlink()] == []
    table = (tmp_path / "machines.log").read_text().splitlines()
    assert [line.split()[0] for line in table[:2]] == ["line-1-transport", "printer-1"]


@pytest.mark.timeout(180)
def test_the_demonstration_shows_what_it_must_and_leaves_nobody_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = cardcentre("demo", "--folder", folder, timeout_s=160)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert "divided by 20" in done.stdout
    assert "refused, application" in done.stdout
    assert "chip.mute; its order was made again" in done.stdout
    assert "in doubt: true" in done.stdout
    out = folder / "machines" / "out"
    assert len(list(out.glob("receipts/*.xml"))) == 3
    manifests = list(out.glob("boxes/*/manifest.csv"))
    cards = sum(len(path.read_text().splitlines()) - 1 for path in manifests)
    assert cards == 45
    assert {(path.stat().st_mode & 0o777) for path in out.glob("receipts/*")} == {0o600}
    assert _processes_in(folder) == []


def _processes_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command:
                found.append(command)
    return found
