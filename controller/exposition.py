"""Figures as the text that Prometheus reads (text format 0.0.4). Pure.

A scrape has more than a thousand lines, and the thread that writes them shares the interpreter with
the lines of the centre. So labels are put together once and then remembered; `prometheus_client`,
which does not, takes more than ten times as long. What the figures mean is the callers'.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "cardcentre_"
#: More than all labels of the largest centre; they are a closed set of stations, acts and reasons.
_LABELS_REMEMBERED = 32_768

#: What follows a family's name on a line of the text, and the figure.
Sample = tuple[str, float]
Labels = tuple[str, ...]
#: Values of labels, bounds of buckets, how many were at most each and in all, and their sum.
Observed = tuple[Labels, tuple[float, ...], Sequence[int], float]


class Family(NamedTuple):
    """One metric with the lines of all its samples."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    lines: Sequence[str]


def family(
    name: str, kind: Literal["counter", "gauge", "histogram"], text: str, samples: Iterable[Sample]
) -> Family:
    """Return a metric under its full name."""
    return Family(name, kind, text, [f"{name}{labels} {value!r}" for labels, value in samples])


def counter(name: str, text: str, samples: Iterable[Sample]) -> Family:
    """Return what only grows; its name gets the ending that Prometheus asks for."""
    return family(f"{PREFIX}{name}_total", "counter", text, samples)


def gauge(name: str, text: str, samples: Iterable[Sample]) -> Family:
    """Return what goes up and down."""
    return family(PREFIX + name, "gauge", text, samples)


def histogram(name: str, text: str, names: Labels, observed: Iterable[Observed]) -> Family:
    """Return observations sorted into buckets, of every combination of labels."""
    lines = [
        _histogram_lines(PREFIX + name, names, values, bounds) % (*running, total, running[-1])
        for values, bounds, running, total in observed
    ]
    return Family(PREFIX + name, "histogram", text, lines)


@lru_cache(maxsize=_LABELS_REMEMBERED)
def _histogram_lines(name: str, names: Labels, values: Labels, bounds: tuple[float, ...]) -> str:
    """Return the lines of one combination of labels, with a gap for each figure."""
    limits = (*map(str, bounds), "+Inf")
    of_buckets = (labelled((*names, "le"), (*values, limit)) for limit in limits)
    labels = with_gaps(labelled(names, values))
    return "\n".join(
        [
            *(f"{name}_bucket{with_gaps(each)} %d" for each in of_buckets),
            f"{name}_sum{labels} %r",
            f"{name}_count{labels} %d",
        ]
    )


def with_gaps(labels: str) -> str:
    """Return labels as they stand in text that figures are filled into later."""
    return labels.replace("%", "%%")


def one(value: float) -> tuple[Sample, ...]:
    """Return the only sample of a family without labels."""
    return (("", value),)


@lru_cache(maxsize=_LABELS_REMEMBERED)
def labelled(names: Labels, values: Labels) -> str:
    """Return labels as they stand behind a name."""
    if not names:
        return ""
    pairs = zip(names, map(_escaped, values), strict=True)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"


def exposition(families: Iterable[Family]) -> str:
    """Return families as text."""
    lines = []
    for each in families:
        lines.append(f"# HELP {each.name} {each.text}\n# TYPE {each.name} {each.kind}")
        lines.extend(each.lines)
    return "\n".join(lines) + "\n" if lines else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
