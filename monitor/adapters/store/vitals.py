"""What the weekly sign of life is made of, and the messages themselves."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store import channels as registry
from monitor.adapters.store.codec import clean
from monitor.adapters.store.database import Database, affected, insert_new
from monitor.adapters.store.schema import (
    IS_DUE,
    AcquisitionRow,
    DeliveryRow,
    EventRow,
    OutboxRow,
    SourceRow,
    TransitionRow,
)
from monitor.core.alive import Source
from monitor.core.delivery import NO_CHANNEL
from monitor.core.intake import Arrival
from monitor.core.lifecycle import ALERT_STATES, ROLLED_BACK
from monitor.records import AcquisitionState, AlertStatus, DeliveryState, EventState, MessageKind, Sensor, Tier

_LATE = timedelta(days=1)
"""A message that is due for so long does not get through."""
_STATES = [state.value for state in ALERT_STATES]
_WAITING = [AcquisitionState.DISCOVERED.value, AcquisitionState.CLAIMED.value]
_ACTUAL = AlertStatus.ACTUAL.value


class SqlVitals:
    """The part of `SqlStore` that tells how the watch does. Every method is one transaction and may raise StoreBusy."""

    database: Database

    def note_sources(self, answered: Iterable[str], silent: Mapping[str, str], now: datetime) -> None:
        """Note which catalogs answered a poll, and which did not and why."""
        with self.database.write() as session:
            for name in sorted(answered):
                _note(session, name, {"answered": now, "failing_since": None, "detail": ""})
            for name, why in sorted(silent.items()):
                known = session.get(SourceRow, name)
                before = None if known is None else known.failing_since
                since = now if before is None else min(before, now)  # the clock may have been set back
                _note(session, name, {"failing_since": since, "detail": clean(why)[:2000]})

    def sources(self, catalogs: Iterable[str]) -> list[Source]:
        """How these catalogs answered when they were last asked; those never asked are left out."""
        chosen = select(SourceRow).where(SourceRow.catalog.in_(sorted(catalogs))).order_by(SourceRow.catalog)
        with self.database.read() as session:
            return [
                Source(name=row.catalog, answered=row.answered, failing_since=row.failing_since, detail=row.detail)
                for row in session.scalars(chosen)
            ]

    def open_alerts(self, region: str) -> dict[Tier, int]:
        """How many alerts of a region are open, by tier; tests and exercises are none."""
        chosen = (EventRow.region == region, EventRow.status == _ACTUAL, EventRow.state.in_(_STATES))
        counted = select(EventRow.tier, func.count()).where(*chosen).group_by(EventRow.tier)
        with self.database.read() as session:
            return {Tier(tier): count for tier, count in session.execute(counted)}

    def opened_since(self, region: str, since: datetime) -> int:
        """How many events of a region became alerts at or after a time; tests and exercises are none."""
        before = or_(TransitionRow.previous.is_(None), TransitionRow.previous == EventState.CANDIDATE.value)
        opened = select(func.count(func.distinct(TransitionRow.event_id))).join(
            EventRow, EventRow.id == TransitionRow.event_id
        )
        chosen = (TransitionRow.created >= since, TransitionRow.state.in_(_STATES), before)
        real = (EventRow.region == region, EventRow.status == _ACTUAL)
        with self.database.read() as session:
            return session.scalar(opened.where(*real, *chosen)) or 0

    def arrivals(self, region: str, since: datetime) -> list[Arrival]:
        """The acquisitions of a region sensed at or after a time, and those that wait longer, history apart; versions
        that a newer one replaced are left out."""
        waits = AcquisitionRow.state.in_(_WAITING) & ~AcquisitionRow.history
        columns = (
            AcquisitionRow.sensor,
            AcquisitionRow.sensing_time,
            AcquisitionRow.state,
            AcquisitionRow.reason,
            AcquisitionRow.updated,
        )
        chosen = (
            AcquisitionRow.region == region,
            AcquisitionRow.state != AcquisitionState.SUPERSEDED.value,
            or_(AcquisitionRow.sensing_time >= since, waits),
        )
        with self.database.read() as session:
            return [
                Arrival(
                    sensor=Sensor(sensor),
                    sensing_time=at,
                    state=AcquisitionState(state),
                    reason=reason,
                    updated=updated,
                )
                for sensor, at, state, reason, updated in session.execute(select(*columns).where(*chosen))
            ]

    def last_worked(self, now: datetime) -> datetime | None:
        """When a try of any acquisition last ended, history included; None: none has. What people did is none.

        Nor is what ended after `now`: the clock was ahead then, and would hide for as long that nothing goes on.
        """
        state, reason = AcquisitionRow.state, AcquisitionRow.reason
        parked = and_(state == AcquisitionState.PARKED.value, reason != ROLLED_BACK)
        again = and_(state == AcquisitionState.DISCOVERED.value, AcquisitionRow.not_before.is_not(None))
        ended = or_(state == AcquisitionState.DONE.value, parked, again)
        with self.database.read() as session:
            return session.scalar(select(func.max(AcquisitionRow.updated)).where(ended, AcquisitionRow.updated <= now))

    def parked(self, region: str) -> dict[str, int]:
        """How many acquisitions of a region wait for a person, by reason."""
        chosen = (AcquisitionRow.region == region, AcquisitionRow.state == AcquisitionState.PARKED.value)
        counted = select(AcquisitionRow.reason, func.count()).where(*chosen).group_by(AcquisitionRow.reason)
        with self.database.read() as session:
            return {reason or "parked": count for reason, count in session.execute(counted)}

    def undelivered(self, region: str, now: datetime) -> dict[str, int]:
        """How many messages about a region do not get through, by channel; not of channels that were taken off."""
        parked = (DeliveryRow.state == DeliveryState.PARKED.value) & (DeliveryRow.reason != NO_CHANNEL)
        late = IS_DUE & (DeliveryRow.due_since < now - _LATE)
        counted = select(DeliveryRow.channel, func.count()).where(DeliveryRow.region == region, or_(parked, late))
        with self.database.read() as session:
            return {name: count for name, count in session.execute(counted.group_by(DeliveryRow.channel))}

    def hearing_since(self, channels: Iterable[str]) -> datetime | None:
        """From when on the first of these channels hears what happens; None: none does yet."""
        with self.database.read() as session:
            return min(registry.since(session, list(channels)).values(), default=None)

    def last_alive(self, region: str) -> datetime | None:
        """When the last sign of life of a region was written; None: never."""
        own = (
            OutboxRow.kind == MessageKind.ALIVE.value,
            OutboxRow.idempotency_key.startswith(_key(region), autoescape=True),
        )
        with self.database.read() as session:
            newest = select(OutboxRow.created).where(*own).order_by(OutboxRow.id.desc()).limit(1)
            return session.scalar(newest)

    def post_alive(self, key: str, payload: Mapping[str, object], now: datetime) -> bool:
        """Put a sign of life into the outbox; False when that of its week is there already."""
        message = {
            "idempotency_key": key,
            "event_id": None,
            "sequence": 0,
            "payload": dict(payload),
            "created": now,
            "kind": MessageKind.ALIVE.value,
        }
        with self.database.write() as session:
            return insert_new(session, OutboxRow, [message]) == 1


def _key(region: str) -> str:
    return f"{MessageKind.ALIVE.value}:{region}:"


def _note(session: Session, name: str, values: Mapping[str, object]) -> None:
    fresh = {"answered": None, "failing_since": None, "detail": ""} | {"catalog": name} | dict(values)
    if not insert_new(session, SourceRow, [fresh]):
        affected(session, update(SourceRow).where(SourceRow.catalog == name).values(dict(values)))
