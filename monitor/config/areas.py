"""Ground that a person draws in a region, for an event that is declared or for a silence."""

from pathlib import Path

from pydantic_core import PydanticCustomError
from shapely import get_parts
from shapely.geometry.base import BaseGeometry

from monitor.config.extent import LARGEST_KM2, held_km2
from monitor.config.geometry import PAST_180, area_geometry
from monitor.errors import Refused

_HALF_WAY_DEG = 180.0
"""Nobody draws so much: an outline or a box that is wider goes the wrong way round the Earth."""
_ALL = "To mean all of the region, leave the area out."


def drawn_area(value: BaseGeometry | Path | dict[str, object]) -> BaseGeometry:
    """A polygon in EPSG:4326, which may reach beyond its region.

    Args:
        value: a geometry, a GeoJSON object, or the path of a GeoJSON file.

    Raises:
        PydanticCustomError: it is no valid area on Earth.
        Refused: it crosses the antimeridian uncut, or is larger than any region.
    """
    try:
        area = area_geometry(value)
    except PydanticCustomError as err:
        if err.type == PAST_180:
            raise _uncut() from err
        raise
    if any(part.bounds[2] - part.bounds[0] > _HALF_WAY_DEG for part in get_parts(area)):
        raise _uncut()
    spans_km2 = held_km2(area)
    if spans_km2 > LARGEST_KM2:
        raise Refused(
            f"the area spans {spans_km2:,.0f} km², more than any region may ({LARGEST_KM2:,.0f} km²)",
            item="area",
            remedy=f"Draw only the ground that is meant, longitude first. {_ALL}",
            reason="area-too-large",
        )
    return area


def drawn_box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """The same of a box.

    Raises:
        PydanticCustomError, ValidationError: it is no box on Earth.
        Refused: as `drawn_area`.
    """
    if west - east > _HALF_WAY_DEG:
        raise _uncut()
    return drawn_area(area_geometry({"bbox": [west, south, east, north]}))


def _uncut() -> Refused:
    return Refused(
        "the area crosses the 180th meridian",
        item="area",
        remedy=f"Give a GeoJSON MultiPolygon with a part on either side. {_ALL}",
        reason="crosses-180",
    )
