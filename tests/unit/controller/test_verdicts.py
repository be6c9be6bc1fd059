"""The verdict on a card that was read back: good, differing in fields, or somebody else's."""

from dataclasses import replace

import pytest

from controller.verdicts import judge_read_back
from drivers.chip_profile import ChipContents
from drivers.reader import ReadBack
from jobs.chip_text import encode
from jobs.rows import Card
from jobs.states import CardState

PERSON = {
    "xm": "测试甲子",
    "xbdm": "1",
    "mzdm": "01",
    "csrq": "19600101",
    "dzmc": "吉林省虚构县样例村1组1号",
    "gmsfhm": "229901196001010019",
    "qfjgmc": "虚构县公安局",
    "yxqqsrq": "20050901",
    "yxqjzrq": "长期",
}
OTHER = PERSON | {"xm": "测试乙丑", "gmsfhm": "229901196001010027", "xbdm": "2"}
CHIP, SERIAL, PHOTO = bytes(range(8)), bytes(16), bytes(1024)
CARD = Card("C-1", "O-1", 1, "line-1", CardState.ENCODED, "reader-1 infeed", 0, CHIP.hex())
EXPECTED = ChipContents({1: encode(PERSON), 2: PHOTO, 3: b"", 4: b""}, SERIAL)
GOOD = ReadBack(encode(PERSON), PHOTO, CHIP, SERIAL)


def test_a_card_that_says_what_was_ordered_is_verified() -> None:
    assert judge_read_back(CARD, EXPECTED, GOOD) == {"trigger": "verify"}
    silent = replace(GOOD, chip_serial=None, card_serial=None)
    assert judge_read_back(CARD, EXPECTED, silent) == {"trigger": "verify"}


@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (replace(GOOD, text=encode(PERSON | {"dzmc": "别处"})), "dzmc"),
        (replace(GOOD, text=encode(PERSON | {"xm": "测试甲丑"})), "xm"),
        (
            replace(GOOD, text=encode(PERSON | {"mzdm": "11", "yxqjzrq": "20150901"})),
            "mzdm, yxqjzrq",
        ),
        (replace(GOOD, photo=b"\x01" + PHOTO[1:]), "photo"),
        (replace(GOOD, photo=b""), "photo"),
        (replace(GOOD, card_serial=b"\x01" * 16), "card serial"),
    ],
)
def test_a_difference_condemns_the_card_and_names_fields_only(read: ReadBack, fields: str) -> None:
    finish = judge_read_back(CARD, EXPECTED, read)
    assert finish == {"reason": f"read-back differs: {fields}"}


@pytest.mark.parametrize("empty", [bytes(256), b"\xff" * 256])
def test_an_empty_chip_is_a_bad_card_and_no_stranger_s(empty: bytes) -> None:
    finish = judge_read_back(CARD, EXPECTED, replace(GOOD, text=empty))
    assert "stranger" not in finish
    assert "gmsfhm" in finish["reason"]


@pytest.mark.parametrize(
    "read",
    [
        replace(GOOD, text=encode(OTHER)),
        replace(GOOD, text=encode(OTHER), chip_serial=None),
        replace(GOOD, chip_serial=b"\x09" * 8),
    ],
)
def test_another_person_or_another_chip_is_a_stranger_s_and_doubtful(read: ReadBack) -> None:
    finish = judge_read_back(CARD, EXPECTED, read)
    assert finish["stranger"] is True
    assert finish["trigger"] == "doubt"
    assert finish["reason"].startswith("stranger's data: ")
    assert not any(text in finish["reason"] for text in (*PERSON.values(), *OTHER.values())
                   if len(text) > 2)  # fmt: skip


def test_a_foreigner_s_card_is_a_stranger_s_and_doubtful() -> None:
    """Its text is laid out otherwise, so that hardly a field is what was ordered."""
    fields = (("SPECIMEN", 60), ("1", 1), ("XXX229901010109", 15), ("XXX", 3), ("无名氏", 15),
              ("20050901", 8), ("20150901", 8), ("19600101", 8), ("01", 2), ("1500", 4),
              ("I", 1), ("", 3))  # fmt: skip
    text = "".join(value.ljust(width) for value, width in fields).encode("utf-16-le")
    read = replace(GOOD, text=text)
    assert (len(text), text[248:250], read.is_a_citizens) == (256, b"I\0", False)
    assert GOOD.is_a_citizens
    finish = judge_read_back(CARD, EXPECTED, read)
    assert (finish["stranger"], finish["trigger"]) == (True, "doubt")
