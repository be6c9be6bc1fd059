"""The ledger: durable, chained, and forbidding what must never be."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.account import account
from jobs.books import Books
from jobs.events import Draft, Kind
from jobs.ledger.ledger import (
    InlineWriter,
    Ledger,
    LedgerBroken,
    ThreadWriter,
    fold_books,
    load_books,
    open_ledger,
)
from jobs.ledger.store import Group, LedgerCorrupt, LedgerUnavailable, Store
from jobs.states import IllegalTransition


def batch() -> Draft:
    data = {"package_number": "P", "product": "2", "county": "229901", "applications": 2}
    return Draft(Kind.BATCH_RECEIVED, "test", data, batch="B-1")


def order(number: int = 1, person: str = "p") -> Draft:
    data = {
        "position": number,
        "county": "229901",
        "product": "2",
        "express": False,
        "reason_code": "12",
        "load": "person",
        "promise_date": "2005-10-01",
    }
    name, key = f"O-{number}", f"{person}{number}"
    return Draft(
        Kind.ORDER_CREATED, "test", data, batch="B-1", order=name, person_key=key, approval_key=key
    )


def issued(card: str, order_id: str = "O-1") -> Draft:
    return Draft(Kind.CARD_ISSUED, "test", {"line": "line-1"}, order=order_id, card=card)


def loaded(count: int) -> Draft:
    return Draft(Kind.STOCK_CHANGED, "test", {"line": "line-1", "loaded": count})


def spoiled(card: str) -> Draft:
    data = {"trigger": "spoil", "reason": "misprint", "place": "reject bin"}
    return Draft(Kind.CARD_CHANGED, "test", data, card=card)


def begun(work: str, card: str, station: str = "printer-1") -> Draft:
    data = {"act": "print", "cards": [card], "note": {"serial_number": "S", "panels": 3}}
    return Draft(Kind.WORK_BEGUN, "test", data, work=work, card=card, station=station)


class FullDisk(Store):
    """A ledger file whose disk is full as often as told."""

    refusals = 0

    def write(self, groups: Iterable[Group]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise LedgerUnavailable("disk full")
        super().write(groups)


@pytest.fixture
def store() -> Iterator[FullDisk]:
    with closing(FullDisk.open(":memory:")) as opened:
        assert isinstance(opened, FullDisk)
        yield opened


@pytest.fixture
async def ledger(store: FullDisk) -> Ledger:
    ticks = iter(range(1, 1_000_000))
    writer = InlineWriter(store, 1.0, lambda _error: None)
    return await open_ledger(store, writer, lambda: next(ticks))


async def test_the_books_in_memory_the_tables_and_the_fold_of_events_agree(ledger: Ledger) -> None:
    await ledger.append(batch(), order(1), order(2), loaded(5))
    await ledger.append(issued("C-1"), begun("W-1", "C-1"))
    done = {"outcome": "done", "trigger": "print", "place": "printer-1 outfeed"}
    await ledger.append(Draft(Kind.WORK_FINISHED, "test", done, work="W-1"))
    await ledger.append(spoiled("C-1"))
    for books in (load_books(ledger.store), fold_books(ledger.store)):
        assert books.orders == ledger.books.orders
        assert books.cards == ledger.books.cards
        assert books.works == ledger.books.works == {}
        assert books.lines == ledger.books.lines
        assert account(books) == account(ledger.books)
    assert account(ledger.books).balanced
    assert account(ledger.books).spoiled_by_reason == {"misprint": 1}


async def test_a_second_live_card_for_an_order_is_impossible_in_the_books_and_in_the_file(
    ledger: Ledger,
) -> None:
    await ledger.append(batch(), order(), loaded(5), issued("C-1"))
    with pytest.raises(IllegalTransition, match="live card"):
        await ledger.append(issued("C-2"))
    sql = "INSERT INTO cards SELECT 'C-9', \"order\", 9, line, state, place, issued_us, '', '', '',"
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.store.query(sql + " '', '', '', '[]' FROM cards")


@pytest.mark.parametrize("second", [begun("W-2", "C-2"), begun("W-2", "C-1", "printer-2")])
async def test_one_work_at_a_time_per_station_and_per_card(ledger: Ledger, second: Draft) -> None:
    await ledger.append(batch(), order(1), order(2), loaded(5), issued("C-1"), issued("C-2", "O-2"))
    await ledger.append(begun("W-1", "C-1"))
    with pytest.raises(IllegalTransition, match="W-1 is open"):
        await ledger.append(second)


async def test_nothing_is_recorded_after_half_a_group_that_cannot_be_folded(ledger: Ledger) -> None:
    await ledger.append(batch(), order(1), loaded(5), issued("C-1"))
    written = ledger.sequence
    with pytest.raises(IllegalTransition):
        await ledger.append(spoiled("C-1"), issued("C-1", "O-1"), spoiled("C-1"), spoiled("C-1"))
    with pytest.raises(LedgerBroken):
        await ledger.append(loaded(1))
    with pytest.raises(LedgerBroken):
        await ledger.until_broken()
    assert ledger.store.head()[0] == written
    assert load_books(ledger.store).cards["C-1"].state == "blank"


async def test_a_chip_serial_belongs_to_one_card_for_ever(ledger: Ledger) -> None:
    await ledger.append(batch(), order(1), order(2), loaded(5), issued("C-1"), issued("C-2", "O-2"))
    await ledger.append(replace(begun("W-1", "C-1", "encoder-1"), chip_serial="AA"))
    with pytest.raises(IllegalTransition, match="belongs to C-1"):
        await ledger.append(replace(begun("W-2", "C-2", "encoder-2"), chip_serial="AA"))


async def test_events_can_neither_be_changed_nor_deleted_nor_slipped_in(ledger: Ledger) -> None:
    await ledger.append(batch())
    slip_in = (
        'INSERT INTO events SELECT 9, time_us, generation, kind, actor, batch, "order", card,'
        " work, station, box, person_key, approval_key, chip_serial, machine_serial, data,"
        " previous, digest FROM events LIMIT 1"
    )
    for sql in ("UPDATE events SET actor = 'x'", "DELETE FROM events", slip_in):
        with pytest.raises(sqlite3.IntegrityError):
            ledger.store.query(sql)


async def test_a_forged_event_breaks_the_chain(ledger: Ledger) -> None:
    await ledger.append(batch(), order())
    connection = ledger.store._connection
    connection.execute("DROP TRIGGER events_are_never_changed")
    connection.execute("UPDATE events SET actor = 'somebody' WHERE sequence = 2")
    with pytest.raises(LedgerCorrupt, match="event 2"):
        fold_books(ledger.store)


async def test_time_in_the_ledger_never_runs_backwards(store: Store) -> None:
    times = iter([500, 400, 600])
    writer = InlineWriter(store, 1.0, lambda _error: None)
    ledger = await open_ledger(store, writer, lambda: next(times))
    await ledger.append(batch())
    await ledger.append(order())
    assert [event.time_us for event in store.events()] == [500, 500, 600]


async def test_a_full_disk_makes_callers_wait_and_loses_nothing(store: FullDisk) -> None:
    states: list[str] = []
    writer = InlineWriter(store, 5.0, lambda error: states.append(str(error)))
    ledger = await open_ledger(store, writer, lambda: 1)
    states.clear()
    store.refusals = 3
    first, second = ledger.post(batch()), ledger.post(order())
    await asyncio.sleep(14)
    assert not first.done()
    assert not second.done()
    await asyncio.sleep(2)
    assert first.done()
    assert second.done()
    assert states == ["disk full"] * 3 + ["None"] * 2
    assert [event.kind for event in store.events()][1:] == [Kind.BATCH_RECEIVED, Kind.ORDER_CREATED]


@pytest.mark.real_time
async def test_the_writer_thread_commits_what_has_queued_and_keeps_the_order(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "ledger.sqlite")
    store = Store.open(path)
    ledger = await open_ledger(store, ThreadWriter(store, 0.01, lambda _e: None), lambda: 1)
    await ledger.append(batch(), loaded(100))
    async with asyncio.TaskGroup() as group:
        for number in range(1, 101):
            group.create_task(ledger.append(order(number)))
    assert ledger.waiting == 0
    ledger.close()
    again = Store.open_for_reading(path)
    assert [event.sequence for event in again.events()] == list(range(1, 104))
    assert list(load_books(again).orders) == sorted(f"O-{n}" for n in range(1, 101))
    again.close()


@pytest.mark.real_time
async def test_a_mistake_of_ours_reaches_the_caller_of_the_writer_thread(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "ledger.sqlite"))
    ledger = await open_ledger(store, ThreadWriter(store, 0.01, lambda _e: None), lambda: 1)
    await ledger.append(batch())
    ledger.books.batches.clear()
    with pytest.raises(sqlite3.IntegrityError):
        await ledger.append(batch(), replace(order(), batch="B-none"))
    with pytest.raises(LedgerBroken):
        await ledger.append(loaded(1))
    async with asyncio.timeout(5):
        with pytest.raises(LedgerBroken):
            await ledger.until_broken()
    ledger.close()


def test_every_kind_of_event_is_folded() -> None:
    assert set(Books()._fold) == set(Kind)


@pytest.mark.parametrize("holds", ["station printer-1", "card C-1"])
async def test_the_file_itself_forbids_a_second_open_work(ledger: Ledger, holds: str) -> None:
    await ledger.append(batch(), order(), loaded(5), issued("C-1"), begun("W-1", "C-1"))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.store.query("INSERT INTO open_works VALUES (?, 'W-1')", (holds,))
    await ledger.append(Draft(Kind.WORK_FINISHED, "test", {"outcome": "done"}, work="W-1"))
    assert ledger.store.query("SELECT * FROM open_works") == []


async def test_how_long_groups_wait_for_the_disk_is_told(store: FullDisk, ledger: Ledger) -> None:
    waited: list[float] = []
    await asyncio.sleep(0)
    ledger.on_written = waited.append
    await ledger.append(batch())
    store.refusals = 3
    await ledger.append(order())
    assert waited == [0.0, 3.0]


class SlowThenFullDisk(Store):
    """Takes its time over one commit; the disk is full at the next until there is room."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.hurry, self.room = threading.Event(), threading.Event()
        self.commits = 0

    def stage(self, groups: Iterable[Group]) -> None:
        if self.commits == 2 and not self.room.is_set():
            raise LedgerUnavailable("disk full")
        super().stage(groups)

    def commit(self) -> None:
        self.commits += 1
        if self.commits == 2:
            self.hurry.wait(5)
        super().commit()


@pytest.mark.real_time
async def test_a_commit_is_told_though_the_next_one_fails(tmp_path: Path) -> None:
    store = SlowThenFullDisk.open(str(tmp_path / "ledger.sqlite"))
    assert isinstance(store, SlowThenFullDisk)
    faults: list[LedgerUnavailable | None] = []
    ledger = await open_ledger(store, ThreadWriter(store, 0.01, faults.append, 1), lambda: 1)
    first, second = ledger.post(batch()), ledger.post(order())
    store.hurry.set()
    async with asyncio.timeout(5):
        await first
    assert not second.done()
    store.room.set()
    async with asyncio.timeout(5):
        await second
    assert isinstance(faults[0], LedgerUnavailable)
    assert faults[-1] is None
    ledger.close()


def test_the_ledger_and_its_companions_are_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    store = Store.open(str(path))
    store._connection.execute("CREATE TABLE scratch (x)")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    store.close()
    assert len(modes) == 3
    assert all(mode & 0o007 == 0 for mode in modes.values()), modes


@pytest.mark.parametrize("open_it", [Store.open, Store.open_for_reading])
def test_a_file_that_is_no_ledger_is_not_held_open(
    open_it: Callable[[str], Store], tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"nothing that SQLite wrote" * 100)
    with pytest.raises(LedgerUnavailable, match="file is not a database") as refused:
        open_it(str(path))
    # Who tells of the refusal holds all that it came through; the file is not among it.
    assert refused.value.__traceback__ is not None
    held = [file.resolve() for file in Path("/proc/self/fd").iterdir()]
    assert path not in held


def test_a_ledger_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="No such file or directory"):
        Store.open(str(tmp_path / "nowhere" / "ledger.sqlite"))
