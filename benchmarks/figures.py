"""Figures of the benchmarks (Matplotlib, no display)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.implants import Point, best
from benchmarks.scoring import binomial_interval
from benchmarks.trials import SIZES_HA, Trials
from monitor.core.change import AlertSettings

# Okabe and Ito (2008): told apart with every kind of colour vision; line style and marker say it again.
STYLES = {
    "network": ("#0072B2", "o", "-"),
    "change model": ("#E69F00", "v", "-"),
    "baseline": ("#D55E00", "s", "--"),
    "union": ("#009E73", "^", "-."),
    "baseline supported by network": ("#CC79A7", "D", ":"),
}
NAMES = {
    "network": "network",
    "change model": "change model (two dates as one input)",
    "baseline": "plain baseline (red log-ratio)",
    "union": "either of the two",
    "baseline supported by network": "baseline, network must rise too",
}
_INK = "#222222"


def implants_figure(points: Sequence[Point], trials: Trials, settings: AlertSettings, path: Path) -> None:
    """Detection against size at two numbers of false events, and against the number of false events."""
    figure = Figure(figsize=(13.5, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": (1, 1, 1.15)})
    for axes, false in ((left, 2), (middle, 5)):
        _by_size(axes, points, trials, false)
    _by_false_events(right, points, trials, settings)
    each = len(trials.implants) // len(SIZES_HA)
    figure.suptitle(
        f"Painted scars found on quiet ground, Hokkaido 2018: {each} of each size, {trials.quiet.area_km2:.0f} km²",
        fontsize=14,
        color=_INK,
        x=0.01,
        ha="left",
    )
    # The left half lacks families without a point at so few false events.
    named = {
        name: handle for axes in (left, middle) for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    order = [name for name in NAMES.values() if name in named]
    handles = [named[name] for name in order]
    figure.legend(handles, order, loc="outside lower center", ncols=5, frameon=False, fontsize=11)
    figure.savefig(path, dpi=120, facecolor="white")


def _by_size(axes: Axes, points: Sequence[Point], trials: Trials, false: int) -> None:
    for index, (family, (colour, marker, line)) in enumerate(STYLES.items()):
        point = best(points, family, false)
        if point is None:
            continue
        shift = 1.0 + 0.05 * (index - 2)
        share = np.array([point.found[size] / point.painted[size] for size in SIZES_HA])
        low, high = np.array([binomial_interval(point.found[size], point.painted[size]) for size in SIZES_HA]).T
        axes.errorbar(
            np.array(SIZES_HA) * shift,
            100 * share,
            yerr=100 * np.array([share - low, high - share]),
            color=colour,
            marker=marker,
            linestyle=line,
            capsize=3,
            markersize=6,
            label=NAMES[family],
        )
    rate = 100.0 * false / trials.quiet.area_km2
    axes.set_title(f"At most {false} false events ({rate:.0f} per 100 km²)", fontsize=12, color=_INK, loc="left")
    axes.set_xscale("log")
    axes.set_xticks(SIZES_HA, [f"{size:g}" for size in SIZES_HA])
    axes.minorticks_off()
    axes.set_xlabel("size of the scar, hectares")
    axes.set_ylabel("found, % (95 % interval)")
    _plain(axes)


def _by_false_events(axes: Axes, points: Sequence[Point], trials: Trials, settings: AlertSettings) -> None:
    counts = range(13)
    for family, (colour, marker, line) in STYLES.items():
        chosen = [(count, best(points, family, count)) for count in counts]
        known = [(count, 100 * point.mean) for count, point in chosen if point is not None]
        if not known:
            continue
        axes.plot(*zip(*known, strict=True), color=colour, marker=marker, linestyle=line, markersize=5)
    alone = {"network": {"high": settings.high}, "baseline": {"baseline_high": settings.baseline_high}}
    for point in points:
        if alone.get(point.family) == dict(point.setting) and point.false <= counts[-1]:
            axes.plot(
                point.false, 100 * point.mean, "o", markersize=15, fillstyle="none", color=STYLES[point.family][0]
            )
    axes.set_title("All sizes, circled: shipped thresholds", fontsize=12, color=_INK, loc="left")
    axes.set_xlabel(f"false events on {trials.quiet.area_km2:.0f} km² of quiet ground, at most")
    axes.set_ylabel("found, %, mean over the five sizes")
    axes.set_xticks(range(0, 13, 2))
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.set_ylim(-2, 102)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
