"""A printer of either make is cleaned over bad wires: the act of the campaign that has no card.

Somebody puts the next cleaning card in soon after the slot is empty, so that a cleaning which was
asked for twice is done twice.
"""

import asyncio
from dataclasses import dataclass

from controller.acts import Finish
from controller.stations import Port, Station
from drivers.outcome import Note, Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Printer
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from drivers.wire import Wire
from simulators.floor import MAGAZINE, infeed
from simulators.printer import SimulatedPrinter
from simulators.retransfer import SimulatedRetransferPrinter
from tests.contract.wire_fault_bench import Bench, Trial


@dataclass(frozen=True, slots=True)
class Clean:
    """A cleaning as `controller/cleaning.py` has it done, in the shape of an act on a card."""

    station: Station
    printer: Port[Printer]
    name: str = "clean"
    destination: str = ""

    async def note(self) -> Note:
        return await (await self.printer.driver()).clean_note()

    async def perform(self, note: Note) -> Finish:
        await (await self.printer.driver()).clean(note)
        return {}

    async def outcome(self, note: Note) -> Outcome:
        return await (await self.printer.driver()).clean_outcome(note)

    async def finish_of_done(self) -> Finish:
        return {}


def _driver(wire: Wire, machine: SimulatedPrinter | SimulatedRetransferPrinter) -> Printer:
    if isinstance(machine, SimulatedPrinter):
        return CardPrinter(wire, PrinterTimeouts())
    return RetransferPrinter(wire, RetransferTimeouts())


async def clean(here: Bench) -> None:
    """Clean a printer once; the blank at its infeed stays there."""
    machine = here.machine
    assert isinstance(machine, SimulatedPrinter | SimulatedRetransferPrinter)
    printer: Port[Printer] = here.port(machine, lambda wire: _driver(wire, machine))
    await (await printer.driver()).clear_errors()
    here.floor.move(MAGAZINE, infeed(0))
    await here.begin()

    async def somebody() -> None:
        while True:
            machine.insert_cleaning_card()
            await asyncio.sleep(0.5)

    def times() -> int:
        return sum(one.what == "clean" for one in machine.drawn())

    hands = here.group.create_task(somebody())
    trial = Trial(
        act=Clean(here.station, printer),
        times=times,
        complete=lambda: machine._physics.cleaning.times == 1,
        untouched=lambda: machine._physics.cleaning.times == 0,
    )
    await here.settle(trial)
    assert here.floor.at(infeed(0)) is not None
    hands.cancel()
