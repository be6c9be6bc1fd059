"""A ledger is begun whole or not at all: whenever the power fails, no table alone is left."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from jobs.ledger.store import Store

WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24


def commits(wal: bytes) -> list[int]:
    """Return how long a write-ahead log was after each commit (SQLite's file format, section 4)."""
    (page_bytes,) = struct.unpack_from(">I", wal, 8)
    frame_bytes = FRAME_HEADER_BYTES + page_bytes
    ends = range(WAL_HEADER_BYTES + frame_bytes, len(wal) + 1, frame_bytes)
    # Only the frame that ends a commit tells how large the database is then.
    return [end for end in ends if struct.unpack_from(">4xI", wal, end - frame_bytes) != (0,)]


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_a_power_cut_leaves_all_tables_of_a_new_ledger_or_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    store = Store.open(str(path))
    main, wal = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    store.close()
    whole = tables(path)
    assert {"events", "orders", "cards"} <= whole
    found = []
    for number, end in enumerate([0, *commits(wal)]):
        cut = tmp_path / f"cut-{number}.sqlite"
        cut.write_bytes(main)
        Path(f"{cut}-wal").write_bytes(wal[:end])
        found.append(tables(cut))
    assert found == [set(), whole]
