"""One chip for people: the image, the probability, and both together."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.report.pictures import true_colour

Array = NDArray[np.float32]

_INK, _QUIET, _UNSEEN, _CYAN = "#16202a", "#5c6873", "#9aa4ad", "#4df3ff"
"""Cyan occurs neither in soil and forest nor in the colour maps."""
_PANEL_IN: Final = 4.0


def chip_picture(
    pixels: Array, bands: Sequence[str], probability: Array, threshold: float, captions: tuple[str, str]
) -> bytes:
    """PNG of three panels: true colour, probability, true colour with the outline at the threshold.

    Args:
        pixels: (C, H, W) in any unit, NaN = no observation; grey where red, green and blue are not among the bands.
        probability: (H, W), NaN = no observation.
        captions: title, and what stands beside it, quieter.
    """
    height, width = probability.shape
    tall = _PANEL_IN * height / width
    figure = Figure(figsize=(3 * _PANEL_IN + 0.9, tall + 0.65), layout="constrained")
    figure.suptitle(captions[0], x=0.008, ha="left", fontsize=11, fontweight="bold", color=_INK)
    image = true_colour(pixels, bands)
    plain, map_, overlay = figure.subplots(1, 3)
    _panel(plain, "True colour" if {"B04", "B03", "B02"} <= set(bands) else bands[0])
    plain.imshow(image, interpolation="nearest")
    _panel(map_, "Probability of landslide")
    shown = map_.imshow(np.ma.masked_invalid(probability), cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(shown, ax=map_, shrink=0.9, pad=0.02).ax.axhline(threshold, color=_CYAN, linewidth=1.5)
    _panel(overlay, captions[1])
    overlay.imshow(image, interpolation="nearest")
    above = np.nan_to_num(probability) >= threshold
    if above.any() and not above.all():
        overlay.contour(above.astype(np.float32), levels=[0.5], colors="#101418", linewidths=2.4)
        overlay.contour(above.astype(np.float32), levels=[0.5], colors=_CYAN, linewidths=1.1)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


def _panel(axes: Axes, title: str) -> None:
    axes.set_facecolor(_UNSEEN)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=10, color=_QUIET, loc="left")
    for side in axes.spines.values():
        side.set_color(_UNSEEN)
