"""What people do with an event."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.events import add_evidence, with_actions
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.people import act, roll_back
from monitor.core.telling import drawn_before
from monitor.errors import Refused
from monitor.records import Action, ActionKind, Event, EventState, Evidence
from tests.core.test_lifecycle_table import START, blank, series

SETTINGS = LifecycleSettings()


def _event(word: str) -> Event:
    return add_evidence(blank(), [one for one in series(word) if isinstance(one, Evidence)], SETTINGS)


def _action(kind: ActionKind, reason: str = "", days: float = 100.0) -> Action:
    return Action(at=START + timedelta(days=days), by="officer", kind=kind, reason=reason)


def test_a_dismissal_says_who_when_and_why() -> None:
    """All three are in the transition."""
    dismissed = act(_event("OS"), _action(ActionKind.DISMISS, "forestry"), SETTINGS)
    last = dismissed.transitions[-1]
    assert (last.state, last.reason, last.by) == (EventState.CLOSED, "dismissed-forestry", "officer")
    assert last.at == START + timedelta(days=100)


def test_a_clock_set_back_changes_nothing() -> None:
    """Who dismisses an event has seen its evidence, and what two people did stays in order."""
    early = act(_event("OS"), _action(ActionKind.ACKNOWLEDGE, days=-400), SETTINGS)
    assert early.transitions[-1].at == early.evidence[-1].sensing_time
    dismissed = act(early, _action(ActionKind.DISMISS, "works", days=-400), SETTINGS)
    assert [step.reason for step in dismissed.transitions[-2:]] == ["acknowledged", "dismissed-works"]


def test_of_two_people_at_once_the_second_hears_of_the_first() -> None:
    """Who has not seen the newest transition is told what it was and by whom."""
    event = _event("OS")
    first = act(event, _action(ActionKind.ACKNOWLEDGE), SETTINGS, seen=1)
    with pytest.raises(Refused, match="acknowledged by officer") as refused:
        act(first, _action(ActionKind.DISMISS, "works"), SETTINGS, seen=1)
    assert refused.value.reason == "changed-meanwhile"
    assert act(first, _action(ActionKind.DISMISS, "works"), SETTINGS, seen=2).state is EventState.CLOSED


@pytest.mark.parametrize(
    ("word", "kind", "reason", "refusal"),
    [
        ("OC", ActionKind.DISMISS, "works", "not-now"),
        ("OC", ActionKind.ACKNOWLEDGE, "", "not-now"),
        ("o", ActionKind.RELEASE, "", "not-now"),
        ("O", ActionKind.DISMISS, "boredom", "unknown-reason"),
    ],
)
def test_what_cannot_be_done_is_refused(word: str, kind: ActionKind, reason: str, refusal: str) -> None:
    """With a word for programs and the remedy for people."""
    with pytest.raises(Refused) as refused:
        act(_event(word), _action(kind, reason), SETTINGS)
    assert refused.value.reason == refusal
    assert refused.value.remedy


def test_a_release_is_for_good() -> None:
    """Later looks leave it released, also when they refute the event."""
    released = act(_event("O"), _action(ActionKind.RELEASE, days=1), SETTINGS)
    assert released.released
    later = replace(_event("OC").evidence[1], acquisition_id="later", sensing_time=START + timedelta(days=9))
    refuted = add_evidence(released, [later], SETTINGS)
    assert (refuted.state, refuted.released) == (EventState.REFUTED, True)


def test_a_comment_moves_nothing() -> None:
    """It is kept with the event."""
    commented = act(_event("O"), replace(_action(ActionKind.COMMENT), text="road is open"), SETTINGS)
    assert [one.text for one in commented.actions] == ["road is open"]
    assert commented.transitions == _event("O").transitions


def _taken_back(event: Event, *numbers: int) -> Event:
    """The event without its looks of these places."""
    ids = {event.evidence[number].acquisition_id for number in numbers}
    return roll_back(event, ids, _action(ActionKind.ROLL_BACK), SETTINGS)


def test_what_was_taken_back_counts_no_more() -> None:
    """It stays in the record, marked; the next look goes on from what is left."""
    event = _taken_back(_event("OS"), 1)
    assert [piece.withdrawn for piece in event.evidence] == [False, True]
    assert (event.state, event.transitions[-1].previous) == (EventState.PROVISIONAL, EventState.CONFIRMED)
    seen = replace(event.evidence[1], acquisition_id="b", withdrawn=False, sensing_time=START + timedelta(days=200))
    assert add_evidence(event, [seen], SETTINGS).state is EventState.CONFIRMED


def test_an_event_whose_first_look_was_taken_back_has_ended() -> None:
    """Whatever later looks said of it; a second time changes nothing."""
    event = _taken_back(_event("OSS"), 0)
    assert (event.state, event.transitions[-1].reason) == (EventState.CLOSED, "rolled-back")
    assert _taken_back(event, 0) is event


def test_a_false_refutation_is_undone() -> None:
    """An event that a spoilt look refuted is an alert again."""
    assert _taken_back(_event("OC"), 1).state is EventState.PROVISIONAL


@pytest.mark.parametrize(
    ("word", "shows"),
    [
        ("O", ""),
        ("OS", ""),
        ("Oar", ""),
        ("Od", "PROVISIONAL"),
        ("OSad", "CONFIRMED"),
        ("Of", "PROVISIONAL"),
        ("OSf", ""),
        ("Odf", "PROVISIONAL"),
        ("OSdf", ""),
        ("OdN", "PROVISIONAL"),
        ("OfS", ""),
        ("OdC", ""),
    ],
)
def test_a_picture_of_before_is_told(word: str, shows: str) -> None:
    """What a person did draws nothing: until a look sees the ground again, the picture is of before."""
    done = [one for one in series(word) if isinstance(one, Action)]
    told = drawn_before(with_actions(_event(word), done, SETTINGS))
    assert told.endswith(f": {shows}.") if shows else told == ""


def test_a_picture_of_before_is_told_whatever_the_clock_said() -> None:
    """Also of a deed at the very time of the newest look, and of looks that were taken back."""
    early = act(_event("O"), _action(ActionKind.DISMISS, "farming", days=-400), SETTINGS)
    assert early.transitions[-1].at == early.evidence[-1].sensing_time
    assert drawn_before(early) == "The picture may still show how it stood before 2024-06-01 00:00 UTC: PROVISIONAL."
    assert drawn_before(_taken_back(_event("OS"), 1)).endswith(": CONFIRMED.")


def test_what_a_person_has_seen_is_not_taken_back() -> None:
    """Nor is anything done where none of the looks spoke."""
    event = act(_event("O"), _action(ActionKind.CONFIRM), SETTINGS)
    assert _taken_back(event, 0) is event
    other = _event("O")
    assert roll_back(other, {"elsewhere"}, _action(ActionKind.ROLL_BACK), SETTINGS) is other


def test_nobody_rolls_one_event_back() -> None:
    """It is looks that are taken back."""
    with pytest.raises(Refused):
        act(_event("O"), _action(ActionKind.ROLL_BACK), SETTINGS)
