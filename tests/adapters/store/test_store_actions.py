"""What people do with events, in the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.store import SqlStore
from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.errors import Refused
from monitor.records import Action, ActionKind, Event, EventState, Verdict
from tests.adapters.store.factories import NOW, acquisition, comment, event, evidence
from tests.adapters.store.test_store_events import messages, process

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
