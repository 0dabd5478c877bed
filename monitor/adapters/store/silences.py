"""Silences. Functions take the session of one transaction."""

from datetime import datetime
from typing import cast

from shapely.geometry import shape
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.adapters.store.codec import clean, geometry_to_json
from monitor.adapters.store.database import affected
from monitor.adapters.store.schema import SilenceRow
from monitor.core.delivery import holding
from monitor.records import Silence


def add(session: Session, silence: Silence) -> int:
    """Write a silence, whatever number it has; returns the number it gets."""
    row = SilenceRow(
        region=silence.region,
        start=silence.start,
        until=silence.until,
        geometry=None if silence.geometry is None else geometry_to_json(silence.geometry),
        why=clean(silence.why),
        by=clean(silence.by),
        at=silence.at,
    )
    session.add(row)
    session.flush()
    return row.id


def end(session: Session, number: int, now: datetime) -> bool:
    """End a silence that is in force or to come; False when there is no such one."""
    standing = update(SilenceRow).where(SilenceRow.id == number, SilenceRow.ended.is_(None), SilenceRow.until > now)
    return affected(session, standing.values(ended=now)) == 1


def read(session: Session, since: datetime | None = None) -> list[Silence]:
    """Silences that end after a time (None: all there ever were), in order of their number."""
    statement = select(SilenceRow).order_by(SilenceRow.id)
    if since is not None:
        statement = statement.where(SilenceRow.until > since, SilenceRow.ended.is_(None))
    return [_silence(row) for row in session.scalars(statement)]


def in_force(session: Session, now: datetime) -> list[Silence]:
    """The silences that hold at a time."""
    return holding(read(session, now), now)


def _silence(row: SilenceRow) -> Silence:
    geometry = None if row.geometry is None else shape(cast("dict[str, object]", row.geometry))
    return Silence(
        id=row.id,
        region=row.region,
        start=row.start,
        until=row.until,
        geometry=geometry,
        why=row.why,
        by=row.by,
        at=row.at,
        ended=row.ended,
    )
