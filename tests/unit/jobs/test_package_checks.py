"""Every reason against an application, at once, and none that shows a person's data."""

from base64 import b64encode
from datetime import date, datetime
from random import Random

import pytest

from jobs.age import age_on, valid_until, years_for
from jobs.application import CHINA_TIME, fields_of, from_bytes, to_bytes
from jobs.package_checks import CheckRules, check, judge
from jobs.portrait import portrait
from jobs.reasons import Reason

DAY = date(2005, 9, 12)
PHOTO = portrait(Random(5))


def has_glyph(character: str) -> bool:
    assert len(character) == 1
    return character not in "\ua015\ue000\U00020000"


RULES = CheckRules(intake_date=DAY, package_date=DAY, has_glyph=has_glyph)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


SOUND = {
    "ssxqdm": "229901",
    "slh": "2299010012005090100001",
    "gmsfhm": "229901196001010019",
    "xm": "测试甲子",
    "xbdm": "1",
    "csrq": "19600101",
    "mzdm": "10",
    "dzmc": "吉林省示例一县虚构乡样例村12组3号",
    "qfjgmc": "示例一县公安局",
    "yxqqsrq": "20050903",
    "yxqjzrq": "20250903",
    "slyydm": "12",
    "zzlxdm": "1",
    "lzfsdm": "10",
    "slsj": "20050901093000",
    "cxcsbs": "0",
    "zjlbdm": "2",
    "sdxp": base64(PHOTO),
}


def reasons(**changes: str) -> tuple[Reason, ...]:
    return check(SOUND | changes, RULES)


def told(found: tuple[Reason, ...]) -> list[str]:
    marks = {(True, False): " hold", (False, True): " warning", (False, False): ""}
    return [f"{one.code} {one.field}{marks[one.hold, one.warning]}" for one in found]


def test_a_sound_record_becomes_an_application() -> None:
    judgement = judge(SOUND, RULES)
    assert judgement.reasons == ()
    assert not judgement.held
    application = judgement.application
    assert application is not None
    assert application.acceptance_number == SOUND["slh"]
    assert application.birth_date == date(1960, 1, 1)
    assert application.valid_until == date(2025, 9, 3)
    assert application.accepted_at == datetime(2005, 9, 1, 9, 30, tzinfo=CHINA_TIME)
    assert (application.express, application.resend) == (False, False)
    assert application.photo == PHOTO
    assert repr(application) == "Application(county_code='229901', product_code='2')"


def test_an_application_survives_being_written() -> None:
    changes = {"yxqjzrq": "长期", "csrq": "19500101", "gmsfhm": "229901195001010014"}
    application = judge(SOUND | changes | {"zzlxdm": "2", "cxcsbs": "1"}, RULES).application
    assert application is not None
    assert application.valid_until is None
    assert (application.express, application.resend) == (True, True)
    assert from_bytes(to_bytes(application)) == application
    written = {name: text for name, text in fields_of(application).items() if text}
    assert written == SOUND | changes | {"zzlxdm": "2", "cxcsbs": "1"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"zjlbdm": "3"}, ["90 zjlbdm"]),
        ({"slh": ""}, ["90 slh"]),
        ({"slh": "229901001200509010000"}, ["90 slh"]),
        ({"slh": "2299010012005093100001"}, ["90 slh"]),
        ({"ssxqdm": "22990"}, ["90 ssxqdm"]),
        ({"ssxqdm": "220381"}, []),
        ({"ssxqdm": "990101"}, ["90 ssxqdm warning"]),
        ({"cxcsbs": ""}, ["90 cxcsbs"]),
        ({"slsj": "20050901"}, ["90 slsj"]),
        ({"slsj": "20050901240000"}, ["90 slsj"]),
        ({"slsj": "20050913000000"}, ["90 slsj warning"]),
        ({"zzlxdm": "7"}, ["90 zzlxdm warning"]),
        ({"slyydm": "19"}, ["90 slyydm warning"]),
        ({"slyydm": "21"}, []),
        ({"lzfsdm": "99"}, ["90 lzfsdm warning"]),
        ({"gmsfhm": ""}, ["21 gmsfhm"]),
        ({"gmsfhm": "229901196001010018"}, ["21 gmsfhm"]),
        ({"gmsfhm": "229901600101001"}, ["21 gmsfhm"]),  # 15 digits on a second-generation card
        ({"gmsfhm": "229901196001010027"}, ["23 gmsfhm"]),  # a woman's
        ({"csrq": "19600102"}, ["23 gmsfhm"]),
        ({"xbdm": "2", "csrq": "19600102"}, ["23 gmsfhm", "23 gmsfhm"]),
        ({"xbdm": "0"}, []),
        ({"xbdm": "9"}, []),
        ({"xbdm": "3"}, ["12 xbdm"]),
        ({"xbdm": ""}, ["12 xbdm"]),
        ({"csrq": "19600230"}, ["14 csrq"]),
        ({"csrq": "20050913"}, ["23 gmsfhm", "14 csrq", "41 yxqjzrq"]),
        ({"mzdm": "57"}, ["13 mzdm"]),
        ({"mzdm": "97"}, []),
        ({"xm": ""}, ["11 xm"]),
        ({"xm": "测"}, ["90 xm warning"]),
        ({"xm": "测" * 15}, []),
        ({"xm": "测" * 16}, ["11 xm"]),
        ({"xm": "测 试·甲"}, []),
        ({"xm": "测试\U00020000"}, ["51 xm"]),
        ({"xm": "测" * 14 + "\U00020000"}, ["11 xm", "51 xm"]),  # 16 units in 15 characters
        ({"xm": "测试\ue000"}, ["51 xm"]),
        ({"xm": "测试\uffff"}, ["51 xm"]),
        ({"xm": "测\t试"}, ["51 xm"]),
        ({"xm": "测\u200d试"}, ["51 xm"]),
        ({"xm": "测\x85试"}, ["51 xm"]),
        ({"xm": "测试\ua015"}, ["52 xm hold"]),
        ({"xm": "\ue000\ua015"}, ["51 xm", "52 xm hold"]),
        ({"dzmc": "村" * 35}, []),
        ({"dzmc": "村" * 36}, ["15 dzmc"]),
        ({"dzmc": ""}, ["15 dzmc"]),
        ({"qfjgmc": "局" * 16}, ["42 qfjgmc"]),
        ({"qfjgmc": ""}, ["42 qfjgmc"]),
        ({"yxqqsrq": "20050931"}, ["41 yxqqsrq"]),
        ({"yxqqsrq": ""}, ["41 yxqqsrq"]),
        ({"yxqqsrq": "99990903", "yxqjzrq": "99991231"}, ["41 yxqqsrq"]),
        ({"yxqjzrq": ""}, ["41 yxqjzrq"]),
        ({"yxqjzrq": "永久"}, ["41 yxqjzrq"]),
        ({"yxqjzrq": "20250904"}, ["41 yxqjzrq"]),
        ({"yxqjzrq": "长期"}, ["41 yxqjzrq"]),
        ({"yxqqsrq": "19850903", "yxqjzrq": "19950903"}, ["41 yxqjzrq"]),  # over, though it fits
        ({"sdxp": ""}, ["31 sdxp"]),
        ({"sdxp": "@@@@"}, ["32 sdxp"]),
    ],
)
def test_each_fault_gives_its_reason(changes: dict[str, str], expected: list[str]) -> None:
    assert told(reasons(**changes)) == expected


def test_all_reasons_come_at_once_and_show_no_data() -> None:
    changes = dict.fromkeys(SOUND, "")
    found = reasons(**changes)
    assert told(found) == [
        "90 zjlbdm",
        "90 slh",
        "90 ssxqdm",
        "90 cxcsbs",
        "90 slsj",
        "90 zzlxdm warning",
        "90 slyydm warning",
        "90 lzfsdm warning",
        "21 gmsfhm",
        "11 xm",
        "12 xbdm",
        "14 csrq",
        "13 mzdm",
        "15 dzmc",
        "42 qfjgmc",
        "41 yxqqsrq",
        "41 yxqjzrq",
        "31 sdxp",
    ]
    assert judge(changes, RULES).application is None
    secret = "机密" * 40
    for one in reasons(**dict.fromkeys(SOUND, secret)):
        assert "机密" not in one.text + one.description
        assert len(one.description) <= 100


def test_a_record_without_any_field_is_judged() -> None:
    assert told(check({}, RULES)) == told(reasons(**dict.fromkeys(SOUND, "")))


def test_many_bad_characters_still_fit_the_reject_message() -> None:
    (found,) = reasons(dzmc="".join(chr(0xE000 + number) for number in range(35)))
    assert found.description == ("住址含不可编码字符U+E000 U+E001 U+E002 U+E003 U+E004 ...")
    assert len(found.description) <= 100


def test_a_missing_glyph_holds_a_sound_application() -> None:
    judgement = judge(SOUND | {"dzmc": "样例村\ua015屯"}, RULES)
    assert judgement.held
    assert judgement.application is not None
    assert [one.text for one in judgement.reasons] == [
        "dzmc holds characters that the print font lacks: U+A015"
    ]
    assert not judge(SOUND | {"slyydm": "19"}, RULES).held


@pytest.mark.parametrize(
    ("birth", "start", "until", "fits"),
    [
        ("19891001", "20050930", "20100930", True),  # 15, the day before 16
        ("19891001", "20050930", "20150930", False),
        ("19891001", "20051001", "20151001", True),  # 16 on the day
        ("19790902", "20050901", "20150901", True),  # 25
        ("19790901", "20050901", "20250901", True),  # 26
        ("19790901", "20050901", "20150901", False),
        ("19590902", "20050901", "20250901", True),  # 45
        ("19590901", "20050901", "长期", True),  # 46
        ("19590901", "20050901", "20250901", False),
        ("19880229", "20040228", "20090228", True),  # 15: older on 29 February
        ("19880229", "20040229", "20140228", True),  # 16, and 2014 has no 29 February
        ("19880229", "20040229", "20140301", False),
        ("19700101", "20040229", "20240229", True),  # 2024 has one
    ],
)
def test_validity_goes_by_age(birth: str, start: str, until: str, fits: bool) -> None:
    found = reasons(csrq=birth, yxqqsrq=start, yxqjzrq=until)
    assert ("41 yxqjzrq" not in told(found)) == fits


def test_the_rules_of_age_by_hand() -> None:
    assert [years_for(age) for age in (0, 15, 16, 25, 26, 45, 46, 110)] == [
        5, 5, 10, 10, 20, 20, None, None,
    ]  # fmt: skip
    assert age_on(date(2005, 2, 28), date(1988, 2, 29)) == 16
    assert age_on(date(2005, 3, 1), date(1988, 2, 29)) == 17
    assert valid_until(date(2004, 2, 29), 5) == date(2009, 2, 28)
    assert valid_until(date(2004, 2, 29), None) is None


FIRST = {"zjlbdm": "1", "yxqqsrq": "20040903", "yxqjzrq": "20140903"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gmsfhm": "229901600101001"}, []),
        ({"gmsfhm": "229901196001010019"}, []),
        ({"gmsfhm": "229901600101002"}, ["23 gmsfhm"]),
        ({"gmsfhm": "229901600102001"}, ["23 gmsfhm"]),
        ({"gmsfhm": "229901601301001"}, ["21 gmsfhm"]),
        # Born in 1900 or in 2000: 15 digits leave it open.
        ({"gmsfhm": "229901000101001", "csrq": "19000101"}, []),
        ({"yxqjzrq": "20240903"}, []),
        ({"yxqjzrq": "长期"}, []),
        ({"yxqjzrq": "20090903"}, ["41 yxqjzrq"]),
        ({"gmsfhm": "229901890101003", "csrq": "19890101"}, ["41 csrq"]),  # 15 years old
        ({"xm": "测试\ue001"}, []),  # a private character that the font has
        ({"xm": "测试\ue000"}, ["52 xm hold"]),
        ({"xm": "测\x85试"}, ["51 xm"]),
    ],
)
def test_first_generation_has_its_own_rules(changes: dict[str, str], expected: list[str]) -> None:
    day = date(2004, 9, 12)
    rules = CheckRules(
        intake_date=day,
        package_date=day,
        has_glyph=has_glyph,
        first_generation_cut_off=date(2005, 1, 1),
    )
    assert told(check(SOUND | FIRST | {"slsj": "20040901093000"} | changes, rules)) == expected


@pytest.mark.parametrize(
    ("package_date", "intake_date", "refused"),
    [
        (date(2004, 12, 31), date(2004, 12, 31), False),
        (date(2005, 1, 1), date(2004, 12, 31), True),
        (date(2004, 12, 31), date(2005, 1, 1), True),
    ],
)
def test_first_generation_ends_at_the_cut_off(
    package_date: date, intake_date: date, refused: bool
) -> None:
    rules = CheckRules(
        intake_date=intake_date,
        package_date=package_date,
        has_glyph=has_glyph,
        first_generation_cut_off=date(2005, 1, 1),
    )
    first = SOUND | FIRST | {"slsj": "20040901093000"}
    assert told(check(first, rules)) == (["90 zjlbdm"] if refused else [])
    assert "90 zjlbdm" not in told(check(first | {"zjlbdm": "2"}, rules))
