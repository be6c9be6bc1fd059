"""Full years of age, and what the law makes of them. Pure.

It says how old somebody is on a day and how long a card is then valid. It checks no record.
"""

from datetime import date

#: Whoever has so many full years is counted by the programme; children may have a card.
OF_AGE_YEARS = 16
#: Full years of age on the day validity starts, up to which so many years are given (the law).
_YEARS_BY_AGE = ((15, 5), (25, 10), (45, 20))


def age_on(day: date, birth_date: date) -> int:
    """Return the full years of age; who was born on 29 February is older on 1 March."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (not had_birthday)


def years_for(age: int) -> int | None:
    """Return how many years a second-generation card is valid; None is long-term."""
    return next((years for oldest, years in _YEARS_BY_AGE if age <= oldest), None)


def valid_until(start: date, years: int | None) -> date | None:
    """Return the same day so many years on; 28 February where there is no 29th."""
    if years is None:
        return None
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, day=28)
