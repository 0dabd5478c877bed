"""Coherent change: from pixels of a change layer to outlined clusters in hectares."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray
from shapely import box, get_coordinates, get_parts, get_rings, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import Canvas
from monitor.core.change import AlertSettings
from monitor.core.grid import PIXEL_HA, RESOLUTION_M, TILE_PX
from monitor.core.masks import grow as within
from monitor.records import Cluster, Detector, Tile

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_EIGHT = np.ones((3, 3), dtype=bool)
# A single bright pixel is a car park or a roof; three touching ones start to be ground.
_MIN_COMPONENT_PX = 3
RUNOUT_M = 100.0
"""How far change may run out from a slope onto flat ground before it is somebody's field."""
SLOPING_DEG = 10.0
"""Ground at least so steep is neither a valley's floor nor a field that machines work."""
# Beyond this size a cluster is many landslides side by side, and drops no more than its slopes are high.
_ONE_SLOPE_M = 200.0
# Gaps of one pixel inside an outline are noise of the classifier, not islands of intact ground.
_CLOSE_M = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What clusters need to know of the canvas besides the change itself. Arrays are (H, W)."""

    canvas: Canvas
    slope_deg: Array
    elevation_m: Array
    spread: Array
    """Flip spread of the look."""
    alike: Mask | None = None
    """Ground above one height that changed alike, which is one cluster, however many its pieces."""


def grow(change: Array, slope_deg: Array, high: float, low: float, seed_slope_deg: float) -> Mask:
    """Hysteresis: pixels at or above `low` connected to one at or above `high` on a slope.

    NaN is never part of it. Growth stops 100 m from the nearest slope.
    """
    steep = np.nan_to_num(slope_deg, nan=0.0) >= seed_slope_deg
    reach = within(steep, RUNOUT_M, RESOLUTION_M)
    filled = np.nan_to_num(change, nan=-np.inf)
    candidate = (filled >= low) & reach
    labels, count = scipy.ndimage.label(candidate, structure=_EIGHT)
    if count == 0:
        return np.zeros(change.shape, dtype=bool)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    seeded = np.zeros(count + 1, dtype=bool)
    seeded[np.unique(labels[(filled >= high) & steep & candidate])] = True
    keep = seeded & (sizes >= _MIN_COMPONENT_PX)
    keep[0] = False
    return np.asarray(keep[labels])


def clusters(change: Array, mask: Mask, detector: Detector, ground: Ground, settings: AlertSettings) -> list[Cluster]:
    """What in `mask` may be a landslide, as outlined clusters of one detector's `change`; strongest first."""
    labels, count = label_clusters(mask, ground.slope_deg, ground.elevation_m, settings)
    if ground.alike is not None:
        labels, count = _as_one(labels, count, ground.alike)
    found = [
        _cluster(change, labels[window] == index, window, detector, ground)
        for index, window in enumerate(scipy.ndimage.find_objects(labels, max_label=count), start=1)
        if window is not None
    ]
    return sorted(found, key=lambda cluster: (-cluster.strength, cluster.geometry.bounds))


def label_clusters(
    mask: Mask, slope_deg: Array, elevation_m: Array, settings: AlertSettings
) -> tuple[NDArray[np.int32], int]:
    """Changed pixels joined within `join_m`, numbered from 1, and how many clusters there are.

    Left out (0) is what no landslide looks like: less than the minimum unit, too little of it on slopes, or level.
    A landslide goes down; a field's edge, a road or a flooded bank that happens to touch a slope follows its contour.
    Pieces are judged before they are joined, lest a field hides the landslide beside it, and together afterwards.

    Args:
        mask: (H, W) changed pixels.
        slope_deg, elevation_m: (H, W); NaN = unknown.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32), 0
    ground = (slope_deg, elevation_m)
    pieces, count = scipy.ndimage.label(mask, structure=_EIGHT)
    large, likely = _judge(pieces, count, *ground, settings)
    kept = mask & (likely | ~large)[pieces]
    half_gap_px = settings.join_m / RESOLUTION_M / 2.0
    groups, count = scipy.ndimage.label(scipy.ndimage.distance_transform_edt(~kept) <= half_gap_px, structure=_EIGHT)
    groups = np.where(kept, groups, 0)
    large, likely = _judge(groups, count, *ground, settings)
    found = large & likely
    found[0] = False
    numbers = np.where(found, np.cumsum(found), 0)
    return numbers[groups].astype(np.int32), int(found.sum())


def _as_one(labels: NDArray[np.int32], count: int, alike: Mask) -> tuple[NDArray[np.int32], int]:
    """Clusters numbered anew, all those that lie mostly in `alike` as one."""
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    inside = 2 * np.bincount(labels[alike], minlength=count + 1) > sizes
    inside[0] = False
    apart = ~inside
    apart[0] = False
    numbers = np.where(apart, np.cumsum(apart), 0) + np.where(inside, int(apart.sum()) + 1, 0)
    return numbers[labels].astype(np.int32), int(apart.sum()) + bool(inside.any())


def _judge(
    labels: NDArray[np.int32], count: int, slope_deg: Array, elevation_m: Array, settings: AlertSettings
) -> tuple[Mask, Mask]:
    """(count + 1,) which labelled pieces reach the minimum unit, and which are steep and drop like a landslide."""
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    steep = np.bincount(labels[slope_deg >= settings.seed_slope_deg], minlength=count + 1)
    side_m = np.minimum(np.sqrt(sizes) * RESOLUTION_M, _ONE_SLOPE_M)
    sloping = np.bincount(labels[slope_deg >= SLOPING_DEG], minlength=count + 1)
    likely = (sloping >= settings.sloping_share * sizes) | (steep * PIXEL_HA >= settings.steep_area_ha)
    likely &= steep >= settings.steep_share * sizes
    likely &= _drops(elevation_m, labels, count) >= settings.drop_ratio * side_m
    return sizes * PIXEL_HA >= settings.min_area_ha, likely


def _drops(elevation_m: Array, labels: NDArray[np.int32], count: int) -> Array:
    """(count + 1,) height between the highest and the lowest pixel of every piece, m; 0 where nothing is known."""
    # Of the pieces alone: they are a small part of the scene.
    changed = np.flatnonzero((labels > 0) & np.isfinite(elevation_m))
    piece, height = labels.ravel()[changed], elevation_m.ravel()[changed]
    highest, lowest = np.full(count + 1, -np.inf), np.full(count + 1, np.inf)
    np.maximum.at(highest, piece, height)
    np.minimum.at(lowest, piece, height)
    drops: Array = np.maximum(highest - lowest, 0.0)
    return drops


def outline(member: Mask, window: tuple[slice, slice], canvas: Canvas) -> BaseGeometry:
    """The changed pixels of one cluster as a (Multi)Polygon in the canvas's CRS, one-pixel gaps closed."""
    rows, starts, ends = _runs(member)
    transform = canvas.transform
    west, north = transform.c + window[1].start * RESOLUTION_M, transform.f - window[0].start * RESOLUTION_M
    boxes = box(
        west + starts * RESOLUTION_M,
        north - (rows + 1) * RESOLUTION_M,
        west + ends * RESOLUTION_M,
        north - rows * RESOLUTION_M,
    )
    ground = union_all(boxes)
    closed = ground.buffer(_CLOSE_M, join_style="mitre").buffer(-_CLOSE_M, join_style="mitre").union(ground)
    return closed.simplify(RESOLUTION_M / 4)


def burn(geometry: BaseGeometry, canvas: Canvas) -> Mask:
    """(H, W) pixels of the canvas whose centre lies in `geometry` (canvas CRS), the parts of which do not overlap.

    A row's centres are inside between its first and second crossing with any ring, and so on: the time it takes grows
    with the length of the outline, which may have thousands of holes, and not with that times the area.
    """
    mask = np.zeros(canvas.shape, dtype=np.bool_)
    rings = get_rings(get_parts(get_parts(geometry)))  # a collection may hold multipolygons
    corners, ring = get_coordinates(rings, return_index=True)
    # Pixel centres are at integers.
    column = (corners[:, 0] - canvas.transform.c) / RESOLUTION_M - 0.5
    row = (canvas.transform.f - corners[:, 1]) / RESOLUTION_M - 0.5
    sides = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = row[sides], row[sides + 1]
    height, width = canvas.shape
    first = np.clip(np.ceil(np.minimum(start, end)), 0, height).astype(np.intp)
    crossed = np.clip(np.ceil(np.maximum(start, end)), 0, height).astype(np.intp) - first
    if not crossed.any():
        return mask
    side = np.repeat(np.arange(sides.size), crossed)
    rows = first[side] + np.arange(side.size) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    across = (column[sides + 1] - column[sides])[side] / (end - start)[side]
    columns = np.clip(np.ceil(column[sides][side] + (rows - start[side]) * across), 0, width).astype(np.intp)
    inside = columns < width
    np.logical_xor.at(mask, (rows[inside], columns[inside]), True)
    top, bottom, left = rows.min(), rows.max() + 1, columns.min()
    mask[top:bottom, left:] = np.logical_xor.accumulate(mask[top:bottom, left:], axis=1)
    return mask


def _runs(member: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first column and last column + 1 of every horizontal run of True."""
    edges = np.diff(np.pad(member, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    return rows, starts, ends


def _cluster(change: Array, member: Mask, window: tuple[slice, slice], detector: Detector, ground: Ground) -> Cluster:
    alike_from_m, tiles = _alike_from(member, window, ground), _touched(member, window, ground.canvas)
    values = change[window][member].astype(np.float64)
    area_ha = float(member.sum()) * PIXEL_HA
    mean_change = float(values.mean())
    spread = ground.spread[window][member]
    slope = ground.slope_deg[window][member]
    return Cluster(
        detector=detector,
        geometry=outline(member, window, ground.canvas),
        epsg=ground.canvas.epsg,
        area_ha=area_ha,
        mean_change=mean_change,
        strength=area_ha * mean_change,
        spread=float(np.nanmean(spread)) if np.isfinite(spread).any() else 0.0,
        slope_deg=float(np.nanpercentile(slope, 90)) if np.isfinite(slope).any() else 0.0,
        # What the scene did is told by the ground around.
        tiles=tiles if alike_from_m is None else ground.canvas.part(tiles).tiles,
        alike_from_m=alike_from_m,
    )


def _alike_from(member: Mask, window: tuple[slice, slice], ground: Ground) -> float | None:
    """Lowest of a cluster that lies mostly on ground that changed alike, m; None of any other."""
    if ground.alike is None or 2 * (inside := member & ground.alike[window]).sum() <= member.sum():
        return None
    return float(ground.elevation_m[window][inside].min())


def _touched(member: Mask, window: tuple[slice, slice], canvas: Canvas) -> tuple[Tile, ...]:
    rows, columns = np.nonzero(member)
    pairs = np.unique(
        np.column_stack([(rows + window[0].start) // TILE_PX, (columns + window[1].start) // TILE_PX]), axis=0
    )
    known = set(canvas.tiles)
    touched = (
        Tile(epsg=canvas.epsg, column=canvas.column + int(east), row=canvas.row - int(down)) for down, east in pairs
    )
    return tuple(sorted(tile for tile in touched if tile in known))
