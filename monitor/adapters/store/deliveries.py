"""Deliveries: who sends what, how it ended. Functions take the session of one transaction.

A claim is a lease, as in the ledger: conditional updates let one process at a time send a message, and one that died
is relieved at once on the same host, after the lease elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, case, exists, func, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased, undefer

from monitor.adapters.store import revisions
from monitor.adapters.store.codec import Values, clean
from monitor.adapters.store.database import affected
from monitor.adapters.store.owners import owner_is_dead
from monitor.adapters.store.schema import IS_DUE, DeliveryRow, OutboxRow
from monitor.core.delivery import INHIBITED, RATE_LIMITED, SUPERSEDED, WARNING, RetrySettings, room_at
from monitor.records import (
    Channel,
    ChannelCount,
    Delivery,
    DeliveryState,
    Escalation,
    Message,
    MessageKind,
    Retried,
    Unanswered,
)

_NO_LEASE = {"lease_owner": None, "lease_until": None}
_MOST_GATHERED = 1000
"""Revisions in one message."""
_SLACK = timedelta(minutes=15)
"""What waits for longer than anything can, and this, was put off before the clock was set back."""
_LONGEST_LEASE = timedelta(hours=1)
"""No process holds a message for so long."""
_DUE: ColumnElement[str] = literal_column("'due'")
_Rows = type[DeliveryRow]


def claim(session: Session, channel: Channel, owner: str, lease: timedelta, now: datetime) -> list[Message]:
    """Claim the next message of a channel, or the revisions that are gathered into it; none: nothing is due.

    Warnings go first, then what has waited longest. The revisions of one event go in order: a later one waits for an
    earlier one that is due.
    """
    _relieve(session, channel.name)
    rows = _next(session, channel, now)
    if not rows:
        return []
    free_at = room_at(_sent(session, channel, now), channel.at_most, now)
    if free_at > now:
        _put_off(session, channel, free_at, now)
        return []
    return _take(session, channel, rows, owner, lease, now)


def _relieve(session: Session, channel: str) -> None:
    """Give back what processes held that died here."""
    held = (DeliveryRow.channel == channel, IS_DUE, DeliveryRow.lease_owner.is_not(None))
    owners = session.scalars(select(DeliveryRow.lease_owner).where(*held).distinct()).all()
    dead = [owner for owner in owners if owner_is_dead(owner)]
    if dead:
        of_dead = (*held, DeliveryRow.lease_owner.in_(dead))
        affected(session, update(DeliveryRow).where(*of_dead).values(_NO_LEASE))


def _next(session: Session, channel: Channel, now: datetime) -> list[DeliveryRow]:
    """The rows of the next message."""
    earlier, other = aliased(DeliveryRow), aliased(DeliveryRow)
    longest = _longest_wait(channel)
    before = and_(
        earlier.channel == DeliveryRow.channel,
        earlier.event_id == DeliveryRow.event_id,
        earlier.state == _DUE,
        earlier.sequence < DeliveryRow.sequence,
    )
    # An earlier revision that may go now goes first anyway, or in the same message.
    in_order = ~exists().where(before, ~_ripe(earlier, longest, now))
    urgent = exists().where(
        other.channel == DeliveryRow.channel,
        other.event_id == DeliveryRow.event_id,
        other.state == _DUE,
        other.tier == WARNING,
    )
    due = (DeliveryRow.channel == channel.name, IS_DUE, _ripe(DeliveryRow, longest, now), in_order)
    ordered = select(DeliveryRow).where(*due).order_by(DeliveryRow.id)
    if channel.gather > timedelta(0):
        # The sort keeps the order of rows that are alike.
        urgent_first = session.execute(ordered.add_columns(urgent.label("urgent"))).all()
        rows = [row for row, _ in sorted(urgent_first, key=lambda one: not one[1])]
        return _gathered(rows, channel.gather, now)
    # Two questions, of which each stops at its first row; one that sorts by urgency would look at all that is due.
    for wanted in (ordered.where(urgent), ordered):
        found = session.scalars(wanted.limit(1)).first()
        if found is not None:
            return [found]
    return []


def _ripe(row: _Rows, longest: timedelta, now: datetime) -> ColumnElement[bool]:
    """Nobody sends it, and nothing asks for a later time, `longest` ahead at most."""
    no_wait = or_(row.not_before.is_(None), row.not_before <= now, row.not_before > now + longest + _SLACK)
    free = or_(row.lease_until.is_(None), row.lease_until <= now, row.lease_until > now + _LONGEST_LEASE)
    held = row.reason.is_not(None) & row.reason.startswith(f"{INHIBITED}:")
    return and_(no_wait, free, ~held)


def _longest_wait(channel: Channel) -> timedelta:
    """No message of a channel is put off for longer."""
    asked = RetrySettings().longest_asked
    return asked if channel.at_most is None else max(asked, channel.at_most.per)


def _gathered(rows: Sequence[DeliveryRow], gather: timedelta, now: datetime) -> list[DeliveryRow]:
    """The first storm (or event without one) whose first revision has waited long enough.

    What one silence held back is told together, with what has come of the same events since.
    """
    groups: dict[tuple[str, str | None], list[DeliveryRow]] = {}
    let_go = {row.event_id: f"silence {row.held_by}" for row in rows if row.held_by is not None}
    for row in rows:
        # What only some recipients have taken is told to the others with what they, too, have not.
        about = let_go.get(row.event_id) or row.storm or row.event_id or row.idempotency_key
        groups.setdefault((about, row.taken), []).append(row)
    for group in groups.values():
        first = min(row.due_since for row in group)
        if now - first >= gather or first > now:
            return sorted(group, key=lambda row: row.id)[:_MOST_GATHERED]
    return []


def _sent(session: Session, channel: Channel, now: datetime) -> Sequence[datetime]:
    """When the last messages were delivered."""
    if channel.at_most is None:
        return []
    since = now - channel.at_most.per
    recent = (DeliveryRow.channel == channel.name, DeliveryRow.delivered > since)
    times = select(func.max(DeliveryRow.delivered)).where(*recent).group_by(DeliveryRow.message_id)
    return [time for time in session.scalars(times) if time is not None]


def _put_off(session: Session, channel: Channel, until: datetime, now: datetime) -> None:
    assert channel.at_most is not None
    minutes = channel.at_most.per.total_seconds() / 60
    detail = f"the channel takes {channel.at_most.count} messages in {minutes:g} minutes"
    waiting = (DeliveryRow.channel == channel.name, IS_DUE, _ripe(DeliveryRow, _longest_wait(channel), now))
    values: Values = {"reason": RATE_LIMITED, "detail": detail, "not_before": until}
    affected(session, update(DeliveryRow).where(*waiting).values(values))


def _take(
    session: Session, channel: Channel, rows: Sequence[DeliveryRow], owner: str, lease: timedelta, now: datetime
) -> list[Message]:
    """Claim rows that still are as they were read: all of them, since writers take turns."""
    limited = {row.id for row in rows if row.reason == RATE_LIMITED}
    ripe = _ripe(DeliveryRow, _longest_wait(channel), now)
    free = (DeliveryRow.id.in_([row.id for row in rows]), IS_DUE, ripe)
    taken = update(DeliveryRow).where(*free)
    values = {
        "attempts": DeliveryRow.attempts + 1,
        "last_try": now,
        "not_before": None,
        "lease_owner": owner,
        "lease_until": now + lease,
    }
    if affected(session, taken.values(values)) != len(rows):
        session.rollback()
        return []
    keys = [row.idempotency_key for row in rows]
    outbox = session.scalars(
        select(OutboxRow).options(undefer(OutboxRow.known)).where(OutboxRow.idempotency_key.in_(keys))
    ).all()
    told = {row.idempotency_key: row for row in outbox}
    events = revisions.events_as_told(session, outbox)
    for row in rows:
        session.refresh(row)
    return [
        replace(_message(row, told[row.idempotency_key], row.id in limited), event=events.get(row.idempotency_key))
        for row in rows
    ]


def _message(row: DeliveryRow, told: OutboxRow, limited: bool) -> Message:
    return Message(
        idempotency_key=row.idempotency_key,
        channel=row.channel,
        event_id=row.event_id,
        sequence=row.sequence,
        payload=cast("Mapping[str, object]", told.payload),
        created=told.created,
        attempts=row.attempts,
        failing_since=row.failing_since,
        waited_for_limit=limited,
        replays=row.replays,
        kind=MessageKind(row.kind),
        escalation=_escalation(row),
        taken=frozenset((row.taken or "").split()),
        held_back=row.held_by is not None,
    )


def _escalation(row: DeliveryRow) -> Escalation | None:
    if row.escalation is None or row.escalation_since is None:
        return None
    return Escalation(why=Unanswered(row.escalation), since=row.escalation_since)


def finish(session: Session, messages: Sequence[Message], owner: str, ending: Mapping[str, object]) -> int:
    """Give claimed messages up with new columns; how many of them were still held by this claim."""
    values = {"not_before": None} | _NO_LEASE | dict(ending)
    return sum(
        affected(session, update(DeliveryRow).where(_held(one, owner)).values(values | {"taken": _joined(one.taken)}))
        for one in messages
    )


def _joined(taken: Iterable[str]) -> str | None:
    return " ".join(sorted(taken)) or None


def _held(message: Message, owner: str) -> ColumnElement[bool]:
    # The number of the try tells one claim of a process from a later one of the same.
    return and_(
        DeliveryRow.channel == message.channel,
        DeliveryRow.idempotency_key == message.idempotency_key,
        IS_DUE,
        DeliveryRow.lease_owner == owner,
        DeliveryRow.attempts == message.attempts,
    )


def pause(session: Session, channel: str, until: datetime, now: datetime) -> None:
    """Put off everything that is due on a channel, because its receiver asked for it."""
    early = or_(DeliveryRow.not_before.is_(None), DeliveryRow.not_before < until)
    of_channel = (DeliveryRow.channel == channel, IS_DUE, _ripe(DeliveryRow, RetrySettings().longest_asked, now), early)
    affected(session, update(DeliveryRow).where(*of_channel).values(not_before=until))


def retry(session: Session, name: str, now: datetime) -> Retried:
    """Make due again what is parked of a channel, or one message by its key, suppressed, held or not.

    Of a channel only what is still news: an older revision after a later one, perhaps after the end, would mislead.
    """
    parked = (DeliveryRow.channel == name, _is(DeliveryState.PARKED))
    later = aliased(DeliveryRow)
    same = (later.channel == DeliveryRow.channel, later.event_id == DeliveryRow.event_id)
    arrived = or_(later.state == DeliveryState.DELIVERED.value, later.lease_owner.is_not(None))
    old = exists().where(*same, later.sequence > DeliveryRow.sequence, arrived)
    detail = "a later revision has arrived. To send this one all the same: scarpwatch deliveries retry KEY"
    left_out: Values = {"state": DeliveryState.SUPPRESSED.value, "reason": SUPERSEDED, "detail": detail}
    superseded = affected(session, update(DeliveryRow).where(*parked, old).values(left_out))
    set_aside = [DeliveryState.PARKED.value, DeliveryState.SUPPRESSED.value, DeliveryState.HELD.value]
    of_key = and_(DeliveryRow.idempotency_key == name, DeliveryRow.state.in_(set_aside))
    due = affected(session, update(DeliveryRow).where(or_(and_(*parked), of_key)).values(afresh(now)))
    return Retried(due=due, superseded=superseded)


def replay(session: Session, channel: str, since: datetime | None, now: datetime) -> int:
    """Make due again what was delivered to a channel at or after a time; how many."""
    chosen = [DeliveryRow.channel == channel, _is(DeliveryState.DELIVERED)]
    if since is not None:
        chosen.append(DeliveryRow.delivered >= since)
    values = afresh(now) | {"replays": DeliveryRow.replays + 1, "delivered": None, "message_id": None, "taken": None}
    values |= {"held_by": None}
    return affected(session, update(DeliveryRow).where(*chosen).values(values))


def afresh(now: datetime) -> Values:
    """Columns of what is due as if it had never been tried."""
    return {
        "state": DeliveryState.DUE.value,
        "due_since": now,
        "not_before": None,
        "attempts": 0,
        "failing_since": None,
        "reason": None,
        "detail": None,
    }


def read(
    session: Session, channel: str | None, state: DeliveryState | None, limit: int, event_id: str | None = None
) -> list[Delivery]:
    """Deliveries, newest first."""
    statement = select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(limit)
    if channel is not None:
        statement = statement.where(DeliveryRow.channel == channel)
    if state is not None:
        statement = statement.where(_is(state))
    if event_id is not None:
        statement = statement.where(DeliveryRow.event_id == event_id)
    return [_delivery(row) for row in session.scalars(statement)]


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        idempotency_key=row.idempotency_key,
        channel=row.channel,
        event_id=row.event_id,
        sequence=row.sequence,
        region=row.region,
        tier=row.tier,
        state=DeliveryState(row.state),
        due_since=row.due_since,
        not_before=row.not_before,
        attempts=row.attempts,
        last_try=row.last_try,
        reason=row.reason,
        detail=row.detail,
        delivered=row.delivered,
        replays=row.replays,
        kind=MessageKind(row.kind),
        escalation=_escalation(row),
    )


def counts(session: Session, channel: str | None = None) -> list[ChannelCount]:
    """How every channel stands that ever had a message, by name; of one channel only what is due, parked or held."""
    failing = func.sum(case((DeliveryRow.failing_since.is_not(None), 1), else_=0))
    columns = (DeliveryRow.channel, DeliveryRow.state, func.count(), func.min(DeliveryRow.due_since), failing)
    grouped = select(*columns).group_by(DeliveryRow.channel, DeliveryRow.state).order_by(DeliveryRow.channel)
    if channel is not None:
        waiting = [DeliveryState.DUE.value, DeliveryState.PARKED.value, DeliveryState.HELD.value]
        grouped = grouped.where(DeliveryRow.channel == channel, DeliveryRow.state.in_(waiting))
    found: dict[str, dict[DeliveryState, int]] = {}
    oldest: dict[str, datetime] = {}
    failed: dict[str, int] = {}
    for name, state, count, since, failures in session.execute(grouped):
        found.setdefault(name, {})[DeliveryState(state)] = count
        if state == DeliveryState.DUE.value:
            oldest[name] = since
            failed[name] = int(failures or 0)
    return [
        ChannelCount(channel=name, counts=states, oldest_due=oldest.get(name), failing=failed.get(name, 0))
        for name, states in found.items()
    ]


def last_delivered(session: Session, channel: str) -> datetime | None:
    """When a channel took a message last; None: never."""
    return session.scalar(select(func.max(DeliveryRow.delivered)).where(DeliveryRow.channel == channel))


def _is(state: DeliveryState) -> ColumnElement[bool]:
    return DeliveryRow.state == state.value


def ending(state: DeliveryState, reason: str | None, detail: str) -> Values:
    """Columns of every way in which a try ends."""
    return {"state": state.value, "reason": reason, "detail": clean(detail)[:2000]}
