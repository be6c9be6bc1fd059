"""How the simulated operator finds a doubtful card, takes it, and remembers what it has taken.

A card is looked for only where the books say it may be, and on the carrier. It goes to the reject
bin at once, so that whoever hears of it later hears what is true. Nothing is told from here.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from simulators.floor import CARRIER, MAGAZINE, QUARANTINE_BIN, REJECT_BIN, PhysicalCard, tray
from simulators.hands import BETWEEN_SENSORS, INSIDE, Hands, is_blank
from simulators.todo import Need, Task

_JAM: Final = "device.jam"
#: A doubtful card is among the last that came into a tray.
_LAST_OF_TRAY: Final = 20

_CARDS = {Need.CARD_IN_DOUBT, Need.CARD_IN_QUARANTINE}
_STOPS = {Need.STATION_HELD, Need.STATION_ABORTED}


class Search:
    """What one operator knows of doubtful cards. `name` reads a card's chip and asks the books."""

    def __init__(self, hands: Hands, name: Callable[[PhysicalCard], Awaitable[str]]) -> None:
        self._hands = hands
        self._name = name
        #: Cards of the books that are in the reject bin by our hand, until the books know it.
        self._thrown_away: set[str] = set()
        #: Cards thrown away before anybody knew which they were, and the machine they came from.
        self._nameless: list[tuple[str, PhysicalCard]] = []
        #: The newest card of each store when a doubt came up: later ones are others.
        self._newest: dict[str, dict[str, PhysicalCard | None]] = {}

    def is_on_this_line(self, task: Task) -> bool:
        """Tell whether a card that waits for a person is on the line of these hands."""
        if task.need == Need.CARD_IN_QUARANTINE:
            lying = self._hands.floor.at(QUARANTINE_BIN)
            return lying is not None or task.subject in self._thrown_away
        names = task.may_be_at
        return bool(names) and all(name in self._hands.places for name in names)

    def note(self, tasks: Sequence[Task]) -> None:
        """Take in the present list: what is on it no longer needs no remembering."""
        self._thrown_away &= {task.subject for task in tasks if task.need in _CARDS}
        newest = {}
        for doubt in _doubts(tasks):
            noted = newest[doubt.subject] = self._newest.get(doubt.subject, {})
            for name in doubt.may_be_at:
                if name == REJECT_BIN or name in self._trays():
                    cards = self._hands.floor.store(self._hands.places[name])
                    noted.setdefault(name, cards[-1] if cards else None)
        self._newest = newest

    def clear_machine(self, machine: str, code: str, tasks: Sequence[Task]) -> list[str]:
        """Take the doubtful cards from a machine, and what is stuck; return what is settled."""
        hands, doubts = self._hands, _doubts(tasks)
        if machine == hands.transport_name:
            on_it = hands.floor.at(CARRIER)
            if on_it is not None and hands.pull(BETWEEN_SENSORS) is not None:
                self._keep(machine, on_it, [d for d in doubts if self._fits_carrier(d, on_it)])
            return self._settled(doubts)
        here = [doubt for doubt in doubts if machine in self._stations(doubt)]
        for doubt in here:
            if doubt.subject not in self._thrown_away:
                names = [name for name in doubt.may_be_at if hands.station_of(name) == machine]
                if any(hands.pull(name) is not None for name in names):
                    self._thrown_away.add(doubt.subject)
        if code == _JAM and hands.station_of(inside := f"{machine} {INSIDE}"):
            stuck = hands.pull(inside)
            if stuck is not None:
                self._keep(machine, stuck, [])
        return self._settled(here)

    def take_out(self, place: str, tasks: Sequence[Task]) -> list[str]:
        """Take whatever lies at one place; return what is settled by it."""
        doubts = [doubt for doubt in _doubts(tasks) if place in doubt.may_be_at]
        card = self._hands.pull(place)
        if card is not None:
            self._keep(self._hands.station_of(place), card, doubts)
        return self._settled(doubts)

    async def found(self, task: Task, tasks: Sequence[Task]) -> bool:
        """Search for the card of a task; True when it is in the reject bin."""
        if task.subject in self._thrown_away:
            return True
        if task.need == Need.CARD_IN_QUARANTINE:
            found = await self._taken_from_quarantine(task, tasks)
        elif self._machines_may_find_it(task, tasks):
            return False
        else:
            found = self._pulled(task) or self._was_thrown_away(task)
            found = found or await self._taken_from_store(task, tasks)
        if found:
            self._thrown_away.add(task.subject)
        return found

    def _settled(self, doubts: Sequence[Task]) -> list[str]:
        return [doubt.subject for doubt in doubts if doubt.subject in self._thrown_away]

    def _keep(self, machine: str, card: PhysicalCard, doubts: Sequence[Task]) -> None:
        """Remember a card that was thrown away: under its name, or until somebody asks for it."""
        open_ones = [doubt for doubt in doubts if doubt.subject not in self._thrown_away]
        if open_ones:
            self._thrown_away.add(open_ones[0].subject)
        else:
            self._nameless.append((machine, card))

    def _machines_may_find_it(self, task: Task, tasks: Sequence[Task]) -> bool:
        """Tell whether a stopped station, once seen to, may still bring the card out itself."""
        concerned = {self._hands.transport_name, *self._stations(task)}
        return any(other.need in _STOPS and other.subject in concerned for other in tasks)

    def _stations(self, task: Task) -> list[str]:
        return [self._hands.station_of(name) for name in task.may_be_at]

    def _trays(self) -> list[str]:
        return [str(tray(number)) for number in range(self._hands.trays)]

    def _fits_carrier(self, doubt: Task, card: PhysicalCard) -> bool:
        """Tell whether the card on the carrier may be the doubtful one."""
        return not self._hands.occupied(doubt.may_be_at) and _may_have_been_moved(doubt, card)

    def _pulled(self, task: Task) -> bool:
        hands = self._hands
        for name in task.may_be_at:
            if hands.station_of(name) and hands.pull(name) is not None:
                return True
        card = hands.floor.at(CARRIER)
        if card is None or not _may_have_been_moved(task, card):
            return False
        return hands.pull(BETWEEN_SENSORS) is not None

    def _was_thrown_away(self, task: Task) -> bool:
        for at, (machine, card) in enumerate(self._nameless):
            on_the_way = machine == self._hands.transport_name and _may_have_been_moved(task, card)
            if on_the_way or machine in self._stations(task):
                del self._nameless[at]
                return True
        return False

    async def _taken_from_store(self, task: Task, tasks: Sequence[Task]) -> bool:
        floor, names = self._hands.floor, task.may_be_at
        for name in names:
            if name in self._trays() and await self._taken_from_tray(task, name):
                return True
        if QUARANTINE_BIN in names and await self._taken_from_quarantine(task, tasks):
            return True
        thrown = self._newest.get(task.subject, {}).get(REJECT_BIN)
        if REJECT_BIN in names and (
            MAGAZINE not in names or (thrown is not None and is_blank(thrown))
        ):
            return True
        blank = floor.at(MAGAZINE) if MAGAZINE in names else None
        if blank is None:
            return False
        # It never left. The books count it as issued, so one blank is thrown away in its stead.
        self._hands.throw_away(MAGAZINE, blank)
        return True

    async def _taken_from_tray(self, task: Task, name: str) -> bool:
        """Take the card that says so itself, or else the one that had just come."""
        place = self._hands.places[name]
        lying = self._hands.floor.store(place)[-_LAST_OF_TRAY:]
        names = [await self._name(card) for card in lying]
        newest = self._newest.get(task.subject, {}).get(name)
        for card, told in zip(lying, names, strict=True):
            if told == task.subject or (card is newest and not told):
                self._hands.throw_away(place, card)
                return True
        return False

    async def _taken_from_quarantine(self, task: Task, tasks: Sequence[Task]) -> bool:
        """Take the card that says so itself, or else the oldest that is none of the others.

        A card with a stranger's data names that stranger, so a wrong name excludes nothing.
        """
        lying = list(self._hands.floor.store(QUARANTINE_BIN))
        names = [await self._name(card) for card in lying]
        others = {other.subject for other in tasks if other.need in _CARDS} - {task.subject}
        mine = [card for card, told in zip(lying, names, strict=True) if told == task.subject]
        free = [card for card, told in zip(lying, names, strict=True) if told not in others]
        if not (mine or free):
            return False
        self._hands.throw_away(QUARANTINE_BIN, (mine or free)[0])
        return True


def _doubts(tasks: Sequence[Task]) -> list[Task]:
    return [task for task in tasks if task.need == Need.CARD_IN_DOUBT]


def _may_have_been_moved(doubt: Task, card: PhysicalCard) -> bool:
    """Tell whether a card on the carrier may be this one: not one that a machine had inside.

    What left the magazine is blank.
    """
    had_inside = any(name.endswith(f" {INSIDE}") for name in doubt.may_be_at)
    return not had_inside and (is_blank(card) or MAGAZINE not in doubt.may_be_at)
