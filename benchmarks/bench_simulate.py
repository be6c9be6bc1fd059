"""How fast a whole centre runs in virtual time, and how near its makespan comes to its bound."""

import json
from collections.abc import Iterator

from benchmarks.command import CommandFailed, call

ORDERS, SEED = 3000, 7
TIMEOUT_S = 1800.0
SHOWN = ("cards_per_s", "gap_to_bound_percent")

Figure = tuple[str, float]


def figures() -> Iterator[Figure]:
    """Run the simulation once, as anybody may, and return what it says of itself."""
    asked = ("simulate", "--orders", str(ORDERS), "--seed", str(SEED), "--json")
    answer = json.loads(call(*asked, timeout_s=TIMEOUT_S))
    for name in SHOWN:
        if name not in answer:
            raise CommandFailed(f"`cardcentre {' '.join(asked)}` says nothing of {name}")
        yield f"simulate.{name}", float(answer[name])
