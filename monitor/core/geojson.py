"""Alerts as GeoJSON features (RFC 7946: EPSG:4326, longitude first), alike on the command line and in feeds."""

import math

from shapely import orient_polygons, set_precision
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from monitor.core import context_words
from monitor.core.context_json import context_to_json
from monitor.core.severity import certainty, urgency
from monitor.core.standing import acknowledgement
from monitor.records import Event

Json = dict[str, object]

_DEGREES = 1e-7
"""Coordinates are rounded to a centimetre; set_precision keeps the outlines valid."""


def ground(geometry: BaseGeometry) -> Json:
    """A geometry for people and programs: rounded, valid, turned as the standard wants."""
    return dict(mapping(counter_clockwise(set_precision(geometry, _DEGREES))))


def counter_clockwise(area: BaseGeometry) -> BaseGeometry:
    """Exterior rings counter-clockwise, holes clockwise (RFC 7946, 3.1.6)."""
    return orient_polygons(area)


def rounded(value: float, places: int) -> float | None:
    """A number as JSON has it: None for NaN."""
    return None if math.isnan(value) else round(value, places)


def alert_feature(event: Event, picture: str | None, *, named: bool = True) -> Json:
    """One alert.

    Args:
        picture: where its picture is, or None where there is none.
        named: whether the names of people may be told.
    """
    return {
        "type": "Feature",
        "id": event.id,
        "geometry": ground(event.geometry),
        "properties": {
            "id": event.id,
            "region": event.region,
            "state": event.state.value,
            "tier": event.tier.value,
            "storm": event.storm or None,
            "status": event.status.value,
            "released": event.released,
            "acknowledged": _acknowledged(event, named),
            "rate_per_1000_km2_year": None if event.rate is None else rounded(event.rate, 3),
            "rate_simulated": event.rate_simulated,
            "split_from": event.split_from,
            "took_in": list(event.took_in),
            "detector": event.detector.value,
            "area_ha": rounded(event.area_ha, 3),
            "mean_change": rounded(event.mean_change, 4),
            "strength": rounded(event.strength, 4),
            "spread": rounded(event.spread, 4),
            "slope_deg": rounded(event.slope_deg, 1),
            "confidence": event.confidence,
            "confidence_reason": event.confidence_reason,
            "alike_from_m": None if event.alike_from_m is None else round(event.alike_from_m),
            "window_start": event.window_start.isoformat(),
            "window_end": event.window_end.isoformat(),
            "picture": picture,
            "urgency": urgency(event).value,
            "certainty": certainty(event).value,
            "told": context_words.told(event) or None,
            **_context(event),
            "model_version": event.model_version,
            "tiles": [tile.id for tile in event.tiles],
        },
    }


def _acknowledged(event: Event, named: bool) -> Json | None:
    """When it was first acknowledged, and by whom; None: nobody has."""
    step = acknowledgement(event.transitions)
    return None if step is None else {"at": step.at.isoformat(), "by": step.by if named else None}


def _context(event: Event) -> Json:
    """What surrounds an event, its parts among the other properties; null where it is not known."""
    names = ("severity", "severity_reason", "runout", "land_cover", "exposure", "next_passes")
    return dict.fromkeys(names) if event.context is None else context_to_json(event.context)
