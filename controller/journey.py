"""The way of one card through the line: read this first.

A card goes through every operation of its product's route that it still needs. The same code takes
up a new blank, a card whose station stopped, and a card that was found on the line after a crash:
what is still to be done follows from the card's state, and where it is from its place. Acts, their
records and their outcomes are in `controller/execution.py`, the operations in
`controller/operations.py`, what happens to a doubtful card in `controller/doubts.py`.
"""

from dataclasses import dataclass

from config.products import Product
from controller.doubts import Doubts
from controller.execution import CardAtFault, Elsewhere, InDoubt
from controller.line import Line
from controller.operations import Operations, remaining
from controller.recovery import Recovery
from jobs.books import OFF_THE_LINE
from jobs.events import Draft, Kind
from jobs.rows import QUARANTINE_BIN, Card
from jobs.states import CardState


@dataclass(slots=True)
class Journeys:
    """Takes cards through one line."""

    line: Line
    operations: Operations
    doubts: Doubts
    recovery: Recovery

    async def recover(self, card: Card) -> None:
        """Settle what a crash left open; returns at once for a card that is new."""
        await self.recovery.settle(card)

    async def journey(self, card: Card, product: Product) -> None:
        """Take one card to its tray, or to a bin; returns when it has left the line."""
        while card.state not in OFF_THE_LINE:
            try:
                await self._next_step(card, product)
            except Elsewhere:
                self.line.places.release_all(card.id, keep=card.place)
            except CardAtFault as fault:
                await self.condemn(card, fault.reason)
            except InDoubt:
                continue  # its places stay reserved until it is found
        self.line.places.release_all(card.id)

    async def _next_step(self, card: Card, product: Product) -> None:
        if card.place == QUARANTINE_BIN:
            await self.line.places.until(
                lambda: card.state in OFF_THE_LINE or card.place != QUARANTINE_BIN
            )
        elif card.state is CardState.IN_DOUBT:
            await self.doubts.settle(card)
        elif not self.operations.wanted(card):
            await self.operations.reject(card)
        elif operations := remaining(product, card.state):
            await self.operations.do(operations[0], card, product)
        else:
            await self.operations.pack(card)

    async def condemn(self, card: Card, reason: str) -> None:
        """Put on record that a card is bad, before anything is done about it."""
        draft = Draft(
            Kind.CARD_CHANGED, "centre", {"reason": reason}, order=card.order, card=card.id
        )
        await self.line.ledger.append(draft)
