"""Values out of STAC documents, whatever a catalog wrote there: the right type, or None."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import shapely
from shapely import affinity, box
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

Document = Mapping[str, object]

_WORLD = box(-180, -90, 180, 90)


def table(value: object) -> Document:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Document]:
    """The JSON objects of a JSON array; anything else is left out."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def text(properties: Document, *names: str) -> str | None:
    """The first of these properties that is a word or a number, as text."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


def number(properties: Document, *names: str) -> float | None:
    """The first of these properties that is a finite number (also when written as text)."""
    for name in names:
        value = text(properties, name)
        try:
            found = float(value) if value is not None else math.nan
        except ValueError:
            continue
        if math.isfinite(found):
            return found
    return None


def time(properties: Document, *names: str) -> datetime | None:
    """The first of these properties that is a time, as aware UTC (a time without offset is UTC by the STAC rule)."""
    for name in names:
        value = properties.get(name)
        try:
            found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
            if found is not None:
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def footprint(document: Document) -> BaseGeometry | None:
    """The item's (Multi)Polygon in EPSG:4326 within ±180 degrees, or None when it has no usable one."""
    geometry = document.get("geometry")
    if not isinstance(geometry, Mapping) or not geometry:
        return None
    try:
        outline = shapely.make_valid(shapely.force_2d(shape(dict(geometry))))
        outline = _within_world(outline)
    # shapely raises a dozen kinds on malformed coordinates; all mean the same: this is no footprint.
    except (shapely.errors.ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return None
    return outline if outline.area > 0 and math.isfinite(outline.area) else None


def _within_world(outline: BaseGeometry) -> BaseGeometry:
    """Cut a footprint at the antimeridian.

    Some catalogs write a scene at 180 degrees as a band round the whole planet (179 to -179), others leave ±180.
    No swath is half a planet wide, so a wider polygon is meant to go the short way.
    """
    west, _, east, _ = outline.bounds
    if west >= -180 and east <= 180 and east - west <= 180:
        return outline
    parts = [_short_way(part) for part in shapely.get_parts(outline)]
    shifted = [affinity.translate(part, xoff=turn) for part in parts for turn in (-360, 0, 360)]
    return shapely.union_all([part.intersection(_WORLD) for part in shifted])


def _short_way(part: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = part.bounds
    if not 180 < east - west < 360:
        return part
    eastward = shapely.transform(part, lambda xy: np.column_stack([xy[:, 0] + 360 * (xy[:, 0] < 0), xy[:, 1]]))
    return shapely.make_valid(eastward)
