"""Holes that no swath has: blocks of a scene that were filled with nothing, told from its natural edge.

Works on cells of 80 m, (h, w) of one canvas. A swath is a strip: whatever it shows of a region is convex, and what
lies beyond its straight edges is outside the convex hull of what it shows. A block that was filled with zeros is
upright in the source's grid and cuts into that hull, or lies where the same track has shown the ground before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray
from shapely import MultiPoint, contains_xy, prepare
from shapely.geometry.base import BaseGeometry

from monitor.records import PixelState

T = TypeVar("T", bound=np.generic)
Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_PX = 8
LEAST_SHARE = 0.10
"""Less of the declared footprint than this may be missing."""
_LEAST_BLOCK = 0.02
"""Share of the footprint from which a block counts at all: smaller holes are lakes and defective lines."""
_UPRIGHT = 0.85
"""Share of its own bounding rectangle that a filled block covers; slanted edges and lakes cover less."""
_INSIDE = 0.25
"""Share of a block inside the hull of what is seen; of a missing quarter of a square it is a half."""
_SEEN_BEFORE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What became of every cell of the watched ground. Arrays are (h, w)."""

    covered: Mask
    """Inside the declared footprint of the items, and looked at."""
    missing: Mask
    """No pixel of it holds an observation, or all hold the same numbers."""
    seen_before: Mask
    """An earlier look of the same track showed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Blocks that were filled with nothing."""

    share: float
    """Of the declared footprint over the watched ground."""
    blocks: int


def filled_blocks(cells: Cells) -> Gap | None:
    """Blocks without pixels that are no swath edge; None when they are less than a tenth of the footprint."""
    covered = int(cells.covered.sum())
    missing = cells.missing & cells.covered
    if not covered or missing.sum() < LEAST_SHARE * covered:
        return None
    hull = _hull(cells.covered & ~missing)
    sizes = [
        int(block.sum())
        for block in _upright(missing, cells.covered, _LEAST_BLOCK * covered)
        if cells.seen_before[block].mean() >= _SEEN_BEFORE or _inside(block, hull) >= _INSIDE
    ]
    share = sum(sizes) / covered
    return Gap(share=share, blocks=len(sizes)) if share >= LEAST_SHARE else None


def empty_cells(pixels: Array, state: NDArray[np.uint8]) -> Mask:
    """(H / 8, W / 8) cells without any data, or of valid pixels that all hold the same numbers.

    Args:
        pixels: (C, H, W).
        state: (H, W) PixelState.
    """
    nothing = _each(state == PixelState.NODATA).all(axis=(1, 3))
    constant = _each(state == PixelState.VALID).all(axis=(1, 3))
    for band in pixels:
        if not constant.any():
            break
        cells = _each(band)
        constant &= (cells == cells[:, :1, :, :1]).all(axis=1).all(axis=-1)
    return np.asarray(nothing | constant)


def _each(values: NDArray[T]) -> NDArray[T]:
    """(H, W) as (H / 8, 8, W / 8, 8)."""
    height, width = values.shape
    return values.reshape(height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX)


def _upright(missing: Mask, covered: Mask, least: float) -> Iterator[Mask]:
    """Connected missing cells that fill their bounding rectangle, as far as that lies in the footprint."""
    labels, _ = scipy.ndimage.label(missing)
    for label, window in enumerate(scipy.ndimage.find_objects(labels), start=1):
        own = labels[window] == label
        if own.sum() >= least and own.sum() >= _UPRIGHT * covered[window].sum():
            block = np.zeros(missing.shape, dtype=bool)
            block[window] = own
            yield block


def _hull(seen: Mask) -> BaseGeometry:
    """Convex hull of the cells' centres: the outermost of every row are enough."""
    rows = np.flatnonzero(seen.any(axis=1))
    first = seen[rows].argmax(axis=1)
    last = seen.shape[1] - 1 - seen[rows, ::-1].argmax(axis=1)
    hull = MultiPoint(np.column_stack([np.concatenate([first, last]), np.concatenate([rows, rows])])).convex_hull
    prepare(hull)
    return hull


def _inside(block: Mask, hull: BaseGeometry) -> float:
    rows, columns = np.nonzero(block)
    return float(contains_xy(hull, columns, rows).mean())
