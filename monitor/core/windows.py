"""Windows: how a tile with its halo is cut for a network of fixed input size, and put together again.

Networks see zero padding at the window's edge, so a rim of `crop_px` is thrown away on every side.
Cores of neighbouring windows touch without overlap and are anchored to the tile, hence to the grid:
a pixel's answer does not depend on which region or block asked for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import TILE_PX


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One square window, in pixels of the tile enlarged by the crop (its halo)."""

    row: int
    """First row of the window, in the enlarged tile; also first row of its core, in the tile."""
    column: int
    window_px: int
    crop_px: int

    @property
    def outer(self) -> tuple[slice, slice]:
        """Rows and columns of the whole window in the enlarged tile."""
        return slice(self.row, self.row + self.window_px), slice(self.column, self.column + self.window_px)

    @property
    def core(self) -> tuple[slice, slice]:
        """Rows and columns of what is kept, in the tile."""
        side = self.window_px - 2 * self.crop_px
        return slice(self.row, self.row + side), slice(self.column, self.column + side)


def plan_windows(window_px: int, crop_px: int, size_px: int = TILE_PX) -> tuple[Window, ...]:
    """Windows whose cores cover a tile of `size_px` exactly once, row by row.

    Raises:
        ValueError: the core (window minus twice the crop) does not divide the tile.
    """
    side = window_px - 2 * crop_px
    if crop_px < 0 or side <= 0 or size_px % side:
        left = f"leaves {side} px, which does not divide {size_px} px"
        raise ValueError(f"a window of {window_px} px with a crop of {crop_px} px {left}")
    starts = range(0, size_px, side)
    return tuple(
        Window(row=row, column=column, window_px=window_px, crop_px=crop_px) for row in starts for column in starts
    )


def cut(features: NDArray[np.float32], windows: Iterable[Window]) -> list[NDArray[np.float32]]:
    """(C, S + 2 crop, S + 2 crop) to one (C, window, window) view per window."""
    return [features[:, *window.outer] for window in windows]


def crop_rim(array: NDArray[np.float32], crop_px: int) -> NDArray[np.float32]:
    """(..., H, W) without `crop_px` on each side."""
    if crop_px == 0:
        return array
    return array[..., crop_px:-crop_px, crop_px:-crop_px]


def merge(
    outputs: Iterable[NDArray[np.float32]], windows: Iterable[Window], size_px: int = TILE_PX
) -> NDArray[np.float32]:
    """One (window, window) answer per window to (size, size), rims thrown away."""
    merged = np.full((size_px, size_px), np.nan, dtype=np.float32)
    for output, window in zip(outputs, windows, strict=True):
        merged[window.core] = crop_rim(output, window.crop_px)
    return merged
