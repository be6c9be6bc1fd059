"""The slave's framing, at the bytes: halves, garbage, strangers, and requests no unit knows."""

from random import Random

import pytest

from simulators.machine import Pace
from simulators.modbus_frames import RequestDecoder, crc16
from simulators.transport import SimulatedTransport, TransportSettings
from tests.unit.simulators.modbus_bench import connected, golden, stocked_floor, with_crc

GOLDEN = golden()
REQUESTS = [name for name, frame in GOLDEN.items() if crc16(frame[:-2]) == frame[-2:]]
ASK_STATE = GOLDEN["transport-state"]
NEW = GOLDEN["transport-new"]


def _transport() -> SimulatedTransport:
    pace = Pace(Random(1))
    return SimulatedTransport(stocked_floor(3), 4, 2, pace, TransportSettings(), "TRN00017")


def test_the_crc_is_that_of_every_golden_frame() -> None:
    assert len(REQUESTS) == len(GOLDEN) > 40


async def test_a_request_may_come_one_byte_at_a_time() -> None:
    async with connected(_transport()) as master:
        for byte in ASK_STATE[:-1]:
            assert await master.ask(bytes((byte,))) == b""
        assert await master.ask(ASK_STATE[-1:]) == NEW


async def test_requests_may_come_joined() -> None:
    async with connected(_transport()) as master:
        assert await master.ask(ASK_STATE + ASK_STATE) == NEW + NEW


async def test_a_request_for_another_unit_or_for_all_is_not_answered() -> None:
    transport = _transport()
    async with connected(transport) as master:
        assert await master.ask(with_crc(b"\x0b" + ASK_STATE[1:-2])) == b""
        assert await master.ask(with_crc(b"\x00" + GOLDEN["transport-home-1"][1:-2])) == b""
        assert await master.ask(ASK_STATE) == NEW
    assert transport.drawn() == []


async def test_a_damaged_request_is_not_answered_and_does_not_hide_the_next() -> None:
    async with connected(_transport()) as master:
        for place in range(len(ASK_STATE)):
            damaged = bytearray(ASK_STATE)
            damaged[place] ^= 0x10
            assert await master.ask(bytes(damaged)) == b""
            assert await master.ask(ASK_STATE) == NEW


@pytest.mark.parametrize("cut", range(1, 17))
async def test_half_a_command_block_does_not_hide_the_next_request(cut: int) -> None:
    async with connected(_transport()) as master:
        assert await master.ask(GOLDEN["transport-home-1"][:cut]) == b""
        assert await master.ask(ASK_STATE) == NEW


async def test_garbage_of_all_sizes_does_not_hide_a_request() -> None:
    random = Random(20050901)
    async with connected(_transport()) as master:
        for _ in range(300):
            garbage = random.randbytes(random.randrange(1, 60))
            assert await master.ask(garbage + ASK_STATE) == NEW


def test_garbage_is_counted_and_bounded() -> None:
    decoder = RequestDecoder()
    assert decoder.feed(bytes((3, 16, 0, 0, 0, 4, 255)) + bytes(400)) == []
    assert decoder.garbage_bytes > 150
    assert decoder.feed(ASK_STATE) == [ASK_STATE]
    assert decoder.garbage_bytes == 407


async def test_well_framed_nonsense_is_refused_and_harms_nothing() -> None:
    """Any body behind a good CRC gets silence or one well-formed answer; the machine lives."""
    random = Random(7)
    codes = set()
    async with connected(_transport()) as master:
        for _ in range(2000):
            function = random.choice((2, 3, 4, 6, 8, 16, 43, random.randrange(1, 128)))
            length = random.choice((2, 3, 4, 5, 9, 13))
            likely = bytes(random.choices((0, 1, 2, 3, 4, 8, 14, 255), k=length))
            body = bytes((10, function)) + random.choice((likely, random.randbytes(length)))
            answer = await master.ask(with_crc(body))
            if answer:
                assert with_crc(answer[:-2]) == answer
                codes.add(answer[2] if answer[1] & 0x80 else 0)
    assert codes >= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("request_body", "answer_body"),
    [
        ("0A 01 00 00 00 01", "0A 81 01"),  # coils: no such function here
        ("0A 05 00 00 FF 00", "0A 85 01"),
        ("0A 41 00 00", "0A C1 01"),  # a function that nobody knows
        ("0A 2B 0D 00 00", "0A AB 01"),  # another encapsulated interface
        ("0A 2B 0E 05 00", "0A AB 03"),  # no such read code
        ("0A 2B 0E 04 81", "0A AB 02"),  # no such object
        ("0A 04 00 00 00 00", "0A 84 03"),  # no registers
        ("0A 04 00 00 00 7E", "0A 84 03"),  # more than 125
        ("0A 04 00 00 00 07", "0A 84 02"),  # past the end
        ("0A 04 00 06 00 01", "0A 84 02"),
        ("0A 02 00 00 07 D1", "0A 82 03"),
        ("0A 02 00 09 00 01", "0A 82 02"),
        ("0A 10 00 00 00 02 03 00 01 00", "0A 90 03"),  # byte count against count
        ("0A 10 00 01 00 04 08 00 01 00 01 00 01 00 01", "0A 90 02"),  # past the block
        ("0A 06 00 04 00 01", "0A 86 02"),
        ("0A 08 00 00 12 34", "0A 08 00 00 12 34"),  # diagnostics: return query data
        ("0A 03 00 00 00 04", "0A 03 08 00 00 00 00 00 00 00 00"),
    ],
)
async def test_requests_are_refused_as_the_specification_says(
    request_body: str, answer_body: str
) -> None:
    async with connected(_transport()) as master:
        answer = await master.ask(with_crc(bytes.fromhex(request_body)))
        assert answer == with_crc(bytes.fromhex(answer_body))
