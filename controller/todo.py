"""What waits for a person, each with the command that answers it. Pure: reads the books."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from controller.desk import Desk
from controller.failures import ADVICE
from controller.line import Line
from controller.startup import OPERATOR
from controller.stations import Station
from jobs.books import Books
from jobs.rows import QUARANTINE_BIN
from jobs.states import BatchState, CardState, StationState


class Need(StrEnum):
    """Kinds of things that wait for a person."""

    LINE_STOPPED = "line stopped"
    STATION_HELD = "station held"
    STATION_ABORTED = "station aborted"
    STATION_STOPPED = "station stopped"
    MAINTENANCE = "maintenance"
    CLEANING = "cleaning due"
    CARD_IN_DOUBT = "card in doubt"
    CARD_IN_QUARANTINE = "card in quarantine"
    INSPECTION = "inspection"
    ORDER_HELD = "order held"
    BATCH_WAITS = "batch waits"
    MAGAZINE_LOW = "magazine low"
    LEDGER = "ledger"
    OUTPUTS = "outputs"
    OFF_SHIFT = "off shift"


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do: which, about what, why, and the command that answers it."""

    need: Need
    subject: str
    reason: str
    code: str
    command: str


def todo_of_line(line: Line, desk: Desk) -> list[Todo]:
    """Return what waits on one line."""
    found = []
    account = line.ledger.books.line(line.name)
    if not account.running:
        reason = account.reason or "not started"
        found.append(
            Todo(Need.LINE_STOPPED, line.name, reason, "", f"cardcentre line start {line.name}")
        )
    for station in (line.transport, *line.stations):
        found.extend(_of_station(station))
        if station.cleaning_due:
            found.append(_cleaning(station))
    found.extend(todo_of_cards(line.ledger.books, line.name))
    found.extend(
        Todo(Need.INSPECTION, card, "waits for a verdict", "", f"cardcentre card accept {card}")
        for card in desk.shown()
        if line.ledger.books.cards[card].line == line.name
    )
    if account.in_magazine <= line.magazine_low and wanted(line.ledger.books):
        command = f"cardcentre stock load {line.name} COUNT"
        reason = f"{account.in_magazine} blanks left"
        found.append(Todo(Need.MAGAZINE_LOW, line.name, reason, "", command))
    return found


def todo_of_cards(books: Books, line: str = "") -> list[Todo]:
    """Return the cards in doubt and in quarantine, of one line or of all."""
    found = []
    for card in books.on_the_line.values():
        if line not in {"", card.line}:
            continue
        if card.state is CardState.IN_DOUBT:
            places = " or ".join(card.may_be_at) or card.place
            reason = f"{card.reason}; look at {places}"
            command = f"cardcentre card settle {card.id} --spoiled"
            found.append(Todo(Need.CARD_IN_DOUBT, card.id, reason, "", command))
        elif card.place == QUARANTINE_BIN:
            command = f"cardcentre card spoil {card.id} --reason TEXT"
            found.append(Todo(Need.CARD_IN_QUARANTINE, card.id, card.reason, "", command))
    return found


def todo_of_books(books: Books) -> list[Todo]:
    """Return what waits whatever the line: held orders, batches that were not released."""
    found = [
        Todo(Need.ORDER_HELD, order.id, order.reason, "", f"cardcentre order remake {order.id}")
        for order in books.held_orders.values()
    ]
    found.extend(
        Todo(
            Need.BATCH_WAITS,
            batch.id,
            batch.reason or f"{batch.state.value}, not released",
            "",
            f"cardcentre batch release {batch.id}",
        )
        for batch in books.batches.values()
        if batch.state in {BatchState.RECEIVED, BatchState.HELD}
    )
    return found


def wanted(books: Books) -> bool:
    """Tell whether any order waits to be made, or is being made."""
    return any(count > 0 for count in books.open_orders.values())


def _cleaning(station: Station) -> Todo:
    act = "clean {}" if station.under_maintenance else "maintain {} begin --reason cleaning"
    reason = "its head and rollers want the cleaning card"
    command = f"cardcentre station {act.format(station.name)}"
    return Todo(Need.CLEANING, station.name, reason, "", command)


def _of_station(station: Station) -> Iterable[Todo]:
    name = station.name
    advice = ADVICE.get(station.code)
    reason = f"{station.reason} - {advice}" if advice else station.reason
    if station.state is StationState.HELD:
        command = f"cardcentre station unhold {name}"
        yield Todo(Need.STATION_HELD, name, reason, station.code, command)
    elif station.state is StationState.ABORTED:
        command = f"cardcentre station clear {name}; cardcentre station start {name}"
        yield Todo(Need.STATION_ABORTED, name, reason, station.code, command)
    elif station.under_maintenance:
        command = f"cardcentre station maintain {name} end"
        yield Todo(Need.MAINTENANCE, name, station.reason, station.code, command)
    elif station.state is StationState.STOPPED and station.code == OPERATOR:
        command = f"cardcentre station start {name}"
        yield Todo(Need.STATION_STOPPED, name, station.reason, station.code, command)
