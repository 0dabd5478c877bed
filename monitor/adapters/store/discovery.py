"""What polls bring into the ledger. Functions take the session of one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.adapters.store.codec import acquisition_values, clean, ledger_entry
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.schema import AcquisitionRow, RejectionRow
from monitor.core.acquisitions import shows_all, shows_news
from monitor.core.lifecycle import ROLLED_BACK
from monitor.records import Acquisition, AcquisitionState, Rejected

NO_LEASE = {"lease_owner": None, "lease_until": None}
NEWER_VERSION = "newer-version"
"""Why a version is superseded that its producer replaced."""
_TRIED_IN_VAIN = (AcquisitionState.DISCOVERED, AcquisitionState.PARKED)
"""With a reason: it waits for another try, or for a person."""


def discover(
    session: Session,
    region: str,
    acquisitions: Sequence[Acquisition],
    now: datetime,
    complete: bool,
    history_before: datetime | None,
) -> int:
    """Write what a poll saw; a version that shows news supersedes the others. Returns the number of new rows.

    An incomplete poll brings new keys, and of known ones versions that show all that is known: one made of what half
    the catalogs answered must not take the place of the whole one.
    """
    if not acquisitions:
        return 0
    times = [one.sensing_time for one in acquisitions]
    there = known(session, region, min(times), max(times) + timedelta(seconds=1))
    return sum(
        enter_one(session, region, one, now, history=history_before is not None and one.sensing_time < history_before)
        for one in acquisitions
        # A version that is known, also one that was superseded, changes nothing: catalogs that flap must not loop.
        if (one.key, one.version) not in there and _is_wanted(session, region, one, complete)
    )


def _is_wanted(session: Session, region: str, found: Acquisition, complete: bool) -> bool:
    """Whether a version that is not in the ledger is to be looked at.

    What was tried in vain is wanted from wherever it is listed: its files may be there.
    """
    of_key = AcquisitionRow.region == region, AcquisitionRow.key == found.key
    standing = AcquisitionRow.state != AcquisitionState.SUPERSEDED.value
    row = session.scalars(select(AcquisitionRow).where(*of_key, standing)).first()
    if row is None:
        return True
    current = ledger_entry(row)
    failed = current.reason is not None and current.reason != ROLLED_BACK and current.state in _TRIED_IN_VAIN
    if not failed and not shows_news(found, current.acquisition):
        return False
    return complete or shows_all(found, current.acquisition)


def enter_one(
    session: Session, region: str, acquisition: Acquisition, now: datetime, history: bool, reason: str = NEWER_VERSION
) -> int:
    """Write a version into the queue; the others of its key are superseded for `reason`. Returns whether it is new."""
    values = acquisition_values(acquisition) | {
        "region": region,
        "state": AcquisitionState.DISCOVERED.value,
        "attempts": 0,
        "history": history,
        "discovered": now,
        "updated": now,
    }
    new = insert_new(session, AcquisitionRow, [values])
    if new:
        _supersede_others(session, region, acquisition, now, reason)
    return new


def _supersede_others(session: Session, region: str, acquisition: Acquisition, now: datetime, reason: str) -> None:
    others = (
        AcquisitionRow.region == region,
        AcquisitionRow.key == acquisition.key,
        AcquisitionRow.version != acquisition.version,
        AcquisitionRow.state != AcquisitionState.SUPERSEDED.value,
    )
    new_values = {
        "state": AcquisitionState.SUPERSEDED.value,
        "reason": reason,
        "detail": f"superseded by version {acquisition.version}",
        "not_before": None,
        "updated": now,
    }
    affected(session, update(AcquisitionRow).where(*others).values(new_values | NO_LEASE))


def reject(session: Session, region: str, rejected: Sequence[Rejected], now: datetime) -> None:
    """Store and count decisions not to use an item; each counts once per poll."""
    for decision in {(one.item, one.reason): one for one in rejected}.values():
        item, detail = clean(decision.item), clean(decision.detail)
        known = update(RejectionRow).where(
            RejectionRow.region == region, RejectionRow.item == item, RejectionRow.reason == decision.reason
        )
        if affected(session, known.values(detail=detail, last_seen=now, count=RejectionRow.count + 1)):
            continue
        row = RejectionRow(
            region=region, item=item, reason=decision.reason, detail=detail, first_seen=now, last_seen=now, count=1
        )
        session.add(row)
        session.flush()


def known(session: Session, region: str, start: datetime, end: datetime) -> set[tuple[str, str]]:
    """Key and version of a region's acquisitions sensed in [start, end)."""
    columns = (AcquisitionRow.key, AcquisitionRow.version)
    chosen = (
        AcquisitionRow.region == region,
        AcquisitionRow.sensing_time >= start,
        AcquisitionRow.sensing_time < end,
    )
    return {(key, version) for key, version in session.execute(select(*columns).where(*chosen))}
