"""Files that leave the centre: a manifest per sealed box, a receipt per closed batch.

Written from the books whenever one is missing, so a crash or a full disk only delays them. Receipts
name people, for the authority that sent them: they are written with mode 0600.
"""

from dataclasses import dataclass, field
from pathlib import Path

from controller.preparation import Preparation
from jobs.ledger.ledger import Ledger


@dataclass(slots=True)
class Outputs:
    """The output folder of a centre."""

    folder: Path
    ledger: Ledger
    preparation: Preparation
    fault: str = ""
    _written: set[str] = field(default_factory=set)

    def write_missing(self) -> None:
        """Write what the books ask for and the folder lacks; a failure is tried again later."""


@dataclass(frozen=True, slots=True)
class NoOutputs:
    """A centre whose files nobody wants: `cardcentre simulate` without `--out`, and tests."""

    folder: Path
    ledger: Ledger
    preparation: Preparation
    fault: str = ""

    def write_missing(self) -> None:
        """Write nothing."""
