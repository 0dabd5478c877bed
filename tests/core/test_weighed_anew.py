"""What was found before somebody declared the event, by the thresholds that the declaration eased."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.declared import reason
from monitor.core.events import add_evidence, weighed_anew, with_actions
from monitor.core.lifecycle import DECLARED, ROLLED_BACK, LifecycleSettings
from monitor.core.people import roll_back
from monitor.records import (
    Action,
    ActionKind,
    Declaration,
    DismissalReason,
    Event,
    EventState,
    Evidence,
    Growth,
    Tier,
    Verdict,
)
from tests.core.alerts import alert, look
from tests.core.test_declared import ELSEWHERE, QUAKE, declaration

LIFE = LifecycleSettings()
OPENS = look(2, Verdict.OPENS, rate=104.0, held_rate=60.0, at_once=False)
OVER = declaration(until=QUAKE + timedelta(days=1))
BY_A_PERSON = Action(
    at=QUAKE + timedelta(days=3), by="mori", kind=ActionKind.DISMISS, reason=DismissalReason.WORKS.value
)


def found(*pieces: Evidence, **changes: object) -> Event:
    """An event that looks have shown, grouped under what they tell alone."""
    start, end = QUAKE - timedelta(days=3), pieces[0].sensing_time
    blank = alert(storm="atsuma-storm-1", evidence=(), transitions=(), window_start=start, window_end=end)
    return replace(add_evidence(blank, pieces, LIFE), **changes)  # type: ignore[arg-type]


def test_a_candidate_becomes_an_alert() -> None:
    """Once, by the step of the table, under the name of what was declared; a warning is as rare as everywhere."""
    candidate = found(OPENS)
    anew = weighed_anew(candidate, [declaration()], LIFE)
    assert (candidate.state, anew.state, anew.tier) == (EventState.CANDIDATE, EventState.PROVISIONAL, Tier.WATCH)
    assert [step.reason for step in anew.transitions] == ["weak-change", DECLARED]
    last = anew.transitions[-1]
    assert (last.at, last.by) == (OPENS.sensing_time, None)
    assert last.detail.startswith("declared on its ground: earthquake of 2018-09-05 18:08 UTC (Iburi): weighed anew")
    assert (anew.storm, anew.evidence) == (declaration().storm, candidate.evidence)
    assert weighed_anew(anew, [declaration(), declaration(2, days=-2)], LIFE) == anew


@pytest.mark.parametrize(
    ("opening", "declared"),
    [
        (replace(OPENS, rate=1004.0), declaration()),
        (replace(OPENS, of_record=False), declaration()),
        (replace(OPENS, withdrawn=True), declaration()),
        (replace(OPENS, at_once=True), declaration()),
        (OPENS, declaration(geometry=ELSEWHERE)),
        (OPENS, declaration(days=3)),
        (OPENS, OVER),
        (replace(OPENS, detail=f"1.00 ha changed; {reason(declaration())}"), declaration()),
    ],
    ids=[
        "too common",
        "radar where optics count",
        "taken back",
        "alert",
        "elsewhere",
        "seen before",
        "seen after",
        "weighed by it when thresholds were lower",
    ],
)
def test_what_stays_as_it_is(opening: Evidence, declared: Declaration) -> None:
    """No step is taken, and nothing is kept that later evidence would be replayed with."""
    event = found(opening)
    anew = weighed_anew(event, [declared], LIFE)
    assert (anew.transitions, anew.actions) == (event.transitions, ())


@pytest.mark.parametrize(
    ("days", "storm"), [(1, "atsuma-earthquake-1"), (-1, "atsuma-storm-1")], ids=["in its window", "before it"]
)
def test_what_nobody_has_heard_of_is_grouped_anew(days: int, storm: str) -> None:
    """Also a candidate that stays one: it may be seen again. What was ever an alert keeps the name that people know."""
    weak = found(replace(OPENS, rate=1004.0), window_start=QUAKE - timedelta(days=days))
    assert weighed_anew(weak, [declaration()], LIFE).storm == storm
    told = found(OPENS, look(4, Verdict.SUPPORTS), window_start=QUAKE - timedelta(days=days))
    assert weighed_anew(told, [declaration()], LIFE).storm == "atsuma-storm-1"


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([Verdict.SUPPORTS], EventState.CONFIRMED),
        ([Verdict.SUPPORTS, Verdict.SUPPORTS], EventState.CONFIRMED),
        ([Verdict.CONTRADICTS], EventState.REFUTED),
        ([Verdict.SUPPORTS, Verdict.CONTRADICTS], EventState.REFUTED),
    ],
)
def test_what_later_looks_said_counts_from_then_on(verdicts: list[Verdict], state: EventState) -> None:
    """As if it had been declared before the first of them; but nothing that has ended begins again."""
    pieces = [OPENS, *(look(4 + 2 * number, one) for number, one in enumerate(verdicts))]
    assert weighed_anew(found(*pieces), [declaration()], LIFE).state is state


def test_what_a_person_dismissed_stays_dismissed() -> None:
    """Whatever was declared since."""
    dismissed = with_actions(found(OPENS), [BY_A_PERSON], LIFE)
    assert weighed_anew(dismissed, [declaration()], LIFE).state is EventState.CLOSED


@pytest.mark.parametrize(
    ("taken_back", "state", "reason"),
    [
        ({OPENS.acquisition_id}, EventState.CLOSED, ROLLED_BACK),
        ({"sentinel-2-04"}, EventState.PROVISIONAL, ROLLED_BACK),
    ],
    ids=["what opened it", "what had seen it again"],
)
def test_what_is_taken_back_takes_along_what_was_weighed(taken_back: set[str], state: EventState, reason: str) -> None:
    """Without its first look nothing is left to weigh; without a later one it is the alert that it was declared."""
    anew = weighed_anew(found(OPENS, look(4, Verdict.SUPPORTS)), [declaration()], LIFE)
    assert anew.state is EventState.CONFIRMED
    by = Action(at=QUAKE + timedelta(days=9), by="engineer", kind=ActionKind.ROLL_BACK)
    left = roll_back(anew, taken_back, by, LIFE)
    assert (left.state, left.transitions[-1].reason) == (state, reason)
    again = weighed_anew(left, [declaration(), declaration(2)], LIFE)
    assert (again.transitions, again.actions) == (left.transitions, left.actions)


def test_of_two_declared_the_earlier_event_tells_how_far() -> None:
    """Where both hold for a look its thresholds count, as for what opens later, whichever was declared first."""
    little = declaration(2, days=-1, rate_factor=1.0)
    for known in ([declaration(), little], [little, declaration()]):
        assert weighed_anew(found(OPENS), known, LIFE).state is EventState.CANDIDATE
    assert weighed_anew(found(OPENS), [declaration(), replace(little, geometry=ELSEWHERE)], LIFE).actions


def test_what_was_an_alert_before_rates_were_known_is_none_anew() -> None:
    """Its strength made it one at once: nothing is kept that says it became one by a declaration."""
    old = look(2, Verdict.OPENS, strength=LIFE.open_strength)
    weak = replace(old, strength=0.7 * LIFE.open_strength)
    assert old.at_once is None
    assert weighed_anew(found(old), [declaration()], LIFE).actions == ()
    assert weighed_anew(found(weak), [declaration()], LIFE).state is EventState.PROVISIONAL


def test_ground_that_an_event_has_grown_onto_weighs_nothing_anew() -> None:
    """What it opened on counts, whichever came first, the growth or the declaration."""
    small, large = found(OPENS).geometry, found(OPENS).geometry.union(ELSEWHERE)
    whole = Growth(
        acquisition_id="",
        sensing_time=OPENS.sensing_time,
        geometry=small,
        area_ha=1.0,
        foreign_ha=0.0,
        mean_change=0.3,
        tiles=(),
    )
    added = replace(whole, acquisition_id="sentinel-2-04", sensing_time=OPENS.sensing_time + timedelta(days=2))
    for here, state in ((small, EventState.PROVISIONAL), (ELSEWHERE, EventState.CANDIDATE)):
        grown = found(OPENS, geometry=large, growth=(whole, replace(added, geometry=ELSEWHERE)))
        assert weighed_anew(grown, [declaration(geometry=here)], LIFE).state is state
