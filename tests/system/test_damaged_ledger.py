"""A ledger whose tables lost rows: nothing is listed from it or begun on it; one line says so."""

import sqlite3
from pathlib import Path

import pytest

from tests.system.test_command_line import CENTRE, a_stopped_centre, called, cardcentre

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM orders WHERE id = 'O-00001-00001'", "cards name orders that are not there"),
        ("DELETE FROM batches", "orders name batches that are not there"),
        ("DELETE FROM boxes", "cards name boxes that are not there"),
        ("DELETE FROM cards WHERE id = 'C-0000001'", "orders name cards that are not there"),
        ("UPDATE cards SET state = 'lost' WHERE id = 'C-0000001'", "no event can write"),
    ],
)
async def test_a_ledger_that_lost_rows_is_told_in_one_line_and_begins_nothing(
    damage: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "centre.toml").write_text(CENTRE)
    await a_stopped_centre(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as damaged:
        damaged.execute(damage)
    damaged.close()
    for arguments in (["card", "list"], ["card", "show", "C-0000001"], ["status"]):
        ended = await called(tmp_path, *arguments)
        assert (ended.code, ended.out) == (1, "")
        assert told in ended.err
        assert len(ended.err.splitlines()) == 1
    ended = await cardcentre(tmp_path, "run")
    assert (ended.code, ended.out) == (1, "")
    assert told in ended.err.splitlines()[-1]
    assert (await called(tmp_path, "audit", "verify")).code == 1
