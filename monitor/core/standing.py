"""How an event came to stand as it does: by looks, by a person, or by both. People read it in every headline."""

from collections.abc import Iterable, Sequence

from monitor.core.lifecycle import (
    ACKNOWLEDGED,
    ALERT_STATES,
    CONFIRMED_IN_FIELD,
    DECLARED,
    DISMISSED,
    LATE_EVIDENCE,
    OUTDATED,
    RELEASED,
    ROLLED_BACK,
    SEEN_AGAIN,
    STILL_CHANGED,
    UNDECIDED,
)
from monitor.records import Event, EventState, Transition, Verdict

CONFIRMED_BY_BOTH = "confirmed-by-both"
DRAWN = frozenset({Verdict.SUPPORTS, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE})
"""What a look says that saw the ground: the picture is drawn again with it."""
_CORRECTIONS = frozenset({LATE_EVIDENCE, ROLLED_BACK})
"""Steps that say where an event stands, and not what brought it there: an earlier step has."""
_ANSWERS = frozenset({ACKNOWLEDGED, CONFIRMED_IN_FIELD, RELEASED})
_BARE_ENDS = frozenset({OUTDATED, UNDECIDED})
"""Ends of what may well have been seen again."""


def standing(state: EventState, reason: str, steps: Sequence[Transition] = ()) -> str:
    """Key of `core.words.Words.states` for an event as it stands at a step.

    Args:
        state: of the event then.
        reason: of the step that it is told with; only that of growth, and of an end, is a standing of its own.
        steps: of the event up to then. Without them the reason alone tells.
    """
    if reason.startswith(DISMISSED):
        return "dismissed"
    if reason in _BARE_ENDS:
        return EventState.CLOSED.value
    if state is EventState.CONFIRMED and reason in (STILL_CHANGED, CONFIRMED_IN_FIELD):
        return _confirmed(_causes(steps, state) | {reason})
    if reason == ROLLED_BACK and state is not EventState.CLOSED:
        reason = ""
    return reason if reason in _OWN else _by_state(state, _causes(steps, state))


_OWN = frozenset({"grown", "took-in", "merged", ROLLED_BACK})


def acknowledgement(steps: Iterable[Transition]) -> Transition | None:
    """The step with which a person took an alert on; None: nobody has."""
    return next((step for step in steps if step.reason == ACKNOWLEDGED), None)


def is_unanswered(event: Event) -> bool:
    """Whether an open alert still waits for a person: nobody has taken it on, confirmed or released it."""
    return event.state in ALERT_STATES and not any(step.reason in _ANSWERS for step in event.transitions)


def waiting(events: Iterable[Event]) -> dict[str, int]:
    """Those that wait for a person, each with the number of its newest step: what taking on all of them takes on."""
    return {event.id: len(event.transitions) - 1 for event in events if is_unanswered(event)}


def since_drawn(event: Event) -> Transition | None:
    """The first step that made an event other than its picture shows it; None: the picture shows it as it stands.

    Looks draw it, what people do does not. A look that was taken before that step, and was judged after it, has drawn
    the event as it stands: whether there was one cannot be told from the event.
    """
    looked = [step.at for step in event.transitions if step.acquisition_id is not None]
    looked += [one.sensing_time for one in event.evidence if one.verdict in DRAWN or one.verdict is Verdict.OPENS]
    drawn = max(looked, default=None)
    steps = [one for one in event.transitions if one.acquisition_id is None and one.reason != DECLARED]
    # A person's step is never before what the person could have seen, and may be at that very time.
    newer = [one for one in steps if drawn is not None and (one.at > drawn or (one.by and one.at == drawn))]
    turns = [one for one in newer if one.previous is not one.state or one.reason == ROLLED_BACK]
    if not turns or (turns[0].previous is event.state and all(one.reason != ROLLED_BACK for one in turns)):
        return None
    return turns[0]


def _by_state(state: EventState, causes: frozenset[str]) -> str:
    if state is EventState.CONFIRMED:
        return _confirmed(causes)
    if state is EventState.PROVISIONAL and SEEN_AGAIN in causes:
        return SEEN_AGAIN
    if state is EventState.EXPIRED and causes & _BARE_ENDS:
        return EventState.CLOSED.value
    return state.value


def _confirmed(causes: Iterable[str]) -> str:
    found = {STILL_CHANGED, CONFIRMED_IN_FIELD}.intersection(causes)
    if len(found) == 2:
        return CONFIRMED_BY_BOTH
    return CONFIRMED_IN_FIELD if CONFIRMED_IN_FIELD in found else EventState.CONFIRMED.value


def _causes(steps: Sequence[Transition], state: EventState) -> frozenset[str]:
    """Reasons of the steps since the event came to this state; of a correction those of the time before, too."""
    causes: set[str] = set()
    corrected = False
    for step in reversed(steps):
        if step.state is not state and not corrected:
            break
        if step.state is state:
            corrected = step.reason in _CORRECTIONS and step.previous is not state
            causes.add(step.reason)
    return frozenset(causes)
