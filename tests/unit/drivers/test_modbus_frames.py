"""Modbus frames and the master's dialogue, byte for byte."""

import asyncio

import pytest

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
)
from drivers.modbus import ATTEMPTS, ModbusMaster
from drivers.modbus_frames import (
    Answer,
    AnswerDecoder,
    Damage,
    Question,
    crc16,
    identification_question,
    read_question,
    write_register_question,
    write_registers_question,
)
from simulators.wire import memory_pair
from tests.unit.drivers.modbus_slave import (
    SILENCE,
    identification,
    registers,
    sealed,
    slave,
    vector,
)

STATE = "0A 04 00 00 00 06"
STATE_QUESTION = read_question(10, 4, 0, 6)
STATE_ANSWER = vector("transport-state-answer")
STATE_VALUES = (1, 7, 7, 0, 1, 0x86A0)


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("read-pv-status-sp", read_question(1, 3, 0x2000, 3)),
        ("write-set-point-125", write_register_question(1, 0x2103, 1250)),
        ("run", write_register_question(1, 0, 0x0100)),
        ("stop", write_register_question(1, 0, 0x0101)),
        ("communications-writing-on", write_register_question(1, 0, 1)),
        ("write-alarm-limits", write_registers_question(1, 0x2105, (0x03E8, 0xFC18))),
        ("write-four-byte-mode", write_registers_question(1, 0x010A, (0, 1000, 0xFFFF, 0xFC18))),
        ("laminator-state", read_question(3, 4, 0, 13)),
        ("laminate-12s-300kPa", write_registers_question(3, 0, (1, 12000, 300, 42))),
        ("eject", write_registers_question(3, 0, (2, 0, 0, 43))),
        ("laminator-sensors", read_question(3, 2, 0, 2)),
        ("transport-state", STATE_QUESTION),
        ("move-magazine-to-infeed-0", write_registers_question(10, 0, (1, 0, 1, 8))),
        ("move-to-reject-bin", write_registers_question(10, 0, (1, 4, 0x60, 65535))),
        ("read-serial-number", identification_question(10, 4, 0x80)),
        ("read-product-code", identification_question(10, 1, 0)),
        ("bin-count", read_question(10, 4, 0x11, 1)),
    ],
)
def test_requests_are_the_golden_bytes(name: str, question: Question) -> None:
    assert question.request == vector(name)


def test_crc_agrees_with_the_bitwise_rule() -> None:
    data = bytes(range(256))
    assert data + crc16(data) == sealed(data)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (STATE_QUESTION, "transport-state-answer"),
        (read_question(3, 2, 0, 2), "laminator-sensors-answer"),
        (write_registers_question(1, 0x2105, (1000, 0xFC18)), "write-alarm-limits-answer"),
        (write_registers_question(1, 0x010A, (0, 1, 2, 3)), "write-four-byte-mode-answer"),
        (write_registers_question(10, 0, (1, 0, 1, 8)), "move-answer"),
        (write_registers_question(3, 0, (1, 0, 1, 8)), "command-while-not-ready"),
        (identification_question(10, 4, 0x80), "read-serial-number-answer"),
    ],
)
def test_answers_are_found_whole_split_and_after_noise(question: Question, answer: str) -> None:
    frame = vector(answer)
    for noise in (b"", b"\x00", b"\x0a\x04", frame[:3]):
        whole, split = AnswerDecoder(), AnswerDecoder()
        for decoder in (whole, split):
            decoder.expect(question)
        assert whole.feed(noise + frame) == [Answer(frame[:-2])]
        found = [out for byte in noise + frame for out in split.feed(bytes((byte,)))]
        assert found == [Answer(frame[:-2])]
        assert whole.garbage_bytes == split.garbage_bytes == len(noise)


def test_an_exception_answer_carries_its_code() -> None:
    assert Answer(vector("command-while-not-ready")[:-2]).exception_code == 6
    assert Answer(STATE_ANSWER[:-2]).exception_code == 0


def test_bits_come_lowest_first() -> None:
    answer = Answer(bytes.fromhex("0A 02 02 05 02"))
    assert answer.bits(10) == (True, False, True, *[False] * 6, True)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(STATE_ANSWER[:-1] + bytes((STATE_ANSWER[-1] ^ 1,)), id="crc"),
        pytest.param(STATE_ANSWER[:5] + b"\xff" + STATE_ANSWER[6:], id="flipped"),
        pytest.param(registers(3, 4, *STATE_VALUES), id="slave"),
        pytest.param(registers(10, 3, *STATE_VALUES), id="function"),
        pytest.param(registers(10, 4, 1, 2), id="too short"),
        pytest.param(sealed("0A 90 06"), id="another function's refusal"),
        pytest.param(b"\x1bSe\r\0ERROR CDE\0", id="another protocol"),
    ],
)
async def test_a_bad_answer_is_damage_and_the_query_is_asked_again(bad: bytes) -> None:
    decoder = AnswerDecoder()
    decoder.expect(STATE_QUESTION)
    assert decoder.feed(bad) == [Damage()]
    assert decoder.garbage_bytes == len(bad)
    async with slave({STATE: [bad, bad, STATE_ANSWER]}) as (wire, peer):
        assert await ModbusMaster(wire, 1.0).read_input(10, 0, 6) == STATE_VALUES
        assert peer.count(STATE) == ATTEMPTS
        assert asyncio.get_running_loop().time() < 0.5
    async with slave({STATE: [bad]}) as (wire, peer):
        with pytest.raises(Garbled):
            await ModbusMaster(wire, 1.0).read_input(10, 0, 6)
        assert peer.count(STATE) == ATTEMPTS


async def test_the_rest_of_a_damaged_answer_is_not_taken_for_the_next() -> None:
    stranger = registers(11, 4, *STATE_VALUES)
    async with slave({STATE: [stranger, STATE_ANSWER]}, byte_by_byte=True) as (wire, peer):
        assert await ModbusMaster(wire, 1.0).read_input(10, 0, 6) == STATE_VALUES
        assert peer.count(STATE) == 2


async def test_noise_without_a_question_is_counted() -> None:
    decoder = AnswerDecoder()
    assert decoder.feed(b"hello") == []
    assert decoder.garbage_bytes == 5


async def test_one_byte_at_a_time_is_one_answer() -> None:
    async with slave({STATE: [STATE_ANSWER]}, byte_by_byte=True) as (wire, peer):
        assert await ModbusMaster(wire, 1.0).read_input(10, 0, 6) == STATE_VALUES
        assert peer.requests == [vector("transport-state")]


async def test_silence_is_asked_again_twice_and_then_reported() -> None:
    async with slave({STATE: [SILENCE]}) as (wire, peer):
        with pytest.raises(ReplyTimeout) as caught:
            await ModbusMaster(wire, 1.0).read_input(10, 0, 6)
        assert caught.value.facts == {"unit": 10, "function": 4, "waited_s": 1.0}
        assert peer.count(STATE) == ATTEMPTS
        assert 3.0 <= asyncio.get_running_loop().time() < 3.2


async def test_half_an_answer_is_damage() -> None:
    async with slave({STATE: [STATE_ANSWER[:9]]}) as (wire, _):
        with pytest.raises(Garbled):
            await ModbusMaster(wire, 1.0).read_input(10, 0, 6)


async def test_a_command_block_is_sent_once_whatever_comes_back() -> None:
    block = "0A 10 00 00 00 04 08 00 01 00 00 00 01 00 08"
    outcomes: list[tuple[bytes, type[DriverError]]] = [
        (SILENCE, ReplyTimeout),
        (vector("move-answer")[:-1] + b"\0", Garbled),
        (sealed("0A 10 00 00 00 03"), Garbled),
        (sealed("0A 90 06"), NotReady),
        (sealed("0A 90 02"), CommandRefused),
    ]
    for answer, error in outcomes:
        async with slave({block: [answer]}) as (wire, peer):
            with pytest.raises(error):
                await ModbusMaster(wire, 1.0).write_registers(10, 0, (1, 0, 1, 8))
            assert peer.requests == [vector("move-magazine-to-infeed-0")]


async def test_a_register_write_must_echo_its_value() -> None:
    async with slave({"01 06 21 03 04 E2": [sealed("01 06 21 03 04 E3")]}) as (wire, _):
        with pytest.raises(Garbled):
            await ModbusMaster(wire, 1.0).write_register(1, 0x2103, 1250)


async def test_an_exception_keeps_its_number_as_a_fact() -> None:
    async with slave({"01 06 21 03 04 E2": [sealed("01 86 04")]}) as (wire, peer):
        with pytest.raises(CommandRefused) as caught:
            await ModbusMaster(wire, 1.0).write_register(1, 0x2103, 1250)
        assert caught.value.facts == {"unit": 1, "modbus_exception": 4}
        assert len(peer.requests) == 1, "a refusal is an answer: it is not asked again"


async def test_a_late_answer_never_answers_the_next_question() -> None:
    """The first answer comes after its time-out, together with the second."""
    near, far = memory_pair()
    master = ModbusMaster(near, 1.0)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(master.read_input(10, 0, 1))
        await far.receive()
        await asyncio.sleep(1.5)
        await far.send(registers(10, 4, 1))
        assert await reading == (1,)
        await far.send(registers(10, 4, 1))
        other = group.create_task(master.read_input(10, 0x11, 1))
        await asyncio.sleep(0.1)
        assert (await far.receive()).endswith(vector("bin-count"))
        await far.send(registers(10, 4, 2))
        assert await other == (2,)


async def test_a_given_up_questions_answer_never_answers_the_next() -> None:
    near, far = memory_pair()
    master = ModbusMaster(near, 1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await master.read_input(10, 0, 1)
    await far.receive()
    await far.send(registers(10, 4, 1))
    async with asyncio.TaskGroup() as group:
        other = group.create_task(master.read_input(10, 0x11, 1))
        assert await far.receive() == vector("bin-count")
        await far.send(registers(10, 4, 2))
        assert await other == (2,)


async def test_a_hang_up_is_reported_at_once() -> None:
    near, far = memory_pair()
    await far.aclose()
    with pytest.raises(WireClosed):
        await ModbusMaster(near, 1.0).read_input(10, 0, 1)


async def test_a_babbling_machine_does_not_hold_us_for_ever() -> None:
    near, far = memory_pair()

    async def babble() -> None:
        try:
            while True:
                await far.send(b"\x55" * 8)
                await asyncio.sleep(0.01)
        except ConnectionError:
            return

    async with asyncio.TaskGroup() as group:
        group.create_task(babble())
        with pytest.raises(Garbled):
            await ModbusMaster(near, 1.0).read_input(10, 0, 1)
        assert asyncio.get_running_loop().time() < 5
        await near.aclose()


async def test_an_identification_may_come_in_parts() -> None:
    first = sealed(bytes.fromhex("0A 2B 0E 01 81 FF 02 01 01 05") + b"TRN-1")
    answers = {
        "0A 2B 0E 01 00": [first],
        "0A 2B 0E 01 02": [identification(10, 1, {2: b"1.4"})],
    }
    async with slave(answers) as (wire, _):
        found = await ModbusMaster(wire, 1.0).read_identification(10)
    assert found == {1: b"TRN-1", 2: b"1.4"}


async def test_an_identification_without_an_end_is_refused() -> None:
    endless = sealed(bytes.fromhex("0A 2B 0E 01 81 FF 00 01 01 01 41"))
    async with slave({"0A 2B 0E 01 00": [endless]}) as (wire, _):
        with pytest.raises(UnexpectedReply):
            await ModbusMaster(wire, 1.0).read_identification(10)


def test_an_identification_longer_than_any_frame_is_damage_at_once() -> None:
    decoder = AnswerDecoder()
    decoder.expect(identification_question(10, 4, 0x80))
    assert decoder.feed(bytes.fromhex("0A 2B 0E 04 83 00 00 01 80")) == []
    assert decoder.feed(b"\xff") == [Damage()]


async def test_another_object_than_asked_for_is_refused() -> None:
    answers = {"0A 2B 0E 04 80": [identification(10, 4, {1: b"TRN"})]}
    async with slave(answers) as (wire, _):
        with pytest.raises(UnexpectedReply):
            await ModbusMaster(wire, 1.0).read_identification_object(10, 0x80)


async def test_frames_keep_the_silence_between_them() -> None:
    async with slave({STATE: [STATE_ANSWER]}) as (wire, _):
        master, loop = ModbusMaster(wire, 1.0), asyncio.get_running_loop()
        await master.read_input(10, 0, 6)
        before_s = loop.time()
        await master.read_input(10, 0, 6)
        assert loop.time() - before_s == pytest.approx(0.00175)
