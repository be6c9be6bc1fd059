"""Chips that do not answer, fail or read back wrong: a second chance, then a remake."""

from pathlib import Path

import pytest

from jobs.package_maker import PackagePlan
from jobs.rows import Card
from jobs.states import CardState, OrderState
from simulators.floor import MAGAZINE, REJECT_BIN, ChipHealth, LifeCycle, PhysicalCard
from simulators.reader import SimulatedReader
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene

ONE_OF_EACH = centre(("printer", "laminator", "encoder", "reader"))


def spoiled(stage: Scene) -> list[Card]:
    return [card for card in stage.books.cards.values() if card.state is CardState.SPOILED]


async def blanks(stage: Scene, *health: ChipHealth) -> list[PhysicalCard]:
    """Load blanks of which the first have these chips."""
    await stage.loads(20)
    first = stage.floor.store(MAGAZINE)[: len(health)]
    for blank, one in zip(first, health, strict=True):
        blank.chip.health = one
    return first


def acts(stage: Scene, card: Card, act: str) -> int:
    rows = stage.service.ledger.store.query("SELECT act, cards FROM works")
    return sum(row["act"] == act and card.id in row["cards"] for row in rows)


async def checked(stage: Scene) -> None:
    check_every_order_has_one_good_card(stage.books)
    check_books(stage.service)
    await check_floor(stage.service, stage.line)


async def test_a_mute_chip_is_spoiled_with_its_reason_and_the_order_remade(tmp_path: Path) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        (mute,) = await blanks(stage, ChipHealth.MUTE)
        await stage.takes(PackagePlan(2, DAY))
        await stage.ended()
        (bad,) = spoiled(stage)
        assert "chip" in bad.reason
        assert bad.chip_serial == "", "it never said who it is"
        assert stage.floor.store(REJECT_BIN) == [mute]
        assert stage.books.orders[bad.order].attempts == 2
        await checked(stage)


async def test_a_chip_that_fails_on_write_gets_a_second_chance_and_is_then_terminated(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        (failing,) = await blanks(stage, ChipHealth.FAILS_ON_WRITE)
        await stage.takes(PackagePlan(2, DAY))
        await stage.ended()
        (bad,) = spoiled(stage)
        assert acts(stage, bad, "encode") == 2, "out of the field and back, once"
        assert acts(stage, bad, "terminate") >= 1
        assert failing.chip.life_cycle is not LifeCycle.OPERATIONAL
        assert stage.floor.store(REJECT_BIN) == [failing]
        await checked(stage)


async def test_a_chip_that_heals_in_its_second_chance_becomes_a_good_card(tmp_path: Path) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        (failing,) = await blanks(stage, ChipHealth.FAILS_ON_WRITE)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "encode" for w in stage.books.works.values()))
        await stage.until(lambda: not any(w.act == "encode" for w in stage.books.works.values()))
        failing.chip.health = ChipHealth.GOOD
        await stage.ended()
        assert not spoiled(stage)
        await checked(stage)


async def test_a_read_back_that_differs_spoils_the_card_and_ends_its_chip(tmp_path: Path) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        await blanks(stage)
        reader = stage.machine("reader-1")
        assert isinstance(reader, SimulatedReader)
        reader.bytes_to_misread = 1
        await stage.takes(PackagePlan(3, DAY))
        await stage.ended()
        (bad,) = spoiled(stage)
        assert bad.reason.startswith("read-back differs: ")
        assert stage.physical(bad).chip.life_cycle is LifeCycle.TERMINATED
        assert stage.floor.store(REJECT_BIN) == [stage.physical(bad)]
        names = [order for order in stage.orders() if order.attempts == 2]
        assert [order.id for order in names] == [bad.order]
        await checked(stage)


@pytest.mark.parametrize(("failures", "lost"), [(1, 0), (50, 1)])
async def test_a_card_that_cannot_be_read_is_tried_once_more_and_then_spoiled(
    tmp_path: Path, failures: int, lost: int
) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        await blanks(stage)
        reader = stage.machine("reader-1")
        assert isinstance(reader, SimulatedReader)
        reader.reads_to_fail = failures
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.is_over() or bool(spoiled(stage)))
        reader.reads_to_fail = 0
        await stage.ended()
        assert len(spoiled(stage)) == lost
        for bad in spoiled(stage):
            assert "read" in bad.reason
            assert stage.physical(bad).chip.life_cycle is LifeCycle.TERMINATED
        await checked(stage)


async def test_three_faulty_cards_in_a_row_hold_the_encoder(tmp_path: Path) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        await blanks(stage, *[ChipHealth.MUTE] * 3)
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: stage.station_state("encoder-1") == "Held")
        assert stage.books.stations["encoder-1"].reason == "3 faulty cards in a row"
        assert stage.waits("station held", "encoder-1")
        await stage.verbs.unhold_station("encoder-1", "test")
        await stage.ended()
        assert len(spoiled(stage)) == 3
        await checked(stage)


async def test_a_good_card_between_faulty_ones_keeps_the_encoder_at_work(tmp_path: Path) -> None:
    async with scene(tmp_path, ONE_OF_EACH, person=False) as stage:
        mute, good = ChipHealth.MUTE, ChipHealth.GOOD
        await blanks(stage, mute, mute, good, mute, mute)
        await stage.takes(PackagePlan(6, DAY))
        await stage.ended()
        assert len(spoiled(stage)) == 4
        rows = stage.service.ledger.store.query(
            "SELECT COUNT(*) AS n FROM events WHERE kind = 'station_changed'"
            " AND station = 'encoder-1' AND data LIKE '%Held%'"
        )
        assert rows[0]["n"] == 0
        assert all(order.state is OrderState.DONE for order in stage.orders())
        await checked(stage)
