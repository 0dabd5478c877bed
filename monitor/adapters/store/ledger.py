"""The ledger: what was discovered, who works on it, how it ended. Functions take the session of one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store.codec import ledger_entry
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.declarations import declared_regions
from monitor.adapters.store.discovery import NO_LEASE, enter_one
from monitor.adapters.store.owners import owner_is_dead
from monitor.adapters.store.schema import AcquisitionRow, RejectionRow, SearchedRow
from monitor.adapters.store.views import LedgerCount, Rejection
from monitor.core.acquisitions import next_processing
from monitor.core.lifecycle import ROLLED_BACK
from monitor.core.next_pass import Passed
from monitor.records import Acquisition, AcquisitionState, LedgerEntry, Sensor

_STANDING = [state.value for state in AcquisitionState if state is not AcquisitionState.SUPERSEDED]
ONE_TRY_LESS: dict[str, object] = {"attempts": AcquisitionRow.attempts - 1}
"""For `give_up`: the claim was no try."""

LONGEST_WAIT = timedelta(hours=6)
"""No acquisition waits longer for its next try (`ServiceSettings.longest_wait`)."""
LONGEST_LEASE = timedelta(hours=1)
"""Leases of other processes may be longer than one's own, but no longer than this."""
_SLACK = timedelta(minutes=15)

_PACED, _ENOUGH = 60, 3
"""Of how many acquisitions at most, and at least, the time that one takes is learned."""
_IDLE = timedelta(minutes=15)
"""A longer gap between two of them was a wait for the next."""
PROCESSED_AGAIN = "processed-again"
"""Why a processing is superseded that was done, and is done anew."""
NOTHING_USABLE = "nothing-usable"
"""`AcquisitionResult.reason` of an acquisition that saw no clear ground."""


def claim(session: Session, owner: str, lease: timedelta, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
    """Claim the oldest due acquisition of `regions`.

    A region where somebody works is left alone, so its acquisitions are taken one after the other and in order
    of time. One that waits for its next try does not hold up those after it. Nor does history hold up the watch: that
    of another region waits, and so does that of the same region once newer acquisitions of it are done: then it is not
    hurried by a declared event either.
    """
    row = _next(session, now, regions)
    return None if row is None else _take(session, row, owner, lease, now)


def cap_leases(session: Session, lease: timedelta, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
    """Let leases that end later than any can end after `lease`; the acquisitions as they were held.

    They were taken while a clock was ahead. Who still works on one prolongs it; of who died it is free soon.
    """
    latest = now + max(lease, LONGEST_LEASE) + _SLACK
    too_late = AcquisitionRow.lease_until > latest
    rows = session.scalars(_rows_in(AcquisitionState.CLAIMED, regions).where(too_late)).all()
    held = [ledger_entry(row) for row in rows]
    for row in rows:
        row.lease_until = now + lease
    return held


def holds(session: Session, owner: str, regions: Sequence[str]) -> bool:
    """Whether `owner` has claimed anything of regions."""
    return session.scalar(select(AcquisitionRow.id).where(*_claimed_by(owner, regions)).limit(1)) is not None


def _claimed_by(owner: str, regions: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    # Regions are named so that the index of the queue is of use.
    claimed = AcquisitionRow.region.in_(regions), AcquisitionRow.state == AcquisitionState.CLAIMED.value
    return *claimed, AcquisitionRow.lease_owner == owner


def take_back(session: Session, owner: str, now: datetime, regions: Sequence[str]) -> list[LedgerEntry]:
    """Put back into the queue what `owner` holds and does not work on; the acquisitions as they were held.

    The database was gone when a try ended: that was no fault of the acquisition, and the try does not count.
    """
    held = _claimed_by(owner, regions)
    rows = session.scalars(select(AcquisitionRow).where(*held)).all()
    entries = [ledger_entry(row) for row in rows]
    values: dict[str, object] = {"state": AcquisitionState.DISCOVERED.value, "updated": now, "not_before": None}
    affected(session, update(AcquisitionRow).where(*held).values(values | NO_LEASE | ONE_TRY_LESS))
    return entries


def following(session: Session, owner: str, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
    """What `claim` would take if `owner` were done with what it holds."""
    row = _next(session, now, regions, done=owner)
    return None if row is None else ledger_entry(row)


def _next(session: Session, now: datetime, regions: Sequence[str], done: str | None = None) -> AcquisitionRow | None:
    """The oldest due one of regions where nobody works; what the owner `done` works on is as good as finished."""
    rows = session.scalars(_rows_in(AcquisitionState.CLAIMED, regions)).all()
    claimed = [row for row in rows if done is None or row.lease_owner != done]
    free = [row for row in claimed if _is_free(row, now)]
    busy = {row.region for row in claimed if row not in free}
    queued = _queued(session, sorted(set(regions) - busy))
    declared = declared_regions(session, [*queued, *(row.region for row in free)], now)
    # Of regions where neither is, the oldest of all comes first: one question, however many they are.
    plain = [region for region, history in queued.items() if not (history or region in declared)]
    waiting = [_oldest_due(session, region, now) for region in queued if region not in set(plain)]
    waiting += [_oldest_of(session, plain, now)] if plain else []
    candidates = [row for row in free if row.region not in busy] + [row for row in waiting if row is not None]
    first = {row.id for row in candidates if row.region in declared and not _is_too_late(session, row)}
    return min(
        candidates,
        key=lambda row: (row.id not in first, row.history, row.sensing_time, row.key, row.region),
        default=None,
    )


def _is_too_late(session: Session, row: AcquisitionRow) -> bool:
    """Whether a row is history with which no look that is to come first will be compared."""
    newest = _newest_done(session, row.region) if row.history else None
    return newest is not None and row.sensing_time < newest


def _is_free(row: AcquisitionRow, now: datetime) -> bool:
    return row.lease_until is None or row.lease_until <= now or owner_is_dead(row.lease_owner)


def _rows_in(state: AcquisitionState, regions: Sequence[str]) -> Select[AcquisitionRow]:
    return select(AcquisitionRow).where(AcquisitionRow.region.in_(regions), AcquisitionRow.state == state.value)


def _queued(session: Session, regions: Sequence[str]) -> dict[str, bool]:
    """Regions where something waits, and whether any of that is history; in order."""
    history = func.max(case((AcquisitionRow.history, 1), else_=0))
    chosen = AcquisitionRow.region.in_(regions), AcquisitionRow.state == AcquisitionState.DISCOVERED.value
    rows = session.execute(select(AcquisitionRow.region, history).where(*chosen).group_by(AcquisitionRow.region))
    return {region: bool(some) for region, some in sorted((region, some) for region, some in rows)}


def _is_due(now: datetime) -> ColumnElement[bool]:
    # What waits for longer than anything can was put off before the clock was set back.
    too_long = AcquisitionRow.not_before > now + LONGEST_WAIT + _SLACK
    return or_(AcquisitionRow.not_before.is_(None), AcquisitionRow.not_before <= now, too_long)


def _oldest_of(session: Session, regions: Sequence[str], now: datetime) -> AcquisitionRow | None:
    """What comes next in regions where no history waits."""
    order = AcquisitionRow.sensing_time, AcquisitionRow.key, AcquisitionRow.region
    waiting = _rows_in(AcquisitionState.DISCOVERED, regions).where(_is_due(now))
    return session.scalars(waiting.order_by(*order).limit(1)).first()


def _oldest_due(session: Session, region: str, now: datetime) -> AcquisitionRow | None:
    """What comes next in one region.

    History before anything newer, so that references exist when that is compared. Once something newer is done (also
    if it is to be done anew), history comes too late for that, and the watch goes on first.
    """
    due = _is_due(now)
    newest = _newest_done(session, region)
    too_late = false() if newest is None else AcquisitionRow.history & (AcquisitionRow.sensing_time < newest)
    order = case((too_late, 1), else_=0), AcquisitionRow.sensing_time, AcquisitionRow.key
    return session.scalars(_rows_in(AcquisitionState.DISCOVERED, [region]).where(due).order_by(*order).limit(1)).first()


def _newest_done(session: Session, region: str) -> datetime | None:
    """The newest acquisition of a region that is done, also if it is to be done anew."""
    done = or_(AcquisitionRow.state == AcquisitionState.DONE.value, AcquisitionRow.reason == PROCESSED_AGAIN)
    return session.scalar(select(func.max(AcquisitionRow.sensing_time)).where(AcquisitionRow.region == region, done))


def _take(session: Session, row: AcquisitionRow, owner: str, lease: timedelta, now: datetime) -> LedgerEntry | None:
    """Claim a row if it still is as it was read."""
    as_read = and_(
        AcquisitionRow.id == row.id,
        AcquisitionRow.state == row.state,
        AcquisitionRow.lease_owner.is_not_distinct_from(row.lease_owner),
        AcquisitionRow.lease_until.is_not_distinct_from(row.lease_until),
    )
    taken = (
        update(AcquisitionRow)
        .where(as_read)
        .values(
            state=AcquisitionState.CLAIMED.value,
            attempts=AcquisitionRow.attempts + 1,
            not_before=None,
            lease_owner=owner,
            lease_until=now + lease,
            updated=now,
        )
    )
    if affected(session, taken) != 1:
        return None
    session.refresh(row)
    return ledger_entry(row)


def extend(session: Session, acquisition: Acquisition, owner: str, until: datetime, now: datetime) -> bool:
    """Move the end of a lease; False when it was lost."""
    values: dict[str, object] = {"lease_until": until, "updated": now}
    return affected(session, update(AcquisitionRow).where(_held_by(acquisition, owner)).values(values)) == 1


def give_up(
    session: Session,
    acquisition: Acquisition,
    owner: str,
    state: AcquisitionState,
    ending: dict[str, object],
) -> bool:
    """End a lease with a new state and the columns of `ending`; False, and nothing changed, when it was lost."""
    values = {"state": state.value, "not_before": None} | NO_LEASE | ending
    return affected(session, update(AcquisitionRow).where(_held_by(acquisition, owner)).values(values)) == 1


def release(session: Session, region: str, acquisition_id: str, now: datetime) -> bool:
    """Put a parked acquisition back into the queue; False when there is no such one.

    One that was rolled back comes again as a new processing: what it said before stays taken back.
    """
    parked = session.scalars(_rows_in(AcquisitionState.PARKED, [region])).all()
    found = [row for row in parked if f"{row.key}_{row.version}" == acquisition_id]
    for row in found:
        if row.reason == ROLLED_BACK:
            process_again(session, row, now, history=row.history)
            return True
    chosen = [row.id for row in found]
    values = {"state": AcquisitionState.DISCOVERED.value, "attempts": 0, "not_before": None, "updated": now}
    return affected(session, update(AcquisitionRow).where(AcquisitionRow.id.in_(chosen)).values(values)) == 1


def process_again(session: Session, row: AcquisitionRow, now: datetime, history: bool) -> None:
    """Queue the next processing of an acquisition. What the last one saw counts till then, unless it was taken back."""
    again = replace(ledger_entry(row).acquisition, version=next_processing(row.version))
    reason = ROLLED_BACK if row.reason == ROLLED_BACK else PROCESSED_AGAIN
    enter_one(session, row.region, again, now, history, reason)


def revoke(session: Session, region: str, now: datetime) -> int:
    """Take the leases on a region away: what is at work there began before what changes now, and writes nothing.

    How many there were.
    """
    held = AcquisitionRow.region == region, AcquisitionRow.state == AcquisitionState.CLAIMED.value
    values: dict[str, object] = {"state": AcquisitionState.DISCOVERED.value, "updated": now, "not_before": None}
    return affected(session, update(AcquisitionRow).where(*held).values(values | NO_LEASE | ONE_TRY_LESS))


def is_this(acquisition: Acquisition) -> ColumnElement[bool]:
    return and_(
        AcquisitionRow.region == acquisition.region,
        AcquisitionRow.key == acquisition.key,
        AcquisitionRow.version == acquisition.version,
    )


def _held_by(acquisition: Acquisition, owner: str) -> ColumnElement[bool]:
    return and_(
        is_this(acquisition),
        AcquisitionRow.state == AcquisitionState.CLAIMED.value,
        AcquisitionRow.lease_owner == owner,
    )


def waiting(session: Session, regions: Sequence[str]) -> int:
    """How many acquisitions of these regions are still to be processed, due or not."""
    unfinished = [AcquisitionState.DISCOVERED.value, AcquisitionState.CLAIMED.value]
    of_regions = AcquisitionRow.region.in_(regions) & AcquisitionRow.state.in_(unfinished)
    return session.scalar(select(func.count(AcquisitionRow.id)).where(of_regions)) or 0


def states(session: Session, region: str, start: datetime, end: datetime) -> dict[AcquisitionState, int]:
    """How many acquisitions of a region, sensed in [start, end), are in which state."""
    chosen = (
        AcquisitionRow.region == region,
        AcquisitionRow.sensing_time >= start,
        AcquisitionRow.sensing_time < end,
    )
    rows = session.execute(
        select(AcquisitionRow.state, func.count()).where(*chosen).group_by(AcquisitionRow.state)
    ).all()
    return {AcquisitionState(state): count for state, count in rows}


def history_left(session: Session, region: str) -> tuple[int, int]:
    """How many acquisitions of a region's history are done, and how many are to be."""
    of_history = (AcquisitionRow.region == region, AcquisitionRow.history)
    rows = session.execute(select(AcquisitionRow.state, func.count()).where(*of_history).group_by(AcquisitionRow.state))
    counts = {AcquisitionState(state): count for state, count in rows}
    left = counts.get(AcquisitionState.DISCOVERED, 0) + counts.get(AcquisitionState.CLAIMED, 0)
    return counts.get(AcquisitionState.DONE, 0), left


def pace(session: Session, region: str) -> float | None:
    """Seconds from one acquisition of a region to the next while there were some to be done; None: not known."""
    of_region = AcquisitionRow.region == region, AcquisitionRow.state == AcquisitionState.DONE.value
    newest = select(AcquisitionRow.updated).where(*of_region).order_by(AcquisitionRow.updated.desc()).limit(_PACED)
    ends = session.scalars(newest).all()
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(ends)]
    working = [gap for gap in gaps if 0 < gap <= _IDLE.total_seconds()]
    # The mean: many are quick (outside, flat, cloudy), and the few that are not take most of the time.
    return fmean(working) if len(working) >= _ENOUGH else None


def searched_since(session: Session, region: str) -> datetime | None:
    """From when on the catalogs of a region were searched beyond a look-back; None: never."""
    return session.scalar(select(SearchedRow.since).where(SearchedRow.region == region))


def note_searched(session: Session, region: str, since: datetime) -> None:
    """Note that the catalogs of a region were searched from then on, unless they were from earlier."""
    if not insert_new(session, SearchedRow, [{"region": region, "since": since}]):
        known = update(SearchedRow).where(SearchedRow.region == region, SearchedRow.since > since)
        affected(session, known.values(since=since))


def entries(session: Session, region: str | None, limit: int) -> list[LedgerEntry]:
    """Ledger rows, newest acquisition first."""
    statement = select(AcquisitionRow).order_by(
        AcquisitionRow.sensing_time.desc(), AcquisitionRow.region, AcquisitionRow.key, AcquisitionRow.id.desc()
    )
    if region is not None:
        statement = statement.where(AcquisitionRow.region == region)
    return [ledger_entry(row) for row in session.scalars(statement.limit(limit))]


def counts(session: Session) -> list[LedgerCount]:
    """Acquisitions per region, state and reason."""
    columns = (AcquisitionRow.region, AcquisitionRow.state, AcquisitionRow.reason)
    rows = session.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns))
    return [
        LedgerCount(region=region, state=AcquisitionState(state), reason=reason, count=count)
        for region, state, reason, count in rows
    ]


def rejections(session: Session, region: str | None) -> list[Rejection]:
    """What was refused, last seen first."""
    statement = select(RejectionRow).order_by(RejectionRow.last_seen.desc(), RejectionRow.item, RejectionRow.reason)
    if region is not None:
        statement = statement.where(RejectionRow.region == region)
    return [
        Rejection(
            region=row.region,
            item=row.item,
            reason=row.reason,
            detail=row.detail,
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            count=row.count,
        )
        for row in session.scalars(statement)
    ]


def passes(session: Session, region: str, since: datetime, until: datetime) -> list[Passed]:
    """Every pass over a region, sensed in [since, until], whatever became of it, in order of time."""
    columns = (
        AcquisitionRow.sensor,
        AcquisitionRow.relative_orbit,
        AcquisitionRow.sensing_time,
        AcquisitionRow.platform,
    )
    rows = session.execute(
        select(*columns)
        .where(
            AcquisitionRow.region == region,
            AcquisitionRow.sensing_time >= since,
            AcquisitionRow.sensing_time <= until,
            AcquisitionRow.state != AcquisitionState.SUPERSEDED.value,
        )
        .order_by(AcquisitionRow.sensing_time, AcquisitionRow.id)
    )
    return [
        Passed(sensor=Sensor(sensor), relative_orbit=orbit, sensing_time=time, platform=platform)
        for sensor, orbit, time, platform in rows
    ]


def platforms(session: Session, region: str) -> dict[Sensor, set[str]]:
    """The satellites that ever passed over a region, by sensor."""
    columns = (AcquisitionRow.sensor, AcquisitionRow.platform)
    found: dict[Sensor, set[str]] = {}
    for sensor, platform in session.execute(select(*columns).where(AcquisitionRow.region == region).distinct()):
        found.setdefault(Sensor(sensor), set()).add(platform)
    return found


def sensed(session: Session, region: str, start: datetime, end: datetime) -> list[LedgerEntry]:
    """The acquisitions of a region sensed in [start, end), oldest first; versions that were replaced are left out."""
    chosen = (
        AcquisitionRow.region == region,
        AcquisitionRow.state.in_(_STANDING),  # not "is not superseded", for which no index helps
        AcquisitionRow.sensing_time >= start,
        AcquisitionRow.sensing_time < end,
    )
    rows = session.scalars(select(AcquisitionRow).where(*chosen).order_by(AcquisitionRow.sensing_time))
    return [ledger_entry(row) for row in rows]


def parked(session: Session, region: str | None) -> list[LedgerEntry]:
    """What waits for a person, newest acquisition first."""
    chosen = select(AcquisitionRow).where(AcquisitionRow.state == AcquisitionState.PARKED.value)
    if region is not None:
        chosen = chosen.where(AcquisitionRow.region == region)
    order = AcquisitionRow.sensing_time.desc(), AcquisitionRow.region, AcquisitionRow.key, AcquisitionRow.id.desc()
    return [ledger_entry(row) for row in session.scalars(chosen.order_by(*order))]


def oldest_waiting(session: Session, regions: Sequence[str]) -> datetime | None:
    """Since when the acquisition waits that waits longest for its turn, history apart; None: none does."""
    chosen = AcquisitionRow.region.in_(regions), AcquisitionRow.state == AcquisitionState.DISCOVERED.value
    return session.scalar(select(func.min(AcquisitionRow.updated)).where(*chosen, ~AcquisitionRow.history))
