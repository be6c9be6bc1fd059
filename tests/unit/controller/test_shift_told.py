"""Where a person is told the shift: `status`, over the API and on the page."""

from pathlib import Path

import pytest

from controller.command_line.centre import status_page
from tests.unit.controller.office import running
from tests.unit.controller.test_api import get

pytestmark = pytest.mark.real_time

OFF = "off shift until 2005-09-06 07:00"


async def test_status_tells_the_shift_and_todo_why_orders_wait(tmp_path: Path) -> None:
    async with running(tmp_path) as (verbs, path):
        assert (await get(path, "/status"))["shift"] == ""
        verbs.shift = lambda: OFF
        status = await get(path, "/status")
        assert any("shift" in line and OFF in line for line in status_page(status).lines())
        (item,) = [one for one in await get(path, "/todo") if one["need"] == "off shift"]
        assert item["reason"] == OFF
        verbs.shift = lambda: "late, until 2005-09-05 22:00"
        assert not [one for one in await get(path, "/todo") if one["need"] == "off shift"]
