"""Fresh landslides: a head on a steep hollow, a track down the steepest descent, a toe that may reach the flat."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage
from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import PIXEL_HA, RESOLUTION_M
from monitor.sandbox.cover import Cover, LandCover
from monitor.sandbox.frame import PAD_PX, Frame, fractal, stream
from monitor.sandbox.spectra import BANDS, EARTH
from monitor.sandbox.terrain import Relief

_SMALLEST_HA, _LARGEST_HA = 0.15, 4.0
_COUNT = (13, 18)
"""Sizes are spread evenly over the logarithm, so 13 already give 8 of half a hectare and more."""
_HEAD_SLOPE_DEG = (25.0, 40.0)
_MEAN_SLOPE_DEG = (20.0, 40.0)
_APART_PX = 22
"""Scars lie further apart than the 150 m at which clusters count as one event."""
_EDGE_PX = 8
_TRIES = 150
_WET_TOE = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.06, 0.10], dtype=np.float32)
"""What wet debris at the toe absorbs beyond its darker tone: water is black in the shortwave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scar:
    """One landslide on the padded frame."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    """(P,) its pixels: at least half covered."""
    geometry: BaseGeometry
    """Outline of those pixels, EPSG:32633."""
    area_ha: float
    slope_deg: float
    """Mean over its pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scars:
    """All landslides of the storm, painted. Arrays on the padded frame."""

    share: NDArray[np.float32]
    """(padded, padded) share of each pixel that slid, 0-1, soft at the edges."""
    reflectance: NDArray[np.float32]
    """(10, padded, padded) of the bare ground, by band of `spectra.BANDS`; meaningless where nothing slid."""
    each: tuple[Scar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slopes:
    """What a sliding mass feels: the ground smoothed over some 20 m."""

    slope_deg: NDArray[np.float32]
    down_row: NDArray[np.float32]
    down_column: NDArray[np.float32]
    """Unit vector of the steepest descent."""
    hollow: NDArray[np.float32]
    """Convergence of the ground, standard deviation 1: water gathers where it is positive."""
    barred: NDArray[np.bool_]
    """Ground that no scar may reach, because nobody could tell it from what lies there: river, flood gravel, rock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A landslide before painting: a window of the frame."""

    window: tuple[slice, slice]
    cover: NDArray[np.float32]
    """Share that slid, 0-1."""
    downhill: NDArray[np.float32]
    """Way from the head (0) to the toe (1)."""


def fail_slopes(frame: Frame, relief: Relief, cover: LandCover, seed: int) -> Scars:
    """Choose where slopes fail in the storm, and paint them.

    A frame too small for the drawn number keeps those that fit.
    """
    rng = stream(seed, "scars")
    slopes = _smooth(relief, cover)
    candidates = _rank(frame, slopes, relief, cover, rng)
    rough = fractal(frame.padded_px, rng, beta=2.4, longest_px=12)
    share = np.zeros_like(relief.slope_deg)
    reflectance = np.zeros((len(BANDS), *share.shape), dtype=np.float32)
    taken = np.zeros(share.shape, dtype=bool)
    found: list[Scar] = []
    for area_px in _sizes_px(rng):
        drawn = _fit(candidates, area_px, slopes, rough, taken, rng)
        if drawn is None:
            continue
        scar = _record(frame, drawn, relief)
        found.append(scar)
        taken[scar.rows, scar.columns] = True
        _paint(share, reflectance, drawn, rough, rng)
    return Scars(share=share, reflectance=reflectance, each=tuple(found))


def _sizes_px(rng: np.random.Generator) -> list[int]:
    """Areas in pixels, largest first, one from each equal slice of the logarithmic range."""
    count = int(rng.integers(_COUNT[0], _COUNT[1] + 1))
    place = (np.arange(count) + rng.uniform(0.0, 1.0, count)) / count
    areas_ha = _SMALLEST_HA * (_LARGEST_HA / _SMALLEST_HA) ** place
    return [round(area / PIXEL_HA) for area in areas_ha[::-1]]


def _smooth(relief: Relief, cover: LandCover) -> _Slopes:
    ground = ndimage.gaussian_filter(relief.elevation_m, 2.0)
    south, east = np.gradient(ground, RESOLUTION_M)
    steep = np.hypot(south, east) + 1e-6
    hollow = ndimage.gaussian_laplace(relief.elevation_m, 4.0)
    return _Slopes(
        slope_deg=np.degrees(np.arctan(steep)).astype(np.float32),
        down_row=(-south / steep).astype(np.float32),
        down_column=(-east / steep).astype(np.float32),
        hollow=(hollow / hollow.std()).astype(np.float32),
        barred=cover.flood | np.isin(cover.kind, (Cover.WATER, Cover.GRAVEL, Cover.ROCK)),
    )


def _rank(
    frame: Frame, slopes: _Slopes, relief: Relief, cover: LandCover, rng: np.random.Generator
) -> NDArray[np.intp]:
    """(P, 2) pixels where a head may lie, most likely first: steep, hollow, overgrown, well inside the scene."""
    grown = np.isin(cover.kind, (Cover.BROADLEAF, Cover.CONIFER, Cover.MEADOW, Cover.SCRUB))
    allowed = grown & (slopes.slope_deg > _HEAD_SLOPE_DEG[0]) & (slopes.slope_deg < _HEAD_SLOPE_DEG[1])
    allowed &= relief.outside_m > 40.0
    rim = PAD_PX + _EDGE_PX
    allowed[:rim] = allowed[-rim:] = allowed[:, :rim] = allowed[:, -rim:] = False
    places = np.argwhere(allowed)
    at = (places[:, 0], places[:, 1])
    likelihood = np.exp(0.6 * np.clip(slopes.hollow[at], -2, 2) + (slopes.slope_deg[at] - 30.0) / 8.0)
    # Weighted sampling without replacement by exponential keys (Efraimidis & Spirakis 2006).
    keys = rng.exponential(1.0, len(places)) / likelihood
    return np.asarray(places[np.argsort(keys)], dtype=np.intp)


def _fit(
    candidates: NDArray[np.intp],
    area_px: int,
    slopes: _Slopes,
    rough: NDArray[np.float32],
    taken: NDArray[np.bool_],
    rng: np.random.Generator,
) -> _Shape | None:
    """The first candidate head from which a landslide of this area fits, or None."""
    first = int(rng.integers(0, max(len(candidates) // 4, 1)))
    for head in candidates[first : first + _TRIES]:
        drawn = _draw(head.astype(float), area_px, slopes, rough, rng)
        if drawn is None:
            continue
        rows, columns = drawn.window
        around = (
            slice(max(rows.start - _APART_PX, 0), rows.stop + _APART_PX),
            slice(max(columns.start - _APART_PX, 0), columns.stop + _APART_PX),
        )
        mean_slope = float(slopes.slope_deg[drawn.window][drawn.cover >= 0.5].mean())
        barred = bool(slopes.barred[drawn.window][drawn.cover > 0.05].any())
        if not barred and not taken[around].any() and _MEAN_SLOPE_DEG[0] < mean_slope < _MEAN_SLOPE_DEG[1]:
            return drawn
    return None


def _draw(
    head: NDArray[np.float64], area_px: int, slopes: _Slopes, rough: NDArray[np.float32], rng: np.random.Generator
) -> _Shape | None:
    """A landslide of exactly `area_px` half-covered pixels from this head, or None where it runs out too soon."""
    width = np.sqrt(area_px / rng.uniform(2.8, 7.0))
    length = area_px / width
    track = _trace(head, 0.9 * length, slopes)
    if len(track) < 0.75 * length:
        return None
    radius = _radii(len(track), width)
    if area_px > 120 and rng.uniform() < 0.5:
        # Two heads that join are common among the larger ones.
        aside = 0.9 * width * np.array([slopes.down_column[_pixel(head)], -slopes.down_row[_pixel(head)]])
        branch = _trace(head + aside, 0.5 * length, slopes)
        track, radius = np.concatenate([track, branch]), np.concatenate([radius, 0.8 * radius[: len(branch)]])
    return _cover_window(track, radius, area_px, rough)


def _cover_window(
    track: NDArray[np.float64], radius: NDArray[np.float64], area_px: int, rough: NDArray[np.float32]
) -> _Shape | None:
    """Share slid around a track, its outline roughened, its threshold set so that the area comes out."""
    margin = radius.max() + 5.0
    low, high = (track.min(axis=0) - margin).astype(int), (track.max(axis=0) + margin).astype(int) + 1
    inside = PAD_PX + _EDGE_PX // 2
    if low.min() < inside or high.max() >= rough.shape[0] - inside:
        return None
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    rows, columns = np.mgrid[window]
    distance = np.hypot(rows[..., None] - track[:, 0], columns[..., None] - track[:, 1]) - radius
    nearest = distance.argmin(axis=-1)
    field = distance.min(axis=-1) + 0.22 * float(radius.mean()) * rough[window]
    level = float(np.partition(field.ravel(), area_px)[area_px])
    cover = 1.0 / (1.0 + np.exp(np.clip((field - level) / 0.45, -30.0, 30.0)))
    parts, _ = ndimage.label(field < level)
    main = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    if main.sum() < 0.95 * area_px:
        return None
    cover[~ndimage.binary_dilation(main, iterations=2) | ((field < level) & ~main)] = 0.0
    cover[~main] = np.minimum(cover[~main], 0.49)
    return _Shape(window=window, cover=cover.astype(np.float32), downhill=(nearest / len(track)).astype(np.float32))


def _trace(head: NDArray[np.float64], length: float, slopes: _Slopes) -> NDArray[np.float64]:
    """(P, 2) points one pixel apart down the steepest descent, with momentum, to a little way out on flat ground."""
    points = [head]
    heading = np.zeros(2)
    flat = 0
    side = slopes.slope_deg.shape[0]
    while len(points) < length and flat < 6:
        at = _pixel(points[-1])
        if min(at) < 1 or max(at) >= side - 1:
            break
        heading = 0.55 * heading + np.array([slopes.down_row[at], slopes.down_column[at]])
        heading /= np.hypot(*heading) + 1e-9
        flat += slopes.slope_deg[at] < 6.0
        points.append(points[-1] + heading)
    return np.array(points)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _radii(points: int, width: float) -> NDArray[np.float64]:
    """Half width along the track: a rounded head, a narrower track, a slightly spread toe."""
    way = np.linspace(0.0, 1.0, points)
    head = 0.25 + 0.45 * np.sin(np.pi * np.clip(way / 0.55, 0.0, 1.0))
    return np.asarray(width * np.maximum(head, 0.34 + 0.12 * np.clip((way - 0.7) / 0.3, 0.0, 1.0)))


def _record(frame: Frame, drawn: _Shape, relief: Relief) -> Scar:
    """Pixels, outline and slope of a drawn landslide."""
    mask = drawn.cover >= 0.5
    rows, columns = np.nonzero(mask)
    top, left = drawn.window[0].start, drawn.window[1].start
    transform = frame.transform() @ Affine.translation(left - PAD_PX, top - PAD_PX)
    traced = features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    outlines = [shape(geometry) for geometry, _ in traced]
    outline = max(outlines, key=lambda polygon: polygon.area)
    assert isinstance(outline, Polygon)
    return Scar(
        rows=rows + top,
        columns=columns + left,
        geometry=outline,
        area_ha=float(outline.area) / 10_000.0,
        slope_deg=float(relief.slope_deg[rows + top, columns + left].mean()),
    )


def _paint(
    share: NDArray[np.float32],
    reflectance: NDArray[np.float32],
    drawn: _Shape,
    rough: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Bare earth: brightest at the head, mixed with wet debris and broken trees towards the toe."""
    texture = rough[drawn.window]
    tone = rng.uniform(0.92, 1.12) * (1.0 + 0.10 * np.clip(texture, -2.0, 2.0) + 0.08 - 0.22 * drawn.downhill)
    blue, red = rng.uniform(0.90, 1.06), rng.uniform(0.97, 1.08)
    # Iron that makes a soil red makes it bright on beyond red.
    hue = np.array([blue, 1.0, *[red] * (len(BANDS) - 2)], dtype=np.float32)
    trees = 0.35 * np.clip(-texture - 1.2, 0.0, 1.0) * (0.3 + drawn.downhill)
    kept = drawn.cover * (1.0 - trees)
    new = kept > share[drawn.window]
    share[drawn.window] = np.where(new, kept, share[drawn.window])
    earth = (EARTH * hue)[:, None, None] * tone * (1.0 - _WET_TOE[:, None, None] * drawn.downhill)
    reflectance[(slice(None), *drawn.window)] = np.where(new, earth, reflectance[(slice(None), *drawn.window)])
