"""Figures of a judgement as SVG (Matplotlib, no display)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.calibration import LIT, Reliability
from training.judging import Judgement
from training.metrics import bin_of, curve
from training.quiet_land import quiet_rows
from training.report.tables import size_label
from training.scoring import Evaluation

# Okabe and Ito (2008): told apart with every kind of colour vision; line styles say it again.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
STYLES = ("-", "--", "-.", ":")
_INK, _RULE = "#16202a", "#d5dadf"


def pr_figure(judged: Sequence[Judgement]) -> str:
    """Precision against recall; a dot at the threshold in use."""
    figure, axes = paper(6.4, 5.2)
    for one, colour, style in zip(judged, cycle(COLOURS), cycle(STYLES), strict=False):
        pr_line(axes, one.scored, one.threshold, one.name, colour, style)
    pr_ground(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    return svg(figure)


def reliability_figure(judged: Judgement) -> str:
    """Said against seen, before and after the temperature, above LIT."""
    figure, axes = paper(5.6, 5.2)
    axes.plot((0, 1), (0, 1), color=_RULE, linewidth=1.5, zorder=0)
    after = f"after temperature {judged.calibration.temperature:.2f}"
    parts: tuple[tuple[Reliability, str, str, str], ...] = (
        (judged.raw, COLOURS[1], "o--", "as the network says it"),
        (judged.cooled, COLOURS[0], "s-", after),
    )
    for part, colour, style, label in parts:
        lit = part.said >= LIT
        axes.plot(part.said[lit], part.seen[lit], style, color=colour, label=label, markersize=5, linewidth=1.4)
    axes.set(xlabel="probability said", ylabel="share of landslide pixels seen", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return svg(figure)


def scar_figure(judged: Sequence[Judgement]) -> str:
    """Share of scars found, by size."""
    figure, axes = paper(9.6, 4.4)
    sizes = judged[0].scars.classes
    for index, (one, colour) in enumerate(zip(judged, cycle(COLOURS), strict=False)):
        x = np.arange(len(sizes)) + 0.12 * (index - (len(judged) - 1) / 2)
        share = np.array([size.share for size in one.scars.classes])
        low, high = np.array([size.interval for size in one.scars.classes]).T
        reach = np.nan_to_num(np.maximum(0, np.stack([share - low, high - share])))
        label = f"{one.name}: {one.scars.false_per_km2:.1f} false pieces per km²"
        axes.errorbar(x, 100 * share, 100 * reach, fmt="os^Dvph"[index % 7], color=colour, label=label, markersize=5)
    labels = [f"{size_label(size.low_ha, size.high_ha)}\n{size.scars} scars" for size in sizes]
    axes.set_xticks(range(len(sizes)), labels)
    axes.set(ylabel="found, %", ylim=(0, 100))
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return svg(figure)


def quiet_figure(judged: Judgement) -> str:
    """False hectares per 1,000 km² against the threshold, by source."""
    figure, axes = paper(9.6, 4.4)
    thresholds = np.linspace(0.02, 0.98, 49)
    rates = [quiet_rows(judged.quiet, float(at)) for at in thresholds]
    for index, (first, colour, style) in enumerate(zip(rates[0], cycle(COLOURS), cycle(STYLES), strict=False)):
        rate = np.array([rows[index].per_1000_km2 for rows in rates])
        shown = np.where(rate > 0, rate, np.nan)
        label = f"{first.source}, {first.seen_km2:.0f} km²"
        axes.plot(thresholds, shown, style, color=colour, label=label, linewidth=1.8)
    axes.axvline(judged.threshold, color=_INK, linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.set(xlabel="threshold (dotted: the one in use)", ylabel="false ha per 1,000 km²", xlim=(0, 1))
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return svg(figure)


def pr_line(axes: Axes, scored: Evaluation, threshold: float, label: str, colour: str, style: str) -> None:
    """Precision against recall of one model, and a dot at its threshold."""
    found = curve(scored.counts)
    real = found.recall > 0
    axes.plot(found.recall[real], found.precision[real], style, color=colour, label=label, linewidth=1.8)
    at = bin_of(threshold)
    axes.plot(found.recall[at], found.precision[at], "o", color=colour, markersize=7)


def pr_ground(axes: Axes) -> None:
    """Axes of precision and recall with thin lines of equal F1."""
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    recall = np.linspace(0, 1, 1001)[1:]
    for f1 in (0.2, 0.4, 0.6, 0.8):
        sensible = recall > f1 / (2 - f1)
        precision = f1 * recall[sensible] / (2 * recall[sensible] - f1)
        axes.plot(recall[sensible], precision, color=_RULE, linewidth=0.8, zorder=0)
        axes.annotate(f"F1 {f1:g}", (1.0, f1 / (2 - f1)), xytext=(3, 0), textcoords="offset points", fontsize=8)


def paper(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of this size in inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=_RULE, linewidth=0.5, alpha=0.6)
    axes.tick_params(colors=_INK, labelsize=9)
    return figure, axes


def svg(figure: Figure) -> str:
    """The <svg> element alone; the same figure gives the same text."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "scarpwatch"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
