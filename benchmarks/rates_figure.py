"""Detection by size against false events, before and after, in one figure (Matplotlib, no display)."""

from collections.abc import Sequence
from math import inf
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.rates import CLASSES_HA, Outcome
from benchmarks.rates_tables import AIM_PER_1000, AIM_SHARE
from benchmarks.scoring import binomial_interval
from training.alerts.counting import poisson_interval

# Okabe and Ito (2008): told apart with every kind of colour vision; line style and marker say it again.
_FIRST, _SECOND, _BEFORE, _AFTER = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
_INK = "#222222"


def rates_figure(
    sweeps: tuple[Sequence[Outcome], Sequence[Outcome]],
    before: Sequence[Outcome],
    after: Sequence[Outcome],
    path: Path,
) -> None:
    """One panel for each class of size. `before` and `after` are single points."""
    figure = Figure(figsize=(13.5, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(CLASSES_HA), sharey=True)
    exposure = before[0].km2_years
    least = 1000.0 * poisson_interval(0)[1] / exposure
    for place, axes in enumerate(panels):
        _line(axes, sweeps[0], place, (_FIRST, "o", "-"), "told at the first look, if so rare")
        _line(axes, sweeps[1], place, (_SECOND, "s", "--"), "told when a second look holds it, if so rare")
        _points(axes, before, place, (_BEFORE, ("*", "X")), "before")
        _points(axes, after, place, (_AFTER, ("P", "D")), "after")
        axes.plot(AIM_PER_1000, 100 * AIM_SHARE, "+", color=_INK, markersize=16, markeredgewidth=2, label="the aim")
        axes.axvspan(0.5, least, color="#eeeeee", zorder=0)
        axes.text(0.6, 50, f"rarer than {exposure:.0f} km²\n× years can show", fontsize=9, color="#666666")
        _dress(axes, place, sweeps[0][0].found[place][1])
    panels[0].set_ylabel("told within two looks that could show it, %")
    figure.suptitle(
        "Simulated years: scars told against false events, with the upper end of the 95 % Poisson interval",
        fontsize=14,
        color=_INK,
        x=0.01,
        ha="left",
    )
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, fontsize=10)
    figure.savefig(path, dpi=120, facecolor="white")


def _line(axes: Axes, outcomes: Sequence[Outcome], place: int, style: tuple[str, str, str], label: str) -> None:
    colour, marker, line = style
    known = [one for one in outcomes if one.false]
    rates = [one.per_1000 for one in known]
    shares = [100 * one.found[place][0] / max(one.found[place][1], 1) for one in known]
    above = [one.interval[1] - one.per_1000 for one in known]
    axes.errorbar(
        rates,
        shares,
        xerr=([0.0] * len(known), above),
        color=colour,
        marker=marker,
        linestyle=line,
        markersize=5,
        capsize=2,
        elinewidth=0.8,
        label=label,
    )


def _points(
    axes: Axes, outcomes: Sequence[Outcome], place: int, style: tuple[str, tuple[str, ...]], label: str
) -> None:
    colour, markers = style
    for one, marker in zip(outcomes, markers, strict=True):
        hits, shown = one.found[place]
        low, high = binomial_interval(hits, shown)
        share = hits / max(shown, 1)
        axes.errorbar(
            one.per_1000 if one.false else one.interval[1],
            100 * share,
            xerr=([0.0], [one.interval[1] - one.per_1000 if one.false else 0.0]),
            yerr=([100 * (share - low)], [100 * (high - share)]),
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=11,
            capsize=3,
            label=one.name if one.name.startswith(label) else f"{label}: {one.name}",
        )


def _dress(axes: Axes, place: int, shown: int) -> None:
    low, high = CLASSES_HA[place]
    name = f"{low:g} to {high:g} ha" if high < inf else f"{low:g} ha and more"
    axes.set_title(f"{name}: {shown} scars", fontsize=12, color=_INK, loc="left")
    axes.set_xscale("log")
    axes.set_xlim(0.5, 1500)
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.set_xlabel("false events per 1,000 km² and year")
    axes.set_ylim(-3, 105)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
