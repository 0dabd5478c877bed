"""Which rows the watch does not need any more, and how they go. Functions take the session of one transaction.

What is older than the *edge* may go: no acquisition that may still arrive, no open event and no declaration that holds
looks further back than to the last looks before it. Those stay, and so do frozen references, for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store.database import affected
from monitor.adapters.store.declarations import DeclarationRow
from monitor.adapters.store.schema import (
    ChoiceRow,
    EventRow,
    ObservationRow,
    ReferenceRow,
    RejectionRow,
)
from monitor.core.lifecycle import OPEN_STATES
from monitor.records import Sensor

REJECTIONS, CHOICES = "rejections", "choices"


def edge(session: Session, wanted: datetime) -> datetime:
    """`wanted`, or the beginning of what people and open events still ask about, if that is earlier."""
    opened = select(func.min(EventRow.window_start)).where(EventRow.state.in_([state.value for state in OPEN_STATES]))
    holds = DeclarationRow.ended.is_(None) & (DeclarationRow.until >= wanted)
    declared = select(func.min(DeclarationRow.at)).where(holds)
    return min([wanted, *(at for at in (session.scalar(opened), session.scalar(declared)) if at is not None)])


def tiles(session: Session) -> list[str]:
    """Every tile that was ever looked at."""
    return list(session.scalars(select(ObservationRow.tile).distinct().order_by(ObservationRow.tile)))


def old_looks(session: Session, some: Sequence[str], before: datetime, depth: Mapping[Sensor, int]) -> dict[int, str]:
    """Row and href of the looks at some tiles that nothing is compared with any more.

    Sensed before the edge, and not among the last `depth` of their class and model before it. Versions that were
    replaced are none of these.
    """
    kind = (ObservationRow.tile, ObservationRow.comparable, ObservationRow.model_version, ObservationRow.current)
    newest_first = (ObservationRow.sensing_time.desc(), ObservationRow.acquisition_key.desc())
    place = func.row_number().over(partition_by=kind, order_by=newest_first).label("place")
    ranked = (
        select(ObservationRow.id, ObservationRow.look_href, ObservationRow.sensor, ObservationRow.current, place)
        .where(
            ObservationRow.tile.in_(some),
            ObservationRow.look_href.is_not(None),
            ObservationRow.sensing_time < before,
        )
        .subquery()
    )
    optical, radar = depth[Sensor.OPTICAL], depth[Sensor.SAR]
    kept = case((~ranked.c.current, 0), (ranked.c.sensor == Sensor.OPTICAL.value, optical), else_=radar)
    frozen = select(ReferenceRow.look_href).where(ReferenceRow.tile.in_(some))
    gone = select(ranked.c.id, ranked.c.look_href).where(ranked.c.place > kept, ranked.c.look_href.not_in(frozen))
    return {number: str(href) for number, href in session.execute(gone)}


def forget(session: Session, rows: Iterable[int]) -> None:
    """Take back the href of looks; what was seen stays in the history."""
    table = ObservationRow.__table__
    statement = update(table).where(table.c.id == bindparam("row")).values(look_href=None)  # type: ignore[arg-type]
    if values := [{"row": row} for row in rows]:
        session.connection().execute(statement, values)


def known_looks(session: Session, tile: str) -> set[str]:
    """Every href of a look at a tile that any row names."""
    observed = select(ObservationRow.look_href).where(
        ObservationRow.tile == tile, ObservationRow.look_href.is_not(None)
    )
    frozen = select(ReferenceRow.look_href).where(ReferenceRow.tile == tile)
    return {str(href) for href in (*session.scalars(observed), *session.scalars(frozen))}


def remove_observations(session: Session, some: Sequence[str], before: datetime, dry: bool) -> int:
    """Remove the history of some tiles that was sensed before a time and has no look; how many rows."""
    without = ObservationRow.look_href.is_(None) & ObservationRow.tile.in_(some)
    chosen = and_(without, ObservationRow.sensing_time < before)
    if dry:
        return session.scalar(select(func.count(ObservationRow.id)).where(chosen)) or 0
    return affected(session, delete(ObservationRow).where(chosen))


def count(session: Session, kind: str, before: datetime) -> int:
    """How many refused items were not seen, or choices made, since a time."""
    table, old = _older(kind, before)
    return session.scalar(select(func.count(table.id)).where(old)) or 0


def remove(session: Session, kind: str, before: datetime, limit: int) -> int:
    """Remove some of these; how many."""
    table, old = _older(kind, before)
    some = select(table.id).where(old).limit(limit)
    return affected(session, delete(table).where(table.id.in_(some)))


def _older(kind: str, before: datetime) -> tuple[type[RejectionRow | ChoiceRow], ColumnElement[bool]]:
    if kind == REJECTIONS:
        return RejectionRow, RejectionRow.last_seen < before
    return ChoiceRow, ChoiceRow.sensing_time < before
