"""Change that is no landslide: what causes it, where and since when, so that false alerts can be counted by cause."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage
from shapely import union_all
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.sandbox.cover import Cover, LandCover
from monitor.sandbox.frame import EPSG, PAD_PX, Frame, fractal, stream
from monitor.sandbox.scars import Scars
from monitor.sandbox.spectra import SLASH, SNOW, VISIBLE
from monitor.sandbox.terrain import Relief

_BLOCK_PX = ((12.0, 20.0), (14.0, 26.0))
"""Half a felled block's extent is half of these: 120-200 m across, 140-260 m along the contour."""
_FELLED_SLOPE_DEG = (10.0, 28.0)
_TRIES = 400
_SNOW_SHARE = 0.06
_FEWEST_PX = 25
"""A field smaller than a quarter of a hectare is no cause worth a label."""


class Cause(Enum):
    """Why ground changes that did not slide."""

    FIELD = "field"
    """Grown, ripened, mown, harvested or tilled."""
    FLOOD = "flood"
    """The river in the storm: gravel where it left its bed, and standing water for days."""
    CLEARCUT = "clear-cut"
    SNOW = "snow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Ground that changed for another cause than a landslide."""

    cause: Cause
    geometry: BaseGeometry
    """EPSG:4326, one or many polygons."""
    time: datetime
    """The change lies before this moment: the first optical look, or the event itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearcut:
    """One block of felled forest."""

    mask: NDArray[np.bool_]
    """(padded, padded)."""
    since: int
    """First optical look that sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snow:
    """Snow as it lies at one look: a late fall that is gone at the next one, or a day of winter."""

    mask: NDArray[np.bool_]
    """(padded, padded)."""
    look: int
    """The optical look that sees it."""
    melting: bool = True
    """Wet, so that radar sees it too."""
    share: NDArray[np.float32] | None = None
    """(padded, padded) part of each pixel that is white, 0-1; None: all of the mask, and nothing else."""


def fell_forest(relief: Relief, cover: LandCover, scars: Scars, seed: int, quiet: int) -> Clearcut | None:
    """A block along the contour in dense forest, away from scars; None where no such place is found."""
    rng = stream(seed, "clear-cut")
    forest = np.isin(cover.kind, (Cover.BROADLEAF, Cover.CONIFER))
    apart = ~ndimage.binary_dilation(scars.share > 0.05, iterations=20)
    low, high = _FELLED_SLOPE_DEG
    slope = ndimage.gaussian_filter(relief.slope_deg, 5.0)
    rough = fractal(forest.shape[0], rng, beta=2.4, longest_px=16)
    inside = forest & apart & (slope > low) & (slope < high)
    rim = PAD_PX + 20
    inside[:rim] = inside[-rim:] = inside[:, :rim] = inside[:, -rim:] = False
    places = np.argwhere(inside)
    for row, column in places[rng.integers(0, max(len(places), 1), _TRIES if len(places) else 0)]:
        half = [rng.uniform(*extent) / 2.0 for extent in _BLOCK_PX]
        block = _block(row, column, half, relief, rough)
        if inside[block].mean() > 0.97:
            return Clearcut(mask=block & forest, since=int(rng.integers(min(1, quiet - 1), quiet)))
    return None


def _block(row: int, column: int, half: list[float], relief: Relief, rough: NDArray[np.float32]) -> NDArray[np.bool_]:
    """A rectangle with a slightly wavy border, its long side along the contour."""
    down = np.array([-relief.north[row, column], relief.east[row, column]])
    down /= np.hypot(*down) + 1e-9
    rows, columns = np.indices(rough.shape, dtype=np.float32)
    along_fall = (rows - row) * down[0] + (columns - column) * down[1]
    along_contour = (columns - column) * down[0] - (rows - row) * down[1]
    return np.asarray(
        (np.abs(along_fall) + 0.8 * rough < half[0]) & (np.abs(along_contour) + 0.8 * rough < half[1]), dtype=np.bool_
    )


def let_it_snow(relief: Relief, seed: int, quiet: int) -> Snow:
    """White on the highest six percent of the ground in one quiet look."""
    rng = stream(seed, "snow")
    height = relief.elevation_m + 12.0 * fractal(relief.elevation_m.shape[0], rng, beta=2.4, longest_px=20)
    return Snow(mask=height > np.quantile(height, 1.0 - _SNOW_SHARE), look=int(rng.integers(0, quiet)))


def lay_traps(
    surface: NDArray[np.float32],
    clearcut: Clearcut | None,
    snow: Snow | None,
    scars: Scars,
    look: int,
    bands: slice = VISIBLE,
) -> NDArray[np.float32]:
    """Paint felled ground and snow into the reflectance (bands, H, W) of an optical look."""
    if clearcut is not None and look >= clearcut.since:
        felled = clearcut.mask & (scars.share < 0.05)
        surface[:, felled] = 0.25 * surface[:, felled] + 0.9 * SLASH[bands, None]
    if snow is not None and look == snow.look and snow.share is not None:
        surface *= 1.0 - 0.88 * snow.share
        surface += 0.9 * SNOW[bands, None, None] * snow.share
    elif snow is not None and look == snow.look:
        surface[:, snow.mask] = 0.12 * surface[:, snow.mask] + 0.9 * SNOW[bands, None]
    return surface


def outline(frame: Frame, mask: NDArray[np.bool_]) -> BaseGeometry:
    """Polygons around the pixels of a mask on the padded frame, EPSG:4326; the rim is left out."""
    inner = frame.crop(mask).astype(np.uint8)
    transform: Affine = frame.transform()
    traced = features.shapes(inner, mask=inner > 0, transform=transform)
    return project(union_all([shape(geometry) for geometry, _ in traced]), EPSG, 4326)


def worked_fields(cover: LandCover, before: NDArray[np.int8], after: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(padded, padded) fields of some size in another state than at the look before."""
    on_field = cover.kind == Cover.FIELD
    area_px = np.bincount(cover.parcels.field[on_field], minlength=cover.parcels.count)
    changed = (before != after) & (area_px >= _FEWEST_PX)
    return np.asarray(on_field & changed[cover.parcels.field], dtype=np.bool_)
