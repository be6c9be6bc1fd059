"""A whole centre on a virtual clock: machines, a person, a ledger, and a controller that may die.

The machines and the person live on when the controller's power is cut; a new controller finds the
ledger as the last commit left it, and the machines as they are.
"""

import asyncio
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast

from config.centre import Centre, load_centre, shipped_centre
from controller.assembly import Assembly, MakeOutputs, simulated_operators
from controller.clock import CalendarClock, start_of_day_us
from controller.outputs import NoOutputs
from controller.person import AWAY, REFUSALS
from controller.service import LedgerHealth, Service
from drivers.wire import Wire
from jobs.account import account
from jobs.application import Application
from jobs.events import Event
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.store import Group, LedgerUnavailable, Store
from jobs.package_maker import PackagePlan, Series, file_name, package_pieces
from jobs.portrait import portraits
from jobs.states import OrderState
from jobs.vault import KeyFolder
from simulators.plant import Plant
from simulators.todo import Verbs as OperatorsVerbs
from tests.simulation.person import PersonsVerbs, PowerCut

DAY = date(2005, 9, 5)


@dataclass(slots=True)
class Power:
    """The controller's supply; everything that leaves the controller asks it."""

    on: bool = True


class SupplyStore(Store):
    """A ledger file that is written only while there is power."""

    power: Power
    kill: Callable[[], None]
    disk_is_full: Callable[[], bool]
    writes = 0

    def before_write(self) -> None:
        """Cut points of a campaign."""

    def after_write(self) -> None:
        """Cut points of a campaign."""

    def write(self, groups: Iterable[Group]) -> None:
        if not self.power.on:
            raise PowerCut
        if self.disk_is_full():
            raise LedgerUnavailable("no room")
        self.before_write()
        super().write(groups)
        self.writes += 1
        self.after_write()


@dataclass(slots=True)
class SupplyWire:
    """A wire that carries nothing out of a dead controller."""

    inner: Wire
    power: Power

    async def send(self, data: bytes) -> None:
        if not self.power.on:
            raise PowerCut
        await self.inner.send(data)

    async def receive(self) -> bytes:
        data = await self.inner.receive()
        if not self.power.on:
            raise PowerCut
        return data

    async def aclose(self) -> None:
        await self.inner.aclose()


class SupplyKeys(KeyFolder):
    """A folder of keys that a dead controller does not write to: another one may have it now."""

    def __init__(self, folder: Path, power: Power) -> None:
        super().__init__(folder)
        self._power = power

    def new_key(self, batch_id: str, entropy: Callable[[int], bytes]) -> bytes:
        if not self._power.on:
            raise PowerCut
        return super().new_key(batch_id, entropy)


def centre_file(**wear: float) -> Centre:
    """Return the shipped simulated centre with other wear, and no rest before closing."""
    centre = load_centre(shipped_centre("simulated"))
    assert centre.simulation is not None
    machines = centre.simulation.machines.model_copy(update=wear)
    simulation = centre.simulation.model_copy(update={"machines": machines, "pace": 4.0})
    limits = centre.limits.model_copy(update={"closing_delay_s": 120.0})
    return centre.model_copy(update={"simulation": simulation, "limits": limits})


#: FACES are drawn and everybody has one of them: drawing takes longer than many a test.
FACES = 8
#: What was prepared in this process of tests, for whom it shows and as which product.
_PREPARED: dict[tuple[Application, str], Any] = {}


@cache
def drawn_photos() -> list[str]:
    """Draw the faces of everybody, once."""
    return [b64encode(photo).decode() for photo in portraits(Random("faces"), FACES)]


class Kept(dict[str, Any]):
    """What was prepared for orders; what a controller forgot it must prepare again, at no cost."""

    def __init__(self) -> None:
        super().__init__()
        self._forgotten: dict[str, Any] = {}
        #: Orders whose people may have been drawn for an earlier test.
        self.known: dict[str, tuple[Application, str]] = {}

    def __setitem__(self, key: str, prepared: Any) -> None:
        super().__setitem__(key, prepared)
        if key in self.known:
            _PREPARED[self.known[key]] = prepared

    def pop(self, key: str, *_default: Any) -> Any:
        if super().__contains__(key):
            self._forgotten[key] = super().pop(key)

    def __contains__(self, key: object) -> bool:
        """Tell whether an order is prepared: only who is about to prepare it asks."""
        order = str(key)
        if order in self._forgotten:
            self[order] = self._forgotten.pop(order)
        elif self.known.get(order) in _PREPARED and not super().__contains__(order):
            self[order] = _PREPARED[self.known[order]]
        return super().__contains__(order)

    def clear(self) -> None:
        """Lose everything for good."""
        super().clear()
        self._forgotten.clear()
        self.known.clear()

    def forget_all(self) -> None:
        """Forget as a controller does that loses its power."""
        for key in list(self):
            self.pop(key)


@dataclass(slots=True)
class World:
    """Everything outside the controller, and the controller of the moment."""

    config: Centre
    plant: Plant
    folder: Path
    clock: CalendarClock
    seed: int
    store_type: type[SupplyStore] = SupplyStore
    outputs: MakeOutputs = NoOutputs
    #: What is put around every wire of the controller.
    around: Callable[[str, Wire], Wire] = lambda _url, wire: wire
    connection: sqlite3.Connection = field(init=False)
    power: Power = field(default_factory=Power)
    service: Service | None = None
    store: SupplyStore | None = None
    starts: int = 0
    running: asyncio.Task[None] | None = None
    prepared: "Kept" = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self.connection = Store.open(":memory:")._connection

    async def start(self) -> Service:
        """Put a controller together on the ledger as it is."""
        self.power = Power()
        self.starts += 1
        self.store = self.store_type(self.connection)
        self.store.power = self.power
        self.store.kill = self.kill
        self.store.disk_is_full = lambda: False
        health = LedgerHealth()
        writer = InlineWriter(self.store, 2.0, health.tell)
        ledger = await open_ledger(self.store, writer, self.clock.now_us)
        ledger.listeners.append(self._always(ledger))
        power = self.power

        async def open_wire(url: str, _timeout_s: float) -> Wire:
            return self.around(url, SupplyWire(self.plant.open(url), power))

        assembly = Assembly(
            self.config,
            ledger,
            self.clock,
            Random(f"{self.seed}:entropy:{self.starts}").randbytes,
            SupplyKeys(self.folder / "keys", power),
            health,
            open_wire,
            self.outputs,
        )
        self.service = assembly.service()
        self._hand_over_prepared(self.service)
        return self.service

    def _hand_over_prepared(self, service: Service) -> None:
        """Spare every new controller the drawing of faces: they are the same each time."""
        self.prepared.forget_all()
        for parts in service.lines.values():
            parts.feeder.journeys.operations.preparation._prepared = self.prepared

    def _always(self, ledger: Ledger) -> Callable[[Event], None]:
        def check(event: Event) -> None:
            del event
            state = account(ledger.books)
            assert state.balanced, state

        return check

    def kill(self) -> None:
        """Cut the controller's power now."""
        self.power.on = False
        if self.running is not None:
            self.running.cancel()

    def powered(self) -> Service | None:
        """Return the controller of the moment while it has power."""
        return self.service if self.power.on else None

    async def takes(self, orders: int, counties: int = 3, faults: int = 0, serial: int = 1) -> None:
        """Give the running centre a package and blanks."""
        assert self.service is not None
        plan = PackagePlan(orders, DAY, counties, serial, faults=faults)
        path = self.folder / file_name(plan)
        if not path.exists():
            random = Random(f"{self.seed}:package" if serial == 1 else f"{self.seed}:{serial}")
            series = Series(photos=drawn_photos())
            path.write_bytes(b"".join(package_pieces(random, plan, series)))
        await self.service.verbs.take_package(path, "test")
        self.recognise()
        preparation = self.service.lines["line-1"].feeder.journeys.operations.preparation
        for order in self.service.ledger.books.orders.values():
            await preparation.prepare(order)

    def recognise(self) -> None:
        """Spare orders the drawing of people who were drawn for an earlier test."""
        assert self.service is not None
        preparation = self.service.lines["line-1"].feeder.journeys.operations.preparation
        for order in self.service.ledger.books.orders.values():
            if order.id not in self.prepared.known:
                product = preparation.products[order.product].model_dump_json()
                self.prepared.known[order.id] = (preparation.application(order), product)

    def unfinished(self) -> list[str]:
        """Return the orders that are neither done nor cancelled."""
        assert self.service is not None
        ended = {OrderState.DONE, OrderState.CANCELLED}
        orders = self.service.ledger.books.orders.values()
        return [order.id for order in orders if order.state not in ended]


def world(
    folder: Path, seed: int = 1, store_type: type[SupplyStore] = SupplyStore, **wear: float
) -> AbstractAsyncContextManager[World]:
    """Machines of the shipped centre with power, and a person who looks after them."""
    return world_of(centre_file(**wear), folder, seed, store_type)


@asynccontextmanager
async def world_of(
    config: Centre, folder: Path, seed: int, store_type: type[SupplyStore]
) -> AsyncIterator[World]:
    """Machines of a centre with power, and a person who looks after them."""
    assert config.simulation is not None
    simulation = config.simulation.model_copy(update={"seed": seed})
    config = config.model_copy(update={"simulation": simulation})
    clock = CalendarClock(start_of_day_us(DAY, 8))
    async with Plant.of(config, simulation) as plant:
        made = World(config, plant, folder, clock, seed, store_type)
        with closing(made.connection):
            async with asyncio.TaskGroup() as group:
                verbs = cast("OperatorsVerbs", PersonsVerbs(made.powered))
                people = simulated_operators(config, plant, verbs, REFUSALS, AWAY)
                persons = [group.create_task(person.run()) for person in people]
                try:
                    yield made
                finally:
                    for person in persons:
                        person.cancel()
