"""Where everything is put together, and the only place that knows simulators exist.

Nothing here decides what a centre does; it hands parts to one another. A wire's URL alone says
whether its machine is real.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import cast

from config.centre import Centre, Line, MachineTimeouts, Station, StationKind
from config.printer_models import PrinterModel
from config.products import Product
from config.wire_urls import PC_SC
from controller.acts import LineView
from controller.chip_keys import chip_keys_of
from controller.clock import Clock
from controller.desk import Desk
from controller.doubts import Doubts
from controller.execution import Execution
from controller.feeder import Feeder
from controller.intake import Intake
from controller.journey import Journeys
from controller.line import Line as RunningLine
from controller.line import transport_positions
from controller.operations import Operations
from controller.outputs import Outputs
from controller.packing import Packing
from controller.places import Places
from controller.preparation import Preparation
from controller.printers import PRINTERS
from controller.recovery import Recovery
from controller.rendering.faces import FaceRenderer
from controller.rendering.fonts import PrintFont
from controller.service import LedgerHealth, Service
from controller.service import Outputs as WritesOutputs
from controller.shifts import Shifts, shift_plan
from controller.startup import (
    Prepare,
    Startup,
    laminator_preparation,
    prepare_printer,
    prepare_transport,
)
from controller.station_verbs import LineParts
from controller.stations import Driver, Port
from controller.stations import Station as RunningStation
from drivers.chip_profile import profile_named
from drivers.chip_reader import EncoderTimeouts
from drivers.encoder import ChipEncoder
from drivers.laminator import Laminator, LaminatorTimeouts
from drivers.open_chip_reader import open_chip_reader
from drivers.open_wire import open_wire
from drivers.reader import ReadBackReader, ReaderTimeouts
from drivers.tap import Tap
from drivers.transport import Transport, TransportTimeouts
from drivers.wire import Wire
from jobs.ledger.ledger import Ledger
from jobs.order_queue import OrderQueue
from jobs.vault import KeyFolder
from simulators.hands import Hands
from simulators.inventory import inventory
from simulators.machine import Machine as SimulatedMachine
from simulators.operator import SimulatedOperator
from simulators.plant import Plant
from simulators.serving import CannotServe, on_pseudo_terminals, on_tcp
from simulators.todo import Verbs as OperatorsVerbs

__all__ = ["Assembly", "CannotServe", "Plant", "inventory"]

#: In machine time: where a card waits for each verdict, and elsewhere. At a high pace over the API
#: more often would be work for its own sake.
INSPECTOR_LOOKS_EVERY_S, OPERATOR_LOOKS_EVERY_S = 1.0, 5.0

OpenWire = Callable[[str, float], Awaitable[Wire]]
MakeOutputs = Callable[[Path, Ledger, Preparation], WritesOutputs]


def products_of(config: Centre) -> dict[str, Product]:
    """Return the products that a centre makes, by their code in the records."""
    found = (config.product(code) for code in ("1", "2"))
    return {product.code: product for product in found if product is not None}


def plant_of(config: Centre, pace: float | None = None) -> Plant:
    """Return the machines made of software that a simulated centre's file describes."""
    assert config.simulation is not None, "only a simulated centre has such machines"
    simulation = config.simulation
    if pace is not None:
        simulation = simulation.model_copy(update={"pace": pace})
    return Plant.of(config, simulation)


def serve_plant(plant: Plant, on: str, folder: Path) -> AbstractAsyncContextManager[dict[str, str]]:
    """Serve a plant's machines on `pty` or `tcp`; gives each station's URL."""
    machines: dict[str, SimulatedMachine] = {}
    for line in plant.lines.values():
        machines |= {f"{line.name}-transport": line.transport, **line.machines}
    return on_tcp(machines) if on == "tcp" else on_pseudo_terminals(machines, folder)


def wire_opener(plant: Plant | None) -> OpenWire:
    """Return what opens every wire of a centre: in memory to the plant, or to the outside."""

    async def open_any(url: str, connect_timeout_s: float) -> Wire:
        if plant is not None and url.startswith("sim://"):
            return plant.open(url)
        return await open_wire(url, connect_timeout_s)

    return open_any


def simulated_operators(
    config: Centre,
    plant: Plant,
    verbs: OperatorsVerbs,
    refusals: tuple[type[Exception], ...],
    away: tuple[type[Exception], ...],
    pace: float | None = None,
) -> list[SimulatedOperator]:
    """Return an operator for each line; times are divided by the pace."""
    simulation = config.simulation
    assert simulation is not None, "only a simulated centre has such operators"
    factor = simulation.pace if pace is None else pace
    return [
        SimulatedOperator(
            verbs,
            Hands.of(plant.lines[line.name], line.trays),
            Random(f"{simulation.seed}:{line.name}:operator"),
            delay_s=simulation.operator.delay_s,
            inspection_s=simulation.operator.inspection_s,
            pace=factor,
            magazine_load=line.magazine_capacity,
            refusals=refusals,
            away=away,
            poll_s=_looks_every_s(line),
        )
        for line in config.lines
    ]


def _looks_every_s(line: Line) -> float:
    inspects = any(station.kind is StationKind.INSPECTION for station in line.stations)
    return INSPECTOR_LOOKS_EVERY_S if inspects else OPERATOR_LOOKS_EVERY_S


class Assembly:
    """Puts one centre together from its file and what the outside world hands in."""

    def __init__(
        self,
        config: Centre,
        ledger: Ledger,
        clock: Clock,
        entropy: Callable[[int], bytes],
        keys: KeyFolder,
        health: LedgerHealth,
        open_wire: OpenWire = open_wire,
        outputs: MakeOutputs = Outputs,
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._clock = clock
        self._entropy = entropy
        self._keys = keys
        self._chip_keys = chip_keys_of(config, entropy)
        self._health = health
        self._open_wire = open_wire
        self._make_outputs = outputs
        self._products = products_of(config)
        self._font = PrintFont.shipped()
        self._queue = OrderQueue(ledger.books)
        self._desk = Desk()
        self._shifts = Shifts(shift_plan(config, config.programme.read_plan()), ledger, clock)

    def service(self) -> Service:
        """Return the whole centre, not yet running."""
        self._ledger.listeners.append(self._queue.see)
        preparation = self._preparation()
        lines = {line.name: self._line(line, preparation) for line in self._config.lines}
        intake = Intake(
            self._config,
            self._ledger,
            self._keys,
            self._clock,
            self._entropy,
            self._font.has_glyph,
        )
        outputs = self._make_outputs(self._config.output.folder, self._ledger, preparation)
        return Service(
            self._config,
            self._ledger,
            self._clock,
            lines,
            self._desk,
            intake,
            outputs,
            self._health,
            self._shifts,
        )

    def _preparation(self) -> Preparation:
        renderers = {
            code: FaceRenderer(product.layout, self._font, product.print_profile)
            for code, product in self._products.items()
        }
        return Preparation(
            self._ledger.books,
            self._ledger.store,
            self._keys,
            self._products,
            renderers,
            self._config.name,
            lambda: self._ledger.generation,
        )

    def _line(self, line: Line, preparation: Preparation) -> LineParts:
        places = Places()
        execution = Execution(self._ledger, places, self._config.policy.act_retries_max)
        transport_port = self._transport_port(line)
        transport = RunningStation(
            f"{line.name}-transport", None, -1, transport_port, self._ledger, places
        )
        stations = tuple(
            RunningStation(
                station.name, station.kind, index, self._port(station), self._ledger, places
            )
            for index, station in enumerate(line.stations)
        )
        positions = transport_positions(stations, line.trays)
        running = RunningLine(
            line.name,
            stations,
            transport,
            LineView(cast("Port[Transport]", transport_port), positions),
            places,
            self._ledger,
            execution,
            Packing(self._ledger.books, line.name, line.trays, self._config.limits.box_size),
            self._config.limits.remakes_max,
            line.work_in_process_max,
            round(line.magazine_capacity * line.magazine_low_share),
        )
        operations = Operations(running, preparation, self._desk)
        doubts = Doubts(running, operations)
        recovery = Recovery(running, operations, self._products)
        journeys = Journeys(running, operations, doubts, recovery)
        startup = Startup(running, self._preparations())
        makes = frozenset(code for code, one in self._products.items() if line.makes(one))
        feeder = Feeder(journeys, self._queue, self._products, makes, self._shifts.are_on)
        return LineParts(running, startup, feeder)

    def _preparations(self) -> dict[StationKind | None, Prepare]:
        preparations: dict[StationKind | None, Prepare] = {
            None: prepare_transport,
            StationKind.PRINTER: prepare_printer,
        }
        set_points = [p.lamination.set_point_c for p in self._products.values() if p.lamination]
        if set_points:
            preparations[StationKind.LAMINATOR] = laminator_preparation(set_points[0])
        return preparations

    def _transport_port(self, line: Line) -> Port[Driver]:
        machine = line.transport
        timeouts = TransportTimeouts(machine.timeouts.reply_s, machine.timeouts.act_s)
        tap = Tap()

        async def open_driver() -> Driver:
            wire = tap.around(await self._open_wire(machine.url, machine.timeouts.connect_s))
            return Transport(wire, timeouts=timeouts)

        return Port(open_driver, expected_serial=machine.serial_number, tap=tap)

    def _port(self, station: Station) -> Port[Driver] | None:
        if station.kind is StationKind.INSPECTION:
            return None
        tap = Tap()

        async def open_tapped(url: str, connect_timeout_s: float) -> Wire:
            return tap.around(await self._open_wire(url, connect_timeout_s))

        async def open_driver() -> Driver:
            if station.kind is StationKind.ENCODER:
                return await self._encoder(station, open_tapped)
            return self._driver(station, await open_tapped(station.url, station.timeouts.connect_s))

        # A reader behind PC/SC is another program's: there is no wire to listen to.
        has_wire = not station.url.startswith(PC_SC)
        return Port(
            open_driver, expected_serial=station.serial_number, tap=tap if has_wire else None
        )

    def _driver(self, station: Station, wire: Wire) -> Driver:
        times: MachineTimeouts = station.timeouts
        match station.kind:
            case StationKind.PRINTER:
                return PRINTERS[PrinterModel(station.model)](wire, times)
            case StationKind.LAMINATOR:
                laminator = LaminatorTimeouts(times.reply_s, times.act_s, times.act_s)
                return Laminator(wire, timeouts=laminator)
            case StationKind.READER:
                return ReadBackReader(wire, ReaderTimeouts(times.reply_s, times.reply_s, 10.0))
            case StationKind.ENCODER | StationKind.INSPECTION:
                raise AssertionError("an encoder has a reader, and a person's desk no driver")

    async def _encoder(self, station: Station, open_wire: OpenWire) -> ChipEncoder:
        times = station.timeouts
        timeouts = EncoderTimeouts(times.reply_s, min(times.act_s, 30.0))
        reader = await open_chip_reader(
            station.url, timeouts, times.connect_s, open_wire, echo=station.echo
        )
        return ChipEncoder(reader, profile_named(self._chip_profile()), keys=self._chip_keys)

    def _chip_profile(self) -> str:
        profiles = [p.chip_profile for p in self._products.values() if p.chip_profile]
        assert profiles, "an encoder without a product that has a chip"
        return profiles[0].value
