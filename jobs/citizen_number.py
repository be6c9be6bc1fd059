"""Citizen numbers (GB 11643-1999): their form, check digit, date and sex, and 15 to 18 digits.

Pure. It does not ask whether the region ever existed: the number keeps the code of the first
registration, and codes are renumbered and abolished, so that is a warning of `package_checks`.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jobs.errors import JobsError

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN = re.compile(r"[0-9]{15}")
#: ISO 7064 MOD 11-2: 2 to the power (17 - position), modulo 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


class NumberFault(StrEnum):
    """What can be wrong with a number by itself."""

    FORM = "form"
    CHECK_DIGIT = "check_digit"
    DATE = "date"


class NumberRefused(JobsError):
    """This is not a citizen number."""

    code = "citizen_number.refused"

    def __init__(self, faults: tuple[NumberFault, ...]) -> None:
        self.faults = faults
        super().__init__("not a citizen number: " + ", ".join(faults))


@dataclass(frozen=True, slots=True, repr=False)
class CitizenNumber:
    """What a sound number says. Its repr says nothing, for it is a person's."""

    text: str
    region_code: str
    birth_date: date
    serial: int
    male: bool

    def __repr__(self) -> str:
        return "CitizenNumber(...)"


def check_digit(first_17: str) -> str:
    """Return the 18th character for the first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_DIGITS[total % 11]


def to_eighteen(fifteen: str) -> str:
    """Return the 18-character form of a 15-digit number.

    Wrong for people born before 1900, whom 15 digits cannot tell from those born 100 years later.
    """
    first_17 = f"{fifteen[:6]}19{fifteen[6:]}"
    return first_17 + check_digit(first_17)


def faults(text: str) -> tuple[NumberFault, ...]:
    """Return everything that is wrong with an 18 or 15 character number; empty if it is sound."""
    found = []
    if _EIGHTEEN.fullmatch(text):
        if check_digit(text[:17]) != text[17]:
            found.append(NumberFault.CHECK_DIGIT)
        birth_date = real_date(text[6:14])
    elif _FIFTEEN.fullmatch(text):
        birth_date = real_date(f"19{text[6:12]}")
    else:
        return (NumberFault.FORM,)
    if birth_date is None:
        found.append(NumberFault.DATE)
    return tuple(found)


def parse(text: str) -> CitizenNumber:
    """Read a sound number of 18 or 15 characters; raise `NumberRefused` for any other."""
    found = faults(text)
    if found:
        raise NumberRefused(found)
    eighteen = text if len(text) == 18 else to_eighteen(text)
    birth_date = real_date(eighteen[6:14])
    assert birth_date is not None
    serial = int(eighteen[14:17])
    return CitizenNumber(text, eighteen[:6], birth_date, serial, male=serial % 2 == 1)


def real_date(digits: str) -> date | None:
    """Return the day that YYYYMMDD names, or None where there is no such day."""
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
