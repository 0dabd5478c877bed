"""How much ground a region makes the service hold at once, known before anything is cut into tiles."""

import math

from pyproj import Geod
from shapely import box, segmentize
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import TILE_M

LARGEST_KM2 = 25_000.0
"""Regions beyond are refused: a pass would hold more than 65 GB."""
LARGE_KM2 = 2_500.0
"""Regions beyond deserve a thought: a pass holds more than 7 GB."""

_TILE_KM2 = (TILE_M / 1000.0) ** 2
_SERVICE_GB, _TILE_GB = 1.0, 0.0175
"""Memory of the service itself, and per tile of the bounding rectangle (docs/operate.md)."""
_ZONE_DEG = 6.0
_STEP_DEG = 0.1
"""Parallels are no geodesics; with a corner every 0.1 degrees the area errs by less than 0.01 %."""


def held_km2(area: BaseGeometry) -> float:
    """Geodesic area of the bounding rectangles of a region, one for each UTM zone and hemisphere, as they are held.

    Args:
        area: valid (Multi)Polygon in EPSG:4326.
    """
    west, _, east, _ = area.bounds
    edges = [_ZONE_DEG * zone for zone in range(math.floor(west / _ZONE_DEG), math.ceil(east / _ZONE_DEG))]
    strips = [box(edge, south, edge + _ZONE_DEG, south + 90.0) for edge in edges for south in (-90.0, 0.0)]
    return sum(_rectangle_km2(part) for strip in strips if (part := area.intersection(strip)).area > 0)


def burden(km2: float) -> str:
    """What so much ground means, in plain words."""
    tiles = math.ceil(km2 / _TILE_KM2)
    memory_gb = _SERVICE_GB + tiles * _TILE_GB
    return f"{km2:,.0f} km² to be held at once, about {tiles:,} tiles and {memory_gb:,.0f} GB of memory"


def _rectangle_km2(part: BaseGeometry) -> float:
    rectangle = segmentize(box(*part.bounds), _STEP_DEG)
    area_m2, _ = Geod(ellps="WGS84").geometry_area_perimeter(rectangle)
    return float(abs(area_m2)) / 1e6
