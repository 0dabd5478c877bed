"""Regions and alerts as GeoJSON (RFC 7946: EPSG:4326, longitude first)."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from shapely import orient_polygons, set_precision
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from monitor.overview import Coverage
from monitor.records import Event, Region

Json = dict[str, object]

_DEGREES = 1e-7
"""Coordinates are rounded to a centimetre; set_precision keeps the outlines valid."""


def alert_collection(events: Iterable[Event], coverages: Iterable[Coverage], products: Path) -> Json:
    """Alerts, worst first, with what was not observed beside them.

    Args:
        events: with geometries in EPSG:4326.
        coverages: one for each region asked about.
        products: the product folder, where pictures lie; their paths are told relative to it.
    """
    return {
        "type": "FeatureCollection",
        "features": [_alert(event, products) for event in worst_first(events)],
        "not_observed": {coverage.region: not_observed(coverage) for coverage in coverages},
    }


def worst_first(events: Iterable[Event]) -> list[Event]:
    """Strongest first; ties by id, so that the order is always the same."""
    return sorted(events, key=lambda event: (-event.strength, event.id))


def not_observed(coverage: Coverage) -> Json:
    """What the absence of an alert says nothing about. Shares are 0-1 of the region's ground."""
    return {
        "since": coverage.since.isoformat(),
        "share_not_observed": round(1.0 - coverage.compared, 4),
        "share_without_earlier_look": round(coverage.seen - coverage.compared, 4),
        "share_not_seen": round(1.0 - coverage.seen, 4),
        "tiles": coverage.tiles,
        "tiles_never_observed": [tile.id for tile in coverage.never_observed],
        "tiles_without_elevation": [tile.id for tile in coverage.no_elevation],
        "tiles_flat": [tile.id for tile in coverage.flat],
        "tiles_without_earlier_look": [tile.id for tile in coverage.not_compared],
        "last_look": _time(coverage.last_look),
        "share_compared_by_sensor": {
            sensor.value: round(share, 4) for sensor, share in sorted(coverage.compared_by.items())
        },
        "learning": coverage.learning,
        "network_answers": [
            {"sensor": sensor.value, "answer": answer.value, "looks": looks}
            for (sensor, answer), looks in sorted(coverage.answers.items())
        ],
    }


def region_collection(regions: Iterable[Region]) -> Json:
    """The watched regions."""
    return {"type": "FeatureCollection", "features": [_region(region) for region in regions]}


def has_picture(event: Event, products: Path) -> bool:
    """Whether an event's picture really lies in the product folder."""
    return bool(event.picture) and (products / str(event.picture)).is_file()


def _counter_clockwise(area: BaseGeometry) -> BaseGeometry:
    """Exterior rings counter-clockwise, holes clockwise (RFC 7946, 3.1.6)."""
    return orient_polygons(area)


def _alert(event: Event, products: Path) -> Json:
    return {
        "type": "Feature",
        "id": event.id,
        "geometry": mapping(_counter_clockwise(set_precision(event.geometry, _DEGREES))),
        "properties": {
            "id": event.id,
            "region": event.region,
            "state": event.state.value,
            "status": event.status.value,
            "detector": event.detector.value,
            "area_ha": round(event.area_ha, 3),
            "mean_change": round(event.mean_change, 4),
            "strength": round(event.strength, 4),
            "spread": round(event.spread, 4),
            "slope_deg": round(event.slope_deg, 1),
            "confidence": event.confidence,
            "confidence_reason": event.confidence_reason,
            "window_start": event.window_start.isoformat(),
            "window_end": event.window_end.isoformat(),
            "picture": event.picture if has_picture(event, products) else None,
            "model_version": event.model_version,
            "tiles": [tile.id for tile in event.tiles],
        },
    }


def _region(region: Region) -> Json:
    return {
        "type": "Feature",
        "id": region.id,
        "bbox": list(region.geometry.bounds),
        "geometry": mapping(_counter_clockwise(region.geometry)),
        "properties": {
            "id": region.id,
            "catalogs": list(region.catalogs),
            "lookback_days": region.lookback_days,
            "sensor_policy": region.sensor_policy.value,
        },
    }


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
