"""The account of a simulated run: what was made, how long it took, and the least it could have.

Works on a run that has ended and prints nothing itself.
"""

import cProfile
import pstats
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from config.centre import STATION_OF_OPERATION, Line, StationKind
from config.products import shipped_product
from controller.simulating import Simulated, last_packed_us, seconds
from controller.stage_times import ROUNDING_S, Motion, idle_parts_s, per_card_s
from jobs.account import Account, account
from jobs.bound import Bound, Stage, StageBound, lower_bound
from jobs.rows import Order
from jobs.states import OrderState

TRANSPORT = "transport"
_OURS = ("drivers", "simulators", "jobs/ledger", "controller/rendering", "controller", "jobs")
_NAMES = {"jobs/ledger": "ledger", "controller/rendering": "rendering"}
_LIBRARIES = {"asyncio": "asyncio", "PIL": "rendering", "json": "ledger", "sqlite3": "ledger"}
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run; the keys of `--json`."""

    seed: int
    orders: int
    good: int
    spoiled: int
    spoiled_by_reason: dict[str, int]
    remade: int
    held: int
    cancelled: int
    refused: int
    blanks: dict[str, int]
    balanced: bool
    makespan_s: float
    last_remake_extra_s: float
    lower_bound_s: float
    bottleneck: str
    #: Of the bottleneck's stations together: what they stood still in stops for reasons of their
    #: own, which is in the bound, and suspended because the transport had stopped, which is not.
    stops_s: float
    suspended_s: float
    gap_to_bound_percent: float
    gap_to_bound_with_suspension_percent: float
    stage_bounds_s: dict[str, float]
    intake_wall_s: float
    production_wall_s: float
    cards_per_s: float
    events: int
    ledger_digest: str
    waiting: list[str]
    profile_percent: dict[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """True when every order came to its end and every blank is accounted for."""
        return self.balanced and not self.held and self.good + self.cancelled == self.orders

    def plain(self) -> dict[str, Any]:
        """Return the figures as they are written to JSON."""
        return asdict(self)


def report(made: Simulated) -> Report:
    """Work out the account of a run."""
    books = made.ledger.books
    state = account(books)
    began_us, timing = made.timing.began_us, made.timing
    makespan_s = seconds(last_packed_us(made) - began_us)
    extra_s = _last_remake_extra_s(list(books.orders.values()))
    compared_s = makespan_s - extra_s
    bound = _bound(made, compared_s)
    slowest = bound.bottleneck if bound else StageBound("", 0.0, 0.0, 0.0, 0.0)
    gap = bound.gap_percent(compared_s) if bound else 0.0
    gap_with_suspension = bound.gap_with_suspension_percent(compared_s) if bound else 0.0
    profile = {} if timing.profile is None else profile_percent(timing.profile)
    return Report(
        seed=made.plan.seed,
        orders=len(books.orders),
        good=state.good,
        spoiled=state.spoiled,
        spoiled_by_reason=state.spoiled_by_reason,
        remade=state.remade_orders,
        held=state.orders_by_state[OrderState.HELD.value],
        cancelled=state.orders_by_state[OrderState.CANCELLED.value],
        refused=state.refused_applications,
        blanks=blanks(state),
        balanced=state.balanced,
        makespan_s=round(makespan_s, 3),
        last_remake_extra_s=round(extra_s, 3),
        lower_bound_s=round(slowest.seconds, 3),
        bottleneck=slowest.name,
        stops_s=round(slowest.stops_s, 3),
        suspended_s=round(slowest.suspended_s, 3),
        gap_to_bound_percent=round(gap, 4),
        gap_to_bound_with_suspension_percent=round(gap_with_suspension, 4),
        stage_bounds_s={s.name: round(s.seconds, 3) for s in bound.stages} if bound else {},
        intake_wall_s=round(timing.intake_wall_s, 3),
        production_wall_s=round(timing.production_wall_s, 3),
        cards_per_s=round(state.good / max(timing.production_wall_s, 1e-9), 2),
        events=made.ledger.sequence,
        ledger_digest=made.ledger.head,
        waiting=made.waiting,
        profile_percent=profile,
    )


def blanks(state: Account) -> dict[str, int]:
    """Return the terms of the equation of blanks, in its order."""
    names = ("issued", "good", "spoiled", "samples", "returned", "in_process", "in_doubt")
    return {name: getattr(state, name) for name in names}


def equation(terms: Mapping[str, int]) -> str:
    """Return the equation of blanks with its numbers, and whether it is true."""
    issued, *rest = terms.items()
    true = issued[1] == sum(count for _, count in rest)
    right = " + ".join(f"{count} {name.replace('_', ' ')}" for name, count in rest)
    return f"{issued[1]} blanks issued = {right}: {'true' if true else 'FALSE'}"


def _last_remake_extra_s(orders: Sequence[Order]) -> float:
    """Return how long only remakes were still on their way, after the last first attempt."""
    done = [order for order in orders if order.state is OrderState.DONE]
    first = [order.done_us for order in done if order.attempts == 1]
    if not first:
        return 0.0
    return seconds(max(order.done_us for order in done) - max(first))


def _bound(made: Simulated, end_s: float) -> Bound | None:
    """Return the bound of the slowest line; lines work side by side."""
    bounds = [_bound_of_line(made, line, end_s) for line in made.config.lines]
    found = [bound for bound in bounds if bound is not None and bound.seconds]
    return max(found, key=lambda bound: bound.seconds, default=None)


def _bound_of_line(made: Simulated, line: Line, end_s: float) -> Bound | None:
    plant = made.plant.lines[line.name]
    transport_name = f"{line.name}-{TRANSPORT}"
    machines = {transport_name: plant.transport, **plant.machines}
    motions: dict[str, Sequence[Motion]] = {
        name: [drawn for drawn in machine.drawn() if drawn.start_s >= made.timing.began_s]
        for name, machine in machines.items()
    }
    moves = [motion.duration_s for motion in motions[transport_name]]
    if not moves:
        return None
    stages = dict(_stages(made, line))
    shortest_s = {
        kind: min(_per_card_s(made, names, motions).values(), default=0.0)
        for kind, names in stages.items()
    }
    found = []
    for place, (kind, names) in enumerate(stages.items()):
        before, after = list(stages)[:place], list(stages)[place + 1 :]
        way_in_s = min(moves) * (place + 1) + sum(shortest_s[k] for k in before)
        way_out_s = min(moves) * (len(after) + 1) + sum(shortest_s[k] for k in after)
        found.append(_stage(made, kind.value, names, motions, (way_in_s, end_s, way_out_s)))
    transport = _stage(made, TRANSPORT, [transport_name], motions, (0.0, end_s, 0.0))
    return lower_bound([*found, transport])


def _per_card_s(
    made: Simulated, names: list[str], motions: Mapping[str, Sequence[Motion]]
) -> dict[str, float]:
    return per_card_s(made.stages.works_of(names), motions, made.timing.began_s)


def _stage(
    made: Simulated,
    kind: str,
    names: list[str],
    motions: Mapping[str, Sequence[Motion]],
    ways: tuple[float, float, float],
) -> Stage:
    """Return what a stage did for the cards that were ready by the end.

    Nothing before the way in or after the way out counts: no stop that kept no card, no pass of a
    remake that the makespan is told without.
    """
    way_in_s, end_s, way_out_s = ways
    origin_s, last_s = made.timing.began_s, end_s - way_out_s
    stops = made.stages.stops_within(way_in_s, last_s)
    idle = [
        (stop.suspended, idle_parts_s(stop, motions[stop.station], origin_s))
        for stop in stops
        if stop.station in names
    ]
    return Stage(
        kind,
        len(names),
        tuple(
            motion.duration_s
            for name in names
            for motion in motions[name]
            if motion.start_s - origin_s + motion.duration_s <= last_s + ROUNDING_S
        ),
        stops_s=tuple(idle_s for suspended, idle_s in idle if not suspended),
        suspensions_s=tuple(idle_s for suspended, idle_s in idle if suspended),
        way_in_s=way_in_s,
        way_out_s=way_out_s,
    )


def _stages(made: Simulated, line: Line) -> list[tuple[StationKind, list[str]]]:
    """Return the machines of each operation, in the order of the first product's route."""
    route = shipped_product(made.config.products[0]).route
    kinds = [STATION_OF_OPERATION[operation] for operation in route]
    return [
        (kind, names)
        for kind in kinds
        if kind is not StationKind.INSPECTION
        and (names := [station.name for station in line.stations if station.kind is kind])
    ]


def profile_percent(profile: cProfile.Profile) -> dict[str, float]:
    """Return where the time went, by part of the software, in percent."""
    spent: Counter[str] = Counter()
    figures: Mapping[Any, Any] = vars(pstats.Stats(profile))["stats"]
    for (file, _line, _name), (_calls, _all_calls, own_s, _total_s, callers) in figures.items():
        if file != "~":
            spent[_part(file)] += own_s
            continue
        # What is written in C belongs to whoever called it.
        for (caller, _caller_line, _caller_name), figure in callers.items():
            spent[_part(caller)] += figure[2]
    total_s = sum(spent.values()) or 1.0
    return {part: round(100 * own_s / total_s, 1) for part, own_s in spent.most_common()}


def _part(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(_ROOT) and not path.is_relative_to(_ROOT / ".venv"):
        inside = path.relative_to(_ROOT).as_posix()
        part = next((ours for ours in _OURS if inside.startswith(f"{ours}/")), "other")
        return _NAMES.get(part, part)
    return next((_LIBRARIES[name] for name in path.parts if name in _LIBRARIES), "other")
