"""The acts that the campaign of wire faults tries at each kind of machine, on one card.

Says what the floor looks like before and after each act; wires, faults and judgement are
`wire_fault_bench.py`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from controller.acts import Act, Finish, Move
from controller.chip_acts import Encode, Read, Terminate
from controller.laminator_acts import Laminate, LaminatorEject
from controller.printer_acts import Insert, Print, PrinterEject
from controller.stations import Port
from drivers.ccid_reader import CcidReader
from drivers.chip_profile import ChipContents, profile_named
from drivers.encoder import ChipEncoder
from drivers.errors import DriverError
from drivers.laminator import Laminator
from drivers.outcome import Note, Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, Printer, PrintJob
from drivers.reader import ReadBack, ReadBackReader
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from jobs import rows
from simulators.floor import (
    HAND,
    MAGAZINE,
    REJECT_BIN,
    LifeCycle,
    PhysicalCard,
    Place,
    infeed,
    inside,
    outfeed,
)
from simulators.printer import SimulatedPrinter
from simulators.retransfer import SimulatedRetransferPrinter
from tests.contract.chips import keys_for_tests
from tests.contract.cleaning_scene import clean
from tests.contract.wire_fault_bench import CHIP_SERIAL, Bench, Blamed, Trial, bench

SET_POINT_C, DWELL_MS, PRESSURE_KPA = 125.0, 8000, 300
READINGS = 4
CONTENTS = ChipContents(
    {1: b"\x34\x12" * 128, 2: bytes(range(256)) * 4, 3: bytes(1024), 4: b"\x20\0" * 140},
    card_serial=bytes(range(1, 17)),
)


def _face(mark: bytes) -> bytes:
    """Return a face that is short on the wire, and unlike any other."""
    return (mark + bytes(81 - len(mark))) * 40 + bytes(81 * (1016 - 40))


JOB = PrintJob(
    front=(Panel("K", 2, _face(b"\x81\x42")), Panel("O", 2, _face(b"\xff\xff\xff"))),
    back=(Panel("K", 2, _face(b"\x18\x24\x42")),),
)


async def play(kind: str, seed: int) -> Counter[str]:
    """Play one seed; return what happened. Raises `AssertionError` when something is wrong."""
    async with bench(kind, seed) as here:
        try:
            await SCENES[kind](here)
        except Blamed as blamed:
            here.told[f"blamed on the card: {blamed}"] += 1
        return here.told


def _taken(here: Bench, source: Place, destination: Place, act: Act) -> Trial:
    """Return the trial of an act that brings the card from one place to another."""
    arrived = here.floor.arrivals(destination)
    return Trial(
        act=act,
        times=lambda: here.floor.arrivals(destination) - arrived,
        complete=lambda: here.floor.at(destination) is not None,
        untouched=lambda: here.floor.at(source) is not None,
    )


async def _move(here: Bench) -> None:
    line = here.line()
    await (await line.transport.driver()).home()
    await here.begin()
    station = here.station.name
    way = (
        (rows.MAGAZINE, rows.infeed(station), MAGAZINE, infeed(0)),
        (rows.infeed(station), rows.outfeed(station), infeed(0), outfeed(0)),
        (rows.outfeed(station), rows.REJECT_BIN, outfeed(0), REJECT_BIN),
    )
    for source, destination, source_place, place in way:
        act = Move(here.station, line, source, destination)
        if await here.settle(_taken(here, source_place, place, act)) is not Outcome.DONE:
            return


async def _print(here: Bench) -> None:
    machine = here.machine
    assert isinstance(machine, SimulatedPrinter)
    printer = here.port(machine, lambda wire: CardPrinter(wire, PrinterTimeouts()))
    before = machine._physics.panels_printed
    await _print_one(
        here,
        printer,
        lambda: -((before - machine._physics.panels_printed) // JOB.panels),
        _is_as_sent,
    )


async def _retransfer(here: Bench) -> None:
    machine = here.machine
    assert isinstance(machine, SimulatedRetransferPrinter)
    printer = here.port(machine, lambda wire: RetransferPrinter(wire, RetransferTimeouts()))
    # As a station is prepared: until its first command a machine has no number to tell by.
    await (await printer.driver()).clear_errors()
    await _print_one(here, printer, lambda: _jobs_pressed(here), _is_as_sent_without_overlay)


async def _print_one(
    here: Bench,
    printer: Port[Printer],
    times: Callable[[], int],
    is_as_sent: Callable[[Bench, PhysicalCard], bool],
) -> None:
    line = here.line()
    here.floor.move(MAGAZINE, infeed(0))
    await here.begin()
    insert = Insert(here.station, printer, line)
    if await here.settle(_taken(here, infeed(0), inside(0), insert)) is not Outcome.DONE:
        return
    if here.random.random() < 0.25:
        eject = PrinterEject(here.station, printer, line)
        await here.settle(_taken(here, inside(0), outfeed(0), eject))
        return

    async def free() -> None: ...

    def printed() -> bool:
        card = here.floor.at(outfeed(0))
        return card is not None and is_as_sent(here, card)

    trial = Trial(
        act=Print(here.station, printer, line, JOB, free),
        times=times,
        complete=printed,
        untouched=lambda: here.floor.at(inside(0)) is not None,
    )
    await here.settle(trial)


def _jobs_pressed(here: Bench) -> int:
    """Tell how many jobs were pressed onto the card, begun ones included; a job has two faces."""
    machine = here.machine
    assert isinstance(machine, SimulatedRetransferPrinter)
    presses = sum(one.what == "press" for one in machine.drawn())
    return -(-presses // 2)


def _is_as_sent_without_overlay(here: Bench, card: PhysicalCard) -> bool:
    """Tell whether the ink is what was sent: planes have a check sum."""
    del here
    sent = [
        {panel.letter: panel.data for panel in face if panel.letter != "O"}
        for face in (JOB.front, JOB.back)
    ]
    return [card.front, card.back] == sent


def _is_as_sent(here: Bench, card: PhysicalCard) -> bool:
    """Tell whether the ink is what was sent; a bitmap has no check sum against corruption."""
    front, back = card.front, card.back
    sent = [{panel.letter: panel.data for panel in face} for face in (JOB.front, JOB.back)]
    if here.faults.corrupt:
        return [front.keys(), back.keys()] == [face.keys() for face in sent]
    return [front, back] == sent


async def _laminate(here: Bench) -> None:
    laminator, line = here.port(here.machine, Laminator), here.line()
    driver: Laminator = await laminator.driver()
    await driver.prepare(SET_POINT_C)
    await driver.wait_until_warm(SET_POINT_C)
    here.floor.move(MAGAZINE, infeed(0))
    await here.begin()
    laminate = Laminate(here.station, laminator, line, DWELL_MS, PRESSURE_KPA)
    trial = Trial(
        act=laminate,
        times=lambda: len(here.card().laminations),
        complete=lambda: here.floor.at(inside(0)) is not None,
        untouched=lambda: here.floor.at(infeed(0)) is not None,
    )
    if await here.settle(trial) is Outcome.DONE:
        eject = LaminatorEject(here.station, laminator)
        await here.settle(_taken(here, inside(0), outfeed(0), eject))


async def _encode(here: Bench) -> None:
    profile, chip = profile_named(here.profile), here.card().chip
    keys = keys_for_tests() if profile.key_version else None
    encoder = here.port(
        here.machine, lambda wire: ChipEncoder(CcidReader(wire), profile, keys=keys)
    )
    here.floor.move(MAGAZINE, infeed(0))
    await here.begin()

    def written() -> bool:
        files = {number: bytes(chip.files[number]) for number in CONTENTS.files}
        serials = bytes(chip.files[5]) == CHIP_SERIAL + CONTENTS.card_serial
        return files == CONTENTS.files and serials

    trial = Trial(
        act=Encode(here.station, encoder, CONTENTS),
        times=lambda: int(chip.life_cycle is LifeCycle.OPERATIONAL),
        complete=written,
        untouched=lambda: chip.life_cycle is LifeCycle.PERSONALISATION,
    )
    await here.settle(trial)
    writings = sum(count for what, count in here.told.items() if what.startswith("encode "))
    carried_out = Counter(motion.what for motion in here.machine.drawn())
    sizes = (file.size_bytes for file in profile.files.values())
    updates = 1 + sum(-(-size // profile.data_bytes_max) for size in sizes)
    assert carried_out["chip command d6"] <= writings * updates
    assert carried_out["chip command 44"] <= writings
    await _terminate(here, Terminate(here.station, encoder))


async def _terminate(here: Bench, act: Terminate) -> None:
    """Terminating may be done again; what it reports must be so."""
    for _ in range(READINGS):
        note = await here.answer(act.note)
        finish = await _finish_of(here, act, note)
        if finish is not None:
            here.told[f"terminated {finish['terminated']}"] += 1
            assert not finish["terminated"] or here.card().chip.life_cycle is LifeCycle.TERMINATED
            return


async def _read(here: Bench) -> None:
    chip = here.card().chip
    for number, data in CONTENTS.files.items():
        chip.files[number][:] = data
    chip.files[5][8:] = CONTENTS.card_serial
    chip.life_cycle = LifeCycle.OPERATIONAL
    here.floor.move(MAGAZINE, infeed(0))
    await here.begin()

    def judge(card: ReadBack) -> Finish:
        assert (card.text, card.photo) == (CONTENTS.files[1], CONTENTS.files[2])
        assert card.card_serial in (None, CONTENTS.card_serial)
        assert card.chip_serial in (None, CHIP_SERIAL)
        return {}

    reader = here.port(here.machine, ReadBackReader)
    act = Read(here.station, reader, judge)
    for _ in range(READINGS):
        note = await here.answer(act.note)
        here.draw_silence()
        finish = await _finish_of(here, act, note)
        here.told[f"reading {'failed' if finish is None else 'right'}"] += 1
        here.floor.move(infeed(0), HAND)
        here.floor.move(HAND, infeed(0))


async def _finish_of(here: Bench, act: Act, note: Note) -> Finish | None:
    """Do what may be done again, once; None when it failed."""
    try:
        return await act.perform(note)
    except DriverError as error:
        here.told[f"failed {error.code}"] += 1
        await here.hang_up()
        return None


SCENES: Mapping[str, Callable[[Bench], Awaitable[None]]] = {
    "transport": _move,
    "printer": _print,
    "retransfer": _retransfer,
    "cleaning": clean,
    "retransfer-cleaning": clean,
    "laminator": _laminate,
    "encoder": _encode,
    "reader": _read,
}
