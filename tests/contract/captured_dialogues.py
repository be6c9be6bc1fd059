"""One dialogue of each driver with its machine: captured from simulated ones, replayed ever after.

The captures lie in `tests/vectors/captures/`. `python -m tests.contract.captured_dialogues` makes
them anew, which is right only after a driver was meant to put other bytes on the wire.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from controller.virtual_time import VirtualTimeLoop
from drivers.ccid_reader import CcidReader
from drivers.chip_profile import ChipContents, profile_named
from drivers.encoder import ChipEncoder
from drivers.laminator import Laminator, ResultCode
from drivers.outcome import Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, PrintJob
from drivers.reader import ReadBackReader
from drivers.replay import Record, vector_head, vector_line
from drivers.tap import Tap, Traffic
from drivers.transport import Transport
from drivers.wire import Wire
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import MAGAZINE, ChipMemory, Floor, LifeCycle, infeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.roller import HeatSettings
from simulators.transport import SimulatedTransport, TransportSettings
from tests.contract.chips import keys_for_tests, made_for
from tests.contract.ways import MEMORY, Way

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"

SET_POINT_C, DWELL_MS, PRESSURE_KPA = 125.0, 8000, 300
#: A frame and a bar, black only.
FACE = b"\xff" * 81 + (b"\x80" + bytes(79) + b"\x01") * 1014 + b"\xff" * 81
BLACK_ONLY = PrintJob((Panel("K", 2, FACE),), ())
#: An invented person: text, photo, fingerprints, address, as files of the chip.
PERSON = ChipContents(
    {
        1: "样本某某".ljust(128).encode("utf-16-le"),
        2: bytes(range(256)) * 4,
        3: bytes(1024),
        4: " ".encode("utf-16-le") * 140,
    },
    card_serial=bytes(range(1, 17)),
)


async def one_print(wire: Wire) -> None:
    printer = CardPrinter(wire, PrinterTimeouts())
    assert (await printer.identify()).serial_number == "PRN-1"
    note = await printer.insert_note()
    await printer.insert()
    assert await printer.insert_outcome(note, infeed_occupied=False) is Outcome.DONE
    note = await printer.print_note()
    await printer.print_and_eject(BLACK_ONLY, note, free)
    assert await printer.print_outcome(note, BLACK_ONLY, outfeed_occupied=True) is Outcome.DONE
    await printer.aclose()


async def free() -> None:
    """Nothing lies on the way out."""


async def one_lamination(wire: Wire) -> None:
    laminator = Laminator(wire)
    assert (await laminator.identify()).serial_number == "LAM-1"
    await laminator.prepare(SET_POINT_C)
    await laminator.wait_until_warm(SET_POINT_C)
    note = await laminator.act_note()
    assert (await laminator.laminate(note, DWELL_MS, PRESSURE_KPA)).code is ResultCode.GOOD
    assert await laminator.act_outcome(note) is Outcome.DONE
    await laminator.aclose()


async def one_move(wire: Wire) -> None:
    transport = Transport(wire)
    assert (await transport.identify()).serial_number == "TRN-1"
    await transport.home()
    note = await transport.move_note()
    await transport.move(0, 1, note)
    assert await transport.move_outcome(note) is Outcome.DONE
    assert (await transport.presence(3))[1:] == (True, False)
    await transport.aclose()


async def one_chip(wire: Wire) -> None:
    """Write a chip over secure messaging: the keys' random numbers are those of the tests."""
    encoder = ChipEncoder(CcidReader(wire), profile_named("rid2"), keys=keys_for_tests())
    assert (await encoder.identify()).serial_number == "ENC-1"
    note = await encoder.write_note()
    await encoder.write(PERSON)
    assert await encoder.write_outcome(note, PERSON) is Outcome.DONE
    await encoder.aclose()


async def one_read_back(wire: Wire) -> None:
    reader = ReadBackReader(wire)
    assert (await reader.identify()).kind == "reader"
    card = await reader.read_card()
    assert (card.text, card.photo) == (PERSON.files[1], PERSON.files[2])
    assert card.card_serial == PERSON.card_serial
    await reader.aclose()


def printer() -> Machine:
    settings = PrinterSettings(misprint_share=0.0, jam_share=0.0)
    return SimulatedPrinter(_floor(), 0, Way(MEMORY).pace(), settings, "PRN-1")


def laminator() -> Machine:
    settings = LaminatorSettings(
        jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0, heat=HeatSettings(ambient_c=124.0)
    )
    return SimulatedLaminator(_floor(), 0, Way(MEMORY).pace(), settings, "LAM-1")


def transport() -> Machine:
    floor = Floor()
    floor.load_blanks(1, iter([ChipMemory.new(bytes(8))]))
    settings = TransportSettings(jam_share=0.0, lost_share=0.0)
    return SimulatedTransport(floor, 1, 1, Way(MEMORY).pace(), settings, "TRN-1")


def encoder() -> Machine:
    floor = _floor(made_for("rid2", b"\x41" * 8))
    settings = EncoderSettings(chip_failure_share=0.0)
    return SimulatedEncoder(floor, 0, Way(MEMORY).pace(), settings, "ENC-1")


def reader() -> Machine:
    chip = ChipMemory.new(b"\x41" * 8)
    chip.files[1][:], chip.files[2][:] = PERSON.files[1], PERSON.files[2]
    chip.files[5][8:] = PERSON.card_serial
    chip.life_cycle = LifeCycle.OPERATIONAL
    sam = "05.01-20100823-0000123456-1234567890"
    return SimulatedReader(_floor(chip), 0, Way(MEMORY).pace(), ReaderSettings(), sam)


def _floor(chip: ChipMemory | None = None) -> Floor:
    """Return a floor with one blank at the infeed of station 0."""
    floor = Floor()
    floor.load_blanks(1, iter([chip or ChipMemory.new(bytes(8))]))
    floor.move(MAGAZINE, infeed(0))
    return floor


#: By the name of its capture: what is said, and to whom.
DIALOGUES: Mapping[str, tuple[Callable[[Wire], Awaitable[None]], Callable[[], Machine]]] = {
    "printer": (one_print, printer),
    "laminator": (one_lamination, laminator),
    "transport": (one_move, transport),
    "encoder": (one_chip, encoder),
    "reader": (one_read_back, reader),
}


async def captured(name: str) -> list[Record]:
    """Hold a dialogue with a simulated machine and return what went over the wire."""
    dialogue, machine = DIALOGUES[name]
    loop, records, tap = asyncio.get_running_loop(), list[Record](), Tap()
    begun_s = loop.time()

    def listen(what: Traffic, data: bytes) -> None:
        at_us = round((loop.time() - begun_s) * 1_000_000)
        records.append(Record(len(records) + 1, at_us, what, data))

    tap.listener = listen
    async with Way(MEMORY).to(machine(), Path()) as opener:
        await dialogue(tap.around(await opener()))
    return records


def main() -> None:
    """Write all captures anew."""
    CAPTURES.mkdir(exist_ok=True)
    for name in DIALOGUES:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            records = runner.run(captured(name))
        head = vector_head({"kind": name, "source": "the simulated machine, an invented person"})
        text = head + "".join(map(vector_line, records))
        (CAPTURES / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
