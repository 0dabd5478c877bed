"""A picture of what the panels of a dashboard are answered: each panel in its place, drawn from its own questions.

No screenshot: Grafana draws finer, and has tooltips, links and zoom.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from benchmarks.dashboards_asked import Asked, Json, Series, Servers, panels, titled
from benchmarks.dashboards_rows import draw_calendar, draw_map, draw_table
from benchmarks.dashboards_words import PALETTE, colour, coloured, dated, day, step_of, with_unit, worded

_CELL = (0.68, 0.28)
"""Width and height of a unit of the grid, inches."""
_DPI = 100
_HEAD_IN, _TITLE_IN, _GAP_IN = 0.62, 0.27, 0.045
_GROUND, _PAPER, _EDGE, _INK, _FAINT = "#f1f3f6", "#ffffff", "#d5d9e0", "#24292e", "#7b818a"
_LEGEND = 10
"""Lines that are named at most."""
_FLAT_S = 60.0
"""Where an axis of seconds ends on which all is 0."""

Draw = Callable[[Axes, Json, Servers, Asked], None]


def draw(dashboard: Json, servers: Servers, asked: Asked, path: Path) -> None:
    """Write the picture of a dashboard that has its variables chosen."""
    bottom = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in dashboard["panels"])
    size = (24 * _CELL[0], bottom * _CELL[1] + _HEAD_IN)
    figure = plt.figure(figsize=size, facecolor=_GROUND)
    _head(figure, dashboard, asked, size)
    for row in (one for one in dashboard["panels"] if one["type"] == "row"):
        left, low, _, high = _box(row["gridPos"], size)
        title = titled(row["title"], asked)
        figure.text(left + 0.004, low + high / 2, title, fontsize=11, weight="bold", color=_INK, va="center")
    for panel in panels(dashboard):
        _panel(figure, panel, servers, asked, size)
    colours = {"optimize": True}
    figure.savefig(path, dpi=_DPI, facecolor=_GROUND, pil_kwargs=colours)
    plt.close(figure)


def _head(figure: Figure, dashboard: Json, asked: Asked, size: tuple[float, float]) -> None:
    top = 1 - _HEAD_IN / 2 / size[1]
    figure.text(0.006, top, dashboard["title"], fontsize=15, weight="bold", color=_INK, va="center")
    words = {
        (one["name"], option["value"]): option["text"]
        for one in dashboard["templating"]["list"]
        for option in one.get("options") or []
        if isinstance(option["value"], str)
    }
    chosen = ",  ".join(
        f"{name}: {' + '.join(words.get((name, one), one) for one in values)}" for name, values in asked.chosen.items()
    )
    span = f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d %H:%M} UTC"
    figure.text(0.994, top, f"{chosen}     {span}", fontsize=9, color=_FAINT, va="center", ha="right")


def _box(place: Mapping[str, int], size: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, bottom, width, height of a place on the grid, as shares of the figure."""
    width, height = size
    low = height - _HEAD_IN - (place["y"] + place["h"]) * _CELL[1]
    return (
        (place["x"] * _CELL[0] + _GAP_IN) / width,
        (low + _GAP_IN) / height,
        (place["w"] * _CELL[0] - 2 * _GAP_IN) / width,
        (place["h"] * _CELL[1] - 2 * _GAP_IN) / height,
    )


def _panel(figure: Figure, panel: Json, servers: Servers, asked: Asked, size: tuple[float, float]) -> None:
    left, low, wide, high = _box(panel["gridPos"], size)
    figure.add_artist(
        Rectangle(
            (left, low), wide, high, facecolor=_PAPER, edgecolor=_EDGE, lw=0.8, transform=figure.transFigure, zorder=-1
        )
    )
    title_y = low + high - _TITLE_IN / 2 / size[1]
    figure.text(
        left + 0.004, title_y, titled(panel["title"], asked), fontsize=8.5, weight="bold", color=_INK, va="center"
    )
    margin = _MARGINS.get(panel["type"], (0.08, 0.08, 0.06, 0.0))
    inner = (
        left + margin[0] / size[0],
        low + margin[2] / size[1],
        wide - (margin[0] + margin[1]) / size[0],
        high - (_TITLE_IN + margin[2] + margin[3]) / size[1],
    )
    axes = figure.add_axes(inner)
    _DRAWN[panel["type"]](axes, panel, servers, asked)


_MARGINS = {
    "timeseries": (0.62, 0.12, 0.62, 0.05),
    "status-history": (1.35, 0.15, 0.55, 0.02),
    "geomap": (0.6, 0.1, 0.3, 0),
}
"""Left, right, bottom and top of what is drawn, inches: room for axes and legends."""


def _nothing(axes: Axes, panel: Json) -> None:
    axes.set_axis_off()
    word = panel["fieldConfig"]["defaults"]["noValue"]
    axes.text(0.5, 0.5, word, ha="center", va="center", color=_FAINT, fontsize=9, transform=axes.transAxes)


def _answers(panel: Json, servers: Servers, asked: Asked) -> list[Series]:
    return [one for target in panel["targets"] for one in servers.series(target, asked) if len(one.values)]


def _draw_stat(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    found, field = _answers(panel, servers, asked), panel["fieldConfig"]["defaults"]
    if not found:
        _nothing(axes, panel)
        return
    axes.set_axis_off()
    mode = panel["options"]["textMode"]
    for place, one in enumerate(found):
        value = one.values[-1]
        text = one.name if mode == "name" else worded(value, field, asked.end)
        left, wide = place / len(found), 1 / len(found)
        axes.add_patch(Rectangle((left, 0), wide, 1, facecolor=coloured(value, field), edgecolor=_PAPER, lw=2))
        large = min(22.0, 1.55 * panel["gridPos"]["w"] / len(found) * 72 * _CELL[0] / max(len(text), 4))
        axes.text(left + wide / 2, 0.5, text, ha="center", va="center", color="white", fontsize=large, weight="bold")
        if mode == "value_and_name":
            axes.text(left + wide / 2, 0.16, one.name, ha="center", va="center", color="white", fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _draw_bars(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    found, field = _answers(panel, servers, asked), panel["fieldConfig"]["defaults"]
    if not found:
        _nothing(axes, panel)
        return
    axes.set_axis_off()
    most = field.get("max") or max(*(one.values[-1] for one in found), 1e-9)
    longest = max(len(one.name) for one in found)
    label = min(0.5, 0.014 * longest * 16 / panel["gridPos"]["w"] + 0.03)
    rows = max(len(found), 4)
    for place, one in enumerate(found):
        value, low = one.values[-1], rows - 1 - place
        room = 1 - label - 0.13
        axes.add_patch(Rectangle((label, low + 0.17), room, 0.66, facecolor="#edf0f4"))
        share = min(max(value, 0) / most, 1)
        axes.add_patch(Rectangle((label, low + 0.17), room * share, 0.66, facecolor=coloured(value, field)))
        axes.text(label - 0.012, low + 0.5, one.name, ha="right", va="center", fontsize=7.5, color=_INK)
        axes.text(label + room + 0.012, low + 0.5, worded(value, field, asked.end), va="center", fontsize=8, color=_INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, rows)


def _draw_lines(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    found = _answers(panel, servers, asked)
    if not found:
        _nothing(axes, panel)
        return
    field = panel["fieldConfig"]["defaults"]
    style = field["custom"]
    ordered = sorted(found, key=lambda one: one.name)
    if (style.get("stacking") or {}).get("mode") == "normal":
        _stack(axes, ordered, asked, bars=style["drawStyle"] == "bars")
    else:
        for place, one in enumerate(ordered):
            _line(axes, one, PALETTE[place % len(PALETTE)], style)
    _dress(axes, field, asked, [value for one in found for value in one.values])
    names = [one.name for one in ordered][:_LEGEND]
    handles = [Rectangle((0, 0), 1, 1, color=PALETTE[place % len(PALETTE)]) for place in range(len(names))]
    columns = max(1, min(len(names), int(panel["gridPos"]["w"] * 12.5 / (max(map(len, names)) + 5))))
    axes.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.12 * 8 / panel["gridPos"]["h"]),
        ncol=columns,
        fontsize=7,
        frameon=False,
        handlelength=1.0,
        handleheight=0.5,
        columnspacing=1.0,
        labelspacing=0.25,
    )


def _line(axes: Axes, one: Series, shade: str, style: Json) -> None:
    step = style["lineInterpolation"] == "stepAfter"
    points = style.get("showPoints") == "always"
    times, values = _with_gaps(one.times, one.values, style.get("spanNulls"))
    axes.plot(
        times,
        values,
        color=shade,
        lw=1.0 if points else 1.6,
        marker="o" if points else "",
        ms=3.5,
        drawstyle="steps-post" if step else "default",
    )


def _with_gaps(when: Sequence[float], values: Sequence[float], spanned: object) -> tuple[list[float], list[float]]:
    """Values that lie too far apart are not joined; times as days of the axis."""
    longest_s = math.inf if spanned is True else float(str(spanned or 0)) / 1000
    times, found = [day(one) for one in when[:1]], list(values[:1])
    for before, at, value in zip(when, when[1:], values[1:], strict=False):
        if at - before > longest_s:
            times.append(day(before))
            found.append(math.nan)
        times.append(day(at))
        found.append(value)
    return times, found


def _stack(axes: Axes, found: Sequence[Series], asked: Asked, bars: bool) -> None:
    at = sorted({time for one in found for time in one.times})
    floor = dict.fromkeys(at, 0.0)
    width = asked.interval_s / 86_400
    for place, one in enumerate(found):
        here = dict(zip(one.times, one.values, strict=True))
        heights = [here.get(time, 0.0) if math.isfinite(here.get(time, 0.0)) else 0.0 for time in at]
        lows = [floor[time] for time in at]
        days = [day(time) for time in at]
        shade = PALETTE[place % len(PALETTE)]
        if bars:
            axes.bar(days, heights, width=width, bottom=lows, color=shade, linewidth=0)
        else:
            tops = [low + height for low, height in zip(lows, heights, strict=True)]
            axes.fill_between(days, lows, tops, step="post", color=shade, alpha=0.65, lw=0.8)
        floor = {time: low + height for time, low, height in zip(at, lows, heights, strict=True)}


def _dress(axes: Axes, field: Json, asked: Asked, values: Sequence[float]) -> None:
    dated(axes, asked.start, asked.end, 8)
    finite = [value for value in values if math.isfinite(value)]
    top = axes.get_ylim()[1]
    low = min(0.0, *finite, 0.0)
    if not any(finite):  # of nothing matplotlib shows the surroundings of 0
        top = _FLAT_S if field["unit"] == "s" else 1.0
    axes.set_ylim(low * 1.05, field.get("max") or max(top, 1e-9))
    if field["custom"].get("thresholdsStyle", {}).get("mode") == "dashed":
        for step in field["thresholds"]["steps"]:
            if step["value"] is not None and step["value"] <= axes.get_ylim()[1]:
                axes.axhline(step["value"], color=colour(step["color"]), lw=1, ls="--")
    ticks = MaxNLocator(5, integer=field["unit"] == "none" and field.get("decimals") == 0)
    scale = step_of(field["unit"], axes.get_ylim()[1])
    axes.set_yticks([tick * scale for tick in ticks.tick_values(*(edge / scale for edge in axes.get_ylim()))[:-1]])
    axes.yaxis.set_major_formatter(lambda value, _: with_unit(value, field, asked.end))
    axes.tick_params(labelsize=7, colors=_FAINT, length=0)
    axes.grid(color="#e8ebef", lw=0.7)
    for side in axes.spines.values():
        side.set_visible(False)


_DRAWN: Mapping[str, Draw] = {
    "stat": _draw_stat,
    "bargauge": _draw_bars,
    "timeseries": _draw_lines,
    "table": draw_table,
    "geomap": draw_map,
    "status-history": draw_calendar,
}
