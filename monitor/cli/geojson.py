"""Regions and alerts as GeoJSON (RFC 7946: EPSG:4326, longitude first)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import mapping

from monitor.core.alive import Pulse, SignOfLife, trouble_json, unwatched
from monitor.core.alive_telling import trouble_told
from monitor.core.canvas import canvases
from monitor.core.clusters import outline
from monitor.core.context_json import next_pass_to_json
from monitor.core.geojson import Json, alert_feature, counter_clockwise, ground
from monitor.core.grid import PIXEL_HA, pixels_within, project, region_tiles
from monitor.core.slope_sight import TrackSight, unseen
from monitor.overview import Coverage
from monitor.ports import SlopeSights
from monitor.records import Event, NextPass, Region, Tile


def alert_collection(
    events: Iterable[Event],
    coverages: Iterable[Coverage],
    products: Path,
    coming: Mapping[str, Sequence[NextPass]] | None = None,
) -> Json:
    """Alerts with what was not observed beside them.

    Args:
        events: in their order, with geometries in EPSG:4326.
        coverages: one for each region asked about.
        products: the product folder, where pictures lie; their paths are told relative to it.
        coming: the passes expected by region, as of now; what an event has is of when it was last told.
    """
    return {
        "type": "FeatureCollection",
        "features": [alert_feature(event, event.picture if has_picture(event, products) else None) for event in events],
        "not_observed": {
            coverage.region: not_observed(coverage, (coming or {}).get(coverage.region, ())) for coverage in coverages
        },
        "next_passes": {
            region: [next_pass_to_json(one) for one in passes] for region, passes in (coming or {}).items()
        },
    }


def not_observed(coverage: Coverage, coming: Sequence[NextPass] = (), sign: SignOfLife | None = None) -> Json:
    """What the absence of an alert says nothing about. Shares are 0-1 of the region's ground.

    Args:
        coverage: of a region, or of the ground of a declared event.
        coming: the passes expected there.
        sign: how the watch over the region stands; None leaves out whether it is well.
    """
    wrong = {} if sign is None else troubles_told(sign)
    return wrong | {
        "since": coverage.since.isoformat(),
        "first_acquisition": _time(coverage.first),
        "share_not_observed": round(1.0 - coverage.compared, 6),
        "share_without_earlier_look": round(coverage.seen - coverage.compared, 6),
        "share_not_seen": round(1.0 - coverage.seen, 6),
        "tiles": coverage.tiles,
        "tiles_never_observed": [tile.id for tile in coverage.never_observed],
        "tiles_without_elevation": [tile.id for tile in coverage.no_elevation],
        "tiles_flat": [tile.id for tile in coverage.flat],
        "tiles_without_earlier_look": [tile.id for tile in coverage.not_compared],
        "last_look": _time(coverage.last_look),
        "last_look_by_sensor": {sensor.value: at.isoformat() for sensor, at in sorted(coverage.last_look_by.items())},
        "last_look_of_tiles": _ages(coverage),
        "share_seen_by_sensor": {sensor.value: round(share, 6) for sensor, share in sorted(coverage.seen_by.items())},
        "share_compared_by_sensor": {
            sensor.value: round(share, 6) for sensor, share in sorted(coverage.compared_by.items())
        },
        "learning": coverage.learning,
        "learning_rates_km2_years": {
            sensor.value: round(km2_years, 3) for sensor, km2_years in sorted(coverage.learning_rates.items())
        },
        "radar_blind_slopes": {
            "tracks": {track: _sight(one) for track, one in coverage.blind.tracks.items()},
            "seen_by_no_track": _sight(coverage.blind.together),
            "km2_not_seen_by_optics": round(coverage.blind.not_seen_km2, 4),
            "tiles_unknown": coverage.blind.unknown_tiles,
        },
        "network_answers": [
            {"sensor": sensor.value, "answer": answer.value, "looks": looks}
            for (sensor, answer), looks in sorted(coverage.answers.items())
        ],
        "next_passes": [next_pass_to_json(one) for one in coming],
    }


def troubles_told(pulse: Pulse) -> Json:
    """Why the watch over a region is not well, as `not_observed` has it."""
    return {"troubles": [trouble_json(one) | {"told": trouble_told(one, pulse)} for one in unwatched(pulse)]}


def _ages(coverage: Coverage) -> Json:
    """How long tiles have waited for a look: null where there was none."""
    ages = coverage.by_age
    return {
        "median": _time(coverage.median_last_look),
        "oldest": _time(ages[0][1]) if ages else None,
        "oldest_tile": ages[0][0].id if ages else None,
        "tiles_without": sum(at is None for _, at in ages),
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
    hidden_ground = project(outline(hidden, canvas.window(tile), canvas), tile.epsg, 4326)
    return {
        "type": "Feature",
        "id": f"{region.id}-{tile.id}",
        "geometry": ground(hidden_ground),
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


def _region(region: Region) -> Json:
    return {
        "type": "Feature",
        "id": region.id,
        "bbox": list(region.geometry.bounds),
        "geometry": mapping(counter_clockwise(region.geometry)),
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
