"""The message that programs get, made of what the outbox holds and nothing else: every try sends the same bytes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from shapely import envelope
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from monitor.core.addresses import Addresses
from monitor.core.delivery import is_trial
from monitor.core.geojson import alert_feature
from monitor.core.notices import unanswered_words
from monitor.records import Message, MessageKind

MOST_BYTES = 256 * 1024
"""Of a body; receivers commonly refuse more than 1 MB, and some more than 256 kB."""
_STEP = ("event_id", "sequence", "previous", "reason", "detail", "at")
"""Of the step that is told. Who made it stays here: messages go far."""
_TOLERANCES_DEG = (0.00002, 0.0001, 0.0005, 0.002)
"""2, 11, 55 and 220 m of latitude."""


def encoded(message: Message, most_bytes: int = MOST_BYTES, links: Addresses | None = None) -> bytes:
    """The body of a message: JSON, UTF-8, of at most `most_bytes`. `links` is where people and programs read on.

    An outline with so many corners that it does not fit is made simpler, at last its bounding box. The member
    `geometry_tolerance_deg` then says by how much, in degrees (-1: it is the bounding box).
    """
    if message.kind is MessageKind.ALIVE:
        return fitted("watch.alive", message.created, message.payload, most_bytes)
    data = {**_told(message), **_links(message, links)}
    if message.escalation is not None:
        since = message.escalation.since.astimezone(UTC).isoformat()
        words = {"why": message.escalation.why.value, "since": since, "text": unanswered_words(message.escalation)}
        data = {**data, "escalation": words}
    return fitted(f"alert.{message.payload.get('reason', 'changed')}", message.created, data, most_bytes)


def _told(message: Message) -> Mapping[str, object]:
    """The step, the outline, and what feeds say of the alert, under the same names. What another version wrote goes
    as it is."""
    if message.event is None:
        return message.payload
    step = {name: message.payload.get(name) for name in _STEP}
    properties = cast("Mapping[str, object]", alert_feature(message.event, None, named=False)["properties"])
    return {"geometry": message.payload["geometry"], **step, **properties}


def _links(message: Message, links: Addresses | None) -> Mapping[str, object]:
    """Where the alert is found and answered, as feeds name it. A path on this machine would lead nowhere."""
    pictured = bool(message.payload.get("picture"))
    if links is None or message.event_id is None or is_trial(message):
        return {"picture": None} if pictured else {}
    return {
        "web": links.page(message.event_id),
        "cap": links.cap(message.event_id, message.sequence),
        "evidence": links.evidence(message.event_id),
        "picture": links.picture(message.event_id) if pictured else None,
    }


def fitted(kind: str, created: datetime, data: Mapping[str, object], most_bytes: int = MOST_BYTES) -> bytes:
    """`encoded` of any content."""
    body = _body(kind, created, data)
    if len(body) <= most_bytes or "geometry" not in data:
        return body
    outline = shape(cast("dict[str, object]", data["geometry"]))
    for tolerance in _TOLERANCES_DEG:
        body = _body(kind, created, _with(data, outline.simplify(tolerance), tolerance))
        if len(body) <= most_bytes:
            return body
    return _body(kind, created, _with(data, envelope(outline), -1.0))


def _with(data: Mapping[str, object], outline: BaseGeometry, tolerance_deg: float) -> dict[str, object]:
    return {**data, "geometry": mapping(outline), "geometry_tolerance_deg": tolerance_deg}


def _body(kind: str, created: datetime, data: Mapping[str, object]) -> bytes:
    content = {"type": kind, "timestamp": created.astimezone(UTC).isoformat(), "data": data}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()
