"""The centre's process is killed at random moments; nothing is lost and nothing made twice."""

import re
from pathlib import Path

import pytest

from tests.system.kills import Campaign

pytestmark = pytest.mark.real_time


def run_campaign(campaign: Campaign) -> None:
    told = campaign.run()
    print(told)
    summary = re.match(r"kills: \d+ .* in a run of (\d+) orders, .*: (\d+) good", told)
    assert summary is not None
    assert int(summary[1]) == int(summary[2]) >= campaign.orders


@pytest.mark.timeout(200)
def test_five_kills_of_the_centre_lose_nothing_and_make_nothing_twice(tmp_path: Path) -> None:
    run_campaign(Campaign(5, 10, 3, tmp_path, package_orders=5))


@pytest.mark.soak
@pytest.mark.timeout(1900)
def test_fifty_kills_of_the_centre_lose_nothing_and_make_nothing_twice(tmp_path: Path) -> None:
    run_campaign(Campaign(50, 30, 4, tmp_path))
