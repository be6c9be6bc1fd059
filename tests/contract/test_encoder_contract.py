"""What the chip encoder's driver promises, over every kind of wire.

On a real encoder: put one blank with an empty chip of profile `rid2` and the test key into its
field; the chip is written and locked for good.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drivers.ccid_reader import CcidReader
from drivers.chip_profile import ChipContents, profile_named
from drivers.encoder import ChipEncoder
from drivers.errors import ChipRefused, NoCard
from drivers.outcome import Outcome
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import MAGAZINE, REJECT_BIN, ChipMemory, Floor, LifeCycle, infeed
from tests.contract.chips import keys_for_tests, made_for
from tests.contract.ways import Opener, Way, hang_up_during, noticed

CONTENTS = ChipContents(
    {1: b"\x34\x12" * 128, 2: bytes(range(256)) * 4, 3: bytes(1024), 4: b"\x20\0" * 140},
    card_serial=bytes(range(1, 17)),
)
OTHER_CONTENTS = replace(CONTENTS, card_serial=bytes(16))
SURE = EncoderSettings(chip_failure_share=0.0)


@dataclass
class Bench:
    floor: Floor
    machine: SimulatedEncoder
    open: Opener

    async def encoder(self) -> ChipEncoder:
        await noticed()
        return ChipEncoder(
            CcidReader(await self.open()), profile_named("rid2"), keys=keys_for_tests()
        )

    @property
    def chip(self) -> ChipMemory:
        card = self.floor.at(infeed(0))
        assert card is not None
        return card.chip

    def has_half_the_photo(self) -> bool:
        return any(self.chip.files[2][:512])

    def exchange_card(self) -> None:
        self.floor.move(infeed(0), REJECT_BIN, into_store=True)
        self.floor.move(MAGAZINE, infeed(0))


@asynccontextmanager
async def encoding(way: Way, ports: Path, serial_number: str = "ENC-1") -> AsyncIterator[Bench]:
    """Serve an encoder (station 0) with a blank in its field and one more in the magazine."""
    floor = Floor()
    floor.load_blanks(2, (made_for("rid2", bytes((0x41 + n,)) * 8) for n in range(2)))
    floor.move(MAGAZINE, infeed(0))
    machine = SimulatedEncoder(floor, 0, way.pace(), SURE, serial_number)
    async with way.to(machine, ports) as opener:
        yield Bench(floor, machine, opener)


async def test_it_names_itself_writes_locks_and_knows_that_it_did(
    any_way: Way, ports: Path
) -> None:
    async with encoding(any_way, ports) as here:
        encoder = await here.encoder()
        identity = await encoder.identify()
        assert identity.kind == "encoder"
        assert await encoder.card_present()
        note = await encoder.write_note()
        assert note["serial_number"] == identity.serial_number != ""
        assert note["chip_serial"] == (await encoder.chip_serial()).hex()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert await encoder.write_outcome(note, OTHER_CONTENTS) is Outcome.UNKNOWN
        with pytest.raises(ChipRefused):
            await encoder.write(CONTENTS)
        await encoder.aclose()
        if not any_way.is_real_machine:
            files = {number: bytes(here.chip.files[number]) for number in CONTENTS.files}
            assert files == CONTENTS.files
            assert here.chip.files[5][8:] == CONTENTS.card_serial
            assert here.chip.life_cycle is LifeCycle.OPERATIONAL


async def test_a_writing_cut_off_by_a_hang_up_is_completed_in_a_new_session(
    way: Way, ports: Path
) -> None:
    async with encoding(way, ports) as here:
        encoder = await here.encoder()
        await encoder.identify()
        note = await encoder.write_note()
        await hang_up_during(encoder.write(CONTENTS), encoder, here.has_half_the_photo)
        encoder = await here.encoder()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        await encoder.aclose()


async def test_a_writing_cut_off_by_the_encoder_s_power_is_completed(way: Way, ports: Path) -> None:
    async with encoding(way, ports) as here:
        encoder = await here.encoder()
        note = await encoder.write_note()
        act = encoder.write(CONTENTS)
        await hang_up_during(act, encoder, here.has_half_the_photo, here.machine)
        encoder = await here.encoder()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        await encoder.aclose()


async def test_another_card_or_none_in_the_field_is_unknown(way: Way, ports: Path) -> None:
    async with encoding(way, ports) as here:
        encoder = await here.encoder()
        note = await encoder.write_note()
        here.exchange_card()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.UNKNOWN
        here.floor.move(infeed(0), REJECT_BIN, into_store=True)
        assert not await encoder.card_present()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.UNKNOWN
        with pytest.raises(NoCard):
            await encoder.write(CONTENTS)
        await encoder.aclose()


async def test_a_terminated_chip_is_never_done(way: Way, ports: Path) -> None:
    async with encoding(way, ports) as here:
        encoder = await here.encoder()
        note = await encoder.write_note()
        await encoder.write(CONTENTS)
        assert await encoder.terminate()
        assert here.chip.life_cycle is LifeCycle.TERMINATED
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.UNKNOWN
        await encoder.aclose()


async def test_what_another_encoder_says_of_a_writing_is_unknown(way: Way, ports: Path) -> None:
    async with encoding(way, ports) as here:
        encoder = await here.encoder()
        note = await encoder.write_note()
        await encoder.aclose()
    async with encoding(way, ports, "ENC-2") as here:
        encoder = await here.encoder()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.UNKNOWN
        await encoder.aclose()
