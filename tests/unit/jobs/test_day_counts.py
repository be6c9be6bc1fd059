"""The fold's counts by day, and whose card is progress of the programme."""

from jobs.day_counts import china_day
from jobs.events import Kind
from jobs.states import CardTrigger, OrderTrigger
from tests.unit.jobs.small_books import SmallBooks

#: 2005-09-05, 08:00 in China.
MONDAY_US = 1_125_878_400_000_000
DAY_US = 86_400_000_000


class Counted(SmallBooks):
    """Small books whose calendar can be turned on."""

    def __init__(self) -> None:
        super().__init__()
        self.start_us = MONDAY_US
        self.batch()

    def pack(self, order: str, box: str) -> str:
        """Make an order's card and lay it into a box."""
        card = self.issue(order)
        self.accept(card)
        if box not in self.books.boxes:
            data = {"county": self.books.orders[order].county, "line": "line-1", "tray": box}
            self.event(Kind.BOX_OPENED, data, batch="B-1", box=box)
        self.change_card(card, CardTrigger.PACK, box=box)
        return card

    def dispatch(self, box: str) -> None:
        cards = [card.id for card in self.books.cards.values() if card.box == box]
        self.event(Kind.BOX_SEALED, {}, box=box)
        self.event(Kind.BOX_DISPATCHED, {"cards": cards}, box=box)

    def figures(self, name: str) -> dict[str, int]:
        """Return the counts of a row that are not 0."""
        row = self.books.day_counts[name]
        names = ("received", "refused", "made", "spoiled", "dispatched", "counted")
        figures = {one: getattr(row, one) for one in (*names, "fees_cents", "relieved")}
        return {one: count for one, count in figures.items() if count}


def test_every_step_of_an_order_is_counted_on_the_day_it_happens() -> None:
    small = Counted()
    small.order("O-1", fee_type="1", fee_cents=2_000)
    small.order("O-2", fee_type="9", fee_cents=0)
    small.order("O-3", "229902", load="replacement", fee_type="2", fee_cents=4_000)
    small.start_us += DAY_US
    small.spoil(small.issue("O-1"))
    small.change_order("O-1", OrderTrigger.REQUEUE)
    small.pack("O-1", "X-1")
    small.pack("O-2", "X-1")
    small.start_us += DAY_US
    small.dispatch("X-1")
    assert {name: small.figures(name) for name in small.books.day_counts} == {
        "2005-09-05|229901|2|person": {"received": 2, "fees_cents": 2_000, "relieved": 1},
        "2005-09-05|229902|2|replacement": {"received": 1, "fees_cents": 4_000},
        "2005-09-06|229901|2|person": {"made": 2, "spoiled": 1},
        "2005-09-07|229901|2|person": {"dispatched": 2, "counted": 2},
    }
    assert china_day(small.books.boxes["X-1"].dispatched_us).isoformat() == "2005-09-07"


def test_a_packed_card_that_is_spoiled_is_made_twice_and_dispatched_once() -> None:
    small = Counted()
    small.order("O-1")
    small.spoil(small.pack("O-1", "X-1"))
    small.change_order("O-1", OrderTrigger.REQUEUE)
    small.pack("O-1", "X-2")
    small.dispatch("X-2")
    assert small.figures("2005-09-05|229901|2|person") == {
        "received": 1, "made": 2, "spoiled": 1, "dispatched": 1, "counted": 1,
    }  # fmt: skip


def test_a_person_is_counted_once_however_many_cards_are_made() -> None:
    small = Counted()
    small.order("O-1", person="p", load="replacement")
    small.order("O-2", person="p")
    small.order("O-3", person="p")
    small.order("O-4", person="q", load="under_16")
    small.order("O-5", person="q")
    small.order("O-6", person="r", load="first_generation", product="1")
    for number in range(1, 7):
        small.pack(f"O-{number}", f"X-{number}")
        small.dispatch(f"X-{number}")
    counted = [order.id for order in small.books.orders.values() if order.counted]
    assert counted == ["O-2", "O-5"]
    assert small.figures("2005-09-05|229901|2|person")["dispatched"] == 3
    assert small.figures("2005-09-05|229901|2|person")["counted"] == 2
    assert sum(row.counted for row in small.books.day_counts.values()) == 2


def test_two_cards_of_one_person_in_one_box_are_counted_once() -> None:
    small = Counted()
    small.order("O-1", person="p")
    small.order("O-2", person="p")
    small.pack("O-1", "X-1")
    small.pack("O-2", "X-1")
    small.dispatch("X-1")
    figures = small.figures("2005-09-05|229901|2|person")
    assert (figures["dispatched"], figures["counted"]) == (2, 1)


def test_a_refused_application_is_counted_where_it_says_else_where_its_package_does() -> None:
    small = Counted()
    data = {"package_number": "P", "product": "", "county": "229900", "applications": 3}
    small.event(Kind.BATCH_RECEIVED, data, batch="B-2")
    refused = {"package_number": "P", "position": 1, "reasons": []}
    known = {"county": "229903", "product": "2"}
    small.event(Kind.APPLICATION_REFUSED, refused | known, batch="B-2")
    small.event(Kind.APPLICATION_REFUSED, refused | {"position": 2}, batch="B-2")
    small.event(Kind.PACKAGE_REFUSED, {"package_number": "P", "reasons": []})
    assert {name: small.figures(name) for name in small.books.day_counts} == {
        "2005-09-05|229903|2|": {"refused": 1},
        "2005-09-05|229900||": {"refused": 1},
    }


def test_days_begin_at_midnight_in_china() -> None:
    midnight_us = MONDAY_US + 16 * 3_600_000_000
    assert china_day(midnight_us - 1).isoformat() == "2005-09-05"
    assert china_day(midnight_us).isoformat() == "2005-09-06"
