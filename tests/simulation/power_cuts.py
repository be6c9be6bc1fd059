"""The campaign of power cuts: the controller's power is cut at every ledger write of a run.

    python tests/simulation/power_cuts.py [--every N] [--orders N] [--seed S] [--only WRITE,MODE]

At each write the process forks; the child cuts the power and goes on with a new controller, while
the parent goes on undisturbed to the next write. Four ways: just before the write and just after
it, with the machines running on and with their power cut too. The orders come in packages, the
next one while the last cards of the one before are on the line; a child makes what had come in
before its cut, not what would have come later. Prints how many it ran; a failure prints the one
command that repeats it.
"""

import argparse
import asyncio
import gc
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from controller.virtual_time import VirtualTimeLoop
from jobs.ledger.ledger import LedgerBroken
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.person import PowerCut
from tests.simulation.world import SupplyStore, World, world

MODES = ("before, machines on", "after, machines on", "before, machines off", "after, machines off")
LONGEST_S = 6_000.0
WEAR = {"chip_failure_share": 0.06, "misprint_share": 0.03, "jam_share": 0.01}
PARALLEL = 2
PACKAGE_ORDERS = 3
#: The next package comes when no more orders than this are unfinished.
UNFINISHED_MAX = 2


@dataclass(slots=True)
class Campaign:
    """Which writes are cut how, and what became of it."""

    every: int
    only: tuple[int, int] | None
    #: What is in files beside the ledger.
    folder: Path
    cutting: tuple[int, int] | None = None  # set in a child
    package: int = 1
    ran: int = 0
    running: int = 0
    failures: int = 0

    def modes_at(self, write: int) -> list[int]:
        if self.only is not None:
            return [self.only[1]] if write == self.only[0] else []
        if self.every == 1:
            return list(range(len(MODES)))
        turn = write // self.every % 2
        return [turn, 2 + turn] if write % self.every == 0 else []

    def at(self, write: int, after: bool, cut: Callable[[], None]) -> None:
        """Fork a child for every cut that is due here."""
        if self.cutting is not None:
            return
        for mode in self.modes_at(write):
            if (mode % 2 == 1) is after:
                self._fork(write, mode, cut)

    def _fork(self, write: int, mode: int, cut: Callable[[], None]) -> None:
        while self.running >= PARALLEL:
            self._reap()
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        # Copied before the parent goes on: the child goes on with what was there at the cut.
        shutil.copytree(self.folder, self.folder_at(write, mode))
        # A child that collected garbage would touch, and so copy, all memory of its parent.
        gc.freeze()
        child = os.fork()
        if child == 0:
            gc.disable()
            # asyncio takes the parent's loop for no loop at all in another process.
            asyncio._set_running_loop(loop)
            self.cutting = (write, mode)
            cut()
            raise PowerCut
        self.running += 1
        self.ran += 1

    def folder_at(self, write: int, mode: int) -> Path:
        """Return where the files of a cut are."""
        return self.folder.parent / f"cut-{write}-{mode}"

    def _reap(self) -> None:
        _, status = os.wait()
        self.running -= 1
        self.failures += status != 0

    def reap_all(self) -> None:
        while self.running:
            self._reap()


def cutting_store(campaign: Campaign) -> type[SupplyStore]:
    """Return a ledger file at whose writes the campaign forks."""

    class CuttingStore(SupplyStore):
        def before_write(self) -> None:
            campaign.at(self.writes + 1, after=False, cut=self.kill)

        def after_write(self) -> None:
            campaign.at(self.writes, after=True, cut=self.kill)

    return CuttingStore


async def run_controller(made: World, campaign: Campaign, last: int) -> None:
    """Bring the packages up to the last and make them; raises `PowerCut` in a child."""
    service = await made.start()
    async with asyncio.TaskGroup() as group:
        made.running = running = group.create_task(service.run())
        await service.ready.wait()
        for package in range(campaign.package, last + 1):
            campaign.package = package
            # After a cut the same package comes again: it is completed, or known.
            await takes(made, package)
            await until(made, lambda: len(made.unfinished()) <= UNFINISHED_MAX)
        await until_finished(made)
        assert len(service.ledger.books.orders) == last * PACKAGE_ORDERS
        running.cancel()


async def takes(made: World, package: int) -> None:
    """Bring a package; raises `PowerCut` also when it was another's write that was cut."""
    try:
        await made.takes(PACKAGE_ORDERS, serial=package)
    except LedgerBroken:
        if made.power.on:
            raise
        raise PowerCut from None


async def until_finished(made: World) -> None:
    """Wait until everything is made and checked against the floor."""
    service = made.service
    assert service is not None
    await until(made, lambda: not made.unfinished() and not _resting(made))
    check_books(service)
    check_every_order_has_one_good_card(service.ledger.books)
    await check_floor(service, made.plant.lines["line-1"])


async def until(made: World, true: Callable[[], bool]) -> None:
    """Wait until something is true; raises `PowerCut` when the power goes."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + LONGEST_S
    while not true():
        if not made.power.on:
            raise PowerCut
        assert loop.time() < give_up_s, stuck(made)
        await asyncio.sleep(5.0)


def _resting(made: World) -> bool:
    """Tell whether cards are on the line, or a person has time to look at the finished ones."""
    assert made.service is not None
    batches = made.service.ledger.books.batches.values()
    on_the_line = made.service.lines["line-1"].feeder.cards
    return bool(on_the_line) or any(batch.state != "closed" for batch in batches)


def stuck(made: World) -> str:
    """Tell what everybody waits for."""
    assert made.service is not None
    books = made.service.ledger.books
    lines = [f"unfinished: {made.unfinished()}"]
    lines += [str(item) for item in made.service.verbs.todo()]
    lines += [
        str(c) for c in books.cards.values() if c.state not in {"packed", "spoiled", "dispatched"}
    ]
    lines += [str(work) for work in books.works.values()]
    for parts in made.service.lines.values():
        line = parts.line
        lines += [f"{s.name}: {s.state} {s.reason}" for s in (line.transport, *line.stations)]
        lines.append(str(line.places._holders))
    floor = made.plant.lines["line-1"].floor.everything()
    lines += [f"{place}: blank {card.number}" for place, card in floor
              if place != "magazine" and not place.startswith("tray")]  # fmt: skip
    return "\n".join(lines)


async def campaign_run(campaign: Campaign, orders: int, seed: int) -> int:
    """Make all orders once in the parent, and once more in each child after its cut."""
    async with world(campaign.folder, seed, cutting_store(campaign), **WEAR) as made:
        try:
            await run_controller(made, campaign, orders // PACKAGE_ORDERS)
        except BaseException as error:
            if campaign.cutting is None or not _is_power_cut(error):
                raise
            await resume(made, campaign)
        assert made.store is not None
        return made.store.writes


def _is_power_cut(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_is_power_cut(inner) for inner in error.exceptions)
    return isinstance(error, PowerCut)


async def resume(made: World, campaign: Campaign) -> None:
    """Go on after the cut with a new controller."""
    made.service = None
    assert campaign.cutting is not None
    write, mode = campaign.cutting
    # The parent and other children go on in the old folder.
    made.folder = campaign.folder_at(write, mode)
    if made.connection.in_transaction:
        made.connection.execute("ROLLBACK")
    if mode >= 2:
        made.plant.cut_power()
    await asyncio.sleep((0.5, 5.0, 60.0)[write % 3])
    if mode >= 2:
        made.plant.restore_power()
    await run_controller(made, campaign, campaign.package)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--orders", type=int, default=33, help=f"in packages of {PACKAGE_ORDERS}")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    only = None
    if arguments.only:
        write, mode = arguments.only.split(",")
        only = (int(write), int(mode))
    if arguments.orders < 1 or arguments.orders % PACKAGE_ORDERS:
        parser.error(f"--orders come in packages of {PACKAGE_ORDERS}")
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(arguments.every, only, Path(folder) / "run")
        campaign.folder.mkdir()
        loop = VirtualTimeLoop()
        try:
            writes = loop.run_until_complete(
                campaign_run(campaign, arguments.orders, arguments.seed)
            )
        except BaseException:
            if campaign.cutting is None:
                raise
            write, mode = campaign.cutting
            traceback.print_exc()
            print(
                f"FAILED at write {write}, {MODES[mode]}; repeat with\n  python {sys.argv[0]} "
                f"--orders {arguments.orders} --seed {arguments.seed} --only {write},{mode}",
                flush=True,
            )
            os._exit(1)
        if campaign.cutting is not None:
            os._exit(0)
        campaign.reap_all()
    print(
        f"power cuts: {campaign.ran} in a run of {arguments.orders} orders and {writes} ledger "
        f"writes, seed {arguments.seed}; {campaign.failures} failed"
    )
    return 1 if campaign.failures or not campaign.ran else 0


if __name__ == "__main__":
    sys.exit(main())
