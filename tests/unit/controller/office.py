"""A centre's books without any line: what the API, its clients and the listings are tried on."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from config.centre import Centre
from controller.api.access import Access
from controller.api.server import make_app, serve
from controller.clock import Clock, start_of_day_us
from controller.desk import Desk
from controller.intake import Intake
from controller.verbs import Verbs
from jobs.events import Draft, Kind
from jobs.keyed_index import approval_key
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.store import MEMORY, Store
from jobs.vault import KeyFolder

ACCEPTANCE_NUMBER = "2299010012005090100001"
ME = Access(own_uid=os.getuid())
CENTRE = {
    "name": "office",
    "purpose": "simulation",
    "simulation": {},
    "lines": [
        {
            "name": "line-1",
            "transport": {"url": "sim://line-1-transport"},
            "stations": [
                {"name": "printer-1", "kind": "printer", "url": "sim://printer-1"},
                {"name": "laminator-1", "kind": "laminator", "url": "sim://laminator-1"},
                {"name": "encoder-1", "kind": "encoder", "url": "sim://encoder-1"},
                {"name": "reader-1", "kind": "reader", "url": "sim://reader-1"},
            ],
        }
    ],
}


class Ticking:
    """A clock that goes on by a second whenever somebody looks."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us

    def now_us(self) -> int:
        self._now_us += 1_000_000
        return self._now_us

    def seconds_until(self, time_us: int) -> float:
        return (time_us - self._now_us) / 1_000_000


async def open_books(path: str, clock: Clock) -> Ledger:
    store = Store.open(path)
    return await open_ledger(
        store, InlineWriter(store, 1.0, lambda _error: None), clock.now_us, actor="test"
    )


async def office(
    folder: Path, *, path: str = MEMORY, ledger_fault: Callable[[], str] = lambda: ""
) -> Verbs:
    """Return verbs over books in which nearly everything has happened once."""
    clock = Ticking(start_of_day_us(date(2005, 9, 5), hour=8))
    ledger = await open_books(path, clock)
    keys = KeyFolder(folder / "keys")
    intake = Intake(
        Centre.model_validate(CENTRE), ledger, keys, clock, lambda n: b"\x07" * n, lambda _c: True
    )
    verbs = Verbs(ledger, {}, lambda work: work.close(), Desk(), intake, 3, ledger_fault)
    await _fill(ledger, intake.index_key())
    return verbs


@asynccontextmanager
async def running(
    folder: Path,
    access: Access = ME,
    *,
    ledger_fault: Callable[[], str] = lambda: "",
    on_disk: bool = False,
) -> AsyncIterator[tuple[Verbs, Path]]:
    """Serve a centre's books on a socket."""
    path = folder / "ledger.sqlite" if on_disk else None
    verbs = await office(folder, path=str(path or MEMORY), ledger_fault=ledger_fault)
    app = make_app(verbs, verbs.ledger, access, lambda: {"name": "office"}, path)
    socket_path = folder / "run" / "centre.sock"
    async with asyncio.TaskGroup() as group:
        ready = asyncio.Event()
        serving = group.create_task(serve(app, socket_path, ready=ready))
        await ready.wait()
        try:
            yield verbs, socket_path
        finally:
            serving.cancel()
    verbs.ledger.close()


async def _fill(ledger: Ledger, key: bytes) -> None:
    """Four orders: one packed, one remade after a spoil, one in doubt, one waiting."""
    batch = {"package_number": "P1", "product": "", "county": "229901", "applications": 5}
    refusal = {"code": "21", "field": "gmsfhm", "text": "wrong check digit", "description": "x"}
    await ledger.append(
        Draft(Kind.BATCH_RECEIVED, "user:anna", batch, batch="B-00001"),
        *(_order(number, key) for number in range(1, 5)),
        Draft(
            Kind.APPLICATION_REFUSED,
            "user:anna",
            {"package_number": "P1", "position": 5, "reasons": [refusal]},
            batch="B-00001",
        ),
        Draft(Kind.BATCH_CHANGED, "user:anna", {"trigger": "release"}, batch="B-00001"),
        Draft(Kind.STOCK_CHANGED, "user:anna", {"line": "line-1", "loaded": 10}),
    )
    await ledger.append(*_packed(), *_spoiled_and_remade(), *_doubtful())
    held = {"state": "Held", "reason": "The ribbon is empty.", "code": "device.consumable_empty"}
    await ledger.append(Draft(Kind.STATION_CHANGED, "centre", held, station="printer-1"))


def _order(number: int, key: bytes) -> Draft:
    data = {
        "position": number,
        "county": "229901" if number < 4 else "229902",
        "product": "2",
        "express": number == 4,
        "reason_code": "12",
        "load": "person",
        "promise_date": f"2005-09-{number:02}",
    }
    approval = ACCEPTANCE_NUMBER if number == 1 else f"{number}"
    return Draft(
        Kind.ORDER_CREATED, "user:anna", data, batch="B-00001", order=f"O-00001-{number:05d}",
        person_key=f"p{number}", approval_key=approval_key(key, approval),
    )  # fmt: skip


def _issued(card: int, order: int) -> Draft:
    return Draft(
        Kind.CARD_ISSUED,
        "centre",
        {"line": "line-1"},
        batch="B-00001",
        order=f"O-00001-{order:05d}",
        card=f"C-{card:07d}",
    )


def _changed(card: int, order: int, box: str = "", chip: str = "", **data: str) -> Draft:
    return Draft(
        Kind.CARD_CHANGED, "centre", data, order=f"O-00001-{order:05d}", card=f"C-{card:07d}",
        box=box, chip_serial=chip,
    )  # fmt: skip


def _work(card: int, order: int, number: int, **result: str) -> tuple[Draft, Draft]:
    names = {
        "order": f"O-00001-{order:05d}",
        "card": f"C-{card:07d}",
        "work": f"W-{number:08d}",
        "station": "printer-1",
    }
    begun = {
        "act": "print",
        "cards": [names["card"]],
        "note": {"serial_number": "PRN-1", "panels": 3},
        "source": "printer-1 inside",
        "destination": "printer-1 outfeed",
    }
    return (
        Draft(Kind.WORK_BEGUN, "centre", begun, **names),
        Draft(Kind.WORK_FINISHED, "centre", result, **names),
    )


def _packed() -> list[Draft]:
    box = {"county": "229901", "line": "line-1", "tray": "tray 0"}
    steps = ("laminate", "encode", "verify", "accept")
    done = {"outcome": "done", "told_by": "reply", "trigger": "print", "place": "printer-1 outfeed"}
    return [
        _issued(1, 1),
        *_work(1, 1, 1, **done),
        *(_changed(1, 1, trigger=step) for step in steps),
        _changed(1, 1, chip="A0B1", card_serial="c0ffee"),
        Draft(Kind.BOX_OPENED, "centre", box, batch="B-00001", box="X-00001"),
        _changed(1, 1, box="X-00001", trigger="pack", place="tray 0"),
    ]


def _spoiled_and_remade() -> list[Draft]:
    requeue = {"trigger": "requeue", "reason": ""}
    spoil = {"trigger": "spoil", "place": "reject bin", "reason": "misprint"}
    return [
        _issued(2, 2),
        _changed(2, 2, **spoil),
        Draft(Kind.ORDER_CHANGED, "centre", requeue, order="O-00001-00002"),
        _issued(3, 2),
        _changed(3, 2, place="printer-1 infeed"),
    ]


def _doubtful() -> list[Draft]:
    lost = {
        "outcome": "unknown",
        "told_by": "evidence",
        "error": "link.reply_timeout",
        "trigger": "doubt",
        "reason": "link.reply_timeout during print at printer-1",
    }
    return [_issued(4, 3), *_work(4, 3, 2, **lost)]
