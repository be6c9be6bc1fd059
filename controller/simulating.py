"""A whole centre in virtual time, from its packages to its last box, and what came of it.

The same centre, machines and operator as anywhere else; only the event loop differs. It prints
nothing: `controller/simulation_report.py` and the command line do.
"""

import asyncio
import cProfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random

from config.centre import Centre
from config.products import shipped_product
from config.simulation import Simulation
from controller.assembly import Assembly, Plant, plant_of, simulated_operators, wire_opener
from controller.clock import MICROSECONDS, CalendarClock, Clock, start_of_day_us
from controller.line import Line
from controller.outputs import NoOutputs, Outputs
from controller.person import AWAY, REFUSALS, PersonsVerbs
from controller.service import LedgerHealth, Service
from controller.stage_times import StageTimes
from jobs.ledger.ledger import InlineWriter, Ledger, open_ledger
from jobs.ledger.store import MEMORY, Store
from jobs.package_maker import PackagePlan, file_name, package_pieces
from jobs.states import BatchState, OrderState
from jobs.vault import KeyFolder

ACTOR = "simulation"
DEFAULT_DAY = date(2005, 9, 5)
PACKAGE_RECORDS_MAX = 20_000
LOOK_S = 30.0
WARM_UP_S = 3600.0
#: With no event for so long, whatever still waits waits for somebody who does not come.
QUIET_S = 4 * 3600.0
#: And no centre takes longer than this, whatever happens in it.
LONGEST_S = 24 * 3600.0
LONGEST_PER_ORDER_S = 120.0


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What to simulate."""

    orders: int
    seed: int
    counties: int = 3
    faults: int = 0
    ledger: Path | None = None  # in memory when None
    out: Path | None = None  # nothing is written when None


@dataclass(slots=True)
class Timing:
    """When the production began, and what it took; wall times by the machine's own clock."""

    began_us: int = 0
    began_s: float = 0.0  # the same moment by the event loop
    intake_wall_s: float = 0.0
    production_wall_s: float = 0.0
    profile: cProfile.Profile | None = None


@dataclass(slots=True)
class Simulated:
    """A centre that has come to its end."""

    config: Centre
    plan: SimulationPlan
    service: Service
    plant: Plant
    stages: StageTimes
    timing: Timing
    waiting: list[str] = field(default_factory=list)  # what nobody came for

    @property
    def ledger(self) -> Ledger:
        """The books and their chain."""
        return self.service.ledger

    def close(self) -> None:
        """Close the ledger, which stays open that the run can be accounted for."""
        self.ledger.close()


def seeded(config: Centre, plan: SimulationPlan) -> Centre:
    """Return the centre as the simulation runs it: its seed, no person to authorise anything."""
    simulation = config.simulation or Simulation()
    machines = {"seed": plan.seed, "pace": 1.0}
    return config.model_copy(
        update={
            "chip_keys": None,  # machines made of software have chips of the published test key
            "simulation": simulation.model_copy(update=machines),
            "policy": config.policy.model_copy(
                update={"authorise_after_restart": False, "release_batches": "at once"}
            ),
        }
    )


async def simulate(
    config: Centre,
    plan: SimulationPlan,
    folder: Path,
    progress: Callable[[int], None] = lambda _done: None,
    profile: cProfile.Profile | None = None,
) -> Simulated:
    """Run a whole centre to its end; `folder` holds its packages and keys meanwhile.

    What is returned is to be closed.
    """
    config = seeded(config, plan)
    timing = Timing(profile=profile)
    assert config.simulation is not None
    clock = CalendarClock(start_of_day_us(config.simulation.calendar_date or DEFAULT_DAY, 8))
    async with running(config, plan, folder, clock) as made:
        made.timing = timing
        await all_at_work(made.service)
        await _take_in(made, folder)
        await _produce(made, progress)
        made.waiting = [str(todo.reason) for todo in made.service.verbs.todo()]
        return made


@asynccontextmanager
async def running(
    config: Centre, plan: SimulationPlan, folder: Path, clock: Clock
) -> AsyncIterator[Simulated]:
    """Give a centre at work with its machines and operators; its end is the end of the block.

    Its ledger stays open, unless the block fails: what is given is to be closed.
    """
    store = Store.open(MEMORY if plan.ledger is None else str(plan.ledger))
    with ExitStack() as stack:
        stack.callback(store.close)
        async with _at_work(config, plan, folder, clock, store) as made:
            yield made
        stack.pop_all()


@asynccontextmanager
async def _at_work(
    config: Centre, plan: SimulationPlan, folder: Path, clock: Clock, store: Store
) -> AsyncIterator[Simulated]:
    health = LedgerHealth()
    writer = InlineWriter(store, config.ledger.retry_s, health.tell)
    ledger = await open_ledger(store, writer, clock.now_us)
    entropy = Random(f"{plan.seed}:entropy").randbytes
    # The folder is thrown away with its keys: there is nothing to wait for the disk for.
    keys = KeyFolder(folder / "keys", sync=lambda _descriptor: None)
    if plan.out is not None:
        output = config.output.model_copy(update={"folder": plan.out})
        config = config.model_copy(update={"output": output})
    plant = plant_of(config)
    make_outputs = NoOutputs if plan.out is None else Outputs
    opener = wire_opener(plant)
    assembly = Assembly(config, ledger, clock, entropy, keys, health, opener, make_outputs)
    service = assembly.service()
    stages = StageTimes(clock.now_us)
    ledger.listeners.append(stages.see)
    operators = simulated_operators(config, plant, PersonsVerbs(lambda: service), REFUSALS, AWAY)
    async with plant, asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run(), name="centre")]
        tasks += [group.create_task(operator.run(), name="operator") for operator in operators]
        await service.ready.wait()
        yield Simulated(config, plan, service, plant, stages, Timing())
        for task in tasks:
            task.cancel()


async def all_at_work(service: Service) -> None:
    """Wait until every station is warm and ready; then nothing but cards decides the time."""
    async with asyncio.timeout(WARM_UP_S):
        for parts in service.lines.values():
            await parts.line.places.until(partial(_usable, parts.line))


def _usable(line: Line) -> bool:
    return all(station.usable for station in (line.transport, *line.stations))


async def _take_in(made: Simulated, folder: Path) -> None:
    """Make the packages and take them in; without blanks nothing moves yet."""
    begin_s = time.perf_counter()
    left, serial, plan = made.plan.orders, 1, made.plan
    product = shipped_product(made.config.products[0]).code
    simulation = made.config.simulation
    assert simulation is not None
    day = (simulation.calendar_date or DEFAULT_DAY) - timedelta(days=1)
    while left:
        count = min(left, PACKAGE_RECORDS_MAX)
        faults = min(count, plan.faults) if serial == 1 else 0
        package = PackagePlan(count, day, plan.counties, serial, product, faults=faults)
        path = folder / file_name(package)
        with path.open("wb") as file:
            file.writelines(package_pieces(Random(f"{plan.seed}:package:{serial}"), package))
        await made.service.verbs.take_package(path, ACTOR)
        path.unlink()
        left, serial = left - count, serial + 1
    made.timing.intake_wall_s = time.perf_counter() - begin_s


async def _produce(made: Simulated, progress: Callable[[int], None]) -> None:
    """Load the magazines and wait until nothing more will happen."""
    timing = made.timing
    begin_s = time.perf_counter()
    made.timing.began_us = made.service.clock.now_us()
    made.timing.began_s = asyncio.get_running_loop().time()
    made.stages.begin()
    if timing.profile is not None:
        timing.profile.enable()
    await load_magazines(made)
    await _until_quiet(made, progress)
    if timing.profile is not None:
        timing.profile.disable()
    timing.production_wall_s = time.perf_counter() - begin_s


async def load_magazines(made: Simulated) -> None:
    """Put as many blanks into every magazine as it takes, and say so."""
    for line in made.config.lines:
        floor_line = made.plant.lines[line.name]
        floor_line.floor.load_blanks(line.magazine_capacity, floor_line.chips)
        await made.service.verbs.load_stock(line.name, line.magazine_capacity, ACTOR)


async def _until_quiet(made: Simulated, progress: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    ledger = made.ledger
    last_event, last_change_s = ledger.sequence, loop.time()
    end_s = loop.time() + LONGEST_S + made.plan.orders * LONGEST_PER_ORDER_S
    while loop.time() < end_s and loop.time() - last_change_s < QUIET_S:
        if all(batch.state is BatchState.CLOSED for batch in ledger.books.batches.values()):
            return
        await asyncio.sleep(LOOK_S)
        if ledger.sequence != last_event:
            last_event, last_change_s = ledger.sequence, loop.time()
        progress(sum(order.state is OrderState.DONE for order in ledger.books.orders.values()))


def last_packed_us(made: Simulated) -> int:
    """Return when the last good card came into its box."""
    done = (order.done_us for order in made.ledger.books.orders.values())
    return max(done, default=made.timing.began_us)


def seconds(microseconds: int) -> float:
    """Return a duration in seconds."""
    return microseconds / MICROSECONDS
