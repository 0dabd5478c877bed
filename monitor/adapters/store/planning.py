"""From the outbox to the channels: which channel is to hear of which message, and what silences keep back.

Functions take the session of one transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, and_, false, or_, select, update
from sqlalchemy.orm import Session, aliased

from monitor.adapters.store import channels as registry
from monitor.adapters.store import silences
from monitor.adapters.store.codec import Values
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.schema import IS_DUE, DeliveryRow, OutboxRow
from monitor.core.delivery import END_PASSES, NO_CHANNEL, SILENCED, is_end, silenced_by, tier_of, wants
from monitor.records import Channel, DeliveryState, MessageKind, Silence

_AT_ONCE = 500
"""Messages planned in one transaction."""


def is_needed(session: Session, channels: Sequence[Channel], now: datetime) -> bool:
    """Whether `plan` or `set_aside` would change anything, so that nobody waits for the right to write for nothing."""
    if registry.are_behind(session, registry.names(session, channels, now), now):
        return True
    if session.scalar(select(DeliveryRow.id).where(IS_DUE, _given_up(channels, now)).limit(1)) is not None:
        return True
    due = session.scalar(select(DeliveryRow.id).where(IS_DUE).limit(1))
    return due is not None and bool(silences.in_force(session, now))


def plan(session: Session, channels: Sequence[Channel], now: datetime) -> int:
    """Write the deliveries of the next messages that were not looked at for a channel; the number of messages.

    Besides what a channel wants it hears all later revisions of an event that it was told of: who has heard of an
    alert must hear of its end, whatever its tier has become. Who has not hears of no end.
    """
    names = registry.names(session, channels, now)
    if not names:
        return 0
    upto = registry.enter(session, names, now)
    newer = select(OutboxRow).where(OutboxRow.id > min(upto.values())).order_by(OutboxRow.id).limit(_AT_ONCE)
    rows = session.scalars(newer).all()
    told = _told(session, {row.event_id for row in rows if row.event_id is not None})
    values: list[Values] = []
    for row in rows:
        payload = cast("Mapping[str, object]", row.payload)
        for channel in (one for one in channels if upto[one.name] < row.id):
            heard = (row.event_id, channel.name)
            if wants(channel, MessageKind(row.kind), payload) or heard in told:
                if row.event_id is not None:  # nothing follows from a sign of life
                    told.add(heard)
                values.append(delivery_values(row, channel.name, now))
    insert_new(session, DeliveryRow, values)
    if rows:
        registry.advance(session, names, rows[-1].id)
    return len(rows)


def _told(session: Session, events: set[str]) -> set[tuple[str | None, str]]:
    heard = DeliveryRow.state.not_in((DeliveryState.SUPPRESSED.value, DeliveryState.HELD.value))
    found = select(DeliveryRow.event_id, DeliveryRow.channel).where(DeliveryRow.event_id.in_(events), heard).distinct()
    return {(event_id, channel) for event_id, channel in session.execute(found)}


def delivery_values(row: OutboxRow, channel: str, now: datetime) -> Values:
    """Columns of a message that is due on a channel."""
    payload = cast("Mapping[str, object]", row.payload)
    about_alert = row.kind == MessageKind.ALERT
    return {
        "idempotency_key": row.idempotency_key,
        "channel": channel,
        "event_id": row.event_id,
        "sequence": row.sequence,
        "region": str(payload.get("region", "")),
        "storm": str(payload.get("storm") or ""),
        "tier": tier_of(payload) if about_alert else "",
        "state": DeliveryState.DUE.value,
        "due_since": now,
        "attempts": 0,
        "replays": 0,
        "kind": row.kind,
    }


def set_aside(session: Session, channels: Sequence[Channel], now: datetime) -> None:
    """Hold what a silence covers, and park what is due for channels that are gone. What is being sent is left.

    The end of an alert that a channel was told of passes: who was called out must be called back.
    """
    free = or_(DeliveryRow.lease_until.is_(None), DeliveryRow.lease_until <= now)
    gone: Values = {
        "state": DeliveryState.PARKED.value,
        "reason": NO_CHANNEL,
        "detail": "the channel is not in the configuration. Put it back and run `scarpwatch deliveries retry`",
    }
    affected(session, update(DeliveryRow).where(IS_DUE, free, _given_up(channels, now)).values(gone))
    found = silences.in_force(session, now)
    if not found:
        return
    covered: dict[tuple[int, bool], list[int]] = {}
    for delivery, region, payload, before in _silenceable(session, found, now):
        # A silence holds a message once: what a person asked for by its key goes.
        silence = silenced_by([one for one in found if one.id != before], region, ground_of(payload))
        if silence is not None:
            passes = is_end(payload) and _has_heard(session, delivery)
            covered.setdefault((silence.id, passes), []).append(delivery)
    for (number, passes), rows in covered.items():
        of_rows = update(DeliveryRow).where(DeliveryRow.id.in_(rows))
        if passes:
            noted = {"reason": f"{END_PASSES}:{number}", "detail": "the channel was told of it, so it hears of its end"}
            affected(session, of_rows.where(DeliveryRow.reason.is_(None)).values(noted))
            continue
        held: Values = {"state": DeliveryState.HELD.value, "reason": f"{SILENCED}:{number}", "held_by": number}
        affected(session, of_rows.values(held | {"detail": None, "not_before": None}))


def _has_heard(session: Session, delivery: int) -> bool:
    """Whether an earlier revision of the same event reached the channel, or is on its way."""
    earlier = aliased(DeliveryRow)
    same = (earlier.channel == DeliveryRow.channel, earlier.event_id == DeliveryRow.event_id)
    sent = or_(earlier.state == DeliveryState.DELIVERED.value, earlier.lease_owner.is_not(None))
    found = select(earlier.id).join(DeliveryRow, and_(*same, earlier.sequence < DeliveryRow.sequence))
    return session.scalar(found.where(DeliveryRow.id == delivery, sent).limit(1)) is not None


def _silenceable(
    session: Session, found: Sequence[Silence], now: datetime
) -> list[tuple[int, str, Mapping[str, object], int | None]]:
    """Alerts that are due in the regions of silences: row, region, payload and the silence that held it before.

    Signs of life are never silenced.
    """
    statement = (
        select(DeliveryRow.id, DeliveryRow.region, OutboxRow.payload, DeliveryRow.held_by)
        .join(OutboxRow, OutboxRow.idempotency_key == DeliveryRow.idempotency_key)
        .where(
            IS_DUE,
            DeliveryRow.kind == MessageKind.ALERT.value,
            or_(DeliveryRow.lease_until.is_(None), DeliveryRow.lease_until <= now),
        )
    )
    regions = {one.region for one in found if one.region is not None}
    if all(one.region is not None for one in found):
        statement = statement.where(DeliveryRow.region.in_(regions))
    return [
        (row, region, cast("Mapping[str, object]", payload), before)
        for row, region, payload, before in session.execute(statement)
    ]


def ground_of(payload: Mapping[str, object]) -> BaseGeometry | None:
    """The outline that a message tells; None where it cannot be read."""
    try:
        return shape(cast("dict[str, object]", payload["geometry"]))
    except (KeyError, TypeError, AttributeError, ValueError, ShapelyError):
        return None


def _given_up(channels: Sequence[Channel], now: datetime) -> ColumnElement[bool]:
    """Deliveries to channels that no process has had for long; one without channels knows of none that is gone."""
    if not channels:
        return false()
    ours = [channel.name for channel in channels]
    return and_(DeliveryRow.channel.in_(registry.gone(now, ours)), DeliveryRow.due_since < now - registry.GONE_AFTER)
