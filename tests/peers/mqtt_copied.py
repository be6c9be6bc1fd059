"""A ledger whose events a test makes, and what copies them to a broker."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from config.centre import load_centre, shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.logs import make_logger
from controller.mqtt.forward import Forwarder
from controller.mqtt.starting import forwarder_of
from controller.telemetry import MeteredLine
from jobs.ledger.ledger import InlineWriter, open_ledger
from jobs.ledger.store import Store
from tests.peers.mqtt_peers import PASSWORD, USER, Witness, until
from tests.unit.controller.metered_centre import KINDS, START_US, Metered


@dataclass
class Copied:
    """A ledger with events, and what copies it to a broker."""

    folder: Path
    port: int
    password: str = PASSWORD
    mqtt: dict[str, Any] = field(default_factory=dict)
    said: io.StringIO = field(default_factory=io.StringIO)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def open(self) -> "Copied":
        self.folder.mkdir(exist_ok=True)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        raw = read_toml(shipped_centre("simulated"))
        raw["mqtt"] = {
            "host": "127.0.0.1", "port": self.port, "user": USER, "password_file": str(secret),
            "reconnect_max_s": 0.5, "events_under_way_max": 40, **self.mqtt,
        }  # fmt: skip
        (self.folder / "centre.toml").write_text(toml_text(raw))
        self.config = load_centre(self.folder / "centre.toml")
        self.centre = Metered()
        self.store = Store.open(str(self.config.ledger.path))
        writer = InlineWriter(self.store, 1.0, lambda _error: None)
        self.centre.ledger = await open_ledger(self.store, writer, lambda: self.centre.now_us)
        return self

    def close(self) -> None:
        self.store.close()

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[Forwarder]:
        """Copy in the background, as a running centre does."""
        line = MeteredLine("line-1", KINDS, lambda: 0, 24, dict)
        self.registry = CollectorRegistry()
        logger = make_logger(self.said, lambda: START_US)
        now_us = lambda: self.centre.now_us  # noqa: E731
        made = forwarder_of(self.config, self.centre.ledger, [line], now_us, logger, self.registry)
        assert made is not None
        async with asyncio.TaskGroup() as group:
            task = group.create_task(made.run())
            try:
                yield made
            finally:
                task.cancel()

    async def change_stations(self, times: int) -> None:
        """Record so many changes of a station, a millisecond apart."""
        for number in range(times):
            self.centre.now_us += 1_000
            await self.centre.change_station("printer-1", "Held" if number % 2 else "Execute")

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.getvalue().splitlines()]

    async def told(self, witness: Witness) -> None:
        """Wait until the witness has heard of every event that there is."""
        everything = range(1, self.centre.ledger.sequence + 1)
        await until(lambda: witness.sequences() == list(everything), "everything is told in order")


@asynccontextmanager
async def copied(folder: Path, port: int, **settings: Any) -> AsyncIterator[Copied]:
    """Have a ledger to copy, and close it."""
    found = await Copied(folder / "centre", port, **settings).open()
    try:
        yield found
    finally:
        found.close()
