"""What a printer of any make is given, and what its driver promises the centre.

A job is ink on a face of 1,016 lines of 648 dots; how a make sends it, and what it may leave out,
is its driver's business. Nothing here knows a language or a wire.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.identity import Identity
from drivers.outcome import Note, Outcome

LINE_BYTES: Final = 81
LINES: Final = 1016
FACE_BYTES: Final = LINE_BYTES * LINES


@dataclass(frozen=True, slots=True)
class Panel:
    """The ink of one colour on one face: 1,016 lines of 81 bytes for every bit of depth."""

    letter: str
    levels: int
    data: bytes

    def __post_init__(self) -> None:
        assert self.letter in "YMCKO", "there is no such ink"
        assert len(self.letter) == 1, "one panel, one letter"
        assert self.levels == (2 if self.letter in "KO" else 128), "levels do not fit the panel"
        assert len(self.data) == FACE_BYTES * (self.levels.bit_length() - 1), "wrong bitmap size"


@dataclass(frozen=True, slots=True)
class PrintJob:
    """Everything that goes onto one card."""

    front: tuple[Panel, ...]
    back: tuple[Panel, ...]

    def __post_init__(self) -> None:
        # Without a panel nothing would be counted, and the print would leave no evidence.
        assert self.front or self.back, "nothing to print"

    @property
    def panels(self) -> int:
        """How many panels there are on both faces."""
        return len(self.front) + len(self.back)


class PrinterCondition(Protocol):
    """What the centre wants to know of a printer at rest."""

    @property
    def card_at_print_position(self) -> bool:
        """A card lies inside, where it can be printed or brought out."""

    @property
    def cleaning_due(self) -> bool:
        """Head and rollers should be cleaned."""

    @property
    def error(self) -> int:
        """What is wrong, in the machine's own number; 0 for nothing."""


class Printer(Protocol):
    """A printer of any make. Questions may be repeated; each act is sent once."""

    async def identify(self) -> Identity:
        """Tell who is on the wire; raises `WrongDevice` when it is no such printer."""

    async def status(self) -> PrinterCondition:
        """Read what is wrong or due, and whether a card lies inside."""

    async def settle(self) -> bool:
        """Wait until nothing moves, for as long as a print may take; False if it moves still."""

    async def insert_note(self) -> Note:
        """Note what `insert_outcome` will compare with."""

    async def insert(self) -> PrinterCondition:
        """Take the card at the infeed inside. An act. Returns how the printer is after it."""

    async def insert_outcome(self, note: Note, infeed_occupied: bool) -> Outcome:
        """Tell what became of an insert. Read `infeed_occupied` after `settle`."""

    async def print_note(self) -> Note:
        """Note what `print_outcome` will compare with."""

    async def print_and_eject(
        self, job: PrintJob, note: Note, way_out: Callable[[], Awaitable[None]]
    ) -> None:
        """Print both faces of the card inside and bring it to the outfeed. An act.

        `way_out` is waited for before the command that ends at the outfeed: until then another
        card may lie there. Returns only if evidence agrees that everything is on the card.
        """

    async def print_outcome(self, note: Note, job: PrintJob, outfeed_occupied: bool) -> Outcome:
        """Tell what became of a print. Read `outfeed_occupied` after `settle`.

        A card that is printed but still inside is brought out first.
        """

    async def eject(self) -> None:
        """Bring a card that is inside out to the outfeed without printing on it. An act."""

    async def clean_note(self) -> Note:
        """Note what `clean_outcome` will compare with."""

    async def clean(self, note: Note) -> None:
        """Clean head and rollers with the cleaning card that a person has put in. An act.

        It takes no card from the infeed. `NothingAtSource` where there is no cleaning card.
        """

    async def clean_outcome(self, note: Note) -> Outcome:
        """Tell what became of a cleaning, from the printer's own evidence alone."""

    async def clear_errors(self) -> None:
        """Clear the errors that a person has seen to; the mechanism may move."""

    async def aclose(self) -> None:
        """Hang up."""
