import csv
import io
import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from jobs.boxes import (
    BatchReceipt,
    MadeCard,
    ManifestRow,
    RejectedApplication,
    batch_receipt_json,
    batch_receipt_xml,
    box_manifest_csv,
    box_manifest_json,
    told,
)
from jobs.reasons import NAME, NO_GLYPH, NUMBER, Reason
from jobs.rows import Box, BoxState

SCHEMA = etree.XMLSchema(file=str(Path(__file__).parents[3] / "jobs" / "receipt.xsd"))


def us(*moment: int) -> int:
    """Microseconds of a moment told in UTC."""
    year, month, day, hour, minute, second = moment
    there = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return int(there.timestamp()) * 1_000_000


#: 2005-09-01 17:59:59.999999 in UTC is the second of September in China.
LATE = us(2005, 9, 1, 17, 59, 59) + 999_999

BOX = Box(
    id="X-00007",
    batch="B-00001",
    county="229901",
    line="line1",
    tray="tray 0",
    state=BoxState.SEALED,
    opened_us=us(2005, 9, 1, 1, 0, 0),
    cards=2,
    sealed_us=LATE,
)
ROWS = [
    ManifestRow("O-1", "C-000001", "2299010012005090100001", "229901", us(2005, 9, 1, 2, 3, 4)),
    ManifestRow("O-2", "C-000002", "2299010012005090100002", "229901", LATE),
]

MADE = MadeCard(
    acceptance_number="2299010012005090100001",
    citizen_number="229901196001010019",
    name="测试甲子",
    dispatched_on=date(2005, 9, 2),
    chip_photo=bytes(range(256)) * 4,
    management_number="12345678901234567890",
)
REJECTED = RejectedApplication(
    acceptance_number="2299010012005090100003",
    citizen_number="22990119600101001X",
    name="测试乙丑",
    error_code="21",
    description="公民身份号码校验码错误",
    unit="示例省制证中心",
    inspector="质检甲",
    inspected_on=date(2005, 9, 1),
)
RECEIPT = BatchReceipt("2299010000002005090100001", "B-00001", LATE, (MADE,), (REJECTED,))


def parsed(document: bytes) -> etree._Element:
    root = etree.fromstring(document)
    SCHEMA.assertValid(root)
    return root


def test_a_manifest_as_a_table() -> None:
    assert box_manifest_csv(BOX, ROWS) == (
        "position,order,card,acceptance_number,county,packed_at\n"
        "1,O-1,C-000001,2299010012005090100001,229901,2005-09-01T10:03:04+08:00\n"
        "2,O-2,C-000002,2299010012005090100002,229901,2005-09-02T01:59:59+08:00\n"
    )


def test_a_manifest_as_json_says_the_same_and_what_the_box_is() -> None:
    manifest = json.loads(box_manifest_json(BOX, ROWS))
    table = list(csv.DictReader(io.StringIO(box_manifest_csv(BOX, ROWS))))
    assert [{key: str(value) for key, value in card.items()} for card in manifest["cards"]] == table
    del manifest["cards"]
    assert manifest == {
        "box": "X-00007",
        "batch": "B-00001",
        "county": "229901",
        "sealed_at": "2005-09-02T01:59:59+08:00",
        "count": 2,
    }


def test_a_table_quotes_what_would_break_it() -> None:
    odd = [replace(ROWS[0], card='C,"1"\n2')]
    (row,) = csv.DictReader(io.StringIO(box_manifest_csv(BOX, odd), newline=""))
    assert row["card"] == 'C,"1"\n2'


def test_an_empty_box_has_an_empty_manifest() -> None:
    assert box_manifest_csv(BOX, []).count("\n") == 1
    assert json.loads(box_manifest_json(BOX, []))["cards"] == []


def test_a_card_of_another_county_is_never_listed() -> None:
    strangers = [ROWS[0], replace(ROWS[1], county="229902")]
    for manifest in (box_manifest_csv, box_manifest_json):
        with pytest.raises(AssertionError, match="C-000002"):
            manifest(BOX, strangers)


def test_a_receipt_tells_the_made_and_the_rejected() -> None:
    root = parsed(batch_receipt_xml(RECEIPT))
    assert root.get("version") == "1"
    assert {child.tag: child.text for child in root.find("bt")} == {
        "sjbbh": "2299010000002005090100001",
        "pch": "B-00001",
        "scsj": "20050902015959",
        "zzs": "1",
        "ths": "1",
    }
    made = {child.tag: child.text for child in root.find("zzhk")}
    assert b64decode(made.pop("jdzp")) == MADE.chip_photo
    assert made == {
        "slh": "2299010012005090100001",
        "gmsfhm": "229901196001010019",
        "xm": "测试甲子",
        "zzdwffrq": "20050902",
        "ktglh": "12345678901234567890",
    }
    assert {child.tag: child.text for child in root.find("zlkzhk")} == {
        "slh": "2299010012005090100003",
        "gmsfhm": "22990119600101001X",
        "xm": "测试乙丑",
        "zzxxcwlb": "21",
        "cwms": "公民身份号码校验码错误",
        "jydw": "示例省制证中心",
        "jyr_xm": "质检甲",
        "jyrq": "20050901",
    }


def test_a_receipt_in_json_says_the_same() -> None:
    root = parsed(batch_receipt_xml(RECEIPT))
    content = json.loads(batch_receipt_json(RECEIPT))
    assert content.pop("version") == root.get("version")
    for tag, messages in content.items():
        told_in_xml = [{child.tag: child.text for child in found} for found in root.findall(tag)]
        assert (messages if isinstance(messages, list) else [messages]) == told_in_xml


def test_a_receipt_of_nothing_made_and_one_of_nothing_rejected() -> None:
    parsed(batch_receipt_xml(replace(RECEIPT, made=())))
    root = parsed(batch_receipt_xml(replace(RECEIPT, rejected=())))
    assert root.findtext("bt/ths") == "0"


def test_a_first_generation_card_has_fifteen_digits_and_no_chip_photo() -> None:
    first = replace(MADE, citizen_number="229901600101001", chip_photo=b"", management_number="")
    root = parsed(batch_receipt_xml(replace(RECEIPT, made=(first,))))
    assert root.find("zzhk/jdzp") is None
    assert root.find("zzhk/ktglh") is None


@pytest.mark.parametrize("odd", ["<&>\"'", "a\x00b", "\x1b", "\ufffe", "\ud800", "", "测" * 200])
def test_a_rejected_record_is_told_as_it_came_even_if_odd(odd: str) -> None:
    rejected = replace(REJECTED, name=odd, citizen_number=odd, description=odd, inspector=odd)
    root = parsed(batch_receipt_xml(replace(RECEIPT, rejected=(rejected,))))
    cannot = {"\x00", "\x1b", "\ufffe", "\ud800"}
    expected = "".join("\ufffd" if character in cannot else character for character in odd)
    assert (root.findtext("zlkzhk/xm") or "") == expected
    assert (root.findtext("zlkzhk/cwms") or "") == expected[:100]
    assert (root.findtext("zlkzhk/jyr_xm") or "") == expected[:15]


@pytest.mark.parametrize("code", ["00", "7", "123", "x1", ""])
def test_a_reject_without_a_reason_is_our_own_mistake(code: str) -> None:
    receipt = replace(RECEIPT, rejected=(replace(REJECTED, error_code=code),))
    with pytest.raises(AssertionError):
        batch_receipt_xml(receipt)


def test_the_schema_refuses_a_card_told_twice_and_a_short_photo() -> None:
    twice = etree.fromstring(batch_receipt_xml(replace(RECEIPT, made=(MADE, MADE))))
    assert not SCHEMA.validate(twice)
    short = replace(MADE, chip_photo=bytes(1000))
    assert not SCHEMA.validate(etree.fromstring(batch_receipt_xml(replace(RECEIPT, made=(short,)))))


def test_the_first_refusing_reason_gives_the_code_and_all_of_them_the_words() -> None:
    warning = Reason("90", "ssxqdm", "region code is not known", "省市县区代码未知", warning=True)
    number = Reason(NUMBER, "gmsfhm", "number has a wrong check digit", "校验码错误")
    name = Reason(NAME, "xm", "name is too long", "姓名超长")
    assert told([warning, number, name]) == (NUMBER, "校验码错误；姓名超长")
    held = Reason(NO_GLYPH, "xm", "no glyph", "字库无此字", hold=True)
    assert told([held]) == (NO_GLYPH, "字库无此字")
    assert told([]) == ("90", "")
    code, words = told([number] * 40)
    assert (code, len(words)) == (NUMBER, 100)


def test_nobodys_data_is_in_a_repr() -> None:
    for text in (repr(RECEIPT), repr(ROWS)):
        for secret in ("229901", "测试", "\\x00"):
            assert secret not in text.replace("'229901'", "").replace(
                "2299010000002005090100001", ""
            )
