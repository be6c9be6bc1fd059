"""A printer of either make is cleaned, over every kind of wire, and known to have been.

No blank is used up: the one at the infeed stays there, whatever is interrupted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import CommandRefused, DestinationTaken, NothingAtSource
from drivers.outcome import Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Printer
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from drivers.wire import Wire
from simulators.floor import MAGAZINE, REJECT_BIN, ChipMemory, Floor, PhysicalCard, infeed
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from tests.contract.ways import Opener, Way, hang_up_during, noticed

MAKES = ["escape", "retransfer"]
#: Long enough to be caught in the act, however fast the machine is paced.
CLEAN_S = 20.0


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedPrinter | SimulatedRetransferPrinter
    blank: PhysicalCard
    open: Opener

    async def printer(self) -> Printer:
        """Return a printer's driver, ready as a station's is."""
        await noticed()
        wire = await self.open()
        printer = _driver(self.machine, wire)
        await printer.identify()
        await printer.clear_errors()
        return printer

    async def asked_again(self) -> Printer:
        """Return a driver on a new wire."""
        await noticed()
        return _driver(self.machine, await self.open())

    def cleanings(self) -> int:
        return self.machine._physics.cleaning.times

    def is_cleaning(self) -> bool:
        return self.machine._physics.motion.running


def _driver(machine: SimulatedPrinter | SimulatedRetransferPrinter, wire: Wire) -> Printer:
    if isinstance(machine, SimulatedPrinter):
        return CardPrinter(wire, PrinterTimeouts(poll_interval_s=0.02))
    return RetransferPrinter(wire, RetransferTimeouts())


@asynccontextmanager
async def served(way: Way, ports: Path, make: str) -> AsyncIterator[Bench]:
    """Serve a printer (station 0) with a blank at its infeed."""
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    blank = floor.move(MAGAZINE, infeed(0))
    machine: SimulatedPrinter | SimulatedRetransferPrinter
    if make == "escape":
        settings = PrinterSettings(jam_share=0.0, clean_s=CLEAN_S, reject_capacity_cards=1)
        machine = SimulatedPrinter(floor, 0, way.pace(), settings, "PRN-1")
    else:
        film = RetransferSettings(jam_share=0.0, clean_s=CLEAN_S)
        machine = SimulatedRetransferPrinter(floor, 0, way.pace(), film, "RTP-1")
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, blank, opener)


@pytest.mark.parametrize("make", MAKES)
async def test_a_printer_is_cleaned_with_the_card_that_a_person_has_put_in(
    way: Way, ports: Path, make: str
) -> None:
    async with served(way, ports, make) as here:
        printer = await here.printer()
        here.machine._physics.cleaning.interval_cards = 1
        here.machine._physics.cleaning.cards_since = 1
        assert (await printer.status()).cleaning_due
        note = await printer.clean_note()
        with pytest.raises(NothingAtSource):
            await printer.clean(note)
        assert await printer.clean_outcome(note) is Outcome.NOT_DONE
        here.machine.insert_cleaning_card()
        note = await printer.clean_note()
        await printer.clean(note)
        assert await printer.clean_outcome(note) is Outcome.DONE
        assert not (await printer.status()).cleaning_due
        await printer.aclose()
        assert here.cleanings() == 1
        assert here.floor.at(infeed(0)) is here.blank


@pytest.mark.parametrize("make", MAKES)
async def test_a_cleaning_goes_on_without_us_and_is_found_done(
    way: Way, ports: Path, make: str
) -> None:
    async with served(way, ports, make) as here:
        printer = await here.printer()
        here.machine.insert_cleaning_card()
        note = await printer.clean_note()
        await hang_up_during(printer.clean(note), printer, here.is_cleaning)
        printer = await here.asked_again()
        assert await printer.clean_outcome(note) is Outcome.DONE
        await printer.aclose()
        assert here.cleanings() == 1


@pytest.mark.parametrize("make", MAKES)
async def test_a_cleaning_that_the_power_ended_was_none(way: Way, ports: Path, make: str) -> None:
    async with served(way, ports, make) as here:
        printer = await here.printer()
        here.machine.insert_cleaning_card()
        note = await printer.clean_note()
        await hang_up_during(printer.clean(note), printer, here.is_cleaning, here.machine)
        printer = await here.asked_again()
        assert await printer.clean_outcome(note) is Outcome.NOT_DONE
        await printer.aclose()
        assert here.cleanings() == 0
        assert here.floor.at(infeed(0)) is here.blank


async def test_a_card_is_rejected_into_the_printers_own_box_until_it_is_full(
    way: Way, ports: Path
) -> None:
    async with served(way, ports, "escape") as here:
        printer = CardPrinter(await here.open(), PrinterTimeouts(poll_interval_s=0.02))
        status = await printer.status()
        assert (status.reject_slot, status.reject_box_full) == (True, False)
        await printer.insert()
        await printer.reject()
        assert (await printer.status()).reject_box_full
        here.floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
        here.floor.move(MAGAZINE, infeed(0))
        await printer.insert()
        with pytest.raises(DestinationTaken):
            await printer.reject()
        assert isinstance(here.machine, SimulatedPrinter)
        here.machine.empty_reject_box()
        assert here.floor.store(REJECT_BIN) == [here.blank]
        await printer.reject()
        await printer.aclose()


async def test_a_printer_without_a_reject_box_keeps_the_card(way: Way, ports: Path) -> None:
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    machine = SimulatedPrinter(floor, 0, way.pace(), PrinterSettings(jam_share=0.0), "PRN-1")
    async with way.to(machine, ports) as opener:
        printer = CardPrinter(await opener(), PrinterTimeouts())
        await printer.insert()
        with pytest.raises(CommandRefused):
            await printer.reject()
        assert (await printer.status()).card_at_print_position
        await printer.aclose()
