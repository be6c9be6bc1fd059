"""Every contract test that takes `way` runs over every kind of wire.

A real machine joins with `pytest tests/contract --port-printer serial:///dev/ttyUSB0?baud=115200`
(likewise laminator, transport, encoder, reader): only the tests that take `any_way` run on it. They
use up ONE blank card, which a person puts where the test's first line says.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from controller.virtual_time import VirtualTimeLoop
from tests.contract.ways import MEMORY, PORT, PSEUDO_TERMINAL, TCP, Way

KINDS = ("printer", "retransfer", "laminator", "transport", "encoder", "reader")
SIMULATED = (MEMORY, PSEUDO_TERMINAL, TCP)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cardcentre", "real machines for the contract suite")
    for kind in KINDS:
        group.addoption(
            f"--port-{kind}",
            dest=f"port_{kind}",
            metavar="URL",
            help=f"also hold the real {kind} at URL to its contract; uses up one blank card",
        )


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Make the loops that a test's ways need; a test without a way has virtual time."""
    wanted = item.fixturenames  # type: ignore[attr-defined]  # items of functions have them
    if "any_way" not in wanted and "way" not in wanted:
        return {"virtual": VirtualTimeLoop}
    ways = {name: Way(name) for name in SIMULATED}
    kind = item.path.stem.removeprefix("test_").removesuffix("_contract")
    url = config.getoption(f"port_{kind}", default=None)
    if "any_way" in wanted and url:
        ways[PORT] = Way(PORT, url)
    return ways


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    """Return the way of this run of the test, to a simulated machine."""
    ways = (each for each in request.node.callspec.params.values() if isinstance(each, Way))
    return next(ways)


@pytest.fixture
def any_way(way: Way) -> Way:
    """Return the way of this run of the test, perhaps to a real machine."""
    return way


@pytest.fixture
def ports(tmp_path: Path) -> Path:
    """Return a folder for the links of pseudo-terminals."""
    return tmp_path / "ports"
