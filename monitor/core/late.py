"""Acquisitions that arrive after later ones: events as they stood at a time, and what a late look changes of them.

A late look is judged as of its own time. It meets the events that were open then, and those that opened later by a
failure that may have happened before it. What came after it is put back then, and replayed in its order.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.events import replayed, with_actions
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, RECOVERED, LifecycleSettings, in_order
from monitor.core.resting import rests
from monitor.records import Acquisition, Action, ActionKind, Event, EventState, Evidence, Tier, Transition, Verdict

_MOST = 0.5
"""Share of an event's ground that a look must show to date its failure: as of the looks that references are made of."""
_ON_IT = 0.8
"""Share of an event's ground that lies on another one's: the rest is its rim, which two looks never draw alike."""
_SETTLES = frozenset({ActionKind.DISMISS, ActionKind.MERGE})
"""What people, or another event, ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The events of a region as they stood at a time."""

    known: tuple[Event, ...]
    """Open then, or opened later by a failure that may have happened before."""
    ended: tuple[Event, ...]
    """Ended by then."""
    whole: Mapping[str, Event]
    """All events as they are, with those that no look of that time can speak of."""


def as_of(events: Sequence[Event], at: datetime, settings: LifecycleSettings) -> AsOf:
    """Events as they stood at a time. One of which nothing later is known is taken as it is."""
    known: list[Event] = []
    ended: list[Event] = []
    for event in events:
        then = _at(event, at, settings) if _opening(event) else event  # all that opened it may have been taken back
        if then is None and event.window_start < at < event.window_end:
            # What people have said of such ground holds for what a late look finds there.
            then = event if _is_settled(event) else _at(event, event.window_end, settings) or event
        if then is not None:
            (known if then.state in OPEN_STATES else ended).append(then)
    return AsOf(known=tuple(known), ended=tuple(ended), whole={event.id: event for event in events})


def stands(event: Event, at: datetime, settings: LifecycleSettings) -> bool:
    """Whether an event was open at a time."""
    then = _at(event, at, settings)
    return then is not None and then.state in OPEN_STATES


def put_back(judged: Event, whole: Event | None, at: datetime, settings: LifecycleSettings) -> Event:
    """An event that a look has judged as of its time, with what came after that look.

    Of an event that opened later the look narrows the failure window: it shows the change, or it does not and saw most
    of the ground. Only what shows the change is evidence on an event that had not begun.

    Args:
        judged: as it stood then, and with what the look says.
        whole: as it is without the look; None: it is new.
    """
    if whole is None:
        return judged
    said = {(piece.acquisition_id, piece.detector) for piece in whole.evidence}
    news = [piece for piece in judged.evidence if (piece.acquisition_id, piece.detector) not in said]
    start, end = judged.window_start, judged.window_end
    if at < whole.window_end and _begins(whole) > at:
        shown = [piece for piece in news if piece.verdict is Verdict.SUPPORTS]
        intact = any(piece.own and piece.observed_fraction >= _MOST for piece in news) and not shown
        start, end, news = (at if intact else start), (at if shown else end), shown
    evidence = tuple(sorted((*whole.evidence, *news), key=lambda piece: piece.sensing_time))
    done = [one for one in judged.actions if one not in whole.actions]
    as_it_is = (start, end) == (whole.window_start, whole.window_end)
    # What nobody has heard of may turn out to be of another storm; what people heard of stays where they know it.
    storm = whole.storm if as_it_is or _was_alert(whole) else ""
    if not (news or done) and judged.area_ha == whole.area_ha:
        return whole if as_it_is else replace(whole, window_start=start, window_end=end, storm=storm)
    together = replace(
        judged, evidence=evidence, actions=whole.actions, window_start=start, window_end=end, storm=storm
    )
    return with_actions(together, done, settings)


def successors(event: Event, settings: LifecycleSettings) -> list[Event]:
    """What goes on of an event that a late look ended, and of that, as often as the ground came back and changed."""
    found = []
    following = goes_on(event, settings)
    while following is not None:
        found.append(following)
        following = goes_on(following, settings)
    return found


def goes_on(event: Event, settings: LifecycleSettings) -> Event | None:
    """What later looks saw on the ground of an event that a late look ended: it changed anew, an event of its own.

    None: no later look saw it changed, or its ground rests. The new event is named by the old one and the look that
    opens it, so that it is the same whenever it is found.
    """
    last = _ending(event, settings)
    if last is None:
        return None
    later = [piece for piece in _counting(event) if piece.sensing_time > last.at]
    opening = next((piece for piece in later if piece.verdict is Verdict.SUPPORTS and piece.own), None)
    weights = _opening(event)
    if opening is None or weights is None or rests(event, opening.sensing_time, event.comparable, settings):
        return None
    opens = replace(
        opening,
        verdict=Verdict.OPENS,
        of_record=weights.of_record,
        rate=weights.rate,
        held_rate=weights.held_rate,
        rate_simulated=weights.rate_simulated,
        at_once=weights.at_once,
        warning=weights.warning,
        held_warning=weights.held_warning,
        strata=weights.strata,
    )
    rest = tuple(piece for piece in later if piece.sensing_time > opening.sensing_time)
    blank = replace(
        event,
        id=_name(event, opening),
        window_start=last.at,
        window_end=opening.sensing_time,
        split_from=event.id,
        # It happened later: perhaps in another storm, and nobody has let it out.
        storm="",
        released=event.released and not any(one.kind is ActionKind.RELEASE for one in event.actions),
        evidence=(opens, *rest),
        growth=(),
        actions=tuple(one for one in event.actions if one.kind is ActionKind.DECLARE),
        transitions=(),
    )
    return replayed(blank, settings)


def taken_in(
    events: Sequence[Event], heard: Sequence[Event], look: Acquisition, settings: LifecycleSettings
) -> list[Event]:
    """Events that end as merged: a late look shows that another one stood on their ground when they opened.

    What a person has done anything with stays an event of its own, and so does an alert where the other one is none and
    a warning where the other is for watch: what people have been told does not end in less.

    Args:
        events: those that may end.
        heard: those that the look, or later ones since, said anything of.
    """
    begun = [(one, _begins(one)) for one in events if one.state in OPEN_STATES]
    later = [(one, begins) for one, begins in begun if begins > look.sensing_time]
    standing = [(one, _begins(one)) for one in heard if one.state in OPEN_STATES]
    found = []
    for event, begins in later:
        homes = [home for home, first in standing if first < begins and _stands_for(home, event)]
        home = next((one for one in homes if stands(one, begins, settings)), None)
        if home is not None and not _is_anybodys(event):
            merge = Action(at=begins, by="", kind=ActionKind.MERGE, reason=home.id, acquisition_id=look.id)
            found.append(with_actions(event, [merge], settings))
    return found


def _is_anybodys(event: Event) -> bool:
    """Whether anything was done with an event itself. What was declared on its ground is of no event."""
    return any(one.kind is not ActionKind.DECLARE for one in event.actions)


def _stands_for(home: Event, event: Event) -> bool:
    """Whether one event says at least as much as another one of its status that lies on its ground."""
    if home.status is not event.status or _urgency(home) < _urgency(event):
        return False
    shared = home.geometry.intersects(event.geometry) and home.geometry.intersection(event.geometry).area
    return bool(shared > _ON_IT * event.geometry.area)


def _was_alert(event: Event) -> bool:
    return any(step.state in ALERT_STATES for step in event.transitions)


def _urgency(event: Event) -> tuple[bool, bool]:
    alert = event.state in ALERT_STATES
    return alert, alert and event.tier is Tier.WARNING


def _ending(event: Event, settings: LifecycleSettings) -> Transition | None:
    """The step by which a look ended an event because its ground was as before."""
    steps = replayed(event, settings).transitions
    last = steps[-1] if steps else None
    gone = last is not None and (last.state is EventState.REFUTED or last.reason == RECOVERED)
    return last if gone else None


def _name(event: Event, opening: Evidence) -> str:
    digest = hashlib.sha256(f"{event.id}|{opening.acquisition_id}".encode()).hexdigest()[:8]
    return f"{event.region}-{opening.sensing_time:%Y%m%d}-{digest}"


def _counting(event: Event) -> list[Evidence]:
    """Evidence that counts, in the order in which it does."""
    pieces = in_order(one for one in event.evidence if not one.withdrawn)
    return [piece for piece in pieces if isinstance(piece, Evidence)]


def _opening(event: Event) -> Evidence | None:
    """What the first look says that sees the event changed."""
    return next((one for one in _counting(event) if one.verdict is Verdict.OPENS), None)


def _begins(event: Event) -> datetime:
    opening = _opening(event)
    return opening.sensing_time if opening else event.window_end


def _is_settled(event: Event) -> bool:
    return any(one.kind in _SETTLES and not one.withdrawn for one in event.actions)


def _at(event: Event, at: datetime, settings: LifecycleSettings) -> Event | None:
    """An event as it stood at a time; None: it had not begun. What people have ended stays so, whenever they did."""
    if _begins(event) > at:
        return None
    ended = event.state not in OPEN_STATES and _is_settled(event)
    if ended or all(one.sensing_time <= at for one in event.evidence):
        return event
    pieces = tuple(one for one in _counting(event) if one.sensing_time <= at)
    actions = tuple(one for one in event.actions if one.at <= at or one.kind is ActionKind.DECLARE)
    return replayed(replace(event, evidence=pieces, actions=actions), settings)
