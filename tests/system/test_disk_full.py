"""No room for the ledger, or for the files that leave the centre: nothing is lost."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.books_and_floor import check_all
from tests.system.real_centre import RealCentre, until
from tests.system.warm import cardcentre

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(200)]

ORDERS = 6
#: Any file of a centre is larger than this.
FULL_BYTES = 4096
#: Enough that the ledger outgrows the room that it has when the disk is full.
MANY_ORDERS = 15
CHANGES: dict[str, dict[str, object]] = {
    "ledger": {"retry_s": 0.2},
}
#: Longer than any motion at this pace; what was begun is over by then.
SETTLING_S = 1.5
#: So long nothing may happen.
STILL_S = 1.5


def fault_of(made: RealCentre) -> str:
    made.check_alive()
    return str(made.client.get("/status")["ledger"]["fault"])


def good(made: RealCentre) -> int:
    return int(made.client.get("/account")["good"])


def in_magazine(made: RealCentre) -> int:
    return sum(card["place"] == "magazine" for card in made.inventory())


def check_standstill(made: RealCentre) -> None:
    """The machines finish what was begun, and are given nothing else."""
    time.sleep(SETTLING_S)
    before, places = in_magazine(made), [card["place"] for card in made.inventory()]
    time.sleep(STILL_S)
    assert in_magazine(made) == before
    assert [card["place"] for card in made.inventory()] == places
    made.check_alive()


def check_told(made: RealCentre, subject: str, words: str) -> None:
    """An operator is told what is wrong, and what to do, in one line."""
    todo = cardcentre("--centre", made.file, "todo", "--json")
    assert f'"{subject}"' in todo.stdout
    assert words in todo.stdout
    assert "make room" in todo.stdout
    status = cardcentre("--centre", made.file, "status")
    assert status.returncode == 0, status.stderr
    assert any(words in line for line in status.stdout.splitlines()), status.stdout


def limit_files(made: RealCentre, size: int) -> None:
    assert made.centre is not None
    resource.prlimit(made.centre.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def run_without_room(made: RealCentre) -> subprocess.CompletedProcess[str]:
    """Run a centre that can write no file, to its end."""
    return cardcentre("run", "--centre", made.file, file_bytes_max=FULL_BYTES)


def test_a_ledger_that_cannot_grow_stops_the_line_until_it_can(tmp_path: Path) -> None:
    with RealCentre(tmp_path, seed=31, changes=CHANGES, pace=100.0) as made:
        made.run_centre()
        made.new_package(ORDERS)
        made.bring_packages()
        until(lambda: good(made) >= 2, "the first cards are good", told=made.stuck)

        limit_files(made, FULL_BYTES)
        until(lambda: fault_of(made), "the fault is told")
        check_told(made, "ledger", "the ledger cannot be written")
        check_standstill(made)
        limit_files(made, resource.RLIM_INFINITY)
        before = good(made)
        until(lambda: not fault_of(made), "the ledger is written again")
        until(lambda: good(made) > before, "the line goes on", told=made.stuck)

        limit_files(made, FULL_BYTES)
        until(lambda: fault_of(made), "the fault is told again")
        made.kill_centre()
        refused = run_without_room(made)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert refused.stderr.startswith("cardcentre: the ledger ")
        made.run_centre()
        made.wait_until_made()
        made.stop_centre()
        check_all(made.config, made.stop_machines(), made.orders)
        assert "Traceback" not in made.last_words()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[bool], None]]:
    """Mount a small disk on a folder; gives what fills it (True) and empties it (False)."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    filler = folder / "filler"

    def fill(full: bool) -> None:
        filler.unlink(missing_ok=True)
        if full:
            with filler.open("wb", buffering=0) as file:
                for piece in (1 << 16, 1 << 12, 1):
                    _write_until_full(file.fileno(), piece)

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _write_until_full(descriptor: int, piece: int) -> None:
    try:
        while True:
            os.write(descriptor, bytes(piece))
    except OSError:
        return


@pytest.mark.soak
def test_a_full_disk_under_the_ledger_and_the_files_stops_the_line_until_there_is_room(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "machines" / "disk"
    changes: dict[str, dict[str, object]] = {
        **CHANGES,
        "ledger": {"retry_s": 0.2, "path": "disk/ledger.sqlite"},
        "output": {"folder": "disk/out"},
    }
    with small_disk(disk, "6m") as fill, RealCentre(tmp_path, seed=33, changes=changes) as made:
        made.run_centre()
        made.new_package(MANY_ORDERS)
        made.bring_packages()
        until(lambda: good(made) >= 3, "the first cards are good", told=made.stuck)

        fill(True)
        until(lambda: fault_of(made), "the fault is told")
        check_told(made, "ledger", "the ledger cannot be written")
        check_standstill(made)
        made.stop_centre()
        fill(True)  # the ledger, when it was closed, gave some room back
        fill(False)
        made.run_centre()
        made.wait_until_made()
        until(lambda: len(receipts(disk / "out")) == made.packages, "the receipts are written")
        made.stop_centre()
        check_all(made.config, made.stop_machines(), made.orders)


def receipts(out: Path) -> list[Path]:
    return list(out.glob("receipts/*.xml"))


@pytest.mark.soak
def test_files_without_room_are_written_once_there_is_some(tmp_path: Path) -> None:
    out = tmp_path / "machines" / "out"
    with small_disk(out, "2m") as fill, RealCentre(tmp_path, seed=34, changes=CHANGES) as made:
        fill(True)
        made.run_centre()
        made.new_package(MANY_ORDERS)
        made.bring_packages()
        made.wait_until_made()  # the line does not wait for files
        until(lambda: made.client.get("/status")["outputs_fault"], "the fault is told")
        check_told(made, "outputs", "cannot be written")
        assert receipts(out) == []

        fill(False)
        until(lambda: len(receipts(out)) == made.packages, "the receipts are written")
        until(lambda: not made.client.get("/status")["outputs_fault"], "nobody is told any more")
        made.stop_centre()
        books = check_all(made.config, made.stop_machines(), made.orders)
        manifests = {path.parent.name for path in out.glob("boxes/*/manifest.csv")}
        assert manifests == set(books.boxes)
