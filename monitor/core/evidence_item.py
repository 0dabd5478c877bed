"""The STAC item (1.1) of an alert's evidence: what was seen, when, and where the pixels are."""

from collections.abc import Sequence
from datetime import UTC, datetime

from monitor.core.addresses import CAP_TYPE, GEOJSON_TYPE, HTML_TYPE, PNG_TYPE, Addresses
from monitor.core.geojson import Json, ground, rounded
from monitor.core.telling import headline, opening_rate, sensor_of
from monitor.records import Event, Evidence

_TIFF = "image/tiff; application=geotiff"
CHIPS = {
    "before.tif": "Before: what the ground was compared with",
    "after.tif": "After: the look that made it an alert",
    "probability.tif": "Answer of the network",
    "change.tif": "Measured change",
}
"""Kept beside the picture, by file name; an alert need not have all."""


def evidence_item(event: Event, chips: Sequence[str], told: Sequence[int], addresses: Addresses) -> Json:
    """The item.

    Args:
        chips: which of `CHIPS` there are.
        told: numbers of the revisions that have a CAP message, oldest first.
    """
    changed = max((step.at for step in event.transitions), default=event.window_end)
    shape = ground(event.geometry)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": event.id,
        "geometry": shape,
        "bbox": [round(value, 7) for value in event.geometry.bounds],
        "properties": _properties(event) | {"updated": _time(changed)},
        "links": [
            {"rel": "self", "href": addresses.evidence(event.id), "type": GEOJSON_TYPE},
            {"rel": "alternate", "href": addresses.page(event.id), "type": HTML_TYPE},
            {"rel": "via", "href": addresses.alert(event.id), "type": "application/json"},
            *({"rel": "cap", "href": addresses.cap(event.id, one), "type": CAP_TYPE} for one in told),
        ],
        "assets": _assets(event, chips, addresses),
    }


def _properties(event: Event) -> Json:
    return {
        "datetime": None,
        "start_datetime": _time(event.window_start),
        "end_datetime": _time(event.window_end),
        "title": headline(event),
        "scarpwatch:region": event.region,
        "scarpwatch:storm": event.storm or None,
        "scarpwatch:state": event.state.value,
        "scarpwatch:tier": event.tier.value,
        "scarpwatch:status": event.status.value,
        "scarpwatch:area_ha": rounded(event.area_ha, 3),
        "scarpwatch:false_events_per_1000km2_year": opening_rate(event),
        "scarpwatch:confidence": event.confidence,
        "scarpwatch:model_version": event.model_version,
        "scarpwatch:evidence": [evidence_json(piece, event) for piece in event.evidence],
    }


def evidence_json(piece: Evidence, event: Event) -> Json:
    """What one look says. Numbers that are not known are null."""
    return {
        "acquisition": piece.acquisition_id,
        "sensing_time": _time(piece.sensing_time),
        "sensor": sensor_of(piece, event).value,
        "detector": piece.detector.value,
        "verdict": piece.verdict.value,
        "observed_fraction": rounded(piece.observed_fraction, 4),
        "level": rounded(piece.level, 4),
        "strength": rounded(piece.strength, 4),
        "false_events_per_1000km2_year": piece.rate,
        "rate_simulated": piece.rate_simulated,
        "of_record": piece.of_record,
        "withdrawn": piece.withdrawn,
        "detail": piece.detail,
    }


def _assets(event: Event, chips: Sequence[str], addresses: Addresses) -> Json:
    assets: Json = {}
    if event.picture:
        href = addresses.picture(event.id)
        assets["picture"] = {"href": href, "type": PNG_TYPE, "roles": ["overview"], "title": "Before and after"}
    for name in chips:
        href = addresses.chip(event.id, name)
        key = name.partition(".")[0]
        assets[key] = {"href": href, "type": _TIFF, "roles": ["data"], "title": CHIPS[name]}
    return assets


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
