"""How far a look lies beside earlier looks: many small patches are matched, and the scene is what they agree on.

Arrays are (H, W) of one grid, north up; NaN is no observation. Shifts are in pixels, down (south) and right (east)
positive: where the ground of the earlier looks is found in the look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_BACKGROUND = 11
"""Side of the window, in smoothing widths, whose mean is taken out: what haze, sun and moisture change lies above."""
_LEAST_SEEN = 0.5
_STAY = 0.97
"""A patch that matches this well, against its best, where it is has not moved: a blurred reference has two peaks."""
_CLIP_SD = 3.0
"""A roof, a ship or a fresh scar counts up to this many standard deviations of its surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How patches are matched; defaults are for optics at 10 m."""

    patch_px: int = 64
    stride_px: int = 32
    smooth_px: float = 0.0
    """Width of the Gaussian that takes speckle out."""
    reach_px: int = 8
    """The farthest shift that is looked for."""
    least_score: float = 0.3
    """Correlation at the best shift from which a patch has a say: less is forest, water, or ground that changed."""
    scale_px: float = 1.0
    """Side of what was measured as one pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchShift:
    """One patch's say."""

    down_px: float
    right_px: float
    score: float
    """Normalised cross-correlation at the shift, -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneShift:
    """What the patches agree on."""

    down_px: float
    right_px: float
    patches: int
    tiles: int
    agreement: float
    """Share of the patches that lie within one measured pixel of this shift."""

    @property
    def length_px(self) -> float:
        """How far, whatever the direction."""
        return float(np.hypot(self.down_px, self.right_px))


def patch_shifts(now: Array, before: Array, how: Matching) -> list[PatchShift]:
    """The shift of every patch with enough texture that both images show.

    The images lose their local mean and what sticks out of it, are tapered (Hann) and cross-correlated by FFT, over
    reach_px either way; the peak is refined by a parabola in each direction. What is not seen in both is 0, the mean,
    and pulls nowhere.
    """
    seen = np.isfinite(now) & np.isfinite(before)
    windows = list(_windows(seen, how))
    if not windows:
        return []
    detail = [_detail(image, seen, how) for image in (now, before)]
    taper = np.hanning(how.patch_px + 2)[1:-1].astype(np.float32)
    taper = taper[:, None] * taper
    spectra, power = [], []
    for image in detail:
        patches = np.stack([image[window] for window in windows]) * taper
        spectra.append(scipy.fft.rfft2(patches))
        power.append((patches**2).sum(axis=(1, 2)))
    surface = scipy.fft.irfft2(spectra[0] * np.conj(spectra[1]), s=taper.shape)
    surface = surface / np.sqrt(np.maximum(power[0] * power[1], 1e-12))[:, None, None]
    reach = how.reach_px
    near = np.roll(surface, (reach, reach), axis=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    found = (_peak(one, reach) for one in near)
    return [one for one in found if one is not None and one.score >= how.least_score]


def agreed_shift(tiles: Sequence[Sequence[PatchShift]], how: Matching) -> SceneShift | None:
    """The median over the tiles' own medians, and how many patches stand by it; None without patches.

    Args:
        tiles: the patches of each tile; a tile has one voice, however much texture it has.
    """
    each = [np.array([(one.down_px, one.right_px) for one in patches]) for patches in tiles if patches]
    if not each:
        return None
    middle = np.median([np.median(shifts, axis=0) for shifts in each], axis=0)
    distance = np.hypot(*(np.concatenate(each) - middle).T)
    return SceneShift(
        down_px=float(middle[0]),
        right_px=float(middle[1]),
        patches=distance.size,
        tiles=len(each),
        agreement=float((distance <= how.scale_px).mean()),
    )


def _windows(seen: Mask, how: Matching) -> Iterator[tuple[slice, slice]]:
    """Windows that are seen well enough."""
    height, width = seen.shape
    total = np.pad(seen.astype(np.int32).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    side = how.patch_px
    for top in range(0, height - side + 1, how.stride_px):
        for left in range(0, width - side + 1, how.stride_px):
            bottom, right = top + side, left + side
            count = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
            if count >= _LEAST_SEEN * side * side:
                yield slice(top, bottom), slice(left, right)


def _detail(image: Array, seen: Mask, how: Matching) -> Array:
    """(H, W) what stands out of its surroundings, in their standard deviations; 0 where not seen."""
    values = np.where(seen, image, np.float32(0.0)).astype(np.float32)
    cover = seen.astype(np.float32)
    width = round(_BACKGROUND * max(how.smooth_px, 1.0))
    weight = np.maximum(scipy.ndimage.uniform_filter(cover, width), np.float32(1e-3))
    mean = scipy.ndimage.uniform_filter(values, width) / weight
    out = np.where(seen, values - mean, np.float32(0.0))
    if how.smooth_px:
        out = np.where(seen, scipy.ndimage.gaussian_filter(out, how.smooth_px, truncate=3.0), np.float32(0.0))
    # Running sums leave tiny negative values where there is nothing.
    variance = np.maximum(scipy.ndimage.uniform_filter(out * out, 4 * width), np.float32(0.0))
    spread = np.sqrt(variance / np.maximum(weight, np.float32(0.05)))
    return np.asarray(np.clip(out / np.maximum(spread, np.float32(1e-6)), -_CLIP_SD, _CLIP_SD), dtype=np.float32)


def _peak(surface: Array, reach: int) -> PatchShift | None:
    """The best shift of one correlation surface (2 reach + 1 squared); None when it lies on the edge."""
    row, column = divmod(int(surface.argmax()), surface.shape[1])
    if not (0 < row < 2 * reach and 0 < column < 2 * reach):
        return None
    if not surface[reach, reach] < _STAY * surface[row, column]:
        return PatchShift(down_px=0.0, right_px=0.0, score=float(surface[reach, reach]))
    return PatchShift(
        down_px=row - reach + _vertex(surface[row - 1 : row + 2, column]),
        right_px=column - reach + _vertex(surface[row, column - 1 : column + 2]),
        score=float(surface[row, column]),
    )


def _vertex(three: Array) -> float:
    """Where the parabola through three equidistant values around a maximum has its top, -0.5 to 0.5."""
    before, middle, after = (float(value) for value in three)
    bend = before - 2.0 * middle + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
