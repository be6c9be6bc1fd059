"""What every test shares: virtual time on demand, and no task left behind."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import pytest
import pytest_asyncio
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from controller.virtual_time import VirtualTimeLoop


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hand out tests one by one, but those that share what is dear to make to one worker.

    The marker `xdist_group` does nothing with pytest 9.2.
    """

    #: A ledger, the charts' library and fonts, years of a plant, a wheel: made once in each worker.
    FILES: Final = {
        "test_report_figures.py": "ledger",
        "test_reports.py": "charts",
        "test_report_schedule.py": "charts",
        "test_programme_command.py": "charts",
        "test_forecast.py": "years",
        "test_wheel.py": "wheel",
    }

    @classmethod
    def group_of(cls, nodeid: str) -> str | None:
        """Return what a test shares with others, None if nothing."""
        return cls.FILES.get(nodeid.partition("::")[0].rpartition("/")[2])

    def _split_scope(self, nodeid: str) -> str:
        return self.group_of(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Hand out the tests as above."""
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_time: runs on the ordinary loop (wires, processes)")
    # A shell lets what it starts in the background ignore Ctrl-C, and so would our children.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give every test virtual time, unless it is marked `real_time`."""
    del config
    if item.get_closest_marker("real_time"):
        return {"real": asyncio.SelectorEventLoop}
    return {"virtual": VirtualTimeLoop}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what may take longest, so that no core is idle while it goes on alone.

    A worker is handed one test more than it runs: behind a long one waits a short one. What stays
    together on one worker comes before single ones.
    """
    long = sorted(filter(_patience_s, items), key=_patience_s, reverse=True)
    short = [item for item in items if not _patience_s(item)]
    short.sort(key=lambda item: Scheduling.group_of(item.nodeid) is None)
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    ordered: list[pytest.Item] = []
    while long and short:
        ordered += [*long[:workers], *short[:workers]]
        del long[:workers], short[:workers]
        workers = 1
    items[:] = [*ordered, *long, *short]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays: thousands of tests and all modules."""
    del session
    gc.collect()
    gc.freeze()


def _patience_s(item: pytest.Item) -> float:
    """Return the timeout that a test asks for; 0 for the usual one."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker and marker.args else 0.0


@pytest_asyncio.fixture(autouse=True)
async def no_task_left_behind(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    yield
    if not request.node.get_closest_marker("asyncio"):
        return
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks left running: {left}"
