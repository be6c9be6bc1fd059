"""What every test shares: virtual time on demand, and no task left behind."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio
from xdist.remote import Producer

from controller.virtual_time import VirtualTimeLoop
from tests.scheduling import Scheduling, in_order


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Let workers that wait and workers that compute take turns at the cores."""
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_time: runs on the ordinary loop (wires, processes)")
    # Nothing that is made while tests are collected is garbage soon.
    gc.disable()
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
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which workers take them, and look after the async ones."""
    items[:] = in_order(items)
    for item in items:
        # Not `autouse`, which would make a loop for each of three thousand tests that need none.
        # First, so that it is ended last.
        if isinstance(item, pytest.Function) and item.get_closest_marker("asyncio"):
            item.fixturenames.insert(0, no_task_left_behind.__name__)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays: thousands of tests, and all modules."""
    del session
    gc.freeze()
    gc.enable()


@pytest_asyncio.fixture
async def no_task_left_behind() -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks left running: {left}"
