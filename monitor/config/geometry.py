"""From what people write as a region to a polygon, with every mistake named."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from shapely import union_all
from shapely.errors import ShapelyError
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from monitor.config.extent import LARGEST_KM2, burden, held_km2

PAST_180 = "past_180"
"""Type of the error that longitudes go on beyond 180°."""
_AREAS = ("Polygon", "MultiPolygon")


def region_geometry(value: object) -> BaseGeometry:
    """A region's polygon in EPSG:4326.

    Args:
        value: {"bbox": [west, south, east, north]} in degrees, a GeoJSON object (geometry, Feature or
            FeatureCollection), or the path of a GeoJSON file.

    Raises:
        PydanticCustomError, ValidationError: it is none of these, or no area that can be watched.
    """
    area = area_geometry(value)
    held = held_km2(area)
    if held > LARGEST_KM2:
        raise PydanticCustomError("too_large", "the region is too large: {burden}", {"burden": burden(held)})
    return area


def area_geometry(value: object) -> BaseGeometry:
    """A polygon of any size in EPSG:4326, from what `region_geometry` takes.

    Raises:
        PydanticCustomError, ValidationError: it is none of these, or no valid area on Earth.
    """
    if isinstance(value, BaseGeometry):
        return _valid(value)
    if isinstance(value, str | Path):
        return _from_file(Path(value))
    if not isinstance(value, Mapping):
        raise PydanticCustomError("not_geometry", "this is neither a bbox, nor GeoJSON, nor the path of a GeoJSON file")
    if "bbox" in value and "type" not in value:
        return _from_bbox(value)
    return _valid(_from_geojson(value))


def _from_bbox(value: Mapping[str, object]) -> BaseGeometry:
    for key in value:
        if key != "bbox":
            raise _at(key, PydanticCustomError("unknown_key", "no such setting"), value[key])
    numbers = value["bbox"]
    if not _four_numbers(numbers):
        raise _at("bbox", PydanticCustomError("bbox_shape", "a bbox is four numbers"), numbers)
    assert isinstance(numbers, Sequence)
    west, south, east, north = (float(number) for number in numbers)
    if west >= east:
        raise _at(
            "bbox",
            PydanticCustomError("bbox_west_east", "west ({w}) is not less than east ({e})", {"w": west, "e": east}),
            numbers,
        )
    if south >= north:
        raise _at(
            "bbox",
            PydanticCustomError(
                "bbox_south_north", "south ({s}) is not less than north ({n})", {"s": south, "n": north}
            ),
            numbers,
        )
    return _valid(box(west, south, east, north))


def _four_numbers(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        return False
    return all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value)


def _from_file(path: Path) -> BaseGeometry:
    context = {"path": str(path)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise PydanticCustomError("missing_file", "there is no file {path}", context) from err
    except (OSError, UnicodeDecodeError) as err:
        raise PydanticCustomError("unreadable_file", "{path} cannot be read", context) from err
    except json.JSONDecodeError as err:
        raise PydanticCustomError(
            "not_geojson", "{path} is not JSON (line {line})", {**context, "line": err.lineno}
        ) from err
    return _valid(_from_geojson(content))


def _from_geojson(value: object) -> BaseGeometry:
    """The union of all areas of a GeoJSON object; single geometries stay as they are written."""
    if not isinstance(value, Mapping):
        raise PydanticCustomError("not_geojson", "this is not a GeoJSON object")
    kind = value.get("type")
    if kind == "Feature":
        return _from_geojson(value.get("geometry"))
    if kind == "FeatureCollection" and isinstance(features := value.get("features"), list):
        parts = [_valid(_from_geojson(feature)) for feature in features]
        return union_all(parts)
    if kind not in _AREAS:
        raise PydanticCustomError("not_area", "a region is a Polygon or MultiPolygon, not {kind}", {"kind": str(kind)})
    try:
        return shape(dict(value))
    except (ShapelyError, ValueError, TypeError, LookupError, AttributeError) as err:
        raise PydanticCustomError("not_geojson", "its coordinates are not those of a {kind}", {"kind": kind}) from err


def _valid(area: BaseGeometry) -> BaseGeometry:
    if area.is_empty:
        raise PydanticCustomError("empty_polygon", "the polygon is empty: it covers no ground")
    west, south, east, north = area.bounds
    if south >= -90 and north <= 90 and (-180 < west < 180 < east <= 360 or -360 <= west < -180 < east < 180):
        raise PydanticCustomError(PAST_180, "it crosses the 180th meridian")
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise PydanticCustomError(
            "not_degrees", "its coordinates are not longitude (±180) and latitude (±90) in degrees"
        )
    if not area.is_valid:
        # shapely says for example "Self-intersection[141.95 42.71]"
        reason, _, where = explain_validity(area).partition("[")
        position = where.rstrip("]").replace(" ", ", ")
        raise PydanticCustomError(
            "invalid_polygon",
            "the polygon is not valid: {reason} at {position}",
            {"reason": reason, "position": position},
        )
    if area.area == 0:
        raise PydanticCustomError("empty_polygon", "the polygon is empty: it covers no ground")
    return area


def _at(key: object, error: PydanticCustomError, given: object) -> ValidationError:
    """The error, placed at a key below the value that is being validated."""
    return ValidationError.from_exception_data("geometry", [InitErrorDetails(type=error, loc=(str(key),), input=given)])
