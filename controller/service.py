"""A running centre: its tasks, from taking up the books to being cancelled.

It decides nothing itself: feeding, startup, packing and verbs do. Cancelling `run` is how a centre
is stopped; nothing is recorded while that unwinds, the next start finds out what became of things.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.centre import Centre
from controller.clock import MICROSECONDS, Clock, day_of
from controller.desk import Desk
from controller.intake import Intake
from controller.packing import cancellable, closable, closing
from controller.shifts import Shifts
from controller.station_verbs import LineParts
from controller.verbs import Verbs
from jobs.application import FIRST_GENERATION
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.ledger.store import LedgerUnavailable
from jobs.states import OrderTrigger

HOUSEKEEPING_S = 5.0


class Outputs(Protocol):
    """Whatever writes manifests and receipts."""

    @property
    def fault(self) -> str:
        """Why files cannot be written at the moment, or nothing."""

    async def write_missing(self) -> None:
        """Write every manifest and receipt that the books ask for and the folder lacks."""


@dataclass(slots=True)
class LedgerHealth:
    """Whether the ledger can be written; the writer tells, the operator is told."""

    fault: str = ""
    listeners: list[Callable[[LedgerUnavailable | None], None]] = field(default_factory=list)

    def tell(self, error: LedgerUnavailable | None) -> None:
        """Take note of a failed or a good write."""
        self.fault = "" if error is None else str(error)
        for listener in self.listeners:
            listener(error)


@dataclass(slots=True)
class Service:
    """One centre, put together by the assembly."""

    config: Centre
    ledger: Ledger
    clock: Clock
    lines: dict[str, LineParts]
    desk: Desk
    intake: Intake
    outputs: Outputs
    health: LedgerHealth
    shifts: Shifts
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    verbs: Verbs = field(init=False)
    _group: asyncio.TaskGroup | None = None

    def __post_init__(self) -> None:
        self.verbs = Verbs(
            self.ledger,
            self.lines,
            self._spawn,
            self.desk,
            self.intake,
            self.config.limits.remakes_max,
            lambda: self.health.fault,
            lambda: self.outputs.fault,
            self.shifts.told,
        )

    async def run(self) -> None:
        """Run until cancelled."""
        for parts in self.lines.values():
            parts.feeder.journeys.recovery.take_places()
        async with asyncio.TaskGroup() as group:
            self._group = group
            # Whoever made the mistake may be a caller from outside who is only told that it failed.
            group.create_task(self.ledger.until_broken(), name="ledger")
            await self._authorise_or_wait()
            for parts in self.lines.values():
                group.create_task(parts.feeder.run(), name=f"{parts.line.name} feeder")
                group.create_task(self._start(parts), name=f"{parts.line.name} startup")
                group.create_task(parts.startup.follow_transport())
            group.create_task(self.shifts.run(self._changed), name="shifts")
            group.create_task(self._keep_house(), name="housekeeping")
            self.ready.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None, "verbs need a running centre"
        self._group.create_task(work)

    async def _authorise_or_wait(self) -> None:
        """After a restart nothing moves until a person says so, where the policy asks for it."""
        wait = self.config.policy.authorise_after_restart
        for name in self.lines:
            running = self.ledger.books.line(name).running
            if running != (not wait):
                reason = "restart: waits for authorisation" if wait else ""
                data = {"line": name, "running": not wait, "reason": reason}
                await self.ledger.append(Draft(Kind.LINE_CHANGED, "centre", data))

    async def _start(self, parts: LineParts) -> None:
        """Connect every station; bring all up whenever the line is started."""
        line, startup = parts.line, parts.startup
        stations = (line.transport, *line.stations)
        kept = {station.name for station in stations if startup.left_by_a_person(station)}
        for station in stations:
            await startup.take_over(station)
        async with asyncio.TaskGroup() as group:
            connects = {one.name: group.create_task(startup.connect(one)) for one in stations}
        if line.ledger.books.line(line.name).running:
            # Hands may be in what was cleared meanwhile: it moves when a person starts it.
            kept |= {name for name, connected in connects.items() if not connected.result()}
        while True:
            await line.places.until(lambda: line.ledger.books.line(line.name).running)
            async with asyncio.TaskGroup() as group:
                for station in stations:
                    if station.name not in kept:
                        group.create_task(startup.bring_up(station, "centre"))
            kept = set()
            await line.places.until(lambda: not line.ledger.books.line(line.name).running)

    async def _keep_house(self) -> None:
        """Seal what is complete, close what has rested, end what may no longer be made."""
        while True:
            for parts in self.lines.values():
                seals, freed = parts.line.packing.ripe()
                if seals:
                    await self.ledger.append(*seals)
                if freed:
                    parts.line.places.changed()
            await self._end_first_generation()
            delay_us = round(self.config.limits.closing_delay_s * MICROSECONDS)
            for batch in closable(self.ledger.books, self.clock.now_us(), delay_us):
                await self.ledger.append(*closing(self.ledger.books, batch))
            await self.outputs.write_missing()
            await asyncio.sleep(HOUSEKEEPING_S)

    async def _end_first_generation(self) -> None:
        cut_off = self.config.programme.first_generation_cut_off
        if cut_off is None or day_of(self.clock.now_us()) < cut_off:
            return
        reason = f"first-generation cards ended on {cut_off}"
        data = {"trigger": OrderTrigger.CANCEL.value, "reason": reason}
        drafts = [
            Draft(Kind.ORDER_CHANGED, "centre", data, batch=order.batch, order=order.id)
            for order in self.ledger.books.orders.values()
            if order.product == FIRST_GENERATION and cancellable(self.ledger.books, order)
        ]
        if drafts:
            await self.ledger.append(*drafts)
            self._changed()

    def _changed(self) -> None:
        for parts in self.lines.values():
            parts.line.places.changed()
