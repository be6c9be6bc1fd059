"""Charts as SVG, drawn by matplotlib; importing this takes a second, so it is imported to draw.

Letters are drawn as outlines of the font that comes with the program, so that a page shows them the
same everywhere. What a chart shows is decided in `pages/`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FuncFormatter, MaxNLocator

from controller.reports.document import Bars, BurnUp, Chart
from controller.reports.letters import cut_font

WIDTH_INCHES = 12.0
BURN_UP_INCHES = 4.4
STANDING_INCHES = 3.6
LYING_INCHES = (1.0, 0.36)  # and so much more for each bar
_INK, _PALE, _RULE = "#1c2430", "#5a6675", "#d5dbe3"
_ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "–−"
_LINES = {
    "plan": ("#6b7686", (0, (5, 3)), 1.6),
    "done": ("#1f4e8c", "solid", 2.6),
    "forecast": ("#c0640f", "solid", 1.8),
}
_BAND = "#f0b678"
COLOURS = {
    "producing": "#1b7a43",
    "changeover": "#7a68c4",
    "starved": "#b9c6d6",
    "blocked": "#e3b23c",
    "held": "#dd7a2f",
    "down": "#b3261e",
    "stopped": "#7d8794",
    "off shift": "#e9edf2",
    "good": "#1f4e8c",
    "bad": "#b3261e",
}
_LETTER = 9.5
_EPOCH = date(1970, 1, 1)
#: A chart of more than so many days is marked at every n-th month: days, n, how a mark reads.
_MONTH_MARKS = ((3 * 366, 12, "%Y"), (500, 3, "%Y-%m"), (100, 1, "%Y-%m"))
_NAMED = re.compile(r'(\bid="|href="#|url\(#)')


def drawn(charts: Sequence[Chart]) -> list[str]:
    """Return each chart as an `<svg>` element; all of them may stand on one page."""
    with TemporaryDirectory(prefix="cardcentre-") as folder:
        font = Path(folder) / "letters.ttf"
        font.write_bytes(cut_font(set(chain(_ALWAYS, *map(_texts, charts)))))
        letters = FontProperties(fname=font, size=_LETTER)
        # The salt makes ids, and so the file, the same each time.
        with rc_context({"svg.fonttype": "path", "svg.hashsalt": "cardcentre"}):
            return [_svg(chart, letters, f"c{number}-") for number, chart in enumerate(charts)]


def _texts(chart: Chart) -> Iterable[str]:
    match chart:
        case BurnUp():
            return (chart.band_name, *(one.name for one in chart.series))
        case Bars():
            return (chart.axis, *chart.labels, *(stack.name for stack in chart.stacks))


def _svg(chart: Chart, letters: FontProperties, prefix: str) -> str:
    figure = Figure(figsize=(WIDTH_INCHES, _height(chart)), layout="constrained")
    axes = figure.add_subplot()
    match chart:
        case BurnUp():
            _burn_up(axes, chart, letters)
        case Bars():
            _bars(axes, chart, letters)
    _calm(axes, letters, "x" if isinstance(chart, Bars) and chart.lying else "y")
    text = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    found = text.getvalue()
    return _NAMED.sub(rf"\g<1>{prefix}", found[found.index("<svg") :].strip())


def _height(chart: Chart) -> float:
    if isinstance(chart, BurnUp):
        return BURN_UP_INCHES
    return LYING_INCHES[0] + LYING_INCHES[1] * len(chart.labels) if chart.lying else STANDING_INCHES


def _burn_up(axes: Axes, chart: BurnUp, letters: FontProperties) -> None:
    if chart.band:
        days, low, high = zip(*chart.band, strict=True)
        axes.fill_between(
            _numbers(days), low, high, color=_BAND, alpha=0.55, linewidth=0, label=chart.band_name
        )
    for one in chart.series:
        if one.points:
            colour, style, width = _LINES[one.role]
            days, values = zip(*one.points, strict=True)
            axes.plot(
                _numbers(days), values, color=colour, linestyle=style, linewidth=width,
                label=one.name,
            )  # fmt: skip
    first, last = (
        edge([day for one in chart.series for day, _ in one.points]) for edge in (min, max)
    )
    axes.set_xlim(*_numbers([first, last]))
    axes.set_ylim(bottom=0)
    marks = _marks(first, last)
    axes.xaxis.set_ticks(_numbers(marks), list(marks.values()))
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.legend(prop=letters, loc="upper left", frameon=False)


def _numbers(days: Iterable[date]) -> list[float]:
    return [float((day - _EPOCH).days) for day in days]


def _marks(first: date, last: date) -> dict[date, str]:
    """Return which days of a chart are marked, and how."""
    length = (last - first).days
    days = (first + timedelta(days=number) for number in range(length + 1))
    for least, months, form in _MONTH_MARKS:
        if length > least:
            begun = (day for day in days if day.day == 1 and (day.month - 1) % months == 0)
            return {day: f"{day:{form}}" for day in begun}
    step = length // 12 + 1
    return {day: f"{day:%m-%d}" for day in islice(days, 0, None, step)}


def _bars(axes: Axes, chart: Bars, letters: FontProperties) -> None:
    places = range(len(chart.labels))
    begins = [0.0] * len(chart.labels)
    for stack in chart.stacks:
        colour = COLOURS[stack.colour]
        if chart.lying:
            axes.barh(places, stack.values, 0.66, begins, color=colour, label=stack.name)
        else:
            axes.bar(places, stack.values, 0.8, begins, color=colour, label=stack.name)
        begins = [begin + value for begin, value in zip(begins, stack.values, strict=True)]
    scale, names = (axes.xaxis, axes.yaxis) if chart.lying else (axes.yaxis, axes.xaxis)
    names.set_ticks(list(places), chart.labels)
    scale.set_major_locator(MaxNLocator(8, integer=max(begins, default=0) >= 1))
    scale.set_major_formatter(FuncFormatter(_thousands))
    scale.set_label_text(chart.axis, fontproperties=letters, color=_PALE)
    if chart.lying:
        axes.invert_yaxis()
        axes.set_ylim(len(chart.labels) - 0.5, -0.5)
    elif len(chart.labels) > 16:
        names.set_tick_params(rotation=60)
    if len(chart.stacks) > 1:
        axes.legend(
            prop=letters, loc="lower left", bbox_to_anchor=(0, 1), frameon=False,
            ncols=len(chart.stacks), handlelength=1.2, columnspacing=1.4,
        )  # fmt: skip


def _calm(axes: Axes, letters: FontProperties, scale: Literal["x", "y"]) -> None:
    """Give a chart the letters and the quiet lines of the page around it."""
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(letters)
        label.set_color(_INK)
    for name, spine in axes.spines.items():
        spine.set_visible(name in {"left", "bottom"})
        spine.set_color(_RULE)
    axes.tick_params(color=_RULE, length=3)
    axes.grid(visible=True, axis=scale, color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def _thousands(value: float, _place: object) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
