"""What a scene does as a whole between two passes of radar: the part of a change that is rain, not ground.

Smoothing on native pixels, decibels, and a fit that neither a valley that slid nor its noise can draw to itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.statistics import number_groups

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
_BELT_M = 50.0
"""Height of a belt of ground that rain or snow treats alike."""
_BELT_OFF_DB = 1.0
"""A belt of ground does something of its own where its median lies so far off the scene's."""
_WET_SNOW_DB = -1.5
"""A scene that was lowered so far lies under melting snow: half of what it takes from open ground (3 dB, Nagler and
Rott 2000), since trees stand in it and look out of it."""
_AS_BEFORE_DB = 1.0
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
    belts: NDArray[np.int16]
    """Of `belts_of_height`."""
    usable: Mask
    sigma_px: float

    @classmethod
    def prepare(
        cls, mean: Array, seen: Mask, slopes: Mask, sigma_px: float, belts: NDArray[np.int16] | None = None
    ) -> "SceneFit":
        """`mean` is (P, h, w) power; without `belts` all heights are one."""
        usable = seen & slopes
        rows = np.flatnonzero(usable)
        enough = rows.size >= _MIN_FIT_PIXELS
        layers = [smooth_known(to_db(np.where(seen, band, 1.0)), seen, 2 * sigma_px) for band in mean] if enough else []
        return cls(
            seen=seen,
            rows=rows[:: max(1, rows.size // _FIT_SAMPLES)],
            levels=np.stack(layers) if layers else np.zeros((0, *seen.shape), np.float32),
            belts=np.zeros(seen.shape, np.int16) if belts is None else belts,
            usable=usable,
            sigma_px=sigma_px,
        )

    def near(self, decibels: Array, limit_db: float) -> Array:
        """(N,) of (h, w) decibels where the fit is made, those within a limit."""
        values = decibels.ravel()[self.rows]
        return np.asarray(values[np.abs(values) <= limit_db])

    def middle(self, scene: Array) -> float:
        """Median of the scene's part where it was fitted, dB."""
        return float(np.median(scene.ravel()[self.rows])) if self.rows.size else 0.0

    def scene(self, ratio: Array) -> Array:
        """(h, w) dB that the scene did to a ratio of power.

        Snow lies from a line upwards. So from the highest belt down, as long as one lies clearly off what the scene
        did and on the same side as the one above it, it has a part of its own. Where melting snow lies on most of what
        is seen, it is the scene: then from the lowest belt up, as long as one is as it was before. A belt that alone
        lies off has slid.
        """
        scene = np.zeros(self.seen.shape, np.float32)
        if self.rows.size == 0:
            return scene
        decibels = to_db(smooth_known(ratio, self.seen, _FIT_WIDTH * self.sigma_px))
        self._fit(decibels, self.rows, np.ones_like(self.seen), scene)
        highest, side = int(self.belts.max()), 0.0
        for belt in range(highest, 0, -1):
            rows, _, off = self._belt(belt, decibels, scene)
            if abs(off) < _BELT_OFF_DB or side * off < 0.0:
                break
            self._fit(decibels, rows, self.belts == belt, scene)
            side = off
        for belt in range(highest):
            rows, own, off = self._belt(belt, decibels, scene)
            if abs(own) > _AS_BEFORE_DB or own - off > _WET_SNOW_DB:
                break
            self._fit(decibels, rows, self.belts == belt, scene)
        return scene

    def _belt(self, belt: int, decibels: Array, scene: Array) -> tuple[NDArray[np.intp], float, float]:
        """Pixels to fit a belt on, the median of its change, and how far that lies off the scene's, dB."""
        rows = np.flatnonzero(self.usable & (self.belts == belt))
        here = decibels.ravel()[rows]
        return rows[:: max(1, rows.size // _FIT_SAMPLES)], median(here), median(here - scene.ravel()[rows])

    def _fit(self, decibels: Array, rows: NDArray[np.intp], where: Mask, scene: Array) -> None:
        """Lay the part of some ground into `scene`, by least squares that forgets what lies far off.

        Reweighted by exp(-e²/2(1.5 s)²) (Welsch; Holland and Welsch 1977) with s held at 0.6 dB or less, from the mode
        and not the median: with half a valley changed the median lies between the halves and finds neither.
        """
        target = decibels.ravel()[rows].astype(np.float64)
        levels = self.levels.reshape(len(self.levels), self.seen.size)[:, rows]
        middle = levels.mean(axis=1, keepdims=True)
        columns = np.concatenate([np.ones((1, rows.size)), levels - middle]).T.astype(np.float64)
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
        scene[where] = fitted[0] + fitted[1:] @ (self.levels[:, where] - middle)


def belts_of_height(elevation_m: Array, usable: Mask, least: float) -> NDArray[np.int16]:
    """(h, w) the ground, numbered upwards by belts of about one height.

    Rain below is snow above, and wet snow swallows what the ground sends back (Nagler and Rott 2000,
    doi:10.1109/36.842004): above its line the whole scene is another one.

    Args:
        elevation_m: (h, w).
        usable: (h, w) where a scene is fitted.
        least: blocks of usable ground in a belt; belts with fewer go with the next higher one.
    """
    return number_groups(np.floor(elevation_m / _BELT_M), usable, least)


def _likeliest_shift(decibels: NDArray[np.float64]) -> float:
    """The mode of the change, dB; of several of similar weight the one nearest to no change at all."""
    edges = np.arange(-15.0, 15.01, 0.25)
    counts, _ = np.histogram(np.clip(decibels, -14.9, 14.9), bins=edges)
    density = ndimage.gaussian_filter1d(counts.astype(np.float64), 2.0)
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
    return np.asarray(ndimage.gaussian_filter(values, sigma_px, mode="constant", truncate=3.0), dtype=np.float32)


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
