"""What the retransfer printer's driver promises, over every kind of wire.

On a real printer: put one blank at its infeed and leave the outfeed free.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import ConsumableEmpty, Jam, NothingAtSource
from drivers.outcome import Note, Outcome
from drivers.printing import Panel, PrintJob
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed, inside, outfeed
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.retransfer_physics import Activity
from tests.contract.ways import Opener, Way, hang_up_during, noticed

FACE = (bytes(range(1, 75)) + bytes(7)) * 1016
COLOUR = (bytes(range(1, 190)) * 3) * 1016
JOB = PrintJob(
    front=(Panel("Y", 128, COLOUR), Panel("K", 2, FACE), Panel("O", 2, b"\xff" * len(FACE))),
    back=(Panel("K", 2, FACE[::-1]),),
)
#: Each motion lasts long enough to be caught in the act, however fast the machine is paced.
SURE = RetransferSettings(
    misprint_share=0.0,
    jam_share=0.0,
    film_tear_share=0.0,
    insert_s=12.0,
    eject_s=8.0,
    warm_up_s=4.0,
)
TIMEOUTS = RetransferTimeouts()


async def free() -> None: ...


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedRetransferPrinter
    open: Opener

    async def printer(self) -> RetransferPrinter:
        await noticed()
        return RetransferPrinter(await self.open(), TIMEOUTS)

    async def fed(self) -> tuple[RetransferPrinter, Note]:
        """Return the driver of a printer with the card inside, and what is noted of it."""
        printer = await self.printer()
        await printer.clear_errors()
        await printer.insert()
        return printer, await printer.print_note()

    async def insert_outcome(self, printer: RetransferPrinter, note: Note) -> Outcome:
        """Ask as the centre does: once the machine rests, read the transport's sensor."""
        assert await printer.settle()
        occupied = self.floor.at(infeed(0)) is not None
        return await printer.insert_outcome(note, infeed_occupied=occupied)

    async def print_outcome(self, printer: RetransferPrinter, note: Note) -> Outcome:
        assert await printer.settle()
        occupied = self.floor.at(outfeed(0)) is not None
        return await printer.print_outcome(note, JOB, outfeed_occupied=occupied)

    def is_moving(self) -> bool:
        return self.machine._physics.motion.running

    def does(self, activity: Activity) -> bool:
        return self.machine._physics.activity is activity

    def has_left_the_infeed(self) -> bool:
        return self.floor.at(inside(0)) is not None

    def check_printed(self) -> None:
        card = self.floor.at(outfeed(0))
        assert card is not None
        assert card.front == {"Y": COLOUR, "K": FACE}
        assert card.back == {"K": FACE[::-1]}


@asynccontextmanager
async def printing(way: Way, ports: Path, serial_number: str = "RTP-1") -> AsyncIterator[Bench]:
    """Serve a printer (station 0) with one blank at its infeed."""
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    machine = SimulatedRetransferPrinter(floor, 0, way.pace(), SURE, serial_number)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_prints_a_card_and_knows_that_it_did(
    any_way: Way, ports: Path
) -> None:
    async with printing(any_way, ports) as here:
        printer = await here.printer()
        identity = await printer.identify()
        await printer.clear_errors()
        note = await printer.insert_note()
        assert note["serial_number"] == identity.serial_number != ""
        assert await printer.insert_outcome(note, infeed_occupied=True) is Outcome.NOT_DONE
        assert await printer.insert_outcome(note, infeed_occupied=False) is Outcome.UNKNOWN
        await printer.insert()
        assert await printer.insert_outcome(note, infeed_occupied=False) is Outcome.DONE
        assert (await printer.status()).card_at_print_position
        note = await printer.print_note()
        assert await printer.print_outcome(note, JOB, outfeed_occupied=False) is Outcome.NOT_DONE
        await printer.print_and_eject(JOB, note, free)
        assert await printer.print_outcome(note, JOB, outfeed_occupied=True) is Outcome.DONE
        await printer.aclose()
        if not any_way.is_real_machine:
            here.check_printed()


@pytest.mark.parametrize("power", ["stays", "fails"])
async def test_an_insert_that_we_hang_up_on(way: Way, ports: Path, power: str) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.clear_errors()
        note = await printer.insert_note()
        cut = here.machine if power == "fails" else None
        await hang_up_during(printer.insert(), printer, here.has_left_the_infeed, cut)
        printer = await here.printer()
        expected = Outcome.UNKNOWN if cut else Outcome.DONE
        assert await here.insert_outcome(printer, note) is expected
        assert here.has_left_the_infeed()
        await printer.aclose()


async def test_a_power_cut_before_the_card_has_moved(way: Way, ports: Path) -> None:
    """The number was started, and the machine does not say how far it came."""
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.clear_errors()
        note = await printer.insert_note()
        await hang_up_during(printer.insert(), printer, here.is_moving, here.machine)
        printer = await here.printer()
        assert await here.insert_outcome(printer, note) is Outcome.UNKNOWN
        await printer.aclose()


async def test_a_print_goes_on_without_us_and_its_card_is_brought_out(
    way: Way, ports: Path
) -> None:
    async with printing(way, ports) as here:
        printer, note = await here.fed()
        act = printer.print_and_eject(JOB, note, free)
        await hang_up_during(act, printer, lambda: here.does(Activity.INK))
        printer = await here.printer()
        assert await here.print_outcome(printer, note) is Outcome.DONE
        here.check_printed()
        await printer.aclose()


@pytest.mark.parametrize(("pressed", "expected"), [(0, Outcome.NOT_DONE), (1, Outcome.UNKNOWN)])
async def test_a_power_cut_in_a_print_is_judged_by_the_faces_on_the_card(
    way: Way, ports: Path, pressed: int, expected: Outcome
) -> None:
    async with printing(way, ports) as here:
        printer, note = await here.fed()

        def begun() -> bool:
            return here.does(Activity.INK) and here.machine._physics.faces_pressed == pressed

        act = printer.print_and_eject(JOB, note, free)
        await hang_up_during(act, printer, begun, here.machine)
        card = here.floor.at(inside(0))
        assert card is not None
        assert bool(card.front) is bool(pressed)
        printer = await here.printer()
        assert await here.print_outcome(printer, note) is expected
        if expected is Outcome.NOT_DONE:
            note = await printer.print_note()
            await printer.print_and_eject(JOB, note, free)
            here.check_printed()
        await printer.aclose()


async def test_a_power_cut_while_the_printed_card_comes_out(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer, note = await here.fed()
        act = printer.print_and_eject(JOB, note, free)
        await hang_up_during(act, printer, lambda: here.does(Activity.EJECT), here.machine)
        printer = await here.printer()
        assert await here.print_outcome(printer, note) is Outcome.DONE
        here.check_printed()
        assert await here.print_outcome(printer, note) is Outcome.DONE
        await printer.aclose()


async def test_what_another_printer_says_of_an_act_is_unknown(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.clear_errors()
        insert, print_ = await printer.insert_note(), await printer.print_note()
        await printer.aclose()
    async with printing(way, ports, "RTP-2") as here:
        printer = await here.printer()
        await printer.clear_errors()
        assert await printer.insert_outcome(insert, infeed_occupied=True) is Outcome.UNKNOWN
        await printer.insert()
        outcome = await printer.print_outcome(print_, JOB, outfeed_occupied=False)
        assert outcome is Outcome.UNKNOWN
        await printer.aclose()


async def test_torn_film_costs_no_card_and_a_jam_does(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer, note = await here.fed()
        here.machine._physics.tear_next = True
        with pytest.raises(ConsumableEmpty):
            await printer.print_and_eject(JOB, note, free)
        assert await here.print_outcome(printer, note) is Outcome.NOT_DONE
        with pytest.raises(ConsumableEmpty):
            await printer.eject()
        here.machine.refill()
        await printer.clear_errors()
        note = await printer.print_note()
        here.machine._physics.jam_next = True
        with pytest.raises(Jam):
            await printer.print_and_eject(JOB, note, free)
        assert await here.print_outcome(printer, note) is Outcome.UNKNOWN
        assert here.machine.clear_jam() is not None
        await printer.clear_errors()
        assert not (await printer.status()).error
        with pytest.raises(NothingAtSource):
            await printer.insert()
        await printer.aclose()
