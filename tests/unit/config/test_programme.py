"""Programmes: the shipped ones say what the documents say, and every mistake of a file is told."""

from datetime import date
from pathlib import Path

import pytest

from config.loading import ConfigError
from config.programme import (
    Programme,
    load_programme,
    shipped_programme,
    shipped_programme_names,
)
from jobs.regions import JILIN
from jobs.working_calendar import WorkingCalendar

#: What 江源县 became after the years of the programme.
LATER = {"220604", "220605"}

SMALL = """
name = "small"
title = "A small programme"
title_zh = "小方案"
people = 1000
begins = 2005-01-01
ends = 2006-12-31
first_generation_cut_off = 2005-07-01
phases = [
    { name = "pilot", name_zh = "试点", begins = 2005-01-01, ends = 2005-06-30, products = ["1"] },
    { name = "mass", name_zh = "集中", begins = 2005-07-01, ends = 2006-12-31, products = ["2"] },
]
targets = [
    { year = 2005, begins = 2005-03-01, ends = 2005-12-31, people = 400 },
    { year = 2006, begins = 2006-01-01, ends = 2006-10-31, people = 600 },
]
prefectures = [
    { code = "2298", name = "East", name_zh = "东", people = 335 },
    { code = "2299", name = "West", name_zh = "西", people = 665 },
]
counties = [
    { code = "229801", name_zh = "甲县", starts = 2005-01-01, pilot = true },
    { code = "229901", name_zh = "乙县" },
]
fees = [{ type = "1", name_zh = "申领", cents = 2000, begins = 2005-01-01 }]
extra_working_days = [2005-03-05]
closed_days = [2005-03-07]
"""


def load(folder: Path, text: str) -> Programme:
    path = folder / "programme.toml"
    path.write_text(text, encoding="utf-8")
    return load_programme(path)


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, text)
    return [str(problem) for problem in refused.value.problems]


def test_jilin_is_as_its_document_has_it() -> None:
    jilin = shipped_programme("jilin-2004")
    assert jilin.people == 18_000_000
    assert jilin.first_generation_cut_off == date(2005, 1, 1)
    assert [(one.name, one.begins, one.ends, one.products) for one in jilin.phases] == [
        ("preparation", date(2004, 1, 1), date(2004, 8, 31), ("1",)),
        ("pilot", date(2004, 9, 1), date(2004, 12, 31), ("1", "2")),
        ("mass exchange", date(2005, 1, 1), date(2008, 12, 31), ("2",)),
        ("summing up", date(2009, 1, 1), date(2009, 3, 31), ("2",)),
    ]
    assert [(one.year, one.people) for one in jilin.targets] == [
        (2004, 200_000),
        *((year, 4_450_000) for year in range(2005, 2009)),
    ]
    assert jilin.quotas_are_assumed
    assert "population" in jilin.assumption


def test_jilin_has_its_sixty_counties_as_the_region_table_has_them() -> None:
    counties = shipped_programme("jilin-2004").counties
    assert len(counties) == 60
    named = {county.code: county.name_zh for county in counties}
    assert named == {code: name for code, name in JILIN.items() if code not in LATER}


def test_one_county_of_each_region_that_the_document_names_is_a_pilot() -> None:
    jilin = shipped_programme("jilin-2004")
    names = {prefecture.code: prefecture.name for prefecture in jilin.prefectures}
    pilots = [county for county in jilin.counties if county.pilot]
    regions = [names[county.prefecture] for county in pilots]
    assert regions == ["Changchun", "Jilin City", "Siping", "Yanbian"]
    assert {county.starts for county in pilots} == {date(2004, 9, 1)}


def test_changchun_lies_inside_jilin() -> None:
    changchun, jilin = shipped_programme("changchun-2005"), shipped_programme("jilin-2004")
    assert changchun.part_of == jilin.name
    (own,) = changchun.prefectures
    assert own in jilin.prefectures
    assert own.people == changchun.people == 5_000_000
    assert jilin.begins <= changchun.begins <= changchun.ends <= jilin.ends
    inside = {one.code: one.starts for one in jilin.counties if one.prefecture == own.code}
    assert {one.code for one in changchun.counties} == set(inside)
    for county in changchun.counties:
        # The pilot county has been at it since 2004, and counts here from the begin of this plan.
        assert county.starts == max(inside[county.code] or date.max, date(2005, 9, 1))


def test_the_years_of_changchun_have_their_share_of_its_working_days() -> None:
    changchun, calendar = shipped_programme("changchun-2005"), WorkingCalendar()
    for target in changchun.targets:
        share = calendar.count(target.begins, target.ends) / 836  # 85 + 251 + 249 + 251
        assert abs(target.people - 5_000_000 * share) < 1


@pytest.mark.parametrize("name", shipped_programme_names())
def test_counties_start_on_working_days(name: str) -> None:
    programme = shipped_programme(name)
    calendar = WorkingCalendar(programme.extra_working_days, programme.closed_days)
    idle = [one.code for one in programme.counties if one.starts and not calendar.works(one.starts)]
    assert idle == []


def test_no_other_programme_is_shipped() -> None:
    assert shipped_programme_names() == ("changchun-2005", "jilin-2004")
    with pytest.raises(KeyError):
        shipped_programme("../centres/simulated")


def test_a_day_counts_for_the_target_in_whose_span_it_lies(tmp_path: Path) -> None:
    small = load(tmp_path, SMALL)
    assert small.target_of(date(2005, 2, 28)) is None
    assert small.target_of(date(2005, 3, 1)) == small.targets[0]
    assert small.target_of(date(2005, 12, 31)) == small.targets[0]
    assert small.target_of(date(2006, 10, 31)) == small.targets[1]
    assert small.target_of(date(2006, 11, 1)) is None


def test_a_scaled_programme_has_its_people_divided_and_rounded_half_up(tmp_path: Path) -> None:
    tenth = load(tmp_path, SMALL).scaled(10)
    assert tenth.people == 100
    assert [target.people for target in tenth.targets] == [40, 60]
    assert [prefecture.people for prefecture in tenth.prefectures] == [34, 67]  # 33.5 and 66.5
    assert tenth.phases == load(tmp_path, SMALL).phases


@pytest.mark.parametrize("name", shipped_programme_names())
def test_a_programme_divided_by_one_is_itself(name: str) -> None:
    assert shipped_programme(name).scaled(1) == shipped_programme(name)


def test_a_thousandth_of_jilin_still_adds_up() -> None:
    small = shipped_programme("jilin-2004").scaled(1000)
    assert sum(target.people for target in small.targets) == small.people == 18_000
    assert sum(prefecture.people for prefecture in small.prefectures) == 18_000


@pytest.mark.parametrize("factor", [0, -1, 671])
def test_no_share_is_scaled_to_nothing(tmp_path: Path, factor: int) -> None:
    small = load(tmp_path, SMALL)
    assert small.scaled(670).prefectures[0].people == 1  # 335 / 670 is a half, which counts up
    with pytest.raises(ValueError, match="can be divided by 1 to 670"):
        small.scaled(factor)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("people = 400", "people = 401", "targets: add up to 1,001 people, not to 1,000"),
        ("people = 335", "people = 334", "prefectures: add up to 999 people, not to 1,000"),
        (
            "people = 400",
            "people = 0",
            "targets[0].people: Input should be greater than or equal to 1",
        ),
        ("people = 400", "people = true", "targets[0].people: Input should be a valid integer"),
        (
            "ends = 2006-12-31\n",
            "ends = 2004-12-31\n",
            "ends: 2004-12-31 is before the begin, 2005-01-01",
        ),
        (
            "ends = 2005-06-30",
            "ends = 2004-06-30",
            "phases[0].ends: 2004-06-30 is before the begin, 2005-01-01",
        ),
        (
            "ends = 2006-12-31, products",
            "ends = 2007-01-01, products",
            "phases[1]: 2005-07-01 to 2007-01-01 is not within 2005-01-01 to 2006-12-31",
        ),
        (
            "begins = 2005-07-01",
            "begins = 2005-06-30",
            "phases[1].begins: 2005-06-30 is not after the end of pilot, 2005-06-30",
        ),
        (
            "begins = 2006-01-01",
            "begins = 2006-11-01",
            "targets[1].ends: 2006-10-31 is before the begin, 2006-11-01",
        ),
        ("year = 2006", "year = 2007", "targets[1].year: 2006-01-01 to 2006-10-31 is not 2007"),
        (
            'products = ["1"]',
            'products = ["3"]',
            "phases[0].products[0]: Input should be '1' or '2'",
        ),
        (
            'products = ["2"]',
            'products = ["1", "2"]',
            "phases[1].products: mass makes product 1 on and after first_generation_cut_off, 2005-",
        ),
        (
            "people = 335 }",
            'people = 300 }, { code = "2298", name = "E", name_zh = "东", people = 35 }',
            "prefectures[1].code: 2298 is there twice",
        ),
        ('code = "229901"', 'code = "229801"', "counties[1].code: 229801 is there twice"),
        ('code = "229901"', 'code = "229701"', "counties[1].code: there is no prefecture 2297"),
        ('code = "229901"', 'code = "2299"', "counties[1].code: String should match pattern"),
        (
            "starts = 2005-01-01",
            "starts = 2007-01-01",
            "counties[0].starts: 2007-01-01 is not within 2005-01-01 to 2006-12-31",
        ),
        ("starts = 2005-01-01, ", "", "counties[0].starts: a pilot county has a start"),
        (
            "people = 1000",
            'people = 1000\npart_of = "jilin"',
            "part_of: there is no programme 'jilin' (known: changchun-2005, jilin-2004)",
        ),
        (
            'name = "small"',
            'name = "jilin-2004"\npart_of = "jilin-2004"',
            "part_of: a programme is no part of itself",
        ),
        (
            "people = 1000",
            "people = 1000\nquotas_are_assumed = true",
            "assumption: quotas_are_assumed needs to say how they were found",
        ),
        (
            "closed_days = [2005-03-07]",
            "closed_days = [2005-03-07, 2005-03-05]",
            "extra_working_days[0]: 2005-03-05 is one of closed_days too",
        ),
        (
            "fees = [",
            'fees = [{ type = "1", name_zh = "换领", cents = 1, begins = 2005-01-01 },',
            "fees[1].type: 1 from 2005-01-01 is there twice",
        ),
        ("people = 1000", "people = 1000\nquota = 1", "quota: there is no such setting"),
        ("2005-03-05", "2005-02-30", "not a TOML file"),
    ],
)
def test_each_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    found = mistakes(tmp_path, changed(SMALL, (old, new)))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_targets_and_quotas_have_to_add_up_to_the_same_people(tmp_path: Path) -> None:
    assert mistakes(tmp_path, changed(SMALL, ("people = 1000", "people = 1001"))) == [
        "targets: add up to 1,000 people, not to 1,001",
        "prefectures: add up to 1,000 people, not to 1,001",
    ]


def test_a_year_has_one_target(tmp_path: Path) -> None:
    text = changed(
        SMALL,
        ("year = 2006", "year = 2005"),
        ("begins = 2006-01-01, ends = 2006-10-31", "begins = 2005-01-01, ends = 2005-02-28"),
    )
    assert mistakes(tmp_path, text) == ["targets[1].year: 2005 does not come after 2005"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = changed(
        SMALL,
        ("people = 400", "people = 500"),
        ("begins = 2005-07-01", "begins = 2005-06-01"),
        ('code = "229901"', 'code = "229701"'),
        ("closed_days = [2005-03-07]", "closed_days = [2005-03-05]"),
    )
    assert [problem.split(":")[0] for problem in mistakes(tmp_path, text)] == [
        "phases[1].begins",
        "targets",
        "counties[1].code",
        "extra_working_days[0]",
    ]
