"""The ledger as the controller sees it: append and wait until it is true.

Folding, numbering and chaining happen at once and in order on the event loop; a writer handed in
puts the groups on the disk (a thread in production, inline under virtual time). While the disk
refuses, callers wait: whoever must record an intent before an act does not act.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from jobs import rows
from jobs.books import Books
from jobs.events import Draft, Event, Kind, canonical, content, digest
from jobs.ledger.row_sql import changes_of
from jobs.ledger.store import Entry, Group, LedgerUnavailable, Store

WAITING_GROUPS_MAX = 10_000


class LedgerBroken(Exception):
    """The books in memory can no longer be trusted to be what the file says: stop, and read it."""

    code = "ledger.broken"


class Writer(Protocol):
    """Puts groups on the disk in the order given, each future resolved once its group is there."""

    def submit(self, group: Group, written: asyncio.Future[None]) -> None:
        """Take one group; `written` gets an exception only for our own mistakes."""

    def close(self) -> None:
        """Finish what was submitted and stop."""


class InlineWriter:
    """Writes at once on the caller's turn; retries on the loop's clock while the disk refuses."""

    def __init__(
        self, store: Store, retry_s: float, on_state: Callable[[LedgerUnavailable | None], None]
    ) -> None:
        self._store = store
        self._retry_s = retry_s
        self._on_state = on_state
        self._waiting: deque[tuple[Group, asyncio.Future[None]]] = deque()

    def submit(self, group: Group, written: asyncio.Future[None]) -> None:
        """Write now, or queue behind what could not be written."""
        self._waiting.append((group, written))
        if len(self._waiting) == 1:
            self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            group, written = self._waiting[0]
            try:
                self._store.write([group])
            except LedgerUnavailable as error:
                self._on_state(error)
                asyncio.get_running_loop().call_later(self._retry_s, self._write_all)
                return
            self._waiting.popleft()
            if not written.done():
                written.set_result(None)
            self._on_state(None)

    def close(self) -> None:
        """Nothing is left behind by an inline writer."""


class ThreadWriter:
    """A thread that takes whatever has queued and commits it together."""

    def __init__(
        self,
        store: Store,
        retry_s: float,
        on_state: Callable[[LedgerUnavailable | None], None],
        group_max: int = 500,
    ) -> None:
        self._store = store
        self._retry_s = retry_s
        self._on_state = on_state
        self._group_max = group_max
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[Group, asyncio.Future[None]] | None] = (
            queue.SimpleQueue()
        )
        self._durable: list[asyncio.Future[None]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, group: Group, written: asyncio.Future[None]) -> None:
        """Hand one group to the thread."""
        self._queue.put((group, written))

    def close(self) -> None:
        """Write what is queued, unless the disk refuses, and end the thread."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()

    def _take(self) -> tuple[list[tuple[Group, asyncio.Future[None]]], bool]:
        taken = []
        item = self._queue.get()
        while item is not None:
            taken.append(item)
            if len(taken) >= self._group_max or self._queue.empty():
                return taken, False
            item = self._queue.get()
        return taken, True

    def _run(self) -> None:
        last = False
        while not last:
            taken, last = self._take()
            if taken and not self._write(taken):
                return
            if self._queue.empty():
                self._tell_durable()

    def _write(self, taken: list[tuple[Group, asyncio.Future[None]]]) -> bool:
        failed = False
        while True:
            try:
                self._store.stage([group for group, _ in taken])
                # Whoever waited for the commit before goes on while the disk is at this one.
                self._tell_durable()
                self._store.commit()
            except LedgerUnavailable as error:
                failed = True
                self._tell_durable()
                self._tell(self._on_state, error)
                if self._closing.wait(self._retry_s):
                    return False
            except BaseException as error:  # noqa: BLE001  (our own mistake, handed to the loop)
                self._tell_durable()
                self._tell(_fail, [written for _, written in taken], error)
                return False
            else:
                break
        if failed:
            self._tell(self._on_state, None)
        self._durable = [written for _, written in taken]
        return True

    def _tell_durable(self) -> None:
        durable, self._durable = self._durable, []
        if durable:
            self._tell(_resolve, durable)

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


def _resolve(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _fail(futures: Iterable[asyncio.Future[None]], error: BaseException) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)


class Ledger:
    """The one writer of events. Make it with `open_ledger`."""

    def __init__(
        self, store: Store, books: Books, writer: Writer, now_us: Callable[[], int]
    ) -> None:
        self.books = books
        self.store = store
        self._writer = writer
        self._now_us = now_us
        self.sequence, self._last_us, self.generation, self.head = store.head()
        self.waiting = 0
        self.listeners: list[Callable[[Event], None]] = []
        #: Told how many seconds each group waited for the disk.
        self.on_written: Callable[[float], None] = lambda _seconds: None
        self._broken_by: BaseException | None = None
        self._broken = asyncio.Event()
        self._newest: asyncio.Future[None] | None = None

    async def until_broken(self) -> None:
        """Wait for ever; raises `LedgerBroken` once an event could not be folded or written."""
        await self._broken.wait()
        raise LedgerBroken("the ledger stopped at a mistake of ours") from self._broken_by

    def post(
        self, *drafts: Draft, sealed: Iterable[tuple[str, int, bytes]] = ()
    ) -> asyncio.Future[None]:
        """Fold the drafts now, true all together; the future tells when they are durable.

        A group that cannot be folded stays half in memory: nothing is recorded after it.
        """
        assert drafts, "an empty group says nothing"
        if self._broken_by is not None:
            raise LedgerBroken("nothing is recorded any more") from self._broken_by
        if self.waiting >= WAITING_GROUPS_MAX:
            raise LedgerUnavailable("too many events wait to be written")
        try:
            return self._post(drafts, sealed)
        except BaseException as error:
            self._break(error)
            raise

    def _post(
        self, drafts: Iterable[Draft], sealed: Iterable[tuple[str, int, bytes]]
    ) -> asyncio.Future[None]:
        entries = [self._enter(draft) for draft in drafts]
        loop = asyncio.get_running_loop()
        self._newest = written = loop.create_future()
        self.waiting += 1
        written.add_done_callback(partial(self._written, loop.time()))
        self._writer.submit(Group(tuple(entries), tuple(sealed)), written)
        for entry in entries:
            for listener in self.listeners:
                listener(entry.event)
        return written

    async def append(self, *drafts: Draft, sealed: Iterable[tuple[str, int, bytes]] = ()) -> None:
        """Post, and return once it is on the disk."""
        await asyncio.shield(self.post(*drafts, sealed=sealed))

    async def durable(self) -> None:
        """Return once everything that the books say now is on the disk."""
        if self._newest is not None:
            await asyncio.shield(self._newest)

    def close(self) -> None:
        """Stop the writer, then close the file."""
        self._writer.close()
        self.store.close()

    def _written(self, posted_s: float, written: asyncio.Future[None]) -> None:
        self.waiting -= 1
        if not written.cancelled() and (error := written.exception()) is not None:
            self._break(error)
        self.on_written(written.get_loop().time() - posted_s)

    def _break(self, error: BaseException) -> None:
        self._broken_by = self._broken_by or error
        self._broken.set()

    def _enter(self, draft: Draft) -> Entry:
        # The clock of a machine may be set back; the ledger's time never runs backwards.
        self._last_us = max(self._last_us, self._now_us())
        sequence = self.sequence + 1
        data_text = canonical(draft.data)
        text = content(sequence, self._last_us, self.generation, draft, data_text)
        head = digest(self.head, text)
        event = Event(sequence, self._last_us, self.generation, draft, self.head, head)
        changes = [change for row in self.books.apply(event) for change in changes_of(row)]
        self.sequence, self.head = sequence, head
        return Entry(event, data_text, tuple(changes))


def fold_books(store: Store) -> Books:
    """Fold all of a ledger's events into books; raises `LedgerCorrupt`. For audits: it is slow."""
    books = Books()
    for event in store.events():
        books.apply(event)
    return books


def load_books(store: Store) -> Books:
    """Read the books from the tables, as the last transaction left them."""
    books = Books()
    books.batches = {row.id: row for row in store.load(rows.Batch)}
    books.orders = {row.id: row for row in store.load(rows.Order)}
    books.cards = {row.id: row for row in store.load(rows.Card)}
    books.works = {row.id: row for row in store.load(rows.Work, "state = 'open'")}
    books.boxes = {row.id: row for row in store.load(rows.Box)}
    books.stations = {row.id: row for row in store.load(rows.Station)}
    books.lines = {row.id: row for row in store.load(rows.Line)}
    books.refusals = {row.id: row for row in store.load(rows.Refusal)}
    books.day_counts = {row.id: row for row in store.load(rows.DayCount)}
    books.index()
    books.works_begun = store.query("SELECT COUNT(*) AS n FROM works")[0]["n"]
    return books


async def open_ledger(
    store: Store, writer: Writer, now_us: Callable[[], int], *, actor: str = "centre"
) -> Ledger:
    """Take up the books where the last transaction left them and record the opening."""
    ledger = Ledger(store, load_books(store), writer, now_us)
    first, ledger.generation = ledger.generation == 0, max(ledger.generation, 1)
    await ledger.append(Draft(Kind.LEDGER_OPENED, actor, {"first": first}))
    return ledger
