"""A centre of events in memory, closed with its test."""

from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from tests.unit.controller.metered_centre import Metered


@pytest.fixture
async def centre() -> AsyncIterator[Metered]:
    opened = await Metered().open()
    with closing(opened.ledger):
        yield opened
