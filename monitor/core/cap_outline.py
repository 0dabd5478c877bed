"""Outlines as CAP writes them: closed rings of `lat,lon` without holes, as short as they must be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapely import get_num_coordinates, make_valid, set_precision, union_all
from shapely.affinity import scale
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

_DEGREES = 1e-6
"""Coordinates are rounded to a decimetre."""
_ROUNDING_M = 0.2
_LEAST_CORNER = 18
"""Bytes, and more in most places: `1.234567,8.901234 `."""
_DEGREE_M = 111_700.0
"""Length of a degree of latitude, never less than it is: what is simplified in it strays no farther than is said."""
_SIMPLER_M = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
_JOINED_M = (100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0, 50_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Rings, and how far they may lie from the ground they outline."""

    rings: tuple[str, ...]
    """Each `lat,lon lat,lon ...` in degrees, the first point repeated at the end."""
    tolerance_m: float
    """Of any point of the ground to the rings' inside, and of any point inside to the ground, holes apart."""


def outline_text(geometry: BaseGeometry, most_bytes: int) -> Outline:
    """The outline of ground with the least simplification that fits.

    First corners are left out; where that is not enough, as of thousands of pieces, those near each other are joined.
    Holes are left out: CAP has none.

    Args:
        geometry: Polygon or MultiPolygon, EPSG:4326; what is neither is outlined by its box.
        most_bytes: of all rings together.
    """
    scaled = _Metres.around(geometry)
    parts = [Polygon(one.exterior) for one in _polygons(scaled.forth(geometry))]
    for polygons, tolerance_m in _candidates(parts):
        if sum(map(get_num_coordinates, polygons)) * _LEAST_CORNER > most_bytes:
            continue
        rings = _rings([scaled.back(one) for one in polygons])
        if rings and sum(map(len, rings)) <= most_bytes:
            return Outline(rings=rings, tolerance_m=tolerance_m + _ROUNDING_M)
    around = box(*geometry.buffer(_DEGREES).bounds)
    away = math.ceil(scaled.forth(around).length / 2)
    return Outline(rings=_rings([around]), tolerance_m=away + _ROUNDING_M)


def local_metres(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry in degrees with its shape as on the ground, in metres, good for what an alert covers."""
    return _Metres.around(geometry).forth(geometry)


@dataclass(frozen=True, slots=True)
class _Metres:
    """Degrees to metres, good for what an alert covers. Nothing is longer than it is said."""

    x: float
    y: float

    @staticmethod
    def around(geometry: BaseGeometry) -> "_Metres":
        """A degree of longitude is taken where it is longest."""
        _west, south, _east, north = geometry.bounds
        nearest = 0.0 if south < 0 < north else min(abs(south), abs(north))
        return _Metres(_DEGREE_M * max(math.cos(math.radians(nearest)), 0.01), _DEGREE_M)

    def forth(self, geometry: BaseGeometry) -> BaseGeometry:
        """Of degrees."""
        return scale(geometry, self.x, self.y, origin=(0, 0))

    def back(self, geometry: BaseGeometry) -> BaseGeometry:
        """To degrees."""
        return scale(geometry, 1 / self.x, 1 / self.y, origin=(0, 0))


def _candidates(parts: Sequence[Polygon]) -> Iterator[tuple[list[Polygon], float]]:
    """Ever simpler outlines in metres, each with how far it may lie from the ground."""
    for tolerance in _SIMPLER_M:
        yield _simpler(parts, tolerance), tolerance
    for reach in _JOINED_M:
        # What is left inside after growing and shrinking by `reach` lies within `reach` of the ground.
        grown = union_all([one.buffer(reach, quad_segs=3) for one in _simpler(parts, reach)])
        joined = [Polygon(one.exterior) for one in _polygons(grown.buffer(-reach, quad_segs=3))]
        yield _simpler(joined, reach), 3 * reach


def _simpler(parts: Sequence[Polygon], tolerance_m: float) -> list[Polygon]:
    # GEOS leaves out corners by half of it, and then the corner where a ring starts by as much again.
    return [polygon for one in parts for polygon in _polygons(one.simplify(tolerance_m / 2))]


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]


def _rings(polygons: Sequence[BaseGeometry]) -> tuple[str, ...]:
    rounded = [
        polygon
        for one in polygons
        for polygon in _polygons(set_precision(make_valid(one), _DEGREES)) or [box(*one.buffer(_DEGREES).bounds)]
    ]
    return tuple(" ".join(f"{y:.6f},{x:.6f}" for x, y in one.exterior.coords) for one in rounded)
