"""Which rows the watch does not need any more, and how they go. Functions take the session of one transaction.

What is older than the *edge* may go: no acquisition that may still arrive, no open event and no declaration that holds
looks further back than to the last looks before it. Those stay, and so do frozen references, for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store import kept_looks
from monitor.adapters.store.database import affected
from monitor.adapters.store.declarations import DeclarationRow
from monitor.adapters.store.schema import (
    AcquisitionRow,
    ChoiceRow,
    EventRow,
    ObservationRow,
    ReferenceRow,
    RejectionRow,
)
from monitor.core.lifecycle import OPEN_STATES
from monitor.core.masks import LOOKED, UNDER_SNOW
from monitor.records import Sensor

REJECTIONS, CHOICES = "rejections", "choices"


def newest(session: Session) -> datetime | None:
    """When the newest acquisition was sensed, whatever the clock of this machine says; None: there is none."""
    return session.scalar(select(func.max(AcquisitionRow.sensing_time)))


def edge(session: Session, wanted: datetime) -> datetime:
    """`wanted`, or the beginning of what people and open events still ask about, if that is earlier.

    A declaration that is over or was ended still holds for what was sensed before and arrives late.
    """
    opened = select(func.min(EventRow.window_start)).where(EventRow.state.in_([state.value for state in OPEN_STATES]))
    held_until = func.coalesce(DeclarationRow.ended, DeclarationRow.until)
    declared = select(func.min(DeclarationRow.at)).where(held_until >= wanted)
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


def forget(session: Session, some: Iterable[str], rows: Iterable[int]) -> None:
    """Take back the href of looks at some tiles, by row; what was seen stays in the history."""
    table = ObservationRow.__table__
    statement = update(table).where(table.c.id == bindparam("row")).values(look_href=None)  # type: ignore[arg-type]
    if values := [{"row": row} for row in rows]:
        session.connection().execute(statement, values)
        kept_looks.drop(session, some)


def known_looks(session: Session, tile: str) -> set[str]:
    """Every href of a look at a tile that any row names."""
    observed = select(ObservationRow.look_href).where(
        ObservationRow.tile == tile, ObservationRow.look_href.is_not(None)
    )
    frozen = select(ReferenceRow.look_href).where(ReferenceRow.tile == tile)
    return {str(href) for href in (*session.scalars(observed), *session.scalars(frozen))}


def remove_observations(session: Session, some: Sequence[str], before: datetime, dry: bool) -> int:
    """Remove the history of some tiles that was sensed before a time and has no look; how many rows.

    Snow lies until optics see the ground free (`history.all_white`): the last that they saw of a tile stays.
    """
    without = ObservationRow.look_href.is_(None) & ObservationRow.tile.in_(some)
    last_seen = _last_of_optics(session, some, before)
    chosen = and_(without, ObservationRow.sensing_time < before, ObservationRow.id.not_in(last_seen))
    if dry:
        return session.scalar(select(func.count(ObservationRow.id)).where(chosen)) or 0
    return affected(session, delete(ObservationRow).where(chosen))


def _last_of_optics(session: Session, some: Sequence[str], before: datetime) -> Sequence[int]:
    """The newest row of each tile before a time that says whether optics saw ground or snow."""
    seen = (
        ObservationRow.tile.in_(some),
        ObservationRow.comparable == Sensor.OPTICAL.value,
        ObservationRow.current,
        ObservationRow.decision.in_((LOOKED, UNDER_SNOW)),
        ObservationRow.sensing_time < before,
    )
    order = ObservationRow.sensing_time.desc(), ObservationRow.id.desc()
    place = func.row_number().over(partition_by=ObservationRow.tile, order_by=order).label("place")
    ranked = select(ObservationRow.id, place).where(*seen).subquery()
    return session.scalars(select(ranked.c.id).where(ranked.c.place == 1)).all()


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
