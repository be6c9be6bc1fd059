"""A card that nobody wants any more while it waits for its machine: nothing more is done to it.

A station is held by a person while the card lies there; meanwhile the order is cancelled, or the
card is found bad. Then the station goes on.
"""

from pathlib import Path

import pytest

from jobs.package_maker import PackagePlan
from jobs.rows import Card
from jobs.states import CardState, OrderState, OrderTrigger
from simulators.floor import REJECT_BIN
from tests.simulation.checkers import check_books, check_floor
from tests.simulation.scene import DAY, Scene, centre, scene

ONE_OF_EACH = centre(("printer", "laminator", "encoder", "reader"))


def acts(stage: Scene, card: Card) -> list[str]:
    rows = stage.service.ledger.store.query("SELECT act, cards FROM works ORDER BY id")
    return [row["act"] for row in rows if card.id in row["cards"]]


async def held_during(stage: Scene, station: str, act: str) -> Card:
    """Hold a station while it does something; return its card when that is done."""
    works = stage.books.works
    await stage.until(lambda: any(one.act == act for one in works.values()))
    (work,) = (one for one in works.values() if one.act == act)
    await stage.verbs.hold_station(station, "test")
    await stage.until(lambda: work.id not in works)
    return stage.books.cards[work.cards[0]]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_an_unwanted_card_in_a_held_printer_is_brought_out_unprinted(
    tmp_path: Path, cancelled: bool
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        card = await held_during(stage, "printer-1", "insert")
        if cancelled:
            await stage.verbs.change_order(card.order, OrderTrigger.CANCEL, "test")
        else:
            await stage.verbs.spoil_card(card.id, "scratched", "test")
        await stage.verbs.unhold_station("printer-1", "test")
        await stage.ended()
        assert card.state is CardState.SPOILED
        assert acts(stage, card) == ["move", "insert", "eject", "move"]
        (plastic,) = stage.floor.store(REJECT_BIN)
        assert not plastic.front
        made = OrderState.CANCELLED if cancelled else OrderState.DONE
        assert [order.state for order in stage.orders()] == [made]
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


async def test_a_chip_is_not_written_for_an_order_that_was_cancelled_meanwhile(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(
            lambda: any(c.place == "laminator-1 inside" for c in stage.books.cards.values())
        )
        (card,) = stage.books.cards.values()
        await stage.verbs.hold_station("encoder-1", "test")
        await stage.until(lambda: card.place == "laminator-1 outfeed")
        await stage.verbs.change_order(card.order, OrderTrigger.CANCEL, "test")
        await stage.verbs.unhold_station("encoder-1", "test")
        await stage.ended()
        assert "encode" not in acts(stage, card)
