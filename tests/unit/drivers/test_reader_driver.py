"""The read-back reader's driver against raw bytes: a whole reading and everything that fails."""

import hashlib
from functools import reduce
from itertools import pairwise
from operator import xor

import pytest

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    ReadFailed,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
    WrongDevice,
)
from drivers.identity import Identity
from tests.unit.drivers.reader_peer import (
    GOLDEN_BASE,
    PHOTO,
    VECTORS,
    bench,
    golden_base_frame,
    golden_text,
    instead,
)


def test_the_golden_base_frame_of_this_test_is_the_documents() -> None:
    frame = golden_base_frame()
    assert len(frame) == GOLDEN_BASE["length_bytes"]
    assert hashlib.sha256(golden_text()).hexdigest() == GOLDEN_BASE["text_sha256"]
    assert hashlib.sha256(frame).hexdigest() == GOLDEN_BASE["frame_sha256"]
    assert frame.startswith(VECTORS["base-answer-begin"])


async def test_a_card_is_found_selected_and_read_in_order() -> None:
    async with bench() as (reader, peer):
        card = await reader.read_card()
        assert peer.requests == ["status", "find", "select", "read-base", "read-management"]
    assert card.text == golden_text()
    assert card.photo == PHOTO
    assert card.chip_serial == bytes(range(0x11, 0x19))
    assert card.card_serial == bytes(range(0x21, 0x31))
    assert "text" not in repr(card)
    assert "photo" not in repr(card)


async def test_identity_is_the_security_module() -> None:
    async with bench() as (reader, _peer):
        assert await reader.identify() == Identity(
            "reader", "SDT read-back reader", "05.01-20100823-0000123456-1234567890", ""
        )


async def test_answers_in_single_bytes_behind_garbage_are_understood() -> None:
    async with bench(
        lambda _name, _count, answer: [bytes((byte,)) for byte in b"\xaa\x00\xaa" + answer]
    ) as (reader, _peer):
        assert (await reader.read_card()).text == golden_text()


async def test_no_card_is_looked_for_again_at_leisure_and_then_told() -> None:
    async with bench(instead("find", "error-80")) as (reader, peer):
        with pytest.raises(NoCard):
            await reader.read_card()
        times_s = zip(peer.times_s, peer.requests, strict=True)
        finds = [at_s for at_s, name in times_s if name == "find"]
        pauses = [later - earlier for earlier, later in pairwise(finds)]
    assert len(finds) == 5
    assert min(pauses) >= 0.3 - 1e-9


async def test_a_card_that_comes_late_is_found() -> None:
    async with bench(instead("find", "error-80", "error-80", "found")) as (reader, _peer):
        assert (await reader.read_card()).photo == PHOTO


async def test_selecting_is_tried_twice() -> None:
    async with bench(instead("select", "error-81", "selected")) as (reader, _peer):
        assert (await reader.read_card()).photo == PHOTO
    async with bench(instead("select", "error-81")) as (reader, peer):
        with pytest.raises(ReadFailed) as caught:
            await reader.read_card()
        assert peer.requests.count("select") == 2
    assert caught.value.facts["code"] == "81"


@pytest.mark.parametrize("code", ["24", "31", "32", "33", "37", "3F", "40", "41", "47"])
async def test_a_reading_that_fails_carries_the_module_s_code(code: str) -> None:
    async with bench(instead("read-base", f"error-{code}")) as (reader, peer):
        with pytest.raises(ReadFailed) as caught:
            await reader.read_card()
        assert peer.requests.count("read-base") == 1
    assert caught.value.facts["code"] == code


async def test_the_cards_own_words_are_facts_of_the_failure() -> None:
    async with bench(instead("read-base", "error-41-with-card-words")) as (reader, _peer):
        with pytest.raises(ReadFailed) as caught:
            await reader.read_card()
    assert caught.value.facts["card_words"] == "6A82"


@pytest.mark.parametrize(
    ("vector", "raised"),
    [
        ("error-60", HardwareFault),
        ("error-66", HardwareFault),
        ("error-21", CommandRefused),
        ("error-23", CommandRefused),
        ("error-10", Garbled),
        ("error-11", Garbled),
    ],
)
async def test_a_module_that_takes_no_command_is_told(
    vector: str, raised: type[DriverError]
) -> None:
    async with bench(instead("status", vector)) as (reader, _peer):
        with pytest.raises(raised) as caught:
            await reader.read_card()
    assert caught.value.facts["code"] == vector[-2:]


CODES = [name[-2:] for name in VECTORS if name.startswith("error-") and len(name) == 8]


def test_every_code_of_the_document_has_a_golden_frame() -> None:
    listed = "10 11 21 23 24 31 32 33 37 3F 40 41 47 60 66 80 81 91"
    assert sorted(CODES) == listed.split()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("request_", ["status", "sam-id"])
async def test_no_answer_about_the_reader_itself_blames_a_card(request_: str, code: str) -> None:
    async with bench(instead(request_, f"error-{code}")) as (reader, _peer):
        with pytest.raises(DriverError) as caught:
            await (reader.identify() if request_ == "sam-id" else reader.read_card())
    assert not isinstance(caught.value, (ReadFailed, NoCard))


async def test_a_request_that_arrived_damaged_is_asked_again() -> None:
    async with bench(instead("select", "error-10", "error-11", "selected")) as (reader, _peer):
        assert (await reader.read_card()).photo == PHOTO


@pytest.mark.parametrize("vector", ["error-91", "error-21", "error-24"])
async def test_without_a_management_number_the_rest_is_read(vector: str) -> None:
    async with bench(instead("read-management", vector)) as (reader, _peer):
        card = await reader.read_card()
    assert (card.chip_serial, card.card_serial) == (None, None)
    assert card.text == golden_text()


@pytest.mark.parametrize("request_", ["status", "find", "select", "read-base", "read-management"])
async def test_a_damaged_answer_is_asked_for_again(request_: str) -> None:
    def damage(name: str, count: int, answer: bytes) -> list[bytes]:
        bad = answer[:-3] + bytes((answer[-3] ^ 8,)) + answer[-2:]
        return [bad if name == request_ and count == 0 else answer]

    async with bench(damage) as (reader, peer):
        assert (await reader.read_card()).text == golden_text()
        assert peer.requests.count(request_) == 2


async def test_a_step_refused_as_out_of_order_after_a_lost_answer_is_a_failed_reading() -> None:
    def lose_then_refuse(name: str, count: int, answer: bytes) -> list[bytes]:
        if name != "select":
            return [answer]
        return [] if count == 0 else [VECTORS["error-23"]]

    async with bench(lose_then_refuse) as (reader, _peer):
        with pytest.raises(ReadFailed) as caught:
            await reader.read_card()
    assert caught.value.facts["code"] == "23"


async def test_endless_damage_is_garbled_and_bounded() -> None:
    async with bench(lambda _name, _count, answer: [answer[:-1] + b"\x77"]) as (reader, peer):
        with pytest.raises(Garbled):
            await reader.read_card()
        assert len(peer.requests) == 3


async def test_half_a_frame_and_the_broken_timeout_answer_are_asked_again() -> None:
    def half_then_broken(name: str, count: int, answer: bytes) -> list[bytes]:
        if name != "read-base" or count > 1:
            return [answer]
        return [answer[:700]] if count == 0 else [VECTORS["broken-timeout-answer"]]

    async with bench(half_then_broken) as (reader, peer):
        assert (await reader.read_card()).text == golden_text()
        assert peer.requests.count("read-base") == 3


async def test_silence_is_a_timeout_after_two_repeats() -> None:
    async with bench(lambda _name, _count, _answer: []) as (reader, peer):
        with pytest.raises(ReplyTimeout):
            await reader.identify()
        assert len(peer.requests) == 3


async def test_a_doubled_answer_does_not_pass_for_the_next_one() -> None:
    async with bench(lambda _name, _count, answer: [answer, answer]) as (reader, _peer):
        assert (await reader.read_card()).text == golden_text()


async def test_a_late_answer_to_another_request_is_passed_over() -> None:
    def late(name: str, _count: int, answer: bytes) -> list[bytes]:
        return [VECTORS["found"], answer] if name == "select" else [answer]

    async with bench(late) as (reader, _peer):
        assert (await reader.read_card()).text == golden_text()


async def test_answers_to_other_requests_only_are_unexpected() -> None:
    def wrong(name: str, _count: int, answer: bytes) -> list[bytes]:
        return [VECTORS["found"]] * 4 if name == "select" else [answer]

    async with bench(wrong) as (reader, _peer):
        with pytest.raises(UnexpectedReply):
            await reader.read_card()


async def test_a_base_answer_with_other_lengths_inside_is_refused() -> None:
    def lie(name: str, _count: int, answer: bytes) -> list[bytes]:
        if name != "read-base":
            return [answer]
        body = answer[5:10] + bytes.fromhex("00FF0401") + answer[14:-1]
        return [answer[:5] + body + bytes((reduce(xor, body),))]

    async with bench(lie) as (reader, _peer):
        with pytest.raises(ReadFailed):
            await reader.read_card()


async def test_another_machine_on_the_port_is_told() -> None:
    async with bench(lambda _name, _count, _answer: [b"OK V1.02\0"]) as (reader, _peer):
        with pytest.raises(WrongDevice):
            await reader.identify()


async def test_a_hang_up_in_the_middle_of_a_frame_is_told() -> None:
    def hang_up(name: str, _count: int, answer: bytes) -> list[bytes]:
        return [answer[:600], b""] if name == "read-base" else [answer]

    async with bench(hang_up) as (reader, _peer):
        with pytest.raises(WireClosed):
            await reader.read_card()
