"""The simulated operator's look at finished cards: each is looked at once, soon after it came.

Read-back hears what a chip says; only a person sees a misprint. What was found is told by whoever
hands in `spoil`; nothing here knows verbs.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulators.floor import REJECT_BIN, PhysicalCard, Place, tray
from simulators.hands import Hands, flaw


@dataclass(slots=True)
class _Look:
    """A card that is to be looked at, and what has been done about it."""

    tray: Place
    card: PhysicalCard
    due_s: float
    name: str = ""
    thrown_away: bool = False
    told: bool = False  # perhaps in vain: no answer may have come


class FinishedCards:
    """The cards in the trays of one line.

    `name` reads a card's chip and asks the books; `spoil` tells that a card is in the reject bin
    and why, and answers False when it is too late for that.
    """

    def __init__(
        self,
        hands: Hands,
        look_s: float,
        name: Callable[[PhysicalCard], Awaitable[str]],
        spoil: Callable[[str, str], Awaitable[bool]],
    ) -> None:
        self._hands = hands
        self._look_s = look_s
        self._name = name
        self._spoil = spoil
        self._arrived: dict[Place, int] = {}
        self._seen: set[int] = set()
        self._looks: deque[_Look] = deque()  # never more than there are cards in trays

    def see(self, now_s: float) -> None:
        """Notice what has come into the trays."""
        floor = self._hands.floor
        for place in map(tray, range(self._hands.trays)):
            arrived = floor.arrivals(place)
            new = arrived - self._arrived.get(place, 0)
            if new:
                self._arrived[place] = arrived
                for card in floor.store(place)[-new:]:
                    if card.number not in self._seen:
                        self._seen.add(card.number)
                        self._looks.append(_Look(place, card, now_s + self._look_s))

    async def look(self, now_s: float) -> None:
        """Look at cards until one is bad, and see to that one."""
        while self._looks and self._looks[0].due_s <= now_s:
            wrong = flaw(self._looks[0].card)
            if wrong:
                await self._sort_out(self._looks[0], wrong)
            self._looks.popleft()
            if wrong:
                return

    async def _sort_out(self, look: _Look, wrong: str) -> None:
        """Take a bad card out of its tray, and say so; too late, it goes back where it was."""
        look.name = look.name or await self._name(look.card)
        if not look.thrown_away:
            lies_there = any(card is look.card for card in self._hands.floor.store(look.tray))
            if not look.name or not lies_there:
                return
            self._hands.throw_away(look.tray, look.card)
            look.thrown_away = True
        told_before, look.told = look.told, True
        spoiled = await self._spoil(look.name, wrong)
        # A refusal after a telling without an answer: most likely that one was heard.
        if not spoiled and not told_before:
            self._hands.floor.take(REJECT_BIN, look.card, look.tray)
