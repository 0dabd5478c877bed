"""What a message is made of: the event in JSON types, and what was known of it. Neither ever changes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from shapely.geometry import shape

from monitor.adapters.store import codec
from monitor.adapters.store.schema import ActionRow, EvidenceRow
from monitor.core.context_json import context_from_json
from monitor.core.grid import tile_from_id
from monitor.records import Action, AlertStatus, Detector, Event, EventState, Evidence, Tier

_NUMBERS = ("area_ha", "mean_change", "strength", "spread", "slope_deg")
_PLAIN = (
    "region",
    "confidence",
    "confidence_reason",
    "model_version",
    "comparable",
    "foreign_ha",
    "alike_from_m",
    "storm",
    "released",
    "split_from",
    "picture",
)


def payload(event: Event, step: codec.Values) -> codec.Values:
    """The event and the step in JSON types. Holds no time of processing: the same evidence gives the same message."""
    values = codec.event_values(event)
    del values["state"]
    merged = values | step | {"took_in": list(event.took_in)}
    times = ("at", "window_start", "window_end")
    return merged | {name: cast(datetime, merged[name]).astimezone(UTC).isoformat() for name in times}


def event_of_payload(payload: dict[str, Any]) -> Event:
    """The event that a message is about, as it was then, without evidence, actions and transitions."""
    fields = {name: payload[name] for name in _PLAIN if name in payload}
    numbers: dict[str, Any] = {name: float("nan") if payload[name] is None else payload[name] for name in _NUMBERS}
    return Event(
        id=payload["event_id"],
        state=EventState(payload["state"]),
        tier=Tier(payload.get("tier", Tier.WATCH)),
        status=AlertStatus(payload["status"]),
        detector=Detector(payload["detector"]),
        geometry=shape(payload["geometry"]),
        window_start=datetime.fromisoformat(payload["window_start"]),
        window_end=datetime.fromisoformat(payload["window_end"]),
        tiles=tuple(tile_from_id(tile) for tile in payload["tiles"]),
        took_in=tuple(payload.get("took_in", ())),
        context=context_from_json(payload["context"]) if payload.get("context") else None,
        **fields,
        **numbers,
    )


def known_to_json(event: Event) -> codec.Values:
    """Evidence and actions of an event, for a message that is drawn from them for ever."""
    return {
        "evidence": [_plain(codec.evidence_values(event.id, one)) for one in event.evidence],
        "actions": [_plain(codec.action_values(event.id, one)) for one in event.actions],
    }


def known_from_json(plain: Mapping[str, Any]) -> tuple[tuple[Evidence, ...], tuple[Action, ...]]:
    """Inverse of `known_to_json`."""
    looks = (EvidenceRow(**_timed(one, "sensing_time")) for one in plain["evidence"])
    deeds = (ActionRow(**_timed(one, "at")) for one in plain["actions"])
    return tuple(map(codec.evidence, looks)), tuple(map(codec.action, deeds))


def _plain(values: codec.Values) -> codec.Values:
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in values.items()}


def _timed(plain: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**plain, name: datetime.fromisoformat(plain[name])}
