"""Events that grow together, and the part that remains of one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from shapely import box

from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, add_evidence, open_event, with_actions
from monitor.core.grid import tile_polygon
from monitor.core.growth import enlarge
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.people import roll_back
from monitor.core.surroundings import Seen
from monitor.evidence import absorb
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Cluster,
    Event,
    EventState,
    Evidence,
    Tier,
    Verdict,
)
from tests.adapters.test_picture import AFTER, BEFORE, TILE
from tests.test_evidence import cluster

LIFE, ALERTS = LifecycleSettings(), AlertSettings()
NOW = AFTER + timedelta(days=5)
SEEN = Seen(before=AFTER, around=1.0, beside_hidden=False)
OPENING = LookContext(
    region="valley",
    acquisition_key="first",
    acquisition_id="first_v1",
    sensing_time=AFTER,
    previous_time=BEFORE,
    model_version="m",
    status=AlertStatus.ACTUAL,
    mask_source="scl",
    shift=0.0,
)
LATER = replace(OPENING, acquisition_key="second", acquisition_id="second_v1", sensing_time=NOW, previous_time=AFTER)


THIRD = replace(
    OPENING, acquisition_key="third", acquisition_id="third_v1", sensing_time=NOW + timedelta(days=5), previous_time=NOW
)


def _opened(centre_px: int, verdict: Verdict, storm: str = "s", strength: float = 1.0) -> Event:
    event = replace(open_event(replace(cluster(centre_px), strength=strength), OPENING, LIFE), storm=storm)
    piece = Evidence(
        acquisition_id=LATER.acquisition_id,
        sensing_time=NOW,
        detector=event.detector,
        verdict=verdict,
        observed_fraction=1.0,
        level=1.0,
        strength=1.0,
        detail="",
    )
    return add_evidence(event, [piece], LIFE)


def test_ground_between_two_events_makes_them_one() -> None:
    """The stronger takes in the other, which ends and names it; the hectares of all three are together."""
    west, east = _opened(100, Verdict.SUPPORTS, strength=2.0), _opened(124, Verdict.SUPPORTS)
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [east, west], LATER, ALERTS, LIFE)}
    assert len(kept) == 2
    home, other = kept[west.id], kept[east.id]
    assert home.area_ha == pytest.approx(3.0, rel=1e-3)
    assert home.geometry.covers(east.geometry.buffer(-1e-6))
    last = other.transitions[-1]
    assert (other.state, last.reason, last.detail, last.by) == (EventState.CLOSED, "merged", west.id, None)


def test_whoever_knows_of_the_home_hears_what_it_took_in() -> None:
    """With the look that joins them, or as a step of its own where that look changes nothing else."""
    west, east = _opened(100, Verdict.SUPPORTS, strength=2.0), _opened(124, Verdict.SUPPORTS)
    (home,) = [one for one in absorb([(cluster(112), SEEN)], [east, west], LATER, ALERTS, LIFE) if one.id == west.id]
    assert [step.reason for step in home.transitions] == ["change-found", "still-changed"]
    assert home.took_in == (east.id,)
    third = replace(home.evidence[-1], acquisition_id=THIRD.acquisition_id, sensing_time=THIRD.sensing_time)
    known = [add_evidence(one, [third], LIFE) for one in (west, east)]
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], known, THIRD, ALERTS, LIFE)}
    last = kept[west.id].transitions[-1]
    assert (last.reason, last.state, last.acquisition_id) == ("took-in", EventState.CONFIRMED, THIRD.acquisition_id)
    assert last.detail == f"took in {east.id}; 3.00 ha, 1.00 ha when it was last told"


def test_what_was_a_warning_stays_one_in_its_home() -> None:
    """A released watch takes in a warning, and all that hear of it hear that."""
    watch, warning = replace(_opened(100, Verdict.SUPPORTS), released=True), _opened(124, Verdict.SUPPORTS)
    warning = replace(warning, tier=Tier.WARNING)
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [watch, warning], LATER, ALERTS, LIFE)}
    last = kept[watch.id].transitions[-1]
    assert (last.reason, last.tier, kept[watch.id].tier) == ("took-in", Tier.WARNING, Tier.WARNING)


def test_looks_that_are_taken_back_take_their_ground_and_their_merges_along() -> None:
    """The home is what it was before, the other an alert of its own again; both say so."""
    west, east = _opened(100, Verdict.SUPPORTS, strength=2.0), _opened(124, Verdict.SUPPORTS)
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [east, west], LATER, ALERTS, LIFE)}
    taken = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK, text="shifted")
    home, other = (roll_back(kept[one.id], {LATER.acquisition_id}, taken, LIFE) for one in (west, east))
    assert home.geometry.equals_exact(west.geometry, 1e-5)
    assert (home.area_ha, home.mean_change) == pytest.approx((west.area_ha, west.mean_change))
    assert not home.took_in
    for one in (home, other):
        last = one.transitions[-1]
        assert (one.state, last.reason, last.by) == (EventState.PROVISIONAL, "rolled-back", "engineer")
    stays = roll_back(kept[east.id], {LATER.acquisition_id}, taken, LIFE, stay={west.id})
    assert stays.state is EventState.CLOSED, "its home was seen in the field and keeps its ground"


def test_ground_that_two_looks_added_stays_when_one_is_taken_back() -> None:
    """Outline and hectares go together: what the other look showed as well it has added from then on."""
    opened, first = _opened(100, Verdict.SUPPORTS), cluster(112)
    more = replace(first, geometry=first.geometry.buffer(20.0, join_style="mitre"))
    both = enlarge(enlarge(opened, first, LATER, LIFE), more, THIRD, LIFE)
    never = enlarge(opened, more, THIRD, LIFE)
    taken = Action(at=NOW + timedelta(days=9), by="engineer", kind=ActionKind.ROLL_BACK)
    left = roll_back(both, {LATER.acquisition_id}, taken, LIFE)
    assert left.area_ha == pytest.approx(never.area_ha, rel=1e-3) == pytest.approx(2.96, rel=1e-2)
    assert (left.strength, left.mean_change) == pytest.approx((never.strength, never.mean_change), rel=1e-3)
    again = roll_back(left, {THIRD.acquisition_id}, taken, LIFE)
    assert again.area_ha == pytest.approx(1.0, rel=1e-3)
    assert (again.geometry, again.transitions[-1].reason) == (opened.geometry, "rolled-back")


def test_a_smaller_outline_is_told() -> None:
    """Also where the alert stays confirmed: people have seen the larger one."""
    event = _opened(100, Verdict.SUPPORTS)
    third = replace(event.evidence[-1], acquisition_id=THIRD.acquisition_id, sensing_time=THIRD.sensing_time)
    (grown,) = absorb([(cluster(112), SEEN)], [add_evidence(event, [third], LIFE)], THIRD, ALERTS, LIFE)
    assert [step.reason for step in grown.transitions] == ["change-found", "still-changed", "grown"]
    taken = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK, text="shifted")
    for known, steps in ((grown, 3), (event, 2)):
        left = roll_back(known, {THIRD.acquisition_id}, taken, LIFE)
        assert left.area_ha == pytest.approx(event.area_ha)
        assert [step.reason for step in left.transitions][2:] == ["rolled-back"] * (steps - 2)
    assert roll_back(left, {THIRD.acquisition_id}, taken, LIFE) == left


def test_events_of_two_storms_stay_two() -> None:
    """What slid last year and what slides beside it now are not one alert."""
    west, east = _opened(100, Verdict.SUPPORTS, strength=2.0), _opened(124, Verdict.SUPPORTS, storm="other")
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [east, west], LATER, ALERTS, LIFE)}
    assert kept[east.id] == east
    assert kept[west.id].area_ha == pytest.approx(2.0, rel=1e-3)


def test_an_event_that_has_just_settled_takes_in_nothing() -> None:
    """New ground beside it is news, and an open alert is never joined to what has ended."""
    settled = replace(_opened(100, Verdict.SUPPORTS, strength=2.0), state=EventState.CLOSED)
    alone = absorb([(cluster(112), SEEN)], [settled], LATER, ALERTS, LIFE)
    assert [(one.id == settled.id, one.state) for one in alone] == [
        (True, EventState.CLOSED),
        (False, EventState.PROVISIONAL),
    ]
    standing = _opened(124, Verdict.SUPPORTS)
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [settled, standing], LATER, ALERTS, LIFE)}
    assert kept[settled.id] == settled
    assert kept[standing.id].state is EventState.CONFIRMED


def test_what_people_saw_or_let_out_takes_in_the_others() -> None:
    """However weak: the public must not hear that a landslide is cancelled because it grew."""
    weak, strong = _opened(100, Verdict.SUPPORTS), _opened(124, Verdict.SUPPORTS, strength=9.0)
    action = Action(at=NOW, by="officer", kind=ActionKind.CONFIRM)
    seen = replace(with_actions(weak, [action], LIFE), released=True)
    kept = {one.id: one for one in absorb([(cluster(112), SEEN)], [strong, seen], LATER, ALERTS, LIFE)}
    assert (kept[seen.id].state, kept[seen.id].tier, kept[seen.id].released) == (
        EventState.CONFIRMED,
        Tier.WARNING,
        True,
    )
    assert kept[strong.id].transitions[-1].reason == "merged"


def test_a_test_and_a_real_alert_are_never_one() -> None:
    """Nor are events of which nobody knows yet whether they happened at once."""
    real, test = _opened(100, Verdict.SUPPORTS), replace(_opened(124, Verdict.SUPPORTS), status=AlertStatus.TEST)
    for one, other in ((real, test), (replace(real, storm=""), replace(test, storm="", status=AlertStatus.ACTUAL))):
        kept = absorb([(cluster(112), SEEN)], [one, other], LATER, ALERTS, LIFE)
        assert [event.state for event in kept] == [EventState.CONFIRMED, EventState.CONFIRMED]


def test_the_rest_of_a_released_warning_is_one() -> None:
    """Also of one that was confirmed and has recovered in most places."""
    event = replace(open_event(_wide(128), OPENING, LIFE), storm="s")
    action = Action(at=AFTER, by="officer", kind=ActionKind.CONFIRM)
    warned = replace(with_actions(event, [action], LIFE), released=True)
    gone = [
        replace(_opened(128, Verdict.CONTRADICTS).evidence[-1], acquisition_id=name, detector=event.detector)
        for name in ("between", LATER.acquisition_id)
    ]
    recovered = add_evidence(warned, gone, LIFE)
    assert recovered.transitions[-1].reason == "ground-recovered"
    weak = replace(cluster(128), strength=0.01)
    _, remains = absorb([(weak, SEEN)], [recovered], LATER, ALERTS, LIFE)
    assert (remains.split_from, remains.state) == (event.id, EventState.PROVISIONAL)
    assert (remains.tier, remains.released) == (Tier.WARNING, True)


def _wide(centre_px: int) -> Cluster:
    west, south, _, _ = tile_polygon(TILE).bounds
    x, y = west + 10 * centre_px, south + 1280
    return replace(cluster(centre_px), geometry=box(x - 500, y - 50, x + 500, y + 50), area_ha=10.0, strength=10.0)


@pytest.mark.parametrize(("centre_px", "split"), [(128, True), (175, True), (182, False)])
def test_what_remains_of_a_refuted_event_goes_on(centre_px: int, split: bool) -> None:
    """With the same failure window and storm, since it was changed then; what lies mostly beside it is news."""
    whole = replace(open_event(_wide(128), OPENING, LIFE), storm="s")
    refuted = add_evidence(
        whole, [replace(_opened(128, Verdict.CONTRADICTS).evidence[-1], detector=whole.detector)], LIFE
    )
    assert refuted.state is EventState.REFUTED
    _, remains = absorb([(cluster(centre_px), SEEN)], [refuted], LATER, ALERTS, LIFE)
    assert remains.split_from == (whole.id if split else None)
    assert (remains.window_start, remains.window_end) == ((BEFORE, AFTER) if split else (AFTER, NOW))
    assert remains.storm == ("s" if split else "")


def test_growth_is_told_alike_in_any_order_where_looks_saw_other_ground() -> None:
    """Pieces are replayed by the time of their looks; ground that two looks show is of the one processed first."""
    opened = _opened(100, Verdict.SUPPORTS)
    left, right = cluster(88), cluster(112)
    in_time = enlarge(enlarge(opened, left, LATER, LIFE), right, THIRD, LIFE)
    swapped = enlarge(enlarge(opened, right, THIRD, LIFE), left, LATER, LIFE)
    assert [step.reason for step in in_time.transitions].count("grown") == 1, "the other is told with a step"
    assert (swapped.transitions, swapped.growth) == (in_time.transitions, in_time.growth)
    wide = replace(left, geometry=left.geometry.buffer(20.0, join_style="mitre"))
    first = enlarge(enlarge(opened, left, LATER, LIFE), wide, THIRD, LIFE)
    last = enlarge(enlarge(opened, wide, THIRD, LIFE), left, LATER, LIFE)
    assert last.area_ha == pytest.approx(first.area_ha, rel=1e-3)
    assert [len(one.growth) for one in (first, last)] == [3, 2], "what came late has added nothing"
