"""Invented packages: the same from the same seed, sound but for the faults that were asked for."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from jobs.invented_faults import FaultKind
from jobs.load import Load, load_of
from jobs.package_checks import CheckRules, Judgement, judge
from jobs.package_maker import (
    Applicant,
    PackagePlan,
    Series,
    file_name,
    invented_records,
    make_package,
    package_pieces,
)
from jobs.package_reader import PackageLimits, PackageRecord, read_package
from jobs.portrait import portraits

DAY = date(2005, 9, 12)
PLAN = PackagePlan(count=40, day=DAY)
SAMPLES = Path(__file__).parents[3] / "samples"


def records(plan: PackagePlan, seed: int = 1) -> list[PackageRecord]:
    data = b"".join(package_pieces(Random(seed), plan, Series(photos=faces())))
    return list(read_package(BytesIO(data), file_name(plan), PackageLimits()))


@cache
def faces() -> list[str]:
    """Draw a few faces once: what is asked here is asked of the people, not of their portraits."""
    return [b64encode(photo).decode() for photo in portraits(Random("faces"), 4)]


def judged(found: Sequence[PackageRecord], day: date = DAY) -> list[Judgement]:
    rules = CheckRules(
        intake_date=day,
        package_date=day,
        has_glyph=lambda character: character not in "\ua015\ue000",
        first_generation_cut_off=date(2005, 1, 1),
    )
    return [judge(record.fields, rules) for record in found]


def test_the_same_seed_makes_the_same_bytes() -> None:
    plan = PackagePlan(count=5, day=DAY, faults=3)
    assert make_package(Random(3), plan) == make_package(Random(3), plan)
    assert make_package(Random(3), plan) != make_package(Random(4), plan)
    assert b"".join(package_pieces(Random(3), plan)) == make_package(Random(3), plan)[1]


@pytest.mark.parametrize(
    "plan",
    [
        PackagePlan(count=200, day=DAY, counties=3),
        PackagePlan(count=20, day=date(2004, 2, 29), encoding="GB18030"),
        PackagePlan(count=60, day=date(2004, 12, 31), product="1"),
    ],
)
def test_invented_people_are_sound_and_nobody(plan: PackagePlan) -> None:
    found = records(plan)
    assert [one.reasons for one in judged(found, plan.day)] == [()] * plan.count
    for record in found:
        assert record.text("gmsfhm").startswith("2299")
        assert record.text("xm").startswith("测试")
        assert "示例" in record.text("dzmc")
    for key in ("slh", "gmsfhm"):
        assert len({record.text(key) for record in found}) == plan.count


def test_counties_kinds_and_ages_are_mixed_as_asked() -> None:
    plan = PackagePlan(count=300, day=DAY, counties=3, express_share=0.2)
    name, data = make_package(Random(1), plan)
    found = list(read_package(BytesIO(data), name, PackageLimits()))
    counties = Counter(record.text("ssxqdm") for record in found)
    assert set(counties) == {"229901", "229902", "229903"}
    assert 30 <= sum(record.text("zzlxdm") == "2" for record in found) <= 90
    lengths = {record.text("yxqjzrq")[:4] for record in found}
    assert {"2010", "2015", "2025", "长期"} <= lengths
    assert len({record.text("sdxp") for record in found}) == 24
    (only,) = {record.text("ssxqdm") for record in records(replace(PLAN, counties=["229907"]))}
    assert only == "229907"


def test_first_generation_numbers_come_in_both_lengths() -> None:
    found = records(PackagePlan(count=40, day=date(2004, 9, 12), product="1"))
    assert {len(record.text("gmsfhm")) for record in found} == {15, 18}


def test_packages_of_one_day_share_no_acceptance_number() -> None:
    first, second = records(PLAN, 1), records(replace(PLAN, serial=2), 2)
    assert file_name(PLAN) == "ZAGL_ZZJH_2299010000002005091200001.XML"
    assert file_name(replace(PLAN, serial=2, counties=2)).endswith("2299000000002005091200002.XML")
    assert not {one.text("slh") for one in first} & {one.text("slh") for one in second}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.CHECK_DIGIT, "21"),
        (FaultKind.FIFTEEN_DIGITS, "21"),
        (FaultKind.SEX, "23"),
        (FaultKind.BIRTH_DATE, "23"),
        (FaultKind.NAME_TOO_LONG, "11"),
        (FaultKind.NAME_NOT_ENCODABLE, "51"),
        (FaultKind.NAME_WITHOUT_GLYPH, "52"),
        (FaultKind.NATION, "13"),
        (FaultKind.ADDRESS_TOO_LONG, "15"),
        (FaultKind.VALIDITY, "41"),
        (FaultKind.PHOTO_MISSING, "31"),
        (FaultKind.PHOTO_CUT_OFF, "32"),
        (FaultKind.PHOTO_WRONG_SIZE, "32"),
        (FaultKind.PHOTO_BLANK, "33"),
    ],
)
def test_each_fault_on_purpose_is_found_and_nothing_else(kind: FaultKind, code: str) -> None:
    plan = PackagePlan(count=12, day=DAY, faults=5, fault_kinds=(kind,))
    found = [one for one in judged(records(plan)) if one.reasons]
    assert [[reason.code for reason in one.reasons] for one in found] == [[code]] * 5
    assert all(one.held == (code == "52") for one in found)


def test_every_kind_comes_once_before_any_comes_twice() -> None:
    found = judged(records(PackagePlan(count=20, day=DAY, faults=14)))
    codes = Counter(reason.code for one in found for reason in one.reasons)
    assert codes == Counter(
        ["21", "21", "23", "23", "11", "51", "52", "13", "15", "41", "31", "32", "32", "33"]
    )


def test_the_sample_is_what_the_maker_makes_and_the_schema_takes() -> None:
    plan = PackagePlan(
        count=8,
        day=DAY,
        faults=2,
        fault_kinds=(FaultKind.CHECK_DIGIT, FaultKind.PHOTO_WRONG_SIZE),
    )
    name, data = make_package(Random("samples"), plan)
    assert (SAMPLES / name).read_bytes() == data
    assert name in (SAMPLES / "README.md").read_text()
    codes = [reason.code for one in judged(records_of(data, name)) for reason in one.reasons]
    assert sorted(codes) == ["21", "32"]
    schema = Path(__file__).parents[3] / "jobs" / "package.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(data))


def records_of(data: bytes, name: str) -> list[PackageRecord]:
    return list(read_package(BytesIO(data), name, PackageLimits()))


def test_what_is_wanted_of_each_record_is_what_it_has() -> None:
    wanted = (
        Applicant(),
        Applicant(Load.UNDER_16),
        Applicant(Load.REPLACEMENT, express=True),
        Applicant(faulty=True),
    )
    plan = PackagePlan(4, DAY, ("220102",), fault_kinds=(FaultKind.CHECK_DIGIT,), applicants=wanted)
    found = records(plan)
    verdicts = judged(found)
    assert [verdict.application is not None and not verdict.reasons for verdict in verdicts] == [
        *(True, True, True, False)
    ]
    loads = [load_of(v.application, DAY) for v in verdicts if v.application is not None]
    assert loads[:3] == [Load.PERSON, Load.UNDER_16, Load.REPLACEMENT]
    assert [record.text("zzlxdm") for record in found] == ["1", "1", "2", "1"]
    assert [record.text("sfje") for record in found] == ["20.00", "20.00", "40.00", "20.00"]
    assert {record.text("ssxqdm") for record in found} == {"220102"}
    assert all(record.text("gmsfhm").startswith("2299") for record in found), "nobody's number"


def test_packages_of_a_series_share_their_portraits_and_no_number() -> None:
    series, random = Series(), Random(1)
    packages = [
        list(invented_records(random, PackagePlan(30, DAY, serial=serial), series))
        for serial in (1, 2)
    ]
    first, second = ({fields["gmsfhm"][:17] for fields in package} for package in packages)
    assert series.numbers == first | second
    assert len(series.numbers) == 60
    photos = {fields["sdxp"] for package in packages for fields in package}
    assert photos <= set(series.photos)
    assert len(series.photos) == 24
