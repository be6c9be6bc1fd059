"""`station probe` and `conformance` as a technician has them: processes at real ports."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from simulators.floor import Floor
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.serving import on_pseudo_terminals, on_tcp
from tests.unit.controller.office import running

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
SAM_ID = "05.01-20100823-0000123456-1234567890"
CENTRE = """
name = "office"
purpose = "simulation"
simulation = {{}}
api = {{ socket = "run/centre.sock" }}

[[lines]]
name = "line-1"
transport = {{ url = "sim://line-1-transport" }}
stations = [{{ name = "reader-1", kind = "reader", url = "{url}" }}]
"""


async def cardcentre(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controller.command_line.main", *arguments,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def reader() -> Machine:
    return SimulatedReader(Floor(), 0, Pace(Random(1), 100.0), ReaderSettings(), SAM_ID)


def printer() -> Machine:
    return SimulatedPrinter(Floor(), 0, Pace(Random(1), 100.0), PrinterSettings(), "PRN-1")


async def test_a_port_is_probed_without_settings(tmp_path: Path) -> None:
    async with on_pseudo_terminals({"a": reader(), "b": printer()}, tmp_path / "ports") as urls:
        port = urls["a"].partition("?")[0]
        code, out, _ = await cardcentre(tmp_path, "station", "probe", port)
        assert code == 0
        assert f"serial number  {SAM_ID}" in out
        assert f"wire           {port}?baud=115200" in out
        code, out, _ = await cardcentre(tmp_path, "station", "probe", urls["b"], "--json")
        assert json.loads(out)["found"]["identity"]["serial_number"] == "PRN-1"


async def test_a_port_that_somebody_has_open_is_refused(tmp_path: Path) -> None:
    from drivers.serial_wire import open_serial

    async with on_pseudo_terminals({"a": reader()}, tmp_path / "ports") as urls:
        held = open_serial(urls["a"])
        for command in (
            ("station", "probe", urls["a"]),
            ("conformance", "reader", "--wire", urls["a"]),
        ):
            code, out, err = await cardcentre(tmp_path, *command)
            assert (code, out) == (1, "")
            assert "in use by another process" in err
        await held.aclose()


async def test_a_port_of_the_running_centre_is_refused(tmp_path: Path) -> None:
    """A TCP server would let a second client in, and take the first one's answers from it."""
    async with on_tcp({"a": reader()}) as urls:
        (tmp_path / "centre.toml").write_text(CENTRE.format(url=urls["a"]))
        async with running(tmp_path):
            code, _, err = await cardcentre(tmp_path, "station", "probe", urls["a"])
            assert code == 1
            assert "the running centre has this port for reader-1: stop the centre first" in err
        code, out, _ = await cardcentre(tmp_path, "station", "probe", urls["a"])
        assert code == 0
        assert SAM_ID in out


async def test_what_is_no_machine_is_told_with_what_was_tried(tmp_path: Path) -> None:
    code, _, err = await cardcentre(tmp_path, "station", "probe", f"serial://{tmp_path}/none")
    assert code == 1
    assert "the port does not exist" in err


async def test_a_machine_that_conforms(tmp_path: Path) -> None:
    async with on_pseudo_terminals({"a": reader()}, tmp_path / "ports") as urls:
        code, out, err = await cardcentre(tmp_path, "conformance", "reader", "--wire", urls["a"])
    assert (code, err) == (0, "")
    assert f"serial number  {SAM_ID}" in out
    assert out.splitlines()[-1] == "33 PASS, 0 FAIL, 8 SKIP"


async def test_a_machine_of_another_kind_fails(tmp_path: Path) -> None:
    async with on_tcp({"a": reader()}) as urls:
        arguments = ("conformance", "transport", "--wire", urls["a"], "--json")
        code, out, err = await cardcentre(tmp_path, *arguments)
    assert code == 1
    checks = json.loads(out)["checks"]
    assert json.loads(out)["machine"] is None
    failed = [check for check in checks if check["verdict"] == "FAIL"]
    assert f"{len(failed)} of {len(checks)} checks failed" in err
    assert {"id": "T-01", "verdict": "FAIL", "seen": "no answer"}.items() <= checks[0].items()
    assert checks[-1]["seen"] == "nothing has answered so far"
