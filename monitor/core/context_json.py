"""The context of an event in JSON types, the same in the database, in messages and in feeds."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from monitor.records import EventContext, Exposure, Nearby, NextPass, Runout, Sensor, Severity, ZoneRelation

Json = dict[str, object]

_DECIMALS = 7
"""Of degrees: a centimetre."""


def context_to_json(context: EventContext) -> Json:
    """JSON types only; `context_from_json` gives the same again, but for rounding."""
    return {
        "severity": context.severity.value,
        "severity_reason": context.severity_reason,
        "runout": None if context.runout is None else _runout(context.runout),
        # A list, because databases sort the keys of an object.
        "land_cover": [{"class": name, "share": round(share, 4)} for name, share in context.land_cover.items()],
        "exposure": None if context.exposure is None else _exposure(context.exposure),
        "next_passes": [next_pass_to_json(one) for one in context.next_passes],
    }


def context_from_json(plain: Mapping[str, Any]) -> EventContext:
    """Inverse of `context_to_json`."""
    runout, exposure = plain.get("runout"), plain.get("exposure")
    return EventContext(
        severity=Severity(plain["severity"]),
        severity_reason=plain["severity_reason"],
        runout=None if runout is None else _runout_from(runout),
        land_cover={one["class"]: one["share"] for one in plain.get("land_cover", ())},
        exposure=None if exposure is None else _exposure_from(exposure),
        next_passes=tuple(next_pass_from_json(one) for one in plain.get("next_passes", ())),
    )


def next_pass_to_json(one: NextPass) -> Json:
    """JSON types only."""
    return {
        "sensor": one.sensor.value,
        "relative_orbit": one.relative_orbit,
        "expected": one.expected.astimezone(UTC).isoformat(),
        "basis": one.basis,
        "overdue": None if one.overdue is None else one.overdue.astimezone(UTC).isoformat(),
    }


def next_pass_from_json(plain: Mapping[str, Any]) -> NextPass:
    """Inverse of `next_pass_to_json`."""
    overdue = plain.get("overdue")
    return NextPass(
        sensor=Sensor(plain["sensor"]),
        relative_orbit=plain["relative_orbit"],
        expected=datetime.fromisoformat(plain["expected"]),
        basis=plain["basis"],
        overdue=None if overdue is None else datetime.fromisoformat(overdue),
    )


def _runout(one: Runout) -> Json:
    return {
        "downhill_deg": None if one.downhill_deg is None else round(one.downhill_deg, 1),
        "compass": one.compass,
        "reach_deg": round(one.reach_deg, 2),
        "area": None if one.area is None else _geometry(one.area),
        "length_m": round(one.length_m, 1),
        "drop_m": round(one.drop_m, 1),
        "complete": one.complete,
    }


def _runout_from(plain: Mapping[str, Any]) -> Runout:
    fields = dict(plain)
    area = fields.pop("area")
    return Runout(area=None if area is None else shape(area), **fields)


def _geometry(area: BaseGeometry) -> Json:
    """GeoJSON with centimetres; through text once, so that tuples are lists on every database."""
    plain: Json = json.loads(json.dumps(mapping(area)), parse_float=lambda text: round(float(text), _DECIMALS))
    return plain


def _exposure(one: Exposure) -> Json:
    return {
        "near_m": one.near_m,
        "roads": None if one.roads is None else _nearby(one.roads),
        "buildings": None if one.buildings is None else _nearby(one.buildings),
        "zone": None if one.zone is None else one.zone.value,
        "zones": list(one.zones),
        "municipality": one.municipality,
        "place": one.place,
        "unreadable": list(one.unreadable),
    }


def _exposure_from(plain: Mapping[str, Any]) -> Exposure:
    roads, buildings, zone = plain["roads"], plain["buildings"], plain["zone"]
    return Exposure(
        near_m=plain["near_m"],
        roads=None if roads is None else _nearby_from(roads),
        buildings=None if buildings is None else _nearby_from(buildings),
        zone=None if zone is None else ZoneRelation(zone),
        zones=tuple(plain["zones"]),
        municipality=plain["municipality"],
        place=plain["place"],
        unreadable=tuple(plain["unreadable"]),
    )


def _nearby(one: Nearby) -> Json:
    return {"count": one.count, "reached": one.reached, "names": list(one.names)}


def _nearby_from(plain: Mapping[str, Any]) -> Nearby:
    return Nearby(count=plain["count"], reached=plain["reached"], names=tuple(plain["names"]))
