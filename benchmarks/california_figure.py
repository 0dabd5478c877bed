"""The figure of the radar benchmark (Matplotlib, no display)."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.california import SEED, SIZES_HA, Look, Measured, baseline_layer, cluster_mask, covers_of, widen
from benchmarks.scoring import binomial_interval
from monitor.core.change import AlertSettings
from monitor.core.radar_implants import Contrast, paint_backscatter

Array = NDArray[np.float32]

# Okabe and Ito (2008), as in `figures`.
_SIZE_STYLES = {1.0: ("#CC79A7", "D"), 2.0: ("#E69F00", "s"), 5.0: ("#0072B2", "o")}
_FOUND, _MISSED, _INK = "#009E73", "#D55E00", "#222222"
_SHOWN = Contrast(decibels=(-1.0, -5.0))
_SHOWN_HA = 5.0
_SHOWN_BURST, _SHOWN_DATE = "T137-292321-IW2", "2023-11-09"


def california_figure(measured: Measured, path: Path) -> None:
    """One date with implants above; detection by contrast and false clusters by threshold below."""
    figure = Figure(figsize=(13.5, 9.6), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 6, height_ratios=(1.25, 1))
    maps = [figure.add_subplot(grid[0, 2 * column : 2 * column + 2]) for column in range(3)]
    _draw_maps(figure, maps, _shown(measured), measured.starts["baseline"])
    _draw_detection(figure.add_subplot(grid[1, :3]), measured)
    _draw_false(figure.add_subplot(grid[1, 3:]), measured)
    years = sum(look.exposure for look in measured.looks)
    figure.suptitle(
        f"Radar baseline on quiet land, southern California: {len(measured.looks)} passes of three bursts, "
        f"{years:.1f} km² × years",
        fontsize=14,
        color=_INK,
        x=0.01,
        ha="left",
    )
    figure.savefig(path, dpi=110, facecolor="white")


def _shown(measured: Measured) -> Look:
    """The look to show; the last one where that date is missing."""
    for look in measured.looks:
        if look.burst.name == _SHOWN_BURST and f"{look.burst.times[look.index]:%Y-%m-%d}" == _SHOWN_DATE:
            return look
    return measured.looks[-1]


def _draw_maps(figure: Figure, axes: list[Axes], look: Look, start: float) -> None:
    generator = np.random.default_rng([SEED, look.index])
    covers = covers_of(look, _SHOWN_HA, generator)
    power = paint_backscatter(look.burst.power[look.index], covers, _SHOWN, look.burst.looks, generator)
    change = baseline_layer(look, power)
    labels, _ = cluster_mask(change, look, start)
    mean_db = 10.0 * np.log10(look.before.mean[1])
    now_db = 10.0 * np.log10(widen(power)[1])
    low, high = np.nanpercentile(np.concatenate([mean_db, now_db]), (0.5, 99.5))
    levels = (mean_db, now_db, change)
    titles = (
        f"Mean of earlier passes, VH ({int(look.before.count.max())} passes)",
        f"{look.burst.times[look.index]:%-d %B %Y} with nine implants of {_SHOWN_HA:g} ha, VH",
        "Change, and what is found",
    )
    extent = (0.0, change.shape[1] / 100.0, change.shape[0] / 100.0, 0.0)
    for index, (one, values, title) in enumerate(zip(axes, levels, titles, strict=True)):
        limits = (0.0, 8.0) if index == 2 else (float(low), float(high))
        image = one.imshow(
            values, cmap="Greys" if index == 2 else "gray", vmin=limits[0], vmax=limits[1], extent=extent
        )
        one.set_title(title, fontsize=11.5, color=_INK, loc="left")
        one.set_xlabel("km")
        one.tick_params(labelsize=9)
        bar = figure.colorbar(image, ax=one, orientation="horizontal", fraction=0.045, pad=0.02, aspect=40)
        bar.set_label("standard deviations of quiet ground" if index == 2 else "γ⁰, dB", fontsize=9)
        bar.ax.tick_params(labelsize=9)
    for cover in covers:
        wide = widen(cover)
        hit = float(wide[labels > 0].sum()) >= 0.2 * float(wide.sum())
        for one in axes[1:]:
            colour = _FOUND if hit else _MISSED
            one.contour(wide, levels=[0.3], colors=colour, linewidths=1.4, extent=extent, origin="upper")
    if labels.any():
        axes[2].contour(labels > 0, levels=[0.5], colors="#0072B2", linewidths=1.2, extent=extent, origin="upper")
    for colour, name in ((_FOUND, "implant, found"), (_MISSED, "implant, missed"), ("#0072B2", "cluster")):
        axes[2].plot([], [], color=colour, label=name)
    axes[2].legend(loc="upper center", ncols=3, fontsize=8.5, framealpha=0.95, columnspacing=1.2, handlelength=1.5)


def _draw_detection(axes: Axes, measured: Measured) -> None:
    for size in SIZES_HA:
        colour, marker = _SIZE_STYLES[size]
        cells = [cell for cell in measured.cells if cell.area_ha == size and cell.contrast.decibels[0] == -1.0]
        steps = np.array([-cell.contrast.decibels[1] for cell in cells])
        for method, line, fill in (("baseline", "-", "full"), ("plain log-ratio", ":", "none")):
            share = np.array([cell.found[method] / cell.painted for cell in cells])
            bounds = np.array([binomial_interval(cell.found[method], cell.painted) for cell in cells]).T
            axes.errorbar(
                steps,
                100 * share,
                yerr=100 * np.abs(bounds - share),
                color=colour,
                marker=marker,
                linestyle=line,
                fillstyle=fill,
                capsize=3,
                label=f"{size:g} ha, {method}",
            )
    axes.set_xlabel("fall of VH in the scar, dB (VV falls by 1 dB)")
    axes.set_ylabel("found, % (95 % interval)")
    axes.set_title("Scars found at the same number of false clusters", fontsize=12, color=_INK, loc="left")
    axes.legend(loc="upper left", fontsize=9, frameon=False)
    _plain(axes)
    axes.set_ylim(-3, 103)


def _draw_false(axes: Axes, measured: Measured) -> None:
    early = np.array([look.early for look in measured.looks])
    counts = measured.counts["baseline"]
    starts = sorted(start for start in counts if 3.0 <= start <= 5.0)
    for where, colour, name in (
        (early, "#56B4E9", "first half of the dates (chosen here)"),
        (~early, _INK, "second half"),
    ):
        values = [int(counts[start][where].sum()) for start in starts]
        axes.step(starts, values, where="post", color=colour, linewidth=2, label=f"{name}, {int(where.sum())} passes")
    axes.axvline(AlertSettings().radar_high, color=_FOUND, linestyle="--", linewidth=1.2)
    axes.annotate(
        "as shipped",
        (AlertSettings().radar_high, 1.0),
        (6, 0),
        textcoords="offset points",
        xycoords=("data", "axes fraction"),
        va="top",
        fontsize=9.5,
        color=_FOUND,
    )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, None)
    axes.set_yticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    axes.set_xlabel("change that starts a cluster, standard deviations")
    axes.set_ylabel("false clusters")
    axes.set_title("False clusters without implants", fontsize=12, color=_INK, loc="left")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93), fontsize=9.5, framealpha=1.0, edgecolor="white")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
