"""What every test shares: virtual time on demand, and no task left behind."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import chain

import pytest
import pytest_asyncio

from controller.virtual_time import VirtualTimeLoop


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
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest, so that no core is idle while it goes on alone.

    Whoever runs tests in parallel is handed two at a time: behind a long one waits a short one.
    """
    long = sorted(filter(_patience_s, items), key=_patience_s, reverse=True)
    short = [item for item in items if not _patience_s(item)]
    paired = min(len(long), len(short))
    pairs = chain.from_iterable(zip(long, short, strict=False))
    items[:] = [*pairs, *long[paired:], *short[paired:]]


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
