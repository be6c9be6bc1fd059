"""Which tray collects which county when the controller starts again."""

from controller.packing import Packing
from jobs.events import Kind
from jobs.rows import tray
from tests.unit.jobs.small_books import SmallBooks


def test_a_card_that_was_on_its_way_into_a_tray_gets_its_box_there() -> None:
    small = SmallBooks()
    small.batch()
    small.order("O-1", county="229901")
    small.order("O-2", county="229902")
    first, second = small.issue("O-1"), small.issue("O-2")
    small.accept(second)
    # The counties had got their trays in another order than that of their cards' names.
    small.event(
        Kind.WORK_BEGUN,
        {"act": "move", "cards": [second], "note": {}, "destination": tray(0)},
        work="W-1",
        card=second,
        station="line-1-transport",
    )
    packing = Packing(small.books, "line-1", 8, 20)
    completion = packing.complete(small.books.cards[second], {"place": tray(0)})
    assert completion.before[0].data["tray"] == tray(0)
    assert packing.tray_of(small.books.orders[small.books.cards[first].order]) == tray(1)
