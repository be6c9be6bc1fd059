"""The ledger's events in pages of bounded size, read beside the writer and never in its way.

Every page opens the file anew: there is no connection to look after, and what a week without a
broker leaves behind stays on the disk until it is sent.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.events import Event
from jobs.ledger.store import LedgerUnavailable, Store, event_from_record


@dataclass(frozen=True, slots=True)
class Pages:
    """Reads a ledger's file; every method raises `LedgerUnavailable`."""

    ledger: Path
    events_max: int

    def after(self, sequence: int) -> list[Event]:
        """Return the durable events after one, oldest first, a page at most."""
        sql = "SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"
        rows = self._query(sql, sequence, self.events_max)
        return [event_from_record(list(row.values())) for row in rows]

    def digest_of(self, sequence: int) -> str | None:
        """Return an event's digest, if there is such an event."""
        rows = self._query("SELECT digest FROM events WHERE sequence = ?", sequence)
        return rows[0]["digest"] if rows else None

    def _query(self, sql: str, *values: int) -> list[dict[str, Any]]:
        try:
            with closing(Store.open_for_reading(str(self.ledger))) as store:
                return store.query(sql, values)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger {self.ledger} cannot be read: {error}") from error
