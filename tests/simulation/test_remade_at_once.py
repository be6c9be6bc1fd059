"""A person settles a card whose machine is still being waited for: its order is made anew at once.

The way of the first card ends later than the way of the second begins.
"""

from pathlib import Path

from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import REJECT_BIN, outfeed
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, SECOND, centre, scene
from tests.simulation.test_dead_wires import Cable


async def test_what_was_prepared_for_an_order_is_kept_for_its_next_card(tmp_path: Path) -> None:
    cable = Cable("sim://printer-1")
    async with scene(tmp_path, centre(SECOND), person=False, around=cable.around) as stage:
        await stage.until(lambda: stage.station_state("printer-1") == "Execute")
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        works = stage.books.works
        await stage.until(lambda: any(work.act == "print" for work in works.values()))
        (card,) = stage.books.cards.values()
        # One face is printed when the wire breaks: the card is in doubt, and to be brought out.
        await stage.until(lambda: any(one.front for _, one in stage.floor.everything()))
        cable.pull()
        cable.pulled = False
        await stage.until(lambda: any(work.act == "eject" for work in works.values()))
        assert card.state is CardState.IN_DOUBT
        cable.pull()
        await stage.until(lambda: stage.floor.at(outfeed(0)) is not None)
        stage.floor.move(outfeed(0), REJECT_BIN)
        await stage.verbs.settle_card(card.id, "test")
        await stage.until(lambda: len(stage.books.cards) == 2)
        assert card.id in {
            one
            for feeder in [parts.feeder for parts in stage.service.lines.values()]
            for one in feeder.cards
        }
        cable.pulled = False
        await stage.ended()
        assert [one.state for one in stage.books.cards.values()] == [
            CardState.SPOILED,
            CardState.PACKED,
        ]
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
