"""The inspector's desk: a card is shown, a person accepts or rejects it, and is on record."""

import asyncio
from dataclasses import dataclass, field

from controller.acts import Finish
from controller.stations import Station
from drivers.outcome import Note, Outcome
from jobs.states import CardTrigger


@dataclass(slots=True)
class Desk:
    """Cards that lie before an inspector, and the verdicts that they wait for."""

    _shown: dict[str, asyncio.Future[Finish]] = field(default_factory=dict)

    def shown(self) -> list[str]:
        """Return the cards that wait for a verdict, longest first."""
        return list(self._shown)

    async def show(self, card: str) -> Finish:
        """Wait for a person's verdict on a card, for as long as it takes."""
        verdict: asyncio.Future[Finish] = asyncio.get_running_loop().create_future()
        self._shown[card] = verdict
        try:
            return await verdict
        finally:
            del self._shown[card]

    def decide(self, card: str, inspector: str, reason: str = "") -> bool:
        """Accept a card, or reject it for a reason; False when it is not on the desk."""
        verdict = self._shown.get(card)
        if verdict is None or verdict.done():
            return False
        finish: dict[str, str] = {"inspector": inspector}
        if reason:
            finish["reason"] = reason
        else:
            finish["trigger"] = CardTrigger.ACCEPT.value
        verdict.set_result(finish)
        return True


@dataclass(frozen=True, slots=True)
class Inspect:
    """A person looks at a card. Looking changes nothing and may be done again."""

    station: Station
    desk: Desk
    card: str
    name: str = "inspect"
    destination: str = ""

    async def note(self) -> Note:
        """Nothing needs to be noted."""
        return {}

    async def perform(self, note: Note) -> Finish:
        """Show the card."""
        del note
        return await self.desk.show(self.card)

    async def outcome(self, note: Note) -> Outcome:
        """It may always be done again."""
        del note
        return Outcome.NOT_DONE

    async def finish_of_done(self) -> Finish:
        """Never asked: the outcome is NOT_DONE."""
        return {}
