"""Records to rows and back. Numbers become plain floats, NaN becomes NULL, geometries GeoJSON, tiles their ids."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

import numpy as np
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Row

from monitor.adapters.store.columns import JsonValue
from monitor.adapters.store.schema import (
    AcquisitionRow,
    ActionRow,
    EventRow,
    EvidenceRow,
    ObservationRow,
    TransitionRow,
)
from monitor.core.context_json import context_from_json, context_to_json
from monitor.core.grid import tile_from_id
from monitor.records import (
    Acquisition,
    AcquisitionState,
    Action,
    ActionKind,
    AlertStatus,
    Asset,
    Detector,
    Event,
    EventState,
    Evidence,
    Growth,
    LedgerEntry,
    NetworkAnswer,
    Observation,
    SceneItem,
    Sensor,
    Tier,
    TileStats,
    Transition,
    Verdict,
)

Values = dict[str, object]


def number(value: float | None) -> float | None:
    """A plain float for a column; None for NaN, which SQLite cannot keep."""
    return None if value is None or math.isnan(value) else float(value)


def clean(text: str) -> str:
    """Text that every database takes: PostgreSQL refuses NUL, both refuse lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def geometry_to_json(geometry: BaseGeometry) -> JsonValue:
    """GeoJSON with full precision."""
    # Through text once, so that tuples are lists on every database.
    return cast("dict[str, object]", json.loads(json.dumps(mapping(geometry))))


def geometry_from_json(document: object) -> BaseGeometry:
    """Inverse of `geometry_to_json`, for outlines: snow over a region has tens of thousands of corners, and arrays of
    them make rings several times as fast as lists do."""
    found = cast("dict[str, Any]", document)
    if found["type"] == "Polygon":
        return _polygon(found["coordinates"])
    if found["type"] == "MultiPolygon":
        return MultiPolygon([_polygon(rings) for rings in found["coordinates"]])
    return shape(found)


def _polygon(rings: Sequence[Sequence[object]]) -> Polygon:
    corners = [np.asarray(ring, dtype=np.float64) for ring in rings]
    return Polygon(corners[0], corners[1:]) if corners else Polygon()


def joined(words: Iterable[str]) -> str:
    """Ids or words without commas in one text."""
    return ",".join(words)


def names(text: str) -> tuple[str, ...]:
    """Inverse of `joined`."""
    return tuple(text.split(",")) if text else ()


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


# Acquisitions


def acquisition_values(acquisition: Acquisition) -> Values:
    """Columns of a ledger row that describe the acquisition."""
    return {
        "region": acquisition.region,
        "key": acquisition.key,
        "version": acquisition.version,
        "sensor": acquisition.sensor.value,
        "platform": acquisition.platform,
        "relative_orbit": acquisition.relative_orbit,
        "sensing_time": acquisition.sensing_time,
        "items": [item_to_json(item) for item in acquisition.items],
    }


def ledger_entry(row: AcquisitionRow) -> LedgerEntry:
    """A ledger row as people and the pipeline see it."""
    acquisition = Acquisition(
        region=row.region,
        key=row.key,
        version=row.version,
        sensing_time=row.sensing_time,
        sensor=Sensor(row.sensor),
        platform=row.platform,
        relative_orbit=row.relative_orbit,
        items=tuple(item_from_json(cast("dict[str, Any]", item)) for item in cast("list[object]", row.items)),
    )
    return LedgerEntry(
        acquisition=acquisition,
        state=AcquisitionState(row.state),
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        not_before=row.not_before,
        updated=row.updated,
        owner=row.lease_owner,
        lease_until=row.lease_until,
        history=row.history,
        discovered=row.discovered,
    )


def item_to_json(item: SceneItem) -> Values:
    """A scene item as a JSON object; only what is known is written."""
    plain: Values = {
        "catalog": item.catalog,
        "collection": item.collection,
        "id": item.id,
        "sensing_time": item.sensing_time.isoformat(),
        "geometry": geometry_to_json(item.geometry),
        "sensor": item.sensor.value,
        "platform": item.platform,
        "relative_orbit": item.relative_orbit,
        "pass_direction": item.pass_direction,
        "grid_code": item.grid_code,
        "datastrip": item.datastrip,
        "processing_baseline": item.processing_baseline,
        "processing_time": item.processing_time.isoformat() if item.processing_time else None,
        "published": item.published.isoformat() if item.published else None,
        "cloud_percent": number(item.cloud_percent),
        "absolute_orbit": item.absolute_orbit,
        "resolution_m": number(item.resolution_m),
        "assets": {name: _asset_to_json(asset) for name, asset in item.assets.items()},
        "simulated": item.simulated,
    }
    return {name: value for name, value in plain.items() if value is not None}


def item_from_json(plain: Mapping[str, Any]) -> SceneItem:
    """Inverse of `item_to_json`."""
    fields = dict(plain)
    fields |= {
        "sensing_time": datetime.fromisoformat(fields["sensing_time"]),
        "geometry": shape(fields["geometry"]),
        "sensor": Sensor(fields["sensor"]),
        "assets": {name: _asset_from_json(asset) for name, asset in fields["assets"].items()},
    }
    fields |= {
        name: datetime.fromisoformat(fields[name]) for name in ("processing_time", "published") if fields.get(name)
    }
    return SceneItem(**fields)


def _asset_to_json(asset: Asset) -> Values:
    # "nan" is the nodata value of many float rasters, and JSON has no word for it.
    nodata = None if asset.nodata is None else str(float(asset.nodata))
    return {"href": asset.href, "scale": asset.scale, "offset": asset.offset, "nodata": nodata}


def _asset_from_json(plain: Mapping[str, Any]) -> Asset:
    nodata = plain["nodata"]
    return Asset(
        href=plain["href"],
        scale=plain["scale"],
        offset=plain["offset"],
        nodata=None if nodata is None else float(nodata),
    )


# Observations

_SAME_IN_ROW_AND_RECORD = (
    "acquisition_key",
    "acquisition_version",
    "sensing_time",
    "relative_orbit",
    "model_version",
    "look_href",
    "comparable",
    "decision",
    "previous_acquisition",
)
_NUMBERS = ("mean_change", "p95_change", "hazard_change_ha", "jointly_valid_fraction", "shared_fraction")


def observation_values(observation: Observation) -> Values:
    """Columns of a history row, without `current` and `created`."""
    values: Values = {name: getattr(observation, name) for name in _SAME_IN_ROW_AND_RECORD}
    values |= {name: number(getattr(observation, name)) for name in _NUMBERS}
    values |= {name: number(value) for name, value in asdict(observation.stats).items()}
    values["reference_count"] = int(observation.reference_count)
    values["network"] = observation.network.value if observation.network else None
    return values | {"tile": observation.tile.id, "sensor": observation.sensor.value}


def observation(row: ObservationRow | Row[*tuple[Any, ...]]) -> Observation:
    """A history row, or all of its columns that a record has, as a record."""
    stats = TileStats(
        valid_fraction=row.valid_fraction,
        cloud_fraction=row.cloud_fraction,
        mean=row.mean,
        p95=row.p95,
        spread=row.spread,
        hazard_area_ha=row.hazard_area_ha,
        snow_fraction=row.snow_fraction,
    )
    fields = {name: getattr(row, name) for name in _SAME_IN_ROW_AND_RECORD + _NUMBERS}
    fields |= {"tile": tile_from_id(row.tile), "sensor": Sensor(row.sensor), "reference_count": row.reference_count}
    fields["network"] = NetworkAnswer(row.network) if row.network else None
    return Observation(stats=stats, **fields)


# Events


def event_values(event: Event) -> Values:
    """Columns of an event row, without `updated`."""
    return {
        "id": event.id,
        "region": event.region,
        "state": event.state.value,
        "status": event.status.value,
        "detector": event.detector.value,
        "geometry": geometry_to_json(event.geometry),
        "area_ha": number(event.area_ha),
        "mean_change": number(event.mean_change),
        "strength": number(event.strength),
        "spread": number(event.spread),
        "slope_deg": number(event.slope_deg),
        "confidence": event.confidence,
        "confidence_reason": clean(event.confidence_reason),
        "window_start": event.window_start,
        "window_end": event.window_end,
        "model_version": event.model_version,
        "comparable": event.comparable,
        "foreign_ha": float(event.foreign_ha),
        "alike_from_m": event.alike_from_m,
        "tier": event.tier.value,
        "storm": event.storm,
        "released": event.released,
        "split_from": event.split_from,
        "took_in": joined(event.took_in),
        "tiles": [tile.id for tile in event.tiles],
        "picture": event.picture,
        "context": None if event.context is None else context_to_json(event.context),
    }


def event(
    row: EventRow,
    evidence: tuple[Evidence, ...] = (),
    growth: tuple[Growth, ...] = (),
    actions: tuple[Action, ...] = (),
    transitions: tuple[Transition, ...] = (),
) -> Event:
    """An event row with all that belongs to it."""
    return Event(
        id=row.id,
        region=row.region,
        state=EventState(row.state),
        status=AlertStatus(row.status),
        detector=Detector(row.detector),
        geometry=geometry_from_json(row.geometry),
        area_ha=_or_nan(row.area_ha),
        mean_change=_or_nan(row.mean_change),
        strength=_or_nan(row.strength),
        spread=_or_nan(row.spread),
        slope_deg=_or_nan(row.slope_deg),
        confidence=row.confidence,
        confidence_reason=row.confidence_reason,
        window_start=row.window_start,
        window_end=row.window_end,
        model_version=row.model_version,
        comparable=row.comparable,
        foreign_ha=row.foreign_ha,
        alike_from_m=row.alike_from_m,
        tier=Tier(row.tier),
        storm=row.storm,
        released=row.released,
        split_from=row.split_from,
        took_in=names(row.took_in),
        tiles=tuple(tile_from_id(str(tile)) for tile in cast("list[object]", row.tiles)),
        picture=row.picture,
        context=None if row.context is None else context_from_json(cast("dict[str, Any]", row.context)),
        evidence=evidence,
        growth=growth,
        actions=actions,
        transitions=transitions,
    )


def evidence_values(event_id: str, evidence: Evidence) -> Values:
    """Columns of an evidence row."""
    return {
        "event_id": event_id,
        "acquisition_id": evidence.acquisition_id,
        "sensing_time": evidence.sensing_time,
        "detector": evidence.detector.value,
        "verdict": evidence.verdict.value,
        "observed_fraction": number(evidence.observed_fraction),
        "level": number(evidence.level),
        "strength": number(evidence.strength),
        "detail": clean(evidence.detail),
        "of_record": evidence.of_record,
        "own": evidence.own,
        "rate": number(evidence.rate),
        "held_rate": number(evidence.held_rate),
        "rate_simulated": evidence.rate_simulated,
        "at_once": evidence.at_once,
        "warning": evidence.warning,
        "held_warning": evidence.held_warning,
        "strata": joined(evidence.strata),
        "withdrawn": evidence.withdrawn,
    }


def evidence(row: EvidenceRow) -> Evidence:
    """An evidence row as a record."""
    return Evidence(
        acquisition_id=row.acquisition_id,
        sensing_time=row.sensing_time,
        detector=Detector(row.detector),
        verdict=Verdict(row.verdict),
        observed_fraction=_or_nan(row.observed_fraction),
        level=_or_nan(row.level),
        strength=_or_nan(row.strength),
        detail=row.detail,
        of_record=row.of_record,
        own=row.own,
        rate=row.rate,
        held_rate=row.held_rate,
        rate_simulated=row.rate_simulated,
        at_once=row.at_once,
        warning=row.warning,
        held_warning=row.held_warning,
        strata=names(row.strata),
        withdrawn=row.withdrawn,
    )


def action_values(event_id: str, action: Action) -> Values:
    """Columns of an action row."""
    return {
        "event_id": event_id,
        "at": action.at,
        "kind": action.kind.value,
        "by": clean(action.by),
        "reason": clean(action.reason),
        "text": clean(action.text),
        "acquisition_id": action.acquisition_id,
        "area_ha": number(action.area_ha),
        "withdrawn": action.withdrawn,
    }


def action(row: ActionRow) -> Action:
    """An action row as a record."""
    return Action(
        at=row.at,
        by=row.by,
        kind=ActionKind(row.kind),
        reason=row.reason,
        text=row.text,
        acquisition_id=row.acquisition_id,
        area_ha=row.area_ha,
        withdrawn=row.withdrawn,
    )


def transition_values(event_id: str, sequence: int, transition: Transition) -> Values:
    """Columns of a transition row, without `created`."""
    return {
        "event_id": event_id,
        "sequence": sequence,
        "at": transition.at,
        "previous": transition.previous.value if transition.previous else None,
        "state": transition.state.value,
        "reason": transition.reason,
        "detail": clean(transition.detail),
        "acquisition_id": transition.acquisition_id,
        "by": clean(transition.by) if transition.by else None,
        "tier": transition.tier.value,
    }


def transition(row: TransitionRow) -> Transition:
    """A transition row as a record."""
    return Transition(
        at=row.at,
        previous=EventState(row.previous) if row.previous else None,
        state=EventState(row.state),
        reason=row.reason,
        detail=row.detail,
        acquisition_id=row.acquisition_id,
        by=row.by,
        tier=Tier(row.tier),
    )
