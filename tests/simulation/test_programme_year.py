"""A year of a programme, tiny: its shifts, sums and account, and the same again by its seed."""

import asyncio
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from config.centre import Centre, load_centre, shipped_centre
from config.programme import shipped_programme
from controller.clock import start_of_day_us
from controller.programme_account import year_account
from controller.programme_year import YearPlan, simulate_year
from controller.shifts import shift_plan
from controller.simulating import Simulated
from controller.virtual_time import VirtualTimeLoop
from jobs.events import Kind
from jobs.load import Load
from tests.simulation.checkers import check_books

JILIN = shipped_programme("jilin-2004")
SCALE = 200_000
SECOND_US = 1_000_000


def jilin() -> Centre:
    return load_centre(shipped_centre("jilin"))


def year(seed: int = 1, scale: int = SCALE) -> YearPlan:
    return YearPlan("jilin-2004", JILIN, 2005, scale, seed)


def simulated(folder: Path, seed: int) -> closing[Simulated]:
    """Run a year as the command does: on a loop of its own, whose time begins at 0."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return closing(runner.run(simulate_year(jilin(), year(seed), folder)))


def test_a_year_goes_through_its_shifts_its_books_are_true_and_its_seed_makes_it_again(
    tmp_path: Path,
) -> None:
    with simulated(tmp_path, 1) as made:
        check_books(made.service)
        orders = made.ledger.books.orders.values()
        # 4,450,000 people over 200,000 are 22. Besides comes five days' share of next year.
        assert 22 <= sum(order.load is Load.PERSON for order in orders) <= 23
        events = list(made.ledger.store.events())
        begun = [event for event in events if event.kind is Kind.SHIFT_BEGUN]
        plan = shift_plan(jilin(), JILIN)
        spans = list(
            plan.spans(start_of_day_us(date(2005, 1, 1)), start_of_day_us(date(2006, 1, 1)))
        )
        assert len(spans) == 502, "two on each of 251 working days"
        told = [tuple(event.draft.data[name] for name in ("name", "begins_us")) for event in begun]
        assert told == [(span.name, span.begins_us) for span in spans]
        for event, span in zip(begun, spans, strict=True):
            # A millisecond of the loop is the shortest wait: 200 s at this scale.
            assert span.begins_us <= event.time_us <= span.begins_us + 400 * SECOND_US
        off_shift = [event for event in events if plan.at(event.time_us) is None]
        ends = {span.ends_us for span in spans}
        assert {event.time_us for event in off_shift} <= ends, "nothing happens at night"
        account = year_account(made, year())
        assert account.balanced
        assert account.standing is not None
        assert account.standing.counted == account.counted == account.months[-1].counted_so_far
        assert sum(month.received for month in account.months) == len(orders)
        assert account.months[-1].plan_so_far == 22
        assert sum(group.counted for group in account.prefectures) == account.counted > 0
    (tmp_path / "again").mkdir()
    with simulated(tmp_path / "again", 1) as again:
        assert again.ledger.head == made.ledger.head


@pytest.mark.parametrize(
    ("scale", "told"),
    [(300_000, "leaves 15 people of 2005"), (500_000, "can be divided by 1 to 400000")],
)
def test_a_scale_that_leaves_too_few_people_is_refused(scale: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        year(scale=scale)


def test_a_day_brings_its_share_of_the_year_at_full_size() -> None:
    plan = YearPlan("jilin-2004", JILIN, 2005, day=date(2005, 11, 8))
    assert plan.people_sent == 17_729
    assert plan.applications == 17_729 + 709 + 355 + 89, "children, replacements, mistakes"
