"""The encoder's driver against raw bytes: identity, writing, its evidence, ending a chip."""

import pytest

from drivers.chip_profile import profile_named
from drivers.errors import ChipMute, ChipRefused, NoCard, ReplyTimeout, WireClosed, WrongDevice
from drivers.identity import Identity
from drivers.outcome import Outcome
from tests.unit.drivers.encoder_peer import (
    CONTENTS,
    HANG_UP,
    NOTE,
    POWER_ON,
    TRANSFER,
    VECTORS,
    Chip,
    bench,
    carried_instruction,
    framed,
    instructions,
)


async def test_identity_opens_with_the_golden_frames() -> None:
    async with bench(Chip()) as (encoder, peer):
        assert await encoder.identify() == Identity(
            "encoder", "CCID serial reader", "ENC-0001", "GemTwin-V2.00-SIM"
        )
        assert peer.frames[0] == VECTORS["escape-get-firmware"]
        assert peer.frames[2][12:-1] == VECTORS["escape-sync-notify"][12:-1]


async def test_a_reader_without_serial_number_goes_by_its_firmware() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.serial_number = None
        identity = await encoder.identify()
    assert identity.serial_number == "GemTwin-V2.00-SIM"


async def test_one_refusal_does_not_change_who_the_reader_is() -> None:
    async with bench(Chip()) as (encoder, peer):

        def refuse_once(number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            if number:
                return chunks
            return [chunks[0], framed(bytes((3, 6, 0x83, 0, 0, 0, 0, 0, frame[8], 0x40, 0, 0)))]

        peer.mischief = refuse_once
        assert (await encoder.write_note())["serial_number"] == "ENC-0001"


async def test_another_machine_on_the_port_is_told() -> None:
    async with bench(Chip(), driver_echo=False) as (encoder, peer):
        peer.mischief = lambda _number, _frame, _chunks: [b"ERROR CDE\0"]
        with pytest.raises(WrongDevice):
            await encoder.identify()


async def test_silence_is_a_timeout_after_two_repeats() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.mischief = lambda _number, _frame, _chunks: []
        with pytest.raises(ReplyTimeout):
            await encoder.identify()
        assert len(peer.frames) == 3


async def test_presence_follows_the_slot_status() -> None:
    async with bench(Chip()) as (encoder, peer):
        assert await encoder.card_present()
        assert peer.frames[0][2:7] == VECTORS["get-slot-status"][2:7]
        peer.chip = None
        assert not await encoder.card_present()


@pytest.mark.parametrize("echo", [True, False])
async def test_a_written_chip_holds_the_contents_and_is_locked(*, echo: bool) -> None:
    chip = Chip()
    async with bench(chip, echo=echo, driver_echo=echo) as (encoder, peer):
        note = await encoder.write_note()
        assert note == {
            "serial_number": "ENC-0001",
            "chip_serial": "2299010203040506",
            "life_cycle": 3,
        }
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        assert not peer.powered
    assert {number: bytes(chip.files[number]) for number in (1, 2, 3, 4)} == CONTENTS.files
    assert bytes(chip.files[5]) == chip.serial + CONTENTS.card_serial
    assert chip.life_cycle == 5


async def test_the_card_serial_is_written_last_and_locking_ends_it() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, _peer):
        await encoder.write(CONTENTS)
    writes = [command for command in chip.commands if command[1] in (0xD6, 0x44)]
    assert writes[-1] == bytes.fromhex("00440000")
    assert writes[-2] == bytes.fromhex("00D6000810") + CONTENTS.card_serial
    first_read = instructions(chip).index(0xB0)
    assert instructions(chip)[:first_read].count(0xD6) == 14  # all files before any is read
    assert instructions(chip)[first_read:].count(0xD6) == 1


async def test_a_negotiable_chip_is_asked_for_t1() -> None:
    chip = Chip(atr=VECTORS["atr-negotiable"])
    async with bench(chip) as (encoder, peer):
        assert await encoder.chip_serial() == chip.serial
        pps = next(frame for frame in peer.frames if frame[2] == TRANSFER)
    assert pps[12:-1] == VECTORS["transfer-pps-t1"][12:-1]


async def test_a_chip_of_neither_protocol_is_mute_to_us() -> None:
    async with bench(Chip(atr=bytes.fromhex("3B 80 0E 8E"))) as (encoder, _peer):
        with pytest.raises(ChipMute):
            await encoder.chip_serial()


async def test_an_empty_field_is_no_card() -> None:
    async with bench(None) as (encoder, peer):
        for act in (encoder.write_note(), encoder.write(CONTENTS), encoder.chip_serial()):
            with pytest.raises(NoCard):
                await act
        assert [frame[9] for frame in peer.frames if frame[2] == POWER_ON] == [1, 1, 1]


async def test_a_mute_chip_is_tried_at_every_voltage() -> None:
    async with bench(Chip(mute=True)) as (encoder, peer):
        with pytest.raises(ChipMute):
            await encoder.write_note()
        assert [frame[9] for frame in peer.frames if frame[2] == POWER_ON] == [1, 2, 3]
        assert not await encoder.terminate()


async def test_a_refusal_carries_its_status_word_and_meaning_but_no_data() -> None:
    async with bench(Chip(refuse={0xD6: "6581"})) as (encoder, peer):
        with pytest.raises(ChipRefused) as caught:
            await encoder.write(CONTENTS)
        assert not peer.powered
    assert caught.value.facts["sw"] == "6581"
    assert "memory failure" in str(caught.value)
    assert "UPDATE BINARY" in str(caught.value)


async def test_a_chip_that_reads_back_otherwise_is_not_locked() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, _peer):

        def lose_a_byte(_number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            if carried_instruction(frame) == 0xB0:
                chip.files[2][700] = 0
            return chunks

        _peer.mischief = lose_a_byte
        with pytest.raises(ChipRefused) as caught:
            await encoder.write(CONTENTS)
    assert caught.value.facts["file"] == "0002"
    assert chip.life_cycle == 3
    assert bytes(chip.files[5][8:]) == bytes(16)


async def test_a_locked_chip_is_not_written() -> None:
    chip = Chip(life_cycle=5)
    async with bench(chip) as (encoder, _peer):
        with pytest.raises(ChipRefused) as caught:
            await encoder.write(CONTENTS)
    assert caught.value.facts["sw"] == "6985"
    assert 0xD6 not in instructions(chip)


# Evidence


async def judged(chip: Chip | None, **changed: str) -> Outcome:
    async with bench(chip) as (encoder, _peer):
        return await encoder.write_outcome({**NOTE, **changed}, CONTENTS)


def written_chip() -> Chip:
    chip = Chip(life_cycle=5)
    for number, data in CONTENTS.files.items():
        chip.files[number][:] = data
    chip.files[5][8:] = CONTENTS.card_serial
    return chip


async def test_an_untouched_chip_was_not_written() -> None:
    assert await judged(Chip()) is Outcome.NOT_DONE


async def test_a_partly_written_chip_is_not_done_and_a_new_session_completes_it() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):
        note = await encoder.write_note()

        def hang_up_in_file_2(_number: int, _frame: bytes, chunks: list[bytes]) -> list[bytes]:
            return HANG_UP if any(chip.files[2]) else chunks

        peer.mischief = hang_up_in_file_2
        with pytest.raises(WireClosed):
            await encoder.write(CONTENTS)
    assert bytes(chip.files[1]) == CONTENTS.files[1]
    async with bench(chip) as (encoder, _peer):
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE


async def test_a_hang_up_after_locking_is_done() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):
        note = await encoder.write_note()
        peer.mischief = lambda _number, _frame, chunks: HANG_UP if chip.life_cycle == 5 else chunks
        with pytest.raises(WireClosed):
            await encoder.write(CONTENTS)
    async with bench(chip) as (encoder, _peer):
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE


async def test_one_wrong_byte_on_a_locked_chip_is_unknown() -> None:
    for number, place in ((1, 0), (2, 1023), (3, 500), (4, 279), (5, 23)):
        chip = written_chip()
        chip.files[number][place] ^= 1
        assert await judged(chip) is Outcome.UNKNOWN, (number, place)
    assert await judged(written_chip()) is Outcome.DONE


async def test_anything_else_than_our_chip_on_our_encoder_is_unknown() -> None:
    assert await judged(written_chip(), serial_number="ENC-0002") is Outcome.UNKNOWN
    assert await judged(written_chip(), chip_serial="2299010203040507") is Outcome.UNKNOWN
    assert await judged(None) is Outcome.UNKNOWN
    assert await judged(Chip(mute=True)) is Outcome.UNKNOWN
    terminated = written_chip()
    terminated.life_cycle = 0x0C
    assert await judged(terminated) is Outcome.UNKNOWN
    unreadable = written_chip()
    unreadable.refuse[0xB0] = "6982"
    assert await judged(unreadable) is Outcome.UNKNOWN


async def test_without_evidence_there_is_no_outcome_but_an_error() -> None:
    async with bench(written_chip()) as (encoder, peer):
        peer.mischief = lambda _number, _frame, _chunks: []
        with pytest.raises(ReplyTimeout):
            await encoder.write_outcome({"serial_number": "ENC-0001"}, CONTENTS)


# Ending a chip


async def test_a_terminated_chip_is_confirmed_by_the_chip() -> None:
    chip = written_chip()
    async with bench(chip) as (encoder, _peer):
        assert await encoder.terminate()
        assert chip.life_cycle == 0x0C
        assert await encoder.terminate()
    assert instructions(chip).count(0xE6) == 1


async def test_a_chip_that_refuses_to_end_is_no_terminated_chip() -> None:
    async with bench(Chip(refuse={0xE6: "6982"})) as (encoder, _peer):
        with pytest.raises(ChipRefused):
            await encoder.terminate()


async def test_nothing_to_terminate_is_false() -> None:
    async with bench(None) as (encoder, _peer):
        assert not await encoder.terminate()


def test_unknown_profiles_are_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="rid2-plain"):
        profile_named("rid3")


def test_contents_are_never_shown() -> None:
    assert "files" not in repr(CONTENTS)
