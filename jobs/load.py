"""What an order is to the programme: a person who is counted, or load that is made beside. Pure.

It looks at one application on the day of its receipt. Whether the same person was counted before is
the books' to know (`docs/decisions/0018`).
"""

from datetime import date
from enum import StrEnum

from jobs.age import OF_AGE_YEARS, age_on
from jobs.application import FIRST_GENERATION, Application

_REPLACEMENT = "3"  # 申领原因 3x: 补领, a lost or damaged card


class Load(StrEnum):
    """Every order is exactly one of these."""

    PERSON = "person"  # of age, first issue or exchange: what the programme counts
    UNDER_16 = "under_16"
    REPLACEMENT = "replacement"
    FIRST_GENERATION = "first_generation"


def load_of(application: Application, received: date) -> Load:
    """Return what an application is to the programme; the first that fits, in this order."""
    if application.product_code == FIRST_GENERATION:
        return Load.FIRST_GENERATION
    if age_on(received, application.birth_date) < OF_AGE_YEARS:
        return Load.UNDER_16
    if application.reason_code.startswith(_REPLACEMENT):
        return Load.REPLACEMENT
    return Load.PERSON
