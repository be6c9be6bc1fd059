"""Debian's Prometheus scrapes a centre, runs the shipped rules, and answers every panel's query."""

import asyncio
import json
import math
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from config.centre import load_centre, shipped_centre
from config.deliveries import Delivery
from config.programme import shipped_programme
from controller.clock import MICROSECONDS, day_of
from controller.metrics_http import bind_metrics, serve_metrics
from controller.metrics_page import MetricsPage
from controller.mqtt.metrics import MqttMetrics
from controller.target_metrics import TargetMetrics
from jobs.events import Draft, Kind
from tests.peers.peer import peer, run, started
from tests.unit.controller.metered_centre import Metered

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

CONFIG = Path(__file__).parents[2] / "config"
RULES = CONFIG / "prometheus"
DASHBOARD = CONFIG / "grafana" / "cardcentre.json"
PATIENCE_S = 30.0
LOOK_S = 0.25
DAY_US = 86_400 * MICROSECONDS
#: The scrapes are a second apart; these stand for what Grafana would put in.
GRAFANA = {"$__rate_interval": "10s", "$__range": "5m"}
HISTORY_DAYS, A_DAY, LIVE = 18, 2, 400


def promtool() -> str:
    return peer("promtool", "prometheus", "--version")


async def test_the_shipped_files_are_sound() -> None:
    tool = promtool()
    for check in (
        ("rules", "alerts.yml"),
        ("rules", "recording.yml"),
        ("config", "prometheus.yml"),
    ):
        said = await run(tool, "check", check[0], RULES / check[1])
        assert said.status == 0, said.text
        assert "SUCCESS" in said.text


async def test_every_rule_does_what_its_test_says() -> None:
    tool = promtool()
    for test in sorted(RULES.glob("*_test.yml")):
        said = await run(tool, "test", "rules", test)
        assert said.status == 0, said.text


def alerts() -> set[str]:
    return set(re.findall(r"^ +- alert: (\w+)$", (RULES / "alerts.yml").read_text(), re.MULTILINE))


def test_every_alert_is_proved_to_fire_and_to_clear() -> None:
    text = (RULES / "alerts_test.yml").read_text()
    quiet = re.findall(r"alertname: (\w+)\n +exp_alerts: \[\]", text)
    loud = re.findall(r"alertname: (\w+)\n +exp_alerts:\n", text)
    # The last thing that a case says of an alert is that it has cleared.
    last = {
        alert
        for case in text.split("\n  - name: ")[1:]
        for alert in re.findall(r"alertname: (\w+)\n +exp_alerts: \[\]\n?\Z", case.rstrip() + "\n")
    }
    assert len(alerts()) >= 12
    assert set(loud) == alerts()
    assert last == alerts()
    assert set(quiet) == alerts()


@dataclass
class Scraped:
    """A centre of events, with a history and cards going on, and its page on a port."""

    folder: Path
    centre: Metered = field(default_factory=Metered)
    made: int = 0

    async def open(self) -> "Scraped":
        shipped = load_centre(shipped_centre("simulated"))
        ledger = shipped.ledger.model_copy(update={"path": self.folder / "ledger.sqlite"})
        centre = self.centre = await Metered(path=str(ledger.path)).open()
        first, later = day_of(centre.now_us), day_of(centre.now_us + 60 * DAY_US)
        deliveries = (
            Delivery(day=first, blanks=2_000),
            Delivery(day=later, blanks=1_000),
        )
        config = shipped.model_copy(update={"ledger": ledger, "deliveries": deliveries})
        telemetry = centre.measure()
        registry = CollectorRegistry()
        MqttMetrics(registry, lambda: True, lambda: centre.ledger.waiting)
        programme = shipped_programme("jilin-2004").scaled(100_000)
        targets = TargetMetrics(ledger.path, config, programme)
        centre.page = MetricsPage(registry, targets.families)
        assert telemetry is centre.telemetry
        return self

    async def have_a_history(self) -> None:
        """Two cards a day, dispatched in the evening; the last orders wait."""
        centre = self.centre
        await centre.batch(*["2005-11-30"] * (HISTORY_DAYS * A_DAY + LIVE), blanks=500)
        data = {"line": "line-1", "running": True}
        await centre.ledger.append(Draft(Kind.LINE_CHANGED, "test", data))
        for day in range(HISTORY_DAYS):
            box = f"X-{day}"
            await centre.open_box(box)
            cards = range(self.made + 1, self.made + A_DAY + 1)
            for number in cards:
                await centre.make_good(number, box)
            await centre.dispatch(*cards, box=box)
            self.made += A_DAY
            centre.now_us += DAY_US

    async def go_on(self) -> None:
        """Make cards until cancelled, one in four spoiled."""
        await self.centre.open_box("X-live")
        while True:
            self.made += 1
            if self.made % 4:
                await self.centre.make_good(self.made, "X-live")
            else:
                await self.centre.issue(self.made)
                await self.centre.change_card(self.made, trigger="spoil", reason="misprint")
            state = "Execute" if self.made % 3 else "Held"
            await self.centre.change_station("printer-1", state)
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[int]:
    """Serve a centre at work on a port."""
    scraped = await Scraped(folder).open()
    await scraped.have_a_history()
    listening = bind_metrics("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    centre = scraped.centre
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                serve_metrics(centre.telemetry.snapshot, centre.page.text, listening)
            ),
            group.create_task(scraped.go_on()),
        ]
        yield port
        for task in tasks:
            task.cancel()
    centre.ledger.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def prometheus(folder: Path, centre_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """Run Prometheus with the shipped rules and configuration, only faster."""
    program = peer("prometheus", "prometheus", "--version")
    shutil.copytree(RULES, folder / "rules")
    file = folder / "rules" / "prometheus.yml"
    text = file.read_text(encoding="utf-8").replace("127.0.0.1:9469", f"127.0.0.1:{centre_port}")
    file.write_text(text.replace("15s", "1s"), encoding="utf-8")
    port = free_port()
    arguments = (
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    async with (
        started(program, *arguments),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5.0) as client,
    ):
        yield client


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query of the dashboard with the panel that asks it."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for variable, value in GRAFANA.items():
                query = query.replace(variable, value)
            assert "$" not in query, query
            yield f"{panel['title']} {target['refId']}", query


async def answered(client: httpx.AsyncClient, query: str) -> bool:
    """Tell whether a query is right and returns a number at this moment."""
    try:
        answer = await client.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return False  # it is not up yet
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return False
    said: dict[str, Any] = answer.json()
    assert said["status"] == "success", (query, said)
    return any(not math.isnan(float(one["value"][1])) for one in said["data"]["result"])


async def test_promtool_finds_nothing_to_say_about_targets(tmp_path: Path) -> None:
    scraped = await Scraped(tmp_path).open()
    await scraped.have_a_history()
    page = tmp_path / "page"
    page.write_text(scraped.centre.scrape(), encoding="utf-8")
    said = await run("sh", "-c", f"{promtool()} check metrics < {page}")
    assert (said.status, said.text) == (0, "")
    scraped.centre.ledger.close()


async def test_every_query_of_the_dashboard_returns_data(tmp_path: Path) -> None:
    waiting = dict(queries())
    asked = len(waiting)
    assert asked >= 40
    async with serving(tmp_path) as port, prometheus(tmp_path, port) as client:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while waiting:
                    for panel, query in list(waiting.items()):
                        if await answered(client, query):
                            del waiting[panel]
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            pytest.fail(f"no data within {PATIENCE_S} s: {waiting}")
        rules = (await client.get("/api/v1/rules")).json()["data"]["groups"]
    unhealthy = [rule for group in rules for rule in group["rules"] if rule["health"] == "err"]
    assert not unhealthy
    print(f"prometheus answered {asked} queries of {len(rules)} groups of rules")
