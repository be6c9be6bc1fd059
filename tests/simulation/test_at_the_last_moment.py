"""What a person says in the moment in which the line was about to do something else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.outputs import Outputs
from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from jobs.rows import BoxState, Card
from jobs.states import BatchTrigger, CardState, OrderState, OrderTrigger
from simulators.floor import outfeed
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene


def waits_to_be_packed(stage: Scene) -> Card | None:
    """Return a good card that waits for the transport, to go to its tray."""
    places = stage.service.lines["line-1"].line.places
    waiting = {waiter.card for waiter in places._waiters}
    busy = {card for work in stage.books.works.values() for card in work.cards}
    cards = stage.books.on_the_line.values()
    good = (card for card in cards if card.state is CardState.ACCEPTED and not card.reason)
    return next((card for card in good if card.id in waiting - busy), None)


async def transport_rests(stage: Scene) -> Card:
    """Stop the transport under a card that is good and is to go to its tray."""
    await stage.until(
        lambda: any(
            card.state is CardState.ENCODED and card.place.startswith("reader")
            for card in stage.books.on_the_line.values()
        )
    )
    await stage.verbs.hold_station("line-1-transport", "test")
    await stage.until(lambda: waits_to_be_packed(stage) is not None)
    card = waits_to_be_packed(stage)
    assert card is not None
    return card


@pytest.mark.parametrize("what", ["order", "batch"])
async def test_a_card_whose_order_is_cancelled_before_it_leaves_for_its_tray_is_not_packed(
    tmp_path: Path, what: str
) -> None:
    async with scene(tmp_path, centre(limits={"closing_delay_s": 9_000.0}), person=False) as stage:
        await stage.loads(10)
        batch = (await stage.takes(PackagePlan(2, DAY))).batch
        card = await transport_rests(stage)
        if what == "order":
            await stage.verbs.change_order(card.order, OrderTrigger.CANCEL, "test", "died")
        else:
            await stage.verbs.change_batch(batch, BatchTrigger.CANCEL, "test", "withdrawn")
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        assert stage.books.orders[card.order].state is OrderState.CANCELLED
        assert card.state is CardState.SPOILED
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


async def test_a_card_found_bad_before_it_leaves_for_its_tray_is_not_packed(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(2, DAY))
        card = await transport_rests(stage)
        await stage.verbs.spoil_card(card.id, "scratch", "test")
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        assert (card.state, card.reason) == (CardState.SPOILED, "scratch")
        assert stage.books.orders[card.order].attempts == 2
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


@dataclass(slots=True)
class BreakingWire:
    """A wire that hangs up instead of sending whenever it is told to."""

    inner: Wire
    breaks: Callable[[], bool]

    async def send(self, data: bytes) -> None:
        if self.breaks():
            raise ConnectionResetError
        await self.inner.send(data)

    async def receive(self) -> bytes:
        return await self.inner.receive()

    async def aclose(self) -> None:
        await self.inner.aclose()


async def laminates(folder: Path, breaks_at: set[int]) -> int:
    """Make one card while its laminator's wire breaks at some of the messages of its lamination.

    Returns how many messages that lamination took.
    """
    stages: list[Scene] = []
    sent = 0

    def breaks() -> bool:
        nonlocal sent
        works = stages[0].books.works.values() if stages else ()
        if not any(work.act == "laminate" for work in works):
            return False
        sent += 1
        return sent in breaks_at

    def around(url: str, wire: Wire) -> Wire:
        return BreakingWire(wire, breaks) if "laminator" in url else wire

    async with scene(folder, person=False, around=around) as stage:
        stages.append(stage)
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.ended()
        assert len(stage.books.cards) == 1
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)
    return sent


async def test_a_wire_that_breaks_again_while_the_outcome_is_asked_leaves_no_doubt(
    tmp_path: Path,
) -> None:
    messages = await laminates(tmp_path, {20})
    for back in range(6):
        again = messages - back
        assert await laminates(tmp_path, {20, again}) > again


async def test_a_condemned_card_stays_condemned_when_a_doubt_about_it_is_settled(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "print" for w in stage.books.works.values()))
        work = next(iter(stage.books.works.values()))
        card = stage.books.cards[work.cards[0]]
        await asyncio.sleep(10.0)  # a face is on the card
        await stage.verbs.spoil_card(card.id, "wrong photo", "test")
        await stage.verbs.hold_station("line-1-transport", "test")
        stage.machine(work.station).cut_power()
        stage.machine(work.station).restore_power()
        await stage.until(lambda: card.state is CardState.IN_DOUBT)
        assert card.reason != "wrong photo"
        place = next(place for place, one in stage.floor.everything() if one.front)
        if place != outfeed(0):
            stage.floor.move(place, outfeed(0))
        await stage.verbs.settle_card(card.id, "test", found_at=f"{work.station} outfeed")
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        assert (card.state, card.reason) == (CardState.SPOILED, "wrong photo")
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)


async def test_a_card_found_bad_in_a_suspended_printer_is_left_to_the_line(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(6, DAY))
        await stage.until(lambda: stage.floor.at(outfeed(0)) is not None)
        await stage.verbs.hold_station("line-1-transport", "test")
        # One face is printed; the card before it lies in the way.
        await stage.until(lambda: stage.station_state("printer-1") == "Suspended")
        work = next(w for w in stage.books.works.values() if w.station == "printer-1")
        card = stage.books.cards[work.cards[0]]
        await stage.verbs.spoil_card(card.id, "wrong photo", "test")
        assert card.state is CardState.BLANK
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        assert (card.state, card.reason) == (CardState.SPOILED, "wrong photo")
        check_every_order_has_one_good_card(stage.books)
        await check_floor(stage.service, stage.line)


async def test_two_persons_let_the_same_station_work_again(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.station_state("reader-1") == "Execute")
        await stage.verbs.hold_station("reader-1", "test")
        await stage.verbs.unhold_station("reader-1", "one")
        await stage.verbs.unhold_station("reader-1", "other")
        await stage.ended()
        assert stage.station_state("reader-1") == "Execute"


async def test_a_batch_cancelled_while_it_is_taken_in_gets_no_more_orders(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        package = stage.write(PackagePlan(120, DAY))
        async with asyncio.TaskGroup() as group:
            with stage.full_disk():
                taking = group.create_task(stage.verbs.take_package(package, "test"))
                await stage.until(lambda: bool(stage.books.orders))
            assert len(stage.books.orders) < 60
            await stage.verbs.change_batch("B-00001", BatchTrigger.CANCEL, "test", "wrong file")
        assert taking.result().accepted < 60
        assert {order.state for order in stage.orders()} == {OrderState.CANCELLED}
        assert (await stage.verbs.take_package(package, "test")).known
        assert {order.state for order in stage.orders()} == {OrderState.CANCELLED}


async def test_a_manifest_says_nothing_that_a_crash_could_undo(tmp_path: Path) -> None:
    config = centre(limits={"box_size": 1})
    async with scene(tmp_path, config, person=False, outputs=Outputs) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(2, DAY))
        await stage.until(
            lambda: any(work.destination.startswith("tray") for work in stage.books.works.values())
        )
        manifest = tmp_path / "out" / "boxes" / "X-00001" / "manifest.json"
        with stage.full_disk():
            await stage.until(lambda: "X-00001" in stage.books.boxes)
            await asyncio.sleep(30.0)
            assert stage.books.boxes["X-00001"].state is BoxState.SEALED
            assert not manifest.exists()
        await stage.until(manifest.exists)


async def test_a_card_settled_while_the_disk_is_full_is_not_touched_any_more(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: stage.station_state("encoder-2") == "Execute")

        def lamination_begun() -> bool:
            return any(work.act == "laminate" for work in stage.books.works.values())

        async with asyncio.TaskGroup() as group:
            with stage.full_disk(lamination_begun):
                await stage.until(lamination_begun)
                work = next(iter(stage.books.works.values()))
                card = stage.books.cards[work.cards[0]]
                station = stage.service.lines["line-1"].line.station_at(f"{work.station} inside")
                assert station is not None
                group.create_task(station.abort("smoke", "device.fault"))
                await asyncio.sleep(1.0)
                # The intent is not on the disk yet: the machine has not been told anything.
                plastic = next(one for _, one in stage.floor.everything() if one.front)
                assert plastic.laminations == []
                group.create_task(stage.verbs.spoil_card(card.id, "taken out by hand", "test"))
                await asyncio.sleep(1.0)
        await asyncio.sleep(60.0)
        assert card.state is CardState.SPOILED
        assert plastic.laminations == []
