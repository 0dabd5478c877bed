"""Events, evidence, growth, transitions, frozen references, outbox. Functions take the session of one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import cast

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from monitor.adapters.store import codec, declarations, growth, messages
from monitor.adapters.store.database import affected, insert_new
from monitor.adapters.store.schema import (
    ActionRow,
    EventRow,
    EvidenceRow,
    OutboxRow,
    ReferenceRow,
    TransitionRow,
)
from monitor.adapters.store.views import OutboxEntry
from monitor.core.events import weighed_anew, with_actions
from monitor.core.grid import tile_from_id
from monitor.core.growth import without_merge, without_taken
from monitor.core.lifecycle import (
    ACKNOWLEDGED,
    ALERT_STATES,
    DECLARED,
    ENDED_STATES,
    GROWN,
    LATE_EVIDENCE,
    TOOK_IN,
    LifecycleSettings,
)
from monitor.core.ranking import rank
from monitor.records import Action, ActionKind, Event, EventState, FrozenReference, Tier, Tile, Transition

_LARGER = (GROWN, TOOK_IN)


def write(session: Session, events: Sequence[Event], now: datetime, lifecycle: LifecycleSettings) -> None:
    """Write events as they are now; append the evidence, actions, transitions and messages that are not there yet.

    What people did or declared while a look was judged is not lost: the event is replayed with it.
    """
    declared = {region: declarations.read(session, region) for region in {event.region for event in events}}
    together = (_with_meanwhile(session, event, lifecycle) for event in events)
    merged = {event.id: weighed_anew(event, declared[event.region], lifecycle) for event in together}
    homeless = {event.id for event in merged.values() if _is_homeless(session, event, merged)}
    for event in merged.values():
        alone = without_merge(event, lifecycle) if event.id in homeless else without_taken(event, homeless, lifecycle)
        put(session, alone, now)


def _with_meanwhile(session: Session, event: Event, lifecycle: LifecycleSettings) -> Event:
    """The event with what people did since it was read."""
    known = {(one.at, one.kind, one.by) for one in event.actions}
    meanwhile = [one for one in actions(session, event.id) if (one.at, one.kind, one.by) not in known]
    return with_actions(event, meanwhile, lifecycle) if meanwhile else event


def _is_homeless(session: Session, event: Event, others: Mapping[str, Event]) -> bool:
    """Whether an event is to be joined to one that ended meanwhile, or before: then both would be gone.

    One that was joined long ago stays so: where its home has gone since, it goes as well.
    """
    ended = {
        one.reason: one
        for one in event.actions
        if one.kind is ActionKind.MERGE
        and not one.withdrawn
        and one.reason in others
        and others[one.reason].state in ENDED_STATES
    }
    if not ended:
        return False
    known = {(one.at, one.reason) for one in actions(session, event.id) if one.kind is ActionKind.MERGE}
    return any((one.at, home) not in known or others[home].transitions[-1].at < one.at for home, one in ended.items())


def put(session: Session, event: Event, now: datetime) -> None:
    """Write one event, and append what is not there yet."""
    event = _as_known(session, event)
    _upsert(session, event, now)
    insert_new(session, EvidenceRow, [codec.evidence_values(event.id, one) for one in event.evidence])
    insert_new(session, growth.GrowthRow, [growth.values(event.id, one) for one in event.growth])
    insert_new(session, ActionRow, [codec.action_values(event.id, one) for one in event.actions])
    _append_transitions(session, event, now)


def actions(session: Session, event_id: str) -> list[Action]:
    """What people did with an event, in order."""
    rows = session.scalars(select(ActionRow).where(ActionRow.event_id == event_id).order_by(ActionRow.at, ActionRow.id))
    return [codec.action(row) for row in rows]


def _as_known(session: Session, event: Event) -> Event:
    """What the public has heard of stays public, and what people have heard of keeps the storm that they know."""
    of_it = select(EventRow.released, EventRow.told_id, EventRow.storm).where(EventRow.id == event.id)
    stored = session.execute(of_it).one_or_none()
    if stored is None:
        return event
    released, told, storm = stored
    return replace(event, released=event.released or released, storm=event.storm if told is None else storm)


def _upsert(session: Session, event: Event, now: datetime) -> None:
    values = codec.event_values(event) | {"updated": now}
    if not insert_new(session, EventRow, [values]):
        affected(session, update(EventRow).where(EventRow.id == event.id).values(values))


def _append_transitions(session: Session, event: Event, now: datetime) -> None:
    """Append steps that are not stored, by content rather than by number.

    A look that arrives late can change the replayed list in its middle. What people have heard is not rewritten: the
    corrected steps follow it, but for those that something a person did later has overtaken, and where the list ends
    otherwise than people have heard, a step says so. That an alert has grown no person has overtaken.
    """
    ordered = select(TransitionRow).where(TransitionRow.event_id == event.id).order_by(TransitionRow.sequence)
    rows = session.scalars(ordered).all()
    stored = [codec.transition(row) for row in rows]
    known = {_content(step) for step in stored}
    by = [place for place, step in enumerate(event.transitions) if step.by and _content(step) in known]
    news = [
        step
        for place, step in enumerate(event.transitions)
        if _content(step) not in known
        and (place > max(by, default=-1) or (step.reason in _LARGER and event.state in ALERT_STATES))
        and not (step.reason in _LARGER and step.acquisition_id in {one.acquisition_id for one in stored})
    ]
    if stored:  # it opened once, whichever look turns out to be the first that shows it
        news = [step for step in news if step.previous is not None]
    last = (*stored, *news)[-1:]
    if stored and event.transitions and _is_told_otherwise(event, last[0]):
        news.append(_correction(event, last[0]))
    # What was refuted before anybody heard of it is nobody's concern.
    unheard = event.state is EventState.REFUTED and not _is_told(session, event.id)
    # Steps that were taken anew because something was declared later are told by where they lead.
    anew = bool(stored) and any(step.reason == DECLARED for step in news)
    told = [step for step in news[-1:] if step.state is not stored[-1].state] if anew else news
    first = max((row.sequence for row in rows), default=-1) + 1
    for sequence, step in enumerate(news, start=first):
        values = codec.transition_values(event.id, sequence, step)
        insert_new(session, TransitionRow, [values | {"created": now}])
        if step in told and _is_news(step) and not unheard:
            _post(session, event, sequence, values, now)


def _is_told_otherwise(event: Event, last: Transition) -> bool:
    """Whether an event stands otherwise than its last step says."""
    risen = event.tier is Tier.WARNING and last.tier is not Tier.WARNING
    return last.state is not event.state or risen


def _is_told(session: Session, event_id: str) -> bool:
    """Whether people have heard of an event."""
    return session.scalar(select(EventRow.told_sequence).where(EventRow.id == event_id)) is not None


def _correction(event: Event, last: Transition) -> Transition:
    """What people must hear when evidence that came late has changed how the event stands."""
    return Transition(
        at=max([last.at, *(piece.sensing_time for piece in event.evidence)]),
        previous=last.state,
        state=event.state,
        reason=LATE_EVIDENCE,
        detail="what came late, a look or a declaration, was taken into account",
        acquisition_id=None,
        tier=event.tier,
    )


def _content(step: Transition) -> tuple[object, ...]:
    if step.by:  # what a person did is one step, whatever evidence came before it later on
        return step.at, step.reason, step.by
    if step.reason == DECLARED:  # and so is this, whichever look turns out to be the first
        return (step.reason,)
    return step.at, step.previous, step.state, step.reason, step.acquisition_id


def _is_news(step: Transition) -> bool:
    """Nobody hears of a candidate, nor of the end of one, nor of a second end, nor that somebody has seen an alert."""
    if step.state is EventState.CANDIDATE or step.reason == ACKNOWLEDGED:
        return False
    return not (step.previous in {EventState.CANDIDATE, *ENDED_STATES} and step.state in ENDED_STATES)


def _post(session: Session, event: Event, sequence: int, step: codec.Values, now: datetime) -> None:
    message = {
        "idempotency_key": f"{event.id}:{sequence}",
        "event_id": event.id,
        "sequence": sequence,
        "payload": messages.payload(event, step),
        "known": messages.known_to_json(event),
        "rank": rank(event),
        "created": now,
    }
    insert_new(session, OutboxRow, [message])
    row = select(OutboxRow.id).where(OutboxRow.event_id == event.id, OutboxRow.sequence == sequence)
    told = {
        "told_id": session.scalar(row),
        "told_sequence": sequence,
        "told_reason": step["reason"],
        "told_at": now,
        "rank": rank(event),
    }
    affected(session, update(EventRow).where(EventRow.id == event.id).values(told))


def freeze(session: Session, references: Sequence[FrozenReference]) -> None:
    """Write references of an event on a tile in a comparability class that has none; others stay, as frozen means."""
    wanted = {(one.event_id, one.tile.id, one.comparable) for one in references}
    frozen = session.execute(
        select(ReferenceRow.event_id, ReferenceRow.tile, ReferenceRow.comparable)
        .where(ReferenceRow.event_id.in_({event_id for event_id, *_ in wanted}))
        .distinct()
    )
    wanted -= {(event_id, tile, comparable) for event_id, tile, comparable in frozen}
    new = [
        {
            "event_id": one.event_id,
            "tile": one.tile.id,
            "acquisition_id": one.acquisition_id,
            "look_href": one.look_href,
            "comparable": one.comparable,
        }
        for one in references
        if (one.event_id, one.tile.id, one.comparable) in wanted
    ]
    insert_new(session, ReferenceRow, new)


def reference(session: Session, event_id: str, comparable: str) -> dict[Tile, list[str]]:
    """Look hrefs of an event's frozen reference in one class, per tile, in the order in which they were written."""
    chosen = (ReferenceRow.event_id == event_id, ReferenceRow.comparable == comparable)
    rows = session.scalars(select(ReferenceRow).where(*chosen).order_by(ReferenceRow.id))
    looks: dict[Tile, list[str]] = {}
    for row in rows:
        looks.setdefault(tile_from_id(row.tile), []).append(row.look_href)
    return looks


def read(
    session: Session,
    region: str | None,
    open_only: bool,
    event_id: str | None = None,
    ended_since: datetime | None = None,
) -> list[Event]:
    """Events with their evidence (in order of sensing) and transitions (in order of decision), strongest first."""
    statement = select(EventRow).order_by(func.coalesce(EventRow.strength, 0.0).desc(), EventRow.id)
    if region is not None:
        statement = statement.where(EventRow.region == region)
    if event_id is not None:
        statement = statement.where(EventRow.id == event_id)
    if open_only:
        standing = [EventRow.state.not_in([state.value for state in ENDED_STATES])]
        if ended_since is not None:
            standing.append(EventRow.id.in_(select(TransitionRow.event_id).where(TransitionRow.at >= ended_since)))
        statement = statement.where(or_(*standing))
    rows = session.scalars(statement).all()
    wanted = statement.with_only_columns(EventRow.id).order_by(None).scalar_subquery()
    evidence = session.scalars(
        select(EvidenceRow)
        .where(EvidenceRow.event_id.in_(wanted))
        .order_by(EvidenceRow.event_id, EvidenceRow.sensing_time, EvidenceRow.id)
    )
    steps = session.scalars(
        select(TransitionRow)
        .where(TransitionRow.event_id.in_(wanted))
        .order_by(TransitionRow.event_id, TransitionRow.sequence)
    )
    done = session.scalars(
        select(ActionRow).where(ActionRow.event_id.in_(wanted)).order_by(ActionRow.event_id, ActionRow.at, ActionRow.id)
    )
    grown = session.scalars(growth.in_order().where(growth.GrowthRow.event_id.in_(wanted)))
    evidence_of = {key: tuple(map(codec.evidence, group)) for key, group in groupby(evidence, lambda row: row.event_id)}
    growth_of = {key: tuple(map(growth.record, group)) for key, group in groupby(grown, lambda row: row.event_id)}
    steps_of = {key: tuple(map(codec.transition, group)) for key, group in groupby(steps, lambda row: row.event_id)}
    actions_of = {key: tuple(map(codec.action, group)) for key, group in groupby(done, lambda row: row.event_id)}
    return [
        codec.event(
            row,
            evidence_of.get(row.id, ()),
            growth_of.get(row.id, ()),
            actions_of.get(row.id, ()),
            steps_of.get(row.id, ()),
        )
        for row in rows
    ]


def weighed_anew_by(session: Session, storm: str) -> tuple[str, ...]:
    """Ids of the events of which people heard because the declaration that names a storm eased their opening."""
    of_it = (ActionRow.kind == ActionKind.DECLARE.value, ActionRow.reason == storm)
    told = (OutboxRow.event_id == TransitionRow.event_id, OutboxRow.sequence == TransitionRow.sequence)
    found = (
        select(ActionRow.event_id)
        .join(TransitionRow, TransitionRow.event_id == ActionRow.event_id)
        .join(OutboxRow, and_(*told))
        .where(*of_it, TransitionRow.reason == DECLARED)
    )
    return tuple(sorted(session.scalars(found)))


def outbox(session: Session, limit: int) -> list[OutboxEntry]:
    """Messages, oldest first."""
    rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id).limit(limit))
    return [
        OutboxEntry(
            idempotency_key=row.idempotency_key,
            event_id=row.event_id,
            sequence=row.sequence,
            payload=cast("dict[str, object]", row.payload),
            created=row.created,
        )
        for row in rows
    ]
