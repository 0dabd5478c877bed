"""The curve of detection and false events of a deployment (Matplotlib, no display)."""

from __future__ import annotations

from math import inf
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monitor.core.sensors import NAMES
from monitor.records import Sensor
from training.alerts.rates import Calibration, Step

# Okabe and Ito (2008): told apart with every kind of colour vision; line style and marker say it again.
_COLOURS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7")
_MARKERS = ("o", "s", "^", "D")
_LINES = {Sensor.OPTICAL: "-", Sensor.SAR: "--"}
_INK = "#222222"
_HIGHEST = 3000.0


def draw(made: Calibration, tiers: tuple[Step, Step], path: Path) -> None:
    """False events against the budget, and beside them the painted scars, if any were."""
    painted = any(step.told for step in made.steps)
    figure = Figure(figsize=(12.0 if painted else 7.0, 5.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if painted else 1, squeeze=False)[0]
    _false(panels[0], made)
    if painted:
        _told(panels[1], made)
    for axes in panels:
        for step, name in zip(tiers, ("watch", "warning"), strict=True):
            axes.axvline(step.budget, color="#888888", linewidth=1, linestyle=":")
            axes.annotate(
                f"{name} {step.budget:g}", (step.budget, 1.0), (3, -3), ("data", "axes fraction"), "offset points",
                rotation=90, va="top", fontsize=9, color="#666666",
            )  # fmt: skip
        _dress(axes)
    ground = "simulated" if made.history.simulated else "its own and simulated" if made.null.simulated else "its own"
    figure.suptitle(
        f"Quiet ground of this deployment: {made.km2_years:.1f} km² × years\nRates counted on {ground} ground",
        fontsize=13,
        color=_INK,
        x=0.01,
        ha="left",
    )
    figure.savefig(path, dpi=120, facecolor="white")


def _false(axes: Axes, made: Calibration) -> None:
    steps = [step for step in made.steps if step.budget < inf]
    budgets = [step.budget for step in steps]
    for name, costs, colour, marker in (
        ("at their first look", [step.first for step in steps], _COLOURS[0], "o"),
        ("once a second look holds them", [step.held for step in steps], _COLOURS[1], "s"),
    ):
        axes.plot(budgets, [one.per_1000 for one in costs], color=colour, marker=marker, label=name)
        low, high = [one.interval[0] for one in costs], [one.interval[1] for one in costs]
        axes.fill_between(budgets, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot([1, _HIGHEST], [1, _HIGHEST], color="#888888", linewidth=1, label="as many as the budget")
    axes.set_title("False events told, with 95 % Poisson intervals", fontsize=12, color=_INK, loc="left")
    axes.set_ylabel("false events per 1,000 km² and year")
    axes.set_yscale("symlog", linthresh=10)
    axes.set_yticks([0, 10, 100, 1000], ["0", "10", "100", "1,000"])
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


def _told(axes: Axes, made: Calibration) -> None:
    steps = [step for step in made.steps if step.budget < inf]
    counts = dict.fromkeys(_LINES, 0)
    for sensor, size in made.steps[0].told:
        found = [step.told[sensor, size] for step in steps]
        axes.plot(
            [step.budget for step in steps],
            [100 * hits / max(of, 1) for hits, of in found],
            color=_COLOURS[counts[sensor] % len(_COLOURS)],
            marker=_MARKERS[counts[sensor] % len(_MARKERS)],
            linestyle=_LINES[sensor],
            label=f"{NAMES[sensor]}, {size:g} ha: {found[0][1]}",
        )
        counts[sensor] += 1
    axes.set_title("Painted scars told at their first look", fontsize=12, color=_INK, loc="left")
    axes.set_ylabel("of those on observed ground, %")
    axes.set_ylim(-3, 105)
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


def _dress(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.8, _HIGHEST)
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.set_xlabel("budget: told if quiet ground does so at most as often")
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
