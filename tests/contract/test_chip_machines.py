"""Encoder and reader drivers against the simulated machines, on clean wires and on bad ones.

Both sides are written apart from the same documents; what the drivers say is held to the floor's
truth. Over memory in virtual time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from drivers.ccid_reader import CcidReader
from drivers.chip_profile import ChipContents, ChipProfile, profile_named
from drivers.encoder import ChipEncoder
from drivers.errors import DriverError
from drivers.outcome import Note, Outcome
from drivers.reader import ReadBackReader
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.faults import Faulty, WireFaults
from simulators.floor import HAND, MAGAZINE, ChipMemory, Floor, LifeCycle, infeed
from simulators.machine import Machine, Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.wire import memory_pair
from tests.contract.chips import keys_for_tests, made_for
from tests.seeds import seeds

SAM_ID = "05.01-20100823-0000123456-1234567890"
CHIP_SERIAL = bytes(range(0x41, 0x49))
CONTENTS = ChipContents(
    {1: b"\x34\x12" * 128, 2: bytes(range(256)) * 4, 3: bytes(1024), 4: b"\x20\0" * 140},
    card_serial=bytes(range(1, 17)),
)
PROFILES = ["rid2", "rid2-plain"]
CLEAN = WireFaults()
NOISY = WireFaults(loss=0.02, split=0.1, delay=0.05, repeat=0.02, corrupt=0.02, hang_up=0.003)
TRIES_MAX = 40


@dataclass
class Bench:
    """One card before an encoder (station 0); the reader is station 1."""

    floor: Floor
    group: asyncio.TaskGroup
    random: Random
    faults: WireFaults
    encoding: SimulatedEncoder
    reading: SimulatedReader
    profile: ChipProfile

    def encoder(self) -> ChipEncoder:
        keys = keys_for_tests() if self.profile.key_version else None
        return ChipEncoder(CcidReader(self._wire(self.encoding)), self.profile, keys=keys)

    def reader(self) -> ReadBackReader:
        return ReadBackReader(self._wire(self.reading))

    def _wire(self, machine: Machine) -> Faulty:
        near, far = memory_pair()
        self.group.create_task(machine.serve(far))
        return Faulty(near, self.random, self.faults)

    @property
    def chip(self) -> ChipMemory:
        [(_, card)] = self.floor.everything()
        return card.chip


@asynccontextmanager
async def bench(seed: int, faults: WireFaults, profile: str = "rid2") -> AsyncIterator[Bench]:
    floor = Floor()
    floor.load_blanks(1, iter([made_for(profile, CHIP_SERIAL)]))
    floor.move(MAGAZINE, infeed(0))
    pace = Pace(Random(seed))
    encoding = SimulatedEncoder(floor, 0, pace, EncoderSettings(chip_failure_share=0.0), "ENC-1")
    reading = SimulatedReader(floor, 1, pace, ReaderSettings(), SAM_ID)
    async with asyncio.TaskGroup() as group:
        yield Bench(floor, group, Random(seed), faults, encoding, reading, profile_named(profile))


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_card_is_written_locked_and_read_back(profile: str) -> None:
    async with bench(1, CLEAN, profile) as here:
        encoder, reader = here.encoder(), here.reader()
        assert (await encoder.identify()).serial_number == "ENC-1"
        assert (await reader.identify()).serial_number == SAM_ID
        note = await encoder.write_note()
        assert note["chip_serial"] == CHIP_SERIAL.hex()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        here.floor.move(infeed(0), infeed(1))
        assert not await encoder.card_present()
        card = await reader.read_card()
        assert (card.text, card.photo) == (CONTENTS.files[1], CONTENTS.files[2])
        assert (card.chip_serial, card.card_serial) == (CHIP_SERIAL, CONTENTS.card_serial)
        here.floor.move(infeed(1), infeed(0))
        assert await encoder.terminate()
        assert here.chip.life_cycle is LifeCycle.TERMINATED
        await encoder.aclose()
        await reader.aclose()


def holds_what_was_ordered(here: Bench) -> bool:
    files = {number: bytes(here.chip.files[number]) for number in CONTENTS.files}
    management = bytes(here.chip.files[5])
    return files == CONTENTS.files and management == CHIP_SERIAL + CONTENTS.card_serial


async def write_until_locked(here: Bench) -> None:
    """Write as a centre does: judge, try again, and hold each outcome against the floor."""
    note: Note | None = None
    for _ in range(TRIES_MAX):
        encoder = here.encoder()
        try:
            note = note or await encoder.write_note()
            outcome = await encoder.write_outcome(note, CONTENTS)
            locked = here.chip.life_cycle is LifeCycle.OPERATIONAL
            assert outcome is (Outcome.DONE if locked else Outcome.NOT_DONE)
            if locked:
                break
            await encoder.write(CONTENTS)
        except DriverError:
            await asyncio.sleep(1.0)
        finally:
            await encoder.aclose()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", seeds(6, 15))
async def test_on_a_bad_wire_every_outcome_is_the_floor_s_truth(profile: str, seed: int) -> None:
    async with bench(seed, NOISY, profile) as here:
        await write_until_locked(here)
        assert holds_what_was_ordered(here)


@pytest.mark.parametrize("seed", seeds(6, 15))
async def test_on_a_bad_wire_a_reading_is_right_or_fails(seed: int) -> None:
    async with bench(seed, NOISY) as here:
        chip = here.chip
        for number, data in CONTENTS.files.items():
            chip.files[number][:] = data
        chip.files[5][8:] = CONTENTS.card_serial
        chip.life_cycle = LifeCycle.OPERATIONAL
        here.floor.move(infeed(0), infeed(1))
        readings = 0
        for _ in range(TRIES_MAX):
            here.floor.move(infeed(1), HAND)
            await asyncio.sleep(1.0)
            here.floor.move(HAND, infeed(1))
            reader = here.reader()
            try:
                card = await reader.read_card()
            except DriverError:
                continue
            finally:
                await reader.aclose()
            readings += 1
            assert (card.text, card.photo) == (CONTENTS.files[1], CONTENTS.files[2])
            assert card.card_serial in (None, CONTENTS.card_serial)
        assert readings > TRIES_MAX / 2
