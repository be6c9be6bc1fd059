"""`station probe`, `station exercise` and `conformance`, as processes at ports of the kernel."""

import asyncio
import json
import re
import sys
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest

from jobs.events import Draft, Kind
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import Floor
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.serving import on_pseudo_terminals, on_tcp
from simulators.transport import SimulatedTransport, TransportSettings
from tests.system import warm
from tests.system.test_command_line import called
from tests.unit.controller.office import running

pytestmark = pytest.mark.real_time

SAM_ID = "05.01-20100823-0000123456-1234567890"
CENTRE = """
name = "office"
purpose = "simulation"
simulation = {{}}
api = {{ socket = "run/centre.sock" }}

[[lines]]
name = "line-1"
transport = {{ url = "sim://line-1-transport" }}
stations = [
    {{ name = "printer-1", kind = "printer", url = "sim://printer-1" }},
    {{ name = "laminator-1", kind = "laminator", url = "sim://laminator-1" }},
    {{ name = "encoder-1", kind = "encoder", url = "sim://encoder-1" }},
    {{ name = "reader-1", kind = "reader", url = "{url}" }},
]
"""


#: A command's exit code, what it printed, what it complained of.
Said: TypeAlias = tuple[int, str, str]


async def cardcentre(folder: Path, *arguments: str) -> Said:
    done = await asyncio.to_thread(warm.cardcentre, *arguments, folder=folder)
    return done.returncode, done.stdout, done.stderr


async def at_once(*commands: Coroutine[Any, Any, Said]) -> list[Said]:
    """Run commands side by side, since most of them mostly wait for a machine."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(command) for command in commands]
    return [task.result() for task in tasks]


def reader() -> Machine:
    return SimulatedReader(Floor(), 0, Pace(Random(1), 100.0), ReaderSettings(), SAM_ID)


def machines() -> dict[str, Machine]:
    pace, floor = Pace(Random(1), 100.0), Floor()
    return {
        "printer": printer(),
        "retransfer printer": SimulatedRetransferPrinter(
            floor, 0, pace, RetransferSettings(), "RTP-1"
        ),
        "laminator": SimulatedLaminator(floor, 0, pace, LaminatorSettings(), "LAM-1"),
        "transport": SimulatedTransport(floor, 1, 1, pace, TransportSettings(), "TRN-1"),
        "encoder": SimulatedEncoder(floor, 0, pace, EncoderSettings(), "ENC-1"),
        "reader": reader(),
    }


def printer() -> Machine:
    return SimulatedPrinter(Floor(), 0, Pace(Random(1), 100.0), PrinterSettings(), "PRN-1")


async def test_a_port_is_probed_without_settings(tmp_path: Path) -> None:
    async with on_pseudo_terminals({"a": reader(), "b": printer()}, tmp_path / "ports") as urls:
        port = urls["a"].partition("?")[0]
        (code, out, _), (_, plain, _) = await at_once(
            cardcentre(tmp_path, "station", "probe", port),
            cardcentre(tmp_path, "station", "probe", urls["b"], "--json"),
        )
    assert code == 0
    assert f"serial number  {SAM_ID}" in out
    assert f"wire           {port}?baud=115200" in out
    assert json.loads(plain)["found"]["identity"]["serial_number"] == "PRN-1"


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
        async with running(tmp_path) as (verbs, _):
            code, _, err = await cardcentre(tmp_path, "station", "probe", urls["a"])
            assert code == 1
            assert "the running centre has this port for reader-1: stop the centre first" in err
            given = {"state": "Stopped", "reason": "new lamp", "code": "maintenance"}
            await verbs.ledger.append(
                Draft(Kind.STATION_CHANGED, "test", given, station="reader-1")
            )
            code, out, _ = await cardcentre(tmp_path, "station", "probe", urls["a"])
            assert code == 0
            assert SAM_ID in out
            await verbs.ledger.append(
                Draft(
                    Kind.WORK_BEGUN, "test", {"act": "read_back", "cards": [], "note": {}},
                    work="W-00000099", station="reader-1",
                )
            )  # fmt: skip
            code, _, err = await cardcentre(tmp_path, "station", "probe", urls["a"])
            assert code == 1
        code, out, _ = await cardcentre(tmp_path, "station", "probe", urls["a"])
        assert code == 0
        assert SAM_ID in out


async def test_what_is_no_machine_is_told_with_what_was_tried(tmp_path: Path) -> None:
    code, _, err = await cardcentre(tmp_path, "station", "probe", f"serial://{tmp_path}/none")
    assert code == 1
    assert "the port does not exist" in err


async def test_machines_conform_and_one_of_another_kind_does_not(tmp_path: Path) -> None:
    """A make with a language of its own has its own checks."""
    check = ("conformance", "printer", "--model", "retransfer", "--wire")
    retransfer = machines()["retransfer printer"]
    async with (
        on_pseudo_terminals({"a": reader()}, tmp_path / "ports") as ports,
        on_tcp({"b": retransfer, "c": reader()}) as servers,
    ):
        conforms, own_language, stranger = await at_once(
            cardcentre(tmp_path, "conformance", "reader", "--wire", ports["a"]),
            cardcentre(tmp_path, *check, servers["b"]),
            cardcentre(tmp_path, "conformance", "transport", "--wire", servers["c"], "--json"),
        )
    code, out, err = conforms
    assert (code, err) == (0, "")
    assert f"serial number  {SAM_ID}" in out
    assert out.splitlines()[-1] == "36 PASS, 0 FAIL, 9 SKIP"
    code, out, err = own_language
    assert (code, err) == (0, "")
    assert "model          RT-600" in out
    assert out.splitlines()[-1] == "38 PASS, 0 FAIL, 3 SKIP"
    check_failed(*stranger)


def check_failed(code: int, out: str, err: str) -> None:
    """A machine of another kind than it is checked as: every check tells what it saw."""
    assert code == 1
    checks = json.loads(out)["checks"]
    assert json.loads(out)["machine"] is None
    failed = [check for check in checks if check["verdict"] == "FAIL"]
    assert f"{len(failed)} of {len(checks)} checks failed" in err
    assert {"id": "T-01", "verdict": "FAIL", "seen": "no answer"}.items() <= checks[0].items()
    assert checks[-1]["seen"] == "nothing has answered so far"


async def test_a_model_that_is_not_checked_is_wrong_use(tmp_path: Path) -> None:
    code, _, err = await cardcentre(
        tmp_path, "conformance", "reader", "--model", "retransfer", "--wire", "tcp://127.0.0.1:9"
    )
    assert code == 2
    assert "there are no checks for a reader of model retransfer" in err
    code, out, err = await cardcentre(
        tmp_path, "conformance", "printer", "--model", "laser", "--wire", "tcp://127.0.0.1:9"
    )
    assert (code, out) == (2, "")
    assert "'laser' is not 'retransfer'" in err


async def test_a_machine_is_exercised_by_url_and_by_name(tmp_path: Path) -> None:
    async with on_pseudo_terminals(machines(), tmp_path / "ports") as urls:
        (tmp_path / "centre.toml").write_text(CENTRE.format(url=urls["reader"]))
        *by_url, (code, out, _) = await at_once(
            *(
                cardcentre(tmp_path, "station", "exercise", urls[kind], "--json")
                for kind in ("printer", "retransfer printer", "laminator", "transport", "encoder")
            ),
            cardcentre(tmp_path, "station", "exercise", "reader-1"),
        )
    assert code == 0
    assert re.search(r"identify +yes .*SDT read-back reader", out)
    assert re.search(r"read back +yes .*no card in the field", out)
    for code, out, err in by_url:
        assert (code, err) == (0, "")
        verbs = json.loads(out)["verbs"]
        assert len(verbs) >= 3
        assert all(verb["done"] for verb in verbs)


async def test_another_machine_than_the_file_says_is_told_and_left_alone(tmp_path: Path) -> None:
    async with on_pseudo_terminals(machines(), tmp_path / "ports") as urls:
        (tmp_path / "centre.toml").write_text(CENTRE.format(url=urls["laminator"]))
        code, out, err = await cardcentre(tmp_path, "station", "exercise", "reader-1")
    assert code == 1
    assert "a laminator answers where a reader should be" in out
    assert "it did not do: identify\n" in err


async def test_a_station_that_is_not_cannot_be_exercised(tmp_path: Path) -> None:
    (tmp_path / "centre.toml").write_text(CENTRE.format(url="sim://reader-1"))
    code, _, err = await cardcentre(tmp_path, "station", "exercise", "reader-9")
    assert (code, err) == (2, "cardcentre: the centre has no machine named reader-9\n")


async def test_what_is_no_url_is_told_in_one_line(tmp_path: Path) -> None:
    for arguments in (
        ("station", "probe"),
        ("station", "exercise"),
        ("conformance", "reader", "--wire"),
    ):
        code, _, err = await cardcentre(tmp_path, *arguments, "serial://[ttyS0")
        assert (code, len(err.splitlines())) == (1, 1)
        assert "not a URL" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("station", "probe", "Maker%20Reader"), "this needs a serial reader"),
        (("conformance", "encoder", "--wire", "Maker [CCID]"), "this needs a serial reader"),
        (("station", "exercise", "Maker%20Reader"), "install cardcentre with its extra `pcsc`"),
    ],
)
async def test_what_pc_sc_cannot_do_or_lacks_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyscard is hidden, for it may be installed."""
    monkeypatch.setitem(sys.modules, "smartcard", None)
    *words, name = arguments
    ended = await called(tmp_path, *words, f"pcsc://{name}")
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
