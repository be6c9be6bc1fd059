"""A programme's figures by county, prefecture, product or day. Pure.

For a month's report give the counts of that month (`jobs/standing.py` has `between`). What waits is
what waits at this moment, whatever the counts are of.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from config.programme import Programme
from jobs.application import FIRST_GENERATION, SECOND_GENERATION
from jobs.regions import region_name
from jobs.rows import DayCount, Order
from jobs.standing import counts_of, open_orders_of

_FIGURES = (
    *("received", "refused", "made", "spoiled", "dispatched", "counted"),
    *("fees_cents", "relieved"),
)
_PRODUCTS = {
    FIRST_GENERATION: ("first generation", "第一代"),
    SECOND_GENERATION: ("second generation", "第二代"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """What became of the orders of one county, prefecture, product or day."""

    key: str
    label: str
    label_zh: str
    people: int  # the quota for the whole programme; 0 where there is none
    received: int
    refused: int
    made: int
    spoiled: int
    dispatched: int
    counted: int
    waiting: int
    fees_cents: int
    relieved: int
    started: date | None  # None: not yet, or nothing that starts


def by_county(
    programme: Programme, counts: Iterable[DayCount], orders: Iterable[Order], today: date
) -> tuple[Group, ...]:
    """Return every county of a programme, started or not, and every other that has figures."""
    known = {one.code: one for one in programme.counties}
    sums = _sums(programme, counts, orders, today, lambda row: row.county)
    groups = []
    for code in sorted({*known, *sums}):
        county = known.get(code)
        label_zh = county.name_zh if county else region_name(code) or code
        label = (county.name if county else "") or label_zh
        started = _started(today, (county.starts,) if county else ())
        groups.append(_group(code, (label, label_zh), sums, started=started))
    return tuple(groups)


def by_prefecture(
    programme: Programme, counts: Iterable[DayCount], orders: Iterable[Order], today: date
) -> tuple[Group, ...]:
    """Return every prefecture of a programme with its quota, and every other that has figures."""
    known = {one.code: one for one in programme.prefectures}
    sums = _sums(programme, counts, orders, today, lambda row: row.county[:4])
    groups = []
    for code in sorted({*known, *sums}):
        one = known.get(code)
        labels = (one.name, one.name_zh) if one else (code, code)
        starts = [county.starts for county in programme.counties if county.prefecture == code]
        people, started = one.people if one else 0, _started(today, starts)
        groups.append(_group(code, labels, sums, people=people, started=started))
    return tuple(groups)


def by_product(
    programme: Programme, counts: Iterable[DayCount], orders: Iterable[Order], today: date
) -> tuple[Group, ...]:
    """Return both products, and "" for refused applications that named neither."""
    sums = _sums(programme, counts, orders, today, lambda row: row.product)
    keys = sorted({*_PRODUCTS, *sums})
    return tuple(_group(key, _PRODUCTS.get(key, ("unknown", "未知")), sums) for key in keys)


def by_day(programme: Programme, counts: Iterable[DayCount], today: date) -> tuple[Group, ...]:
    """Return every day that has figures, oldest first; nothing waits in the past."""
    sums: dict[str, Counter[str]] = {}
    for row in counts_of(programme, counts, today):
        _add(sums.setdefault(row.day, Counter()), row)
    return tuple(_group(day, (day, day), sums) for day in sorted(sums))


def _sums(
    programme: Programme,
    counts: Iterable[DayCount],
    orders: Iterable[Order],
    today: date,
    key: Callable[[DayCount | Order], str],
) -> dict[str, Counter[str]]:
    sums: dict[str, Counter[str]] = {}
    for row in counts_of(programme, counts, today):
        _add(sums.setdefault(key(row), Counter()), row)
    for order in open_orders_of(programme, orders):
        sums.setdefault(key(order), Counter())["waiting"] += 1
    return sums


def _add(sums: Counter[str], row: DayCount) -> None:
    for name in _FIGURES:
        sums[name] += getattr(row, name)


def _started(today: date, starts: Iterable[date | None]) -> date | None:
    return min((day for day in starts if day and day <= today), default=None)


def _group(
    key: str,
    labels: tuple[str, str],
    sums: Mapping[str, Counter[str]],
    *,
    people: int = 0,
    started: date | None = None,
) -> Group:
    found = sums.get(key, Counter())
    figures = {name: found[name] for name in (*_FIGURES, "waiting")}
    return Group(key, labels[0], labels[1], people, **figures, started=started)
