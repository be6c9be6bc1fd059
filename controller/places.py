"""Who may be where: every place of a line holds one card or is promised to one.

A card reserves the next place before it leaves the present one, so two cards never meet. Waiters
are served by priority, then in the order they came. Bins, trays and the magazine hold many and are
not reserved.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

CARRIER = "carrier"


@dataclass(slots=True, eq=False)
class _Waiter:
    priority: tuple[object, ...]
    choices: Callable[[], Sequence[str]]
    card: str
    granted: asyncio.Future[str]


@dataclass(slots=True)
class Places:
    """Reservations, and a signal for everything else that tasks of a line wait for."""

    _holders: dict[str, str] = field(default_factory=dict)
    _waiters: list[_Waiter] = field(default_factory=list)
    _watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = field(default_factory=list)
    _arrivals: int = 0

    def holder(self, place: str) -> str | None:
        """Return the card that holds a place."""
        return self._holders.get(place)

    def held_by(self, card: str) -> list[str]:
        """Return the places that a card holds."""
        return [place for place, holder in self._holders.items() if holder == card]

    def waits(self, card: str) -> bool:
        """Tell whether a card can do nothing until a place is free for it."""
        return any(waiter.card == card for waiter in self._waiters)

    def take(self, place: str, card: str) -> None:
        """Take a free place at once (a card found there after a restart)."""
        assert self._holders.get(place, card) == card, f"{place} is held by {self._holders[place]}"
        self._holders[place] = card

    def try_take(self, place: str, card: str) -> bool:
        """Take a place if it is free or already ours."""
        if self._holders.get(place, card) != card:
            return False
        self._holders[place] = card
        return True

    async def reserve_one(self, place: str, card: str, priority: tuple[object, ...] = ()) -> None:
        """Wait for one certain place."""
        await self.reserve(lambda: [place], card, priority)

    async def reserve(
        self,
        choices: Callable[[], Sequence[str]],
        card: str,
        priority: tuple[object, ...] = (),
    ) -> str:
        """Wait until one of the places that `choices` names is free, and hold it.

        `choices` is asked again at every change; the first free place it names is granted.
        """
        self._arrivals += 1
        granted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiter = _Waiter((*priority, self._arrivals), choices, card, granted)
        self._waiters.append(waiter)
        self._waiters.sort(key=lambda one: one.priority)
        self._serve()
        if not granted.done():
            self._tell()
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(granted.result(), card)
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def release(self, place: str, card: str) -> None:
        """Give a place back; one that is not ours is left alone."""
        if self._holders.get(place) == card:
            del self._holders[place]
            self.changed()

    def release_all(self, card: str, *, keep: str = "") -> None:
        """Give back all places of a card but one."""
        for place in self.held_by(card):
            if place != keep:
                self.release(place, card)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something is true; asked again at every change."""
        if predicate():
            return
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watcher = (predicate, come)
        self._watchers.append(watcher)
        try:
            await come
        finally:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

    def changed(self) -> None:
        """Tell all waiters that something is different."""
        self._serve()
        self._tell()

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            predicate, come = watcher
            if not come.done() and predicate():
                come.set_result(None)

    def _serve(self) -> None:
        for waiter in list(self._waiters):
            if waiter.granted.done():
                continue
            for place in waiter.choices():
                if self._holders.get(place, waiter.card) == waiter.card:
                    self._holders[place] = waiter.card
                    waiter.granted.set_result(place)
                    self._waiters.remove(waiter)
                    break
