"""Where a single raster lies, and how large its pixels are there."""

import math
from dataclasses import dataclass

from affine import Affine
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.io import DatasetReader

from monitor.records import ModelCard

_LIKE = 1.5
"""Sizes of pixels that differ by less are taken for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a chip lies."""

    crs: CRS
    transform: Affine


def pixel_ha(file: DatasetReader) -> float:
    """Area of a pixel in the middle of a raster, by its CRS; degrees are measured on the WGS 84 ellipsoid."""
    transform: Affine = file.transform
    if file.crs.is_projected:
        return abs(float(transform.determinant)) * float(file.crs.linear_units_factor[1]) ** 2 / 1e4
    x, y = transform @ (file.width / 2, file.height / 2)
    longitudes, latitudes = [x, x + transform.a, x + transform.a, x], [y, y, y + transform.e, y + transform.e]
    area_m2, _ = Geod(ellps="WGS84").polygon_area_perimeter(longitudes, latitudes)
    return abs(float(area_m2)) / 1e4


def side_m(area_ha: float) -> float:
    """Side of a square pixel of this area."""
    return math.sqrt(area_ha * 1e4)


def unlike(area_ha: float, card: ModelCard) -> str:
    """Words when pixels are not of the size a network was trained on, else nothing."""
    side = side_m(area_ha)
    if 1 / _LIKE < side / card.resolution_m < _LIKE:
        return ""
    return f"pixels of {side:.0f} m, but the network knows ground at {card.resolution_m:.0f} m"
