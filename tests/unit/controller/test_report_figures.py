"""The figures of reports from ledgers whose days are told, and from one of a simulated run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.centre import load_centre, shipped_centre
from config.programme import County, Phase, Prefecture, Programme, YearTarget
from config.shifts import Shift
from controller.clock import start_of_day_us
from controller.reports.counties import counties
from controller.reports.oee import oee_of
from controller.reports.progress import progress
from controller.reports.quality import quality
from controller.reports.reading import Basis, Period, account_terms, basis, station_events
from controller.reports.shift import NoSuchShift, shift, shift_of
from controller.reports.targets import targets
from controller.simulating import SimulationPlan, simulate
from controller.virtual_time import VirtualTimeLoop
from jobs.account import account
from jobs.books import Books
from jobs.events import Draft, Kind
from jobs.ledger.ledger import load_books
from jobs.ledger.store import Store
from jobs.station_time import time_account
from jobs.working_calendar import WorkingCalendar
from tests.unit.controller.told_ledger import COUNTY, ToldLedger, told_ledger

FIRST = date(2005, 1, 4)
#: 251 working days in 2005: ten people each.
PROGRAMME = Programme(
    name="small",
    title="A small programme",
    title_zh="小方案",
    people=2_510,
    begins=date(2005, 1, 1),
    ends=date(2006, 3, 31),
    phases=(
        Phase(name="all", name_zh="全部", begins=date(2005, 1, 1), ends=date(2005, 12, 31),
              products=("2",)),
    ),
    targets=(
        YearTarget(year=2005, begins=date(2005, 1, 1), ends=date(2005, 12, 31), people=2_510),
    ),
    prefectures=(Prefecture(code="2201", name="Changchun", name_zh="长春市", people=2_510),),
    counties=(
        County(code="220182", name="Yushu", name_zh="榆树市"),
        County(code="220181", name="Jiutai", name_zh="九台市", starts=date(2005, 1, 4)),
        County(code=COUNTY, name="Nong'an", name_zh="农安县", starts=FIRST, pilot=True),
    ),
)  # fmt: skip


@asynccontextmanager
async def opened(path: Path, begins: date = FIRST) -> AsyncIterator[tuple[ToldLedger, Basis]]:
    async with told_ledger(path, begins) as told:
        reader = Store.open_for_reading(str(path))
        try:
            yield told, basis(reader, load_centre(shipped_centre("simulated")), PROGRAMME)
        finally:
            reader.close()


def working_days(first: date, count: int) -> list[date]:
    calendar = WorkingCalendar()
    return list(calendar.days(first, first + timedelta(days=2 * count + 20)))[:count]


# Where the programme stands


async def test_twelve_days_of_nine_people_where_ten_were_planned(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        days = working_days(FIRST, 12)
        for day in days:
            await told.day(day, 9)
        found = targets(read, PROGRAMME, days[-1])
    standing = found.standing
    # 12 x 9 = 108 counted, 12 x 10 = 120 planned: 12 people, 1.2 days of ten. 2,510 - 108 = 2,402
    # are left for 251 - 12 = 239 days.
    assert (standing.counted, round(standing.plan), round(standing.ahead_people)) == (108, 120, -12)
    assert standing.ahead_working_days == pytest.approx(-1.2)
    assert standing.required_per_day == pytest.approx(2_402 / 239)
    assert [(one.year, one.counted, round(one.plan)) for one in found.years] == [(2005, 108, 120)]
    assert (found.received, found.fees_cents, found.turnaround_days) == (108, 108 * 2_000, (0, 0))
    # Nine people every day, and nothing else ever seen: 239 more days bring 9 x 239.
    assert found.forecast.days_used == 10
    assert found.forecast.year_median == 108 + 9 * 239
    assert found.year_burn_up.done[-1] == (days[-1], 108.0)
    assert found.year_burn_up.band[-1][0] == date(2005, 12, 31)


async def test_a_past_day_knows_what_waited_then(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        orders = await told.receive(FIRST, 5)
        later = date(2005, 1, 20)
        await told.make(later, orders)
        assert targets(read, PROGRAMME, FIRST).standing.waiting == 5
        assert targets(read, PROGRAMME, date(2005, 1, 19)).standing.older_than[15] == 0
        assert targets(read, PROGRAMME, later).standing.waiting == 0
        # Received on Tuesday the 4th, sent out on Thursday the 20th: 12 working days.
        assert targets(read, PROGRAMME, later).turnaround_days == (12, 12)


async def test_a_day_off_counts_with_the_working_day_before_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        days = working_days(FIRST, 10)
        for day in days:
            await told.day(day, 9)
        saturday = date(2005, 1, 15)
        assert not read.calendar.works(saturday)
        await told.day(date(2005, 1, 22), 9)
        found = targets(read, PROGRAMME, date(2005, 1, 22))
        assert found.standing.counted == 99
        assert found.forecast.days_used == 10


async def test_counties_are_listed_pilots_first_and_unstarted_apart(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        await told.day(FIRST, 3)
        await told.receive(FIRST, 2, "220181", hour=17)
        await told.receive(FIRST, 1, "229901", hour=18)
        found = counties(read, PROGRAMME, Period(FIRST, FIRST))
    assert [one.figures.key for one in found.started] == [COUNTY, "220181"]
    assert [one.figures.key for one in found.unstarted] == ["220182"]
    assert [(one.key, one.waiting) for one in found.outside] == [("229901", 1)]
    assert [(one.counted, one.waiting) for one in found.prefectures] == [(3, 2), (0, 1)]


async def test_a_month_is_held_against_its_own_plan_and_the_whole(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        for day in working_days(FIRST, 25):
            await told.day(day, 9)
        found = progress(read, PROGRAMME, Period(date(2005, 1, 1), date(2005, 1, 31)))
    # January 2005 has 20 working days from the 4th on.
    assert (found.counted, round(found.plan)) == (180, 200)
    assert found.standing.counted == 180
    assert [one.counted_so_far for one in found.prefectures] == [180]
    assert (found.received, found.made, found.dispatched) == (180, 180, 180)


# A simulated run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Basis]:
    folder = tmp_path_factory.mktemp("run")
    config = load_centre(shipped_centre("simulated"))
    plan = SimulationPlan(orders=30, seed=5, faults=4, ledger=folder / "ledger.sqlite")
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(simulate(config, plan, folder)).close()
    store = Store.open_for_reading(str(folder / "ledger.sqlite"))
    yield basis(store, config, PROGRAMME)
    store.close()


def test_the_terms_counted_in_sql_are_the_account(run: Basis) -> None:
    expected = account(load_books(run.store))
    assert account_terms(run.store) == {
        name: getattr(expected, name)
        for name in ("issued", "good", "spoiled", "samples", "returned", "in_process", "in_doubt")
    }


@pytest.mark.parametrize("share", [0.0, 0.4, 0.7])
def test_what_is_read_from_the_middle_is_the_cut_of_the_whole(run: Basis, share: float) -> None:
    begins_us, ends_us = run.known(0, 2**62)
    from_us = begins_us + round(share * (ends_us - begins_us))
    shifts = list(run.shifts.spans(from_us, ends_us))
    whole = time_account(run.store.events(), run.stations, shifts, from_us, ends_us)
    read = station_events(run.store, from_us, ends_us)
    found = time_account(read, run.stations, shifts, from_us, ends_us)
    assert [one.seconds_us for one in found.stations] == [one.seconds_us for one in whole.stations]
    assert oee_of(found).adds_up


def test_a_shift_is_counted_by_hour_and_by_person(run: Basis) -> None:
    found = shift(run, shift_of(run, run.today(), ""))
    books = load_books(run.store)
    packed = sum(hour.cards["pack"] for hour in found.hours)
    assert (found.good, found.spoiled) == (26, books_spoiled(books))
    assert packed == found.good
    assert found.time.adds_up
    assert found.balanced
    assert not found.complete
    assert [(one.line, one.issued) for one in found.stock] == [("line-1", len(books.cards))]
    assert {one.actor for one in found.acts} <= {"simulated operator"}


async def test_what_a_shift_changed_of_the_blanks_adds_up(tmp_path: Path) -> None:
    async with opened(tmp_path / "ledger.sqlite") as (told, read):
        told.at(FIRST, 9)
        for what, blanks in (("loaded", 20), ("returned", 4), ("samples", 3), ("samples", 2)):
            change = {"line": "line-1", what: blanks}
            await told.ledger.append(Draft(Kind.STOCK_CHANGED, "user:li", change))
        await told.day(FIRST, 6)
        (stock,) = shift(read, shift_of(read, FIRST, "")).stock
    assert (stock.loaded, stock.issued, stock.returned, stock.samples) == (26, 6, 4, 5)
    assert stock.in_magazine_now == 26 - 6 - 4 - 5


def books_spoiled(books: Books) -> int:
    return account(books).spoiled


def test_what_was_refused_and_spoiled_is_all_there(run: Basis) -> None:
    found = quality(run, Period(run.today(), run.today()))
    books = load_books(run.store)
    assert sum(one.cards for one in found.spoilage) == found.spoiled == books_spoiled(books)
    # Four faulty applications: three are refused, one is held.
    assert (found.refused, found.received) == (3, 27)
    assert sum(one.applications for one in found.refusals) == 3
    assert found.orders_done == 26
    assert found.remade == sum(order.attempts > 1 for order in books.orders.values())


def test_a_shift_that_was_not_is_told_with_those_that_were(run: Basis) -> None:
    shifts = (Shift(name="early", begins="06:30", ends="14:00"),)
    two = basis(run.store, run.centre.model_copy(update={"shifts": shifts}), PROGRAMME)
    assert shift_of(two, run.today(), "").name == "early"
    with pytest.raises(NoSuchShift, match="that day has early"):
        shift_of(two, run.today(), "late")
    with pytest.raises(NoSuchShift, match="no shift is worked"):
        shift_of(two, date(2005, 9, 4), "")
    early = shift(two, shift_of(two, run.today(), "early"))
    assert early.begins_us == start_of_day_us(run.today(), 8)  # the ledger's begin
    assert early.time.adds_up
