"""What people do with an event, and what they may."""

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.events import with_actions
from monitor.core.growth import regrown
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, LifecycleSettings
from monitor.errors import Refused
from monitor.records import Action, ActionKind, DismissalReason, Event, EventState, Evidence, Transition, Verdict

_TICK = timedelta(microseconds=1)
"""Two things that people did are never at the same time."""
_TAKEN_IN = {
    ActionKind.ACKNOWLEDGE: ALERT_STATES,
    ActionKind.RELEASE: ALERT_STATES,
    ActionKind.DISMISS: OPEN_STATES,
    ActionKind.CONFIRM: frozenset(EventState),
    ActionKind.COMMENT: frozenset(EventState),
    ActionKind.MERGE: OPEN_STATES,
    ActionKind.ROLL_BACK: frozenset(),  # it is of looks, not of an event: `roll_back`
    ActionKind.DECLARE: frozenset(),  # it is of ground: `core.events.weighed_anew`
}
"""In which states an event takes what a person does."""


def takes(event: Event, kind: ActionKind) -> bool:
    """Whether a person can do this with an event as it stands."""
    return event.state in _TAKEN_IN[kind]


def act(event: Event, action: Action, settings: LifecycleSettings, seen: int | None = None) -> Event:
    """The event after what a person did.

    The action is dated after all that was known of the event, whatever the person's clock says: who dismisses an alert
    has seen its evidence.

    Args:
        seen: the number of the newest transition that the person knew; None: whatever there is.

    Raises:
        Refused: the event does not take this action as it stands, or has changed since the person looked.
    """
    newest = len(event.transitions) - 1
    if seen is not None and seen != newest:
        since = ", ".join(_told(step) for step in event.transitions[seen + 1 :])
        raise Refused(
            f"it has changed since revision {seen}: {since or 'it has no such revision'}",
            item=event.id,
            remedy="Look at it again, then decide anew.",
            reason="changed-meanwhile",
        )
    if not takes(event, action.kind):
        raise Refused(
            f"it is {event.state.value}, and nothing to {action.kind.value}",
            item=event.id,
            remedy="An event that ended can be confirmed from the field or commented on.",
            reason="not-now",
        )
    if action.kind is ActionKind.DISMISS and action.reason not in set(DismissalReason):
        raise Refused(
            f"{action.reason!r} is no reason to dismiss an event",
            item=event.id,
            remedy=f"Give one of {', '.join(DismissalReason)}.",
            reason="unknown-reason",
        )
    return with_actions(event, [_dated(event, action)], settings)


def roll_back(
    event: Event, taken_back: Container[str], action: Action, settings: LifecycleSettings, stay: Container[str] = ()
) -> Event:
    """The event without what some acquisitions said of it and the ground that they added to it.

    An event that was joined to another one by such an acquisition is one of its own again. An event that a person has
    seen from the ground or the air stays as it is: what was seen there is not taken back with a look.

    Args:
        taken_back: ids of the acquisitions.
        action: who does it, when and why.
        stay: ids of the events that a person has seen; what was joined to them stays so.
    """
    if is_seen(event):
        return event
    pieces = tuple(
        replace(piece, withdrawn=True) if piece.acquisition_id in taken_back else piece for piece in event.evidence
    )
    growth = tuple(replace(one, withdrawn=True) if one.acquisition_id in taken_back else one for one in event.growth)
    apart = tuple(
        replace(one, withdrawn=True) if one.acquisition_id in taken_back and one.reason not in stay else one
        for one in event.actions
    )
    if (pieces, growth, apart) == (event.evidence, event.growth, event.actions):
        return event
    area_ha = event.area_ha if growth != event.growth else None
    action = replace(action, kind=ActionKind.ROLL_BACK, reason=event.state.value, area_ha=area_ha)
    left = regrown(replace(event, evidence=pieces, growth=growth, actions=apart, window_end=_first_seen(event, pieces)))
    return with_actions(left, [_dated(event, action)], settings)


def _first_seen(event: Event, left: Sequence[Evidence]) -> datetime:
    """The end of the failure window without what was taken back: that of a late look which had shown it first goes."""
    shows = (Verdict.OPENS, Verdict.SUPPORTS)
    ended_it = any(one.withdrawn and one.sensing_time == event.window_end and one.verdict in shows for one in left)
    times = [one.sensing_time for one in left if one.verdict in shows and not one.withdrawn]
    return min(times) if ended_it and times else event.window_end


def is_seen(event: Event) -> bool:
    """Whether a person has seen it from the ground or the air."""
    return any(one.kind is ActionKind.CONFIRM for one in event.actions)


def _dated(event: Event, action: Action) -> Action:
    """The action after all that was known of the event."""
    seen = [piece.sensing_time for piece in event.evidence] + [piece.sensing_time for piece in event.growth]
    known = seen + [one.at + _TICK for one in event.actions]
    return replace(action, at=max([action.at, *known]))


def _told(step: Transition) -> str:
    return f"{step.reason} by {step.by}" if step.by else step.reason
