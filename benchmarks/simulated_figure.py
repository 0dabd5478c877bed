"""The figure of `python -m benchmarks simulated` (Matplotlib, no display)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

_INK = "#222222"
# Okabe and Ito (2008). Each pair real (solid), simulated (dashed) shares a colour.
_COLOURS = ("#0072B2", "#0072B2", "#D55E00", "#D55E00")
_BIN_DB = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Distributions to compare, real and simulated in turn."""

    title: str
    series: Mapping[str, NDArray[np.float64]]
    """Name to (P,) dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A picture of 10 m pixels."""

    title: str
    picture: NDArray[np.uint8]
    """(H, W, 3)."""


def draw(
    histograms: Sequence[Histogram],
    panels: Sequence[Panel],
    speckle: Mapping[str, NDArray[np.float64]],
    path: Path,
) -> None:
    """Four histograms above, two pictures and the correlation of speckle below."""
    figure = Figure(figsize=(17.0, 10.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.0, 1.35))[:, 0]
    for axes, one in zip(above.subplots(1, 4), histograms, strict=True):
        _histogram(axes, one)
    left, middle, right = below.subplots(1, 3, gridspec_kw={"width_ratios": (1.0, 1.0, 0.8)})
    for axes, panel in zip((left, middle), panels, strict=True):
        axes.imshow(panel.picture, interpolation="nearest")
        axes.set_title(panel.title, fontsize=12, color=_INK, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel("red VV, green VH, blue VV/VH; 5 km across", fontsize=10)
    _correlation(right, speckle)
    figure.suptitle(
        "Backscatter of the simulated valley beside real Sentinel-1", fontsize=15, color=_INK, x=0.01, ha="left"
    )
    figure.savefig(path, dpi=100, facecolor="white")
    # Speckle does not compress; 256 colours are enough for it.
    with Image.open(path) as drawn:
        drawn.convert("RGB").quantize(256).save(path, optimize=True)


def _histogram(axes: Axes, one: Histogram) -> None:
    edges = np.arange(-40.0, 5.0, _BIN_DB)
    for number, (name, values) in enumerate(one.series.items()):
        share, _ = np.histogram(values, edges)
        axes.plot(
            edges[:-1] + _BIN_DB / 2,
            100.0 * share / values.size,
            color=_COLOURS[number],
            linestyle="--" if number % 2 else "-",
            linewidth=1.8,
            label=name,
        )
    axes.set_title(one.title, fontsize=12, color=_INK, loc="left")
    axes.set_xlabel("gamma naught (Spain: sigma naught), dB")
    axes.set_ylabel("pixels, % per 0.5 dB")
    axes.set_ylim(0, None)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, 1.35 * top)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    plain(axes)


def _correlation(axes: Axes, speckle: Mapping[str, NDArray[np.float64]]) -> None:
    for number, (name, shared) in enumerate(speckle.items()):
        axes.plot(
            10.0 * np.arange(shared.size),
            shared,
            color=_COLOURS[2 * (number % 2)],
            linestyle="--" if name.startswith("simulated") else "-",
            marker="o",
            label=name,
        )
    axes.set_title("Speckle of neighbours, homogeneous ground", fontsize=12, color=_INK, loc="left")
    axes.set_xlabel("distance, m")
    axes.set_ylabel("correlation")
    axes.legend(frameon=False, fontsize=10)
    plain(axes)


def plain(axes: Axes) -> None:
    """A light grid, and no frame above and at the right."""
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
