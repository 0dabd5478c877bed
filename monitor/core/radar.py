"""The plain baseline for radar: backscatter against the mean of earlier passes, in units of its own spread.

Passes are comparable when relative orbit, direction and product are the same; the caller sees to that. Power is
linear gamma0; what is not above zero is no observation. A look is averaged in power, or in ratios of power, and
made decibels afterwards. A native pixel that fills several pixels of the canvas is one look, so everything is
smoothed by a Gaussian as wide as the native pixel and counted in native pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.change import AlertSettings, ChangeLayer
from monitor.core.clusters import SLOPING_DEG, grow
from monitor.core.grid import PIXEL_HA, RESOLUTION_M
from monitor.core.radar_fit import SceneFit, from_db, median, smooth, to_db
from monitor.core.radar_grid import NativeGrid

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

DEPTH = AlertSettings().radar_looks
"""Passes of the reference by default."""
LEAST_PASSES = 3
"""Valid passes a pixel needs before its spread means anything."""
LEAST_NATIVE_PX = 12
"""A coherent change covers at least so many native pixels: fewer are speckle, a car park or a ship."""

_HALF_LIFE_S = 240.0 * 86_400.0
"""A pass this much older than the newest has half its weight in the mean: last year's leaves are other leaves."""
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
"""Least standard deviation of the sum and the difference of two unit deviations, as if they were correlated by 0.4;
where a scene's own are larger, these count. What moves both polarisations is often the geometry, not the ground."""
_QUIET = {1: 0.7, 2: 1.1}
"""Mean of the strongest deviation of quiet ground, by the number of polarisations: 0.7 and 1.1 over the quiet passes of
California (from pass to pass 0.6 to 0.8, and 1.0 to 1.3), 1.0 in simulated valleys; 0.80 and 1.21 if it were normal."""
_OPPOSED = 4.0
"""Scalar product of neighbouring changes beyond which they are opposite: two standard deviations each."""
_INLIER_DB = 3.0
_LAG_PX = 8
"""Native pixels between two places whose changes are compared to see how rough the scene is."""
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
    multiply to 1, so the level of a tile does not depend on them. Older passes weigh less in the mean. Variances are
    shrunk: s² = (v s_tile² + (n-1) s_px²) / (v + n - 1) with v = 4 (a scaled inverse chi-square prior; compare Smyth
    2004).
    """
    order = np.argsort(-np.asarray(times_s, dtype=np.float64), kind="stable")
    # Comparing with NaN is false.
    seen = np.asarray((power > 0).all(axis=1))[order]
    count = np.zeros(seen.shape[1:], np.int16)
    for here in seen:
        here &= count < depth
        count += here
    used = seen.any(axis=(1, 2))
    if not used.any():
        return None
    order, seen = order[used], seen[used]
    times = np.asarray(times_s, dtype=np.float64)[order]
    decibels = np.empty((len(order), *power.shape[1:]), np.float32)
    for n, index in enumerate(order):
        decibels[n] = to_db(np.where(seen[n], power[index], np.float32(1.0)))
    shifts = _pass_shifts(decibels, seen, count)
    mean, total = np.zeros(power.shape[1:], np.float32), np.zeros(count.shape, np.float32)
    weight = np.exp2((times - times[0]) / _HALF_LIFE_S).astype(np.float32)
    for n, index in enumerate(order):
        decibels[n] -= shifts[n][:, None, None] * seen[n]
        level = power[index] * (weight[n] * from_db(-shifts[n]))[:, None, None]
        mean += np.where(seen[n], level, np.float32(0.0))
        total += weight[n] * seen[n]
    variance = _variance(decibels, seen, count)
    last = np.full(count.shape, np.nan)
    for when, here in zip(times[::-1], seen[::-1], strict=True):
        last[here] = when
    return BackscatterReference(
        mean=np.where(count > 0, mean / np.where(count > 0, total, np.float32(1.0)), np.float32(np.nan)),
        spread_db=np.where(count > 0, np.sqrt(variance), np.float32(np.nan)),
        count=count.astype(np.uint8),
        last_seen_s=last,
    )


def compare_backscatter(
    now: Array,
    before: BackscatterReference,
    slopes: Mask,
    native_m: float,
    polarisations: tuple[str, ...],
) -> BackscatterChange:
    """Log-ratio of a pass to the mean of earlier ones, less the scene's own, in units of its spread.

    Args:
        now: (P, H, W) linear gamma0; NaN or not above 0 = no observation.
        slopes: (H, W) where the scene's part is fitted.
        native_m: size of the pixels that were measured, whatever the canvas was cut into.
        polarisations: names of the P polarisations, in order.

    The change is the largest of the absolute deviations of each polarisation and, with two, of their sum and
    difference, in units of their own spread over this scene: a scar in forest lowers VH against VV, rubble on grass
    raises both. `shift` is the scene's largest shift, dB; `noise` how much rougher than its history the scene is
    (1 = as ever). Bright ground (`built_up`) is not observed.
    """
    if not len(now) == len(before.mean) == len(polarisations):
        raise ValueError(f"{len(now)} bands against {len(before.mean)} of {polarisations}")
    ground = PassGround.gather(now, before, native_m)
    grid = ground.grid
    fit = ground.fit(slopes)
    bands = [_Band.measure(ground, band, fit) for band in range(len(now))]
    deviations = np.stack([band.deviation for band in bands])
    change = _strongest(deviations, ground.seen, round(_LAG_PX * ground.sigma_px))
    change[_opposites(deviations)] = 0.0
    known = ground.valid & grid.lay(ground.seen)
    shifts = tuple(band.shift_db for band in bands)
    return BackscatterChange(
        layer=ChangeLayer(
            change=np.where(known, grid.lay(change), np.float32(np.nan)),
            shift=max(shifts, key=abs),
            noise=max(band.noise for band in bands),
            quiet=_QUIET[min(len(now), 2)],
        ),
        decibels=np.where(known, grid.lay(np.stack([band.decibels for band in bands])), np.float32(np.nan)),
        shift_db=shifts,
    )


def coherent_change(change: Array, slope_deg: Array, settings: AlertSettings, native_m: float) -> Mask:
    """Changed pixels in pieces that are large and strong enough; `clusters.label_clusters` takes it from here.

    A piece is what lies connected above `radar_low`. It counts when it has the minimum mapping unit and holds as much
    change above `radar_low` as that unit would at `radar_high`: a sum over whatever shape a landslide has, where the
    widest filter has one shape only (the cluster mass of Bullmore et al. 1999, doi:10.1109/42.750253). Its slopes must
    bring that sum: what lies flat belongs to it as debris does, but a flood that touches a speck on the slope beside it
    would make any speck a landslide. Pieces are held to that before neighbours within 150 m are joined: three specks
    side by side are specks.

    Args:
        change: (H, W) standard deviations, NaN = not observed.
        slope_deg: (H, W); NaN = unknown, which is not known to slope.
    """
    low = settings.radar_low
    labels, count = scipy.ndimage.label(grow(change, slope_deg, low, low, settings.seed_slope_deg), structure=_EIGHT)
    slopes = slope_deg >= SLOPING_DEG
    sizes = np.bincount(labels[slopes], minlength=count + 1) * PIXEL_HA
    excess = np.bincount(labels[slopes], weights=np.nan_to_num(change - low)[slopes], minlength=count + 1) * PIXEL_HA
    least = least_area_ha(native_m) - 1e-9
    keep = (sizes >= least) & (excess >= least * (settings.radar_high - low))
    keep[0] = False
    return np.asarray(keep[labels])


@dataclass(frozen=True, slots=True, kw_only=True)
class PassGround:
    """A pass and its reference in blocks of the native grid: (P, h, w), `seen` (h, w), where nothing else is said."""

    grid: NativeGrid
    valid: Mask
    """(H, W) pixels of the canvas that count."""
    ratio: Array
    """(P, H, W) power against the mean; 0 where not valid. Ratios are averaged, not power: one bright pixel that the
    next pass sees a little aside would be its whole block."""
    mean: Array
    variance: Array
    """Of one look against the mean, dB²."""
    seen: Mask
    sigma_px: float
    """Side of a native pixel in blocks: the finest smoothing."""

    @classmethod
    def gather(cls, now: Array, before: BackscatterReference, native_m: float) -> "PassGround":
        """What is seen of a pass, its reference and its own ground, without what is built up.

        Args:
            now: (P, H, W) linear gamma0; NaN or not above 0 = no observation.
            native_m: size of the pixels that were measured.
        """
        valid = np.asarray((now > 0).all(axis=0)) & (before.count >= LEAST_PASSES)
        grid = NativeGrid.under(before.mean, native_m)
        sigma_px = max(native_m / (RESOLUTION_M * grid.step), 1.0)
        mean = grid.gather(before.mean, valid)
        spread = grid.gather(before.spread_db, valid)
        count = np.maximum(grid.gather(before.count.astype(np.float32), valid), np.float32(1.0))
        seen = grid.observed(valid)
        seen &= ~built_up(mean, seen)
        inside = smooth(np.ones(seen.shape, np.float32), sigma_px)
        seen &= smooth(seen.astype(np.float32), sigma_px) >= _COVERED * inside
        return cls(
            grid=grid,
            valid=valid,
            ratio=np.where(valid, now / np.where(valid, before.mean, np.float32(1.0)), np.float32(0.0)),
            mean=mean,
            variance=np.maximum(spread * spread * (1 + 1 / count), np.float32(_LEAST_SPREAD_DB**2)),
            seen=seen,
            sigma_px=sigma_px,
        )

    def fit(self, slopes: Mask) -> SceneFit:
        """What the scene did as a whole is fitted on (H, W) slopes."""
        return SceneFit.prepare(self.mean, self.seen, self.grid.observed(slopes), self.sigma_px)

    def smoothed(self, band: int, fit: SceneFit) -> Array:
        """(h, w) change of one polarisation, dB, as the scene is fitted to it."""
        return fit.smoothed(self.grid.gather(self.ratio[band], self.valid))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """One polarisation of a change. Arrays are (h, w)."""

    decibels: Array
    deviation: Array
    shift_db: float
    noise: float

    @classmethod
    def measure(cls, ground: PassGround, band: int, fit: SceneFit) -> "_Band":
        """Change of one polarisation, dB and standard deviations of the scene.

        The weighted mean of n independent pixels of variances s_i² has the variance 1 / sum(1/s_i²); a Gaussian of one
        native pixel's width averages 4 pi of them, fewer at an edge.
        """
        seen = ground.seen
        scene = fit.scene(ground.smoothed(band, fit))
        limit = np.float32(10.0 ** (_CLIP_DB / 10.0))
        clipped = np.clip(ground.ratio[band] * ground.grid.lay(from_db(-scene)), 1.0 / limit, limit)
        ratio = ground.grid.gather(clipped, ground.valid)
        precision = np.where(seen, 1.0 / ground.variance[band], np.float32(0.0))
        weight = np.maximum(smooth(precision, ground.sigma_px), np.float32(1e-6))
        decibels = to_db(smooth(ratio * precision, ground.sigma_px) / weight)
        offset = median(fit.near(decibels, _INLIER_DB))
        decibels -= np.float32(offset)
        deviation = decibels * np.sqrt(weight * np.float32(4.0 * np.pi)) / np.float32(_CORRELATION)
        noise = max(_roughness(deviation, seen, round(_LAG_PX * ground.sigma_px)), 1.0)
        return cls(
            decibels=decibels,
            deviation=deviation / np.float32(noise),
            shift_db=fit.middle(scene) + offset,
            noise=noise,
        )


def _roughness(deviation: Array, seen: Mask, lag_px: int) -> float:
    """Robust standard deviation by differences at a distance: a valley that slid as a whole does not make it rough."""
    across = (deviation[:, lag_px:] - deviation[:, :-lag_px])[seen[:, lag_px:] & seen[:, :-lag_px]]
    down = (deviation[lag_px:] - deviation[:-lag_px])[seen[lag_px:] & seen[:-lag_px]]
    return 1.4826 * median(np.abs(np.concatenate([across, down]))) / float(np.sqrt(2.0))


def _strongest(deviations: Array, seen: Mask, lag_px: int) -> Array:
    """(h, w) the largest of (P, h, w) absolute deviations, and of the sum and difference of two in their own spread."""
    strongest = np.abs(deviations).max(axis=0)
    if len(deviations) == 2:
        both, apart = deviations[0] + deviations[1], deviations[0] - deviations[1]
        for pair, least in ((both, _SUM_SD), (apart, _DIFFERENCE_SD)):
            spread = max(_roughness(pair, seen, lag_px), least)
            np.maximum(strongest, np.abs(pair) / np.float32(spread), out=strongest)
    return np.asarray(strongest, dtype=np.float32)


def _opposites(deviations: Array) -> Mask:
    """(h, w) where neighbours clearly changed in opposite ways (more than 90° apart): two things happened."""
    cut = np.zeros(deviations.shape[1:], dtype=bool)
    inner, right, below, left = slice(None, -1), slice(1, None), slice(1, None), slice(None, -1)
    whole = slice(None)
    for here, there in (
        ((whole, inner), (whole, right)),
        ((inner, whole), (below, whole)),
        ((inner, inner), (below, right)),
        ((inner, right), (below, left)),
    ):
        cut[here] |= (deviations[:, *here] * deviations[:, *there]).sum(axis=0) < -_OPPOSED
    return cut


def built_up(mean: Array, seen: Mask) -> Mask:
    """(H, W) buildings, ships and layover by their level in any polarisation of (P, H, W): no soil is seen there."""
    bright = np.zeros(seen.shape, dtype=bool)
    if seen.any():
        for band in mean:
            bright |= seen & (band > np.median(band[seen]) * 10.0 ** (_BRIGHT_DB / 10.0))
    return bright


def _pass_shifts(decibels: Array, seen: Mask, count: NDArray[np.int16]) -> Array:
    """(N, P) median of each pass above the passes' mean, less its mean over the passes by their pixels.

    Args:
        decibels: (N, P, H, W), 0 where not seen.
    """
    level = decibels.sum(axis=0) / np.maximum(count, 1).astype(np.float32)
    shifts = np.empty(decibels.shape[:2], np.float32)
    for n, here in enumerate(seen):
        for band, one in enumerate(decibels[n] - level):
            shifts[n, band] = median(one.ravel() if here.all() else one[here])
    # A pass that only fills a hole of the others has little say in the level of the tile.
    weight = seen.sum(axis=(1, 2))[:, None]
    return np.asarray(shifts - (weight * shifts).sum(axis=0) / weight.sum(axis=0), dtype=np.float32)


def _variance(decibels: Array, seen: Mask, count: NDArray[np.int16]) -> Array:
    """(P, H, W) variance over the passes of (N, P, H, W) decibels, 0 where not seen, shrunk towards the tile's."""
    level = decibels.sum(axis=0) / np.maximum(count, 1).astype(np.float32)
    raw = np.zeros(level.shape, np.float32)
    for one, here in zip(decibels, seen, strict=True):
        anomaly = (one - level) * here
        raw += anomaly * anomaly
    freedom = np.maximum(count - 1, 0).astype(np.float32)
    raw /= np.maximum(freedom, 1)
    known_px = freedom >= 1
    typical = int(np.median(freedom[known_px])) if known_px.any() else 0
    for band in raw:
        # The median of chi-square over its degrees of freedom (Wilson and Hilferty 1931).
        prior = median(band[known_px]) / (1 - 2 / (9 * typical)) ** 3 if typical else _SPECKLE_DB**2
        prior = max(prior, _LEAST_SPREAD_DB**2)
        band[...] = (freedom * band + np.float32(_PRIOR_PASSES * prior)) / (freedom + np.float32(_PRIOR_PASSES))
    return raw
