"""How much a printer wants cleaning, and the cleaning card that a person puts in.

A cleaning card is no blank: it goes into a slot of the printer's own, by hand, cleans once and
comes out there again. Nothing here moves or knows a language; dirt does not spoil a print.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Cleaning:
    """What outlives power: cards since the last cleaning, and how many cleanings there were."""

    interval_cards: int
    cards_since: int = 0
    times: int = 0
    card_in_slot: bool = False

    @property
    def due(self) -> bool:
        """Head and rollers should be cleaned."""
        return self.cards_since >= self.interval_cards

    @property
    def overdue(self) -> bool:
        """Head and rollers should have been cleaned an interval ago."""
        return self.cards_since >= 2 * self.interval_cards

    @property
    def wants_card(self) -> bool:
        """It is not as clean as it can be, and no cleaning card is in the slot."""
        return not self.card_in_slot and bool(self.cards_since or not self.times)

    def finish(self) -> None:
        """Count a cleaning that came to its end; its card is used up and out."""
        self.times += 1
        self.cards_since = 0
        self.card_in_slot = False
