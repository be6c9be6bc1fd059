"""The encoder's driver when the wire, the reader or the chip fails in the middle."""

import asyncio

import pytest

from drivers.errors import (
    ChipMute,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
)
from tests.unit.drivers.encoder_peer import (
    CONTENTS,
    POWER_ON,
    TRANSFER,
    VECTORS,
    Chip,
    bench,
    carried_instruction,
    framed,
    instructions,
)


def spoilt(frame: bytes) -> bytes:
    return frame[:-1] + bytes((frame[-1] ^ 0x55,))


async def test_a_damaged_answer_is_refused_with_nak_and_sent_again() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):
        peer.mischief = lambda _number, frame, chunks: (
            chunks if frame[1] == 0x15 else [chunks[0], spoilt(chunks[1])]
        )
        await encoder.write(CONTENTS)
        naks = [frame for frame in peer.frames if frame[1] == 0x15]
    assert set(naks) == {VECTORS["nak"]}
    assert chip.life_cycle == 5
    assert instructions(chip).count(0x44) == 1


async def test_a_damaged_echo_alone_changes_nothing() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.mischief = lambda _number, _frame, chunks: [spoilt(chunks[0]), chunks[1]]
        await encoder.write(CONTENTS)
        assert not [frame for frame in peer.frames if frame[1] == 0x15]


async def test_endless_damage_is_garbled_and_bounded() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.mischief = lambda _number, _frame, chunks: [chunks[0], spoilt(chunks[1])]
        with pytest.raises(Garbled):
            await encoder.card_present()
        assert len(peer.frames) == 9


async def test_a_command_refused_with_nak_is_recovered_by_t1_not_by_resending_it() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):
        refused: list[bytes] = []

        def deaf_once(frame: bytes) -> bool:
            if carried_instruction(frame) == 0x44 and not refused:
                refused.append(frame)
                return True
            return False

        peer.deaf_to = deaf_once
        await encoder.write(CONTENTS)
        after = peer.frames[peer.frames.index(refused[0]) + 1 :]
    assert after[0][13] & 0xC0 == 0x80  # an R-block, upon which the chip asks for the command
    assert after[1][12:-1] == refused[0][12:-1]
    assert chip.life_cycle == 5
    assert instructions(chip).count(0x44) == 1


@pytest.mark.parametrize("instruction", [0xA4, 0xB0, 0xD6, 0x44])
async def test_a_lost_answer_is_fetched_without_repeating_the_command(instruction: int) -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):
        lost: list[bytes] = []

        def lose_one(_number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            if carried_instruction(frame) == instruction and not lost:
                lost.append(frame)
                return [chunks[0], chunks[1][:7]]
            return chunks

        peer.mischief = lose_one
        await encoder.write(CONTENTS)
        assert lost
    assert chip.life_cycle == 5
    clean = Chip()
    async with bench(clean) as (encoder, _peer):
        await encoder.write(CONTENTS)
    assert chip.commands == clean.commands


async def test_a_reader_that_falls_silent_while_writing_is_a_timeout_not_a_dead_chip() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.mischief = lambda _number, frame, chunks: (
            [] if carried_instruction(frame) == 0xD6 or frame[2] == TRANSFER else chunks
        )
        with pytest.raises(ReplyTimeout):
            await encoder.write(CONTENTS)


async def test_noise_between_answers_is_blamed_on_the_wire_not_on_the_chip() -> None:
    async with bench(Chip()) as (encoder, peer):
        nonsense = bytes((0, 0x1F, 0))

        def noise(_number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            is_r_block = frame[2] == TRANSFER and frame[13] & 0xC0 == 0x80
            if carried_instruction(frame) is None and not is_r_block:
                return chunks
            if len(peer.frames) % 2:
                return []
            head = bytes((3, 6, 0x80, 4, 0, 0, 0, 0, frame[8], 0, 0, 0))
            return [chunks[0], framed(head + framed(nonsense))]

        peer.mischief = noise
        with pytest.raises(ReplyTimeout):
            await encoder.chip_serial()


async def test_a_chip_that_dies_while_writing_is_mute() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):

        def die(_number: int, _frame: bytes, chunks: list[bytes]) -> list[bytes]:
            chip.mute = chip.mute or any(chip.files[2])
            return chunks

        peer.mischief = die
        with pytest.raises(ChipMute):
            await encoder.write(CONTENTS)


async def test_a_card_that_leaves_while_writing_is_no_card() -> None:
    chip = Chip()
    async with bench(chip) as (encoder, peer):

        def leave(_number: int, _frame: bytes, chunks: list[bytes]) -> list[bytes]:
            if any(chip.files[1]):
                peer.chip = None
            return chunks

        peer.mischief = leave
        with pytest.raises(NoCard):
            await encoder.write(CONTENTS)


async def test_notices_time_requests_and_late_answers_are_passed_over() -> None:
    async with bench(Chip()) as (encoder, peer):
        late = VECTORS["escape-firmware-answer"]

        def clutter(number: int, _frame: bytes, chunks: list[bytes]) -> list[bytes]:
            before = [b"\x50\x03", b"\x9c", b"\x9c"] + ([late] if number else [])
            return [b"\x50\x02", chunks[0], *before, chunks[1]]

        peer.mischief = clutter
        await encoder.write(CONTENTS)


async def test_a_time_request_restarts_the_timeout() -> None:
    async with bench(Chip()) as (encoder, peer):
        started = asyncio.get_running_loop().time()
        sent: list[bytes] = []

        def slow(_number: int, _frame: bytes, chunks: list[bytes]) -> list[bytes]:
            sent.extend(chunks)
            return []

        peer.mischief = slow
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(encoder.card_present())
            for _ in range(5):
                await asyncio.sleep(2.9)
                await peer.wire.send(b"\x80")
            await asyncio.sleep(2.9)
            await peer.wire.send(sent[-1])
        assert asked.result()
        assert asyncio.get_running_loop().time() - started == pytest.approx(17.4)
        assert len(peer.frames) == 1


async def test_a_ccid_time_extension_is_waited_for() -> None:
    async with bench(Chip()) as (encoder, peer):

        def extend(_number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            extension = bytes((3, 6, chunks[1][2], 0, 0, 0, 0, 0, frame[8], 0x80, 1, 0))
            return [chunks[0], framed(extension), framed(extension), chunks[1]]

        peer.mischief = extend
        await encoder.write(CONTENTS)


async def test_answers_in_single_bytes_and_behind_garbage_are_understood() -> None:
    async with bench(Chip()) as (encoder, peer):
        peer.mischief = lambda _number, _frame, chunks: [
            bytes((byte,)) for chunk in (b"\x00\x7f", *chunks) for byte in chunk
        ]
        assert await encoder.chip_serial() == bytes.fromhex("2299010203040506")


async def test_our_own_bytes_coming_back_where_no_echo_is_due_is_told() -> None:
    async with bench(Chip(), driver_echo=False) as (encoder, _peer):
        with pytest.raises(UnexpectedReply):
            await encoder.card_present()


@pytest.mark.parametrize(
    ("error", "raised"), [(0xFB, HardwareFault), (0xF8, ChipMute), (0xE0, NotReady)]
)
async def test_slot_errors_say_what_must_happen_next(error: int, raised: type[DriverError]) -> None:
    async with bench(Chip()) as (encoder, peer):

        def fail(_number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            if frame[2] != POWER_ON:
                return chunks
            failed = bytes((3, 6, 0x80, 0, 0, 0, 0, 0, frame[8], 0x41, error, 0))
            return [chunks[0], framed(failed)]

        peer.mischief = fail
        with pytest.raises(raised):
            await encoder.chip_serial()


async def test_a_slot_busy_with_an_earlier_command_is_waited_for() -> None:
    async with bench(Chip()) as (encoder, peer):

        def busy_at_first(number: int, frame: bytes, chunks: list[bytes]) -> list[bytes]:
            failed = bytes((3, 6, 0x80, 0, 0, 0, 0, 0, frame[8], 0x40, 0xE0, 0))
            return [chunks[0], framed(failed)] if number < 4 else chunks

        peer.mischief = busy_at_first
        assert await encoder.chip_serial()
