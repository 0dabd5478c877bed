"""Alerts as lists, feeds and messages read them: only what was told, never a candidate, and no more than is shown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, SQLColumnExpression, func, select, text, tuple_, union_all
from sqlalchemy.orm import Session

from monitor.adapters.store import codec, messages, revisions
from monitor.adapters.store.database import Database
from monitor.adapters.store.schema import EventRow, OutboxRow, TransitionRow
from monitor.core.feeds import Told
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import AlertStatus, Earlier, EventState, MessageKind, Revision, Tier, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts a list holds; None: all."""

    region: str | None = None
    tier: Tier | None = None
    states: frozenset[EventState] | None = None
    status: AlertStatus | None = None
    storm: str | None = None
    told_since: datetime | None = None
    told_until: datetime | None = None
    released: bool | None = None

    @staticmethod
    def standing(released: bool | None = None) -> "Wanted":
        """Open alerts."""
        return Wanted(states=ALERT_STATES, released=released)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a list was left. It goes on after this alert in the order in which the list was begun: an alert that has
    grown or risen since keeps its place, and what was first told since is in a list that is begun anew."""

    rank: float
    event_id: str
    begun: int
    """Row of the newest message when the list was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An alert as it is now, without its content."""

    place: Place
    state: tuple[object, ...]
    """Another one whenever the alert may read otherwise."""
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list."""

    listed: tuple[Told, ...]
    following: Place | None
    """None: the list ends here."""


class AlertLists:
    """What people and programs read of the alerts. Every method is one transaction and may raise StoreBusy."""

    def __init__(self, database: Database) -> None:
        """Of one database; safe to share between threads."""
        self._database = database

    def version(self) -> str:
        """Another text whenever any alert may read otherwise, also after a clock was set back: one step down an index
        each."""
        with self._database.read() as session:
            return "-".join(str(one) for one in session.execute(_NEWEST).one())

    def worst(self, wanted: Wanted, limit: int, after: Place | None = None) -> Page:
        """Alerts, worst first."""
        with self._database.read() as session:
            keys = _keys(session, wanted, limit + 1, after)
            ids = [key.place.event_id for key in keys[:limit]]
            rows = {row.id: row for row in session.scalars(select(EventRow).where(EventRow.id.in_(ids)))}
            steps = _steps(session, ids)
            listed = tuple(_told(rows[one], steps[one]) for one in ids)
        return Page(listed=listed, following=keys[limit - 1].place if len(keys) > limit else None)

    def keys(self, wanted: Wanted, limit: int | None = None, after: Place | None = None) -> list[Key]:
        """The first alerts of a list, or those after a place, worst first, without reading them."""
        with self._database.read() as session:
            return _keys(session, wanted, limit, after)

    def alerts(self, event_ids: Collection[str]) -> dict[str, Told]:
        """These alerts, as far as they were told."""
        statement = _chosen(select(EventRow), Wanted()).where(EventRow.id.in_(event_ids))
        with self._database.read() as session:
            steps = _steps(session, event_ids)
            return {row.id: _told(row, steps[row.id]) for row in session.scalars(statement)}

    def count(self, wanted: Wanted) -> int:
        """How many there are."""
        with self._database.read() as session:
            return session.scalar(_chosen(select(func.count()).select_from(EventRow), wanted)) or 0

    def messages(self, limit: int, before: int | None = None, released: bool = False) -> tuple[list[Told], int | None]:
        """The newest messages before a row number, newest first, and the number to go on before, or None at the end.

        Args:
            released: only those that may go to the public.
        """
        statement = (
            select(OutboxRow)
            .where(OutboxRow.kind == MessageKind.ALERT.value)
            .order_by(OutboxRow.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(OutboxRow.id < before)
        if released:
            statement = statement.join(EventRow, EventRow.id == OutboxRow.event_id).where(EventRow.released)
        with self._database.read() as session:
            rows = session.scalars(statement).all()
            payloads = [(row, row.event_id or "", cast("dict[str, Any]", row.payload)) for row in rows]
            steps = _steps(session, {event_id for _, event_id, _ in payloads})
            listed = [
                Told(
                    event=replace(messages.event_of_payload(payload), transitions=steps[event_id][: row.sequence + 1]),
                    sequence=row.sequence,
                    sent=row.created,
                    reason=str(payload["reason"]),
                )
                for row, event_id, payload in payloads
                if not released or payload.get("released")  # an alert may have been told before it was released
            ]
            older = rows[-1].id if len(rows) == limit else None
        return listed, older

    def told(self, event_id: str) -> tuple[Earlier, ...]:
        """The revisions of an alert that have a message, oldest first."""
        with self._database.read() as session:
            return _earlier(session, event_id)

    def revision(self, event_id: str, sequence: int) -> Revision | None:
        """An alert as it was when a message was written, or None: there is no such message."""
        with self._database.read() as session:
            chosen = (OutboxRow.event_id == event_id, OutboxRow.sequence == sequence)
            row = session.scalar(select(OutboxRow).where(*chosen))
            return _revision(session, event_id, row) if row else None


# Asked with every request, so it is not built anew each time.
_NEWEST = text(
    "SELECT (SELECT max(id) FROM outbox), (SELECT max(id) FROM evidence), (SELECT max(id) FROM action), "
    "(SELECT max(updated) FROM event)"
)


def _chosen(of: Any, wanted: Wanted) -> Select[Any]:
    statement: Select[Any] = of.where(EventRow.told_at.is_not(None))
    equal = ((EventRow.region, wanted.region), (EventRow.storm, wanted.storm), (EventRow.released, wanted.released))
    for column, value in (*equal, (EventRow.tier, wanted.tier), (EventRow.status, wanted.status)):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.states is not None:
        statement = statement.where(EventRow.state.in_(sorted(wanted.states)))
    if wanted.told_since is not None:
        statement = statement.where(EventRow.told_at >= wanted.told_since)
    if wanted.told_until is not None:
        statement = statement.where(EventRow.told_at < wanted.told_until)
    return statement


def _keys(session: Session, wanted: Wanted, limit: int | None, after: Place | None) -> list[Key]:
    """Alerts in the order in which the list was begun, without their content.

    What was told since then has the rank of the newest message before; it is few.
    """
    columns = (EventRow.id, EventRow.told_at, EventRow.updated, EventRow.told_sequence)
    still = _chosen(select(EventRow.rank, *columns), wanted)
    if after is None:
        begun = session.scalar(select(func.max(OutboxRow.id))) or 0
        return [_key(row, begun) for row in session.execute(_after(still, EventRow.rank, None, limit))]
    begun = after.begun
    before = (OutboxRow.event_id == EventRow.id, OutboxRow.id <= begun)
    newest = select(func.coalesce(OutboxRow.rank, EventRow.rank)).where(*before).order_by(OutboxRow.id.desc()).limit(1)
    then = newest.correlate(EventRow).scalar_subquery().label("rank")
    moved = _chosen(select(then, *columns), wanted)
    parts = (
        _after(still.where(EventRow.told_id <= begun), EventRow.rank, after, limit),
        _after(moved.where(EventRow.told_id > begun), then.element, after, limit),
    )
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    rows = session.execute(select(both).order_by(both.c.rank, both.c.id).limit(limit))
    return [_key(row, begun) for row in rows]


def _after(
    statement: Select[Any], rank: SQLColumnExpression[Any], after: Place | None, limit: int | None
) -> Select[Any]:
    if after is not None:
        statement = statement.where(tuple_(rank, EventRow.id) > tuple_(after.rank, after.event_id))
    return statement.order_by(rank, EventRow.id).limit(limit)


def _key(row: Any, begun: int) -> Key:
    rank, event_id, told, *state = row
    return Key(place=Place(rank=rank, event_id=event_id, begun=begun), sent=told, state=tuple(state))


def _steps(session: Session, event_ids: Collection[str]) -> Mapping[str, tuple[Transition, ...]]:
    """The steps of events, in their order: their numbers are their places."""
    found: dict[str, list[Transition]] = {one: [] for one in event_ids}
    rows = select(TransitionRow).where(TransitionRow.event_id.in_(found))
    for row in session.scalars(rows.order_by(TransitionRow.event_id, TransitionRow.sequence)):
        found[row.event_id].append(codec.transition(row))
    return {one: tuple(steps) for one, steps in found.items()}


def _told(row: EventRow, steps: tuple[Transition, ...]) -> Told:
    if row.told_sequence is None or row.told_at is None:
        raise ValueError(f"{row.id}: nobody was told of it")
    event = codec.event(row, transitions=steps)
    return Told(event=event, sequence=row.told_sequence, sent=row.told_at, reason=row.told_reason or "")


def _earlier(session: Session, event_id: str, before: int | None = None) -> tuple[Earlier, ...]:
    statement = select(OutboxRow.sequence, OutboxRow.created).where(OutboxRow.event_id == event_id)
    if before is not None:
        statement = statement.where(OutboxRow.sequence < before)
    rows = session.execute(statement.order_by(OutboxRow.sequence))
    return tuple(Earlier(sequence=sequence, sent=created) for sequence, created in rows)


def _revision(session: Session, event_id: str, row: OutboxRow) -> Revision:
    """The message's event with what was known when it was written."""
    event = revisions.event_as_told(session, row, revisions.steps_until(session, [row])[event_id])
    return Revision(
        event=event,
        step=event.transitions[-1],
        sequence=row.sequence,
        sent=row.created,
        earlier=_earlier(session, event_id, row.sequence),
    )
