"""What a scene does as a whole between two passes of radar: the part of a change that is rain, not ground.

Smoothing on native pixels, decibels, and a fit that neither a valley that slid nor its noise can draw to itself.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

DB = np.float32(10.0 / np.log(10.0))
"""Decibels of a natural logarithm of power."""
_FIT_SCALE_DB = 0.6
_FIT_WIDTH = 3.0
"""Native pixels over which the change is smoothed before the scene is fitted: 4 dB must stand apart from speckle."""
_FIT_ROUNDS = 8
_FIT_SAMPLES = 6_000
_MIN_FIT_PIXELS = 220
"""Blocks on slopes, as 2,000 canvas pixels of 30 m."""
_PEAK_SHARE = 0.5
_MANY = 8_000
"""Values from which on a median is narrowed down by a sample first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFit:
    """On what the scene's part of the change depends, and where it is fitted. Arrays are (h, w) unless stated."""

    seen: Mask
    rows: NDArray[np.intp]
    """Pixels of the fit."""
    levels: Array
    """(D, h, w) dB of the ground in every polarisation: what grows there, and so what rain does to it."""
    sigma_px: float

    @classmethod
    def prepare(cls, mean: Array, seen: Mask, slopes: Mask, sigma_px: float) -> "SceneFit":
        """`mean` is (P, h, w) power."""
        rows = np.flatnonzero(seen & slopes)
        enough = rows.size >= _MIN_FIT_PIXELS
        layers = [smooth_known(to_db(np.where(seen, band, 1.0)), seen, 2 * sigma_px) for band in mean] if enough else []
        return cls(
            seen=seen,
            rows=rows[:: max(1, rows.size // _FIT_SAMPLES)],
            levels=np.stack(layers) if layers else np.zeros((0, *seen.shape), np.float32),
            sigma_px=sigma_px,
        )

    def near(self, decibels: Array, limit_db: float) -> Array:
        """(N,) of (h, w) decibels where the fit is made, those within a limit."""
        values = decibels.ravel()[self.rows]
        return np.asarray(values[np.abs(values) <= limit_db])

    def middle(self, scene: Array) -> float:
        """Median of the scene's part where it was fitted, dB."""
        return float(np.median(scene.ravel()[self.rows])) if self.rows.size else 0.0

    def smoothed(self, ratio: Array) -> Array:
        """(h, w) dB of a ratio of power, smooth enough that ground stands apart from speckle."""
        return to_db(smooth_known(ratio, self.seen, _FIT_WIDTH * self.sigma_px))

    def scene(self, decibels: Array) -> Array:
        """(h, w) dB that the scene did, of a change that is `smoothed`.

        By least squares that forgets what lies far off: reweighted by exp(-e²/2(1.5 s)²) (Welsch; Holland and Welsch
        1977) with s held at 0.6 dB or less, from the mode and not the median: with half a valley changed the median
        lies between the halves and finds neither.
        """
        if self.rows.size == 0:
            return np.zeros(self.seen.shape, np.float32)
        target = decibels.ravel()[self.rows].astype(np.float64)
        levels = self.levels.reshape(len(self.levels), self.seen.size)[:, self.rows]
        middle = levels.mean(axis=1, keepdims=True)
        columns = np.concatenate([np.ones((1, target.size)), levels - middle]).T.astype(np.float64)
        coefficients = np.zeros(columns.shape[1])
        coefficients[0] = _likeliest_shift(target)
        for _ in range(_FIT_ROUNDS):
            residual = target - columns @ coefficients
            scale = min(max(float(np.quantile(np.abs(residual), 0.3)) / 0.385, 0.05), _FIT_SCALE_DB)
            weight = np.exp(-0.5 * (residual / (1.5 * scale)) ** 2)
            weighted = columns * weight[:, None]
            ridge = 1e-3 * np.eye(columns.shape[1])
            coefficients += np.linalg.solve(weighted.T @ columns + ridge, weighted.T @ residual)
        fitted = coefficients.astype(np.float32)
        return np.asarray(fitted[0] + np.tensordot(fitted[1:], self.levels - middle[..., None], axes=1), np.float32)


def _likeliest_shift(decibels: NDArray[np.float64]) -> float:
    """The mode of the change, dB; of several of similar weight the one nearest to no change at all."""
    edges = np.arange(-15.0, 15.01, 0.25)
    counts, _ = np.histogram(np.clip(decibels, -14.9, 14.9), bins=edges)
    density = scipy.ndimage.gaussian_filter1d(counts.astype(np.float64), 2.0)
    peaks = (density >= np.roll(density, 1)) & (density >= np.roll(density, -1))
    peaks &= density >= _PEAK_SHARE * density.max()
    centres = (edges[:-1] + edges[1:]) / 2
    return float(min(centres[peaks], key=abs))


def to_db(power: NDArray[np.floating]) -> Array:
    """Decibels of power, -60 and above."""
    # numpy's natural logarithm of float32 is several times as fast as its log10.
    return np.asarray(DB * np.log(np.maximum(power, 1e-6, dtype=np.float32)), dtype=np.float32)


def from_db(decibels: Array) -> Array:
    """Power of decibels."""
    return np.asarray(np.exp(decibels / DB), dtype=np.float32)


def smooth(values: Array, sigma_px: float) -> Array:
    """Gaussian of a standard deviation in pixels; beyond the edge there is nothing, so that nothing counts twice."""
    return np.asarray(scipy.ndimage.gaussian_filter(values, sigma_px, mode="constant", truncate=3.0), dtype=np.float32)


def smooth_known(values: Array, known: Mask, sigma_px: float) -> Array:
    """Mean of the known pixels around; unknown ones count for nothing."""
    cover = np.maximum(smooth(known.astype(np.float32), sigma_px), np.float32(1e-3))
    return np.asarray(smooth(np.where(known, values, np.float32(0.0)), sigma_px) / cover, dtype=np.float32)


def median(values: Array) -> float:
    """As numpy's, 0 of nothing; of many values it selects only among those that a sample puts near the middle."""
    flat = values.ravel()
    if flat.size < _MANY:
        return float(np.median(flat)) if flat.size else 0.0
    sample = np.sort(flat[:: flat.size // 1_000])
    low, high = sample[int(0.42 * sample.size)], sample[int(0.58 * sample.size)]
    inside = flat[(flat >= low) & (flat <= high)]
    first = (flat.size - 1) // 2 - int(np.count_nonzero(flat < low))
    last = first + 1 - flat.size % 2
    if first < 0 or last >= inside.size:
        return float(np.median(flat))
    middle = np.partition(inside, (first, last))
    return float((middle[first] + middle[last]) / 2)
