"""Alerts that nobody answers, told to the channels that are there for that. Functions take the session of one
transaction.

An alert is answered once a person has acknowledged, confirmed, dismissed or released it. An escalation is a delivery
like any other, of the revision that people heard last: limits and silences hold for it, and the channel hears all that
follows. What a silence holds nobody was told of: its time begins when it is let go.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from monitor.adapters.store import channels as registry
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.planning import delivery_values
from monitor.adapters.store.schema import IS_DUE, ActionRow, DeliveryRow, EventRow, OutboxRow
from monitor.core.delivery import ANSWERED, INHIBITED, concerns, unanswered
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import ActionKind, Channel, DeliveryState, Escalation, Tier

_ANSWERS = [one.value for one in (ActionKind.ACKNOWLEDGE, ActionKind.CONFIRM, ActionKind.DISMISS, ActionKind.RELEASE)]
_NOT_TOLD = (DeliveryState.SUPPRESSED.value, DeliveryState.HELD.value)
_FRESH = timedelta(days=7)
"""What nobody answered for so much longer than it takes is not news any more: the watch was down, or the channel."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One revision that one channel is to hear of because nobody has answered."""

    channel: Channel
    message: OutboxRow
    escalation: Escalation


def due(session: Session, channels: Sequence[Channel], now: datetime) -> list[Due]:
    """What is to be told now, to which channel and why; each alert once to each channel."""
    chosen = [one for one in channels if one.escalation]
    known = registry.since(session, [one.name for one in chosen])
    return [
        found
        for channel in chosen
        if channel.name in known
        for tier, after in channel.escalation.items()
        if tier in channel.tiers
        for found in _of_tier(session, channel, tier, after, known[channel.name], now)
    ]


def escalate(session: Session, channels: Sequence[Channel], now: datetime) -> int:
    """Write the deliveries of `due`; how many. Those of one storm are told together, and wait for no more of it."""
    found = due(session, channels, now)
    values = [
        delivery_values(one.message, one.channel.name, now)
        | {
            "due_since": now - one.channel.gather,
            "escalation": one.escalation.why.value,
            "escalation_since": one.escalation.since,
        }
        for one in found
    ]
    return insert_new(session, DeliveryRow, values)


def answered(now: datetime) -> ColumnElement[bool]:
    """Escalations that were not sent yet, of alerts that somebody has answered or that have ended."""
    free = or_(DeliveryRow.lease_until.is_(None), DeliveryRow.lease_until <= now)
    standing = exists().where(EventRow.id == DeliveryRow.event_id, EventRow.state.in_(_STATES))
    return and_(IS_DUE, DeliveryRow.escalation.is_not(None), free, or_(~standing, is_answered(DeliveryRow.event_id)))


def stop(session: Session, now: datetime) -> None:
    """Take back the escalations that need not be sent any more."""
    detail = "somebody answered the alert, or it ended, before this was sent"
    values = {"state": DeliveryState.SUPPRESSED.value, "reason": ANSWERED, "detail": detail, "not_before": None}
    affected(session, update(DeliveryRow).where(answered(now)).values(values))


_STATES = [state.value for state in ALERT_STATES]


def _of_tier(
    session: Session, channel: Channel, tier: Tier, after: timedelta, known: datetime, now: datetime
) -> Iterator[Due]:
    # A channel that was added hears of what happens from then on.
    let_go = _let_go(session, now - after - _FRESH)
    for row in session.execute(_standing(channel, tier, known, now - after, let_go)).all():
        escalation = unanswered(row.delivered, row.due_since, after, now)
        if escalation is None:
            continue
        message = _last_told(session, row)
        if message is not None and concerns(channel, cast("Mapping[str, object]", message.payload)):
            yield Due(channel=channel, message=message, escalation=escalation)


def _standing(
    channel: Channel, tier: Tier, known: datetime, upto: datetime, let_go: Sequence[str]
) -> Select[str, int | None, datetime, datetime]:
    """Alerts of a tier that nobody answered since a time and that this channel was not told of, with when others were.

    Nothing is chosen that would be dropped later: what is left over of `_AT_ONCE` comes with the next question, and
    must not be the same again for ever.
    """
    # Chosen first: they are few, and of all that was ever delivered the databases would else look at every row.
    open_now = _open(channel, tier, upto - _FRESH, let_go).cte("open_now").prefix_with("MATERIALIZED")
    sent = func.min(case((DeliveryRow.state == DeliveryState.DELIVERED.value, DeliveryRow.delivered)))
    due_since = func.min(DeliveryRow.due_since)
    since = func.coalesce(sent, due_since)
    return (
        select(open_now.c.id, open_now.c.told_sequence, sent.label("delivered"), due_since.label("due_since"))
        .join(DeliveryRow, DeliveryRow.event_id == open_now.c.id)
        .where(
            DeliveryRow.tier == tier.value,
            DeliveryRow.escalation.is_(None),
            DeliveryRow.state.not_in(_NOT_TOLD),
        )
        .group_by(open_now.c.id, open_now.c.told_sequence)
        # What is kept back nobody could answer yet: its time begins when it is let go.
        .having(since >= known, since <= upto, func.max(case((is_kept_back(), 1), else_=0)) == 0)
        .order_by(open_now.c.id)
        .limit(_AT_ONCE)
    )


def _let_go(session: Session, since: datetime) -> Sequence[str]:
    """Alerts that a silence held back and that people were told of since a time: news, however old they are."""
    told = (DeliveryRow.held_by.is_not(None), DeliveryRow.due_since >= since, DeliveryRow.state.not_in(_NOT_TOLD))
    found = session.scalars(select(DeliveryRow.event_id).where(*told).distinct())
    return [one for one in found if one is not None]


def _open(channel: Channel, tier: Tier, told_since: datetime, let_go: Sequence[str]) -> Select[str, int | None]:
    """Alerts that people were told of since a time, that nobody answered and that a channel was not told of.

    What was suppressed was not told. Of the very revision it stays so: a delivery is written once.
    """
    own = aliased(DeliveryRow)
    states = [state.value for state in DeliveryState]  # all there are: so an index finds the event
    final = or_(own.state != DeliveryState.SUPPRESSED.value, own.sequence == EventRow.told_sequence)
    heard = exists().where(own.channel == channel.name, own.state.in_(states), own.event_id == EventRow.id, final)
    here = [EventRow.region.in_(channel.regions)] if channel.regions else []
    return select(EventRow.id, EventRow.told_sequence).where(
        *here,
        or_(EventRow.told_at >= told_since, EventRow.id.in_(let_go)) if let_go else EventRow.told_at >= told_since,
        EventRow.state.in_(_STATES),
        EventRow.status.in_(channel.statuses),
        EventRow.tier == tier.value,
        ~heard,
        ~is_answered(EventRow.id),
    )


def is_kept_back() -> ColumnElement[bool]:
    """Whether a delivery waits because the evidence it rests on is in doubt."""
    return and_(IS_DUE, DeliveryRow.reason.startswith(f"{INHIBITED}:"))


def is_answered(event_id: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
    """Whether a person has answered an alert."""
    return exists().where(ActionRow.event_id == event_id, ActionRow.kind.in_(_ANSWERS), ActionRow.by != "")


def _last_told(session: Session, row: Row[str, int | None, datetime, datetime]) -> OutboxRow | None:
    return session.scalar(
        select(OutboxRow).where(OutboxRow.event_id == row.id, OutboxRow.sequence == row.told_sequence)
    )
