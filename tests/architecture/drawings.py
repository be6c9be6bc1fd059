"""Draws the parts of ARCHITECTURE.md that follow from tables, so that they cannot disagree.

    python tests/architecture/drawings.py

writes them anew; `test_diagrams.py` fails while they are old.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from controller.failures import FAILURES
from jobs.states import BATCH_TABLE, CARD_TABLE, ORDER_TABLE, STATION_TABLE, mermaid

PAGE = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"
_PART = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def failures() -> str:
    """Return the table of failures as Markdown."""
    rows = ["| code | what happened | what is done |", "| --- | --- | --- |"]
    for error, reaction in FAILURES.items():
        what = (error.__doc__ or "").strip().removesuffix(".")
        rows.append(f"| `{error.code}` | {what} | {reaction.value} |")
    return "\n".join(rows)


def diagram(states: str) -> str:
    """Return a Mermaid diagram as Markdown."""
    return f"```mermaid\n{states}\n```"


DRAWINGS: Mapping[str, Callable[[], str]] = {
    "failures": failures,
    "order": lambda: diagram(mermaid(ORDER_TABLE)),
    "card": lambda: diagram(mermaid(CARD_TABLE)),
    "batch": lambda: diagram(mermaid(BATCH_TABLE)),
    "station": lambda: diagram(mermaid(STATION_TABLE)),
}


def drawn(page: str) -> tuple[str, list[str]]:
    """Return a page with its parts drawn anew, and the names of the parts."""
    names = [found[2] for found in _PART.finditer(page)]
    return _PART.sub(_drawing, page), names


def _drawing(found: re.Match[str]) -> str:
    return f"{found[1]}{DRAWINGS[found[2]]()}\n{found[3]}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8"))[0], encoding="utf-8")
