"""Pictures that an expert wants to see: what was looked at, what was said, how far flips disagree."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.judging import Judgement, chip_f1
from training.quiet_land import Piece
from training.samples import LANDSLIDE, UNLABELLED, Samples

Array = NDArray[np.float32]

TRUE_COLOUR: Final = ("B04", "B03", "B02")
_CYAN: Final = "#4df3ff"
"""Occurs neither in soil and forest nor in the colour maps."""
_SPREAD_MOST: Final = 0.25


def true_colour(pixels: Array, bands: Sequence[str]) -> Array:
    """(C, H, W) in any unit to (H, W, 3) 0-1: haze off, bands stretched half together and half on their own.

    Grey where the bands are not there.
    """
    chosen = [bands.index(name) for name in TRUE_COLOUR] if set(TRUE_COLOUR) <= set(bands) else [0, 0, 0]
    colours = pixels[chosen].astype(np.float32)
    if not np.isfinite(colours).any():
        return np.ones((*colours.shape[1:], 3), dtype=np.float32)
    low = np.nanpercentile(colours, 1, axis=(1, 2), keepdims=True)
    own = np.nanpercentile(colours - low, 99.5, axis=(1, 2), keepdims=True)
    high = np.maximum((own + own.max()) / 2, 1e-6)
    return np.moveaxis(np.nan_to_num(np.clip((colours - low) / high, 0, 1) ** 0.8, nan=1.0), 0, -1)


def exemplary(judged: Judgement, each: int = 3) -> dict[str, NDArray[np.int64]]:
    """Indices of the best, median and worst chips by F1, among those with landslide pixels."""
    f1 = chip_f1(judged)
    order = np.argsort(f1, kind="stable")[: int(np.isfinite(f1).sum())]
    middle = max(0, (len(order) - each) // 2)
    return {"best": order[::-1][:each], "median": order[middle : middle + each], "worst": order[:each]}


def chip_rows(judged: Judgement, samples: Samples, indices: NDArray[np.int64]) -> bytes:
    """PNG: per chip the image, the label, the probability and the spread."""
    figure = Figure(figsize=(10.4, 2.62 * len(indices)), layout="constrained")
    f1 = chip_f1(judged)
    for row, index in zip(figure.subplots(len(indices), 4, squeeze=False), indices, strict=True):
        picture = true_colour(samples.pixels[index].astype(np.float32), samples.bands)
        labels, said = samples.labels[index], judged.answers.probability[index]
        _image(row[0], picture, f"chip {samples.ids[index]}, region {samples.groups[index]}")
        _image(row[1], picture, f"label, {int((labels == LANDSLIDE).sum()):,} px")
        _outline(row[1], labels == LANDSLIDE)
        _hatch(row[1], labels == UNLABELLED)
        _map(row[2], said, "magma", 1.0, f"probability, F1 {f1[index]:.2f}")
        _outline(row[2], np.nan_to_num(said) >= judged.threshold)
        _map(row[3], judged.answers.spread[index], "cividis", _SPREAD_MOST, "spread over flips")
    return _png(figure)


def worst_alarms(pieces: Sequence[Piece], threshold: float, most: int = 6) -> tuple[Piece, ...]:
    """The pieces with most false land, at most two of a source; none without any."""
    ranked = sorted(pieces, key=lambda piece: -piece.false_ha(threshold))
    taken: list[Piece] = []
    for piece in ranked:
        if piece.false_ha(threshold) > 0 and sum(other.source == piece.source for other in taken) < 2:
            taken.append(piece)
    return tuple(taken[:most])


def alarm_rows(pieces: Sequence[Piece], threshold: float) -> bytes:
    """PNG: two pieces a row, each as image and probability."""
    rows = -(-len(pieces) // 2)
    figure = Figure(figsize=(10.4, 2.75 * rows), layout="constrained")
    grid = figure.subplots(rows, 4, squeeze=False).reshape(-1, 2)
    for pair in grid[len(pieces) :]:
        for axes in pair:
            axes.set_axis_off()
    for (left, right), piece in zip(grid, pieces, strict=False):
        _image(left, true_colour(piece.pixels, piece.bands), piece.source)
        _outline(left, np.nan_to_num(piece.probability) >= threshold)
        _map(right, piece.probability, "magma", 1.0, f"{piece.false_ha(threshold):.1f} ha false")
    return _png(figure)


def _image(axes: Axes, picture: Array, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    _bare(axes, title)


def _map(axes: Axes, values: Array, colours: str, most: float, title: str) -> None:
    axes.set_facecolor("#9aa4ad")  # not observed
    axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=0, vmax=most, interpolation="nearest")
    _bare(axes, title)


def _outline(axes: Axes, mask: NDArray[np.bool_]) -> None:
    if mask.any() and not mask.all():
        axes.contour(mask.astype(np.float32), levels=[0.5], colors=_CYAN, linewidths=0.8)


def _hatch(axes: Axes, mask: NDArray[np.bool_]) -> None:
    if mask.any():
        axes.imshow(np.ma.masked_where(~mask, mask), cmap="gray", alpha=0.35, interpolation="nearest")


def _bare(axes: Axes, title: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, color="#16202a")


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()
