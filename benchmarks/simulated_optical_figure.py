"""The optical figure of `python -m benchmarks simulated` (Matplotlib, no display)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.real_optics import Array, Reflectance, ndvi
from benchmarks.simulated_figure import Panel, plain
from monitor.sandbox.spectra import BANDS

_INK = "#222222"
# Okabe and Ito (2008).
_REAL, _SIMULATED = ("#0072B2", "#009E73"), "#D55E00"
_PER_ROW = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One kind of ground in real scenes and in the valley."""

    title: str
    real: Mapping[str, Reflectance]
    """Pixels (P,) by band, by name of the scene."""
    simulated: Reflectance


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Reflectance of patches whatever the band, date and sky."""

    mean: float
    spread: float
    """Standard deviation within a patch."""
    low: float
    high: float
    """First and 99th hundredth within a patch."""

    def values(self) -> tuple[float, float, float, float]:
        """Mean, spread, low and high."""
        return self.mean, self.spread, self.low, self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasons:
    """NDVI over a year."""

    real: Mapping[str, Array]
    """(2, dates) day of the year and NDVI, by kind of ground."""
    simulated: Mapping[str, Array]
    """(365,) by kind of ground."""


def draw(
    grounds: Sequence[Ground], pools: Mapping[str, Pooled], seasons: Seasons, pictures: Sequence[Panel], path: Path
) -> None:
    """Seven kinds of ground, the seasons and the pooled regions above, pictures below."""
    figure = Figure(figsize=(17.0, 18.0), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(2.1, 1.0))[:, 0]
    axes = above.subplots(3, 3).ravel()
    for one, ground in zip(axes, grounds, strict=False):
        _spectra(one, ground)
    _year(axes[-2], seasons)
    _regions(axes[-1], pools)
    for one, panel in zip(below.subplots(-(-len(pictures) // _PER_ROW), _PER_ROW).ravel(), pictures, strict=True):
        one.imshow(panel.picture, interpolation="nearest")
        one.set_title(panel.title, fontsize=9, color=_INK, loc="left")
        one.set_xticks([])
        one.set_yticks([])
    figure.suptitle(
        "Reflectance of the simulated valley beside real Sentinel-2: median and 10–90 %",
        fontsize=15, color=_INK, x=0.01, ha="left",
    )  # fmt: skip
    figure.savefig(path, dpi=100, facecolor="white")
    with Image.open(path) as drawn:
        drawn.convert("RGB").quantize(256).save(path, optimize=True)


def _spectra(axes: Axes, ground: Ground) -> None:
    series = [*zip(ground.real.items(), _REAL, strict=False), (("simulated", ground.simulated), _SIMULATED)]
    for (name, reflectance), colour in series:
        places = [place for place, band in enumerate(BANDS) if band in reflectance]
        low, middle, high = np.percentile([reflectance[BANDS[place]] for place in places], (10, 50, 90), axis=1)
        green = np.percentile(ndvi(reflectance), (10, 50, 90))
        label = f"{name}\nNDVI {green[1]:.2f} ({green[0]:.2f} to {green[2]:.2f})"
        style = "--" if name == "simulated" else "-"
        axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(places, middle, color=colour, linestyle=style, marker="o", markersize=3, linewidth=1.8, label=label)
    axes.set_xticks(range(len(BANDS)), [band.removeprefix("B") for band in BANDS], fontsize=9)
    axes.set_title(ground.title.capitalize(), fontsize=12, color=_INK, loc="left")
    axes.set_ylabel("reflectance")
    axes.set_ylim(0, 0.62)
    axes.legend(frameon=False, fontsize=8.5, loc="upper left")
    plain(axes)


def _year(axes: Axes, seasons: Seasons) -> None:
    """Real dates as dots, the valley's year as lines of the same kind of ground's colour."""
    colours = {"forest": _REAL[1], "grass": _REAL[0], "broadleaf": _REAL[1], "conifer": "#444444"}
    for name, (days, values) in seasons.real.items():
        axes.plot(days, values, "o", color=colours[name], markersize=4, alpha=0.6, label=f"Slovenia, {name}")
    for name, values in seasons.simulated.items():
        days = np.arange(1, values.size + 1)
        axes.plot(days, values, "--", color=colours[name], linewidth=1.8, label=f"simulated, {name}")
    axes.set_title("NDVI over the year, top of atmosphere", fontsize=12, color=_INK, loc="left")
    axes.set_xlabel("day of the year (real dots below 0.3 in winter: snow)", fontsize=9)
    axes.set_ylim(-0.05, 1.05)
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", ncols=2)
    plain(axes)


def _regions(axes: Axes, pools: Mapping[str, Pooled]) -> None:
    """Every region a bar from its low to its high, dot at its mean; the valley last."""
    for place, (name, pool) in enumerate(pools.items()):
        colour = _SIMULATED if name == "simulated" else _REAL[0]
        axes.plot([pool.low, pool.high], [place, place], color=colour, linewidth=1.2, alpha=0.5)
        axes.plot([pool.mean - pool.spread, pool.mean + pool.spread], [place, place], color=colour, linewidth=4)
        axes.plot([pool.mean], [place], color="white", marker="o", markersize=3)
    axes.set_yticks(range(len(pools)), list(pools), fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("reflectance, ten bands and all skies: mean, spread, 1 to 99 % of a patch", fontsize=9)
    axes.set_title("Sen12Landslides, by region", fontsize=12, color=_INK, loc="left")
    plain(axes)
