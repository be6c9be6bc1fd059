"""The applications of a programme's year: how many come each working day, from where, of what kind.

Made up for simulations, from a seed. The programme gives the people, the counties that have started
and the working days; how they are spread over them, and the load beside, are assumptions of ours
and stand here as constants. It makes no package (`jobs/package_maker.py` does) and foresees nothing
for a real centre.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from math import floor
from random import Random

from config.programme import County, Programme, YearTarget
from jobs.load import Load
from jobs.package_maker import Applicant
from jobs.working_calendar import WorkingCalendar

#: Applications are approved so many working days before the plan needs their cards: that much waits
#: when the year begins, and what comes in its last days is already for the next one.
LEAD_DAYS = 5
#: How much comes on a weekday, Monday first, and in a month, beside the mean of all days: people
#: come early in the week, seldom on a Saturday or Sunday that is worked, and least around the
#: Spring Festival and at the year's end.
WEEKDAY_FACTORS = (1.10, 1.05, 1.00, 0.95, 0.90, 0.60, 0.60)
MONTH_FACTORS = (0.90, 0.85, 1.00, 1.05, 1.05, 1.05, 1.08, 1.08, 1.05, 1.00, 0.97, 0.92)
#: And by chance, from one day to the next (standard deviation).
DAY_SPREAD = 0.05
#: What comes beside a hundred people: children, who are not counted, replacements of lost cards,
#: and records that are refused for a mistake. And how many of all are express.
UNDER_16_SHARE, REPLACEMENT_SHARE, FAULTY_SHARE = 0.04, 0.02, 0.005
EXPRESS_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Sending:
    """What one county sends for one working day."""

    day: date
    county: str
    applicants: tuple[Applicant, ...]


def year_of_demand(
    programme: Programme, year: int, calendar: WorkingCalendar, seed: int
) -> Iterator[Sending]:
    """Yield what is sent in a year, by day and county.

    All people whom the year's target asks for have been sent in `LEAD_DAYS` before its end. Raises
    `ValueError` when the programme has no such year, or too little in it.
    """
    random = Random(f"{seed}:demand")
    sender = _Sender(programme, random)
    for day, people in _people_by_day(programme, year, calendar, random):
        yield from sender.send(day, people)


def day_of_demand(
    programme: Programme, day: date, calendar: WorkingCalendar, seed: int
) -> list[Sending]:
    """Return what is sent for one day, its even share of the year; raises `ValueError`."""
    target = _target(programme, day.year)
    if not (target.begins <= day <= target.ends and calendar.works(day)):
        raise ValueError(f"{day} is no working day of {programme.name}'s target of {target.year}")
    if not _started(programme, day):
        raise ValueError(f"no county has started by {day}")
    people = round(target.people / calendar.count(target.begins, target.ends))
    return list(_Sender(programme, Random(f"{seed}:demand")).send(day, people))


def _people_by_day(
    programme: Programme, year: int, calendar: WorkingCalendar, random: Random
) -> list[tuple[date, int]]:
    """Return how many people are sent on each day on which a county has started."""
    target = _target(programme, year)
    every = calendar.days(target.begins, target.ends)
    days = [day for day in every if _started(programme, day)]
    if len(days) <= 2 * LEAD_DAYS:
        raise ValueError(f"{programme.name} has only {len(days)} days of work in {year}")
    factors = _factors(days, random)
    mean = target.people / len(days)
    waiting = LEAD_DAYS * mean
    of_year = factors[:-LEAD_DAYS]
    rate = (target.people - waiting) / sum(of_year)
    next_rate = _rate_of_next(programme, year, calendar)
    sent = [rate * one for one in of_year] + [next_rate * one for one in factors[-LEAD_DAYS:]]
    sent[0] += waiting
    # Sums are rounded, not days, so that nobody gets lost.
    sums = [0, *(floor(total + 0.5) for total in accumulate(sent))]
    return [(day, sums[place + 1] - sums[place]) for place, day in enumerate(days)]


def _factors(days: Sequence[date], random: Random) -> list[float]:
    """Return how much comes on each day, with a mean of 1."""
    drawn = [
        WEEKDAY_FACTORS[day.weekday()]
        * MONTH_FACTORS[day.month - 1]
        * max(random.gauss(1.0, DAY_SPREAD), 0.0)
        for day in days
    ]
    mean = sum(drawn) / len(drawn)
    return [one / mean for one in drawn]


def _target(programme: Programme, year: int) -> YearTarget:
    found = next((one for one in programme.targets if one.year == year), None)
    if found is None:
        years = ", ".join(str(one.year) for one in programme.targets)
        raise ValueError(f"{programme.name} has no target for {year} (it has for {years})")
    return found


def _rate_of_next(programme: Programme, year: int, calendar: WorkingCalendar) -> float:
    target = next((one for one in programme.targets if one.year == year + 1), None)
    return target.people / calendar.count(target.begins, target.ends) if target else 0.0


def _started(programme: Programme, day: date) -> list[County]:
    return [one for one in programme.counties if one.starts and one.starts <= day]


@dataclass(slots=True)
class _Sender:
    """Shares out days among the counties that have started; what is left over is kept in mind."""

    programme: Programme
    random: Random
    people: int = 0
    #: What each county should have sent so far, less what it did.
    dues: dict[str, float] = field(default_factory=dict)

    def send(self, day: date, people: int) -> Iterator[Sending]:
        """Yield what the counties send for a day on which so many people are sent."""
        applicants = self._applicants(people)
        place = 0
        for county, count in self._shares(day, len(applicants)):
            yield Sending(day, county, tuple(applicants[place : place + count]))
            place += count

    def _applicants(self, people: int) -> list[Applicant]:
        before, self.people = self.people, self.people + people
        found = [Applicant()] * people
        found += [Applicant(Load.UNDER_16)] * _due(UNDER_16_SHARE, before, self.people)
        found += [Applicant(Load.REPLACEMENT)] * _due(REPLACEMENT_SHARE, before, self.people)
        for place in self.random.sample(
            range(len(found)), _due(EXPRESS_SHARE, before, self.people)
        ):
            found[place] = Applicant(found[place].load, express=True)
        found += [Applicant(faulty=True)] * _due(FAULTY_SHARE, before, self.people)
        self.random.shuffle(found)
        return found

    def _shares(self, day: date, count: int) -> list[tuple[str, int]]:
        """Share a day out, so that over the days each county comes to its due."""
        weights = _weights(self.programme, day)
        total = sum(weights.values())
        for county, weight in weights.items():
            self.dues[county] = self.dues.get(county, 0.0) + count * weight / total
        shares = {county: max(floor(self.dues[county]), 0) for county in weights}
        while missing := count - sum(shares.values()):
            step = 1 if missing > 0 else -1
            able = [county for county in weights if shares[county] + step >= 0]
            able.sort(key=lambda one: step * (shares[one] - self.dues[one]))
            for county in able[: abs(missing)]:
                shares[county] += step
        for county, share in shares.items():
            self.dues[county] -= share
        return [(county, share) for county, share in shares.items() if share]


def _due(share: float, before: int, after: int) -> int:
    return floor(share * after + 0.5) - floor(share * before + 0.5)


def _weights(programme: Programme, day: date) -> dict[str, float]:
    """Return the share of each county that has started: its prefecture's people, split evenly."""
    counties = [one.prefecture for one in programme.counties]
    people = {
        one.code: one.people / counties.count(one.code)
        for one in programme.prefectures
        if one.code in counties
    }
    return {one.code: people[one.prefecture] for one in _started(programme, day)}
