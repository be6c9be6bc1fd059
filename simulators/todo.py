"""What the simulated operator is told by a centre, and what it may tell one: the shape of it only.

The words are those of the centre's own list. Nothing here does anything; the assembly hands in a
running centre's verbs, or a client of its API.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol


class Need(StrEnum):
    """The kinds of things on the list that the operator sees to."""

    LINE_STOPPED = "line stopped"
    STATION_HELD = "station held"
    STATION_ABORTED = "station aborted"
    MAINTENANCE = "maintenance"
    CARD_IN_DOUBT = "card in doubt"
    CARD_IN_QUARANTINE = "card in quarantine"
    INSPECTION = "inspection"
    ORDER_HELD = "order held"
    MAGAZINE_LOW = "magazine low"


class Task(Protocol):
    """One thing that waits for a person."""

    @property
    def need(self) -> str:
        """What kind of thing it is."""

    @property
    def subject(self) -> str:
        """The station, line, card or order that it is about."""

    @property
    def reason(self) -> str:
        """Why, in words."""

    @property
    def code(self) -> str:
        """Why, as a code of the driver's errors, for stations."""

    @property
    def may_be_at(self) -> Sequence[str]:
        """Where a card lies or may lie, by the books' names of places."""


class Verbs(Protocol):
    """What a person may ask and tell a running centre."""

    async def todo(self) -> Sequence[Task]:
        """Return what waits for a person."""

    async def find_card(self, card_serial: str) -> str | None:
        """Return the card of the books that carries a card serial (hexadecimal)."""

    async def unhold_station(self, name: str) -> None:
        """Let a held station work again."""

    async def clear_station(self, name: str) -> None:
        """Say that the cause of an abort has been seen to."""

    async def start_station(self, name: str) -> None:
        """Bring a stopped station up."""

    async def start_line(self, name: str) -> None:
        """Authorise a line."""

    async def settle_card(self, card: str) -> None:
        """Settle a doubt: the card is spoiled and lies in the reject bin."""

    async def spoil_card(self, card: str, reason: str) -> None:
        """Spoil a card that lies in the reject bin."""

    async def judge_card(self, card: str, reason: str) -> None:
        """Accept a card before the inspector, or reject it for a reason."""

    async def load_stock(self, line: str, blanks: int) -> None:
        """Record blanks that were put into a line's magazine."""

    async def release_order(self, order: str) -> None:
        """Let a held order be made again."""
