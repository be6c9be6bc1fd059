"""What the card printer's driver promises, over every kind of wire.

On a real printer: put one blank into the feeder and leave the exit free.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import Jam, NothingAtSource
from drivers.outcome import Note, Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, PrintJob
from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed, inside, outfeed
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.printer_motions import Activity
from tests.contract.ways import Opener, Way, hang_up_during, noticed

FACE = (bytes(range(1, 75)) + bytes(7)) * 1016
JOB = PrintJob(front=(Panel("K", 2, FACE), Panel("O", 2, FACE[::-1])), back=(Panel("K", 2, FACE),))
PANELS = 3
#: Each motion lasts long enough to be caught in the act, however fast the machine is paced.
SURE = PrinterSettings(misprint_share=0.0, jam_share=0.0, insert_s=12.0, eject_s=8.0)
TIMEOUTS = PrinterTimeouts(poll_interval_s=0.02)


async def free() -> None: ...


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedPrinter
    open: Opener

    async def printer(self) -> CardPrinter:
        await noticed()
        return CardPrinter(await self.open(), TIMEOUTS)

    async def insert_outcome(self, printer: CardPrinter, note: Note) -> Outcome:
        """Ask as the centre does: once the machine rests, read the transport's sensor."""
        assert await printer.settle()
        occupied = self.floor.at(infeed(0)) is not None
        return await printer.insert_outcome(note, infeed_occupied=occupied)

    async def print_outcome(self, printer: CardPrinter, note: Note) -> Outcome:
        assert await printer.settle()
        occupied = self.floor.at(outfeed(0)) is not None
        return await printer.print_outcome(note, JOB, outfeed_occupied=occupied)

    def is_moving(self) -> bool:
        return self.machine._physics.motion.running

    def is_ejecting(self) -> bool:
        return self.machine._physics.activity is Activity.EJECT

    def has_left_the_feeder(self) -> bool:
        return self.floor.at(inside(0)) is not None

    def has_begun_the_back(self) -> bool:
        return self.machine._physics.panels_printed == PANELS - 1 and self.is_moving()


@asynccontextmanager
async def printing(way: Way, ports: Path, serial_number: str = "PRN-1") -> AsyncIterator[Bench]:
    """Serve a printer (station 0) with one blank at its infeed."""
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    machine = SimulatedPrinter(floor, 0, way.pace(), SURE, serial_number)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_prints_a_card_and_knows_that_it_did(
    any_way: Way, ports: Path
) -> None:
    async with printing(any_way, ports) as here:
        printer = await here.printer()
        identity = await printer.identify()
        assert identity.kind == "printer"
        note = await printer.insert_note()
        assert note["serial_number"] == identity.serial_number != ""
        await printer.insert()
        assert await printer.settle()
        assert await printer.insert_outcome(note, infeed_occupied=False) is Outcome.DONE
        assert (await printer.status()).card_at_print_position
        note = await printer.print_note()
        await printer.print_and_eject(JOB, note, free)
        assert await printer.print_outcome(note, JOB, outfeed_occupied=True) is Outcome.DONE
        await printer.aclose()
        if not any_way.is_real_machine:
            card = here.floor.at(outfeed(0))
            assert card is not None
            assert card.front == {"K": FACE, "O": FACE[::-1]}
            assert card.back == {"K": FACE}


async def test_an_act_that_was_never_sent_is_not_done(any_way: Way, ports: Path) -> None:
    async with printing(any_way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        note = await printer.insert_note()
        assert await printer.insert_outcome(note, infeed_occupied=True) is Outcome.NOT_DONE
        assert await printer.insert_outcome(note, infeed_occupied=False) is Outcome.UNKNOWN
        if not any_way.is_real_machine:
            await printer.insert()
            note = await printer.print_note()
            outcome = await printer.print_outcome(note, JOB, outfeed_occupied=False)
            assert outcome is Outcome.NOT_DONE
        await printer.aclose()


async def test_an_insert_goes_on_without_us_and_is_found_done(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        note = await printer.insert_note()
        await hang_up_during(printer.insert(), printer, here.is_moving)
        printer = await here.printer()
        assert await here.insert_outcome(printer, note) is Outcome.DONE
        assert here.has_left_the_feeder()
        await printer.aclose()


@pytest.mark.parametrize("told", ["left the feeder", "nothing moved yet"])
async def test_a_power_cut_in_an_insert(way: Way, ports: Path, told: str) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        note = await printer.insert_note()
        begun = here.has_left_the_feeder if told == "left the feeder" else here.is_moving
        await hang_up_during(printer.insert(), printer, begun, here.machine)
        printer = await here.printer()
        await printer.identify()
        expected = Outcome.UNKNOWN if told == "left the feeder" else Outcome.NOT_DONE
        assert await here.insert_outcome(printer, note) is expected
        await printer.aclose()


async def test_a_print_without_its_last_face_is_unknown(way: Way, ports: Path) -> None:
    """The back's bitmap was on its way when we hung up: the front alone is on the card."""
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        await printer.insert()
        note = await printer.print_note()
        await hang_up_during(
            printer.print_and_eject(JOB, note, free), printer, here.has_begun_the_back
        )
        printer = await here.printer()
        outcome = await here.print_outcome(printer, note)
        assert outcome is Outcome.UNKNOWN
        await printer.aclose()


async def test_a_print_goes_on_without_us_and_is_found_done(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        await printer.insert()
        note = await printer.print_note()
        await hang_up_during(printer.print_and_eject(JOB, note, free), printer, here.is_ejecting)
        printer = await here.printer()
        assert await here.print_outcome(printer, note) is Outcome.DONE
        assert here.floor.at(outfeed(0)) is not None
        await printer.aclose()


async def test_a_printed_card_still_under_the_head_is_ejected_and_done(
    way: Way, ports: Path
) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        await printer.insert()
        note = await printer.print_note()
        await hang_up_during(
            printer.print_and_eject(JOB, note, free), printer, here.is_ejecting, here.machine
        )
        assert here.floor.at(outfeed(0)) is None
        printer = await here.printer()
        await printer.identify()
        assert await here.print_outcome(printer, note) is Outcome.DONE
        card = here.floor.at(outfeed(0))
        assert card is not None
        assert card.front == {"K": FACE, "O": FACE[::-1]}
        await printer.aclose()


async def test_what_another_printer_says_of_an_act_is_unknown(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        insert, print_ = await printer.insert_note(), await printer.print_note()
        await printer.aclose()
    async with printing(way, ports, "PRN-2") as here:
        printer = await here.printer()
        assert await printer.insert_outcome(insert, infeed_occupied=True) is Outcome.UNKNOWN
        await printer.insert()
        outcome = await printer.print_outcome(print_, JOB, outfeed_occupied=False)
        assert outcome is Outcome.UNKNOWN
        await printer.aclose()


async def test_an_empty_feeder_and_a_jam_are_told_apart(way: Way, ports: Path) -> None:
    async with printing(way, ports) as here:
        printer = await here.printer()
        await printer.identify()
        note = await printer.insert_note()
        here.machine.jam_next()
        with pytest.raises(Jam):
            await printer.insert()
        assert await here.insert_outcome(printer, note) is Outcome.UNKNOWN
        assert here.machine.clear_jam() is not None
        await printer.clear_errors()
        with pytest.raises(NothingAtSource):
            await printer.insert()
        await printer.aclose()


async def test_a_printer_whose_last_host_wanted_status_words_everywhere_is_taken_over(
    any_way: Way, ports: Path
) -> None:
    """The words lie behind each answer's NUL, and hold NULs themselves."""
    async with printing(any_way, ports) as here:
        earlier = await here.open()
        await earlier.send(b"\x1bPps;1\r")
        await earlier.receive()
        await earlier.aclose()
        printer = await here.printer()
        identity = await printer.identify()
        assert (await printer.insert_note())["serial_number"] == identity.serial_number
        await printer.aclose()
