"""Ground without its scars: what a place may have looked like before it slid.

Scars are covered with unslid ground of the same chip, copied from where the surroundings fit best, levelled to the
rim and blended. It is real texture in a wrong place: good enough to be a "before", never to be shown to people.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.augment import Pixels

Mask = NDArray[np.bool_]

RIM_PX: Final = 3
"""Labels often end two pixels or so inside of what the scar brightens: so much more is covered."""

_SHIFTS: Final = 32
"""Places tried as a source; a piece takes the one whose surroundings fit best."""
_CELL_PX: Final = 20
"""Large scars are covered piece by piece, else nowhere would be large enough to copy from."""
_RING_PX: Final = 3
_LEVEL_SIGMA_PX: Final = 6.0
_BLEND_SIGMA_PX: Final = 0.8


def healed(pixels: Pixels, scars: Mask, avoid: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """The chip with `scars` covered, (C, H, W); and (H, W) where that could be done.

    Args:
        pixels: (C, H, W), finite.
        scars: (H, W) what is to vanish.
        avoid: (H, W) ground that must not be copied: every scar of the chip, wanted or not.
    """
    cover = _grown(scars, RIM_PX)
    if not cover.any():
        return pixels, cover
    shifts = rng.integers(1, np.array(cover.shape), (_SHIFTS, 2))
    pieces = _pieces(cover, rng)
    chosen = _best_shifts(pixels, pieces, _grown(avoid | scars, RIM_PX), shifts)
    possible = cover & (chosen[pieces] >= 0)
    source = pixels.copy()
    rows, columns = np.nonzero(possible)
    shift = shifts[chosen[pieces[rows, columns]]]
    height, width = cover.shape
    source[:, rows, columns] = pixels[:, (rows + shift[:, 0]) % height, (columns + shift[:, 1]) % width]
    source = np.where(possible, source + _level(pixels, source, possible, cover), pixels)
    weight = ndimage.gaussian_filter(possible.astype(np.float32), _BLEND_SIGMA_PX)
    # Inside, nothing of the scar may shine through; only the rim outside of it is blended.
    weight = np.where(possible, np.maximum(weight, _grown(scars, 1)), 0.0)
    return np.asarray(pixels + weight * (source - pixels), dtype=np.float32), possible


def _grown(mask: Mask, by_px: int) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, iterations=by_px)) if mask.any() else mask


def _pieces(cover: Mask, rng: np.random.Generator) -> NDArray[np.intp]:
    """(H, W) numbers from 1: connected ground, cut by a grid that lies elsewhere every time; 0 outside."""
    patches, _ = ndimage.label(cover)
    rows, columns = ((np.arange(side) + rng.integers(_CELL_PX)) // _CELL_PX for side in cover.shape)
    cells = rows[:, None] * (columns.max() + 1) + columns
    keys = np.where(cover, patches * (cells.max() + 1) + cells + 1, 0).ravel()
    # The 0 in front numbers what is outside, also where nothing is.
    _, numbers = np.unique(np.append(0, keys), return_inverse=True)
    return np.asarray(numbers[1:].reshape(cover.shape))


def _best_shifts(
    pixels: Pixels, pieces: NDArray[np.intp], forbidden: Mask, shifts: NDArray[np.int64]
) -> NDArray[np.intp]:
    """(pieces + 1,) index of the shift whose ring around the piece differs least; -1 where all are forbidden."""
    count = int(pieces.max()) + 1
    cover = pieces > 0
    nearest = ndimage.distance_transform_edt(~cover, return_distances=False, return_indices=True)
    ring = _grown(cover, _RING_PX) & ~forbidden
    inside, around = np.nonzero(cover), np.nonzero(ring)
    inside_piece, ring_piece = pieces[inside], pieces[nearest[0], nearest[1]][around]
    # Bands count in units of their own spread.
    scale = pixels.std(axis=(1, 2), keepdims=True) + 1e-6
    standard = pixels / scale
    cost = np.full((len(shifts), count), np.inf)
    size = np.bincount(ring_piece, minlength=count)
    for index, shift in enumerate(shifts):
        bad = np.bincount(inside_piece, _moved(forbidden, inside, shift), minlength=count) > 0
        differs = np.abs(standard[:, *around] - _moved(standard, around, shift)).mean(axis=0)
        cost[index] = np.bincount(ring_piece, differs, minlength=count) / np.maximum(size, 1)
        cost[index, bad] = np.inf
    best = cost.argmin(axis=0)
    return np.asarray(np.where(np.isfinite(cost[best, np.arange(count)]), best, -1))


def _moved(
    values: NDArray[np.generic], where: tuple[NDArray[np.intp], ...], shift: NDArray[np.int64]
) -> NDArray[np.generic]:
    """Values of (..., H, W) at places moved by a shift, around the border."""
    height, width = values.shape[-2:]
    return np.asarray(values[..., (where[0] + shift[0]) % height, (where[1] + shift[1]) % width])


def _level(pixels: Pixels, source: Pixels, possible: Mask, cover: Mask) -> Pixels:
    """(C, H, W) what lifts the copied ground to the brightness of the ground around it."""
    ring = (_grown(cover, 2 * _RING_PX) & ~cover).astype(np.float32)
    inside = possible.astype(np.float32)

    def smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(ndimage.gaussian_filter(values, (0, _LEVEL_SIGMA_PX, _LEVEL_SIGMA_PX)[-values.ndim :]))

    outer = smooth(pixels * ring) / np.maximum(smooth(ring), 1e-3)
    inner = smooth(source * inside) / np.maximum(smooth(inside), 1e-3)
    return np.where(smooth(ring) > 1e-2, outer - inner, np.float32(0)).astype(np.float32)
