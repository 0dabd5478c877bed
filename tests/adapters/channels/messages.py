"""Messages as the outbox makes them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from monitor.adapters.store import messages
from monitor.core.addresses import Addresses
from monitor.core.context_json import context_to_json
from monitor.records import Event, EventContext, Exposure, Message, Nearby, Severity

TRIANGLE = [[141.9, 42.7], [141.91, 42.7], [141.91, 42.71], [141.9, 42.7]]
LINKS = Addresses(base="https://watch.example.org")
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


def with_context(place: str) -> EventContext:
    """What surrounds an event, with a named place."""
    near = Exposure(near_m=100, roads=Nearby(count=2, reached=1), place=place)
    return EventContext(severity=Severity.SEVERE, severity_reason="2 ha, sure", exposure=near)


def surrounded(place: str) -> dict[str, object]:
    """The same as the outbox has it."""
    return context_to_json(with_context(place))


def message(
    event: str = "atsuma-E1", sequence: int = 0, told: Mapping[str, object] | None = None, replays: int = 0
) -> Message:
    """A claimed message of another version, of which only the payload is known."""
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


def revision(event: Event, sequence: int = 0) -> Message:
    """A claimed message about an event as it was told."""
    last = event.transitions[-1]
    step = {"event_id": event.id, "sequence": sequence, "at": last.at, "previous": None, "state": event.state.value}
    told = messages.payload(event, {**step, "reason": last.reason, "detail": last.detail, "by": "tanaka"})
    return replace(message(event.id, sequence, told), event=event)
