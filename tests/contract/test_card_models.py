"""The driver against other models of card than the one that most centres have."""

import pytest

from drivers.errors import ChipMute
from drivers.outcome import Outcome
from simulators.floor import Contacts, LifeCycle
from tests.contract.test_chip_machines import CLEAN, CONTENTS, PROFILES, bench


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_card_of_both_protocols_is_written_in_short_blocks(profile: str) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = Contacts.T0_OR_T1
        encoder = here.encoder()
        note = await encoder.write_note()
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert here.chip.life_cycle is LifeCycle.OPERATIONAL
        files = {number: bytes(here.chip.files[number]) for number in CONTENTS.files}
        assert files == CONTENTS.files
        await encoder.aclose()


async def test_a_card_of_t0_alone_is_refused_and_stays_as_it_was() -> None:
    async with bench(1, CLEAN) as here:
        here.chip.contacts = Contacts.T0
        encoder = here.encoder()
        with pytest.raises(ChipMute, match="T=1"):
            await encoder.write_note()
        assert not any(here.chip.files[1])
        await encoder.aclose()
