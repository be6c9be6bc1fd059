"""Programmes as data: phases, targets, quotas, counties and fees of a multi-year exchange of cards.

A file is checked as a whole, so that its parts add up. Where a programme stands is not worked out
here, and of working days this module knows only those that a programme changes.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from config.loading import Mistakes, Problem, load_toml
from config.products import Name

Text = Annotated[str, StringConstraints(min_length=1, max_length=100)]
People = Annotated[int, Field(ge=1, le=2_000_000_000)]
PrefectureCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
CountyCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Phase(_Part):
    """A stretch of the programme, and the products (`zjlbdm`) that are made in it."""

    name: Text
    name_zh: Text
    begins: date
    ends: date
    products: tuple[Literal["1", "2"], ...]


class YearTarget(_Part):
    """How many people a calendar year has to bring, and on which of its days."""

    year: int
    begins: date
    ends: date
    people: People


class Milestone(_Part):
    """Something that has to be ready by a day; `done` is set when it was."""

    name: Text
    name_zh: Text
    due: date
    done: date | None = None


class Prefecture(_Part):
    """A prefecture and its share of the whole programme."""

    code: PrefectureCode
    name: Text
    name_zh: Text
    people: People


class County(_Part):
    """A county-level unit; one without a start has not been put on the calendar yet."""

    code: CountyCode
    name: str = ""  # in Latin letters, for readers of English
    name_zh: Text
    starts: date | None = None
    pilot: bool = False

    @property
    def prefecture(self) -> str:
        """The code of the prefecture, which a county's code begins with."""
        return self.code[:4]


class Fee(_Part):
    """What a kind of fee (`sflx`) costs from a day on."""

    type: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]$")]
    name_zh: Text
    cents: int = Field(ge=0, le=9_999_999)
    begins: date


Share = TypeVar("Share", YearTarget, Prefecture)
Part = TypeVar("Part")


class Programme(_Part):
    """One programme. People are those of 16 and over, each counted once."""

    name: Name
    title: Text
    title_zh: Text
    part_of: str = ""  # the programme in whose people these are counted already
    people: People
    begins: date
    ends: date
    phases: tuple[Phase, ...] = Field(min_length=1)
    targets: tuple[YearTarget, ...] = Field(min_length=1)
    milestones: tuple[Milestone, ...] = ()
    prefectures: tuple[Prefecture, ...] = Field(min_length=1)
    quotas_are_assumed: bool = False
    assumption: str = ""
    counties: tuple[County, ...] = Field(min_length=1)
    closed_days: tuple[date, ...] = ()
    extra_working_days: tuple[date, ...] = ()
    fees: tuple[Fee, ...] = ()
    first_generation_cut_off: date | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        problems = [problem for check in _CHECKS for problem in check(self)]
        if problems:
            raise Mistakes(tuple(problems))
        return self

    def target_of(self, day: date) -> YearTarget | None:
        """Return the target that a day counts for."""
        return next((one for one in self.targets if one.begins <= day <= one.ends), None)

    def scaled(self, factor: int) -> Self:
        """Return the programme with every figure of people divided and rounded half up.

        Each is rounded by itself, so that parts may miss their sum by a few. Raises `ValueError`
        when one would come to nothing.
        """
        shares: tuple[YearTarget | Prefecture, ...] = (*self.targets, *self.prefectures)
        smallest = min(one.people for one in shares)
        if not 1 <= factor <= 2 * smallest:
            raise ValueError(f"{self.name} can be divided by 1 to {2 * smallest}, not by {factor}")
        return self.model_copy(
            update={
                "people": _divided(self.people, factor),
                "targets": tuple(_scaled(one, factor) for one in self.targets),
                "prefectures": tuple(_scaled(one, factor) for one in self.prefectures),
            }
        )


def load_programme(path: Path) -> Programme:
    """Read a programme's file; raises `ConfigError` with every mistake."""
    return load_toml(path, Programme)


@lru_cache(maxsize=8)
def shipped_programme(name: str) -> Programme:
    """Return a programme that comes with the software; raises `KeyError` if there is none."""
    if name not in shipped_programme_names():
        raise KeyError(name)
    return load_programme(_shipped() / f"{name}.toml")


def shipped_programme_names() -> tuple[str, ...]:
    """Return the names of the programmes that come with the software."""
    return tuple(sorted(path.stem for path in _shipped().glob("*.toml")))


def _shipped() -> Path:
    return Path(__file__).with_name("programmes")


def _divided(people: int, factor: int) -> int:
    return (2 * people + factor) // (2 * factor)


def _scaled(share: Share, factor: int) -> Share:
    return share.model_copy(update={"people": _divided(share.people, factor)})


def _dates(programme: Programme) -> Iterator[Problem]:
    begins, ends = programme.begins, programme.ends
    stretches: list[tuple[str, Phase | YearTarget]] = [
        *_numbered("phases", programme.phases),
        *_numbered("targets", programme.targets),
    ]
    if ends < begins:
        yield Problem("ends", f"{ends} is before the begin, {begins}")
        return
    for path, part in stretches:
        if part.ends < part.begins:
            yield Problem(f"{path}.ends", f"{part.ends} is before the begin, {part.begins}")
        elif part.begins < begins or part.ends > ends:
            text = f"{part.begins} to {part.ends} is not within {begins} to {ends}"
            yield Problem(path, text)
    for path, county in _numbered("counties", programme.counties):
        if county.starts and not begins <= county.starts <= ends:
            yield Problem(f"{path}.starts", f"{county.starts} is not within {begins} to {ends}")


def _phases(programme: Programme) -> Iterator[Problem]:
    cut_off = programme.first_generation_cut_off
    numbered = list(_numbered("phases", programme.phases))
    for (_, before), (path, phase) in pairwise(numbered):
        if phase.begins <= before.ends:
            text = f"{phase.begins} is not after the end of {before.name}, {before.ends}"
            yield Problem(f"{path}.begins", text)
    for path, phase in numbered:
        if "1" in phase.products and cut_off and phase.ends >= cut_off:
            text = f"{phase.name} makes product 1 on and after first_generation_cut_off, {cut_off}"
            yield Problem(f"{path}.products", text)


def _targets(programme: Programme) -> Iterator[Problem]:
    numbered = list(_numbered("targets", programme.targets))
    for path, target in numbered:
        if not target.begins.year == target.ends.year == target.year:
            yield Problem(f"{path}.year", f"{target.begins} to {target.ends} is not {target.year}")
    for (_, before), (path, target) in pairwise(numbered):
        if target.year <= before.year:
            yield Problem(f"{path}.year", f"{target.year} does not come after {before.year}")
    yield from _sum("targets", programme.targets, programme.people)


def _quotas(programme: Programme) -> Iterator[Problem]:
    yield from _twice("prefectures", "code", (one.code for one in programme.prefectures))
    yield from _sum("prefectures", programme.prefectures, programme.people)
    if programme.quotas_are_assumed and not programme.assumption:
        yield Problem("assumption", "quotas_are_assumed needs to say how they were found")


def _counties(programme: Programme) -> Iterator[Problem]:
    yield from _twice("counties", "code", (one.code for one in programme.counties))
    listed = {prefecture.code for prefecture in programme.prefectures}
    for path, county in _numbered("counties", programme.counties):
        if county.prefecture not in listed:
            yield Problem(f"{path}.code", f"there is no prefecture {county.prefecture}")
        if county.pilot and county.starts is None:
            yield Problem(f"{path}.starts", "a pilot county has a start")


def _lists(programme: Programme) -> Iterator[Problem]:
    known = shipped_programme_names()
    if programme.part_of and programme.part_of not in known:
        text = f"there is no programme {programme.part_of!r} (known: {', '.join(known)})"
        yield Problem("part_of", text)
    if programme.part_of == programme.name:
        yield Problem("part_of", "a programme is no part of itself")
    for number, day in enumerate(programme.extra_working_days):
        if day in programme.closed_days:
            yield Problem(f"extra_working_days[{number}]", f"{day} is one of closed_days too")
    yield from _twice("fees", "type", (f"{fee.type} from {fee.begins}" for fee in programme.fees))


_CHECKS = (_dates, _phases, _targets, _quotas, _counties, _lists)


def _numbered(name: str, parts: Iterable[Part]) -> Iterator[tuple[str, Part]]:
    """Yield every part with its place in the file."""
    return ((f"{name}[{number}]", part) for number, part in enumerate(parts))


def _sum(name: str, shares: Iterable[YearTarget | Prefecture], people: int) -> Iterator[Problem]:
    total = sum(share.people for share in shares)
    if total != people:
        yield Problem(name, f"add up to {total:,} people, not to {people:,}")


def _twice(name: str, key: str, values: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, value in enumerate(values):
        if value in seen:
            yield Problem(f"{name}[{number}].{key}", f"{value} is there twice")
        seen.add(value)
