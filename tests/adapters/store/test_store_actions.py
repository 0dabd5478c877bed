"""What people do with events, in the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.store import SqlStore
from monitor.core.events import add_evidence
from monitor.core.growth import merge
from monitor.core.lifecycle import LifecycleSettings
from monitor.errors import Refused
from monitor.records import Action, ActionKind, Event, EventState, Verdict
from tests.adapters.store.factories import NOW, TILE, acquisition, comment, event, evidence
from tests.adapters.store.test_store_events import messages, process
from tests.test_growing import LATER

LIFE = LifecycleSettings()


def _opened() -> Event:
    """An event whose steps follow from its evidence."""
    blank = replace(event(acquisition(1)), evidence=(), transitions=())
    return add_evidence(blank, [evidence(acquisition(1), Verdict.OPENS)], LIFE)


def _does(kind: ActionKind, reason: str = "") -> Action:
    return Action(at=NOW, by="officer", kind=kind, reason=reason)


def test_what_people_do_survives(store: SqlStore) -> None:
    """The event comes back with the action and the step it caused; others hear of a dismissal, not of a look at it."""
    process(store, acquisition(1), _opened())
    store.act("E1", _does(ActionKind.ACKNOWLEDGE), NOW, seen=0)
    acted = store.act("E1", _does(ActionKind.DISMISS, "works"), NOW, seen=1)
    assert store.event("E1") == acted
    assert [(step.reason, step.by) for step in acted.transitions] == [
        ("change-found", None),
        ("acknowledged", "officer"),
        ("dismissed-works", "officer"),
    ]
    assert messages(store) == [("E1:0", "provisional"), ("E1:2", "closed")]


def test_a_look_that_was_judged_meanwhile_does_not_undo_it(store: SqlStore) -> None:
    """The pipeline read the event before the person acted, and writes it afterwards."""
    opened = _opened()
    process(store, acquisition(1), opened)
    store.act("E1", _does(ActionKind.DISMISS, "works"), NOW)
    supported = add_evidence(opened, [evidence(acquisition(2))], LIFE)
    assert supported.state is EventState.CONFIRMED
    process(store, acquisition(2), supported)
    read = store.event("E1")
    assert read is not None
    assert (read.state, len(read.actions), len(read.evidence)) == (EventState.CLOSED, 1, 2)
    assert read.transitions[-1].reason == "dismissed-works"


def test_the_second_of_two_people_is_refused(store: SqlStore) -> None:
    """And nothing of what was refused is kept; neither is what is done with an event that nobody knows."""
    process(store, acquisition(1), _opened())
    store.act("E1", _does(ActionKind.DISMISS, "works"), NOW, seen=0)
    with pytest.raises(Refused, match="dismissed-works by officer"):
        store.act("E1", replace(_does(ActionKind.CONFIRM), by="other"), NOW + timedelta(1), seen=0)
    with pytest.raises(Refused, match="no event of this name"):
        store.act("E2", comment(), NOW)
    read = store.event("E1")
    assert read is not None
    assert [one.by for one in read.actions] == ["officer"]


def test_a_look_from_before_a_persons_word_does_not_undo_it(store: SqlStore) -> None:
    """It arrives hours later: nobody hears of a refutation, nor a second time of what the person did."""
    process(store, acquisition(1), _opened())
    store.act("E1", _does(ActionKind.CONFIRM), NOW)
    store.act("E1", _does(ActionKind.RELEASE), NOW)
    known = store.event("E1")
    assert known is not None
    process(store, acquisition(2), add_evidence(known, [evidence(acquisition(2), Verdict.CONTRADICTS)], LIFE))
    read = store.event("E1")
    assert read is not None
    assert (read.state, read.released, len(read.evidence)) == (EventState.CONFIRMED, True, 2)
    assert [key for key, _ in messages(store)] == ["E1:0", "E1:1", "E1:2"]


def test_a_release_while_a_refuting_look_is_judged_stays(store: SqlStore) -> None:
    """The public has heard of the alert, so it hears of its end."""
    opened = _opened()
    process(store, acquisition(1), opened)
    store.act("E1", _does(ActionKind.RELEASE), NOW)
    process(store, acquisition(2), add_evidence(opened, [evidence(acquisition(2), Verdict.CONTRADICTS)], LIFE))
    read = store.event("E1")
    assert read is not None
    assert (read.released, read.transitions[-1].reason) == (True, "back-as-before")


def test_an_alert_that_late_evidence_reopens_says_so(store: SqlStore) -> None:
    """Two contradictions ended it; a support between them that comes late takes the end back."""
    looks = [acquisition(number) for number in range(1, 6)]
    event_1 = add_evidence(_opened(), [evidence(looks[1])], LIFE)
    contradicting = [evidence(one, Verdict.CONTRADICTS) for one in (looks[2], looks[4])]
    process(store, looks[0], _opened())
    process(store, looks[1], event_1)
    ended = add_evidence(event_1, contradicting, LIFE)
    process(store, looks[4], ended)
    assert messages(store)[-1][1] == "closed"
    process(store, looks[3], add_evidence(ended, [evidence(looks[3])], LIFE))
    read = store.event("E1")
    assert read is not None
    assert (read.state, read.transitions[-1].reason) == (EventState.CONFIRMED, "late-evidence")
    assert messages(store)[-1][1] == "confirmed"


def test_an_event_is_not_joined_to_one_that_a_person_ended(store: SqlStore) -> None:
    """The pipeline merged two events while a person dismissed the one that was to take in the other."""
    home, other = _opened(), replace(_opened(), id="E2")
    process(store, acquisition(1), home, other)
    store.act("E1", _does(ActionKind.DISMISS, "works"), NOW)
    heard = [add_evidence(one, [evidence(acquisition(2))], LIFE) for one in (home, other)]
    look = replace(LATER, acquisition_id=acquisition(2).id, sensing_time=acquisition(2).sensing_time)
    both, joined = merge(heard[0], heard[1], TILE.epsg, look, LIFE)
    assert (both.took_in, joined.state) == (("E2",), EventState.CLOSED)
    process(store, acquisition(2), both, joined)
    states = {one.id: one.state for one in store.events()}
    assert states == {"E1": EventState.CLOSED, "E2": EventState.CONFIRMED}
    dismissed = store.event("E1")
    assert dismissed is not None
    assert (dismissed.took_in, dismissed.area_ha) == ((), home.area_ha)
