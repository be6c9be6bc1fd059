"""The words of a card printer's mechanism: what it does, on which face, and why it does not.

Nothing moves here; `printer_physics.py` does that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Mishap(StrEnum):
    """Why a motion was not begun, or not ended as meant."""

    NO_CARD_AT_INFEED = "no card at infeed"
    NO_CLEANING_CARD = "no cleaning card"
    CARD_INSIDE = "card inside"
    NO_CARD_INSIDE = "no card inside"
    OUTFEED_TAKEN = "outfeed taken"
    REJECT_BOX_FULL = "reject box full"
    COVER_OPEN = "cover open"
    RIBBON_ENDED = "ribbon ended"
    WRONG_RIBBON = "wrong ribbon"
    JAM = "jam"


class Face(StrEnum):
    """A face of the card, as the head meets them."""

    FRONT = "front"
    BACK = "back"


class Activity(StrEnum):
    """What the mechanism is doing."""

    INSERT = "insert"
    PRINT = "print"
    TURN = "turn over"
    EJECT = "eject"
    CLEAN = "clean"
    JAM = "jam"


@dataclass(frozen=True, slots=True)
class Step:
    """One motion, and what is true of the floor after it."""

    activity: Activity
    duration_s: float
    finish: Callable[[], Mishap | None]
