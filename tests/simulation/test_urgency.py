"""What is made first: express, remakes, the earliest promise; counties together."""

from itertools import groupby
from pathlib import Path

from jobs.package_maker import PackagePlan
from jobs.rows import Order
from jobs.states import CardState
from simulators.floor import MAGAZINE, ChipHealth
from tests.simulation.checkers import check_every_order_has_one_good_card
from tests.simulation.scene import DAY, Fields, Scene, centre, scene

COUNTIES = ("229901", "229902", "229904")


def first_fed(stage: Scene) -> list[Order]:
    """Return the orders in the order of their first blanks."""
    firsts = [card for card in stage.books.cards.values() if card.attempt == 1]
    return [stage.books.orders[card.order] for card in firsts]


async def test_express_first_then_the_earliest_promise_then_one_county_after_the_other(
    tmp_path: Path,
) -> None:
    def mixed(index: int, fields: Fields) -> None:
        fields["ssxqdm"] = COUNTIES[index % 3]
        fields["zzlxdm"] = "2" if index in {5, 11} else "1"
        # Record 7 was accepted long ago: the law's date comes before the centre's.
        fields["slsj"] = ("20050725" if index == 7 else "20050901") + "090000"

    async with scene(tmp_path, person=False) as stage:
        await stage.takes(PackagePlan(12, DAY), mixed)
        await stage.loads(20)  # nothing is fed before the whole package is known
        await stage.ended()
        fed = first_fed(stage)
        assert [order.position for order in fed[:3]] == [11, 5, 7] or [
            order.position for order in fed[:3]
        ] == [5, 11, 7]
        assert {order.promise_date for order in fed[:2]} == {"2005-09-10"}
        assert fed[2].promise_date == "2005-09-08"
        counties = [county for county, _ in groupby(fed[3:], key=lambda order: order.county)]
        assert counties == sorted(set(counties)), "each county in one go"
        check_every_order_has_one_good_card(stage.books)


async def test_an_express_order_that_comes_later_overtakes_what_has_no_blank_yet(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(40)
        await stage.takes(PackagePlan(16, DAY, express_share=0.0))
        await stage.until(lambda: len(stage.books.cards) >= 4)
        begun = len(stage.books.cards)
        await stage.takes(PackagePlan(2, DAY, serial=2, express_share=1.0))
        await stage.ended()
        express = [place for place, order in enumerate(first_fed(stage)) if order.express]
        assert express == [begun, begun + 1]


async def test_a_remake_gets_the_next_blank(tmp_path: Path) -> None:
    config = centre(("printer", "laminator", "encoder", "reader"))
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(40)
        stage.floor.store(MAGAZINE)[0].chip.health = ChipHealth.MUTE
        await stage.takes(PackagePlan(12, DAY, express_share=0.0))
        await stage.until(
            lambda: any(card.state is CardState.SPOILED for card in stage.books.cards.values())
        )
        begun = len(stage.books.cards)
        await stage.ended()
        cards = list(stage.books.cards.values())
        assert begun < 12
        assert cards[begun].attempt == 2
        check_every_order_has_one_good_card(stage.books)
