"""A technician's work from the command line, at a centre in a process of its own."""

import json
import sqlite3
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
        ("station clean printer-1", 1, "`station maintain printer-1 begin` comes first"),
        ("station clean reader-1", 1, "reader-1 is not a printer"),
        (f"{maintain} begin --reason head", 0, "printer-1 is stopped for maintenance"),
        ("todo", 0, f"cardcentre {maintain} end"),
        ("station clean printer-1", 1, "no cleaning card is in printer-1: put one in"),
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


async def test_a_printer_is_cleaned_with_the_card_that_somebody_puts_in(tmp_path: Path) -> None:
    """The simulated operator does, once a technician says that this is about cleaning."""
    file = centre_file(tmp_path, simulation={"pace": 200.0})
    client = CentreClient(load_centre(file).api.socket)
    with running(tmp_path / "log", "run", "--centre", file):
        until(lambda: answers(client), "the centre answers")
        begun = await called(
            tmp_path, *["station", "maintain", "printer-1", "begin", "--reason", "cleaning"]
        )
        assert begun.code == 0
        while (ended := await called(tmp_path, "station", "clean", "printer-1")).code:
            assert "put one in" in ended.err or "last act" in ended.err, ended
        assert ended.out.startswith("printer-1 is cleaned; `cardcentre station maintain printer-1")
    assert "Traceback" not in (tmp_path / "log").read_text()
    with sqlite3.connect(f"file:{load_centre(file).ledger.path}?mode=ro", uri=True) as ledger:
        rows = ledger.execute(
            "SELECT kind, actor, station, machine_serial, data FROM events"
            " WHERE kind LIKE 'cleaning%' ORDER BY sequence DESC LIMIT 2"
        ).fetchall()
    ledger.close()
    assert [row[0] for row in rows] == ["cleaning_ended", "cleaning_begun"]
    assert {row[1].startswith("user:") for row in rows} == {True}
    assert {row[2:4] for row in rows} == {("printer-1", "PRN-0001")}
    assert json.loads(rows[0][4]) == {"outcome": "done", "told_by": "reply"}
