"""A stage for scenarios: a centre of any shape in virtual time, played on from its outer edges.

Packages go in as files, blanks as plastic; out come floor, books, list of what waits and files. It
makes nothing true itself: what must hold is asserted by `checkers` and by each scenario.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast
from xml.sax.saxutils import escape

from config.centre import Centre
from controller.assembly import MakeOutputs, Plant, simulated_operators
from controller.clock import CalendarClock, start_of_day_us
from controller.intake import IntakeResult
from controller.outputs import NoOutputs
from controller.person import AWAY, REFUSALS
from controller.service import Service
from controller.verbs import Verbs
from drivers.wire import Wire
from jobs.books import Books
from jobs.package_maker import PackagePlan, Series, file_name, invented_records
from jobs.rows import Card, Order
from jobs.states import OrderState
from simulators.floor import Floor, PhysicalCard
from simulators.machine import Machine
from simulators.plant import PlantLine
from simulators.todo import Verbs as OperatorsVerbs
from tests.simulation.person import PersonsVerbs
from tests.simulation.world import World, drawn_photos

DAY = date(2005, 9, 5)
SECOND = ("printer", "printer", "laminator", "laminator", "encoder", "encoder", "reader", "reader")
FIRST = ("printer", "laminator", "inspection")
QUIET = {"misprint_share": 0.0, "jam_share": 0.0, "chip_failure_share": 0.0}
ENDED = {OrderState.DONE, OrderState.CANCELLED}

Fields = dict[str, str]


def stations(kinds: Sequence[str], line: int) -> list[dict[str, str]]:
    """Name stations by kind and number; those of a second line after it."""
    found, mark = [], "" if line == 1 else f"{'abc'[line - 1]}-"
    for number, kind in enumerate(kinds):
        name = f"{mark}{kind}-{kinds[: number + 1].count(kind)}"
        wire = {} if kind == "inspection" else {"url": f"sim://{name}"}
        found.append({"name": name, "kind": kind, **wire})
    return found


def centre(
    *lines: Sequence[str],
    day: date = DAY,
    seed: int = 1,
    products: Sequence[str] = ("second-generation",),
    trays: int = 8,
    capacity: int = 100,
    wear: dict[str, float] | None = None,
    **tables: dict[str, Any],
) -> Centre:
    """Return a simulated centre; each line is the kinds of its stations."""
    rows = [
        {
            "name": f"line-{number}",
            "trays": trays,
            "magazine_capacity": capacity,
            "transport": {"url": f"sim://line-{number}-transport"},
            "stations": stations(tuple(kinds), number),
        }
        for number, kinds in enumerate(lines or (SECOND,), start=1)
    ]
    simulation = {
        "seed": seed,
        "calendar_date": day,
        "machines": QUIET | (wear or {}),
        "operator": {"delay_s": 20.0, "inspection_s": 5.0},
    }
    limits = {"box_size": 20, "closing_delay_s": 120.0} | tables.pop("limits", {})
    policy = {"authorise_after_restart": False, "release_batches": "at once"}
    return Centre.model_validate(
        {
            "name": "scene",
            "purpose": "simulation",
            "products": list(products),
            "lines": rows,
            "limits": limits,
            "policy": policy | tables.pop("policy", {}),
            "simulation": simulation,
            **tables,
        }
    )


@dataclass(slots=True)
class Scene:
    """The running centre of a scenario, and the floor that it never sees."""

    world: World

    @property
    def service(self) -> Service:
        assert self.world.service is not None
        return self.world.service

    @property
    def verbs(self) -> Verbs:
        return self.service.verbs

    @property
    def books(self) -> Books:
        return self.service.ledger.books

    @property
    def line(self) -> PlantLine:
        return self.world.plant.lines["line-1"]

    @property
    def floor(self) -> Floor:
        return self.line.floor

    def machine(self, name: str) -> Machine:
        line = next(one for one in self.world.plant.lines.values() if name in one.kinds)
        return line.machines[name]

    # Edges: packages and blanks in, and what a person does with the hands.

    def write(
        self, plan: PackagePlan, edit: Callable[[int, Fields], None] = lambda _index, _fields: None
    ) -> Path:
        """Write a package file; `edit` may change each record, which are counted from 1."""
        records = [dict(fields) for fields in drawn_records(plan)]
        path = self.world.folder / file_name(plan)
        path.write_bytes(package_bytes(plan, edited(records, edit)))
        return path

    async def takes(
        self, plan: PackagePlan, edit: Callable[[int, Fields], None] = lambda _index, _fields: None
    ) -> IntakeResult:
        """Take a package in."""
        result = await self.verbs.take_package(self.write(plan, edit), "test")
        self.world.recognise()
        return result

    async def loads(self, blanks: int, line: str = "line-1") -> None:
        """Put blanks into a magazine, and say so."""
        plant = self.world.plant.lines[line]
        plant.floor.load_blanks(blanks, plant.chips)
        await self.verbs.load_stock(line, blanks, "test")

    @contextmanager
    def full_disk(self, when: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """While this lasts the ledger cannot be written whenever `when` is true."""
        store = self.world.store
        assert store is not None
        store.disk_is_full = when
        try:
            yield
        finally:
            store.disk_is_full = lambda: False

    # What is seen.

    def orders(self, state: OrderState | None = None) -> list[Order]:
        return [one for one in self.books.orders.values() if state in {None, one.state}]

    def cards_of(self, order: Order) -> list[Card]:
        return [card for card in self.books.cards.values() if card.order == order.id]

    def physical(self, card: Card) -> PhysicalCard:
        """Return the plastic of a card whose chip was powered once."""
        assert card.chip_serial
        return next(
            one
            for plant in self.world.plant.lines.values()
            for _, one in plant.floor.everything()
            if one.chip.serial.hex() == card.chip_serial
        )

    def waits(self, need: str, subject: str = "") -> bool:
        """Tell whether something is on the list of what waits for a person."""
        return any(
            item.need == need and subject in {"", item.subject} for item in self.verbs.todo()
        )

    def station_state(self, name: str) -> str:
        row = self.books.stations.get(name)
        return row.state.value if row else ""

    async def until(
        self, predicate: Callable[[], bool], limit_s: float = 3_000.0, look_every_s: float = 0.25
    ) -> None:
        """Wait until something is true; a scenario that gets stuck tells where."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + limit_s
        while not predicate():
            assert loop.time() < end_s, self.told()
            await asyncio.sleep(look_every_s)

    async def ended(self, limit_s: float = 3_000.0) -> None:
        """Wait until every order is done or cancelled and no card is on a line."""
        await self.until(self.is_over, limit_s, look_every_s=2.0)

    def is_over(self) -> bool:
        feeders = [parts.feeder for parts in self.service.lines.values()]
        return all(order.state in ENDED for order in self.orders()) and not any(
            feeder.cards for feeder in feeders
        )

    def told(self) -> str:
        """Tell what everybody waits for."""
        lines = [str(item) for item in self.verbs.todo()]
        lines += [f"{o.id} {o.state} {o.reason}" for o in self.orders() if o.state not in ENDED]
        lines += [str(card) for card in self.books.on_the_line.values()]
        lines += [str(work) for work in self.books.works.values()]
        for parts in self.service.lines.values():
            stations = (parts.line.transport, *parts.line.stations)
            lines += [f"{one.name}: {one.state} {one.reason}" for one in stations]
            lines.append(str(parts.line.places._holders))
        return "\n".join(["", *lines])


@cache
def drawn_records(plan: PackagePlan) -> tuple[Fields, ...]:
    """Invent the people of a plan, once."""
    series = Series(photos=drawn_photos())
    return tuple(invented_records(Random(f"{plan.package_number}:package"), plan, series))


def edited(records: Sequence[Fields], edit: Callable[[int, Fields], None]) -> Iterator[Fields]:
    for index, fields in enumerate(records, start=1):
        edit(index, fields)
        yield fields


def package_bytes(plan: PackagePlan, records: Iterator[Fields]) -> bytes:
    """Return a package with these records."""
    number = plan.package_number
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<zzjh version="1">\n'
        f"<bt><sjbbh>{number}</sjbbh><fsdw>{number[:12]}</fsdw>"
        f"<scsj>{plan.day:%Y%m%d}180000</scsj><jls>{plan.count}</jls></bt>\n"
    )
    lines = [
        "<jl>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        + "</jl>\n"
        for fields in records
    ]  # fmt: skip
    return "".join([head, *lines, "</zzjh>\n"]).encode()


@asynccontextmanager
async def scene(
    folder: Path,
    config: Centre | None = None,
    *,
    person: bool = True,
    outputs: MakeOutputs = NoOutputs,
    around: Callable[[str, Wire], Wire] = lambda _url, wire: wire,
    hour: int = 8,
) -> AsyncIterator[Scene]:
    """Play one scenario on a running centre, with a simulated person unless told otherwise."""
    config = config or centre()
    simulation = config.simulation
    assert simulation is not None
    assert simulation.calendar_date is not None
    config = config.model_copy(
        update={"output": config.output.model_copy(update={"folder": folder / "out"})}
    )
    clock = CalendarClock(start_of_day_us(simulation.calendar_date, hour))
    async with Plant.of(config, simulation) as plant:
        made = World(config, plant, folder, clock, simulation.seed, outputs=outputs, around=around)
        with closing(made.connection):
            service = await made.start()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(service.run())]
                if person:
                    verbs = cast("OperatorsVerbs", PersonsVerbs(lambda: made.service))
                    people = simulated_operators(config, plant, verbs, REFUSALS, AWAY)
                    tasks += [group.create_task(one.run()) for one in people]
                await service.ready.wait()
                try:
                    yield Scene(made)
                finally:
                    for task in tasks:
                        task.cancel()


__all__ = ["DAY", "FIRST", "QUIET", "SECOND", "Scene", "centre", "scene"]
