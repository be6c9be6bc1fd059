"""A mistake of ours ends the centre; it never runs on with a part that is dead."""

import asyncio
from pathlib import Path

import pytest

from jobs.events import Draft, Kind
from jobs.ledger.ledger import LedgerBroken
from jobs.package_maker import PackagePlan
from jobs.states import IllegalTransition
from tests.simulation.scene import DAY, scene


async def make_a_mistake(folder: Path) -> None:
    async with scene(folder) as stage:
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: len(stage.books.cards) >= 2)
        gone = Draft(Kind.CARD_CHANGED, "test", {"trigger": "dispatch"}, card="C-0000001")
        # A caller over the API is answered that it failed, and that is the end of it for him.
        with pytest.raises(IllegalTransition):
            await stage.service.ledger.append(gone)
        await asyncio.sleep(60.0)


async def test_an_event_that_cannot_be_folded_ends_the_centre_whoever_caused_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        await make_a_mistake(tmp_path)
    assert caught.group_contains(LedgerBroken)
