"""A chip that says it is another card's: the card is at fault, and the centre goes on."""

from pathlib import Path

from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import MAGAZINE, REJECT_BIN
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card
from tests.simulation.scene import DAY, centre, scene


async def test_a_chip_with_the_number_of_another_card_s_is_not_written(tmp_path: Path) -> None:
    config = centre(("printer", "laminator", "encoder", "reader"))
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(10)
        original, clone = stage.floor.store(MAGAZINE)[:2]
        clone.chip.files[5][:8] = original.chip.files[5][:8]
        await stage.takes(PackagePlan(2, DAY))
        await stage.ended()
        (bad,) = (card for card in stage.books.cards.values() if card.state is CardState.SPOILED)
        assert bad.reason.startswith("its chip already belongs to C-")
        assert stage.floor.store(REJECT_BIN) == [clone]
        assert not any(clone.chip.files[1]), "nothing was written to it"
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
