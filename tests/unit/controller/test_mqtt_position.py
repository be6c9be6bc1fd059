"""How far the broker was told: kept whole, never believed blindly; and pages that are bounded."""

import json
from pathlib import Path

import pytest

from controller.mqtt.pages import Pages
from controller.mqtt.position import Position, position_file, read_position, write_position
from jobs.events import Event
from jobs.ledger.ledger import InlineWriter, open_ledger
from jobs.ledger.store import LedgerUnavailable, Store
from tests.unit.controller.metered_centre import Metered


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    file = position_file(tmp_path / "ledger.sqlite")
    assert file == tmp_path / "ledger.sqlite.mqtt"
    assert read_position(file) is None
    write_position(file, Position(7, "abc", 3))
    write_position(file, Position(8, "def", 4))
    assert read_position(file) == Position(8, "def", 4)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_births_are_numbered_from_nought_to_255_and_again() -> None:
    position, births = Position(), []
    for _ in range(300):
        position = position.born_again()
        births.append(position.birth)
    assert births == [number % 256 for number in range(300)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"sequence": 1}',
        '{"sequence": "x", "digest": "", "birth": 0}',
        '{"sequence": -1, "digest": "", "birth": 0}',
        '{"sequence": 1, "digest": "", "birth": 256}',
        '{"sequence": 1, "digest": "", "birth": -2}',
        '{"sequence": 1, "digest": "", "bi',
        "\x00\x00\x00",
    ],
)
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "position"
    file.write_text(text)
    assert read_position(file) is None


def test_what_was_kept_stays_when_the_disk_refuses(tmp_path: Path) -> None:
    file = tmp_path / "position"
    write_position(file, Position(7, "abc", 3))
    file.with_name("position.new").mkdir()  # what is in the way of the next one
    with pytest.raises(OSError, match="directory"):
        write_position(file, Position(8, "def", 3))
    assert json.loads(file.read_text())["sequence"] == 7


async def test_pages_are_bounded_in_order_and_hold_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    store = Store.open(str(path))
    centre = Metered()
    writer = InlineWriter(store, 1.0, lambda _error: None)
    centre.ledger = await open_ledger(store, writer, lambda: centre.now_us)
    for number in range(9):
        await centre.change_station("printer-1", "Held" if number % 2 else "Execute")
    recorded = list(store.events())
    pages = Pages(path, 4)
    found: list[Event] = []
    sizes = []
    while page := pages.after(found[-1].sequence if found else 0):
        found += page
        sizes.append(len(page))
    assert (sizes, found) == ([4, 4, 2], recorded)
    assert (pages.digest_of(10), pages.digest_of(11)) == (centre.ledger.head, None)
    store.close()


def test_a_ledger_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        Pages(tmp_path / "nowhere", 4).after(0)
