"""A year of a programme in virtual time, at a fraction of its size, or one whole day card by card.

Machines, wires, operators and time-outs are those of any simulated centre, at their own speed. In a
year divided by a scale it is the calendar that runs so many times as fast, and has no nights
(`ShiftTimeClock`): seen from it, machines, repairs and refills are that much slower, and a
fraction of the cards is as hard to make as all of them. What came of it is
`controller/programme_account.py`.
"""

import asyncio
import cProfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

from config.centre import Centre
from config.programme import Programme
from config.programme_settings import ProgrammeSettings
from controller.clock import CalendarClock, Clock, ShiftTimeClock, start_of_day_us
from controller.shifts import shift_plan, working_calendar
from controller.simulating import (
    ACTOR,
    Simulated,
    SimulationPlan,
    Timing,
    all_at_work,
    load_magazines,
    running,
    seeded,
)
from jobs.demand import Sending, day_of_demand, year_of_demand
from jobs.invented_faults import FaultKind
from jobs.load import Load
from jobs.package_maker import PackagePlan, Series, file_name, package_pieces
from jobs.shifts import DAY_US, ShiftPlan, ShiftSpan
from jobs.states import BatchState, OrderState

#: With fewer people a year says nothing of a centre.
PEOPLE_MIN = 20
#: A day at full size begins so long before its first shift: the laminators have to warm up.
EARLY_US = 3_600_000_000
#: And the last of its cards may take so long after the last shift.
AFTERWARDS_S = 3600.0
LOOK_S = 30.0
_ONE_DAY = timedelta(days=1)
_REFUSED = (
    FaultKind.CHECK_DIGIT,
    FaultKind.SEX,
    FaultKind.BIRTH_DATE,
    FaultKind.PHOTO_MISSING,
    FaultKind.PHOTO_WRONG_SIZE,
)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class YearPlan:
    """What to simulate; raises `ValueError` when the programme has no such thing."""

    name: str  # as the setting `plan` names a programme
    programme: Programme
    year: int
    scale: int = 1
    seed: int = 1
    ledger: Path | None = None
    day: date | None = None  # only this one
    sendings: tuple[Sending, ...] = field(init=False)

    def __post_init__(self) -> None:
        scaled = self.programme.scaled(self.scale)
        calendar = working_calendar(scaled)
        if self.day is None:
            found = year_of_demand(scaled, self.year, calendar, self.seed)
        else:
            found = iter(day_of_demand(scaled, self.day, calendar, self.seed))
        object.__setattr__(self, "sendings", tuple(found))
        if self.of_year.people < PEOPLE_MIN:
            raise ValueError(
                f"a scale of {self.scale} leaves {self.of_year.people} people of {self.year}: "
                f"take one that leaves {PEOPLE_MIN} or more"
            )

    @property
    def of_year(self) -> Programme:
        """Return the programme at this scale as if it had only this year."""
        scaled = self.programme.scaled(self.scale)
        target = next(one for one in scaled.targets if one.year == self.year)
        begins = {"begins": target.begins, "people": target.people, "targets": (target,)}
        return scaled.model_copy(update=begins)

    @property
    def applications(self) -> int:
        """Return how many applications come, those of the days after the target's end too."""
        return sum(len(one.applicants) for one in self.sendings)

    @property
    def people_sent(self) -> int:
        """Return how many of them the programme counts."""
        every = (one for sending in self.sendings for one in sending.applicants)
        return sum(one.load is Load.PERSON and not one.faulty for one in every)


async def simulate_year(
    config: Centre,
    plan: YearPlan,
    folder: Path,
    progress: Progress = lambda _done: None,
    profile: cProfile.Profile | None = None,
) -> Simulated:
    """Run a year, or its one day, to its end; `folder` holds packages and keys meanwhile.

    What is returned is to be closed.
    """
    settings = ProgrammeSettings(
        plan=plan.name, first_generation_cut_off=config.programme.first_generation_cut_off
    )
    ordinary = SimulationPlan(plan.applications, plan.seed, ledger=plan.ledger)
    config = seeded(config.model_copy(update={"programme": settings}), ordinary)
    shifts = shift_plan(config, plan.programme)
    run = _Run(plan, shifts, folder, progress)
    async with running(config, ordinary, folder, run.clock) as made:
        made.timing = Timing(profile=profile)
        await all_at_work(made.service)
        await load_magazines(made)
        await run.production(made)
        made.waiting = [str(todo.reason) for todo in made.service.verbs.todo()]
        return made


class _Run:
    """Sends the packages in when their day has come."""

    def __init__(self, plan: YearPlan, shifts: ShiftPlan, folder: Path, progress: Progress) -> None:
        self._plan = plan
        self._shifts = shifts
        self._folder = folder
        self._progress = progress
        self._series = Series()
        self._sent: Counter[str] = Counter()  # packages, by county
        self._first_us = first = _shifts_of(shifts, plan.sendings[0].day)[0].begins_us
        self._scaled: ShiftTimeClock | None = None
        self.clock: Clock
        if plan.day is None:
            self.clock = self._scaled = ShiftTimeClock(shifts, first, plan.scale)
        else:
            self.clock = CalendarClock(first - EARLY_US)

    async def production(self, made: Simulated) -> None:
        """Let the year begin, and wait for its end."""
        timing = made.timing
        begin_s = time.perf_counter()
        timing.began_us = self._first_us
        timing.began_s = asyncio.get_running_loop().time()
        if timing.profile is not None:
            timing.profile.enable()
        if self._scaled is not None:
            self._scaled.begin()
        for day, sendings in groupby(self._plan.sendings, key=lambda one: one.day):
            if self._plan.day is None:
                await self._until(made, _shifts_of(self._shifts, day)[0].begins_us)
            await self._send(made, sendings)
        await self._until_the_end(made)
        if timing.profile is not None:
            timing.profile.disable()
        timing.production_wall_s = time.perf_counter() - begin_s - timing.intake_wall_s

    async def _until_the_end(self, made: Simulated) -> None:
        if self._plan.day is None:
            last = self._plan.of_year.targets[-1].ends
            await self._until(made, start_of_day_us(last) + DAY_US - 1)
            return
        end_us = _shifts_of(self._shifts, self._plan.day)[-1].ends_us
        await self._until(made, end_us + round(AFTERWARDS_S * 1e6), or_closed=True)

    async def _until(self, made: Simulated, time_us: int, *, or_closed: bool = False) -> None:
        """Wait for a moment of the calendar."""
        while (wait_s := self.clock.seconds_until(time_us)) > 0:
            await asyncio.sleep(min(wait_s, LOOK_S))
            self._progress(
                sum(one.state is OrderState.DONE for one in made.ledger.books.orders.values())
            )
            batches = made.ledger.books.batches.values()
            if or_closed and all(batch.state is BatchState.CLOSED for batch in batches):
                return

    async def _send(self, made: Simulated, sendings: Iterable[Sending]) -> None:
        begin_s = time.perf_counter()
        for sending in sendings:
            self._sent[sending.county] += 1
            package = PackagePlan(
                len(sending.applicants),
                sending.day - _ONE_DAY,
                (sending.county,),
                self._sent[sending.county],
                fault_kinds=_REFUSED,
                applicants=sending.applicants,
            )
            path = self._folder / file_name(package)
            random = Random(f"{self._plan.seed}:package:{package.package_number}")
            with path.open("wb") as file:
                file.writelines(package_pieces(random, package, self._series))
            await made.service.verbs.take_package(path, ACTOR)
            path.unlink()
        made.timing.intake_wall_s += time.perf_counter() - begin_s


def _shifts_of(shifts: ShiftPlan, day: date) -> list[ShiftSpan]:
    """Return the shifts that begin on a day."""
    begins_us = start_of_day_us(day)
    return [span for span in shifts.spans(begins_us, begins_us + DAY_US) if span.day == day]
