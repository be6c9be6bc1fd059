"""How long a thousandth of a programme's year takes, its report in both languages included."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.command import CommandFailed, call

ASKED = ("simulate", "--programme", "jilin-2004", "--year", "2005", "--scale", "1000")
TIMEOUT_S = 3600.0

Figure = tuple[str, float]


def figures() -> Iterator[Figure]:
    """Run the year once, as anybody may; the cards a second are those of the run alone."""
    with tempfile.TemporaryDirectory(prefix="cardcentre-bench-") as folder:
        page = Path(folder) / "year.html"
        began_s = time.perf_counter()
        answer = json.loads(call(*ASKED, "--json", "--html", str(page), timeout_s=TIMEOUT_S))
        wall_s = time.perf_counter() - began_s
        if not page.is_file():
            raise CommandFailed(f"`cardcentre {' '.join(ASKED)}` wrote no report")
    yield "programme.year_wall_s", wall_s
    yield "programme.cards_per_s", float(answer["cards_per_s"])
