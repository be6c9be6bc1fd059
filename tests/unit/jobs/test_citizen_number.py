"""The numbers of the standard and of people who never were; see GB 11643-1999."""

from datetime import date

import pytest

from jobs.citizen_number import (
    NumberFault,
    NumberRefused,
    check_digit,
    faults,
    parse,
    real_date,
    to_eighteen,
)
from jobs.nations import NATIONS, nation_name
from jobs.regions import INVENTED, JILIN, province_known, region_name


@pytest.mark.parametrize(
    ("text", "birth_date", "male"),
    [
        ("11010519491231002X", date(1949, 12, 31), False),  # the standard's first example
        ("440524188001010014", date(1880, 1, 1), True),  # the standard's second example
        ("229901196001010019", date(1960, 1, 1), True),
        ("229901196001010027", date(1960, 1, 1), False),
        ("229902198502280012", date(1985, 2, 28), True),
        ("229902200002290011", date(2000, 2, 29), True),
        ("22990119700101003X", date(1970, 1, 1), True),
        ("229902190001010018", date(1900, 1, 1), True),
    ],
)
def test_golden_numbers_are_read(text: str, birth_date: date, male: bool) -> None:
    number = parse(text)
    assert (number.birth_date, number.male) == (birth_date, male)
    assert number.region_code == text[:6]
    assert check_digit(text[:17]) == text[17]


def test_fifteen_digits_become_the_eighteen_of_the_standard() -> None:
    assert to_eighteen("110105491231002") == "11010519491231002X"
    number = parse("110105491231002")
    assert (number.birth_date, number.male, number.serial) == (date(1949, 12, 31), False, 2)


@pytest.mark.parametrize("position", range(18))
def test_every_single_wrong_digit_is_noticed(position: int) -> None:
    sound = "229901196001010019"
    for digit in "0123456789":
        wrong = sound[:position] + digit + sound[position + 1 :]
        assert (NumberFault.CHECK_DIGIT in faults(wrong)) == (wrong != sound)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (NumberFault.FORM,)),
        ("22990119600101001", (NumberFault.FORM,)),
        ("22990119700101003x", (NumberFault.FORM,)),
        ("22990119600101001９", (NumberFault.FORM,)),  # full width
        ("22990119600101001\n", (NumberFault.FORM,)),
        ("229901196001010018", (NumberFault.CHECK_DIGIT,)),
        ("229901190002290018", (NumberFault.CHECK_DIGIT, NumberFault.DATE)),
        ("229901001301001", (NumberFault.DATE,)),
    ],
)
def test_every_fault_of_a_number_is_named_at_once(
    text: str, expected: tuple[NumberFault, ...]
) -> None:
    assert faults(text) == expected
    with pytest.raises(NumberRefused) as caught:
        parse(text)
    assert caught.value.faults == expected
    assert text == "" or text not in str(caught.value)


def test_a_number_never_shows_in_a_repr() -> None:
    assert "1960" not in repr(parse("229901196001010019"))


def test_days_that_do_not_exist_are_no_dates() -> None:
    assert real_date("20040229") == date(2004, 2, 29)
    assert [
        real_date(text) for text in ("20050229", "00000101", "2005011", "２００５０１０１")
    ] == [None] * 4


def test_tables_have_every_code() -> None:
    assert [nation_name(code) for code in ("01", "10", "44", "56")] == [
        "汉",
        "朝鲜",
        "俄罗斯",
        "基诺",
    ]
    assert len(NATIONS) == 58
    assert nation_name("57") is None
    assert len(JILIN) == 60 + 2  # two later codes of one county
    assert region_name("220381") == "公主岭市"
    assert region_name("229901") == "示例一县"
    assert region_name("229012") is None
    assert not set(INVENTED) & set(JILIN)
    assert province_known("220104")
    assert not province_known("990104")
