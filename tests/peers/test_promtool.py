"""Prometheus' own promtool judges what a scrape returns."""

import subprocess

import pytest

from tests.peers.peer import peer
from tests.unit.controller.metered_centre import Metered


@pytest.mark.peer
async def test_promtool_finds_nothing_to_say_about_the_metrics() -> None:
    tool = peer("promtool", "prometheus", "--version")
    centre = await Metered().open()
    centre.measure()
    await centre.batch("2005-10-10", "2005-09-01")
    await centre.issue(1)
    await centre.work("print", "printer-1", 16, trigger="print")
    await centre.change_card(1, trigger="spoil", reason="misprint")
    await centre.change_station("printer-1", "Execute")
    scrape = centre.scrape().encode()
    centre.ledger.close()
    done = subprocess.run(  # noqa: ASYNC221  (nothing else runs in this test)
        [tool, "check", "metrics"], input=scrape, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")
