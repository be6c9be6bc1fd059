"""The encoder over a secure channel: what is written how, and whose fault wrong keys are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.chip_profile import profile_named
from drivers.encoder import ChipEncoder
from drivers.errors import ChipKeysRefused, ChipRefused, DriverError, Garbled
from drivers.outcome import Outcome
from drivers.scp03 import SessionKeys, derive_session_keys
from tests.unit.drivers.encoder_peer import CONTENTS, NOTE, bench, instructions
from tests.unit.drivers.secure_chip import RIGHTS_MISSING, SecureChip

PROFILE = profile_named("rid2")
OTHER_KEY = bytes(range(0x70, 0x80))
INITIALIZE, AUTHENTICATE, UPDATE, ACTIVATE, TERMINATE = 0x50, 0x82, 0xD6, 0x44, 0xE6


class Keys:
    """The keys of `SecureChip`, and a challenge that is never the same."""

    def __init__(self, enc: bytes = SecureChip.enc, mac: bytes = SecureChip.mac) -> None:
        self._enc, self._mac, self._drawn = enc, mac, 0

    def host_challenge(self) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(8, "big")

    async def session_keys(
        self, key_version: int, diversification: bytes, context: bytes
    ) -> SessionKeys:
        assert (key_version, diversification) == (0x30, bytes(10))
        return derive_session_keys(self._enc, self._mac, context)


@asynccontextmanager
async def encoding(chip: SecureChip, keys: Keys | None = None) -> AsyncIterator[ChipEncoder]:
    async with bench(chip, profile=PROFILE, keys=keys or Keys()) as (encoder, _):
        yield encoder


async def failure_of(chip: SecureChip, keys: Keys | None = None) -> DriverError:
    """Return how a writing fails."""
    async with encoding(chip, keys) as encoder:
        with pytest.raises(DriverError) as caught:
            await encoder.write(CONTENTS)
    return caught.value


async def test_everything_is_written_inside_the_channel_and_the_chip_is_locked() -> None:
    chip = SecureChip()
    async with encoding(chip) as encoder:
        note = await encoder.write_note()
        assert note == NOTE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
    assert chip.life_cycle == 5
    assert {number: bytes(chip.files[number]) for number in CONTENTS.files} == CONTENTS.files
    assert bytes(chip.files[5]) == chip.serial + CONTENTS.card_serial
    written = [command for command in chip.commands if command[1] in {UPDATE, ACTIVATE}]
    assert all(command[0] == 0x04 for command in written)
    assert max(len(command) for command in chip.commands) == 254


async def test_no_byte_of_the_contents_crosses_the_wire_in_the_clear_while_writing() -> None:
    chip = SecureChip()
    answers: list[bytes] = []

    def noted(answer: bytes) -> bytes:
        answers.append(answer)
        return answer

    chip.tamper = noted
    async with encoding(chip) as encoder:
        await encoder.write(CONTENTS)
    crossed = b"".join([*chip.commands, *answers])
    assert len(answers) > 20
    for piece in (CONTENTS.files[1][:8], CONTENTS.files[4][:8], CONTENTS.card_serial[:8]):
        assert piece not in crossed


async def test_an_interrupted_writing_is_judged_without_keys_and_completed_by_another() -> None:
    chip = SecureChip()
    cut = 12

    def fall_silent(answer: bytes) -> bytes:
        return b"\x6f\0" if len(chip.plain) == cut else answer

    chip.tamper = fall_silent
    async with encoding(chip) as encoder:
        note = await encoder.write_note()
        with pytest.raises(ChipRefused):
            await encoder.write(CONTENTS)
        asked = instructions(chip).count(INITIALIZE)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        assert instructions(chip).count(INITIALIZE) == asked
        cut = 0
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE


@pytest.mark.parametrize("written", [False, True])
async def test_a_chip_is_terminated_inside_the_channel(*, written: bool) -> None:
    chip = SecureChip()
    async with encoding(chip) as encoder:
        if written:
            await encoder.write(CONTENTS)
        assert await encoder.terminate()
        assert chip.life_cycle == 0x0C
        assert await encoder.terminate()
    assert [command[0] for command in chip.commands if command[1] == TERMINATE] == [0x04]


async def test_a_wrong_mac_key_is_found_before_the_chip_counts_it() -> None:
    chip = SecureChip()
    error = await failure_of(chip, Keys(mac=OTHER_KEY))
    assert isinstance(error, ChipKeysRefused)
    assert error.facts == {"key_version": "30"}
    assert AUTHENTICATE not in instructions(chip)
    assert chip.tries == 3


async def test_a_wrong_encryption_key_is_found_before_anything_is_written() -> None:
    chip = SecureChip()
    error = await failure_of(chip, Keys(enc=OTHER_KEY))
    assert isinstance(error, ChipKeysRefused)
    assert UPDATE not in instructions(chip)
    assert chip.tries == 3


@pytest.mark.parametrize("wrong", [{"mac": OTHER_KEY}, {"enc": OTHER_KEY}])
async def test_wrong_keys_do_not_pass_for_a_chip_that_cannot_be_ended(
    wrong: dict[str, bytes],
) -> None:
    chip = SecureChip()
    async with encoding(chip, Keys(**wrong)) as encoder:
        with pytest.raises(ChipKeysRefused):
            await encoder.terminate()
    assert TERMINATE not in instructions(chip)


async def test_a_key_version_that_the_chip_lacks_is_the_keys_fault() -> None:
    error = await failure_of(SecureChip(key_version=0x31))
    assert isinstance(error, ChipKeysRefused)
    assert error.facts == {"sw": "6A88", "key_version": "30"}


async def test_a_blocked_chip_is_the_chips_own_fault() -> None:
    error = await failure_of(SecureChip(tries=0))
    assert isinstance(error, ChipRefused)
    assert error.facts["sw"] == "6983"
    assert "blocked" in str(error)


@pytest.mark.parametrize("status_word", ["6300", "63C2", "6982", "6988"])
async def test_a_refused_proof_is_told_as_the_keys_fault_and_not_given_again(
    status_word: str,
) -> None:
    chip = SecureChip(tamper=lambda _answer: bytes.fromhex(status_word))
    error = await failure_of(chip)
    assert isinstance(error, ChipKeysRefused)
    assert instructions(chip).count(AUTHENTICATE) == 1


async def test_a_chip_that_breaks_inside_the_channel_is_at_fault_itself() -> None:
    chip = SecureChip()
    chip.tamper = lambda answer: answer if len(chip.plain) < 5 else RIGHTS_MISSING
    error = await failure_of(chip)
    assert isinstance(error, ChipRefused)
    assert error.facts["sw"] == "6982"


async def test_an_answer_that_was_changed_on_its_way_blames_the_wire() -> None:
    chip = SecureChip()
    chip.tamper = lambda answer: answer if len(chip.plain) < 9 else b"\0" * 8 + answer[-2:]
    assert isinstance(await failure_of(chip), Garbled)


async def test_no_failure_tells_a_key() -> None:
    keys = Keys(mac=OTHER_KEY)
    error = await failure_of(SecureChip(), keys)
    told = str(error) + repr(error.facts) + repr(error.__cause__)
    assert OTHER_KEY.hex() not in told
    assert SecureChip.mac.hex() not in told
