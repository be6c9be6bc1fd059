"""A whole simulated centre, watched: its metrics agree with its books, its log withholds nothing.

What never may be in a scrape or a log is looked for in what a real run wrote.
"""

import io
import json
import re
from collections import defaultdict
from pathlib import Path

from prometheus_client import CollectorRegistry

from config.centre import load_centre, shipped_centre
from controller.clock import CalendarClock, start_of_day_us
from controller.logs import LedgerLog, make_logger
from controller.metrics_page import MetricsPage
from controller.simulating import (
    DEFAULT_DAY,
    SimulationPlan,
    _produce,
    _take_in,
    all_at_work,
    running,
    seeded,
)
from controller.telemetry import Telemetry, metered
from jobs.account import account
from jobs.books import OPEN_ORDERS
from tests.unit.controller.metered_centre import samples

ORDERS, SEED = 20, 11
IDS = re.compile(r"\b[CO]-\d{5}|\d{15}|[^\x00-\x7f]")


async def test_metrics_agree_with_the_books_and_neither_they_nor_the_log_name_anybody(
    tmp_path: Path,
) -> None:
    shipped = load_centre(shipped_centre("simulated"))
    assert shipped.simulation is not None
    wear = shipped.simulation.machines.model_copy(update={"chip_failure_share": 0.2})
    simulation = shipped.simulation.model_copy(update={"machines": wear})
    plan = SimulationPlan(ORDERS, SEED)
    config = seeded(shipped.model_copy(update={"simulation": simulation}), plan)
    log = io.StringIO()
    clock = CalendarClock(start_of_day_us(DEFAULT_DAY, 8))
    async with running(config, plan, tmp_path, clock) as made:
        service, books = made.service, made.ledger.books
        now_us = service.clock.now_us
        lines = [metered(parts) for parts in service.lines.values()]
        telemetry = Telemetry(made.ledger, lines, now_us, lambda: service.health.fault)
        watcher = LedgerLog(make_logger(log, now_us), books)
        made.ledger.listeners.append(watcher.see)
        began_us = now_us()
        await all_at_work(service)
        await _take_in(made, tmp_path)
        await _produce(made, lambda _done: None)
        ended_us = now_us()
        page = MetricsPage(CollectorRegistry())
        found, books_account = samples(page.text(telemetry.snapshot())), account(books)
        open_orders = sum(order.state in OPEN_ORDERS for order in books.orders.values())
    made.close()

    for name in ("issued", "good", "spoiled", "in_process", "in_doubt", "in_magazine"):
        shown = found[f'cardcentre_blanks{{account="{name}"}}']
        assert shown == getattr(books_account, name), name
    assert books_account.spoiled > 0
    assert _sum(found, "cardcentre_spoiled_cards_total") == books_account.spoiled
    assert 'cardcentre_spoiled_cards_total{reason="other"}' not in found
    assert _sum(found, "cardcentre_orders") == open_orders
    assert found['cardcentre_cards_total{stage="packed"}'] == books_account.good
    assert found['cardcentre_work_duration_seconds_count{act="print",kind="printer"}'] >= ORDERS
    spent: dict[str, float] = defaultdict(float)
    for name, value in found.items():
        if name.startswith("cardcentre_station_state_seconds_total"):
            spent[name.rpartition("station=")[2]] += value
    assert {round(seconds, 3) for seconds in spent.values()} == {
        round((ended_us - began_us) / 1_000_000, 3)
    }
    assert not IDS.search("\n".join(found))  # names and labels; values are numbers

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {"batch.received", "station.execute", "card.spoiled"} <= {one["event"] for one in told}
    assert "[withheld]" not in log.getvalue()
    assert "log.unnamed" not in log.getvalue()
    assert not re.search(r"\d{15}|[^\x00-\x7f]|\\u", log.getvalue())


def _sum(found: dict[str, float], family: str) -> float:
    return sum(value for name, value in found.items() if name.startswith(f"{family}{{"))
