"""A programme's gauges say what the ledger's file says, and how long the blanks last."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from config.centre import Centre, load_centre, shipped_centre
from config.deliveries import Delivery
from controller.clock import MICROSECONDS
from controller.metrics_page import metrics_page
from tests.unit.controller.metered_centre import Metered, samples

DAY_US = 86_400 * MICROSECONDS


def centre_of(folder: Path, **more: object) -> Centre:
    shipped = load_centre(shipped_centre("simulated"))
    programme = shipped.programme.model_copy(update={"plan": "jilin-2004"})
    ledger = shipped.ledger.model_copy(update={"path": folder / "ledger.sqlite"})
    return shipped.model_copy(update={"programme": programme, "ledger": ledger, **more})


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Metered]:
    opened = await Metered(path=str(centre_of(tmp_path).ledger.path)).open()
    with closing(opened.ledger):
        yield opened


async def three_orders(centre: Metered, folder: Path, **more: object) -> Metered:
    """Saturday 2005-09-10: three orders, one made. Monday the 12th: its card is dispatched."""
    config = centre_of(folder, **more)
    centre.measure()
    centre.page = metrics_page(CollectorRegistry(), config)
    await centre.batch("2005-09-09", "2005-10-10", "2005-10-10")
    await centre.open_box()
    await centre.make_good(1)
    centre.now_us += 2 * DAY_US
    await centre.dispatch(1)
    return centre


def move(folder: Path, name: str, to: str) -> None:
    """Move the ledger's file with its companions."""
    for path in folder.glob(f"{name}*"):
        path.rename(folder / path.name.replace(name, to))


def scraped(centre: Metered) -> dict[str, float]:
    return samples(centre.scrape())


async def test_the_gauges_are_the_figures_of_the_ledger(centre: Metered, tmp_path: Path) -> None:
    found = scraped(await three_orders(centre, tmp_path))
    assert found["cardcentre_targets_fault"] == 0
    assert found['cardcentre_programme_people{programme="jilin-2004"}'] == 18_000_000
    assert found["cardcentre_counted_people"] == found["cardcentre_year_counted_people"] == 1
    assert found["cardcentre_year_target_people"] == 4_450_000
    # Of the 251 working days of 2005 so many are over on the evening of Monday 2005-09-12: those
    # from January to August (one less on 3 January; 5 and 6 February for 9 to 15; 30 April and
    # 8 May for 2 to 6 May), and eight in September.
    gone, days = 20 + 17 + 23 + 22 + 18 + 22 + 21 + 23 + 8, 251
    assert found["cardcentre_year_plan_people"] == 4_450_000 * gone / days
    # The pilot's 200,000 of 2004 are in the plan too.
    behind = 1 - 200_000 - 4_450_000 * gone / days
    assert found["cardcentre_ahead_people"] == behind
    assert found["cardcentre_plan_people"] == 1 - behind
    assert found["cardcentre_required_people_per_day"] == 4_449_999 / (days - gone)
    assert found["cardcentre_orders_waiting"] == 2
    assert found['cardcentre_load_cards{load="replacement"}'] == 0
    assert found['cardcentre_prefecture_people{prefecture="2201"}'] == 5_000_000
    assert found['cardcentre_turnaround_workdays{point="median"}'] == 1
    # A forecast needs ten days; there are none before today.
    assert not [name for name in found if "forecast" in name]


async def test_figures_are_kept_for_a_minute_and_told_to_be_missing(
    centre: Metered, tmp_path: Path
) -> None:
    await three_orders(centre, tmp_path)
    assert scraped(centre)["cardcentre_orders_waiting"] == 2
    await centre.change_order(2, trigger="cancel")
    centre.now_us += 59 * MICROSECONDS
    assert scraped(centre)["cardcentre_orders_waiting"] == 2
    centre.now_us += 1 * MICROSECONDS
    assert scraped(centre)["cardcentre_orders_waiting"] == 1
    move(tmp_path, "ledger.sqlite", "away.sqlite")
    centre.now_us += 60 * MICROSECONDS
    found = scraped(centre)
    assert found["cardcentre_targets_fault"] == 1
    assert "cardcentre_orders_waiting" not in found
    assert 'cardcentre_blanks{account="issued"}' in found  # the centre itself is still told
    move(tmp_path, "away.sqlite", "ledger.sqlite")
    centre.now_us += 60 * MICROSECONDS
    assert scraped(centre)["cardcentre_targets_fault"] == 0


async def test_after_ten_working_days_there_is_a_forecast_of_the_evening_before(
    centre: Metered,
    tmp_path: Path,
) -> None:
    await three_orders(centre, tmp_path)
    # Ten working days from Monday 2005-09-12 end with Friday the 23rd; the next day has them all.
    centre.now_us += 11 * DAY_US
    assert not [name for name in scraped(centre) if "forecast" in name]
    centre.now_us += DAY_US
    found = scraped(centre)
    low, median, high = (
        found[f'cardcentre_forecast_year_people{{bound="{bound}"}}']
        for bound in ("low", "median", "high")
    )
    assert 1 <= low <= median <= high < 100
    # At this rate 18 million people take more than ten years.
    assert not [name for name in found if "forecast_finish" in name]


async def test_how_long_the_blanks_last_is_told_when_deliveries_are(
    centre: Metered, tmp_path: Path
) -> None:
    deliveries = (
        Delivery(day=date(2005, 9, 1), blanks=100),
        Delivery(day=date(2005, 9, 20), blanks=1_000),
        Delivery(day=date(2005, 12, 1), blanks=1_000),
    )
    await three_orders(centre, tmp_path, deliveries=deliveries)
    found = scraped(centre)
    # 100 delivered, 10 put into the magazine of which 1 was taken: 99 are left.
    assert found["cardcentre_store_blanks"] == 90
    assert found['cardcentre_magazine_blanks{line="line-1"}'] == 9
    # On Monday the 12th no working day is over since the first order: the rate is not known.
    assert "cardcentre_stock_workdays" not in found
    # Tuesday the 13th to Tuesday the 20th without the week-end.
    assert found["cardcentre_next_delivery_workdays"] == 6
    await centre.make_good(2)
    centre.now_us += DAY_US
    # Tuesday: one working day is over, on which one card was made; 90 + 8 blanks last 98 days.
    # The card of Saturday was made before the first working day.
    assert scraped(centre)["cardcentre_stock_workdays"] == 98
    centre.now_us += 8 * DAY_US  # Wednesday the 21st
    assert scraped(centre)["cardcentre_store_blanks"] == 1_090


async def test_a_centre_without_deliveries_says_nothing_of_its_store(
    centre: Metered, tmp_path: Path
) -> None:
    found = scraped(await three_orders(centre, tmp_path))
    names = {
        "cardcentre_store_blanks",
        "cardcentre_stock_workdays",
        "cardcentre_next_delivery_workdays",
    }
    assert not names & found.keys()
