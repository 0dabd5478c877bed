"""The life of an event, derived by replaying what looks and people said of it through one table.

State is never stored as a decision: it follows from the ordered evidence, so that late, doubled or reordered looks end
the same. `TABLE` is the whole of it; docs/alerts.md shows it to people, and a test holds the two together.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.records import (
    Action,
    ActionKind,
    Detector,
    EventState,
    Evidence,
    Growing,
    Growth,
    Tier,
    Transition,
    Verdict,
)

OPEN_STATES = frozenset({EventState.CANDIDATE, EventState.PROVISIONAL, EventState.CONFIRMED})
ALERT_STATES = frozenset({EventState.PROVISIONAL, EventState.CONFIRMED})
"""States in which people see the event as an alert."""
ENDED_STATES = frozenset(EventState) - OPEN_STATES

SEEN_AGAIN, STILL_CHANGED = "seen-again", "still-changed"
UNDECIDED, OUTDATED = "undecided", "outdated"
SETTLED = "settled"
RECOVERED = "ground-recovered"
LATE_EVIDENCE = "late-evidence"
"""Says where an event stands when its steps, in their new order, end otherwise than people have heard."""
MERGED = "merged"
ROLLED_BACK = "rolled-back"
GROWN, TOOK_IN = "grown", "took-in"
DECLARED = "declared"
DISMISSED = "dismissed-"
"""Beginning of the reason of a dismissal; the person's own follows."""
ACKNOWLEDGED, RELEASED, CONFIRMED_IN_FIELD = "acknowledged", "released", "confirmed-from-field"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleSettings:
    """Limits of an event's life. Rates are false events per 1,000 km² and year on quiet ground (`core.null_rate`)."""

    watch_rate: float = 100.0
    """An event that quiet ground opens so often, or more seldom, is an alert at once; others wait as candidates."""
    warning_rate: float = 50.0
    """An alert that quiet ground makes so seldom is a warning: by its first look, or by all that hold at the second."""
    open_strength: float = 0.2
    """ha x change: where no rate is known, an event at or above opens as an alert at once."""
    settle_looks: int = 3
    """Supporting looks after confirmation that close an event as settled ..."""
    settle_after: timedelta = timedelta(days=20)
    """... once it has been open so long: tracks of radar pass within days of each other."""
    recover_looks: int = 2
    """Contradicting looks in a row that end a confirmed event."""
    undecided_looks: int = 8
    """Looks in a row that saw an unconfirmed event and could not tell, after which it ends."""
    expire_after: timedelta = timedelta(days=120)
    """An open event that no usable look has seen for so long ends."""
    longest: timedelta = timedelta(days=400)
    """No event stays open for longer: a year's seasons have come round, and its reference is of another time."""
    growth_ha: float = 0.5
    """An alert that has grown by so much since people were last told its size ..."""
    growth_share: float = 0.25
    """... and by this share of that size, is told anew."""
    rest: timedelta = timedelta(days=180)
    """Ground whose change is known and explained opens no event again for so long: references, radar's above all,
    still remember it as it was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """What the replay carries from one piece to the next."""

    state: EventState | None = None
    tier: Tier = Tier.WATCH
    opened: Evidence | None = None
    last_seen: datetime | None = None
    """By a look that could have told."""
    supports: int = 0
    contradictions: int = 0
    undecided: int = 0
    seen_in_field: datetime | None = None
    """When a person saw the landslide."""
    said: frozenset[str] = frozenset()
    """What people need to say once only."""
    ground_ha: float = 0.0
    """Of an event that grew."""
    told_ha: float = 0.0
    """The same when people were last told."""
    told_by: str = ""
    """The acquisition that caused the last step; what it adds was told with that."""


Piece = Evidence | Growth | Action
"""What a look says of an event or adds to it, or what a person does with it."""
_Kind = Verdict | Growing | ActionKind
_NO_GROUND_HA = 0.005
"""Half a pixel: by so much hectares may differ that went through sums in another order."""
_Condition = Callable[[_Memory, Piece, LifecycleSettings], bool]


def _always(_memory: _Memory, _piece: Piece, _settings: LifecycleSettings) -> bool:
    return True


def _not_of_record(_memory: _Memory, piece: Piece, _settings: LifecycleSettings) -> bool:
    return isinstance(piece, Evidence) and not piece.of_record


def is_at_once(opening: Evidence, settings: LifecycleSettings) -> bool:
    """Whether what opens an event makes an alert of it by itself; where no rate was known its strength decides."""
    return opening.strength >= settings.open_strength if opening.at_once is None else opening.at_once


def _strong(_memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    return isinstance(piece, Evidence) and is_at_once(piece, settings)


def _settled(memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.supports >= settings.settle_looks and _age(memory, piece) >= settings.settle_after


def _recovered(memory: _Memory, _piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.contradictions >= settings.recover_looks


def _undecided(memory: _Memory, _piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.undecided >= settings.undecided_looks


def _unseen(memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.last_seen is not None and _time(piece) - memory.last_seen > settings.expire_after


def _outdated(memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    since = memory.seen_in_field or (memory.opened.sensing_time if memory.opened else _time(piece))
    return _time(piece) - since > settings.longest


def _unconfirmed(memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.state is not EventState.CONFIRMED or _unsaid(memory, piece, settings)


def _unsaid(memory: _Memory, piece: Piece, _settings: LifecycleSettings) -> bool:
    return isinstance(piece, Action) and piece.kind not in memory.said


def _was_alert(_memory: _Memory, piece: Piece, _settings: LifecycleSettings) -> bool:
    return isinstance(piece, Action) and piece.reason in {state.value for state in ALERT_STATES}


def _was_other(memory: _Memory, piece: Piece, _settings: LifecycleSettings) -> bool:
    if not isinstance(piece, Action) or memory.state is None:
        return False
    return piece.reason != memory.state.value or (piece.area_ha or 0.0) > memory.ground_ha + _NO_GROUND_HA


def _untold(memory: _Memory, piece: Piece, _settings: LifecycleSettings) -> bool:
    if not isinstance(piece, Growth):
        return False
    return piece.acquisition_id != memory.told_by or (piece.warning and memory.tier is not Tier.WARNING)


def _larger(memory: _Memory, _piece: Piece, settings: LifecycleSettings) -> bool:
    return memory.ground_ha - memory.told_ha >= max(settings.growth_ha, settings.growth_share * memory.told_ha)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: the first that fits a piece of evidence is the step it causes."""

    before: frozenset[EventState] | None
    """States in which it holds; None: before the event has any."""
    on: frozenset[_Kind]
    after: EventState | None
    """None: the state stays what it is."""
    reason: str
    when: _Condition = _always
    meaning: str = ""
    """The condition in words."""


_S = EventState
_UNSURE = frozenset({_S.CANDIDATE, _S.PROVISIONAL})
_LOOKS = frozenset[_Kind](set(Verdict) - {Verdict.OPENS})
_SHOWS = frozenset({Verdict.OPENS, Verdict.SUPPORTS})
_OF_THE_LOOK = ("acquisition_id", "sensing_time", "detector", "observed_fraction", "level", "detail", "own")
"""What a late look that takes the place of the opening one says itself: the rest is about the event."""
_BLIND = frozenset[_Kind]({Verdict.OPENS, Verdict.NOT_OBSERVED, Verdict.INCONCLUSIVE})


def _on(*kinds: _Kind) -> frozenset[_Kind]:
    return frozenset(kinds)


TABLE = (
    Rule(None, _on(Verdict.OPENS), _S.CANDIDATE, "not-of-record", _not_of_record, "found by radar where optics count"),
    Rule(None, _on(Verdict.OPENS), _S.PROVISIONAL, "change-found", _strong, "rare enough on quiet ground"),
    Rule(None, _on(Verdict.OPENS), _S.CANDIDATE, "weak-change", meaning="more common than that"),
    Rule(frozenset({_S.CANDIDATE}), _on(ActionKind.DECLARE), _S.PROVISIONAL, DECLARED, meaning="eased since"),
    Rule(_UNSURE, _on(Verdict.CONTRADICTS), _S.REFUTED, "back-as-before"),
    Rule(frozenset({_S.CANDIDATE}), _on(Verdict.SUPPORTS), _S.PROVISIONAL, SEEN_AGAIN),
    Rule(frozenset({_S.PROVISIONAL}), _on(Verdict.SUPPORTS), _S.CONFIRMED, STILL_CHANGED),
    Rule(frozenset({_S.CONFIRMED}), _on(Verdict.SUPPORTS), _S.CLOSED, SETTLED, _settled, "third time, after 20 days"),
    Rule(
        frozenset({_S.CONFIRMED}),
        _on(Verdict.CONTRADICTS),
        _S.CLOSED,
        RECOVERED,
        _recovered,
        "twice in a row",
    ),
    Rule(_UNSURE, _on(Verdict.INCONCLUSIVE), _S.EXPIRED, UNDECIDED, _undecided, "eight times in a row"),
    Rule(OPEN_STATES, _BLIND, _S.EXPIRED, "not-seen-again", _unseen, "no usable look for 120 days"),
    Rule(OPEN_STATES, _LOOKS, _S.EXPIRED, OUTDATED, _outdated, "open for 400 days"),
    # What a look adds is told with the step that the same look causes, if it causes one.
    Rule(ALERT_STATES, _on(Growing.TAKES_IN), None, TOOK_IN, _untold, "another alert"),
    Rule(ALERT_STATES, _on(*Growing), None, GROWN, _larger, "by 0.5 ha and a quarter of what was told"),
    Rule(ALERT_STATES, _on(ActionKind.ACKNOWLEDGE), None, ACKNOWLEDGED, _unsaid, "for the first time"),
    Rule(ALERT_STATES, _on(ActionKind.RELEASE), None, RELEASED, _unsaid, "for the first time"),
    Rule(OPEN_STATES, _on(ActionKind.DISMISS), _S.CLOSED, DISMISSED),
    Rule(
        frozenset(EventState),
        _on(ActionKind.CONFIRM),
        _S.CONFIRMED,
        CONFIRMED_IN_FIELD,
        _unconfirmed,
        "whatever ended it",
    ),
    Rule(OPEN_STATES, _on(ActionKind.MERGE), _S.CLOSED, MERGED),
    # What was taken back is not among the pieces that are replayed: these are the states without it.
    Rule(None, _on(ActionKind.ROLL_BACK), _S.CLOSED, ROLLED_BACK, meaning="nothing that opened it is left"),
    Rule(frozenset({_S.CANDIDATE}), _on(ActionKind.ROLL_BACK), _S.CLOSED, ROLLED_BACK, _was_alert, "no alert is left"),
    Rule(ALERT_STATES, _on(ActionKind.ROLL_BACK), None, ROLLED_BACK, _was_other, "in another state, or larger"),
)
"""Every step of an event's life. What no line fits changes nothing."""


def weighed(opening: Evidence, settings: LifecycleSettings) -> Evidence:
    """What opens an event, with what it is by the thresholds of today; without a rate its strength decides."""
    if opening.rate is None or opening.held_rate is None:
        return replace(opening, at_once=opening.strength >= settings.open_strength)
    return replace(
        opening,
        at_once=opening.rate <= settings.watch_rate,
        warning=opening.rate <= settings.warning_rate,
        held_warning=opening.held_rate <= settings.warning_rate,
    )


def replay(pieces: Iterable[Piece], settings: LifecycleSettings) -> tuple[Transition, ...]:
    """All transitions of an event, in order; the last one's state and tier are the event's."""
    memory = _Memory()
    steps: list[Transition] = []
    for piece in in_order(pieces):
        memory = _heard(memory, piece)
        rule = next((one for one in TABLE if _fits(one, memory, piece, settings)), None)
        if rule is not None:
            memory, step = _step(rule, memory, piece, settings)
            steps.append(step)
    return tuple(steps)


def in_order(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces in the order in which they count.

    An event begins with the first look that shows its change. Where that came late, it takes the place of the look that
    opened the event, with the rarity of what that one found, and the latter supports. What was declared on its ground
    counts from that look on: whether the look or the declaration came first changes nothing.
    """
    ordered = _begun(sorted(pieces, key=_order))
    declared = next((one for one in ordered if _kind(one) is ActionKind.DECLARE), None)
    first = next((one for one in ordered if _kind(one) is Verdict.OPENS), None)
    if not isinstance(declared, Action) or first is None:
        return ordered
    rest = [one for one in ordered if _kind(one) is not ActionKind.DECLARE]
    after = rest.index(first) + 1
    return [*rest[:after], replace(declared, at=_time(first)), *rest[after:]]


def _begun(ordered: list[Piece]) -> list[Piece]:
    """Pieces in order of time, with the first look that shows the change as the one that opens the event."""
    opening = next((one for one in ordered if isinstance(one, Evidence) and one.verdict is Verdict.OPENS), None)
    first = next((one for one in ordered if isinstance(one, Evidence) and one.verdict in _SHOWS), None)
    if opening is None or first is None or first is opening:
        return ordered
    begins = replace(opening, **{name: getattr(first, name) for name in _OF_THE_LOOK})
    supports = replace(opening, verdict=Verdict.SUPPORTS)
    return [begins if one is first else supports if one is opening else one for one in ordered]


def _time(piece: Piece) -> datetime:
    return piece.at if isinstance(piece, Action) else piece.sensing_time


def _age(memory: _Memory, piece: Piece) -> timedelta:
    """For how long the event has been open."""
    return _time(piece) - memory.opened.sensing_time if memory.opened else timedelta(0)


def _order(piece: Piece) -> tuple[datetime, bool, bool, str, bool, str]:
    """By time; what people did after what they could have seen, what a look adds after what it says."""
    match piece:
        case Action():
            return piece.at, True, False, piece.kind, False, piece.by
        case Growth():
            return piece.sensing_time, False, True, piece.acquisition_id, True, ""
        case Evidence():
            later = piece.verdict is not Verdict.OPENS
            return piece.sensing_time, False, later, piece.acquisition_id, False, piece.detector


def _kind(piece: Piece) -> _Kind:
    return piece.verdict if isinstance(piece, Evidence) else piece.kind


def _fits(rule: Rule, memory: _Memory, piece: Piece, settings: LifecycleSettings) -> bool:
    there = memory.state is None if rule.before is None else memory.state in rule.before
    return there and _kind(piece) in rule.on and rule.when(memory, piece, settings)


def _heard(memory: _Memory, piece: Piece) -> _Memory:
    """The memory after a piece, before it causes any step."""
    if isinstance(piece, Growth):
        ground_ha = memory.ground_ha + piece.area_ha
        # What it was before it grew is no growth.
        told = piece.acquisition_id in ("", memory.told_by)
        return replace(memory, ground_ha=ground_ha, told_ha=ground_ha if told else memory.told_ha)
    if not isinstance(piece, Evidence) or memory.opened is None:
        return memory
    at = piece.sensing_time
    match piece.verdict:
        case Verdict.SUPPORTS:
            return replace(memory, last_seen=at, supports=memory.supports + 1, contradictions=0, undecided=0)
        case Verdict.CONTRADICTS:
            return replace(memory, last_seen=at, contradictions=memory.contradictions + 1, undecided=0)
        case Verdict.INCONCLUSIVE if _same_eye(memory.opened, piece):
            # What another track did not see is no doubt: radar misses what it looks at from the wrong side.
            return replace(memory, last_seen=at, undecided=memory.undecided + piece.own)
        case _:
            return memory


def _same_eye(opened: Evidence, piece: Evidence) -> bool:
    """Radar passes every few days and is silent of most landslides: that must not keep an event of optics alive."""
    return (piece.detector is Detector.RADAR) == (opened.detector is Detector.RADAR)


def _step(rule: Rule, memory: _Memory, piece: Piece, settings: LifecycleSettings) -> tuple[_Memory, Transition]:
    """The step that a rule makes of a piece. Looks are counted anew in a new state."""
    opened = piece if isinstance(piece, Evidence) and memory.opened is None else memory.opened
    said = memory.said | {piece.kind} if isinstance(piece, Action) else memory.said
    state = memory.state if rule.after is None else rule.after
    assert state is not None  # a rule without a state to go to needs one to stay in
    tier = _tier(rule, memory, piece, opened)
    step = Transition(
        at=_time(piece),
        previous=_before(memory, piece),
        state=state,
        reason=rule.reason + (piece.reason if isinstance(piece, Action) and rule.reason == DISMISSED else ""),
        detail=_detail(rule, memory, piece, settings),
        acquisition_id=None if isinstance(piece, Action) else piece.acquisition_id,
        by=(piece.by or None) if isinstance(piece, Action) else None,
        tier=tier,
    )
    memory = replace(memory, tier=tier, opened=opened, said=said)
    if rule.reason != ACKNOWLEDGED:  # of which nobody hears
        by_action = memory.told_by if rule.reason == DECLARED else ""  # which counts as one with the opening look
        told_by = by_action if isinstance(piece, Action) else piece.acquisition_id
        memory = replace(memory, told_ha=memory.ground_ha, told_by=told_by)
    if rule.after is None:
        return memory, step
    seen_in_field = _time(piece) if rule.reason == CONFIRMED_IN_FIELD else memory.seen_in_field
    fresh = replace(memory, state=state, last_seen=_time(piece), seen_in_field=seen_in_field)
    return replace(fresh, supports=0, contradictions=0, undecided=0), step


def _before(memory: _Memory, piece: Piece) -> EventState | None:
    """The state that people knew: also the one that has just turned out to be none."""
    if isinstance(piece, Action) and piece.kind is ActionKind.ROLL_BACK:
        return EventState(piece.reason)
    return memory.state


def _tier(rule: Rule, memory: _Memory, piece: Piece, opened: Evidence | None) -> Tier:
    """Once a warning, always a warning; also what was one before it was joined to another alert."""
    joined = isinstance(piece, Growth) and piece.warning
    if memory.tier is Tier.WARNING or rule.reason == CONFIRMED_IN_FIELD or joined:
        return Tier.WARNING
    if opened is None or rule.after not in ALERT_STATES:
        return memory.tier
    warning = opened.held_warning if rule.after is EventState.CONFIRMED else opened.warning
    return Tier.WARNING if warning else Tier.WATCH


def _detail(rule: Rule, memory: _Memory, piece: Piece, settings: LifecycleSettings) -> str:
    if isinstance(piece, Action):
        return piece.text or piece.reason
    if isinstance(piece, Growth):
        taken = f"took in {', '.join(piece.took_in)}; " if piece.took_in else ""
        return f"{taken}{memory.ground_ha:.2f} ha, {memory.told_ha:.2f} ha when it was last told"
    match rule.reason:
        case "settled":
            return f"{memory.supports} supporting looks since confirmation"
        case "not-seen-again":
            return f"no usable look for {settings.expire_after.days} days"
        case "outdated":
            return f"open for {settings.longest.days} days"
        case "undecided":
            return f"{memory.undecided} looks in a row could not tell; the last: {piece.detail}"
        case _:
            return piece.detail
