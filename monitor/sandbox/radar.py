"""A C-band radar that looks sideways at the valley: geometry, resolution, speckle, terrain flattening.

What the ground sends back is gathered on the radar's own grid (azimuth, range) as a real sensor does: facets that lie
at one range add up (layover), facets behind others send nothing (shadow), and speckle belongs to the radar's cell. The
sum is divided by the illuminated area that the elevation model promises for the cell (terrain flattening, Small 2011,
doi:10.1109/TGRS.2011.2120616) and laid back on the map. So slopes that face the radar are coarse and smeared, edges of
forest have a bright and a dark side, and errors of the elevation model stay visible, as in the real product. It has no
mask of layover and shadow (https://planetarycomputer.microsoft.com/dataset/sentinel-1-rtc): layover keeps its mixed
values, shadow is noise or 0.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.grid import RESOLUTION_M
from monitor.sandbox.frame import fractal, stream
from monitor.sandbox.terrain import Relief

_RANGE_GRADIENT_DEG_PER_M = 6.8e-5
"""Incidence grows from 29.1 to 46.0 degrees over the 250 km of the IW swath."""
_RESOLUTION_PX = 0.72
"""Standard deviation of the impulse response of intensity: 20 x 22 m cells on 10 m pixels (`sar:resolution_range`)."""
_SQUARES = 6
"""Squared Gaussians in a sum: 3 looks on the radar's grid, which resampling to the map makes 4.3; the items say 4.4."""
_NOISE = 10.0**-2.75
"""Noise-equivalent gamma naught left after thermal noise removal."""
_SHADOW_SHARE = 0.05
"""Of the area of flat ground: cells that are promised less hold no signal."""
_CANOPY_IN_MODEL = 0.6
"""Part of the canopy that the elevation model of the processor has, as `terrain.elevation_model`."""
_DEM_BLUR_PX, _DEM_NOISE_M = 1.2, 0.5


class OrbitState(Enum):
    """Which way the satellite flies."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One ground track of Sentinel-1, from which the valley is always seen in the same way."""

    relative_orbit: int
    state: OrbitState
    heading_deg: float
    """Azimuth of flight; the radar looks to the right of it."""
    incidence_deg: float
    """On flat ground in the middle of the valley."""

    @property
    def look_deg(self) -> float:
        """Azimuth from the satellite to the ground."""
        return (self.heading_deg + 90.0) % 360.0


ASCENDING = Track(relative_orbit=146, state=OrbitState.ASCENDING, heading_deg=-13.0, incidence_deg=38.6)
DESCENDING = Track(relative_orbit=124, state=OrbitState.DESCENDING, heading_deg=193.0, incidence_deg=39.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a track sees the padded frame; the same at every pass. (H, W) are map pixels, (A, R) the radar's grid."""

    shape: tuple[int, int]
    """A, R: cells along the track and in range, 10 m on flat ground."""
    row: NDArray[np.float32]
    column: NDArray[np.float32]
    """(H, W) cell, with fractions, in which what stands on a pixel is really seen."""
    area: NDArray[np.float32]
    """(H, W) illuminated area of a pixel, 1 where the ground faces the radar squarely; 0 in shadow."""
    model_column: NDArray[np.float32]
    """(H, W) range cell in which the processor's elevation model looks for the pixel; its row is the same."""
    promised: NDArray[np.float32]
    """(A, R) area the elevation model promises."""
    tilt_deg: NDArray[np.float32]
    """(H, W) local incidence less that of flat ground."""
    layover: NDArray[np.bool_]
    shadow: NDArray[np.bool_]
    """(H, W) by the true terrain. The product does not tell; tests and truth may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """Coordinates of a track on the padded frame, in pixels."""

    east: float
    north: float
    """Unit vector of the look."""
    along: NDArray[np.float32]
    across: NDArray[np.float32]
    """(H, W) position along the track and in ground range."""
    incidence: NDArray[np.float32]
    """(H, W) radians, on flat ground."""


def make_view(track: Track, relief: Relief, canopy_m: NDArray[np.float32], seed: int) -> View:
    """Lay out the geometry of a track.

    Args:
        canopy_m: (H, W) height of what stands on the ground.
    """
    sight = _sight(track, relief.elevation_m.shape[0])
    surface = (relief.elevation_m + canopy_m).astype(np.float32)
    noise = _DEM_NOISE_M * fractal(surface.shape[0], stream(seed, "radar dem"), beta=1.0, shortest_px=6.0)
    # Its height is that of the canopy's scattering centre about as often as not.
    model = ndimage.gaussian_filter(relief.elevation_m + _CANOPY_IN_MODEL * canopy_m, _DEM_BLUR_PX) + noise
    base = float(np.median(model))
    column, model_column = _range_px(surface - base, sight), _range_px(model - base, sight)
    start = (np.floor(sight.along.min()) - 2.0, np.floor(min(column.min(), model_column.min())) - 2.0)
    stop = (sight.along.max() + 3.0, max(column.max(), model_column.max()) + 3.0)
    shape = (int(stop[0] - start[0]), int(stop[1] - start[1]))
    row = sight.along - np.float32(start[0])
    column, model_column = column - np.float32(start[1]), model_column - np.float32(start[1])
    layover, shadow = _hidden(surface, relief.elevation_m, sight)
    area = np.where(shadow[0], 0.0, _area(surface, sight)).astype(np.float32)
    return View(
        shape=shape,
        row=row,
        column=column,
        area=area,
        model_column=model_column,
        promised=_gather(_area(model, sight), row, model_column, shape),
        tilt_deg=_tilt(relief, sight),
        layover=layover,
        shadow=shadow[1],
    )


def sense(view: View, ground: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One pass over the valley.

    Args:
        ground: (2, H, W) gamma naught of VV and VH, linear power.
        rng: speckle and the error of geolocation of this pass.

    Returns:
        (2, H, W) terrain-flattened gamma naught, linear power, 0 where the radar sees nothing at all.
    """
    flat = float(np.median(view.promised[view.promised > 0]))
    # Absolute location of Sentinel-1 is good to some metres.
    shift = rng.normal(0.0, 0.2, 2).astype(np.float32)
    places = np.stack([view.row + shift[0], view.model_column + shift[1]])
    dark = view.promised < _SHADOW_SHARE * flat
    seen = np.empty_like(ground)
    for band, level in enumerate(ground):
        power = _gather(level * view.area, view.row, view.column, view.shape) + np.float32(_NOISE * flat)
        power *= speckle(view.shape, rng)
        power /= np.maximum(view.promised, np.float32(_SHADOW_SHARE * flat))
        power[dark] = 0.0
        ndimage.map_coordinates(power, places, output=seen[band], order=1, mode="nearest")
    return seen


def speckle(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Multiplicative speckle of mean 1 and 3 looks, with the correlation of 20 m cells on 10 m pixels."""
    total = np.zeros(shape, dtype=np.float32)
    for _ in range(_SQUARES):
        field = rng.standard_normal((shape[0] + 3, shape[1] + 3), dtype=np.float32)
        field = field[:-3] + field[3:] + 3.0 * (field[1:-2] + field[2:-1])
        field = field[:, :-3] + field[:, 3:] + 3.0 * (field[:, 1:-2] + field[:, 2:-1])
        total += field * field
    # Each of the two kernels (1, 3, 3, 1) multiplies the variance by 20.
    return total / np.float32(_SQUARES * 20.0**2)


def _sight(track: Track, side: int) -> _Sight:
    east, north = np.sin(np.radians(track.look_deg)), np.cos(np.radians(track.look_deg))
    at = np.arange(side, dtype=np.float32) + 0.5 - side / 2.0
    x, y = np.broadcast_to(at[None, :], (side, side)), np.broadcast_to(-at[:, None], (side, side))
    across = (x * east + y * north).astype(np.float32)
    return _Sight(
        east=float(east),
        north=float(north),
        along=(y * east - x * north).astype(np.float32),
        across=across,
        incidence=np.radians(track.incidence_deg + _RANGE_GRADIENT_DEG_PER_M * RESOLUTION_M * across, dtype=np.float32),
    )


def _range_px(height_m: NDArray[np.float32], sight: _Sight) -> NDArray[np.float32]:
    """Range of a point as the ground range at which flat ground would be seen: high points come nearer."""
    return np.asarray(sight.across - height_m / RESOLUTION_M / np.tan(sight.incidence), dtype=np.float32)


def _rise(height_m: NDArray[np.float32], sight: _Sight) -> NDArray[np.float32]:
    """Rise away from the radar, m/m."""
    south, east = np.gradient(height_m, RESOLUTION_M)
    return np.asarray(east * np.float32(sight.east) - south * np.float32(sight.north), dtype=np.float32)


def _area(height_m: NDArray[np.float32], sight: _Sight) -> NDArray[np.float32]:
    """Area of a pixel's ground projected across the line of sight, in units of the pixel: Small's gamma area."""
    rise = _rise(height_m, sight)
    return np.asarray(np.clip(np.cos(sight.incidence) + rise * np.sin(sight.incidence), 0.0, None), dtype=np.float32)


def _tilt(relief: Relief, sight: _Sight) -> NDArray[np.float32]:
    rise = relief.east * np.float32(sight.east) + relief.north * np.float32(sight.north)
    facing = (np.cos(sight.incidence) + rise * np.sin(sight.incidence)) / np.sqrt(1 + relief.east**2 + relief.north**2)
    return np.asarray(np.degrees(np.arccos(np.clip(facing, -1.0, 1.0)) - sight.incidence), dtype=np.float32)


def _gather(
    power: NDArray[np.float32], row: NDArray[np.float32], column: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Sum what the pixels send into the radar's cells (bilinear), and blur it to the radar's resolution: (A, R)."""
    top, left = np.floor(row), np.floor(column)
    down, right = (row - top).ravel(), (column - left).ravel()
    first = (top * shape[1] + left).astype(np.int64).ravel()
    sent = power.ravel()
    total = np.zeros(shape[0] * shape[1], dtype=np.float64)
    for step, weight in (
        (0, (1 - down) * (1 - right)),
        (1, (1 - down) * right),
        (shape[1], down * (1 - right)),
        (shape[1] + 1, down * right),
    ):
        total += np.bincount(first + step, weights=sent * weight, minlength=total.size)
    cells = total.reshape(shape).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(cells, _RESOLUTION_PX, truncate=3.0), dtype=np.float32)


def _hidden(
    surface_m: NDArray[np.float32], terrain_m: NDArray[np.float32], sight: _Sight
) -> tuple[NDArray[np.bool_], tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Layover of the terrain, and shadow thrown by everything and by the terrain alone, each (H, W).

    On lines away from the radar a point lies in shadow when the ray to it passes under an earlier one, and in layover
    when its range is not greater than that of every earlier point and smaller than that of every later one.
    """
    side = surface_m.shape[0]
    reach = float(np.abs(sight.along).max())
    lines = np.arange(-reach, reach + 1.0, dtype=np.float32)
    along, across = lines[:, None], lines[None, :]
    rows = -(along * sight.east + across * sight.north) + (side / 2.0 - 0.5)
    columns = -along * sight.north + across * sight.east + (side / 2.0 - 0.5)
    slant = np.cos(sight.incidence.mean()) / np.sin(sight.incidence.mean())
    masks = []
    for height in (surface_m, terrain_m):
        on_lines = ndimage.map_coordinates(height / RESOLUTION_M, [rows, columns], order=1, mode="nearest")
        ray = on_lines + across * slant
        masks.append(ray < np.maximum.accumulate(ray, axis=1) - 0.05)
        nearness = across - on_lines * slant
    later = np.minimum.accumulate(nearness[:, ::-1], axis=1)[:, ::-1]
    masks.append((nearness < np.maximum.accumulate(nearness, axis=1)) | (nearness > later))
    back = np.stack([sight.along + reach, sight.across + reach])
    thrown, dark, laid = (ndimage.map_coordinates(m.astype(np.uint8), back, order=0) > 0 for m in masks)
    return laid, (thrown, dark)
