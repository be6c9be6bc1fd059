"""The chip's text block, held to the golden block of the read-back protocol's documents."""

from datetime import date
from hashlib import sha256
from random import Random

import pytest

from jobs.application import application_of
from jobs.chip_text import LAYOUT, SIZE_BYTES, chip_text, compare, decode, encode
from jobs.package_maker import PackagePlan, invented_records

#: The standard's own invented person.
GOLDEN = {
    "xm": "张三",
    "xbdm": "2",
    "mzdm": "01",
    "csrq": "19491231",
    "dzmc": "北京市朝阳区示例路1号",
    "gmsfhm": "11010519491231002X",
    "qfjgmc": "北京市公安局朝阳分局",
    "yxqqsrq": "20060301",
    "yxqjzrq": "长期",
}
GOLDEN_SHA256 = "23719a5410ea26dd3388f114e43e0dd1d10b69bf9817976caae0c842f3f77dfb"


def test_the_golden_block_comes_out_byte_for_byte() -> None:
    block = encode(GOLDEN)
    assert (len(block), block[:2].hex()) == (SIZE_BYTES, "205f")
    assert sha256(block).hexdigest() == GOLDEN_SHA256


def test_the_golden_block_comes_from_an_application() -> None:
    record = next(invented_records(Random(1), PackagePlan(count=1, day=date(2006, 3, 1))))
    block = chip_text(application_of(record | GOLDEN))
    assert sha256(block).hexdigest() == GOLDEN_SHA256


def test_a_dated_end_stands_as_eight_digits() -> None:
    record = next(invented_records(Random(1), PackagePlan(count=1, day=date(2006, 3, 1))))
    block = chip_text(application_of(record | {"yxqjzrq": "20160301"}))
    assert block[204:220].decode("utf-16-le") == "20160301"


def test_a_block_says_what_was_written() -> None:
    assert decode(encode(GOLDEN)) == GOLDEN | {"reserved": ""}


@pytest.mark.parametrize("block", [b"", b"\xff" * 256, b"\x00\xd8" * 128, encode(GOLDEN)[:-31]])
def test_any_bytes_read_from_a_card_decode(block: bytes) -> None:
    assert list(decode(block)) == [identifier for identifier, _ in LAYOUT]


def test_every_byte_that_differs_is_found_in_its_field() -> None:
    expected = encode(GOLDEN)
    starts = {"xm": 0, "xbdm": 30, "mzdm": 32, "csrq": 36, "dzmc": 52, "gmsfhm": 122,
              "qfjgmc": 158, "yxqqsrq": 188, "yxqjzrq": 204, "reserved": 220}  # fmt: skip
    for place in range(SIZE_BYTES):
        read = bytearray(expected)
        read[place] ^= 1
        field = max((start, name) for name, start in starts.items() if start <= place)[1]
        assert compare(expected, bytes(read)) == (field,)


def test_a_stranger_differs_in_many_fields_and_no_value_is_told() -> None:
    stranger = encode(GOLDEN | {"xm": "测试甲子", "gmsfhm": "229901196001010019"})
    assert compare(encode(GOLDEN), stranger) == ("xm", "gmsfhm")


def test_a_block_of_another_length_never_equals() -> None:
    expected = encode(GOLDEN)
    assert compare(expected, expected) == ()
    assert compare(expected, expected + b"\0") == ("length",)
    assert compare(expected, expected[:-1]) == ("reserved", "length")


def test_a_text_too_wide_for_the_chip_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        encode({"xm": "测" * 16})
