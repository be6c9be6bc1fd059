"""A technician's work from the command line, at a centre in a process of its own."""

import json
from pathlib import Path

import pytest

from config.centre import load_centre
from controller.api.client import CentreClient
from tests.system.test_command_line import called
from tests.system.test_running import answers, centre_file, running, until

pytestmark = pytest.mark.real_time


async def test_a_technicians_work_is_bracketed_and_its_samples_are_in_the_account(
    tmp_path: Path,
) -> None:
    maintain = "station maintain printer-1"
    file = centre_file(tmp_path)
    client = CentreClient(load_centre(file).api.socket)
    said = [
        ("stock load line-1 10", 0, "10 blanks"),
        (f"{maintain} begin --reason head", 0, "printer-1 is stopped for maintenance"),
        ("todo", 0, f"cardcentre {maintain} end"),
        ("station start printer-1", 1, "`station maintain printer-1 end` comes first"),
        (f"{maintain} end --samples 11", 1, "has 10 blanks in its magazine: 11 cannot"),
        (f"{maintain} end --samples 3", 0, "is given back; `cardcentre station start printer-1`"),
        ("report account", 0, "10 issued = 0 good + 0 spoiled + 3 samples + 0 returned + 7 in"),
        ("station start printer-1", 0, "printer-1 is coming up"),
    ]
    with running(tmp_path / "log", "run", "--centre", file):
        until(lambda: answers(client), "the centre answers")
        for command, code, text in said:
            ended = await called(tmp_path, *command.split())
            assert ended.code == code, (command, ended)
            assert text in ended.out + ended.err, (command, ended)

        def at_work() -> bool:
            rows = {row["name"]: row["state"] for row in client.get("/stations")}
            return bool(rows["printer-1"] == "Execute")

        until(at_work, "printer-1 works")
    assert "Traceback" not in (tmp_path / "log").read_text()
    stock = await called(tmp_path, "stock", "show", "--json")
    assert [row["samples"] for row in json.loads(stock.out)] == [3]
