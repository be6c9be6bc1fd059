"""The campaign of kills: the centre's process is killed at random moments, its machines run on.

    python tests/system/kills.py [--kills N] [--orders N] [--seed S] [--folder F]

Three in ten kills come while the centre starts, the rest soon after it answers. When the kills are
over it makes what is left; then its books are compared with the floor. Prints counts and the seed;
a failure prints the command that repeats it and keeps the folder.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from controller.api.client import CentreError
from jobs.account import account
from tests.system.books_and_floor import check_all, check_ledger, is_begun, open_acts
from tests.system.real_centre import RealCentre

PACE = 100.0
SHARE_WHILE_STARTING = 0.3
#: A centre of these tests answers after about a fifth of a second (see `warm.py`).
STARTING_S = (0.01, 0.25)
#: How often somebody looks whether the centre answers and brings it work.
LOOK_S = 0.05
RUNNING_S = (0.05, 2.0)


@dataclass(slots=True)
class Campaign:
    """How many kills, of what, and what they hit."""

    kills: int
    orders: int
    seed: int
    folder: Path
    #: While less than a package and a third of it is open, another package comes.
    package_orders: int = 9
    random: Random = field(init=False)
    cut_acts: Counter[str] = field(default_factory=Counter)
    while_starting: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed}:kills")

    def run(self) -> str:
        """Run all of it; raises what is not as it must be."""
        begin_s = time.monotonic()
        with RealCentre(self.folder, self.seed, pace=PACE) as made:
            for _ in range(self.kills):
                self._start_and_kill(made)
                if is_begun(made.config.ledger.path):
                    check_ledger(made.config.ledger.path)
                    self.cut_acts.update(open_acts(made.config.ledger.path))
            made.run_centre()
            while made.orders < self.orders:
                made.new_package(self.package_orders)
            made.bring_packages()
            made.wait_until_made()
            made.stop_centre()
            cards = made.stop_machines()
            books = check_all(made.config, cards, made.orders)
        state = account(books)
        acts = ", ".join(f"{count} {act}" for act, count in sorted(self.cut_acts.items()))
        return (
            f"kills: {self.kills} ({self.while_starting} before the centre answered) in a run of "
            f"{made.orders} orders, seed {self.seed}: {state.good} good, {state.spoiled} spoiled, "
            f"0 lost, 0 double; acts cut short: {acts or 'none'}; "
            f"{time.monotonic() - begin_s:.0f} s"
        )

    def _start_and_kill(self, made: RealCentre) -> None:
        starting = self.random.random() < SHARE_WHILE_STARTING
        wait_s = self.random.uniform(*(STARTING_S if starting else RUNNING_S))
        if starting:
            made.start_centre()
        else:
            made.run_centre()
        end_s = time.monotonic() + wait_s
        answered = False
        while time.monotonic() < end_s:
            with suppress(CentreError):
                self._bring_work(made)
                answered = True
            time.sleep(min(LOOK_S, max(0.0, end_s - time.monotonic())))
        self.while_starting += not answered
        made.kill_centre()

    def _bring_work(self, made: RealCentre) -> None:
        if made.unfinished() < self.package_orders * 4 // 3 and not made.unheard:
            made.new_package(self.package_orders)
        made.bring_packages()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--orders", type=int, default=30, help="at least so many")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep everything there")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="cardcentre-kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(arguments.kills, arguments.orders, arguments.seed, folder)
    done = False
    try:
        print(campaign.run(), flush=True)
        done = True
    finally:
        if not done:
            print(
                f"FAILED; everything is kept in {folder}; repeat with\n  python {sys.argv[0]} "
                f"--kills {campaign.kills} --orders {campaign.orders} --seed {campaign.seed}",
                flush=True,
            )
    if arguments.folder is None:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
