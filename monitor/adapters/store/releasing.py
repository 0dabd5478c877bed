"""What silences kept back and what becomes of it when they are over. Functions take the session of one transaction.

What a silence covers is held: it is neither sent nor given up. When no silence covers it any more each channel is told
once of every alert that still stands, in its newest revision. What has ended meanwhile is not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Select, func, select, true, update
from sqlalchemy.orm import Session

from monitor.adapters.store import channels as registry
from monitor.adapters.store import silences
from monitor.adapters.store.codec import Values
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.deliveries import afresh
from monitor.adapters.store.planning import delivery_values, ground_of
from monitor.adapters.store.schema import IS_DUE, DeliveryRow, EventRow, OutboxRow
from monitor.core.delivery import SILENCED, SUPERSEDED, concerns, silenced_by
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Channel, DeliveryState, HeldBack, Silence

_STATES = [state.value for state in ALERT_STATES]
_HELD = DeliveryRow.state == DeliveryState.HELD.value
_ENDED = "the alert ended, or was no alert for this channel any more, before the silence did"
_OVERTAKEN = "a later revision is told instead"


@dataclass(slots=True, kw_only=True)
class _Kept:
    """What one channel was not told of one event, oldest first."""

    channel: Channel
    event_id: str
    rows: list[DeliveryRow] = field(default_factory=list)


def is_needed(session: Session, channels: Sequence[Channel], now: datetime) -> bool:
    """Whether `apply` would change anything."""
    return session.scalar(_let_go(channels, silences.in_force(session, now)).limit(1)) is not None


def apply(session: Session, channels: Sequence[Channel], now: datetime) -> None:
    """Make due what no silence holds any more and is still news, and settle the rest."""
    found = silences.in_force(session, now)
    ids = session.scalars(_let_go(channels, found)).all()
    if not ids:
        return
    kept = _by_alert(session, channels, ids)
    newest = _newest(session, {event_id for _, event_id in kept})
    since = registry.since(session, [one.name for one in channels])
    for one in kept.values():
        message = newest.get(one.event_id)
        fresh = any(row.due_since + one.channel.gather >= since[one.channel.name] for row in one.rows)
        if message is None or not fresh:
            _settle(session, one.rows, None)
        else:
            _decide(session, one, message, found, now)


def _let_go(channels: Sequence[Channel], found: Sequence[Silence]) -> Select[int]:
    """Deliveries of these channels that a silence holds which is over."""
    ours = DeliveryRow.channel.in_([one.name for one in channels])
    return select(DeliveryRow.id).where(ours, _HELD, DeliveryRow.held_by.not_in([one.id for one in found]))


def _by_alert(session: Session, channels: Sequence[Channel], ids: Sequence[int]) -> dict[tuple[str, str], _Kept]:
    """All that is held of the same alerts on the same channels, also by silences that still hold."""
    by_name = {one.name: one for one in channels}
    events = select(DeliveryRow.event_id).where(DeliveryRow.id.in_(ids))
    chosen = (DeliveryRow.channel.in_(list(by_name)), _HELD, DeliveryRow.event_id.in_(events))
    kept: dict[tuple[str, str], _Kept] = {}
    for row in session.scalars(select(DeliveryRow).where(*chosen).order_by(DeliveryRow.sequence)):
        event_id = str(row.event_id)
        one = kept.setdefault((row.channel, event_id), _Kept(channel=by_name[row.channel], event_id=event_id))
        one.rows.append(row)
    return kept


def _newest(session: Session, events: set[str]) -> dict[str, OutboxRow]:
    """The last message that people were to hear of events that still are alerts."""
    statement = (
        select(OutboxRow)
        .join(EventRow, (EventRow.id == OutboxRow.event_id) & (EventRow.told_sequence == OutboxRow.sequence))
        .where(EventRow.id.in_(events), EventRow.state.in_(_STATES))
    )
    return {str(row.event_id): row for row in session.scalars(statement)}


def _decide(session: Session, kept: _Kept, message: OutboxRow, found: Sequence[Silence], now: datetime) -> None:
    payload = cast("Mapping[str, object]", message.payload)
    silence = silenced_by(found, str(payload.get("region", "")), ground_of(payload))
    if silence is not None:
        still: Values = {"held_by": silence.id, "reason": f"{SILENCED}:{silence.id}"}
        _write(session, kept.rows, still)
        return
    known = session.scalar(
        select(DeliveryRow.state).where(
            DeliveryRow.channel == kept.channel.name, DeliveryRow.idempotency_key == message.idempotency_key
        )
    )
    if known is not None and known != DeliveryState.HELD.value:
        _hurry(session, kept, message, now)
        _settle(session, kept.rows, SUPERSEDED)
    elif concerns(kept.channel, payload) or _has_heard(session, kept):
        _tell(session, kept, message, now)
    else:
        _settle(session, kept.rows, None)


def _has_heard(session: Session, kept: _Kept) -> bool:
    told = (DeliveryRow.channel == kept.channel.name, DeliveryRow.event_id == kept.event_id)
    sent = DeliveryRow.state == DeliveryState.DELIVERED.value
    return session.scalar(select(DeliveryRow.id).where(*told, sent).limit(1)) is not None


def _tell(session: Session, kept: _Kept, message: OutboxRow, now: datetime) -> None:
    """The newest revision is due, at once and in the place of all that was held; why it was to be told stays."""
    last = next((row for row in kept.rows if row.escalation is not None), kept.rows[-1])
    values: Values = {
        # It was held for long enough: all that one silence held goes together, and waits for nothing.
        **(afresh(now) | {"due_since": now - kept.channel.gather}),
        "held_by": last.held_by,
        "escalation": last.escalation,
        "escalation_since": last.escalation_since,
    }
    insert_new(session, DeliveryRow, [delivery_values(message, kept.channel.name, now) | values])
    same = (DeliveryRow.channel == kept.channel.name, DeliveryRow.idempotency_key == message.idempotency_key)
    affected(session, update(DeliveryRow).where(*same).values(values))
    _settle(session, [row for row in kept.rows if row.idempotency_key != message.idempotency_key], SUPERSEDED)


def _hurry(session: Session, kept: _Kept, message: OutboxRow, now: datetime) -> None:
    """A newest revision that is due by itself, since the silence ended before it was planned, goes with the others."""
    same = (DeliveryRow.channel == kept.channel.name, DeliveryRow.idempotency_key == message.idempotency_key)
    waits = (IS_DUE, DeliveryRow.lease_owner.is_(None), DeliveryRow.held_by.is_(None))
    values: Values = {"held_by": kept.rows[-1].held_by, "due_since": now - kept.channel.gather}
    affected(session, update(DeliveryRow).where(*same, *waits).values(values))


def _settle(session: Session, rows: Sequence[DeliveryRow], reason: str | None) -> None:
    """They are not sent: for a reason, or because they are no news any more."""
    values: Values = {"state": DeliveryState.SUPPRESSED.value, "held_by": None, "detail": _ENDED}
    _write(session, rows, values if reason is None else values | {"reason": reason, "detail": _OVERTAKEN})


def _write(session: Session, rows: Sequence[DeliveryRow], values: Values) -> None:
    affected(session, update(DeliveryRow).where(DeliveryRow.id.in_([row.id for row in rows])).values(values))


def held_back(session: Session, now: datetime, region: str | None = None) -> list[HeldBack]:
    """The silences in force over a region, with how many messages of it each keeps back that would be told now."""
    found = [one for one in silences.in_force(session, now) if region is None or one.region in (None, region)]
    told = select(DeliveryRow.held_by, DeliveryRow.channel, DeliveryRow.event_id).distinct()
    waiting = (
        told.join(EventRow, EventRow.id == DeliveryRow.event_id)
        .where(_HELD, EventRow.state.in_(_STATES), DeliveryRow.held_by.in_([one.id for one in found]))
        .where(true() if region is None else DeliveryRow.region == region)
        .subquery()
    )
    counted = session.execute(select(waiting.c.held_by, func.count()).group_by(waiting.c.held_by)) if found else ()
    counts = {number: count for number, count in counted if number is not None}
    return [HeldBack(silence=one, messages=counts.get(one.id, 0)) for one in found]
