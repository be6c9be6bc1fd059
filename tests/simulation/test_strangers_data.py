"""Two cards' chips are swapped on the floor: nobody gets another person's card, nobody gets two."""

from dataclasses import replace
from pathlib import Path

from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import QUARANTINE_BIN, REJECT_BIN
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
)
from tests.simulation.scene import DAY, Scene, centre, scene


def encoded(stage: Scene) -> list[str]:
    cards = stage.books.on_the_line.values()
    return [card.id for card in cards if card.state is CardState.ENCODED]


async def test_a_stranger_s_data_stop_the_reader_and_go_to_quarantine(tmp_path: Path) -> None:
    config = centre(
        ("printer", "printer", "laminator", "laminator", "encoder", "encoder", "reader")
    )
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(20)
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: len(encoded(stage)) >= 2)
        first, second = (stage.books.cards[name] for name in encoded(stage)[:2])
        one, other = stage.physical(first), stage.physical(second)
        one.chip, other.chip = other.chip, one.chip
        await stage.until(lambda: stage.station_state("reader-1") == "Aborted")
        assert stage.books.stations["reader-1"].code == "quality.stranger"
        assert stage.waits("station aborted", "reader-1")
        await stage.until(lambda: len(stage.floor.store(QUARANTINE_BIN)) == 1)
        await stage.verbs.clear_station("reader-1", "test")
        await stage.verbs.start_station("reader-1", "test")
        await stage.until(lambda: len(stage.floor.store(QUARANTINE_BIN)) == 2)
        assert {first.state, second.state} == {CardState.IN_DOUBT}
        await stage.until(lambda: stage.station_state("reader-1") == "Aborted")
        await stage.verbs.clear_station("reader-1", "test")
        await stage.verbs.start_station("reader-1", "test")
        for card in (first, second):
            assert stage.waits("card in doubt", card.id)
            assert len(stage.cards_of(stage.books.orders[card.order])) == 1, "nothing is remade yet"
            stage.floor.take(QUARANTINE_BIN, stage.floor.store(QUARANTINE_BIN)[0], REJECT_BIN)
            await stage.verbs.settle_card(card.id, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        good = [card for place, card in stage.floor.everything() if place.startswith("tray")]
        assert len(good) == 6
        assert not {one.number, other.number} & {card.number for card in good}
        assert stage.floor.store(REJECT_BIN) == [one, other] or {
            card.number for card in stage.floor.store(REJECT_BIN)
        } == {one.number, other.number}


async def test_a_quarantined_card_that_is_put_back_goes_on_from_there(tmp_path: Path) -> None:
    """A person swaps the chips back, as nobody could, and the centre takes the word for it."""
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(20)
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: len(encoded(stage)) >= 2)
        first, second = (stage.books.cards[name] for name in encoded(stage)[:2])
        one, other = stage.physical(first), stage.physical(second)
        one.chip, other.chip = other.chip, one.chip
        await stage.until(lambda: len(stage.floor.store(QUARANTINE_BIN)) == 2)
        one.chip, other.chip = other.chip, one.chip
        for reader in ("reader-1", "reader-2"):
            if stage.station_state(reader) == "Aborted":
                await stage.verbs.clear_station(reader, "test")
                await stage.verbs.start_station(reader, "test")
        await stage.until(lambda: not stage.books.works)
        place = stage.service.lines["line-1"].line.places
        await stage.until(lambda: place.holder("encoder-2 outfeed") is None)
        for card, physical in ((first, one), (second, other)):
            floor_place = stage.line.floor.store(QUARANTINE_BIN)
            floor_place.remove(physical)
            target = "encoder-1 outfeed" if card is first else "encoder-2 outfeed"
            index = list(stage.line.kinds).index(target.split(maxsplit=1)[0])
            stage.floor._single[f"outfeed {index}"] = physical  # type: ignore[index]
            await stage.verbs.settle_card(card.id, "test", found_at=target)
        await stage.ended()
        assert len(stage.books.cards) == 4, "nothing was remade"
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)


async def test_another_person_s_data_on_the_right_chip_is_a_stranger_s_too(tmp_path: Path) -> None:
    """What a mix-up before the encoder would look like: the chip's serial is as expected."""
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(20)
        await stage.takes(PackagePlan(3, DAY))
        await stage.until(lambda: bool(encoded(stage)))
        card = stage.books.cards[encoded(stage)[0]]
        other = next(order for order in stage.orders() if order.id != card.order)
        line = stage.service.lines["line-1"]
        preparation = line.feeder.journeys.operations.preparation
        await preparation.prepare(other)
        stranger = preparation.chip_contents(replace(card, order=other.id))
        stage.physical(card).chip.files[1][:] = stranger.files[1]
        await stage.until(lambda: card.state is CardState.IN_DOUBT)
        assert card.reason.startswith("stranger's data: ")
        await stage.until(lambda: len(stage.floor.store(QUARANTINE_BIN)) == 1)
