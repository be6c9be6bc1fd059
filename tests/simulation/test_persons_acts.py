"""Holding, releasing, cancelling and spoiling by a person while cards are on the line."""

from pathlib import Path

import pytest

from controller.station_verbs import Refused
from jobs.package_maker import PackagePlan
from jobs.rows import BoxState, Card
from jobs.states import BatchState, BatchTrigger, CardState, OrderState, OrderTrigger
from simulators.floor import REJECT_BIN, ChipHealth, LifeCycle
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene


def packing_now(stage: Scene) -> Card | None:
    """Return the card that is on its way into its tray."""
    for work in stage.books.works.values():
        if work.destination.startswith("tray"):
            return stage.books.cards[work.cards[0]]
    return None


async def test_a_held_batch_gets_no_blank_until_it_is_released(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        batch = (await stage.takes(PackagePlan(12, DAY))).batch
        await stage.until(lambda: len(stage.books.cards) >= 4)
        await stage.verbs.change_batch(batch, BatchTrigger.HOLD, "test", "look at the photos")
        issued = len(stage.books.cards)
        await stage.until(lambda: not stage.books.on_the_line)
        assert len(stage.books.cards) == issued < 12
        assert stage.waits("batch waits", batch)
        await stage.verbs.change_batch(batch, BatchTrigger.RELEASE, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_a_cancelled_batch_ends_every_order_that_is_not_done(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        batch = (await stage.takes(PackagePlan(12, DAY))).batch
        await stage.until(lambda: packing_now(stage) is not None and _done(stage) >= 2)
        last = packing_now(stage)
        assert last is not None
        await stage.verbs.change_batch(batch, BatchTrigger.CANCEL, "test", "withdrawn")
        assert stage.books.orders[last.order].state is OrderState.IN_PRODUCTION
        await stage.ended()
        assert stage.books.orders[last.order].state is OrderState.DONE
        for order in stage.orders():
            states = {card.state for card in stage.cards_of(order)}
            if order.state is OrderState.DONE:
                assert states == {CardState.PACKED}
            else:
                assert order.state is OrderState.CANCELLED
                assert states <= {CardState.SPOILED}
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
        # A card of it that is found bad later is not made again.
        await spoil_by_hand(stage, last)
        assert stage.books.orders[last.order].state is OrderState.CANCELLED
        # Its other good cards are people's cards: they leave the centre, and the receipt is due.
        await stage.until(lambda: stage.books.batches[batch].state is BatchState.CLOSED)
        good = [card for card in stage.books.cards.values() if card.state is CardState.DISPATCHED]
        assert len(good) == _done(stage) >= 2
        assert not [one for one in stage.books.boxes.values() if one.state is BoxState.SEALED]


def _done(stage: Scene) -> int:
    return len(stage.orders(OrderState.DONE))


async def spoil_by_hand(stage: Scene, card: Card, reason: str = "scratch") -> None:
    """Take a packed card out of its tray to the reject bin, and say so."""
    tray = next(place for place in stage.line.floor._stores if place == card.place)
    stage.floor.take(tray, stage.physical(card), REJECT_BIN)
    await stage.verbs.spoil_card(card.id, reason, "test")


async def test_cancelling_an_order_takes_its_card_off_the_line_for_good(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(4, DAY))
        await stage.until(lambda: _written(stage) is not None)
        card = _written(stage)
        assert card is not None
        await stage.verbs.change_order(card.order, OrderTrigger.CANCEL, "test", "died")
        await stage.ended()
        assert stage.books.orders[card.order].state is OrderState.CANCELLED
        assert [one.state for one in stage.cards_of(stage.books.orders[card.order])] == [
            CardState.SPOILED
        ]
        assert stage.physical(card).chip.life_cycle is LifeCycle.TERMINATED
        assert stage.physical(card) in stage.floor.store(REJECT_BIN)
        assert _done(stage) == 3
        check_books(stage.service)


def _written(stage: Scene) -> Card | None:
    cards = stage.books.on_the_line.values()
    return next((card for card in cards if card.state is CardState.ENCODED), None)


async def test_an_order_whose_card_is_almost_in_its_tray_cannot_be_cancelled(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: packing_now(stage) is not None)
        card = packing_now(stage)
        assert card is not None
        with pytest.raises(Refused, match="laid into its tray"):
            await stage.verbs.change_order(card.order, OrderTrigger.CANCEL, "test")
        with pytest.raises(Refused, match="laid into its tray"):
            await stage.verbs.spoil_card(card.id, "late", "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)


async def test_an_order_that_waits_is_held_and_released_and_one_in_production_is_not(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        await stage.takes(PackagePlan(12, DAY))
        await stage.until(lambda: len(stage.books.cards) >= 2)
        busy, waiting = (
            stage.orders(OrderState.IN_PRODUCTION)[0],
            stage.orders(OrderState.QUEUED)[0],
        )
        with pytest.raises(Refused, match="is in production as"):
            await stage.verbs.change_order(busy.id, OrderTrigger.HOLD, "test")
        for trigger in (OrderTrigger.BEGIN, OrderTrigger.COMPLETE, OrderTrigger.REQUEUE):
            for order in (busy, waiting):
                with pytest.raises(Refused):
                    await stage.verbs.change_order(order.id, trigger, "test")
        await stage.verbs.change_order(waiting.id, OrderTrigger.HOLD, "test", "ask the county")
        assert stage.waits("order held", waiting.id)
        await stage.until(lambda: _done(stage) == 11)
        assert not stage.cards_of(waiting)
        await stage.verbs.change_order(waiting.id, OrderTrigger.RELEASE, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)


async def test_an_order_is_held_at_the_limit_of_remakes_and_made_after_its_release(
    tmp_path: Path,
) -> None:
    config = centre(limits={"remakes_max": 1})
    async with scene(tmp_path, config, person=False) as stage:
        await stage.loads(20)
        for blank in stage.floor.store("magazine")[:2]:  # type: ignore[arg-type]
            blank.chip.health = ChipHealth.MUTE
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: bool(stage.orders(OrderState.HELD)))
        order = stage.orders()[0]
        assert order.reason == "2 cards spoiled, the limit is reached"
        assert [card.state for card in stage.cards_of(order)] == [CardState.SPOILED] * 2
        await stage.verbs.change_order(order.id, OrderTrigger.RELEASE, "test")
        await stage.ended()
        assert order.attempts == 3
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_a_packed_card_found_bad_is_remade_until_its_box_has_left(tmp_path: Path) -> None:
    config = centre(limits={"box_size": 3, "closing_delay_s": 200.0})
    async with scene(tmp_path, config) as stage:
        batch = stage.books.batches[(await stage.takes(PackagePlan(4, DAY))).batch]
        await stage.until(lambda: _done(stage) >= 2)
        in_open_box = next(c for c in stage.books.cards.values() if c.state is CardState.PACKED)
        await spoil_by_hand(stage, in_open_box)
        await stage.ended()
        assert stage.books.orders[in_open_box.order].attempts == 2
        in_sealed_box = next(
            card
            for card in stage.books.cards.values()
            if card.box and stage.books.boxes[card.box].state is BoxState.SEALED
            and card.state is CardState.PACKED
        )  # fmt: skip
        await spoil_by_hand(stage, in_sealed_box)
        await stage.until(lambda: batch.state is BatchState.CLOSED)
        check_every_order_has_one_good_card(stage.books)
        for box in stage.books.boxes.values():
            inside = [c for c in stage.books.cards.values() if c.box == box.id]
            good = [card for card in inside if card.state is CardState.DISPATCHED]
            assert box.state is BoxState.DISPATCHED
            assert box.cards == len(good) <= 3
        with pytest.raises(Refused, match="is dispatched"):
            await stage.verbs.spoil_card(good[0].id, "too late", "test")
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


async def test_a_card_settled_while_it_is_pulled_off_the_line_stays_settled(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(2, DAY))
        await stage.until(lambda: any(w.act == "print" for w in stage.books.works.values()))
        await stage.until(lambda: _age_s(stage, "print") > 10.0)  # a face is on the card
        printer = next(w.station for w in stage.books.works.values() if w.act == "print")
        stage.machine(printer).cut_power()
        stage.machine(printer).restore_power()
        await stage.until(lambda: _being_pulled(stage) is not None)
        card = _being_pulled(stage)
        assert card is not None
        await stage.verbs.settle_card(card.id, "test")
        assert card.state is CardState.SPOILED
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)


def _age_s(stage: Scene, act: str) -> float:
    begun = [work.begun_us for work in stage.books.works.values() if work.act == act]
    return max((stage.service.clock.now_us() - one) / 1e6 for one in begun) if begun else 0.0


def _being_pulled(stage: Scene) -> Card | None:
    for work in stage.books.works.values():
        card = stage.books.cards[work.cards[0]]
        if work.destination == "reject bin" and card.state is CardState.IN_DOUBT:
            return card
    return None


async def test_a_card_condemned_inside_a_station_held_by_a_person_is_rejected_by_the_line(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "print" for w in stage.books.works.values()))
        work = next(w for w in stage.books.works.values() if w.act == "print")
        card = stage.books.cards[work.cards[0]]
        await stage.verbs.hold_station(work.station, "test")
        await stage.verbs.spoil_card(card.id, "wrong photo", "test")
        await stage.until(lambda: card.state is CardState.SPOILED)
        assert card.reason == "wrong photo"
        assert len(stage.floor.store(REJECT_BIN)) == 1
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)
