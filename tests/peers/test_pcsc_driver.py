"""Our encoder driver over PC/SC: pyscard, pcscd and libccidtwin between it and our encoder.

What it writes is what lies on the floor; a writing that was cut short, by whatever happens to the
card, the service or the reader, is judged by the chip.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from drivers.chip_profile import profile_named
from drivers.chip_reader import EncoderTimeouts
from drivers.encoder import ChipEncoder
from drivers.errors import (
    ChipMute,
    DriverError,
    NoCard,
    NotReady,
    ReplyTimeout,
    WireClosed,
    WireNotOpened,
)
from drivers.outcome import Note, Outcome
from drivers.pcsc_reader import PcscReader
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import (
    HAND,
    MAGAZINE,
    ChipHealth,
    ChipMemory,
    Contacts,
    Floor,
    LifeCycle,
    infeed,
)
from simulators.machine import Pace
from simulators.serving import on_pseudo_terminals
from tests.contract.chips import keys_for_tests, made_for
from tests.contract.ways import until
from tests.peers.pcsc_service import PcscService
from tests.peers.test_pcscd import CHIP_SERIAL, CONTENTS

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

READER = "Desk reader [USB]"
#: Slow enough to be interrupted in the middle, quick enough to be waited for.
PACE = 5.0
TIMEOUTS = EncoderTimeouts(3.0, 3.0)
#: pcscd looks every 0.4 s, and takes a card that was away for less for the one before.
NOTICED_S = 1.0


@dataclass
class Desk:
    """An encoder behind PC/SC with a blank in its field."""

    service: PcscService
    url: str
    machine: SimulatedEncoder
    floor: Floor
    chip: ChipMemory

    async def encoder(self, timeouts: EncoderTimeouts = TIMEOUTS) -> ChipEncoder:
        reader = await PcscReader.open(self.url, timeouts, 5.0)
        return ChipEncoder(reader, profile_named("rid2"), keys=keys_for_tests())

    async def start(self) -> None:
        self.service.start()
        await until(self.service.is_up, timeout_s=10.0)

    def is_half_written(self) -> bool:
        return any(self.chip.files[2][:512])

    def is_as_ordered(self) -> bool:
        files = {number: bytes(self.chip.files[number]) for number in CONTENTS.files}
        serials = bytes(self.chip.files[5]) == CHIP_SERIAL + CONTENTS.card_serial
        locked = self.chip.life_cycle is LifeCycle.OPERATIONAL
        return files == CONTENTS.files and serials and locked


@asynccontextmanager
async def desk(
    folder: Path, sockets: Path, contacts: Contacts = Contacts.T1
) -> AsyncIterator[Desk]:
    floor = Floor()
    chip = made_for("rid2", CHIP_SERIAL)
    chip.contacts = contacts
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    settings = EncoderSettings(chip_failure_share=0.0)
    machine = SimulatedEncoder(floor, 0, Pace(Random(1), PACE), settings, "ENC-1")
    service = PcscService(sockets, folder)
    async with on_pseudo_terminals({"encoder": machine}, folder / "ports") as urls:
        here = Desk(service, service.add(READER, urls["encoder"]), machine, floor, chip)
        try:
            await here.start()
            yield here
        finally:
            service.kill()


async def cut_short(
    here: Desk, encoder: ChipEncoder, disaster: Callable[[], object]
) -> tuple[Note, DriverError]:
    """Write, and let something happen as soon as the photo is half there."""
    note = await encoder.write_note()

    async def strike() -> None:
        await until(here.is_half_written, timeout_s=30.0)
        disaster()

    async with asyncio.TaskGroup() as group:
        group.create_task(strike())
        with pytest.raises(DriverError) as failed:
            await encoder.write(CONTENTS)
    assert not here.is_as_ordered()
    return note, failed.value


async def complete(here: Desk, note: Note) -> None:
    """Judge a writing that was cut short by the chip, and complete it."""
    encoder = await here.encoder()
    assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
    await encoder.write(CONTENTS)
    assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
    await encoder.aclose()
    assert here.is_as_ordered()


@pytest.mark.parametrize("contacts", [Contacts.T1, Contacts.T0, Contacts.T0_OR_T1])
async def test_a_chip_is_written_locked_and_judged(
    tmp_path: Path, pcsc_socket_folder: Path, contacts: Contacts
) -> None:
    async with desk(tmp_path, pcsc_socket_folder, contacts) as here:
        encoder = await here.encoder()
        identity = await encoder.identify()
        # libccidtwin tells no serial number: the reader's name stands for it.
        assert (identity.kind, identity.model) == ("encoder", f"{READER} 00 00")
        assert identity.serial_number == READER
        assert await encoder.card_present()
        assert await encoder.chip_serial() == CHIP_SERIAL
        note = await encoder.write_note()
        await encoder.write(CONTENTS)
        assert here.is_as_ordered()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert await encoder.terminate()
        assert here.chip.life_cycle is LifeCycle.TERMINATED
        await encoder.aclose()


async def test_a_card_that_is_taken_out_is_judged_when_it_is_back(
    tmp_path: Path, pcsc_socket_folder: Path
) -> None:
    async with desk(tmp_path, pcsc_socket_folder) as here:
        encoder = await here.encoder()
        note, error = await cut_short(here, encoder, lambda: here.floor.move(infeed(0), HAND))
        assert isinstance(error, NoCard | ChipMute)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.UNKNOWN
        assert not await encoder.terminate()
        with pytest.raises(NoCard):
            await encoder.chip_serial()
        await asyncio.sleep(NOTICED_S)
        here.floor.move(HAND, infeed(0))
        await asyncio.sleep(NOTICED_S)
        assert await encoder.card_present()
        await encoder.aclose()
        await complete(here, note)


async def test_a_service_that_dies_is_a_closed_wire(
    tmp_path: Path, pcsc_socket_folder: Path
) -> None:
    async with desk(tmp_path, pcsc_socket_folder) as here:
        encoder = await here.encoder()
        note, error = await cut_short(here, encoder, here.service.kill)
        assert isinstance(error, WireClosed), error.facts
        await encoder.aclose()
        with pytest.raises(WireNotOpened, match="systemctl start pcscd"):
            await here.encoder()
        await here.start()
        await complete(here, note)


async def test_a_reader_that_hangs_is_given_up_in_time(
    tmp_path: Path, pcsc_socket_folder: Path
) -> None:
    loop = asyncio.get_running_loop()
    async with desk(tmp_path, pcsc_socket_folder) as here:
        encoder = await here.encoder(EncoderTimeouts(1.0, 2.0))
        note, error = await cut_short(here, encoder, here.machine.cut_power)
        assert isinstance(error, ReplyTimeout)
        begun_s = loop.time()
        with pytest.raises(ReplyTimeout):
            await encoder.card_present()
        await encoder.aclose()
        assert loop.time() - begun_s < 5.0
        here.service.kill()
        here.machine.restore_power()
        await here.start()
        await complete(here, note)


async def test_another_program_that_has_the_reader_is_told_of(
    tmp_path: Path, pcsc_socket_folder: Path
) -> None:
    async with desk(tmp_path, pcsc_socket_folder) as here:
        other = await PcscReader.open(here.url, TIMEOUTS, 5.0)
        await other.power_on()
        encoder = await here.encoder()
        for ask in (encoder.identify, encoder.write_note):
            with pytest.raises(NotReady, match="Another program has the reader"):
                await ask()
        await other.aclose()
        assert (await encoder.write_note())["chip_serial"] == CHIP_SERIAL.hex()
        await encoder.aclose()


async def test_a_mute_chip_and_a_wrong_name_are_told(
    tmp_path: Path, pcsc_socket_folder: Path
) -> None:
    async with desk(tmp_path, pcsc_socket_folder) as here:
        here.floor.move(infeed(0), HAND)
        here.chip.health = ChipHealth.MUTE
        await asyncio.sleep(NOTICED_S)
        here.floor.move(HAND, infeed(0))
        await asyncio.sleep(NOTICED_S)
        encoder = await here.encoder()
        with pytest.raises(ChipMute):
            await encoder.write_note()
        assert not await encoder.terminate()
        await encoder.aclose()
        here.url = "pcsc://Another"
        there = r"no such reader: pcsc://Desk%20reader%20%5BUSB%5D%2000%2000"
        with pytest.raises(WireNotOpened, match=there):
            await here.encoder()
