"""A person's verbs without a command line: what the simulated operator is handed.

It adapts the running centre's verbs, names the actor, and says who is away when no centre runs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from controller.service import Service
from controller.station_verbs import Refused
from controller.verbs import Verbs
from jobs.states import OrderTrigger


class Away(Exception):
    """No centre runs at the moment."""

    code = "centre.away"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for a person, as the simulated operator sees it."""

    need: str
    subject: str
    reason: str
    code: str
    may_be_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonsVerbs:
    """The verbs of whichever centre runs now, in this process."""

    service: Callable[[], Service | None]
    actor: str = "simulated operator"

    async def todo(self) -> list[Task]:
        """Return what waits for a person."""
        verbs = self._verbs()
        cards = verbs.ledger.books.cards
        return [
            Task(
                item.need.value,
                item.subject,
                item.reason,
                item.code,
                cards[item.subject].may_be_at if item.subject in cards else (),
            )
            for item in verbs.todo()
        ]

    async def unhold_station(self, name: str) -> None:
        """Let a held station work again."""
        await self._verbs().unhold_station(name, self.actor)

    async def clear_station(self, name: str) -> None:
        """Say that the cause of an abort has been seen to."""
        await self._verbs().clear_station(name, self.actor)

    async def start_station(self, name: str) -> None:
        """Bring a stopped station up."""
        await self._verbs().start_station(name, self.actor)

    async def start_line(self, name: str) -> None:
        """Authorise a line."""
        await self._verbs().start_line(name, self.actor)

    async def settle_card(self, card: str) -> None:
        """Say that a doubtful card lies in the reject bin."""
        await self._verbs().settle_card(card, self.actor)

    async def spoil_card(self, card: str, reason: str) -> None:
        """Say that a card is bad."""
        await self._verbs().spoil_card(card, reason, self.actor)

    async def judge_card(self, card: str, reason: str = "") -> None:
        """Accept a card, or reject it for a reason."""
        await self._verbs().judge_card(card, self.actor, reason=reason)

    async def load_stock(self, line: str, blanks: int) -> None:
        """Record blanks put into a magazine."""
        await self._verbs().load_stock(line, blanks, self.actor)

    async def release_order(self, order: str) -> None:
        """Let a held order be made after all."""
        await self._verbs().change_order(order, OrderTrigger.RELEASE, self.actor)

    async def find_card(self, card_serial: str) -> str | None:
        """Return the card that carries a card serial."""
        return self._verbs().ledger.books.card_serials.get(card_serial)

    def _verbs(self) -> Verbs:
        service = self.service()
        if service is None or not service.ready.is_set():
            raise Away
        return service.verbs


REFUSALS = (Refused,)
AWAY = (Away,)
