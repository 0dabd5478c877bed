"""Ground and time that are no quiet ground: known events, declared ones, and what is or may be a landslide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from monitor.errors import ConfigError
from monitor.records import Declaration, Event

_REMEDY = (
    "Give a GeoJSON FeatureCollection of polygons in degrees (EPSG:4326), each with `from` and `to` among its "
    "properties, such as 2026-07-01, or without them."
)
_ALWAYS = datetime(1900, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """Ground on which something is known to have happened."""

    geometry: BaseGeometry
    """EPSG:4326."""
    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is excepted then."""
        return self.start <= at <= self.end


def load_excepted(path: Path) -> tuple[Excepted, ...]:
    """The features of a file of GeoJSON; a day in `to` counts to its end.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        features = content["features"] if content["type"] == "FeatureCollection" else [content]
        return tuple(_feature(one, place) for place, one in enumerate(features, start=1))
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", item=str(path), remedy=_REMEDY) from err
    except (ValueError, KeyError, TypeError, AttributeError, ShapelyError) as err:
        raise ConfigError(f"is no file of excepted ground ({err})", item=str(path), remedy=_REMEDY) from err


def _feature(feature: dict[str, Any], place: int) -> Excepted:
    geometry = feature["geometry"] if feature["type"] == "Feature" else feature
    ground = shape(geometry)
    if ground.geom_type not in ("Polygon", "MultiPolygon") or ground.is_empty or not ground.is_valid:
        raise ValueError(f"feature {place} is no valid polygon")
    found = feature.get("properties")
    properties = found if isinstance(found, dict) else {}
    start = _time(properties.get("from"), _ALWAYS[0], False)
    end = _time(properties.get("to"), _ALWAYS[1], True)
    if end < start:
        raise ValueError(f"feature {place} ends before it begins")
    return Excepted(geometry=ground, start=start, end=end)


def _time(value: object, otherwise: datetime, to_the_end: bool) -> datetime:
    if value is None:
        return otherwise
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no date")
    at = datetime.fromisoformat(value)
    day = len(value) == len("2026-07-01")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at + timedelta(days=1) if day and to_the_end else at


def during(declaration: Declaration, region: BaseGeometry) -> Excepted:
    """The ground of a declared event while more was asked of it: what failed there is no false event, judged or not.

    Args:
        region: all of its region, EPSG:4326.
    """
    ground = region if declaration.geometry is None else declaration.geometry
    return Excepted(geometry=ground, start=declaration.at, end=declaration.end)


def from_then_on(event: Event) -> Excepted:
    """The ground of an event from its failure window on."""
    return Excepted(geometry=event.geometry, start=event.window_start, end=_ALWAYS[1])
