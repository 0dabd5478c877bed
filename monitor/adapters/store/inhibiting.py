"""What is kept back while the evidence it rests on is in doubt. Functions take the session of one transaction.

Faults that the watch sees by itself are parked before anything is judged, so no alert ever rests on them. Left is a
scene that its producer publishes anew after an alert was opened by it: until the newer version is looked at, nobody
knows whether the older was right. So long, and for some hours at most, an alert that rests on such scenes alone waits.
One that anything else speaks for, or that a person has answered, goes on; so does every other alert. A newer version
that turns out to be faulty itself says nothing against the older.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from monitor.adapters.store.database import affected
from monitor.adapters.store.discovery import NEWER_VERSION
from monitor.adapters.store.escalating import is_answered, is_kept_back
from monitor.adapters.store.schema import IS_DUE, AcquisitionRow, DeliveryRow, EventRow, EvidenceRow
from monitor.core.delivery import INHIBITED
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import AcquisitionState, Verdict

_LONGEST = timedelta(hours=6)
"""A newer version that was not looked at by then keeps nothing back any more."""
_UNFINISHED = [AcquisitionState.DISCOVERED.value, AcquisitionState.CLAIMED.value]
_SPEAKING = [Verdict.OPENS.value, Verdict.SUPPORTS.value]
_STATES = [state.value for state in ALERT_STATES]


def is_needed(session: Session, now: datetime) -> bool:
    """Whether `apply` would change anything."""
    return _held(session) != _inhibited(session, now)


def apply(session: Session, now: datetime) -> None:
    """Keep back what rests on evidence in doubt alone, and let go what was kept back and does so no more."""
    before, after = _held(session), _inhibited(session, now)
    freed = [row for row, reason in before.items() if after.get(row) != reason]
    of_freed = update(DeliveryRow).where(DeliveryRow.id.in_(freed), is_kept_back())
    affected(session, of_freed.values(reason=None, detail=None, due_since=now))
    detail = "the scene it rests on was published anew, and the newer version waits to be looked at"
    for row, reason in after.items():
        if before.get(row) != reason:
            affected(session, update(DeliveryRow).where(DeliveryRow.id == row).values(reason=reason, detail=detail))


def _held(session: Session) -> dict[int, str]:
    """Deliveries that are kept back, with the reason."""
    rows = session.execute(select(DeliveryRow.id, DeliveryRow.reason).where(is_kept_back()))
    return {row: reason for row, reason in rows if reason is not None}


def _inhibited(session: Session, now: datetime) -> Mapping[int, str]:
    """Deliveries that are to be kept back now, with the reason."""
    doubted = _doubted(session, now)
    if not doubted:
        return {}
    speaking = (EvidenceRow.verdict.in_(_SPEAKING), EvidenceRow.withdrawn.is_(False))
    other = aliased(EvidenceRow)
    firm = exists().where(
        other.event_id == EvidenceRow.event_id,
        other.verdict.in_(_SPEAKING),
        other.withdrawn.is_(False),
        other.acquisition_id.not_in(doubted),
    )
    free = or_(DeliveryRow.lease_until.is_(None), DeliveryRow.lease_until <= now)
    statement = (
        select(DeliveryRow.id, EvidenceRow.acquisition_id)
        .join(EvidenceRow, EvidenceRow.event_id == DeliveryRow.event_id)
        .join(EventRow, EventRow.id == DeliveryRow.event_id)
        .where(IS_DUE, free, EventRow.state.in_(_STATES), *speaking, EvidenceRow.acquisition_id.in_(doubted))
        .where(~firm, ~is_answered(EventRow.id))
        .order_by(DeliveryRow.id, EvidenceRow.acquisition_id.desc())
    )
    return {row: f"{INHIBITED}:{acquisition}"[:200] for row, acquisition in session.execute(statement)}


def _doubted(session: Session, now: datetime) -> list[str]:
    """Ids of acquisitions of which a newer version waits to be looked at."""
    newer = aliased(AcquisitionRow)
    waits = exists().where(
        newer.region == AcquisitionRow.region, newer.key == AcquisitionRow.key, newer.state.in_(_UNFINISHED)
    )
    replaced = (
        AcquisitionRow.state == AcquisitionState.SUPERSEDED.value,
        AcquisitionRow.reason == NEWER_VERSION,
        AcquisitionRow.updated > now - _LONGEST,
        AcquisitionRow.updated <= now + _LONGEST,  # later ones are from before the clock was set back
    )
    rows = session.execute(select(AcquisitionRow.key, AcquisitionRow.version).where(*replaced, waits))
    return sorted({f"{key}_{version}" for key, version in rows})
