"""Somebody takes a card from a chip machine's field without a word: it is missed and made again."""

from pathlib import Path

import pytest

from jobs.events import Event
from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import HAND, REJECT_BIN, infeed
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene

TRANSPORT = "line-1-transport"


def take_first_from(stage: Scene, kind: str) -> list[str]:
    """Take the first card that arrives at a machine of a kind; returns which it was, later."""
    fields = {f"{name} infeed": infeed(index) for index, name in enumerate(stage.line.kinds)}
    taken: list[str] = []

    def see(event: Event) -> None:
        place = event.draft.data.get("place", "")
        if place in fields and place.startswith(kind) and not taken:
            stage.floor.move(fields[place], HAND)
            stage.floor.move(HAND, REJECT_BIN, into_store=True)
            taken.append(event.draft.card)

    stage.service.ledger.listeners.append(see)
    return taken


def errors(stage: Scene, card: str) -> set[str]:
    """Return the faults of a card's works."""
    events = stage.service.ledger.store.events()
    return {event.draft.data.get("error", "") for event in events if event.draft.card == card}


@pytest.mark.parametrize("kind", ["encoder", "reader"])
async def test_a_field_without_a_card_costs_that_card_and_stops_nothing(
    tmp_path: Path, kind: str
) -> None:
    async with scene(tmp_path, person=False) as stage:
        taken = take_first_from(stage, kind)
        await stage.loads(50)
        await stage.takes(PackagePlan(6, DAY))
        # The machine finds nothing, and the transport that is to take the card away misses it too.
        await stage.until(lambda: stage.station_state(TRANSPORT) == "Held")
        card = stage.books.cards[taken[0]]
        await stage.verbs.unhold_station(TRANSPORT, "test")
        await stage.until(lambda: stage.waits("card in doubt", card.id))
        await stage.verbs.settle_card(card.id, "test")
        await stage.ended(8_000.0)
        assert "device.nothing_at_source" in errors(stage, card.id)
        # An encoder asks the chip who it is before the work begins.
        assert ("chip.no_card" in errors(stage, card.id)) == (kind == "reader")
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
        cards = stage.books.cards.values()
        assert [one for one in cards if one.state is CardState.SPOILED] == [card]
