"""The plain baseline for radar: backscatter against the mean of earlier passes, in units of its own spread.

Passes are comparable when relative orbit, direction and product are the same; the caller sees to that. Power is
linear gamma0; what is not above zero is no observation. A look is averaged in power, or in ratios of power, and
made decibels afterwards. A native pixel that fills several pixels of the canvas is one look, so everything is
smoothed by a Gaussian as wide as the native pixel and counted in native pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.change import AlertSettings, ChangeLayer
from monitor.core.clusters import grow
from monitor.core.grid import PIXEL_HA, RESOLUTION_M

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

DEPTH = AlertSettings().radar_looks
"""Passes of the reference by default."""
LEAST_PASSES = 3
"""Valid passes a pixel needs before its spread means anything."""
LEAST_NATIVE_PX = 12
"""A coherent change covers at least so many native pixels: fewer are speckle, a car park or a ship."""

_SPECKLE_DB = 1.2
"""Spread of one 30 m pixel by speckle where the passes themselves cannot say: 13 looks, as measured in VH."""
_LEAST_SPREAD_DB = 0.4
_PRIOR_PASSES = 4.0
"""Weight of the tile's typical variance, in passes, against the pixel's own."""
_BRIGHT_DB = 6.0
"""Ground this far above the median is a building, a ship or a slope in layover: no soil to slide is seen there."""
_CLIP_DB = 6.0
"""A pixel's ratio counts up to this much either way: a point target must not fill its neighbourhood."""
_COVERED = 0.5
_CORRELATION = 1.6
"""Quiet ground varies by so much more than its pixels would if they were independent (California, 30 m)."""
_SUM_SD, _DIFFERENCE_SD = 1.67, 1.10
"""Standard deviation of the sum and the difference of two unit deviations that are correlated by 0.4 (measured)."""
_OPPOSED = 4.0
"""Scalar product of neighbouring changes beyond which they are opposite: two standard deviations each."""
_INLIER_DB = 3.0
_FIT_SCALE_DB = 0.6
_FIT_WIDTH = 3.0
"""Native pixels over which the change is smoothed before the scene is fitted: 4 dB must stand apart from speckle."""
_LAG_PX = 8
"""Native pixels between two places whose changes are compared to see how rough the scene is."""
_FIT_ROUNDS = 8
_FIT_SAMPLES = 15_000
_MIN_FIT_PIXELS = 2_000
_PEAK_SHARE = 0.5
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackscatterReference:
    """Earlier passes of one track, per pixel; of a tile, or of tiles laid side by side on a canvas."""

    mean: Array
    """(P, H, W) mean linear power, each pass less what it did as a whole; NaN = never observed."""
    spread_db: Array
    """(P, H, W) standard deviation over the passes, dB, drawn to the tile's where passes are few; NaN as in `mean`."""
    count: NDArray[np.uint8]
    """(H, W) passes that saw the pixel in every polarisation."""
    last_seen_s: NDArray[np.float64]
    """(H, W) time of the newest such pass, seconds since 1970; NaN = never observed."""
    probability: Array | None = None
    """(H, W) median answer of the network that looks at radar; None without one, NaN where it never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackscatterChange:
    """What a pass shows against its reference."""

    layer: ChangeLayer
    """Strength of the change in standard deviations of quiet ground, whatever its direction."""
    decibels: Array
    """(P, H, W) smoothed change less the scene's own, dB; NaN where not jointly observed."""
    shift_db: tuple[float, ...]
    """What the scene did as a whole, by polarisation, dB."""


def least_area_ha(native_m: float) -> float:
    """Minimum mapping unit: twelve native pixels (0.12 ha at 10 m, 1.08 ha at 30 m)."""
    return LEAST_NATIVE_PX * native_m**2 / 10_000.0


def build_backscatter_reference(
    power: Array, times_s: Sequence[float] | NDArray[np.float64], depth: int = DEPTH
) -> BackscatterReference | None:
    """Mean and spread over the last `depth` valid passes of every pixel, in any order; None without any.

    Args:
        power: (N, P, H, W) linear gamma0; NaN or not above 0 = no observation.
        times_s: (N,) sensing times, seconds since 1970.

    Each pass is divided by its median ratio to the mean first (rain lifts a whole tile by several dB); those factors
    multiply to 1, so the level of a tile does not depend on them. Variances are shrunk: s² = (v s_tile² + (n-1) s_px²)
    / (v + n - 1) with v = 4 (a scaled inverse chi-square prior; compare Smyth 2004).
    """
    order = np.argsort(-np.asarray(times_s, dtype=np.float64), kind="stable")
    seen = (np.nan_to_num(power[order], nan=0.0) > 0).all(axis=1)
    seen &= np.cumsum(seen, axis=0) <= depth
    used = seen.any(axis=(1, 2))
    if not used.any():
        return None
    order, seen = order[used], seen[used]
    times = np.asarray(times_s, dtype=np.float64)[order]
    decibels = np.float32(10.0) * np.log10(np.where(seen[:, None], power[order], np.float32(np.nan)))
    shifts = _pass_shifts(decibels)
    decibels -= shifts[:, :, None, None]
    count = seen.sum(axis=0)
    mean = _mean(np.float32(10.0) ** (decibels / np.float32(10.0)), count)
    variance = _variance(decibels, count)
    last = np.where(seen, times[:, None, None], -np.inf).max(axis=0)
    return BackscatterReference(
        mean=mean.astype(np.float32),
        spread_db=np.where(count > 0, np.sqrt(variance), np.nan).astype(np.float32),
        count=count.astype(np.uint8),
        last_seen_s=np.where(np.isfinite(last), last, np.nan),
    )


def backscatter_change(
    now: Array, before: BackscatterReference, slopes: Mask, native_m: float, polarisations: tuple[str, ...]
) -> ChangeLayer:
    """The layer of `compare_backscatter`."""
    return compare_backscatter(now, before, slopes, native_m, polarisations).layer


def compare_backscatter(
    now: Array, before: BackscatterReference, slopes: Mask, native_m: float, polarisations: tuple[str, ...]
) -> BackscatterChange:
    """Log-ratio of a pass to the mean of earlier ones, less the scene's own, in units of its spread.

    Args:
        now: (P, H, W) linear gamma0; NaN or not above 0 = no observation.
        slopes: (H, W) where the scene's part is fitted.
        native_m: size of the pixels that were measured, whatever the canvas was cut into.
        polarisations: names of the P polarisations, in order.

    The change is the largest of the absolute deviations of each polarisation and, with two, of their sum and
    difference in units of their own spread: a scar in forest lowers VH against VV, rubble on grass raises both.
    `shift` is the scene's largest shift, dB; `noise` how much rougher than its history the scene is (1 = as ever).
    """
    if not len(now) == len(before.mean) == len(polarisations):
        raise ValueError(f"{len(now)} bands against {len(before.mean)} of {polarisations}")
    sigma_px = max(native_m / RESOLUTION_M, 1.0)
    seen = (np.nan_to_num(now, nan=0.0) > 0).all(axis=0) & (before.count >= LEAST_PASSES)
    seen &= ~_bright(before.mean, seen)
    cover = _smooth(seen.astype(np.float32), sigma_px)
    seen &= cover >= _COVERED
    fitted = _Fit.prepare(before, seen, slopes, sigma_px)
    bands = [_deviation(now[band], before, band, fitted, sigma_px) for band in range(len(now))]
    deviations = np.stack([band.deviation for band in bands])
    change = np.where(seen, _cut_opposites(_strongest(deviations), deviations), np.float32(np.nan))
    shifts = tuple(band.shift_db for band in bands)
    return BackscatterChange(
        layer=ChangeLayer(
            change=change.astype(np.float32),
            shift=max(shifts, key=abs),
            noise=max(band.noise for band in bands),
        ),
        decibels=np.stack([np.where(seen, band.decibels, np.float32(np.nan)) for band in bands]),
        shift_db=shifts,
    )


def coherent_change(change: Array, slope_deg: Array, settings: AlertSettings, native_m: float) -> Mask:
    """Changed pixels in pieces of at least the minimum mapping unit; `clusters.label_clusters` takes it from here.

    Pieces are held to that size before neighbours within 150 m are joined: three specks side by side are specks.
    """
    mask = grow(change, slope_deg, settings.radar_high, settings.radar_low, settings.seed_slope_deg)
    labels, count = ndimage.label(mask, structure=_EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes * PIXEL_HA >= least_area_ha(native_m) - 1e-9
    keep[0] = False
    return np.asarray(keep[labels])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """On what the scene's part of the change depends, and where it is fitted. `design` is (D, H, W)."""

    seen: Mask
    rows: NDArray[np.intp]
    design: Array

    @classmethod
    def prepare(cls, before: BackscatterReference, seen: Mask, slopes: Mask, sigma_px: float) -> "_Fit":
        """The level of the ground in every polarisation tells what grows there, and so what rain does to it."""
        layers = [_smooth_known(_to_db(np.where(seen, mean, 1.0)), seen, 2 * sigma_px) for mean in before.mean]
        rows = np.flatnonzero((seen & slopes).ravel())
        enough = rows.size >= _MIN_FIT_PIXELS
        rows = rows[:: max(1, rows.size // _FIT_SAMPLES)]
        centred = [layer - np.float32(layer.ravel()[rows].mean()) for layer in layers] if enough else []
        return cls(seen=seen, rows=rows, design=np.stack([np.ones(seen.shape, np.float32), *centred]))

    def scene(self, decibels: Array) -> Array:
        """(H, W) what the scene did: least squares that forgets what lies far from the likeliest shift.

        Reweighted by exp(-e²/2(1.5 s)²) (Welsch; Holland and Welsch 1977) with s held at 0.6 dB or less, from the mode
        and not the median: with half a valley changed the median lies between the halves and finds neither.
        """
        if self.rows.size == 0:
            return np.zeros(self.seen.shape, np.float32)
        target = decibels.ravel()[self.rows].astype(np.float64)
        columns = self.design.reshape(len(self.design), -1)[:, self.rows].T.astype(np.float64)
        coefficients = np.zeros(columns.shape[1])
        coefficients[0] = _likeliest_shift(target)
        for _ in range(_FIT_ROUNDS):
            residual = target - columns @ coefficients
            scale = min(max(float(np.quantile(np.abs(residual), 0.3)) / 0.385, 0.05), _FIT_SCALE_DB)
            weight = np.exp(-0.5 * (residual / (1.5 * scale)) ** 2)
            weighted = columns * weight[:, None]
            ridge = 1e-3 * np.eye(columns.shape[1])
            coefficients += np.linalg.solve(weighted.T @ columns + ridge, weighted.T @ residual)
        return np.asarray(np.tensordot(coefficients.astype(np.float32), self.design, axes=1), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """One polarisation of a change. Arrays are (H, W)."""

    decibels: Array
    deviation: Array
    shift_db: float
    noise: float


def _deviation(now: Array, before: BackscatterReference, band: int, fit: _Fit, sigma_px: float) -> _Band:
    """Change of one polarisation, dB and standard deviations.

    The weighted mean of n independent pixels of variances s_i² has the variance 1 / sum(1/s_i²); a Gaussian of one
    native pixel's width averages 4 pi of them.
    """
    seen = fit.seen
    ratio = np.where(seen, now / np.where(seen, before.mean[band], 1.0), 0.0).astype(np.float32)
    scene = fit.scene(_to_db(_smooth_known(ratio, seen, _FIT_WIDTH * sigma_px)))
    limit = np.float32(10.0 ** (_CLIP_DB / 10.0))
    ratio = np.where(seen, np.clip(ratio / 10.0 ** (scene / 10.0), 1.0 / limit, limit), 0.0).astype(np.float32)
    variance = before.spread_db[band] ** 2 * (1.0 + 1.0 / np.maximum(before.count, 1))
    precision = np.where(seen, 1.0 / np.maximum(variance, _LEAST_SPREAD_DB**2), 0.0).astype(np.float32)
    weight = np.maximum(_smooth(precision, sigma_px), np.float32(1e-6))
    decibels = _to_db(_smooth(ratio * precision, sigma_px) / weight)
    near = fit.rows[np.abs(decibels.ravel()[fit.rows]) <= _INLIER_DB]
    offset = float(np.median(decibels.ravel()[near])) if near.size else 0.0
    decibels = decibels - np.float32(offset)
    deviation = decibels * np.sqrt(weight * np.float32(4.0 * np.pi)) / np.float32(_CORRELATION)
    noise = max(_roughness(np.where(seen, deviation, np.float32(np.nan)), round(_LAG_PX * sigma_px)), 1.0)
    shift = float(np.median(scene.ravel()[fit.rows])) + offset if fit.rows.size else 0.0
    return _Band(decibels=decibels, deviation=deviation / np.float32(noise), shift_db=shift, noise=noise)


def _roughness(deviation: Array, lag_px: int) -> float:
    """Robust standard deviation by differences at a distance: a valley that slid as a whole does not make it rough."""
    across = deviation[:, lag_px:] - deviation[:, :-lag_px]
    down = deviation[lag_px:] - deviation[:-lag_px]
    differences = np.concatenate([one[np.isfinite(one)] for one in (across, down)])
    return 1.4826 * _median(np.abs(differences)) / float(np.sqrt(2.0))


def _strongest(deviations: Array) -> Array:
    """(H, W) the largest of (P, H, W) absolute deviations, and of the sum and difference of two."""
    sizes = list(np.abs(deviations))
    if len(deviations) == 2:
        sizes.append(np.abs(deviations[0] + deviations[1]) / np.float32(_SUM_SD))
        sizes.append(np.abs(deviations[0] - deviations[1]) / np.float32(_DIFFERENCE_SD))
    return np.asarray(np.maximum.reduce(sizes), dtype=np.float32)


def _cut_opposites(change: Array, deviations: Array) -> Array:
    """No change where neighbours clearly changed in opposite ways (more than 90° apart): two things happened."""
    cut = np.zeros(change.shape, dtype=bool)
    inner, right, below, left = slice(None, -1), slice(1, None), slice(1, None), slice(None, -1)
    whole = slice(None)
    for here, there in (
        ((whole, inner), (whole, right)),
        ((inner, whole), (below, whole)),
        ((inner, inner), (below, right)),
        ((inner, right), (below, left)),
    ):
        cut[here] |= (deviations[:, *here] * deviations[:, *there]).sum(axis=0) < -_OPPOSED
    return np.where(cut, np.float32(0.0), change)


def _bright(mean: Array, seen: Mask) -> Mask:
    """Point targets and layover by their level in any polarisation."""
    bright = np.zeros(seen.shape, dtype=bool)
    for band in mean:
        known = seen & np.isfinite(band)
        if known.any():
            bright |= known & (band > np.median(band[known]) * 10.0 ** (_BRIGHT_DB / 10.0))
    return bright


def _likeliest_shift(decibels: NDArray[np.float64]) -> float:
    """The mode of the change, dB; of several of similar weight the one nearest to no change at all."""
    edges = np.arange(-15.0, 15.01, 0.25)
    counts, _ = np.histogram(np.clip(decibels, -14.9, 14.9), bins=edges)
    density = ndimage.gaussian_filter1d(counts.astype(np.float64), 2.0)
    peaks = (density >= np.roll(density, 1)) & (density >= np.roll(density, -1))
    peaks &= density >= _PEAK_SHARE * density.max()
    centres = (edges[:-1] + edges[1:]) / 2
    return float(min(centres[peaks], key=abs))


def _pass_shifts(decibels: Array) -> Array:
    """(N, P) median of each pass above the passes' mean, less its mean over the passes by their pixels."""
    with np.errstate(invalid="ignore"):
        level = np.nansum(decibels, axis=0) / np.maximum(np.isfinite(decibels).sum(axis=0), 1)
    above = decibels - level
    shifts = np.array([[_median(one[np.isfinite(one)]) for one in passed] for passed in above], dtype=np.float32)
    # A pass that only fills a hole of the others has little say in the level of the tile.
    weight = np.isfinite(decibels).sum(axis=(2, 3))
    return np.asarray(shifts - (weight * shifts).sum(axis=0) / weight.sum(axis=0), dtype=np.float32)


def _variance(decibels: Array, count: NDArray[np.intp]) -> Array:
    """(P, H, W) variance over the passes, shrunk towards the tile's."""
    anomaly: Array = np.nan_to_num(decibels - _mean(decibels, count), nan=0.0)
    freedom = np.maximum(count - 1, 0)
    raw = (anomaly**2).sum(axis=0) / np.maximum(freedom, 1)
    variance: Array = np.empty_like(raw)
    for band in range(len(raw)):
        known_px = freedom >= 1
        typical = int(np.median(freedom[known_px])) if known_px.any() else 0
        # The median of chi-square over its degrees of freedom (Wilson and Hilferty 1931).
        prior = _median(raw[band][known_px]) / (1 - 2 / (9 * typical)) ** 3 if typical else _SPECKLE_DB**2
        prior = max(prior, _LEAST_SPREAD_DB**2)
        variance[band] = (freedom * raw[band] + _PRIOR_PASSES * prior) / (freedom + _PRIOR_PASSES)
    return variance


def _mean(values: Array, count: NDArray[np.intp]) -> Array:
    """(P, H, W) mean over passes of what is not NaN; NaN where nothing is."""
    total = np.nansum(values, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _median(values: Array) -> float:
    return float(np.median(values)) if values.size else 0.0


def _to_db(power: NDArray[np.floating]) -> Array:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-6)), dtype=np.float32)


def _smooth(values: Array, sigma_px: float) -> Array:
    return np.asarray(ndimage.gaussian_filter(values, sigma_px, truncate=3.0), dtype=np.float32)


def _smooth_known(values: Array, known: Mask, sigma_px: float) -> Array:
    """Mean of the known pixels around; unknown ones count for nothing."""
    cover = np.maximum(_smooth(known.astype(np.float32), sigma_px), np.float32(1e-3))
    return np.asarray(_smooth(np.where(known, values, 0.0).astype(np.float32), sigma_px) / cover, dtype=np.float32)
