"""The life of an event, derived by replaying its ordered evidence through one table.

State is never stored as a decision: it follows from the evidence, so that late, doubled or
reordered looks end the same.

    from         evidence                     to           reason
    -            opens, strong enough         provisional  change-found
    -            opens, weak                  candidate    weak-change
    -            opens, not of record         candidate    not-of-record
    candidate    supports                     provisional  seen-again
    candidate    contradicts                  refuted      back-as-before
    provisional  supports                     confirmed    still-changed
    provisional  contradicts                  refuted      back-as-before
    confirmed    supports, 3rd since, 20 days closed       settled
    confirmed    contradicts twice running    closed       ground-recovered
    any open     silence beyond the limit     expired      not-seen-again
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.records import Detector, Event, EventState, Evidence, Transition, Verdict

OPEN_STATES = frozenset({EventState.CANDIDATE, EventState.PROVISIONAL, EventState.CONFIRMED})
SETTLED = "settled"
ALERT_STATES = frozenset({EventState.PROVISIONAL, EventState.CONFIRMED})
"""States in which people see the event as an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleSettings:
    """Limits of an event's life."""

    open_strength: float = 0.2
    """ha x change: at or above, an event opens as an alert at once; below, as a candidate."""
    settle_looks: int = 3
    """Supporting looks after confirmation that close an event as settled ..."""
    settle_after: timedelta = timedelta(days=20)
    """... once it has been open so long: tracks of radar pass within days of each other."""
    recover_looks: int = 2
    """Contradicting looks in a row that end a confirmed event."""
    expire_after: timedelta = timedelta(days=120)
    """An open event that no usable look has seen for so long ends."""
    rest: timedelta = timedelta(days=180)
    """Ground whose change is known and explained opens no event again for so long: references, radar's above all,
    still remember it as it was before."""


def rests(event: Event, now: datetime, comparable: str, settings: LifecycleSettings) -> bool:
    """Whether an event ended not long ago while its change was still there, so that finding it again is no news.

    That is so when it settled, and, for looks of its own class, when another sensor refuted it: what the first one saw
    may last. Ground that was seen back as before by the sensor that had seen it change may change anew, and what one
    sensor saw in vain keeps no other from seeing. Half a valley that changed alike rests for its own sensor once it has
    settled, and never when it was refuted: snow may be followed by a landslide.

    Args:
        comparable: class of the look that asks.
    """
    last = event.transitions[-1] if event.transitions else None
    if last is None or event.state in OPEN_STATES or now - last.at > settings.rest:
        return False
    if event.alike_from_m is not None:
        same = event.comparable.partition(":")[0] == comparable.partition(":")[0]
        return last.reason == SETTLED and same
    if event.state is EventState.REFUTED:
        said = {piece.detector for piece in event.evidence if piece.acquisition_id == last.acquisition_id}
        return event.detector not in said and event.comparable == comparable
    return last.reason == SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """What the replay carries from one piece of evidence to the next."""

    state: EventState | None = None
    opened: datetime | None = None
    opened_by: Detector | None = None
    last_seen: datetime | None = None
    supports: int = 0
    contradictions: int = 0


def replay(evidence: Iterable[Evidence], settings: LifecycleSettings) -> tuple[Transition, ...]:
    """All transitions of an event, in order; the last one's state is the event's state."""
    memory = _Memory()
    steps: list[Transition] = []
    for piece in sorted(evidence, key=_order):
        memory, step = _advance(memory, piece, settings)
        if step is not None:
            steps.append(step)
    return tuple(steps)


def _order(piece: Evidence) -> tuple[datetime, bool, str, str]:
    return piece.sensing_time, piece.verdict is not Verdict.OPENS, piece.acquisition_id, piece.detector.value


def _advance(memory: _Memory, piece: Evidence, settings: LifecycleSettings) -> tuple[_Memory, Transition | None]:
    if memory.state is None:
        return _open(piece, settings)
    if memory.state not in OPEN_STATES:
        return memory, None
    if piece.verdict is Verdict.INCONCLUSIVE:
        # Radar passes every few days and is silent of most landslides: that must not keep an event of optics alive.
        same_eye = (piece.detector is Detector.RADAR) == (memory.opened_by is Detector.RADAR)
        return (replace(memory, last_seen=piece.sensing_time), None) if same_eye else _silent(memory, piece, settings)
    if piece.verdict in (Verdict.NOT_OBSERVED, Verdict.OPENS):
        return _silent(memory, piece, settings)
    if piece.verdict is Verdict.SUPPORTS:
        return _supported(memory, piece, settings)
    return _contradicted(memory, piece, settings)


def _silent(memory: _Memory, piece: Evidence, settings: LifecycleSettings) -> tuple[_Memory, Transition | None]:
    """A look that saw nothing of the event: too long a row of them ends it."""
    if memory.last_seen is None or piece.sensing_time - memory.last_seen <= settings.expire_after:
        return memory, None
    days = settings.expire_after.days
    return _step(memory, piece, EventState.EXPIRED, "not-seen-again", f"no usable look for {days} days")


def _open(piece: Evidence, settings: LifecycleSettings) -> tuple[_Memory, Transition | None]:
    if piece.verdict is not Verdict.OPENS:
        return _Memory(), None
    start = _Memory(opened=piece.sensing_time, opened_by=piece.detector, last_seen=piece.sensing_time)
    if not piece.of_record:
        return _step(start, piece, EventState.CANDIDATE, "not-of-record", piece.detail)
    if piece.strength >= settings.open_strength:
        return _step(start, piece, EventState.PROVISIONAL, "change-found", piece.detail)
    return _step(start, piece, EventState.CANDIDATE, "weak-change", piece.detail)


def _supported(memory: _Memory, piece: Evidence, settings: LifecycleSettings) -> tuple[_Memory, Transition | None]:
    seen = replace(memory, last_seen=piece.sensing_time, supports=memory.supports + 1, contradictions=0)
    if memory.state is EventState.CANDIDATE:
        return _step(seen, piece, EventState.PROVISIONAL, "seen-again", piece.detail)
    if memory.state is EventState.PROVISIONAL:
        return _step(seen, piece, EventState.CONFIRMED, "still-changed", piece.detail)
    open_for = piece.sensing_time - (seen.opened or piece.sensing_time)
    if seen.supports >= settings.settle_looks and open_for >= settings.settle_after:
        return _step(seen, piece, EventState.CLOSED, SETTLED, f"{seen.supports} supporting looks since confirmation")
    return seen, None


def _contradicted(memory: _Memory, piece: Evidence, settings: LifecycleSettings) -> tuple[_Memory, Transition | None]:
    seen = replace(memory, last_seen=piece.sensing_time, contradictions=memory.contradictions + 1)
    if memory.state is not EventState.CONFIRMED:
        return _step(seen, piece, EventState.REFUTED, "back-as-before", piece.detail)
    if seen.contradictions >= settings.recover_looks:
        return _step(seen, piece, EventState.CLOSED, "ground-recovered", piece.detail)
    return seen, None


def _step(memory: _Memory, piece: Evidence, state: EventState, reason: str, detail: str) -> tuple[_Memory, Transition]:
    transition = Transition(
        at=piece.sensing_time,
        previous=memory.state,
        state=state,
        reason=reason,
        detail=detail,
        acquisition_id=piece.acquisition_id,
    )
    fresh = _Memory(state=state, opened=memory.opened, opened_by=memory.opened_by, last_seen=piece.sensing_time)
    return fresh, transition
