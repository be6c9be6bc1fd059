"""The hours of a centre: shifts as a person writes them. Which days are worked is not said here."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from config.loading import Problem
from config.products import Name

MINUTES_OF_A_DAY = 24 * 60

Begin = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
End = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class Shift(BaseModel):
    """One shift of every working day; one that ends before it begins passes midnight."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    begins: Begin
    ends: End

    @property
    def begins_minute(self) -> int:
        """The minute of the day in which it begins."""
        return _minute(self.begins)

    @property
    def ends_minute(self) -> int:
        """The minute with which it ends; one not after the begin is of the next day."""
        return _minute(self.ends)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begins == self.ends:
            raise ValueError(f"{self.name} ends when it begins")
        return self


def shift_problems(shifts: Sequence[Shift]) -> Iterator[Problem]:
    """Yield every shift that has another's name or shares time with another."""
    for (_, first), (number, second) in combinations(enumerate(shifts), 2):
        if second.name == first.name:
            yield Problem(f"shifts[{number}].name", f"{second.name} is used twice")
        if _overlap(first, second):
            yield Problem(f"shifts[{number}]", f"{second.name} shares time with {first.name}")


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def _overlap(first: Shift, second: Shift) -> bool:
    """Tell whether two shifts share time, on one day or over midnight."""
    gap = (second.begins_minute - first.begins_minute) % MINUTES_OF_A_DAY
    return gap < _length(first) or MINUTES_OF_A_DAY - gap < _length(second)


def _length(shift: Shift) -> int:
    length = (shift.ends_minute - shift.begins_minute) % MINUTES_OF_A_DAY
    return length or MINUTES_OF_A_DAY
