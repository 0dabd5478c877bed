"""Whether ground of an event that ended rests for a while: finding the same change there again is no news."""

from datetime import datetime

from monitor.core.lifecycle import LATE_EVIDENCE, OPEN_STATES, SETTLED, LifecycleSettings, Piece, replay
from monitor.records import ActionKind, Event, EventState, Transition


def rests(event: Event, now: datetime, comparable: str, settings: LifecycleSettings) -> bool:
    """Whether an event ended not long ago while its change was still there, so that finding it again is no news.

    That is so when it settled, when a person said what it is, and, for looks of its own class, when another sensor
    refuted it: what the first one saw may last. Ground that was seen back as before by the sensor that had seen it
    change may change anew, and what one sensor saw in vain keeps no other from seeing. Half a valley that changed alike
    rests for its own sensor once it has settled, and never when it was refuted: snow may be followed by a landslide.

    Args:
        comparable: class of the look that asks.
    """
    last = _last_step(event, settings)
    if last is None or event.state in OPEN_STATES or now - last.at > settings.rest:
        return False
    dismissed = any(one.kind is ActionKind.DISMISS for one in event.actions)
    explained = last.reason == SETTLED or dismissed
    if event.alike_from_m is not None:
        same = event.comparable.partition(":")[0] == comparable.partition(":")[0]
        return explained and same
    if event.state is EventState.REFUTED and not dismissed:
        said = {piece.detector for piece in event.evidence if piece.acquisition_id == last.acquisition_id}
        return event.detector not in said and event.comparable == comparable
    return explained


def _last_step(event: Event, settings: LifecycleSettings) -> Transition | None:
    """What made an event what it is. A correction alone does not tell why it ended, nor what ended it."""
    last = event.transitions[-1] if event.transitions else None
    if last is None or last.reason != LATE_EVIDENCE:
        return last
    pieces: tuple[Piece, ...] = (*event.evidence, *event.growth, *event.actions)
    steps = replay((piece for piece in pieces if not piece.withdrawn), settings)
    return steps[-1] if steps else last
