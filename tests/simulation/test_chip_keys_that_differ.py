"""Chips that came with other keys than the centre has: the encoder waits, and no card is lost."""

from pathlib import Path

import pytest

from jobs.package_maker import PackagePlan
from jobs.states import CardState, StationTrigger
from simulators.floor import MAGAZINE, ChipKeys, PhysicalCard
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene

ONE_OF_EACH = centre(("printer", "laminator", "encoder", "reader"))
OTHER_KEY = bytes(16)


async def blanks(stage: Scene) -> list[PhysicalCard]:
    await stage.loads(10)
    return list(stage.floor.store(MAGAZINE))


def keys_of(blank: PhysicalCard) -> ChipKeys:
    assert blank.chip.keys is not None, "the centre's product is written in a secure channel"
    return blank.chip.keys


async def checked(stage: Scene) -> None:
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


@pytest.mark.parametrize("key", ["mac", "encryption"])
async def test_other_keys_hold_the_encoder_and_cost_neither_card_nor_try(
    tmp_path: Path, key: str
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        delivered = await blanks(stage)
        right = getattr(keys_of(delivered[0]), key)
        tries = keys_of(delivered[0]).tries_left
        for blank in delivered:
            setattr(keys_of(blank), key, OTHER_KEY)
        await stage.takes(PackagePlan(2, DAY))
        encoder = stage.service.lines["line-1"].line.stations[2]
        for attempt in range(5):
            if attempt:
                await encoder.change(StationTrigger.UNHOLD, StationTrigger.STATE_COMPLETE)
            await stage.until(lambda: stage.station_state("encoder-1") == "Held")
            assert encoder.code == "chip.keys_refused"
            assert stage.waits("station held", "encoder-1")
        assert not any(card.state is CardState.SPOILED for card in stage.books.cards.values())
        assert {keys_of(blank).tries_left for blank in delivered} == {tries}
        assert not any(any(blank.chip.files[1]) for blank in delivered)
        for blank in delivered:
            setattr(keys_of(blank), key, right)
        await encoder.change(StationTrigger.UNHOLD, StationTrigger.STATE_COMPLETE)
        await stage.ended()
        await checked(stage)
        assert len(stage.books.cards) == 2


async def test_a_chip_that_was_blocked_before_it_came_is_spoiled_and_the_order_remade(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        blocked = (await blanks(stage))[0]
        keys_of(blocked).tries_left = 0
        await stage.takes(PackagePlan(2, DAY))
        await stage.ended()
        (bad,) = [c for c in stage.books.cards.values() if c.state is CardState.SPOILED]
        assert bad.reason == "chip.refused"
        assert bad.chip_serial == blocked.chip.serial.hex()
        await checked(stage)
