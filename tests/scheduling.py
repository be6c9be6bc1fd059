"""Which of several workers runs which test, and in what order; what tests do is their own business.

Tests of machines in real time mostly wait, others compute. Handed out as they come, they would have
all workers wait together at times, with idle cores. So two workers compute, as many as there are
cores, and the rest wait; each helps out when its own are done.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: Files whose tests stay on one worker: a ledger, the charts' library and fonts, years of a plant
#: and a wheel are made once in each, so they begin before small ones. (The marker `xdist_group`
#: does nothing with pytest 9.2.)
TOGETHER = {
    "test_report_figures.py": "ledger",
    "test_reports.py": "charts",
    "test_report_schedule.py": "charts",
    "test_programme_command.py": "charts",
    "test_forecast.py": "years",
    "test_wheel.py": "wheel",
}
COMPUTING = ("gw0", "gw1")
#: The tests here are so small that handing each out takes as long as running it: they go by file.
BY_FILE = ("tests/unit/", "tests/architecture/")
#: Two of three tests here are of wires in real time, which their ways make without a marker.
OF_WIRES = "tests/contract/"


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out tests from both ends of the list that `in_order` makes."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return _group_of(nodeid) or (path if path.startswith(BY_FILE) else nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node.gateway.id in COMPUTING:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put what waits to the front and what computes to the back, what may take longest outermost.

    No core shall be idle at the end while a long one goes on alone.
    """
    waiting = [item for item in items if _waits(item)]
    computing = [item for item in items if not _waits(item)]
    waiting.sort(key=lambda item: (-_patience_s(item), "/system/" not in item.nodeid))
    computing.sort(key=lambda item: (_patience_s(item), _length(item.nodeid)))
    return waiting + computing


def _group_of(nodeid: str) -> str:
    """Return what a test shares with others, nothing if it is on its own."""
    return TOGETHER.get(nodeid.partition("::")[0].rpartition("/")[2], "")


def _length(nodeid: str) -> int:
    """Tell small tests from others, and those from what goes together."""
    return 2 if _group_of(nodeid) else int(not nodeid.startswith(BY_FILE))


def _waits(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("real_time") is not None and not _group_of(item.nodeid)
    return marked or item.nodeid.startswith(OF_WIRES)


def _patience_s(item: pytest.Item) -> float:
    """Return the timeout that a test asks for; 0 for the usual one."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker and marker.args else 0.0
