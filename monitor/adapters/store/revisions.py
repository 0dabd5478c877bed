"""Events as they were when a message told of them: what is said of a revision never changes.

Functions take the session of one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from shapely.errors import ShapelyError
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.adapters.store import codec, messages
from monitor.adapters.store.schema import ActionRow, EvidenceRow, OutboxRow, TransitionRow
from monitor.records import Action, Event, Evidence


def steps_until(session: Session, rows: Sequence[OutboxRow]) -> dict[str, list[TransitionRow]]:
    """The steps of the events of messages, up to the newest of these messages of each."""
    newest: dict[str, int] = {}
    for row in rows:
        if row.event_id is not None:
            newest[row.event_id] = max(row.sequence, newest.get(row.event_id, 0))
    of_events = select(TransitionRow).where(TransitionRow.event_id.in_(newest))
    steps: dict[str, list[TransitionRow]] = {event_id: [] for event_id in newest}
    for step in session.scalars(of_events.order_by(TransitionRow.event_id, TransitionRow.sequence)):
        if step.sequence <= newest[step.event_id]:
            steps[step.event_id].append(step)
    return steps


def events_as_told(session: Session, rows: Iterable[OutboxRow]) -> dict[str, Event]:
    """The events of messages by the messages' keys; without those that another version wrote in another way."""
    about = [row for row in rows if row.event_id is not None]
    steps = steps_until(session, about)
    found: dict[str, Event] = {}
    for row in about:
        try:
            found[row.idempotency_key] = event_as_told(session, row, steps[str(row.event_id)])
        except (KeyError, TypeError, AttributeError, ValueError, IndexError, ShapelyError):
            continue  # the message goes all the same, in fewer words
    return found


def event_as_told(session: Session, row: OutboxRow, steps: Sequence[TransitionRow]) -> Event:
    """The event of a message, with what was known when it was written. `steps` may hold later ones too."""
    until = tuple(codec.transition(step) for step in steps if step.sequence <= row.sequence)
    evidence, actions = _known(session, row, until[-1].at)
    plain = messages.event_of_payload(cast("dict[str, Any]", row.payload))
    return replace(plain, evidence=evidence, actions=actions, transitions=until)


def _known(session: Session, row: OutboxRow, at: datetime) -> tuple[tuple[Evidence, ...], tuple[Action, ...]]:
    """Evidence and actions as the message was written with them."""
    if row.known is not None:
        return messages.known_from_json(cast("dict[str, Any]", row.known))
    # Written before they were kept: what there is of that time.
    seen = select(EvidenceRow).where(EvidenceRow.event_id == row.event_id, EvidenceRow.sensing_time <= at)
    done = select(ActionRow).where(ActionRow.event_id == row.event_id, ActionRow.at <= at)
    evidence = tuple(codec.evidence(one) for one in session.scalars(seen.order_by(EvidenceRow.sensing_time)))
    return evidence, tuple(codec.action(one) for one in session.scalars(done.order_by(ActionRow.at)))
