"""What makes a package unusable as a whole, tried on bytes; and that little is kept meanwhile."""

import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256
from importlib.resources import files
from io import BytesIO, RawIOBase
from random import Random
from typing import Any

import pytest
from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from jobs.application import CHINA_TIME
from jobs.package_maker import PackagePlan, make_package
from jobs.package_reader import PackageBroken, PackageLimits, PackageRecord, read_package

LIMITS = PackageLimits()
NUMBER = "2299010000002005091200001"
NAME = f"ZAGL_ZZJH_{NUMBER}.XML"
RECORD = "<jl><slh>{slh}</slh><xm>测试甲子</xm><sdxp>QUJD\nREVG</sdxp></jl>\n"


def text(records: int = 2, count: int | None = None, encoding: str = "UTF-8") -> str:
    inside = "".join(RECORD.format(slh=f"{index:022}") for index in range(records))
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<zzjh version="1">\n'
        f"<bt><sjbbh>{NUMBER}</sjbbh><fsdw>{NUMBER[:12]}</fsdw><scsj>20050912180000</scsj>"
        f"<jls>{records if count is None else count}</jls></bt>\n{inside}</zzjh>\n"
    )


def read(data: bytes, name: str = NAME, limits: PackageLimits = LIMITS) -> list[PackageRecord]:
    return list(read_package(BytesIO(data), name, limits))


def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(files("jobs").joinpath("package.xsd").read_bytes()))


def refused(data: bytes, name: str = NAME, limits: PackageLimits = LIMITS) -> PackageBroken:
    with pytest.raises(PackageBroken) as caught:
        read(data, name, limits)
    assert "测试" not in str(caught.value)
    assert "0000000000000" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("encoding", "codec"), [("UTF-8", "utf-8"), ("gb18030", "gb18030")])
def test_header_and_records_are_read(encoding: str, codec: str) -> None:
    data = text(encoding=encoding).encode(codec)
    package = read_package(BytesIO(data), NAME, LIMITS)
    assert package.header.package_number == NUMBER
    assert package.header.unit_code == "229901000000"
    assert package.header.sent_at == datetime(2005, 9, 12, 18, tzinfo=CHINA_TIME)
    assert package.header.record_count == 2
    first, second = package
    assert first.fields == {"slh": "0" * 22, "xm": "测试甲子", "sdxp": "QUJDREVG"}
    assert (first.index, first.line, second.index, second.line) == (1, 4, 2, 6)
    assert (second.acceptance_number, second.text("dzmc")) == (f"{1:022}", "")
    assert package.digest() == sha256(data).hexdigest()


def test_utf8_mark_and_missing_declaration_are_read() -> None:
    assert len(read(b"\xef\xbb\xbf" + text().encode())) == 2
    assert len(read(text().split("\n", 1)[1].encode())) == 2


def test_repr_of_a_record_shows_no_data() -> None:
    assert repr(read(text().encode())[0]) == "PackageRecord(index=1, line=4)"


def test_a_package_cut_off_anywhere_is_refused() -> None:
    data = text().encode()
    for length in range(len(data.rstrip())):
        assert refused(data[:length]).code == "package.cut_off", data[:length]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: s.encode().replace("测试".encode(), "测试".encode("gb18030")), "encoding"),
        (lambda s: s.replace("UTF-8", "GB18030").encode().replace(b"\xe6", b"\xff"), "encoding"),
        (lambda s: s.replace("UTF-8", "Big5").encode(), "encoding"),
        (lambda s: s.replace("UTF-8", "UTF-16").encode("utf-16"), "encoding"),
        (lambda s: s.replace("UTF-8", "UTF-16").encode("utf-16-le"), "encoding"),
        (
            lambda s: s.replace("<zzjh", "<!DOCTYPE zzjh SYSTEM 'http://x/y'><zzjh").encode(),
            "doctype",
        ),
        (
            lambda s: s.replace(
                "<zzjh", '<!DOCTYPE z [<!ENTITY a "xxxx"><!ENTITY b "&a;&a;">]><zzjh'
            ).encode(),
            "doctype",
        ),
        (lambda s: s.replace("甲子", "&bomb;").encode(), "malformed"),
        (lambda s: s.replace("甲子", "\x01").encode(), "malformed"),
        (lambda s: s.replace("甲子", "\0").encode(), "zeros"),
        (lambda s: (s + "<zzjh/>").encode(), "malformed"),
        (lambda s: s.replace("</xm>", "</mx>").encode(), "malformed"),
        (lambda s: s.replace("zzjh", "zzjg").encode(), "schema"),
        (lambda s: s.replace('version="1">', 'version="2">').encode(), "schema"),
        (lambda s: s.replace(' version="1">', ">").encode(), "schema"),
        (lambda s: s.replace('version="1">', 'version="1" x="">').encode(), "schema"),
        (lambda s: s.replace("<xm>", "<xm n='1'>").encode(), "schema"),
        (lambda s: s.replace("xm>", "xx>").encode(), "schema"),
        (lambda s: s.replace("<xm>", "<xm/><xm>").encode(), "schema"),
        (lambda s: s.replace("<xm>", "<xm><b/>").encode(), "schema"),
        (lambda s: s.replace("</bt>", "</bt>text").encode(), "schema"),
        (lambda s: s.replace("bt>", "jl>").encode(), "schema"),
        (lambda s: s.replace("<jl>", "<bt/><jl>").encode(), "schema"),
        (lambda s: s.replace("180000", "186000").encode(), "schema"),
        (lambda _: b'<zzjh version="1"></zzjh>', "schema"),
        (lambda s: s.replace(NUMBER, NUMBER[:-1]).encode(), "number"),
        (lambda s: s.replace(NUMBER, NUMBER.replace("0912", "0931")).encode(), "number"),
        (lambda s: s.replace(NUMBER, NUMBER[:-5] + "00000").encode(), "number"),
        (lambda s: s.replace("<fsdw>2299", "<fsdw>2298").encode(), "number"),
        (lambda s: s.replace(NUMBER, NUMBER[:-1] + "2").encode(), "file_name"),
        (lambda _: text(count=1).encode(), "count"),
        (lambda _: text(count=3).encode(), "count"),
        (lambda _: text(count=0).encode(), "count"),
        (lambda s: s.replace("<jls>2", "<jls>100000").encode(), "count"),
        (lambda s: s.replace("<jls>2", "<jls>two").encode(), "count"),
        (lambda s: s.replace("<jls>2</jls>", "").encode(), "count"),
        (lambda s: s.replace(f"{1:022}", f"{0:022}").encode(), "duplicate"),
        (lambda s: s.replace("甲子", "甲" * 200).encode(), "too_big"),
    ],
)
def test_each_fault_of_a_package_is_refused_by_its_code(
    change: Callable[[str], bytes], code: str
) -> None:
    data = change(text())
    assert data != text().encode()
    error = refused(data)
    assert error.code == f"package.{code}"
    assert error.line > 0 or code == "cut_off"


@pytest.mark.parametrize("name", [NAME.lower(), NAME[:-4], NAME.replace("00001.", "00002."), ""])
def test_a_name_that_does_not_fit_the_header_is_refused(name: str) -> None:
    assert refused(text().encode(), name).code == "package.file_name"


def test_the_name_template_can_be_another() -> None:
    limits = PackageLimits(file_name_template="AH_ZZ_{package_number}.XML")
    assert len(read(text().encode(), f"AH_ZZ_{NUMBER}.XML", limits)) == 2


def test_the_line_of_a_fault_is_told() -> None:
    wrong = text().replace("<zzjh", "<!-- \n\n -->\n<zzjh").encode()
    broken_at = wrong.rindex("甲".encode())
    error = refused(wrong[:broken_at] + b"\xff" + wrong[broken_at:])
    assert (error.code, error.line) == ("package.encoding", 9)
    assert refused(wrong.replace(b"bt>", b"tb>")).line == 6


class _Endless(RawIOBase):
    """A stream that goes on with one byte for ten gigabytes after its head."""

    def __init__(self, head: bytes, filling: bytes) -> None:
        self._head = head
        self._filling = filling
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._head[:size] + self._filling * (size - len(self._head[:size]))
        self._head = self._head[size:]
        self.given += size
        assert self.given < 10**10
        return piece


HEAD = text().split("<jl>")[0].encode()


@pytest.mark.parametrize(
    ("head", "filling", "code"),
    [
        (b"", b"\0", "zeros"),
        (HEAD, b"\0", "zeros"),
        (HEAD, b" ", "too_big"),
        (HEAD + b"<!--", b"x", "too_big"),
        (HEAD + b"<", b"x", "too_big"),
        (HEAD + b"<jl ", b"x", "too_big"),
        (HEAD + b"<jl><sdxp>", b"A", "too_big"),
        (b"", b" ", "too_big"),
        (text().encode(), b" ", "too_big"),
    ],
)
def test_ten_gigabytes_are_refused_early_and_in_little_memory(
    head: bytes, filling: bytes, code: str
) -> None:
    stream: Any = _Endless(head, filling)
    tracemalloc.start()
    try:
        with pytest.raises(PackageBroken) as caught:
            list(read_package(stream, NAME, LIMITS))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == f"package.{code}"
    assert stream.given <= 2 * LIMITS.record_characters_max
    assert peak < 8 * 1024**2


def test_the_whole_size_is_bounded() -> None:
    data = text(records=2000).encode()
    assert refused(data, limits=PackageLimits(bytes_max=len(data) - 1)).code == "package.too_big"
    assert len(read(data, limits=PackageLimits(bytes_max=len(data)))) == 2000


def test_a_big_package_is_read_in_the_memory_of_a_small_one() -> None:
    plan = PackagePlan(count=400, day=date(2005, 9, 12))
    name, data = make_package(Random(1), plan)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_package(BytesIO(data), name, LIMITS)) == 400
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024**2 < len(data) / 4


def test_records_without_an_acceptance_number_are_no_duplicates() -> None:
    data = text().replace("<slh>", "<xxtqsj>").replace("</slh>", "</xxtqsj>").encode()
    assert [record.acceptance_number for record in read(data)] == ["", ""]


def test_the_shipped_schema_takes_what_the_reader_takes() -> None:
    for plan in (
        PackagePlan(count=20, day=date(2005, 9, 12), faults=15),
        PackagePlan(count=3, day=date(2004, 9, 12), product="1", encoding="GB18030"),
    ):
        name, data = make_package(Random(2), plan)
        document = (
            data
            if plan.encoding == "UTF-8"
            else data.decode("gb18030").replace("GB18030", "UTF-8", 1).encode()
        )
        schema().assertValid(etree.fromstring(document))
        assert len(read(data, name)) == plan.count


@pytest.mark.parametrize(
    "change",
    [
        ("xm>", "xx>"),
        ('version="1">', 'version="2">'),
        ("<xm>", "<xm/><xm>"),
        (f"{1:022}", f"{0:022}"),
        ("甲子", "甲" * 200),
        ("<jls>2", "<jls>0"),
        ("bt>", "tb>"),
        ("<xm>", "<xm n='1'>"),
    ],
)
def test_the_shipped_schema_refuses_what_the_reader_refuses(change: tuple[str, str]) -> None:
    assert schema().validate(etree.fromstring(text().encode()))
    wrong = text().replace(*change).encode()
    assert not schema().validate(etree.fromstring(wrong))
    refused(wrong)
