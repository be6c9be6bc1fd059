"""The driver against other models of card than the one that most centres have."""

from dataclasses import replace

import pytest

from drivers.encoder import ChipEncoder
from drivers.errors import ChipMute, ChipRefused, DriverError, Garbled, ReplyTimeout
from drivers.outcome import Outcome
from simulators.faults import WireFaults
from simulators.floor import ChipHealth, Contacts, LifeCycle
from simulators.t0_card import T0Card
from tests.contract.test_chip_machines import (
    CLEAN,
    CONTENTS,
    PROFILES,
    TRIES_MAX,
    Bench,
    bench,
    holds_what_was_ordered,
    write_until_locked,
)
from tests.contract.ways import until
from tests.seeds import seeds

#: T=0 has no repeats of its own: in a secure channel every fault costs the session.
NOISY = WireFaults(loss=0.004, split=0.1, delay=0.05, repeat=0.004, corrupt=0.004, hang_up=0.002)
ONLY_REPEATS = WireFaults(repeat=0.05)
#: Longer than the driver waits for a chip, and than it takes to write one.
TOO_LONG_S = 60.0


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("contacts", [Contacts.T0, Contacts.T0_OR_T1])
async def test_a_card_is_written_locked_judged_and_ended(contacts: Contacts, profile: str) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = contacts
        encoder = here.encoder()
        note = await encoder.write_note()
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert holds_what_was_ordered(here)
        assert await encoder.terminate()
        assert here.chip.life_cycle is LifeCycle.TERMINATED
        await encoder.aclose()


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_profile_of_short_steps_is_read_from_a_card_that_is_not_told_how_much(
    profile: str,
) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = Contacts.T0
        here.profile = replace(here.profile, data_bytes_max=100)
        encoder = here.encoder()
        await encoder.write(CONTENTS)
        assert holds_what_was_ordered(here)
        await encoder.aclose()


async def being_written(here: Bench) -> T0Card:
    """Return the card's end of T=0 once its first file has been written."""
    await until(lambda: any(here.chip.files[1]), TOO_LONG_S)
    assert here.encoding.powered_card is not None
    return here.encoding.powered_card.characters


async def failure(encoder: ChipEncoder) -> DriverError | None:
    try:
        await encoder.write(CONTENTS)
    except DriverError as error:
        return error
    return None


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_card_of_t0_that_takes_each_byte_by_itself_is_written(profile: str) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = Contacts.T0
        encoder = here.encoder()
        writing = here.group.create_task(encoder.write(CONTENTS))
        characters = await being_written(here)
        characters.byte_by_byte = True
        characters.nulls_before_next = 3
        await writing
        assert holds_what_was_ordered(here)
        await encoder.aclose()


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_card_of_t0_that_breaks_its_protocol_is_mute_and_not_done(profile: str) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = Contacts.T0
        encoder = here.encoder()
        note = await encoder.write_note()
        writing = here.group.create_task(failure(encoder))
        (await being_written(here)).wrong_procedure_bytes = 1
        error = await writing
        assert isinstance(error, ChipMute)
        assert "procedure byte" in str(error)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert holds_what_was_ordered(here)
        await encoder.aclose()


@pytest.mark.parametrize(("profile", "done"), [("rid2-plain", True), ("rid2", False)])
async def test_after_an_answer_is_lost_over_t0_only_what_may_be_done_twice_goes_on(
    profile: str, *, done: bool
) -> None:
    async with bench(1, CLEAN, profile) as here:
        here.chip.contacts = Contacts.T0
        encoder = here.encoder()
        note = await encoder.write_note()
        writing = here.group.create_task(failure(encoder))
        await being_written(here)
        here.encoding.answers_to_swallow = 1
        error = await writing
        # A secured command is never sent again: its counter has gone on, here or in the chip.
        assert isinstance(error, type(None) if done else ReplyTimeout)
        expected = Outcome.DONE if done else Outcome.NOT_DONE
        assert await encoder.write_outcome(note, CONTENTS) is expected
        assert holds_what_was_ordered(here) is done
        await encoder.aclose()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", seeds(4, 8))
async def test_over_t0_on_a_bad_wire_every_outcome_is_the_floor_s_truth(
    seed: int, profile: str
) -> None:
    async with bench(seed, NOISY, profile) as here:
        here.chip.contacts = Contacts.T0
        await write_until_locked(here)
        assert holds_what_was_ordered(here)


@pytest.mark.parametrize("seed", range(4))
async def test_over_t0_a_wire_that_repeats_commands_is_blamed_and_not_the_chip(seed: int) -> None:
    async with bench(seed, ONLY_REPEATS) as here:
        here.chip.contacts = Contacts.T0
        encoder = here.encoder()
        errors = []
        while here.chip.life_cycle is LifeCycle.PERSONALISATION:
            errors.append(await failure(encoder))
            assert len(errors) < TRIES_MAX
        assert holds_what_was_ordered(here)
        assert {type(error) for error in errors if error is not None} == {Garbled}
        await encoder.aclose()


async def test_over_t0_a_chip_that_refuses_is_still_blamed_on_a_good_wire() -> None:
    async with bench(1, CLEAN) as here:
        here.chip.contacts = Contacts.T0
        here.chip.health = ChipHealth.FAILS_ON_WRITE
        encoder = here.encoder()
        error = await failure(encoder)
        assert isinstance(error, ChipRefused)
        assert error.facts["sw"] == "6581"
        assert here.chip.life_cycle is LifeCycle.PERSONALISATION
        await encoder.aclose()
