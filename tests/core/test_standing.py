"""How an alert came to stand as it does, in every headline of its life."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.feeds import Told, feature
from monitor.core.lifecycle import LATE_EVIDENCE, replay
from monitor.core.severity import certainty
from monitor.core.standing import acknowledgement, is_unanswered, standing, waiting
from monitor.core.telling import headline
from monitor.core.words import EN, LANGUAGES
from monitor.records import Certainty, Event, EventState, Transition
from tests.core.alerts import SENT, alert
from tests.core.test_feeds import WEB
from tests.core.test_lifecycle_table import SERIES, SETTINGS, series

LOOK, PERSON, BOTH = "confirmed", "confirmed-from-field", "confirmed-by-both"
STANDINGS = {
    "O": "provisional",
    "Or": "provisional",
    "oS": "seen-again",
    "oSr": "seen-again",
    "oSSr": LOOK,
    "OSr": LOOK,
    "OSra": LOOK,
    "OSf": BOTH,
    "OSfr": BOTH,
    "Of": PERSON,
    "Ofr": PERSON,
    "Ofra": PERSON,
    "OfSr": PERSON,
    "OCf": PERSON,
    "Odfr": PERSON,
    "OSdfr": PERSON,
    "OSCCfr": PERSON,
    "OfCCfr": PERSON,
    "O2Nfr": PERSON,
    "OSSg": "grown",
    "OSSgr": LOOK,
    "Of.gr": PERSON,
    "OC": "refuted",
    "Ofd": "dismissed",
    "Om": "merged",
    "OSSSSSSSSSSS": "closed",
    "OfCC": "closed",
    "OS2N": "expired",
    "Of1I1I1I1I1I": "closed",
    "OIIIIIIII": "closed",
}


def event_of(word: str) -> Event:
    """An alert after a series of looks and deeds."""
    steps = replay(series(word), SETTINGS)
    return alert(state=steps[-1].state, tier=steps[-1].tier, transitions=steps)


@pytest.mark.parametrize("word", STANDINGS)
def test_what_is_said_follows_from_how_it_came_to_be_so(word: str) -> None:
    """Whatever the last step was: nobody is told of a look that confirmed what a person did, nor the reverse."""
    event = event_of(word)
    wanted = STANDINGS[word]
    assert standing(event.state, event.transitions[-1].reason, event.transitions) == wanted
    for words in LANGUAGES.values():
        assert words.states[wanted].format(reason="works") in headline(event, words)


@pytest.mark.parametrize("word", [*SERIES, *STANDINGS])
def test_a_confirmation_is_said_only_of_whoever_gave_it(word: str) -> None:
    """At every step of every designed life."""
    steps = replay(series(word), SETTINGS)
    for number, step in enumerate(steps):
        then = steps[: number + 1]
        reasons = {one.reason for one in then}
        said = EN.states.get(standing(step.state, step.reason, then), "")
        assert "by a later look" not in said or "still-changed" in reasons
        assert "confirmed by a person" not in said or "confirmed-from-field" in reasons
        assert "seen by two looks" not in said or "seen-again" in reasons


def test_who_waits_for_a_person() -> None:
    """An open alert that nobody has taken on, confirmed or released; looks alone are no answer."""
    words = ("O", "oSS", "Oc", "Oa", "Of", "Or", "OC", "Od")
    assert [word for word in words if is_unanswered(event_of(word))] == ["O", "oSS", "Oc"]
    assert waiting([replace(event_of(word), id=word) for word in words]) == {"O": 0, "oSS": 2, "Oc": 0}
    step = acknowledgement(event_of("OSSgarf").transitions)
    assert step is not None
    assert (step.reason, step.by) == ("acknowledged", "officer")
    assert acknowledgement(event_of("Of").transitions) is None


def test_a_correction_does_not_tell_who_confirmed() -> None:
    """A late look that undoes an end leaves the confirmation to whoever gave it before."""
    ended = event_of("OfCC")
    back = Transition(
        at=ended.transitions[-1].at + timedelta(days=1),
        previous=EventState.CLOSED,
        state=EventState.CONFIRMED,
        reason=LATE_EVIDENCE,
        detail="",
        acquisition_id=None,
    )
    steps = (*ended.transitions, back)
    assert standing(EventState.CONFIRMED, LATE_EVIDENCE, steps) == PERSON
    assert standing(EventState.CONFIRMED, LATE_EVIDENCE, (*event_of("O").transitions, back)) == LOOK


def test_lists_say_the_same_as_the_alert_itself() -> None:
    """Who has the steps alone, without what people did, says the same of it, certainty included."""
    event = event_of("Odfr")
    listed = Told(event=replace(event, evidence=(), actions=()), sequence=3, sent=SENT, reason="released")
    properties = feature(listed, WEB)["properties"]
    assert isinstance(properties, dict)
    assert properties["headline"] == headline(event)
    assert properties["certainty"] == certainty(event).value == Certainty.OBSERVED.value
