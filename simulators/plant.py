"""A whole centre's machines made of software, one floor per line.

Built from the same centre's file that the controller reads, and reached over wires alone: in memory
through `open`, or from outside through whatever the assembly serves the machines on. It knows
nothing of orders.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Self

from config.centre import Centre, Line, Station, StationKind
from config.printer_models import PrinterModel
from config.products import ChipProfile, shipped_product
from config.simulation import MachineWear, Simulation
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import ChipHealth, ChipKeys, ChipMemory, Floor
from simulators.laminator import LaminatorSettings, SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport, TransportSettings
from simulators.wire import MemoryWire, memory_pair

FILM_PER_CARD_MM = 95


@dataclass(slots=True)
class PlantLine:
    """One line's floor and machines, by station name; the transport under its own name."""

    name: str
    floor: Floor
    transport: SimulatedTransport
    machines: dict[str, Machine]
    kinds: dict[str, StationKind]
    chips: Iterator[ChipMemory]

    def everything(self) -> list[Machine]:
        """Return all machines of the line."""
        return [self.transport, *self.machines.values()]


@dataclass(slots=True)
class Plant:
    """All lines; `async with` keeps its machines answering."""

    lines: dict[str, PlantLine]
    _by_url: dict[str, Machine]
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def of(cls, config: Centre, simulation: Simulation) -> Self:
        """Build the machines of every line of a centre."""
        secured = any(
            shipped_product(name).chip_profile is ChipProfile.RID2 for name in config.products
        )
        lines = {line.name: _line(line, simulation, secured=secured) for line in config.lines}
        by_url: dict[str, Machine] = {}
        for line in config.lines:
            built = lines[line.name]
            by_url[line.transport.url] = built.transport
            by_url |= {s.url: built.machines[s.name] for s in line.stations if s.url}
        return cls(lines, by_url)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def open(self, url: str) -> MemoryWire:
        """Return our end of a wire to the machine that a URL names; `KeyError` if there is none."""
        machine = self._by_url[url]
        near, far = memory_pair()
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(self._group.create_task(machine.serve(far)))
        return near

    def cut_power(self) -> None:
        """Cut the power of every machine."""
        for line in self.lines.values():
            for machine in line.everything():
                machine.cut_power()

    def restore_power(self) -> None:
        """Switch every machine on again."""
        for line in self.lines.values():
            for machine in line.everything():
                machine.restore_power()


def _line(line: Line, simulation: Simulation, *, secured: bool) -> PlantLine:
    floor, wear, seed = Floor(), simulation.machines, simulation.seed

    def pace(name: str) -> Pace:
        # Each machine draws for itself, so that a draw more in one does not shift the others.
        return Pace(Random(f"{seed}:{name}"), simulation.pace, wear.spread)

    machines = {
        station.name: _machine(station, floor, index, pace(station.name), wear)
        for index, station in enumerate(line.stations)
        if station.kind is not StationKind.INSPECTION
    }
    transport = SimulatedTransport(
        floor,
        len(line.stations),
        line.trays,
        pace(f"{line.name}-transport"),
        TransportSettings(move_s=wear.move_s, jam_share=wear.jam_share / 5, lost_share=0.0),
        f"TRN-{line.name}",
    )
    kinds = {station.name: station.kind for station in line.stations}
    random = Random(f"{seed}:{line.name}:chips")
    chips = _chips(random, wear.chip_failure_share, secured=secured)
    return PlantLine(line.name, floor, transport, machines, kinds, chips)


def _machine(station: Station, floor: Floor, index: int, pace: Pace, wear: MachineWear) -> Machine:
    number = index + 1
    match station.kind:
        case StationKind.PRINTER:
            return _printer(PrinterModel(station.model), floor, index, pace, wear)
        case StationKind.LAMINATOR:
            laminator = LaminatorSettings(
                laminate_s=wear.laminate_s,
                eject_s=wear.laminator_eject_s,
                film_capacity_mm=wear.film_cards * FILM_PER_CARD_MM,
                film_per_card_mm=FILM_PER_CARD_MM,
                jam_share=wear.jam_share / 2,
                film_break_share=wear.jam_share / 5,
            )
            return SimulatedLaminator(floor, index, pace, laminator, f"LAM-{number:04d}")
        case StationKind.ENCODER:
            # Whether a chip is good is decided when it is made, not by who writes it.
            encoder = EncoderSettings(chip_s=wear.chip_s, chip_failure_share=0.0)
            return SimulatedEncoder(floor, index, pace, encoder, f"ENC-{number:04d}")
        case StationKind.READER:
            sam_id = f"05.01-20050101-{number:010d}-{1_000_000 + number:010d}"
            return SimulatedReader(floor, index, pace, ReaderSettings(read_s=wear.read_s), sam_id)
        case StationKind.INSPECTION:
            raise AssertionError("a person's desk is no machine")


def _printer(
    model: PrinterModel, floor: Floor, index: int, pace: Pace, wear: MachineWear
) -> Machine:
    number = index + 1
    match model:
        case PrinterModel.ESCAPE:
            ribbon = PrinterSettings(
                insert_s=wear.insert_s,
                print_s=wear.print_s,
                ribbon_capacity_cards=wear.ribbon_cards,
                misprint_share=wear.misprint_share,
                jam_share=wear.jam_share,
            )
            return SimulatedPrinter(floor, index, pace, ribbon, f"PRN-{number:04d}")
        case PrinterModel.RETRANSFER:
            film = RetransferSettings(
                insert_s=wear.insert_s,
                print_s=wear.print_s,
                film_capacity_faces=2 * wear.ribbon_cards,
                ribbon_capacity_faces=2 * wear.ribbon_cards,
                misprint_share=wear.misprint_share,
                jam_share=wear.jam_share,
                film_tear_share=wear.jam_share / 5,
            )
            return SimulatedRetransferPrinter(floor, index, pace, film, f"RTP-{number:04d}")


def _chips(random: Random, failure_share: float, *, secured: bool) -> Iterator[ChipMemory]:
    """Make chips for ever: serials are unique, and a share of them fails, half of it silently.

    Secured chips are of profile `rid2`, with test keys; others of `rid2-plain`.
    """
    while True:
        keys = ChipKeys.for_tests() if secured else None
        chip = ChipMemory.new(random.getrandbits(64).to_bytes(8, "big"), keys)
        chance = random.random()
        if chance < failure_share / 2:
            chip.health = ChipHealth.MUTE
        elif chance < failure_share:
            chip.health = ChipHealth.FAILS_ON_WRITE
        yield chip
