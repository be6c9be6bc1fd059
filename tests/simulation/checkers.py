"""What must be true of a centre, told by comparing its books with the floor it never sees."""

from collections import Counter

from controller.preparation import Preparation
from controller.service import Service
from jobs.account import account
from jobs.books import Books
from jobs.ledger.ledger import fold_books, load_books
from jobs.rows import Card
from jobs.states import CardState, OrderState
from simulators.floor import MAGAZINE, REJECT_BIN, LifeCycle, PhysicalCard, Place
from simulators.plant import PlantLine

FINISHED = {CardState.PACKED, CardState.DISPATCHED}
GONE = {CardState.SPOILED, CardState.DESTROYED}


def check_books(service: Service) -> None:
    """The equation holds; memory, tables and the fold of the events agree; the chain holds."""
    books, store = service.ledger.books, service.ledger.store
    assert account(books).balanced
    for other in (load_books(store), fold_books(store)):
        assert other.orders == books.orders
        assert other.cards == books.cards
        assert other.boxes == books.boxes
        assert other.lines == books.lines
        assert other.day_counts == books.day_counts
        assert +other.open_orders == +books.open_orders
        assert other.on_the_line == books.on_the_line
        assert other.held_orders == books.held_orders
        assert other.card_serials == books.card_serials


def check_every_order_has_one_good_card(books: Books) -> None:
    for order in books.orders.values():
        cards = [card for card in books.cards.values() if card.order == order.id]
        good = [card for card in cards if card.state in FINISHED]
        assert order.state is OrderState.DONE, (order.id, order.state, order.reason)
        assert len(good) == 1, (order.id, [card.state for card in cards])
        assert all(card in good or card.state in GONE for card in cards), order.id


async def check_floor(service: Service, line: PlantLine) -> None:
    """Every physical card is where the books say, and every good one is the person's who asked."""
    books = service.ledger.books
    preparation = service.lines[line.name].feeder.journeys.operations.preparation
    by_serial = {card.card_serial: card for card in books.cards.values() if card.card_serial}
    found: Counter[str] = Counter()
    for place, physical in line.floor.everything():
        if place == MAGAZINE:
            found["magazine"] += 1
        elif place == REJECT_BIN:
            found["reject bin"] += 1
            _check_reject(physical, by_serial)
        elif place.startswith("tray "):
            found["tray"] += 1
            await _check_good(place, physical, by_serial, preparation, books)
        else:
            raise AssertionError(f"card {physical.number} was left at {place}")
    states = Counter(card.state for card in books.cards.values())
    assert found["tray"] == states[CardState.PACKED] + states[CardState.DISPATCHED]
    assert found["reject bin"] == states[CardState.SPOILED]
    assert found["magazine"] == books.line(line.name).in_magazine


def _check_reject(physical: PhysicalCard, by_serial: dict[str, Card]) -> None:
    serial = bytes(physical.chip.files[5][8:]).hex()
    if physical.chip.life_cycle is LifeCycle.OPERATIONAL and serial in by_serial:
        assert by_serial[serial].state in GONE, serial


async def _check_good(
    place: Place,
    physical: PhysicalCard,
    by_serial: dict[str, Card],
    preparation: Preparation,
    books: Books,
) -> None:
    card = by_serial[bytes(physical.chip.files[5][8:]).hex()]
    assert card.state in FINISHED, (card.id, card.state)
    assert card.chip_serial == physical.chip.serial.hex()
    await preparation.prepare(books.orders[card.order])
    contents = preparation.chip_contents(card)
    job = preparation.print_job(card)
    assert physical.chip.life_cycle is LifeCycle.OPERATIONAL
    for number, content in contents.files.items():
        assert bytes(physical.chip.files[number]) == content, (card.id, number)
    assert physical.laminations == [True], (card.id, physical.laminations)
    assert not physical.misprinted, card.id
    assert not physical.damaged, card.id
    for face, panels in ((physical.front, job.front), (physical.back, job.back)):
        assert face == {panel.letter: panel.data for panel in panels}, card.id
    assert card.place in {place, "removed by hand"}, (card.place, place)
