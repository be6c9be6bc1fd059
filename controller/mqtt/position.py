"""How far a broker has been told: a small file beside the ledger, replaced whole or not at all.

It says nothing that the ledger does not know; without it everything is told once more.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

#: Births and deaths are numbered from 0 to 255 and then from 0 again (Sparkplug 3.0.0, 5.4).
BIRTHS = 256


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that the broker acknowledged, and the number of the last connection."""

    sequence: int = 0
    digest: str = ""  # of that event: tells whether it is still the same ledger
    birth: int = -1

    def told(self, sequence: int, digest: str) -> "Position":
        """Return the position after an event."""
        return replace(self, sequence=sequence, digest=digest)

    def born_again(self) -> "Position":
        """Return the position with the next connection's number."""
        return replace(self, birth=(self.birth + 1) % BIRTHS)


def position_file(ledger: Path) -> Path:
    """Return where a ledger's position is kept."""
    return ledger.with_name(f"{ledger.name}.mqtt")


def read_position(path: Path) -> Position | None:
    """Return what was kept; nothing when there is no file, or one that says nothing."""
    try:
        raw = json.loads(path.read_bytes())
        position = Position(int(raw["sequence"]), str(raw["digest"]), int(raw["birth"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return position if 0 <= position.birth < BIRTHS and position.sequence >= 0 else None


def write_position(path: Path, position: Position) -> None:
    """Keep a position: after a power cut the file holds this one or the one before."""
    text = json.dumps(
        {"sequence": position.sequence, "digest": position.digest, "birth": position.birth}
    )
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
