"""A real process: a centre at work until it is told to stop.

Opens files, sockets and ports, and closes them again; what a centre does is
`controller/service.py`.
"""

import asyncio
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from config.centre import Centre, wires
from controller.api.access import Access
from controller.api.door import DoorError
from controller.api.server import make_app, serve
from controller.assembly import Assembly, Plant, plant_of, simulated_operators, wire_opener
from controller.chip_keys import ChipKeysNotUsable
from controller.clock import CalendarClock, Clock, SystemClock, start_of_day_us
from controller.logs import LedgerLog, make_logger
from controller.metrics_http import MetricsNotServed, bind_metrics, serve_metrics
from controller.metrics_page import metrics_page
from controller.mqtt.broker import PasswordNotUsable
from controller.mqtt.starting import forwarder_of
from controller.person import AWAY, REFUSALS, PersonsVerbs
from controller.preparation import CannotPrepare
from controller.real_process import (
    CannotRun,
    Say,
    allow_many_descriptors,
    refused_for,
    told_to_stop,
)
from controller.reports.schedule import ReportSchedule
from controller.service import LedgerHealth, Service
from controller.telemetry import Telemetry, metered
from jobs.ledger.ledger import Ledger, ThreadWriter, open_ledger
from jobs.ledger.references import WRITTEN_BY_NO_EVENT, check_references
from jobs.ledger.store import LedgerCorrupt, LedgerUnavailable, Store
from jobs.vault import KeyFolder, VaultError

#: A ledger on a full disk would be waited for; at the start it is an error.
OPENING_TIMEOUT_S = 10.0


async def run_centre(config: Centre, say: Say) -> None:
    """Run a centre until it is told to stop; raises `CannotRun`."""
    allow_many_descriptors()
    faults = (
        DoorError, MetricsNotServed, PasswordNotUsable, LedgerUnavailable, LedgerCorrupt,
        VaultError, CannotPrepare, ChipKeysNotUsable,
    )  # fmt: skip
    with refused_for(*faults), only_one(config.ledger.path):
        await _run(config, say)


async def _run(config: Centre, say: Say) -> None:
    health = LedgerHealth()
    async with AsyncExitStack() as stack:
        stop = told_to_stop(stack)
        # Ports are taken first: nothing has happened yet when one is in use.
        metrics = config.metrics
        listening = bind_metrics(metrics.host, metrics.port) if metrics.port else None
        if listening is not None:
            stack.callback(listening.close)
        keys = _keys(config.ledger.keys)
        store = Store.open(str(config.ledger.path))
        stack.callback(store.close)
        clock = _clock(config, store.head()[1])
        logger = make_logger(sys.stderr, clock.now_us)
        ledger = await _opened(config, store, clock, health, stack)
        log = LedgerLog(logger, ledger.books)
        ledger.listeners.append(log.see)
        health.listeners.append(log.ledger_state)
        plant = plant_of(config) if _has_simulated_wires(config) else None
        if plant is not None:
            await stack.enter_async_context(plant)
        opener = wire_opener(plant)
        service = Assembly(config, ledger, clock, os.urandom, keys, health, opener).service()
        service.intake.index_key()  # made now, or missed now: not when the first package comes
        lines = [metered(parts) for parts in service.lines.values()]
        registry = CollectorRegistry()
        folder = config.output.folder / "reports"
        reports = ReportSchedule(config, folder, clock.now_us, logger)
        forwarder = forwarder_of(config, ledger, lines, clock.now_us, logger, registry)
        async with asyncio.TaskGroup() as group:
            # Nothing moves before the door is open: another centre may have it.
            opened = asyncio.Event()
            tasks = [group.create_task(_door(config, service, ledger, opened), name="api")]
            await opened.wait()
            tasks.append(group.create_task(service.run(), name="centre"))
            if listening is not None:
                telemetry = Telemetry(ledger, lines, clock.now_us, lambda: health.fault)
                serving = serve_metrics(
                    telemetry.snapshot, metrics_page(registry, config).text, listening
                )
                tasks.append(group.create_task(serving, name="metrics"))
            tasks.append(group.create_task(reports.run(), name="reports"))
            if forwarder is not None:
                tasks.append(group.create_task(forwarder.run(), name="mqtt"))
            tasks.extend(
                group.create_task(operator.run(), name="operator")
                for operator in _operators_of(config, plant, service)
            )
            await service.ready.wait()
            say(f"{config.name} runs; commands reach it on {config.api.socket}")
            await stop.wait()
            say("stopping; the machines finish what they are doing")
            for task in tasks:
                task.cancel()


def _operators_of(config: Centre, plant: Plant | None, service: Service) -> list[Any]:
    """Return the operators of machines in this process; others have theirs where they are."""
    if plant is None:
        return []
    return list(simulated_operators(config, plant, PersonsVerbs(lambda: service), REFUSALS, AWAY))


async def _door(config: Centre, service: Service, ledger: Ledger, opened: asyncio.Event) -> None:
    api = config.api
    groups = api.operator_groups
    access = Access(frozenset(api.operators), frozenset(groups), os.getuid())

    def facts() -> dict[str, Any]:
        return {"name": config.name, "outputs_fault": service.verbs.outputs_fault()}

    app = make_app(service.verbs, ledger, access, facts, config.ledger.path)
    await serve(app, api.socket, groups[0] if groups else "", opened)


async def _opened(
    config: Centre, store: Store, clock: Clock, health: LedgerHealth, stack: AsyncExitStack
) -> Ledger:
    """Take up the books, and see to it that their writer ends last."""
    writer = ThreadWriter(store, config.ledger.retry_s, health.tell)
    try:
        check_references(store)
        async with asyncio.timeout(OPENING_TIMEOUT_S):
            ledger = await open_ledger(store, writer, clock.now_us)
    except BaseException as error:
        writer.close()
        if isinstance(error, (ValueError, KeyError, TypeError)):
            raise LedgerUnavailable(WRITTEN_BY_NO_EVENT) from error
        if isinstance(error, TimeoutError):
            raise LedgerUnavailable(health.fault or "the ledger cannot be written") from error
        raise
    stack.callback(ledger.close)
    return ledger


def _keys(folder: Path) -> KeyFolder:
    try:
        return KeyFolder(folder)
    except OSError as error:
        raise CannotRun(f"the keys in {folder} cannot be used: {error.strerror}") from error


def _clock(config: Centre, last_event_us: int) -> Clock:
    """Return the clock of the centre: a simulated calendar goes on where the ledger ended."""
    day = config.simulation.calendar_date if config.simulation else None
    if day is None:
        return SystemClock()
    return CalendarClock(max(start_of_day_us(day, 8), last_event_us))


def _has_simulated_wires(config: Centre) -> bool:
    return any(url.startswith("sim://") for _, url in wires(config))


@contextmanager
def only_one(ledger: Path) -> Iterator[None]:
    """Hold a ledger's lock; the kernel drops it with the process, however that ends."""
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        lock = ledger.with_name(f"{ledger.name}.lock")
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotRun(f"the ledger {ledger} cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"another centre runs on the ledger {ledger}") from None
        yield
    finally:
        os.close(descriptor)
