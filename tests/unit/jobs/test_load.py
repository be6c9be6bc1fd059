"""What an application is to the programme, and the fee that was charged for it."""

from dataclasses import replace
from datetime import date
from random import Random

import pytest

from jobs.application import Application, application_of
from jobs.fees import Fee, check_fee, fee_of
from jobs.load import Load, load_of
from jobs.package_maker import PackagePlan, invented_records

DAY = date(2005, 9, 12)


def application(birth_date: date, reason_code: str, product_code: str) -> Application:
    (fields,) = invented_records(Random(4), PackagePlan(1, DAY))
    return replace(
        application_of(fields),
        birth_date=birth_date,
        reason_code=reason_code,
        product_code=product_code,
    )


ADULT = date(1970, 5, 1)


@pytest.mark.parametrize(
    ("birth_date", "reason_code", "product_code", "load"),
    [
        (ADULT, "12", "2", Load.PERSON),
        (ADULT, "21", "2", Load.PERSON),  # an exchange is what the programme is about
        (ADULT, "99", "2", Load.PERSON),  # not known: no reason to leave the person out
        (ADULT, "31", "2", Load.REPLACEMENT),
        (ADULT, "39", "2", Load.REPLACEMENT),
        (date(1989, 9, 12), "12", "2", Load.PERSON),  # sixteen on the day of receipt itself
        (date(1989, 9, 13), "12", "2", Load.UNDER_16),  # sixteen on the morrow
        (date(1995, 9, 13), "32", "2", Load.UNDER_16),  # a child's lost card is a child's card
        (ADULT, "12", "1", Load.FIRST_GENERATION),
        (ADULT, "31", "1", Load.FIRST_GENERATION),
    ],
)
def test_each_application_is_one_load(
    birth_date: date, reason_code: str, product_code: str, load: Load
) -> None:
    assert load_of(application(birth_date, reason_code, product_code), DAY) is load


@pytest.mark.parametrize(
    ("kind", "yuan", "fee", "relieved"),
    [
        ("1", "20.00", Fee("1", 2_000), False),
        ("1", "20", Fee("1", 2_000), False),
        ("2", "40.5", Fee("2", 4_050), False),
        ("1", "0.05", Fee("1", 5), False),
        ("Z", "99999.99", Fee("Z", 9_999_999), False),
        ("9", "0.00", Fee("9", 0), True),
        ("9", "10.00", Fee("9", 1_000), True),  # relieved of half of it
        ("1", "0", Fee("1", 0), True),
        ("", "", Fee(), False),  # nothing was said: nobody was relieved
    ],
)
def test_fees_are_read_to_the_cent(kind: str, yuan: str, fee: Fee, *, relieved: bool) -> None:
    fields = {name: text for name, text in (("sflx", kind), ("sfje", yuan)) if text}
    assert fee_of(fields) == fee
    assert fee.relieved is relieved
    assert list(check_fee(fields)) == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"sflx": "1"}, "sflx"),
        ({"sfje": "20.00"}, "sfje"),
        ({"sflx": "12", "sfje": "20.00"}, "sfje"),
        ({"sflx": "张", "sfje": "20.00"}, "sfje"),
        ({"sflx": "1", "sfje": "-20.00"}, "sfje"),
        ({"sflx": "1", "sfje": "20.005"}, "sfje"),
        ({"sflx": "1", "sfje": "100000"}, "sfje"),
        ({"sflx": "1", "sfje": "٢٠"}, "sfje"),
        ({"sflx": "1", "sfje": "20元"}, "sfje"),
    ],
)
def test_a_fee_that_cannot_be_counted_is_a_warning_and_unknown(
    fields: dict[str, str], named: str
) -> None:
    (reason,) = check_fee(fields)
    assert (reason.field, reason.warning, reason.refuses) == (named, True, False)
    assert fee_of(fields) == Fee()
    assert not any(text in reason.text + reason.description for text in fields.values())
