"""Messages as the outbox makes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.core.context_json import context_to_json
from monitor.records import EventContext, Exposure, Message, Nearby, Severity

TRIANGLE = [[141.9, 42.7], [141.91, 42.7], [141.91, 42.71], [141.9, 42.7]]
CREATED = datetime(2026, 5, 1, 12, tzinfo=UTC)


def payload(**changes: object) -> dict[str, object]:
    """An event and its step in JSON types."""
    plain: dict[str, object] = {
        "event_id": "atsuma-E1",
        "region": "atsuma",
        "tier": "warning",
        "status": "actual",
        "storm": "atsuma-storm-20180906",
        "state": "confirmed",
        "previous": "provisional",
        "reason": "supported",
        "detail": "still changed",
        "area_ha": 2.0,
        "strength": 0.8,
        "confidence": "medium",
        "confidence_reason": "two looks agree",
        "window_start": "2018-09-04T00:00:00+00:00",
        "window_end": "2018-09-06T00:00:00+00:00",
        "picture": "alerts/E1/alert.png",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[141.9, 42.7], [141.91, 42.7], [141.91, 42.71], [141.9, 42.7]]],
        },
    }
    return plain | changes


def surrounded(place: str) -> dict[str, object]:
    """What surrounds an event, with a named place, as the outbox has it."""
    near = Exposure(near_m=100, roads=Nearby(count=2, reached=1), place=place)
    return context_to_json(EventContext(severity=Severity.SEVERE, severity_reason="2 ha, sure", exposure=near))


def message(
    event: str = "atsuma-E1", sequence: int = 0, told: Mapping[str, object] | None = None, replays: int = 0
) -> Message:
    """A claimed message."""
    return Message(
        idempotency_key=f"{event}:{sequence}",
        channel="duty",
        event_id=event,
        sequence=sequence,
        payload=payload(event_id=event) if told is None else told,
        created=CREATED,
        attempts=1,
        replays=replays,
    )
