"""Change between a look and its reference, by the network and by the plain baseline.

Both work on jointly valid pixels only and remove what a whole scene does at once: the network's
difference loses its median over slopes; the log-ratio of red loses a robust fit on the shape of the
ground, because the sun stands elsewhere on another date and lights every slope differently.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.statistics import number_groups
from monitor.records import Detector

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Times = NDArray[np.float64]

DARK = 0.02
"""Reflectance added to both dates before their ratio is taken. A ratio of dark ground is mostly that of what two skies
and suns left of it: conifers in low sun reflect 0.02, and thin haze and its correction alone are wrong by 0.01 there
(those who make surface reflectance aim at 0.005 + 5 %: Doxani et al. 2018, doi:10.3390/rs10020352)."""
_FIT_SAMPLES = 20_000
_FIT_ROUNDS = 15
_MIN_FIT_PIXELS = 2_000
_LEAST_TOGETHER = 10_000
"""Slope pixels (1 km²) that share a date of the reference, for a fit of their own."""
_BINS, _RANGE = 120, (-3.0, 3.0)
_PEAK_WIDTH = 0.1
"""Smoothing of the distribution of log-ratios before its peaks are told."""
_APART = 0.6
"""Peaks nearer to each other than what starts a cluster are no change."""
_TROUGH = 0.5
"""Two peaks are two where the density between them falls to half of the smaller one."""
_REDDENING = 1.15
"""Gain in red over gain in blue that tells bare ground (1.3 for pale rock, 2 and more for soil) from cloud (1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Thresholds of change, in one place; defaults were set on real scenes and implants (benchmarks/README.md)."""

    high: float = 0.35
    """Network: rise of probability that starts a cluster."""
    low: float = 0.20
    """Network: rise of probability to which a cluster grows."""
    baseline_high: float = 0.50
    """Baseline: log-ratio of red, after correction, that starts a cluster."""
    baseline_low: float = 0.29
    """Baseline: log-ratio of red to which a cluster grows."""
    baseline_real: float = 0.25
    """Baseline: a cluster starts where red brightened at least so much before any correction. Where the whole scene
    darkened, ground that stayed as it was has not brightened."""
    noise_factor: float = 2.5
    """Baseline: neither threshold lies below this many robust standard deviations (high) or 0.6 of that (low)."""
    radar_high: float = 4.7
    """Radar: mean change, in standard deviations of quiet ground, from which the least area is a cluster; a larger area
    needs less: the sum above `radar_low` decides."""
    radar_low: float = 2.8
    """Radar: change that belongs to a cluster."""
    radar_looks: int = 12
    """Radar: valid passes of a track at every pixel in its reference: five months of one satellite."""
    seed_slope_deg: float = 15.0
    """A cluster starts on slopes at least this steep; it may grow onto flat ground."""
    steep_share: float = 0.25
    """Share of a cluster that lies on such slopes: a ploughed field that touches a bank is no landslide."""
    sloping_share: float = 0.5
    """Share of a cluster that lies on ground of at least 10°: a landslide may end on the flat, a field lies on it."""
    steep_area_ha: float = 0.5
    """This much on steep slopes stands for `sloping_share`, however far debris ran out or a bright field adjoins."""
    drop_ratio: float = 0.20
    """A cluster's drop over the side of a square of its area, at least: what follows a contour is no landslide."""
    join_m: float = 150.0
    """Clusters nearer than this are one event."""
    min_area_ha: float = 0.1
    """Minimum mapping unit of an event."""
    looks: int = 3
    """Valid looks of every pixel in the reference (K)."""
    reach: int = 12
    """Looks of a tile, partly clouded ones, that are searched for them: two months of Sentinel-2 and more."""
    tile_mean: float | None = None
    """Rise of the mean hazard probability of a tile between two looks that is an alert for watch; None: none is."""
    tile_p95: float | None = None
    """The same of its 95th percentile."""
    detectors: tuple[Detector, ...] = (Detector.BASELINE, Detector.RADAR)
    """Which detectors may open alerts; the others are still computed. The network joins when it
    beats the baseline on real pixels (benchmarks/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLayer:
    """Change of one detector on one canvas."""

    change: Array
    """(H, W); NaN where look and reference are not jointly valid."""
    shift: float
    """What was removed for the whole scene (median before correction)."""
    noise: float
    """Robust standard deviation of the change on slopes (1.4826 MAD)."""
    quiet: float = 0.0
    """Its mean on ground where nothing happened: more than 0 where change has no sign."""
    real: Array | None = None
    """(H, W) the same before anything was removed, where that matters."""


def network_change(now: Array, before: Array, slopes: Mask) -> ChangeLayer:
    """p_now - p_ref, less its median over slopes. NaN in either input is no observation."""
    change = now - before
    shift, noise = _median_and_noise(change[slopes & np.isfinite(change)])
    return ChangeLayer(change=(change - np.float32(shift)).astype(np.float32), shift=shift, noise=noise)


@dataclass(frozen=True, slots=True)
class Colours:
    """What the baseline compares. Arrays are (H, W) reflectance 0-1; NaN = no observation."""

    red: Array
    green: Array
    blue: Array


def bare_ground_change(
    now: Colours, before: Colours, before_s: Times, elevation_m: Array, slopes: Mask, resolution_m: float
) -> ChangeLayer:
    """Brightening in red that is not whitening: what bare ground does, and thin cloud does not.

    Args:
        before_s: (H, W) when the ground was as `before` says, seconds; NaN = unknown.
        elevation_m: (H, W); NaN = void.
        slopes: (H, W) where the scene's own change is fitted.

    The change is that of `log_ratio`. Pixels that brightened at least as much in blue as in red
    are haze or thin cloud that no mask found: no observation, neither change nor recovery.
    """
    ground = describe_ground(before, elevation_m, resolution_m)
    dates = same_dates(before_s, slopes & np.isfinite(now.red) & np.isfinite(before.red))
    red = log_ratio(now.red, before.red, ground, slopes, dates)
    blue = log_ratio(now.blue, before.blue, ground, slopes, dates)
    with np.errstate(invalid="ignore", over="ignore"):
        # What each band gained over what the scene as a whole did to this pixel.
        gained_red = (now.red + DARK) * (1.0 - np.exp(-red.change))
        gained_blue = (now.blue + DARK) * (1.0 - np.exp(-blue.change))
        whitened = (red.change > 2.0 * red.noise) & (gained_red < _REDDENING * gained_blue)
    return replace(red, change=np.where(whitened, np.float32(np.nan), red.change))


def same_dates(before_s: Times, usable: Mask) -> NDArray[np.int16]:
    """(H, W) the ground, numbered by when it was as the reference says.

    A reference is put together of what every pixel showed last: under a cloudy sky one patch of a forest is known from
    last week, the next from before its leaves fell. What season, sun and air did since is another thing for each. Dates
    that few slopes share go with the next later one.
    """
    return number_groups(before_s, usable, _LEAST_TOGETHER)


def describe_ground(before: Colours, elevation_m: Array, resolution_m: float) -> Array:
    """(4, H, W) on what a scene's part of a change depends: the unit normal, and how brown the ground was.

    When leaves come out, what was brown darkens in red and meadows and conifers do not; seen beside the forest they
    brightened. ln(red / green), 0 where it is unknown.
    """
    brown = np.log((np.maximum(before.red, 0.0) + DARK) / (np.maximum(before.green, 0.0) + DARK))
    return np.concatenate([surface_normal(elevation_m, resolution_m), np.nan_to_num(brown)[None]])


def log_ratio(
    now: Array, before: Array, ground: Array, slopes: Mask, dates: NDArray[np.int16] | None = None
) -> ChangeLayer:
    """ln((now + dark) / (before + dark)) of one band, less a robust fit on shape and colour of the ground over slopes.

    Args:
        now, before: (H, W) reflectance 0-1; NaN = no observation.
        ground: (F, H, W) of `describe_ground`, or of `surface_normal` alone.
        slopes: (H, W) where the fit is made.
        dates: (H, W) of `same_dates`: after all of it together, each is fitted by itself, on what does not stand out
            from the whole; a hillside that slid is not what a season did to its date.

    For a Lambertian surface radiance is proportional to n.s, so the log-ratio of two dates is, to
    first order, linear in the unit normal n = (nx, ny, nz) with the sun's two positions in the
    coefficients (compare Soenen et al. 2005 on topographic correction).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log((np.maximum(now, 0.0) + DARK) / (np.maximum(before, 0.0) + DARK))
    usable = slopes & np.isfinite(ratio)
    # As it is, for people: how much brighter or darker the slopes are.
    shift, _ = _median_and_noise(np.log(np.maximum(now[usable], 1e-3) / np.maximum(before[usable], 1e-3)))
    likely = unchanged(ratio, usable)
    change = ratio.astype(np.float32)
    _take_off(change, ground, likely, np.ones_like(usable))
    if dates is not None and dates.any():
        near = usable & (np.abs(change) < _APART)
        for date in np.unique(dates):
            own = dates == date
            _take_off(change, ground, near & own, own)
    _, noise = _median_and_noise(change[likely])
    return ChangeLayer(change=change, shift=shift, noise=noise, real=ratio)


def unchanged(ratio: Array, usable: Mask) -> Mask:
    """The slopes that tell what the scene did: all of them, unless a large part of them went another way.

    Where the log-ratio of the slopes has two peaks of similar weight, as far apart as change is from none, one of them
    is what happened to the ground: half a valley that slid must neither pass for the season nor for noise. The peak
    nearest to no change counts, up to the trough beside it. A forest of which half shed its leaves at once looks the
    same; the shift of the whole scene is reported all the same, and lowers the confidence.
    """
    counts, edges = np.histogram(ratio[usable], bins=_BINS, range=_RANGE)
    density = scipy.ndimage.gaussian_filter1d(counts.astype(np.float64), _PEAK_WIDTH / (edges[1] - edges[0]))
    peaks = (density > np.roll(density, 1)) & (density >= np.roll(density, -1)) & (density >= 0.5 * density.max())
    places = np.flatnonzero(peaks)
    centres = (edges[:-1] + edges[1:]) / 2
    if places.size < 2:
        return usable
    own = places[np.argmin(np.abs(centres[places]))]
    low, high = _RANGE
    for other in places:
        between = slice(min(own, other), max(own, other) + 1)
        trough = min(own, other) + int(np.argmin(density[between]))
        apart = abs(centres[other] - centres[own]) >= _APART
        if apart and density[trough] <= _TROUGH * min(density[own], density[other]):
            low, high = (max(low, centres[trough]), high) if other < own else (low, min(high, centres[trough]))
    return usable & (ratio >= low) & (ratio <= high)


def surface_normal(elevation_m: Array, resolution_m: float) -> Array:
    """(3, H, W) unit normal (east, north, up) of lightly smoothed ground; voids count as level."""
    known = np.isfinite(elevation_m)
    smooth = scipy.ndimage.gaussian_filter(np.where(known, elevation_m, np.float32(0.0)), 1.0)
    if not known.all():
        smooth /= np.maximum(scipy.ndimage.gaussian_filter(known.astype(np.float32), 1.0), np.float32(1e-3))
    down, east = np.gradient(smooth, resolution_m)
    up = 1.0 / np.sqrt(1.0 + down**2 + east**2)
    return np.stack([-east * up, down * up, up]).astype(np.float32, copy=False)


def _take_off(change: Array, ground: Array, quiet: Mask, where: Mask) -> None:
    """Take the scene's part off a change, in place: iteratively reweighted least squares with Cauchy weights.

    Args:
        ground: (F, H, W) on what it depends.
        quiet: (H, W) where it is fitted; too few of these give their median alone, and none nothing.
        where: (H, W) where it is taken off.
    """
    rows = np.flatnonzero(quiet)
    if rows.size >= _MIN_FIT_PIXELS:
        rows = rows[:: max(1, rows.size // _FIT_SAMPLES)]
        design = np.column_stack([np.ones(rows.size), *(layer.ravel()[rows] for layer in ground)])
        target = change.ravel()[rows].astype(np.float64)
        weight = np.ones(rows.size)
        coefficients = np.zeros(design.shape[1])
        for _ in range(_FIT_ROUNDS):
            weighted = (design * weight[:, None]).T
            # Least squares of the normal equations: flat ground leaves them without a unique solution.
            coefficients = np.linalg.lstsq(weighted @ design, weighted @ target, rcond=None)[0]
            residual = target - design @ coefficients
            scale = max(1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 1e-6)
            weight = 1.0 / (1.0 + (residual / (1.5 * scale)) ** 2)
        fitted = coefficients.astype(np.float32)
        if where.all():
            # Picking every pixel by a mask takes three times as long as not picking.
            change -= fitted[0] + np.tensordot(fitted[1:], ground, axes=1)
        else:
            change[where] -= fitted[0] + fitted[1:] @ ground[:, where]
    np.subtract(change, np.float32(_median_and_noise(change[quiet])[0]), out=change, where=where)


def _median_and_noise(values: Array) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    median = float(np.median(values))
    return median, 1.4826 * float(np.median(np.abs(values - median)))
