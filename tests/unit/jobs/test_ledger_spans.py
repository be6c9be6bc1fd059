"""Reading a span of the ledger without the rest, and ledgers of other versions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from jobs.events import Draft, Kind
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.row_sql import ROW_TYPES
from jobs.ledger.store import EVENTS_A_PAGE, LedgerUnavailable, Store
from jobs.rows import Row


@pytest.fixture
def store() -> Iterator[Store]:
    with closing(Store.open(":memory:")) as opened:
        yield opened


async def ledger_at(store: Store, times: list[int]) -> Ledger:
    """Begin a ledger whose clock shows these times, one an event; the first is its opening."""
    shown = iter(times)
    writer = InlineWriter(store, 1.0, lambda _error: None)
    return await open_ledger(store, writer, lambda: next(shown))


def changed(station: str, state: str) -> Draft:
    return Draft(Kind.STATION_CHANGED, "test", {"state": state}, station=station)


@pytest.mark.parametrize(
    ("from_us", "until_us", "sequences"),
    [
        (0, 100, [1, 2, 3, 4, 5]),
        (10, 30, [1, 2, 3]),  # the begin is in, the end is not
        (11, 30, [2, 3]),
        (20, 20, []),
        (20, 21, [2, 3]),  # two events of one moment
        (30, 41, [4, 5]),
        (41, 99, []),
        (0, 10, []),
        (30, 20, []),
    ],
)
async def test_a_span_of_time_holds_its_begin_and_not_its_end(
    store: Store, from_us: int, until_us: int, sequences: list[int]
) -> None:
    ledger = await ledger_at(store, [10, 20, 20, 30, 40])
    for _ in range(4):
        await ledger.append(changed("printer-1", "Idle"))
    found = list(ledger.store.events_between(from_us, until_us))
    assert [event.sequence for event in found] == sequences
    assert found == [one for one in ledger.store.events() if one.sequence in sequences]


def test_an_empty_ledger_has_no_events_in_any_span(store: Store) -> None:
    assert list(store.events_between(0, 100)) == []
    assert store.last_station_changes(100) == []


async def test_a_long_span_is_read_page_by_page_while_the_ledger_grows(store: Store) -> None:
    count = 2 * EVENTS_A_PAGE + 1
    ledger = await ledger_at(store, list(range(count + 10)))
    await ledger.append(*(changed("printer-1", "Idle") for _ in range(count - 1)))
    found = 0
    for event in ledger.store.events_between(0, count):
        found += 1
        assert event.sequence == found
        if found == 5:
            await ledger.append(changed("printer-1", "Execute"))
    assert found == count


async def test_what_the_stations_were_at_the_beginning_of_a_span(store: Store) -> None:
    ledger = await ledger_at(store, [1, 10, 20, 30, 40, 50])
    await ledger.append(changed("printer-1", "Idle"))
    await ledger.append(changed("reader-1", "Idle"))
    await ledger.append(changed("printer-1", "Execute"))
    await ledger.append(
        Draft(Kind.MACHINE_SEEN, "test", {}, station="reader-1", machine_serial="S")
    )
    await ledger.append(changed("reader-1", "Held"))

    def before(time_us: int) -> list[tuple[str, str]]:
        found = ledger.store.last_station_changes(time_us)
        return [(event.draft.station, event.draft.data["state"]) for event in found]

    assert before(10) == []
    assert before(11) == [("printer-1", "Idle")]
    assert before(50) == [("reader-1", "Idle"), ("printer-1", "Execute")]
    assert before(51) == [("printer-1", "Execute"), ("reader-1", "Held")]


async def test_the_last_changes_are_found_by_an_index(store: Store) -> None:
    ledger = await ledger_at(store, [1])
    plan = ledger.store.query(
        "EXPLAIN QUERY PLAN SELECT MAX(sequence) FROM events"
        " WHERE kind = 'station_changed' AND station = 'printer-1' AND sequence < 9"
    )
    assert "station_changes" in plan[0]["detail"]


@pytest.mark.parametrize("row_type", ROW_TYPES)
def test_a_row_s_fields_are_the_columns_of_its_table(store: Store, row_type: type[Row]) -> None:
    columns = store.query(f"PRAGMA table_info({row_type.table})")
    assert [row["name"] for row in columns] == [field.name for field in fields(row_type)]
    assert set(row_type.fixed) < {field.name for field in fields(row_type)}


@pytest.mark.parametrize("before", ["ALTER TABLE orders DROP COLUMN load", "DROP TABLE day_counts"])
async def test_an_older_ledger_is_refused_in_one_line_and_left_as_it_was(
    before: str, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    store = Store.open(str(path))
    writer = InlineWriter(store, 1.0, lambda _error: None)
    (await open_ledger(store, writer, lambda: 1)).close()
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE boxes DROP COLUMN dispatched_us")
    connection.execute(before)
    connection.close()
    content = path.read_bytes()
    for open_it in (Store.open, Store.open_for_reading):
        with pytest.raises(LedgerUnavailable, match="by an older version of the program"):
            open_it(str(path))
    assert path.read_bytes() == content
