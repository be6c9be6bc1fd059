"""By when a card is promised: the earlier of the centre's limit and the law's."""

from datetime import date

import pytest

from config.centre import Promise
from jobs.promise import promise_date

RULES = Promise(
    centre_days=30,
    express_days=5,
    acceptance_days=60,
    remote_counties=("229903",),
    remote_extra_days=30,
    distribution_days=15,
    distribution_days_of={"229902": 20},
)
RECEIVED = date(2005, 9, 5)


@pytest.mark.parametrize(
    ("county", "express", "accepted", "promised", "why"),
    [
        ("229901", False, date(2005, 9, 1), date(2005, 10, 5), "receipt + 30, not 09-01 + 45"),
        ("229901", True, date(2005, 9, 1), date(2005, 9, 10), "receipt + 5"),
        ("229901", False, date(2005, 8, 1), date(2005, 9, 15), "acceptance + 60 - 15"),
        (
            "229901",
            True,
            date(2005, 7, 20),
            date(2005, 9, 3),
            "the law is earlier even for express",
        ),
        ("229902", False, date(2005, 8, 1), date(2005, 9, 10), "acceptance + 60 - 20"),
        ("229903", False, date(2005, 8, 1), date(2005, 10, 5), "remote: 08-01 + 75 is later"),
        ("229903", False, date(2005, 7, 1), date(2005, 9, 14), "acceptance + 60 + 30 - 15"),
    ],
)
def test_the_earlier_of_both_limits_counts(
    county: str, express: bool, accepted: date, promised: date, why: str
) -> None:
    found = promise_date(
        RULES, county=county, express=express, received=RECEIVED, accepted=accepted
    )
    assert found == promised, why
