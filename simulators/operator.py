"""A person made of software: sees to what waits on one line, after a while, one thing at a time.

It reads the list of what waits, does with its hands what a person would do (`hands`), searches for
doubtful cards (`search`), looks at finished ones (`finished_cards`), and then says so through the
verbs that a person has. It never tells what it has not done: a card is in the reject bin before
anybody hears that it is spoiled. It knows the centre only through `Verbs`; who carries these there
is the assembly's business.
"""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from simulators.finished_cards import FinishedCards
from simulators.floor import MAGAZINE, PhysicalCard
from simulators.hands import OUTFEED, Hands, card_serial, flaw
from simulators.machine import Pace
from simulators.search import Search
from simulators.todo import Need, Task, Verbs

T = TypeVar("T")

#: People are not punctual: the spread of the delay (of its logarithm).
SPREAD: Final = 0.4
#: Machines mostly find a doubtful card themselves; a person waits so many usual delays for them.
PATIENCE_WITH_DOUBTS: Final = 4.0
#: An order that fails again and again after its release is for somebody who can find out why.
RELEASES_MAX: Final = 2

_LEFT_BY_A_PERSON: Final = "operator"
_NOTHING_AT_SOURCE: Final = "device.nothing_at_source"
#: In the reason of a maintenance: a technician asks for a cleaning card.
_TO_CLEAN: Final = "clean"
_DESTINATION_TAKEN: Final = "device.destination_taken"
_AT_MAGAZINE: Final = re.compile(rf"\blies at {MAGAZINE}\b")
_IN_THE_WAY: Final = re.compile(r"\blies at (.+?) already\b")


@dataclass(slots=True)
class _Errand:
    """Something on the list, and when the operator will get round to it."""

    due_s: float


@dataclass(slots=True)
class SimulatedOperator:
    """One line's operator. Times are machine times, divided by `pace`; those of verbs are not.

    `refusals` are what verbs raise to say no, `away` what they raise when the centre does not
    answer. `magazine_load` is more than the number of blanks that the centre calls low.
    """

    verbs: Verbs
    hands: Hands
    random: Random
    delay_s: float
    inspection_s: float
    pace: float
    magazine_load: int
    refusals: tuple[type[Exception], ...]
    away: tuple[type[Exception], ...] = ()
    authorises: bool = False
    poll_s: float = 5.0  # a centre searches all its cards to say what waits
    verb_timeout_s: float = 30.0
    _people: Pace = field(init=False)
    _search: Search = field(init=False)
    _finished: FinishedCards = field(init=False)
    _errands: dict[tuple[str, str], _Errand] = field(default_factory=dict, init=False)
    _to_start: list[str] = field(default_factory=list, init=False)
    _releases: Counter[str] = field(default_factory=Counter, init=False)
    _load_untold: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._people = Pace(self.random, self.pace, SPREAD)
        self._search = Search(self.hands, self._name)
        look_s = self.inspection_s / self.pace
        self._finished = FinishedCards(self.hands, look_s, self._name, self._spoil)

    async def run(self) -> None:
        """Work for ever. A centre that is away is waited for; what was begun is then finished."""
        while True:
            with suppress(TimeoutError, *self.away, *self.refusals):
                await self._round()
            await asyncio.sleep(self.poll_s / self.pace)

    async def _round(self) -> None:
        """Look at the list and the trays, and do at most one thing."""
        tasks = [task for task in await self._answer(self.verbs.todo()) if self._is_mine(task)]
        now_s = asyncio.get_running_loop().time()
        self._note(tasks, now_s)
        self._finished.see(now_s)
        while self._to_start:
            await self._told(self.verbs.start_station(self._to_start[0]))
            self._to_start.pop(0)
        for task in tasks:
            errand = self._errands[task.need, task.subject]
            if errand.due_s <= now_s:
                await self._do(task, tasks)
                errand.due_s = now_s + self._draw_s(self.delay_s)
                return
        await self._finished.look(now_s)

    # When.

    def _is_mine(self, task: Task) -> bool:
        """Tell whether something on the list is this operator's to do."""
        match task.need:
            case Need.STATION_HELD | Need.STATION_ABORTED:
                known = (self.hands.transport_name, *self.hands.stations)
                return task.subject in known and task.code != _LEFT_BY_A_PERSON
            case Need.CARD_IN_DOUBT | Need.CARD_IN_QUARANTINE:
                return self._search.is_on_this_line(task)
            case Need.INSPECTION:
                return self._desk(task) is not None
            case Need.MAGAZINE_LOW:
                return task.subject == self.hands.line
            case Need.MAINTENANCE:
                to_clean = _TO_CLEAN in task.reason
                return to_clean and self.hands.wants_cleaning_card(task.subject)
            case Need.LINE_STOPPED:
                restarted = "authorisation" in task.reason
                return self.authorises and restarted and task.subject == self.hands.line
            case Need.ORDER_HELD:
                may_be_released = self._releases[task.subject] < RELEASES_MAX
                return may_be_released and "limit is reached" in task.reason
            case _:
                return False

    def _note(self, tasks: Sequence[Task], now_s: float) -> None:
        """Draw when new things are seen to; forget what is no longer on the list."""
        errands = {}
        for task in tasks:
            key = (task.need, task.subject)
            errands[key] = self._errands.get(key) or _Errand(now_s + self._delay_s(task))
        self._errands = errands
        self._search.note(tasks)

    def _delay_s(self, task: Task) -> float:
        match task.need:
            case Need.INSPECTION:
                return self._draw_s(self.inspection_s)
            case Need.CARD_IN_DOUBT:
                return PATIENCE_WITH_DOUBTS * self._draw_s(self.delay_s)
            case _:
                return self._draw_s(self.delay_s)

    def _draw_s(self, mean_s: float) -> float:
        return self._people.draw_s(mean_s * math.exp(-(SPREAD**2) / 2))

    # What.

    async def _do(self, task: Task, tasks: Sequence[Task]) -> None:
        match task.need:
            case Need.STATION_HELD:
                await self._see_to_held(task, tasks)
            case Need.STATION_ABORTED:
                await self._see_to_aborted(task, tasks)
            case Need.MAINTENANCE:
                self.hands.put_in_cleaning_card(task.subject)
            case Need.CARD_IN_DOUBT | Need.CARD_IN_QUARANTINE:
                await self._see_to_card(task, tasks)
            case Need.INSPECTION:
                await self._inspect(task)
            case Need.MAGAZINE_LOW:
                await self._load_magazine()
            case Need.LINE_STOPPED:
                await self._told(self.verbs.start_line(task.subject))
            case _:
                assert task.need == Need.ORDER_HELD, task.need
                if await self._told(self.verbs.release_order(task.subject)):
                    self._releases[task.subject] += 1

    async def _see_to_held(self, task: Task, tasks: Sequence[Task]) -> None:
        hands, name = self.hands, task.subject
        hands.put_right(name, task.code, opened=False)
        if task.code == _DESTINATION_TAKEN:
            await self._clear_the_way(task, tasks)
        at_magazine = name == hands.transport_name and _AT_MAGAZINE.search(task.reason)
        if task.code == _NOTHING_AT_SOURCE and at_magazine and hands.floor.at(MAGAZINE) is None:
            await self._load_magazine()
        await self._told(self.verbs.unhold_station(name))

    async def _see_to_card(self, task: Task, tasks: Sequence[Task]) -> None:
        if not await self._search.found(task, tasks):
            return
        if task.need == Need.CARD_IN_DOUBT:
            await self._told(self.verbs.settle_card(task.subject))
        else:
            await self._spoil(task.subject, "quarantine")

    async def _clear_the_way(self, task: Task, tasks: Sequence[Task]) -> None:
        """Take away what lies where a card was to go: no book knows of it, or it is in doubt."""
        name = f"{task.subject} {OUTFEED}"
        if task.subject == self.hands.transport_name:
            told = _IN_THE_WAY.search(task.reason)
            name = told[1] if told else ""
        if name in self.hands.places:
            await self._settle(self._search.take_out(name, tasks))

    async def _see_to_aborted(self, task: Task, tasks: Sequence[Task]) -> None:
        """Open the machine, take out the doubtful cards, put all right; only then say so."""
        name = task.subject
        self.hands.put_right(name, task.code, opened=True)
        await self._settle(self._search.clear_machine(name, task.code, tasks))
        self._to_start.append(name)
        if not await self._told(self.verbs.clear_station(name)):
            self._to_start.remove(name)
            return
        await self._told(self.verbs.start_station(name))
        self._to_start.remove(name)

    async def _settle(self, cards: Sequence[str]) -> None:
        for card in cards:
            await self._told(self.verbs.settle_card(card))

    async def _inspect(self, task: Task) -> None:
        desk = self._desk(task)
        card = self.hands.floor.at(self.hands.places[desk]) if desk else None
        if card is not None:
            reason = flaw(card) or ("" if card.laminations else "not laminated")
            await self._told(self.verbs.judge_card(task.subject, reason))

    def _desk(self, task: Task) -> str | None:
        """Return the desk where a card lies: the one that the list names, or the only one."""
        desks = self.hands.desks()
        if task.may_be_at:
            return next((place for place in task.may_be_at if place in desks), None)
        return desks[0] if len(desks) == 1 else None

    async def _load_magazine(self) -> None:
        """Put blanks in, then say how many; the same blanks are never told twice.

        When no answer came to the last telling, the magazine shows whether it was heard: told, it
        would not be on the list again before it is nearly empty.
        """
        in_magazine = len(self.hands.floor.store(MAGAZINE))
        if not (self._load_untold and in_magazine >= self.magazine_load):
            self.hands.load(self.magazine_load)
            self._load_untold = True
        if await self._told(self.verbs.load_stock(self.hands.line, self.magazine_load)):
            self._load_untold = False

    # Telling and asking.

    async def _name(self, card: PhysicalCard) -> str:
        """Return the card's name in the books, or nothing when its chip does not tell."""
        serial = card_serial(card)
        if not serial:
            return ""
        try:
            return await self._answer(self.verbs.find_card(serial)) or ""
        except self.refusals:
            return ""

    async def _spoil(self, card: str, reason: str) -> bool:
        return await self._told(self.verbs.spoil_card(card, reason))

    async def _told(self, telling: Awaitable[None]) -> bool:
        """Tell the centre something; False when it refuses."""
        try:
            await self._answer(telling)
        except self.refusals:
            return False
        return True

    async def _answer(self, asking: Awaitable[T]) -> T:
        async with asyncio.timeout(self.verb_timeout_s):
            return await asking
