"""What an operator sees of the books: where things are, why they wait, what was done."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from controller import overview, views
from controller.history import card_history, order_history
from controller.verbs import Verbs
from controller.views import Filter, Plain
from jobs.account import account
from jobs.events import Draft, Kind
from jobs.keyed_index import approval_key
from jobs.ledger.ledger import load_books
from jobs.states import OrderState
from tests.unit.controller.office import ACCEPTANCE_NUMBER, office

FACTS = [
    overview.StationFacts("line-1-transport", "line-1", "transport"),
    overview.StationFacts("printer-1", "line-1", "printer"),
]


@pytest.fixture
async def verbs(tmp_path: Path) -> AsyncIterator[Verbs]:
    made = await office(tmp_path)
    with closing(made.ledger):
        yield made


async def test_a_batch_counts_its_orders_and_names_its_refusals(verbs: Verbs) -> None:
    books = verbs.ledger.books
    found = views.batch_detail(books, "B-00001")
    assert found is not None
    assert found["orders"] == {
        "queued": 1, "in production": 2, "held": 0, "done": 1, "cancelled": 0,
    }  # fmt: skip
    assert (found["applications"], found["refused"]) == (5, 1)
    assert found["refusals"][0]["position"] == 5
    assert found["refusals"][0]["reasons"][0]["text"] == "wrong check digit"
    assert found["boxes"][0]["id"] == "X-00001"
    assert found["received_at"].startswith("2005-09-05T00:00")
    assert views.batch_detail(books, "B-9") is None
    assert views.batches(books) == [
        {key: value for key, value in found.items() if key not in {"refusals", "boxes"}}
    ]


async def test_orders_are_filtered_and_paged(verbs: Verbs) -> None:
    books = verbs.ledger.books

    def ids(wanted: Filter) -> list[str]:
        return [row["id"][-1] for row in views.orders(books, wanted)]

    assert ids(Filter()) == ["1", "2", "3", "4"]
    assert ids(Filter(state="in production")) == ["2", "3"]
    assert ids(Filter(county="229902")) == ["4"]
    assert ids(Filter(batch="B-2")) == []
    assert ids(Filter(limit=3)) == ["1", "2", "3"]
    assert ids(Filter(limit=3, after="O-00001-00003")) == ["4"]


async def test_each_order_says_why_it_waits(verbs: Verbs) -> None:
    books = verbs.ledger.books

    def waits(number: int) -> str:
        found = views.order_detail(books, f"O-00001-{number:05d}")
        assert found is not None
        return str(found["waits"])

    assert waits(1) == ""
    assert waits(2) == "printer-1 is Held: The ribbon is empty."
    assert waits(3) == (
        "in doubt (link.reply_timeout during print at printer-1): "
        "look at printer-1 inside or printer-1 outfeed"
    )
    assert waits(4) == "no line runs"
    books.line("line-1").running = True
    assert waits(4) == "it is next"
    books.line("line-1").taken = 10
    assert waits(4) == "no blanks in the magazine"
    books.orders["O-00001-00004"].state = OrderState.HELD
    assert waits(4) == "held"


async def test_a_card_says_where_it_is_and_what_is_being_done(verbs: Verbs) -> None:
    books = verbs.ledger.books

    def card(number: int) -> Plain:
        found = views.card_detail(books, f"C-{number:07d}")
        assert found is not None
        return found

    assert (card(1)["place"], card(1)["waits"]) == ("tray 0", "X-00001 is open")
    assert (card(2)["state"], card(2)["waits"]) == ("spoiled", "")
    assert card(4)["may_be_at"] == ["printer-1 inside", "printer-1 outfeed"]
    begun = {"act": "insert", "cards": ["C-0000003"], "note": {"serial_number": "PRN-1"}}
    await verbs.ledger.append(
        Draft(Kind.WORK_BEGUN, "centre", begun, card="C-0000003", work="W-3", station="printer-1")
    )
    assert (card(3)["doing"], card(3)["waits"]) == ("insert at printer-1", "")


async def test_a_card_is_found_by_anything_that_names_it(verbs: Verbs) -> None:
    books = verbs.ledger.books
    key = approval_key(verbs.intake.index_key(), ACCEPTANCE_NUMBER)

    def found(what: str, approval: str = "") -> list[str]:
        return [card["id"] for card in views.find_cards(books, what, approval)]

    assert found("a0b1") == found("C0FFEE") == found("C-0000001") == ["C-0000001"]
    assert found(ACCEPTANCE_NUMBER, key) == ["C-0000001"]
    assert found("O-00001-00002") == ["C-0000002", "C-0000003"]
    assert found("nobody", "0" * 32) == found("") == []


async def test_the_history_of_a_card_reads_like_what_happened(verbs: Verbs) -> None:
    store = verbs.ledger.store
    texts = [event["text"] for event in card_history(store, "C-0000004")]
    assert texts == [
        "blank issued on line-1",
        "print begun, to printer-1 outfeed",
        (
            "print unknown, told by evidence, now in doubt, error link.reply_timeout, "
            "because link.reply_timeout during print at printer-1"
        ),
    ]
    first = order_history(store, "O-00001-00002")
    assert [event["text"] for event in first][:3] == [
        "ordered, promised by 2005-09-02",
        "blank issued on line-1",
        "spoiled, at reject bin, because misprint",
    ]
    assert first[0]["actor"] == "user:anna"


async def test_the_centre_at_a_glance(verbs: Verbs) -> None:
    books = verbs.ledger.books
    found = overview.status(books, FACTS, date(2005, 9, 3))
    assert found["promises"] == {
        "today": "2005-09-03", "overdue": 1, "due_in_3_days": 2, "open": 3,
    }  # fmt: skip
    assert found["lines"] == [
        {"name": "line-1", "running": False, "reason": "", "in_process": 2, "in_magazine": 6}
    ]
    assert [row["state"] for row in found["stations"]] == ["Stopped", "Held"]
    assert found["stations"][1]["code"] == "device.consumable_empty"
    assert found["account"]["balanced"]
    assert found["account"]["issued"] == 10 == account(books).issued


async def test_a_file_read_later_shows_the_same_as_the_running_books(verbs: Verbs) -> None:
    books, loaded = verbs.ledger.books, load_books(verbs.ledger.store)
    for view in (views.batches, views.boxes, overview.stock, overview.account_view):
        assert view(books) == view(loaded)
    assert views.orders(books, Filter()) == views.orders(loaded, Filter())
    assert views.cards(books, Filter()) == views.cards(loaded, Filter())
    everything = (views.cards(books, Filter()), overview.status(books, FACTS, date(2005, 9, 3)))
    assert json.loads(json.dumps(everything)) == list(everything), "listings are plain JSON"
