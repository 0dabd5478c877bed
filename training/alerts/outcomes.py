"""What a deployment's own events were: false, landslides, or not known.

Nothing is false because nobody looked. A landslide that nobody judged looks like this: it opens, and every later look
holds it. Counted as false it teaches that such strong changes are common, and the next landslide is told to nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.lifecycle import RECOVERED
from monitor.core.null_rate import QuietCluster, held
from monitor.records import ActionKind, Detector, Event, EventState, Verdict

_SEVERAL = 2
"""Events of one storm that stand: as many are taken for what a storm did until a person says otherwise."""


class Outcome(StrEnum):
    """What an event was."""

    FALSE = "false"
    """A person dismissed it, or looks saw the ground as it was before."""
    LANDSLIDE = "landslide"
    """A person confirmed it, or one that grew together with it."""
    UNKNOWN = "unknown"
    """A later look held it, or none could tell, and nobody judged it; or it belongs to a storm that seems real."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An event that opened on a deployment's own ground, and what it was."""

    id: str
    area_ha: float
    place: tuple[float, float]
    """Longitude and latitude."""
    cluster: QuietCluster
    outcome: Outcome


def outcomes(events: Sequence[Event]) -> dict[str, Outcome]:
    """By id what events were; all of one region, for they may have grown together.

    A person's last word counts first, then what looks saw: *back as before* refutes, and so does *back* twice in a row
    after it was held. What grew together with another event is what that is, if it was not told apart before. In a
    storm of which several events stand, and of which nobody dismissed any, looks refute nothing: the ground of a storm
    is wet, moved and covered.
    """
    found = {one.id: _alone(one) for one in events}
    real = _seem_real(events, found)
    for one in events:
        if one.storm in real and found[one.id] is Outcome.FALSE:
            found[one.id] = Outcome.UNKNOWN
    joined = [(one.id, home) for one in events for home in _joined_to(one) if home in found]
    while spread := [(name, of) for part, home in joined for name, of in _spread(part, home, found)]:
        found |= spread
    return found


def _spread(part: str, home: str, found: Mapping[str, Outcome]) -> Iterable[tuple[str, Outcome]]:
    """What two events that grew together say of each other: a landslide overrules, false is what nothing else says."""
    whole = found[home]
    if whole is Outcome.LANDSLIDE is not found[part] or (whole is Outcome.FALSE and found[part] is Outcome.UNKNOWN):
        yield part, whole
    elif found[part] is Outcome.LANDSLIDE and whole is Outcome.UNKNOWN:
        yield home, Outcome.LANDSLIDE


def _seem_real(events: Sequence[Event], found: dict[str, Outcome]) -> set[str]:
    dismissed = {one.storm for one in events if _last_word(one) is ActionKind.DISMISS}
    standing = Counter(one.storm for one in events if _stands(one, found[one.id]))
    return {storm for storm, number in standing.items() if storm and number >= _SEVERAL and storm not in dismissed}


def _stands(event: Event, outcome: Outcome) -> bool:
    if event.detector is Detector.TILE:
        return False
    return outcome is Outcome.LANDSLIDE or (outcome is Outcome.UNKNOWN and held(_later(event)))


def _later(event: Event) -> list[Verdict]:
    later = [one for one in event.evidence if not one.withdrawn and one.verdict is not Verdict.OPENS]
    return [one.verdict for one in sorted(later, key=lambda one: one.sensing_time)]


def _alone(event: Event) -> Outcome:
    match _last_word(event):
        case ActionKind.CONFIRM:
            return Outcome.LANDSLIDE
        case ActionKind.DISMISS:
            return Outcome.FALSE
    recovered = bool(event.transitions) and event.transitions[-1].reason == RECOVERED
    return Outcome.FALSE if recovered or event.state is EventState.REFUTED else Outcome.UNKNOWN


def _last_word(event: Event) -> ActionKind | None:
    """Who dismisses an alert after it was confirmed corrects that."""
    said = [one for one in event.actions if one.kind in (ActionKind.CONFIRM, ActionKind.DISMISS)]
    return max(said, key=lambda one: one.at).kind if said else None


def _joined_to(event: Event) -> list[str]:
    return [one.reason for one in event.actions if one.kind is ActionKind.MERGE and not one.withdrawn]


def opened_as(event: Event) -> QuietCluster:
    """How it opened, and whether later looks held it; of what is taken back nothing counts."""
    opens = (one for one in event.evidence if not one.withdrawn and one.verdict is Verdict.OPENS)
    first = min(opens, key=lambda one: one.sensing_time)
    return QuietCluster(
        detector=first.detector.value, strength=first.strength, held=held(_later(event)), strata=first.strata
    )
