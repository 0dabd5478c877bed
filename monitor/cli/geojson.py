"""Regions and alerts as GeoJSON (RFC 7946: EPSG:4326, longitude first)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import orient_polygons, set_precision
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from monitor.core import context_words
from monitor.core.canvas import canvases
from monitor.core.clusters import outline
from monitor.core.context_json import context_to_json, next_pass_to_json
from monitor.core.grid import PIXEL_HA, pixels_within, project, region_tiles
from monitor.core.severity import certainty, urgency
from monitor.core.slope_sight import TrackSight, unseen
from monitor.overview import Coverage
from monitor.ports import SlopeSights
from monitor.records import Event, NextPass, Region, Tile

Json = dict[str, object]

_DEGREES = 1e-7
"""Coordinates are rounded to a centimetre; set_precision keeps the outlines valid."""


def alert_collection(
    events: Iterable[Event],
    coverages: Iterable[Coverage],
    products: Path,
    coming: Mapping[str, Sequence[NextPass]] | None = None,
) -> Json:
    """Alerts, worst first, with what was not observed beside them.

    Args:
        events: with geometries in EPSG:4326.
        coverages: one for each region asked about.
        products: the product folder, where pictures lie; their paths are told relative to it.
        coming: the passes expected by region, as of now; what an event has is of when it was last told.
    """
    return {
        "type": "FeatureCollection",
        "features": [_alert(event, products) for event in worst_first(events)],
        "not_observed": {coverage.region: not_observed(coverage) for coverage in coverages},
        "next_passes": {
            region: [next_pass_to_json(one) for one in passes] for region, passes in (coming or {}).items()
        },
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
        "radar_blind_slopes": {
            "tracks": {track: _sight(one) for track, one in coverage.blind.tracks.items()},
            "seen_by_no_track": _sight(coverage.blind.together),
            "tiles_unknown": coverage.blind.unknown_tiles,
        },
        "network_answers": [
            {"sensor": sensor.value, "answer": answer.value, "looks": looks}
            for (sensor, answer), looks in sorted(coverage.answers.items())
        ],
    }


def region_collection(regions: Iterable[Region]) -> Json:
    """The watched regions."""
    return {"type": "FeatureCollection", "features": [_region(region) for region in regions]}


def blind_collection(regions: Iterable[Region], coverages: Iterable[Coverage], sights: SlopeSights) -> Json:
    """Slopes that none of the radar tracks in use ever sees, one feature for each tile that has some."""
    tracks = {coverage.region: coverage.blind.tracks for coverage in coverages}
    features = [
        _blind(region, tile, {track: one for track, one in sights.read(tile).items() if track in tracks[region.id]})
        for region in regions
        for tile in region_tiles(region.geometry)
    ]
    return {"type": "FeatureCollection", "features": [feature for feature in features if feature is not None]}


def _blind(region: Region, tile: Tile, sights: Mapping[str, NDArray[np.uint8]]) -> Json | None:
    if not sights:
        return None
    hidden = unseen(sights.values()) & pixels_within(region.geometry, tile)
    if not hidden.any():
        return None
    (canvas,) = canvases([tile])
    ground = project(outline(hidden, canvas.window(tile), canvas), tile.epsg, 4326)
    return {
        "type": "Feature",
        "id": f"{region.id}-{tile.id}",
        "geometry": mapping(_counter_clockwise(set_precision(ground, _DEGREES))),
        "properties": {
            "region": region.id,
            "tile": tile.id,
            "area_ha": round(float(hidden.sum()) * PIXEL_HA, 2),
            "tracks": list(sights),
        },
    }


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
            "alike_from_m": None if event.alike_from_m is None else round(event.alike_from_m),
            "window_start": event.window_start.isoformat(),
            "window_end": event.window_end.isoformat(),
            "picture": event.picture if has_picture(event, products) else None,
            "urgency": urgency(event).value,
            "certainty": certainty(event).value,
            "told": context_words.told(event) or None,
            **_context(event),
            "model_version": event.model_version,
            "tiles": [tile.id for tile in event.tiles],
        },
    }


def _context(event: Event) -> Json:
    """What surrounds an event, its parts among the other properties; null where it is not known."""
    names = ("severity", "severity_reason", "runout", "land_cover", "exposure", "next_passes")
    return dict.fromkeys(names) if event.context is None else context_to_json(event.context)


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


def _sight(one: TrackSight) -> Json:
    return {
        "slopes_km2": round(one.slopes_km2, 4),
        "blind_km2": round(one.blind_km2, 4),
        "blind_share": round(one.blind_share, 4),
    }


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
