"""A card that is not where it must be: the transport says which, where, and what to do about it."""

from pathlib import Path

from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import HAND, REJECT_BIN, ChipMemory, PhysicalCard, infeed, outfeed
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card
from tests.simulation.scene import DAY, Scene, scene

TRANSPORT = "line-1-transport"


def why_held(stage: Scene) -> str:
    (item,) = (item for item in stage.verbs.todo() if item.subject == TRANSPORT)
    assert item.need == "station held"
    return item.reason


def code_of(stage: Scene) -> str:
    return stage.books.stations[TRANSPORT].code


async def at_an_outfeed(stage: Scene) -> str:
    """Hold the transport until the only card waits for it at its printer; return where."""
    await stage.loads(10)
    await stage.takes(PackagePlan(1, DAY))
    await stage.until(lambda: any(w.act == "print" for w in stage.books.works.values()))
    await stage.verbs.hold_station(TRANSPORT, "test")
    await stage.until(lambda: not stage.books.works)
    return stage.books.cards["C-0000001"].place


async def test_a_card_that_is_gone_is_named_with_its_place_and_the_commands(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        place = await at_an_outfeed(stage)
        index = list(stage.line.kinds).index(place.split()[0])
        stage.floor.move(outfeed(index), HAND)
        stage.floor.move(HAND, REJECT_BIN, into_store=True)
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.until(lambda: code_of(stage) == "device.nothing_at_source")
        told = why_held(stage)
        assert told.startswith(f"C-0000001: nothing lies at {place}, and nothing was moved")
        assert "`cardcentre card settle`" in told
        assert "source" not in told
        await stage.verbs.settle_card("C-0000001", "test")
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.ended()
        assert stage.books.cards["C-0000001"].state is CardState.SPOILED
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)


async def test_what_lies_in_the_way_is_told_with_its_place(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await at_an_outfeed(stage)
        kinds = list(stage.line.kinds.values())
        ways = [infeed(index) for index, kind in enumerate(kinds) if kind == "laminator"]
        for way in ways:
            stage.floor._single[way] = PhysicalCard(9_999, ChipMemory.new(bytes(8)))
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.until(lambda: code_of(stage) == "device.destination_taken")
        assert why_held(stage).startswith("C-0000001: something lies at laminator-")
        for way in ways:
            del stage.floor._single[way]
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.ended()
        check_every_order_has_one_good_card(stage.books)
