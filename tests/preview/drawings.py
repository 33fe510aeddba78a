"""Draws each kind of panel in the manner of Grafana."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from preview.answers import STEP_S, Answer
from preview.units import shown

SHEET, LINE, INK, FAINT = "#181b1f", "#2c2f36", "#ccccdc", "#6e7079"
COLOURS = (
    "#73bf69",
    "#f2cc0c",
    "#5794f2",
    "#ff9830",
    "#f2495c",
    "#b877d9",
    "#8ab8ff",
    "#96d98d",
    "#ffee52",
    "#ca95e5",
)
NAMED = {
    "blue": "#5794f2",
    "green": "#73bf69",
    "orange": "#ff9830",
    "purple": "#b877d9",
    "red": "#f2495c",
    "yellow": "#fade2a",
}
LEGENDS_MAX = 8
LIVE_LINES_MAX = 6
BAR_S = 25

Panel = dict[str, Any]


def draw_into(axes: Axes, panel: Panel, answer: Answer) -> None:
    axes.tick_params(colors=FAINT, labelsize=7, length=0)
    axes.spines[:].set_visible(False)
    if not answer.series:
        _words(axes, "no data")
    elif panel["type"] == "timeseries" and answer.live_only:
        _live(axes, panel, answer)
    else:
        _KINDS[panel["type"]](axes, panel, answer)


def _words(axes: Axes, words: str, size: float = 9, colour: str = FAINT) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, color=colour, size=size, ha="center", va="center", transform=axes.transAxes)


def _live(axes: Axes, panel: Panel, answer: Answer) -> None:
    """Write the newest values as text, the largest first."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    ranked = sorted(answer.newest(), key=lambda entry: -entry[1])
    lines = [f"{legend}  {shown(value, unit)}" for legend, value in ranked[:LIVE_LINES_MAX]]
    more = [f"and {len(ranked) - LIVE_LINES_MAX} more"] if len(ranked) > LIVE_LINES_MAX else []
    _words(axes, "\n".join(["live only; now:", *lines, *more]), colour=INK)


def _stat(axes: Axes, panel: Panel, answer: Answer) -> None:
    _, value = answer.newest()[0]
    text, colour = _text_and_colour(panel, value)
    axes.set_axis_off()
    axes.text(0.5, 0.6, text, color=colour, size=20, ha="center", va="center", transform=axes.transAxes)
    if not answer.live_only:
        times, values = zip(*answer.series[0][1].points, strict=True)
        axes.fill_between(times, values, color=colour, alpha=0.3, linewidth=0)
        axes.set_ylim(0, max(values) * 3 or 1)
        axes.margins(x=0)


def _text_and_colour(panel: Panel, value: float) -> tuple[str, str]:
    """Return the text of the value, and its colour."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", ()):
        state = mapping["options"].get(f"{value:g}")
        if state:
            return state["text"], NAMED[state["color"]]
    steps = [step["color"] for step in defaults["thresholds"]["steps"] if (step["value"] or 0) <= value]
    return shown(value, defaults["unit"]), NAMED[steps[-1]]


def _timeseries(axes: Axes, panel: Panel, answer: Answer) -> None:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    ranked = sorted(answer.series, key=lambda entry: -sum(value for _, value in entry[1].points))
    colours = _colours(panel, [legend for legend, _ in ranked])
    if custom.get("stacking", {}).get("mode") == "normal":
        grid = sorted({at for _, series in ranked for at, _ in series.points})
        values = [[dict(series.points).get(at, 0.0) for at in grid] for _, series in ranked]
        axes.stackplot(_days(grid), values, colors=colours, alpha=0.75, linewidth=0)
    elif custom["drawStyle"] == "bars":
        for number, (_, series) in enumerate(ranked):
            times = _days([at + BAR_S * number for at, _ in series.points])
            axes.bar(times, [value for _, value in series.points], width=_day(BAR_S), color=colours[number])
    else:
        for number, (_, series) in enumerate(ranked):
            times, values_of_one = _with_gaps(series.points)
            axes.plot(times, values_of_one, color=colours[number], linewidth=1.1)
    _axes_of_time(axes, panel, answer)
    _legend(axes, [legend for legend, _ in ranked], colours)


def _colours(panel: Panel, legends: list[str]) -> list[str]:
    """Return a colour for each legend: the one the panel sets for it, or else the next."""
    own = {
        override["matcher"]["options"]: NAMED[property_["value"]["fixedColor"]]
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "color"
    }
    return [own.get(legend, COLOURS[number % len(COLOURS)]) for number, legend in enumerate(legends)]


def _with_gaps(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return times and values, with NaN where there was no data."""
    times, values = [], []
    before = points[0][0]
    for at, value in points:
        if at - before > STEP_S * 1.5:
            times.append(before + STEP_S)
            values.append(float("nan"))
        times.append(at)
        values.append(value)
        before = at
    return _days(times), values


def _heatmap(axes: Axes, panel: Panel, answer: Answer) -> None:
    """The legends are the buckets' upper bounds, the values cumulative."""
    limits = sorted(answer.series, key=lambda entry: float(entry[0].replace("+Inf", "inf")))
    grid = sorted({at for _, series in limits for at, _ in series.points})
    below = np.array([[dict(series.points).get(at, 0.0) for at in grid] for _, series in limits])
    cells = np.diff(below, axis=0, prepend=0).clip(min=0)
    strength = np.ma.masked_equal(np.sqrt(cells), 0)
    axes.imshow(strength, aspect="auto", origin="lower", cmap="Blues_r", interpolation="nearest")
    ticks = range(0, len(limits), 3)
    axes.set_yticks(list(ticks), [shown(float(limits[tick][0]), "s") for tick in ticks])
    minutes = range(0, len(grid), int(900 / STEP_S))
    axes.set_xticks(list(minutes), [time.strftime("%H:%M", time.gmtime(grid[mark])) for mark in minutes])


def _timeline(axes: Axes, panel: Panel, answer: Answer) -> None:
    for number, (_, series) in enumerate(answer.series):
        for at, value in series.points:
            axes.barh(number, STEP_S, left=at, height=0.7, color=_text_and_colour(panel, value)[1])
    axes.set_yticks([])
    axes.set_xticks([])
    for number, (legend, series) in enumerate(answer.series):
        text = f"{legend}: {_text_and_colour(panel, series.points[-1][1])[0]}"
        axes.text(
            0.02, (number + 0.5) / len(answer.series), text, size=7, va="center", transform=axes.transAxes
        )
    axes.set_title("live only" if answer.live_only else "", color=FAINT, size=7)


def _gauge(axes: Axes, panel: Panel, answer: Answer) -> None:
    for number, (_, value) in enumerate(answer.newest()):
        text, colour = _text_and_colour(panel, value)
        axes.barh(number, 1, height=0.5, color=LINE)
        axes.barh(number, value, height=0.5, color=colour)
        axes.text(0.5, number, text, color=INK, size=10, ha="center", va="center")
    axes.set_xticks([])
    axes.set_yticks(range(len(answer.series)), [legend for legend, _ in answer.series])
    axes.set_ylim(-1, max(1, len(answer.series)))


def _table(axes: Axes, panel: Panel, answer: Answer) -> None:
    columns = [target["legendFormat"] for target in panel["targets"]]
    units = {
        override["matcher"]["options"]: property_["value"]
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
    }
    labels = list(dict.fromkeys(name for _, series in answer.series for name in sorted(series.labels)))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for column, series in answer.series:
        key = tuple(series.labels.get(name, "") for name in labels)
        value = series.points[-1][1]
        lines.setdefault(key, {})[column] = (
            shown(value, units[column]) if column in units else _text_and_colour(panel, value)[0]
        )
    cells = [[*key, *(line.get(column, "") for column in columns)] for key, line in sorted(lines.items())]
    axes.set_axis_off()
    table = axes.table(
        cells, colLabels=[*labels, *columns], loc="upper center", cellLoc="left", edges="horizontal"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for cell in table.get_celld().values():
        cell.set_text_props(color=INK, ha="left")
        cell.set_edgecolor(LINE)
        cell.set_height(0.17)


def _axes_of_time(axes: Axes, panel: Panel, answer: Answer) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(dates.MinuteLocator(byminute=(0, 15, 30, 45)))  # type: ignore[no-untyped-call]
    axes.set_ylim(0, axes.get_ylim()[1] * 1.06)
    axes.set_xlim(_day(answer.start), _day(answer.end))
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(axes: Axes, legends: list[str], colours: list[str]) -> None:
    width_in = axes.get_window_extent().width / axes.figure.dpi
    left_in = 0.0
    for legend, colour in list(zip(legends, colours, strict=True))[:LEGENDS_MAX]:
        needed_in = 0.2 + 0.062 * len(legend)
        if left_in + needed_in > width_in:
            break
        axes.text(left_in / width_in, -0.3, f"━ {legend}", color=colour, size=6.5, transform=axes.transAxes)
        left_in += needed_in


def _day(at: float) -> float:
    """Return Unix time as matplotlib's days."""
    return at / 86_400


def _days(times: Iterable[float]) -> list[float]:
    return [_day(at) for at in times]


_KINDS: dict[str, Callable[[Axes, Panel, Answer], None]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "heatmap": _heatmap,
    "state-timeline": _timeline,
    "bargauge": _gauge,
    "table": _table,
}
