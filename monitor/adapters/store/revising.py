"""Taking back what acquisitions said, and processing them again. Functions take the session of one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store import events, kept_looks, ledger
from monitor.adapters.store.codec import clean, ledger_entry
from monitor.adapters.store.database import affected
from monitor.adapters.store.growth import GrowthRow
from monitor.adapters.store.schema import (
    AcquisitionRow,
    ActionRow,
    ChoiceRow,
    EventRow,
    EvidenceRow,
    ObservationRow,
    OutboxRow,
    ReferenceRow,
)
from monitor.adapters.store.views import Chosen, RolledBack
from monitor.core.lifecycle import ENDED_STATES, ROLLED_BACK, LifecycleSettings
from monitor.core.people import is_seen
from monitor.core.people import roll_back as without
from monitor.core.radar import LEAST_PASSES
from monitor.records import AcquisitionState, Action, Event, Sensor

_LEAST = {Sensor.OPTICAL: 1, Sensor.SAR: LEAST_PASSES}
"""Earlier looks at a tile without which a look is not compared."""


def roll_back(
    session: Session,
    chosen: Chosen,
    action: Action,
    now: datetime,
    again_from: datetime | None,
    lifecycle: LifecycleSettings,
) -> RolledBack:
    """Take back what acquisitions said.

    Args:
        action: who does it, when and why.
        again_from: queue them again, those sensed before as history; None: set them aside.
    """
    rows = _rows(session, chosen)
    ids = {_id(row) for row in rows}
    keys = sorted({row.key for row in rows})
    ledger.revoke(session, chosen.region, now)
    looks = _forget_looks(session, chosen, keys)
    _forget_choices(session, chosen.region, keys)
    _unfreeze(session, chosen.region, ids)
    before = _heard(session, chosen.region, ids)
    messages = _messages(session)
    stay = {event.id for event in before if is_seen(event)}
    after = [without(event, ids, action, lifecycle, stay) for event in before]
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    for _, event in changed:
        _withdraw(session, event, ids, now)
    ended = [new.id for old, new in changed if old.state not in ENDED_STATES and new.state in ENDED_STATES]
    done = [row for row in rows if row.state == AcquisitionState.DONE.value]
    for row in done:
        _set_aside(row, action, now)
        if again_from is not None:
            session.flush()
            ledger.process_again(session, row, now, history=row.sensing_time < again_from)
    return RolledBack(
        acquisitions=tuple(_id(row) for row in done),
        looks=looks,
        ended=tuple(ended),
        changed=tuple(new.id for _, new in changed if new.id not in ended),
        kept=tuple(old.id for old, new in zip(before, after, strict=True) if old == new),
        told=_messages(session) - messages,
    )


def reprocess(session: Session, chosen: Chosen, now: datetime, history_before: datetime) -> tuple[str, ...]:
    """Queue what is done anew; ids of the chosen acquisitions, oldest first.

    Until an acquisition is done again, its looks feed references as before: `history.append` replaces them in one go.
    """
    done = [row for row in _rows(session, chosen) if row.state == AcquisitionState.DONE.value]
    for row in done:
        ledger.process_again(session, row, now, history=row.sensing_time < history_before)
    return tuple(_id(row) for row in done)


def judged_again(session: Session, chosen: Chosen, history_before: datetime) -> int:
    """How many of the acquisitions that `reprocess` queues are compared with anything, and are no history by now."""
    since = _compared_since(session, chosen)
    done = [row for row in _rows(session, chosen) if row.state == AcquisitionState.DONE.value]
    classes = [(row.sensing_time, since.get(ledger_entry(row).acquisition.comparable)) for row in done]
    return sum(time >= history_before and first is not None and first < time for time, first in classes)


def _compared_since(session: Session, chosen: Chosen) -> dict[str, datetime]:
    """By comparability class the look that is, anywhere in the region, the last of those that a comparison needs."""
    kept = (ObservationRow.tile.in_([tile.id for tile in chosen.tiles]), ObservationRow.current)
    of_class = (ObservationRow.tile, ObservationRow.comparable)
    # A pass through two models is one look.
    place = func.dense_rank().over(partition_by=of_class, order_by=ObservationRow.sensing_time).label("place")
    columns = (ObservationRow.comparable, ObservationRow.sensing_time, place)
    looks = select(*columns).where(*kept, ObservationRow.look_href.is_not(None)).subquery()
    first = func.min(looks.c.sensing_time)
    rows = session.execute(
        select(looks.c.comparable, looks.c.place, first)
        .where(looks.c.place.in_(_LEAST.values()))
        .group_by(looks.c.comparable, looks.c.place)
    )
    return {name: time for name, number, time in rows if number == _LEAST[Sensor(name.partition(":")[0])]}


def _rows(session: Session, chosen: Chosen) -> list[AcquisitionRow]:
    """Every version of the chosen acquisitions that may have said something, oldest first."""
    spoken = [AcquisitionState.DONE.value, AcquisitionState.SUPERSEDED.value]
    statement = select(AcquisitionRow).where(AcquisitionRow.region == chosen.region, AcquisitionRow.state.in_(spoken))
    if chosen.since is not None:
        statement = statement.where(AcquisitionRow.sensing_time >= chosen.since)
    if chosen.acquisition is not None:
        statement = statement.where(AcquisitionRow.key == chosen.acquisition.rpartition("_")[0])
    if chosen.model is not None:
        through = select(ObservationRow.acquisition_key).where(*_on_tiles(chosen))
        statement = statement.where(AcquisitionRow.key.in_(through))
    return list(session.scalars(statement.order_by(AcquisitionRow.sensing_time, AcquisitionRow.key, AcquisitionRow.id)))


def _on_tiles(chosen: Chosen) -> list[ColumnElement[bool]]:
    """Rows of the history of the region's tiles, through the chosen model if one is."""
    through = [] if chosen.model is None else [ObservationRow.model_version == chosen.model]
    return [ObservationRow.tile.in_([tile.id for tile in chosen.tiles]), *through]


def _id(row: AcquisitionRow) -> str:
    return f"{row.key}_{row.version}"


def _forget_looks(session: Session, chosen: Chosen, keys: Sequence[str]) -> int:
    """No reference is made of these looks any more; how many there are."""
    taken = update(ObservationRow).where(
        ObservationRow.acquisition_key.in_(keys), ObservationRow.current, *_on_tiles(chosen)
    )
    kept_looks.drop(session, (tile.id for tile in chosen.tiles))
    return affected(session, taken.values(current=False))


def _forget_choices(session: Session, region: str, keys: Sequence[str]) -> None:
    session.execute(delete(ChoiceRow).where(ChoiceRow.region == region, ChoiceRow.acquisition_key.in_(keys)))


def _unfreeze(session: Session, region: str, ids: Iterable[str]) -> None:
    """Open events are judged against the looks that are left."""
    of_region = ReferenceRow.event_id.in_(select(EventRow.id).where(EventRow.region == region))
    session.execute(delete(ReferenceRow).where(of_region, ReferenceRow.acquisition_id.in_(sorted(ids))))


def _heard(session: Session, region: str, ids: Iterable[str]) -> list[Event]:
    """Events of which these acquisitions said something that still counts."""
    of_region = select(EventRow.id).where(EventRow.region == region)
    names: set[str] = set()
    for table in (EvidenceRow, GrowthRow, ActionRow):
        counting = (table.acquisition_id.in_(sorted(ids)), table.withdrawn.is_(False))
        names |= set(session.scalars(select(table.event_id).where(*counting, table.event_id.in_(of_region))))
    return [event for name in sorted(names) for event in events.read(session, None, open_only=False, event_id=name)]


def _withdraw(session: Session, event: Event, ids: Iterable[str], now: datetime) -> None:
    """Write an event without what these acquisitions said of it."""
    for table in (EvidenceRow, GrowthRow):
        of_these = table.event_id == event.id, table.acquisition_id.in_(sorted(ids))
        affected(session, update(table).where(*of_these).values(withdrawn=True))
    for one in event.actions:
        if one.withdrawn:
            same = (
                ActionRow.event_id == event.id,
                ActionRow.at == one.at,
                ActionRow.acquisition_id == one.acquisition_id,
            )
            affected(session, update(ActionRow).where(*same).values(withdrawn=True))
    events.put(session, event, now)


def _messages(session: Session) -> int:
    return session.scalar(select(func.count(OutboxRow.id))) or 0


def _set_aside(row: AcquisitionRow, action: Action, now: datetime) -> None:
    row.state = AcquisitionState.PARKED.value
    row.reason = ROLLED_BACK
    row.detail = clean(f"taken back by {action.by}: {action.text}" if action.text else f"taken back by {action.by}")
    row.updated = now
