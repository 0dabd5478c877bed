"""The channels that processes have, and how far each was told. Functions take the session of one transaction.

Every channel goes through the outbox by itself: a process says what is for its own channels and leaves those of others
alone, and a channel that no process has for a while loses nothing. One that is new begins with what comes after the
first process that has it has entered it (`begin`), which it does before it makes messages of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.schema import ChannelRow, DeliveryRow, OutboxRow
from monitor.core.delivery import NO_CHANNEL
from monitor.records import Channel, DeliveryState

NOBODY = ""
"""Stands for the channels of processes that have none, as long as there is no real one."""
GONE_AFTER = timedelta(days=1)
"""A channel that no process has had for so long was taken off."""
_FORGOTTEN_AFTER = timedelta(days=30)
"""One that no process had for so long is as good as new."""
_SEEN_EVERY = timedelta(minutes=10)
"""So often it is noted that a process has a channel."""


def names(session: Session, channels: Sequence[Channel], now: datetime) -> list[str]:
    """For which channels this process says what they are to hear.

    Where there are none it does so for nobody, so that one added later is not told of what was before. Where another
    process has had some within the last month it does for none.
    """
    if channels:
        return sorted(one.name for one in channels)
    there = (ChannelRow.name != NOBODY, ChannelRow.seen >= now - _FORGOTTEN_AFTER)
    others = session.scalar(select(ChannelRow.name).where(*there).limit(1))
    return [NOBODY] if others is None else []


def are_new(session: Session, wanted: Sequence[str]) -> bool:
    """Whether `begin` would change anything."""
    known = session.scalars(select(ChannelRow.name).where(ChannelRow.name.in_(wanted))).all()
    return len(known) < len(wanted)


def begin(session: Session, wanted: Sequence[str], now: datetime) -> None:
    """Enter those channels that nobody ever had: they hear what happens from now on, and nothing of before."""
    newest = session.scalar(select(func.max(OutboxRow.id))) or 0
    _insert(session, wanted, newest, now)


def are_behind(session: Session, wanted: Sequence[str], now: datetime) -> bool:
    """Whether `enter` would change anything, or there are messages that were not looked at for one of the channels."""
    rows = session.scalars(select(ChannelRow).where(ChannelRow.name.in_(wanted))).all()
    newest = session.scalar(select(func.max(OutboxRow.id))) or 0
    return len(rows) < len(wanted) or any(row.planned < newest or _is_stale(row, now) for row in rows)


def enter(session: Session, wanted: Sequence[str], now: datetime) -> Mapping[str, int]:
    """Note that a process has these channels; up to which message of the outbox each was told.

    What was not begun begins where the others are.
    """
    newest = session.scalar(select(func.max(ChannelRow.planned))) or 0
    _insert(session, wanted, newest, now)
    rows = session.scalars(select(ChannelRow).where(ChannelRow.name.in_(wanted))).all()
    back = [row.name for row in rows if GONE_AFTER < now - row.seen <= _FORGOTTEN_AFTER]
    if back:
        _give_back(session, back, now)
    for row in rows:
        if now - row.seen > _FORGOTTEN_AFTER:
            row.since, row.planned = now, newest
        if _is_stale(row, now):
            row.seen, row.since = now, min(row.since, now)  # no channel begins in a time to come
    session.flush()
    return {row.name: row.planned for row in rows}


def _insert(session: Session, wanted: Sequence[str], planned: int, now: datetime) -> None:
    rows: list[Mapping[str, object]] = [
        {"name": name, "since": now, "seen": now, "planned": planned} for name in wanted
    ]
    insert_new(session, ChannelRow, rows)


def advance(session: Session, wanted: Sequence[str], planned: int) -> None:
    """Note that it was said of every message up to this one what the channels are to hear."""
    behind = (ChannelRow.name.in_(wanted), ChannelRow.planned < planned)
    affected(session, update(ChannelRow).where(*behind).values(planned=planned))


def since(session: Session, wanted: Sequence[str]) -> dict[str, datetime]:
    """From when on each of the channels hears what happens."""
    rows = session.execute(select(ChannelRow.name, ChannelRow.since).where(ChannelRow.name.in_(wanted)))
    return {name: start for name, start in rows}


def gone(now: datetime, ours: Sequence[str]) -> Select[str]:
    """Names of the channels that no process has had for long."""
    return select(ChannelRow.name).where(ChannelRow.seen < now - GONE_AFTER, ChannelRow.name.not_in(ours))


def unplanned(session: Session) -> int:
    """Messages of which nobody has said yet who is to hear them."""
    told = session.scalar(select(func.max(ChannelRow.planned))) or 0
    return session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.id > told)) or 0


def _give_back(session: Session, names: Sequence[str], now: datetime) -> None:
    """Make due again what was parked only because no process had the channels; they get what they missed.

    Not what a later revision has overtaken: that one is told, and an older one after it would mislead.
    """
    later = aliased(DeliveryRow)
    same = (later.channel == DeliveryRow.channel, later.event_id == DeliveryRow.event_id)
    over = exists().where(*same, later.sequence > DeliveryRow.sequence, later.state == DeliveryState.DELIVERED.value)
    fresh = DeliveryRow.due_since > now - _FORGOTTEN_AFTER
    parked = (DeliveryRow.state == DeliveryState.PARKED.value, DeliveryRow.reason == NO_CHANNEL, fresh)
    values = {"state": DeliveryState.DUE.value, "due_since": now, "not_before": None, "reason": None, "detail": None}
    affected(session, update(DeliveryRow).where(DeliveryRow.channel.in_(names), *parked, ~over).values(values))


def _is_stale(row: ChannelRow, now: datetime) -> bool:
    # Also of a time to come: the clock was set back.
    return abs(now - row.seen) >= _SEEN_EVERY
