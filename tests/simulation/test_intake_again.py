"""Packages in: twice, cut short, doubled, sent again, broken; nothing in between remains."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.clock import CalendarClock, start_of_day_us
from controller.station_verbs import Refused
from jobs.package_maker import PackagePlan
from jobs.states import BatchState, BatchTrigger, OrderState, OrderTrigger
from simulators.plant import Plant
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card
from tests.simulation.person import PowerCut
from tests.simulation.scene import DAY, Fields, Scene, centre, scene
from tests.simulation.world import SupplyStore, World


@dataclass
class Again:
    """Remembers one package's records, and puts them into another."""

    records: dict[int, Fields]
    flag: str = "0"

    @classmethod
    def of(cls) -> "Again":
        return cls({})

    def keep(self, index: int, fields: Fields) -> None:
        self.records[index] = dict(fields)

    def put(self, index: int, fields: Fields) -> None:
        fields.update(self.records[index], cxcsbs=self.flag)

    def put_other_number(self, index: int, fields: Fields) -> None:
        """The same people under other acceptance numbers."""
        number = fields["slh"]
        fields.update(self.records[index], slh=number)


def texts(stage: Scene, batch: str) -> set[str]:
    rows = [row for row in stage.books.refusals.values() if row.batch == batch]
    return {reason["text"].split(":")[0] for row in rows for reason in row.reasons}


async def test_the_same_package_twice_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        path = stage.write(PackagePlan(5, DAY, faults=2))
        first = await stage.verbs.take_package(path, "test")
        await stage.until(lambda: "Execute" in stage.station_state("reader-2"))
        before = stage.service.ledger.head
        second = await stage.verbs.take_package(path, "test")
        assert second.known
        assert (second.accepted, second.refused) == (first.accepted, first.refused)
        assert stage.service.ledger.head == before


class DyingStore(SupplyStore):
    """The power goes after some writes."""

    dies_after = 3

    def after_write(self) -> None:
        if self.writes >= self.dies_after:
            self.kill()
            raise PowerCut


class LastingStore(SupplyStore):
    """The power stays."""


@pytest.mark.parametrize("writes", [2, 3])
async def test_an_intake_cut_short_is_completed_by_giving_it_again(
    tmp_path: Path, writes: int
) -> None:
    config = centre()
    assert config.simulation is not None
    plan = PackagePlan(120, DAY, faults=3)
    async with Plant.of(config, config.simulation) as plant:
        clock = CalendarClock(start_of_day_us(DAY, 8))
        made = World(config, plant, tmp_path, clock, 1, DyingStore)
        stage = Scene(made)
        path = stage.write(plan)
        await made.start()
        assert isinstance(made.store, DyingStore)
        made.store.dies_after = writes
        with pytest.raises(PowerCut):
            await stage.verbs.take_package(path, "test")
        made.store_type = LastingStore
        await made.start()
        batch = next(iter(stage.books.batches.values()))
        assert [one.state for one in stage.books.batches.values()] == [BatchState.RECEIVED]
        partly = len(stage.books.orders) + batch.refused
        assert 0 < partly < 120
        with pytest.raises(Refused, match=f"lacks {120 - partly} applications"):
            await stage.verbs.change_batch(batch.id, BatchTrigger.RELEASE, "test")
        result = await stage.verbs.take_package(path, "test")
        assert (result.batch, result.accepted + result.held + result.refused) == (batch.id, 120)
        assert len({order.position for order in stage.orders()}) == len(stage.orders())
        assert batch.state is BatchState.RELEASED
        check_books(stage.service)
        made.connection.close()


async def test_a_second_card_for_a_person_is_refused_while_the_first_stands(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        again = Again.of()
        await stage.takes(PackagePlan(3, DAY), again.keep)
        doubled = await stage.takes(PackagePlan(3, DAY, serial=2), again.put_other_number)
        assert (doubled.accepted, doubled.refused) == (0, 3)
        assert texts(stage, doubled.batch) == {"the same person has an order already"}
        await stage.ended()
        assert len(stage.orders(OrderState.DONE)) == 3


async def test_a_known_acceptance_number_without_the_flag_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        again = Again.of()
        await stage.takes(PackagePlan(3, DAY), again.keep)
        cancelled = stage.orders()[0]
        await stage.verbs.change_order(cancelled.id, OrderTrigger.CANCEL, "test")
        doubled = await stage.takes(PackagePlan(3, DAY, serial=2), again.put)
        assert (doubled.accepted, doubled.held, doubled.refused) == (0, 0, 3)
        assert texts(stage, doubled.batch) == {"its acceptance number is known"}


async def test_a_record_sent_again_replaces_an_order_that_was_not_made(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        again = Again({}, flag="1")
        first = await stage.takes(PackagePlan(3, DAY), again.keep)
        await stage.verbs.change_batch(first.batch, BatchTrigger.CANCEL, "test")
        await stage.until(stage.is_over)
        second = await stage.takes(PackagePlan(3, DAY, serial=2), again.put)
        assert (second.accepted, second.held, second.refused) == (3, 0, 0)
        await stage.ended()
        done = stage.orders(OrderState.DONE)
        assert {order.batch for order in done} == {second.batch}
        assert len(done) == 3


async def test_a_record_sent_again_while_its_order_stands_waits_for_a_person(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        again = Again({}, flag="1")
        await stage.takes(PackagePlan(4, DAY), again.keep)
        second = await stage.takes(PackagePlan(4, DAY, serial=2), again.put)
        assert (second.accepted, second.held, second.refused) == (0, 4, 0)
        old, new = stage.orders()[:4], stage.orders()[4:]
        assert all(order.reason.startswith("sent again, while O-") for order in new)
        with pytest.raises(Refused, match="only one may be made"):
            await stage.verbs.change_order(new[0].id, OrderTrigger.RELEASE, "test")
        await stage.verbs.change_order(old[0].id, OrderTrigger.CANCEL, "test")
        await stage.verbs.change_order(new[0].id, OrderTrigger.RELEASE, "test")
        await stage.until(lambda: len(stage.orders(OrderState.DONE)) == 4)
        with pytest.raises(Refused, match="only one may be made"):
            await stage.verbs.change_order(new[1].id, OrderTrigger.RELEASE, "test")
        for order in new[1:]:
            await stage.verbs.change_order(order.id, OrderTrigger.CANCEL, "test")
        await stage.ended()
        assert [order.id for order in stage.orders(OrderState.DONE)] == [
            *[order.id for order in old[1:]],
            new[0].id,
        ]
        check_books(stage.service)


async def test_a_record_sent_again_that_was_never_seen_is_made(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        result = await stage.takes(
            PackagePlan(2, DAY), lambda _index, fields: fields.update(cxcsbs="1")
        )
        assert (result.accepted, result.held, result.refused) == (2, 0, 0)
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)


async def test_a_name_without_a_glyph_is_held_with_its_code_point(tmp_path: Path) -> None:
    def yi(index: int, fields: Fields) -> None:
        if index == 1:
            fields["xm"] += "\ua015"

    async with scene(tmp_path) as stage:
        result = await stage.takes(PackagePlan(2, DAY), yi)
        assert (result.accepted, result.held, result.refused) == (1, 1, 0)
        held = stage.orders(OrderState.HELD)[0]
        assert "U+A015" in held.reason
        assert stage.waits("order held", held.id)
        # Released although the font still lacks it: it is held again before a blank is spent.
        await stage.verbs.change_order(held.id, OrderTrigger.RELEASE, "test")
        await stage.until(lambda: held.state is OrderState.HELD)
        assert not stage.cards_of(held)


async def test_of_two_packages_the_broken_one_leaves_only_its_refusal(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        broken = stage.write(PackagePlan(60, DAY))
        broken.write_bytes(broken.read_bytes()[:-400])
        refused = await stage.verbs.take_package(broken, "test")
        assert refused.broken
        assert refused.batch == ""
        assert not stage.books.batches
        assert not stage.books.orders
        sealed = stage.service.ledger.store.query("SELECT COUNT(*) AS n FROM sealed")
        assert sealed[0]["n"] == 0
        assert [row.position for row in stage.books.refusals.values()] == [0]
        assert sorted(path.name for path in (tmp_path / "keys").glob("B-*")) == []
        sound = await stage.takes(PackagePlan(3, DAY, serial=2))
        assert sound.accepted == 3
        await stage.ended()
        whole = await stage.verbs.take_package(stage.write(PackagePlan(60, DAY)), "test")
        assert whole.accepted == 60, "mended, it is taken in"
