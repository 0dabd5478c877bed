"""Synthetic scars painted into real pixels: the honest detection test on quiet scenes, and the drill.

A scar starts at a head on steep ground, follows the line of steepest descent and ends in a tapering
runout. It shows bare soil, lit like the ground it lies on: the light is taken from the pixels
themselves, so no sun position is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

DRY_SOIL: tuple[float, float, float] = (0.20, 0.15, 0.11)
"""Red, green, blue reflectance of dry, light-brown mineral soil; within the range of the soil spectra
in the ECOSTRESS library (Meerdink et al. 2019). Used where a scene shows no bare ground of its own."""

_ELONGATION = 3.5
"""Length over width. Most mapped shallow slides have 2 to 5 (compare Taylor et al. 2018)."""
_STEP_M = 5.0
_LIGHT_SIGMA_PX = 1.5
_LIGHT_RANGE = (0.35, 1.8)
_BLUR_SIGMA_PX = 0.7
"""Blur of the imaging system on the painted edge: about the 10 m point spread of Sentinel-2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scar:
    """Where one implant lies."""

    row: int
    """Head, pixel row."""
    column: int
    area_ha: float
    weight: Array
    """(h, w) share of each pixel of `window` that is bare."""
    window: tuple[slice, slice]


def scar_at(row: int, column: int, area_ha: float, elevation_m: Array, resolution_m: float = 10.0) -> Scar:
    """The shape of a scar of a given area with its head at a pixel.

    Args:
        elevation_m: (H, W), finite around the head.

    The scar is widest in its upper third and tapers to its toe; one factor is solved by bisection so
    that the covered area is right to 1 %.
    """
    length_m = float(np.sqrt(area_ha * 1e4 * _ELONGATION))
    path = _descend(row, column, elevation_m, length_m, resolution_m)
    reach = int(np.ceil(length_m / resolution_m)) + 4
    window = (
        slice(max(0, row - reach), min(elevation_m.shape[0], row + reach + 1)),
        slice(max(0, column - reach), min(elevation_m.shape[1], column + reach + 1)),
    )
    distance, along = _distance_to(path, window)
    taper = 0.4 + 0.6 * np.sin(np.pi * np.clip(along * 0.8 + 0.2, 0.0, 1.0))

    def cover(half_width_px: float) -> Array:
        share: Array = np.clip(0.5 + half_width_px * taper - distance, 0.0, 1.0).astype(np.float32)
        return share

    low, high = 0.0, 4.0 * length_m / resolution_m
    target = area_ha * 1e4 / resolution_m**2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if float(cover(middle).sum()) < target else (low, middle)
    return Scar(row=row, column=column, area_ha=area_ha, weight=cover(high), window=window)


def paint(reflectance: Array, scars: Sequence[Scar], soil: Sequence[float], ground: Mask) -> Array:
    """A copy of (3, H, W) reflectance (red, green, blue; NaN = no data) with bare soil where the scars lie.

    Args:
        soil: red, green, blue reflectance of bare ground above haze under the scene's median light.
        ground: (H, W) clear slopes, which define the scene's haze and light.
    """
    painted = reflectance.copy()
    haze = path_radiance(reflectance, ground)
    light = relative_light(reflectance, ground)
    tint = np.asarray(soil, dtype=np.float32)[:, None, None]
    for scar in scars:
        weight = scipy.ndimage.gaussian_filter(scar.weight, _BLUR_SIGMA_PX)
        patch = painted[:, *scar.window]
        patch += weight * (haze + tint * light[scar.window] - patch)
    return painted


def path_radiance(reflectance: Array, ground: Mask) -> Array:
    """(3, 1, 1) reflectance of the air alone, by the darkest 0.5 % of clear slopes (Chavez 1988)."""
    known = ground & np.isfinite(reflectance).all(axis=0)
    if not known.any():
        return np.zeros((3, 1, 1), dtype=np.float32)
    return np.percentile(reflectance[:, known], 0.5, axis=1).astype(np.float32)[:, None, None]


def relative_light(reflectance: Array, ground: Mask) -> Array:
    """(H, W) light of the scene relative to its clear slopes: 1 is their median, clipped to 0.35-1.8.

    Haze is taken off first; what is left is smoothed, so that it follows the relief and keeps some texture.
    """
    brightness = (reflectance - path_radiance(reflectance, ground)).mean(axis=0)
    known = np.isfinite(brightness)
    weight = scipy.ndimage.gaussian_filter(known.astype(np.float32), _LIGHT_SIGMA_PX)
    smooth = scipy.ndimage.gaussian_filter(np.where(known, brightness, 0.0), _LIGHT_SIGMA_PX) / np.maximum(weight, 1e-3)
    usable = ground & known
    median = float(np.median(smooth[usable])) if usable.any() else 1.0
    light: Array = np.clip(smooth / max(median, 1e-4), *_LIGHT_RANGE).astype(np.float32)
    return light


def bare_soil(reflectance: Array, bare: Mask, ground: Mask) -> tuple[float, float, float]:
    """Red, green, blue of the scene's own bare ground above haze; `DRY_SOIL` with fewer than 50 such pixels.

    Args:
        bare: (H, W) pixels known to be bare ground in open light.
        ground: (H, W) clear slopes.
    """
    seen = bare & np.isfinite(reflectance).all(axis=0)
    if int(seen.sum()) < 50:
        return DRY_SOIL
    above = reflectance[:, seen] - path_radiance(reflectance, ground)[:, :, 0]
    red, green, blue = (float(value) for value in np.median(above, axis=1))
    return red, green, blue


def place(candidates: Mask, count: int, spacing_px: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """Up to `count` random (row, column) of True pixels, no two nearer than `spacing_px` in either direction."""
    rows, columns = np.nonzero(candidates)
    chosen: list[tuple[int, int]] = []
    for index in generator.permutation(rows.size):
        row, column = int(rows[index]), int(columns[index])
        if all(max(abs(row - r), abs(column - c)) >= spacing_px for r, c in chosen):
            chosen.append((row, column))
            if len(chosen) == count:
                break
    return chosen


def _descend(row: int, column: int, elevation_m: Array, length_m: float, resolution_m: float) -> NDArray[np.float64]:
    """(N, 2) points (row, column) every 5 m along the steepest descent, with some momentum through small hollows."""
    height, width = elevation_m.shape
    smooth = scipy.ndimage.gaussian_filter(np.nan_to_num(elevation_m, nan=float(np.nanmean(elevation_m))), 1.0)
    down_rows, down_columns = np.gradient(-smooth)
    point = np.array([float(row), float(column)])
    heading = np.zeros(2)
    path = [point.copy()]
    for _ in range(int(length_m / _STEP_M)):
        r, c = int(np.clip(round(point[0]), 0, height - 1)), int(np.clip(round(point[1]), 0, width - 1))
        slope = np.array([down_rows[r, c], down_columns[r, c]])
        heading = 0.6 * heading + 0.4 * slope / max(float(np.hypot(*slope)), 1e-6)
        norm = float(np.hypot(*heading))
        if norm < 1e-6:
            break
        point = point + heading / norm * _STEP_M / resolution_m
        path.append(point.copy())
    return np.array(path)


def _distance_to(path: NDArray[np.float64], window: tuple[slice, slice]) -> tuple[Array, Array]:
    """Distance in pixels to the nearest path point, and that point's share of the path (0 head, 1 toe)."""
    rows = np.arange(window[0].start, window[0].stop)
    columns = np.arange(window[1].start, window[1].stop)
    grid_rows, grid_columns = np.meshgrid(rows, columns, indexing="ij")
    distances = np.hypot(grid_rows[..., None] - path[:, 0], grid_columns[..., None] - path[:, 1])
    nearest = distances.argmin(axis=-1)
    share = nearest / max(len(path) - 1, 1)
    return distances.min(axis=-1).astype(np.float32), share.astype(np.float32)
