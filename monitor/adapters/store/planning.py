"""From the outbox to the channels: which channel is to hear of which message, and what silences keep back.

Functions take the session of one transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from monitor.adapters.store import silences
from monitor.adapters.store.codec import Values
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.schema import IS_DUE, DeliveryRow, OutboxRow
from monitor.core.delivery import END_PASSES, NO_CHANNEL, SILENCED, is_end, silenced_by, tier_of, wants
from monitor.records import Channel, DeliveryState, Silence

_NOBODYS_AFTER = timedelta(days=1)
"""Whoever has the channel of a message has tried it by then."""
_AT_ONCE = 500
"""Messages planned in one transaction."""


def is_needed(session: Session, channels: Sequence[Channel], now: datetime) -> bool:
    """Whether `plan` or `set_aside` would change anything, so that nobody waits for the right to write for nothing.

    Never without channels where there ever was one: they are another process's, which says who hears of what.
    """
    if not channels and session.scalar(select(DeliveryRow.id).limit(1)) is not None:
        return False
    if session.scalar(select(OutboxRow.id).where(OutboxRow.planned.is_(None)).limit(1)) is not None:
        return True
    if session.scalar(select(DeliveryRow.id).where(IS_DUE, _given_up(channels, now)).limit(1)) is not None:
        return True
    due = session.scalar(select(DeliveryRow.id).where(IS_DUE).limit(1))
    return due is not None and bool(silences.in_force(session, now))


def plan(session: Session, channels: Sequence[Channel], now: datetime) -> int:
    """Write the deliveries of messages that have none yet, and mark these messages; the number of messages.

    Besides what a channel wants it hears all later revisions of an event that it was told of: who has heard of an
    alert must hear of its end, whatever its tier has become. Who has not hears of no end.
    """
    rows = session.scalars(
        select(OutboxRow).where(OutboxRow.planned.is_(None)).order_by(OutboxRow.id).limit(_AT_ONCE)
    ).all()
    told = _told(session, {row.event_id for row in rows})
    values: list[Values] = []
    for row in rows:
        payload = cast("Mapping[str, object]", row.payload)
        for channel in channels:
            wanted = wants(channel, payload) and not is_end(payload)
            if wanted or (row.event_id, channel.name) in told:
                told.add((row.event_id, channel.name))
                values.append(_values(row, payload, channel.name, now))
    insert_new(session, DeliveryRow, values)
    affected(session, update(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])).values(planned=now))
    return len(rows)


def _told(session: Session, events: set[str]) -> set[tuple[str, str]]:
    heard = DeliveryRow.state != DeliveryState.SUPPRESSED.value
    found = select(DeliveryRow.event_id, DeliveryRow.channel).where(DeliveryRow.event_id.in_(events), heard).distinct()
    return {(event_id, channel) for event_id, channel in session.execute(found)}


def _values(row: OutboxRow, payload: Mapping[str, object], channel: str, now: datetime) -> Values:
    return {
        "idempotency_key": row.idempotency_key,
        "channel": channel,
        "event_id": row.event_id,
        "sequence": row.sequence,
        "region": str(payload.get("region", "")),
        "storm": str(payload.get("storm") or ""),
        "tier": tier_of(payload),
        "state": DeliveryState.DUE.value,
        "due_since": now,
        "attempts": 0,
        "replays": 0,
    }


def set_aside(session: Session, channels: Sequence[Channel], now: datetime) -> None:
    """Suppress what a silence covers, and park what is due for channels that are gone. What is being sent is left.

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
    for delivery, region, payload in _silenceable(session, found, now):
        silence = silenced_by(found, region, _ground(payload))
        if silence is not None:
            passes = is_end(payload) and _has_heard(session, delivery)
            covered.setdefault((silence.id, passes), []).append(delivery)
    for (number, passes), rows in covered.items():
        of_rows = update(DeliveryRow).where(DeliveryRow.id.in_(rows))
        if passes:
            noted = {"reason": f"{END_PASSES}:{number}", "detail": "the channel was told of it, so it hears of its end"}
            affected(session, of_rows.where(DeliveryRow.reason.is_(None)).values(noted))
            continue
        suppressed = {"state": DeliveryState.SUPPRESSED.value, "reason": f"{SILENCED}:{number}", "not_before": None}
        affected(session, of_rows.values(suppressed))


def _has_heard(session: Session, delivery: int) -> bool:
    """Whether an earlier revision of the same event reached the channel, or is on its way."""
    earlier = aliased(DeliveryRow)
    same = (earlier.channel == DeliveryRow.channel, earlier.event_id == DeliveryRow.event_id)
    sent = or_(earlier.state == DeliveryState.DELIVERED.value, earlier.lease_owner.is_not(None))
    found = select(earlier.id).join(DeliveryRow, and_(*same, earlier.sequence < DeliveryRow.sequence))
    return session.scalar(found.where(DeliveryRow.id == delivery, sent).limit(1)) is not None


def _silenceable(
    session: Session, found: Sequence[Silence], now: datetime
) -> list[tuple[int, str, Mapping[str, object]]]:
    """Deliveries that are due in the regions of silences: their row, region and payload."""
    statement = (
        select(DeliveryRow.id, DeliveryRow.region, OutboxRow.payload)
        .join(OutboxRow, OutboxRow.idempotency_key == DeliveryRow.idempotency_key)
        .where(IS_DUE, or_(DeliveryRow.lease_until.is_(None), DeliveryRow.lease_until <= now))
    )
    regions = {one.region for one in found if one.region is not None}
    if all(one.region is not None for one in found):
        statement = statement.where(DeliveryRow.region.in_(regions))
    return [(row, region, cast("Mapping[str, object]", payload)) for row, region, payload in session.execute(statement)]


def _ground(payload: Mapping[str, object]) -> BaseGeometry | None:
    try:
        return shape(cast("dict[str, object]", payload["geometry"]))
    except (KeyError, TypeError, AttributeError, ValueError, ShapelyError):
        return None


def _given_up(channels: Sequence[Channel], now: datetime) -> ColumnElement[bool]:
    """Deliveries to channels that are not ours, and that nobody else has touched for as long as any wait lasts.

    A process without channels knows of none that is gone, and another process may have others.
    """
    if not channels:
        return false()
    long_ago = now - _NOBODYS_AFTER
    columns = (DeliveryRow.last_try, DeliveryRow.not_before)
    untouched = (or_(column.is_(None), column < long_ago) for column in columns)
    others = DeliveryRow.channel.not_in([channel.name for channel in channels])
    return and_(others, DeliveryRow.due_since < long_ago, *untouched)


def unplanned(session: Session) -> int:
    """Messages whose deliveries are not written yet."""
    return session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.planned.is_(None))) or 0
