"""Late looks: events as they stood at a time, and what such a look changes of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.events import add_evidence, with_actions
from monitor.core.late import as_of, goes_on, put_back, stands, successors, taken_in
from monitor.core.lifecycle import LATE_EVIDENCE, LifecycleSettings, replay
from monitor.core.people import roll_back
from monitor.core.resting import rests
from monitor.records import Acquisition, Action, ActionKind, Event, EventState, Evidence, Growth, Verdict
from tests.adapters.store.factories import acquisition
from tests.core.test_lifecycle_table import START, blank, series

LIFE = LifecycleSettings()
_VERDICTS = {"S": Verdict.SUPPORTS, "C": Verdict.CONTRADICTS, "N": Verdict.NOT_OBSERVED, "I": Verdict.INCONCLUSIVE}


def at(day: int) -> timedelta:
    """Days after the first look of a series."""
    return timedelta(days=day)


def event(word: str, first_day: int = 0) -> Event:
    """An event of looks five days apart, whose ground was last seen intact five days before the first."""
    pieces = [replace(one, sensing_time=one.sensing_time + at(first_day)) for one in _looks(word)]
    days = START + at(first_day)
    return add_evidence(replace(blank(), window_start=days - at(5), window_end=days), pieces, LIFE)


def _looks(word: str) -> list[Evidence]:
    return [one for one in series(word) if isinstance(one, Evidence)]


def late(day: float, verdict: str, seen: float = 1.0, own: bool = True) -> Evidence:
    """What a late look says."""
    when, blueprint = START + timedelta(days=day), _looks("S")[0]
    name = f"late{day}"
    return replace(
        blueprint, acquisition_id=name, sensing_time=when, verdict=_VERDICTS[verdict], observed_fraction=seen, own=own
    )


def heard(whole: Event, piece: Evidence) -> Event:
    """An event after a late look has spoken."""
    then = as_of([whole], piece.sensing_time, LIFE)
    judged = [add_evidence(one, [piece], LIFE) for one in then.known]
    return put_back(judged[0], whole, piece.sensing_time, LIFE) if judged else whole


def reasons(of: Event) -> list[str]:
    """Its steps."""
    return [step.reason for step in of.transitions]


PLACES = [
    ("open then, confirmed since", "OSS", 2, ["known provisional"]),
    ("settled since", "OSSSSSSS", 2, ["known provisional"]),
    ("refuted since", "OC", 2, ["known provisional"]),
    ("refuted then", "OCS", 7, ["ended refuted"]),
    ("opened later, within its window", "OS", -2, ["known provisional"]),
    ("opened later, by what happened later", "OS", -7, []),
    ("dismissed since", "OSd", 7, ["ended closed"]),
    ("opened later, within its window, and dismissed", "OSd", -2, ["ended closed"]),
    ("opened later, by what happened later, and dismissed", "OSd", -7, []),
]


@pytest.mark.parametrize(("word", "day", "place"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_where_an_event_stood(word: str, day: int, place: list[str]) -> None:
    """A late look meets events as they stood at its time; what people have ended stays so, whenever they did."""
    whole = event(word)
    done = [one for one in series(word) if isinstance(one, Action)]
    whole = with_actions(whole, done, LIFE) if done else whole
    then = as_of([whole], START + at(day), LIFE)
    places = {"known": then.known, "ended": then.ended}
    assert [f"{name} {one.state}" for name, found in places.items() for one in found] == place


def test_an_event_of_which_nothing_later_is_known_is_taken_as_it_is() -> None:
    """In ordinary times nothing is replayed."""
    whole = event("OS")
    assert as_of([whole], START + at(5), LIFE).known[0] is whole
    assert put_back(whole, whole, START + at(5), LIFE) is whole


def test_an_event_of_which_all_was_taken_back_that_opened_it() -> None:
    """It is over, at any time: no late look brings it back."""
    whole = event("OSS")
    taken = replace(whole, evidence=tuple(replace(one, withdrawn=True) for one in whole.evidence))
    undone = Action(at=START + at(20), by="officer", kind=ActionKind.ROLL_BACK, reason="confirmed")
    over = with_actions(taken, [undone], LIFE)
    assert over.state is EventState.CLOSED
    for day in (-2, 2, 12):
        then = as_of([over], START + at(day), LIFE)
        assert (then.known, then.ended) == ((), (over,))


LATE = [
    ("confirms what was open", "O", 2, "S", ["change-found", "still-changed"]),
    ("refutes what was confirmed since", "OS", 2, "C", ["change-found", "back-as-before"]),
    ("keeps what was refuted since", "OC", 2, "S", ["change-found", "still-changed"]),
    ("could not see it", "OS", 2, "N", ["change-found", "still-changed"]),
    ("shows it before the look that opened it", "O", -2, "S", ["change-found", "still-changed"]),
    ("shows it before one that was refuted", "OC", -2, "S", ["change-found", "still-changed"]),
    ("does not show it before", "O", -2, "C", ["change-found"]),
]


@pytest.mark.parametrize(("word", "day", "says", "steps"), [row[1:] for row in LATE], ids=[row[0] for row in LATE])
def test_what_a_late_look_changes(word: str, day: int, says: str, steps: list[str]) -> None:
    """Its evidence takes its place in the order, and the replay ends as if it had come in time."""
    assert reasons(heard(event(word), late(day, says))) == steps


@pytest.mark.parametrize(
    ("says", "seen", "own", "window", "pieces"),
    [
        ("S", 1.0, True, (-5, -2), 2),
        ("S", 1.0, False, (-5, -2), 2),
        ("C", 1.0, True, (-2, 0), 1),
        ("I", 1.0, True, (-2, 0), 1),
        ("C", 0.4, True, (-5, 0), 1),
        ("C", 1.0, False, (-5, 0), 1),
        ("N", 0.1, True, (-5, 0), 1),
    ],
)
def test_the_failure_window_narrows(says: str, seen: float, own: bool, window: tuple[int, int], pieces: int) -> None:
    """To a look that shows the change, or from one of its class that saw most of the ground and does not."""
    after = heard(event("O"), late(-2, says, seen, own))
    assert (after.window_start, after.window_end) == (START + at(window[0]), START + at(window[1]))
    assert len(after.evidence) == pieces


def test_the_window_is_as_before_when_a_late_look_is_taken_back() -> None:
    """It ends with the first look that counts and shows the change."""
    whole = event("OS")
    after = heard(whole, late(-2, "S"))
    undo = Action(at=START + at(30), by="officer", kind=ActionKind.ROLL_BACK)
    assert after.window_end == START - at(2)
    assert roll_back(after, {"late-2"}, undo, LIFE).window_end == whole.window_end
    assert roll_back(after, {whole.evidence[1].acquisition_id}, undo, LIFE).window_end == START - at(2)


def test_ground_that_later_looks_added_stays() -> None:
    """And an event whose merge was taken back is asked like any other."""
    added = [one for one in series("OSg") if isinstance(one, Growth)]
    assert added
    undone = Action(at=START + at(9), by="", kind=ActionKind.MERGE, reason="other", withdrawn=True)
    whole = replace(event("OS"), growth=tuple(added), actions=(undone,))
    after = heard(whole, late(2, "S"))
    assert (after.growth, len(after.evidence)) == (whole.growth, 3)


def test_ground_that_a_look_added_stays() -> None:
    """Also where the look, in another version, had said its word before."""
    whole = event("OS")
    grown = replace(whole, area_ha=2.0)
    assert put_back(grown, whole, START + at(5), LIFE).area_ha == 2.0
    assert put_back(whole, whole, START + at(5), LIFE) == whole


def test_the_rarity_is_that_of_the_look_that_opened_it() -> None:
    """A late look that shows the change first was measured on its ground, and is no cluster of its own."""
    (opening,) = _looks("x")
    assert [step.reason for step in replay([opening, late(-2, "S")], LIFE)] == ["not-of-record", "seen-again"]
    assert [step.acquisition_id for step in replay([opening, late(-2, "S")], LIFE)] == [
        "late-2",
        opening.acquisition_id,
    ]


def test_the_end_of_an_event_lets_what_later_looks_saw_go_on() -> None:
    """The ground was as before on a late look: what was seen changed after it happened anew, in a window of its own."""
    whole = heard(event("OSSC"), late(2, "C"))
    assert whole.state is EventState.REFUTED
    (anew,) = successors(whole, LIFE)
    assert reasons(anew) == ["change-found", "still-changed"]
    assert (anew.window_start, anew.window_end) == (START + at(2), START + at(5))
    assert (anew.split_from, anew.id != whole.id) == (whole.id, True)
    assert [one.verdict for one in anew.evidence] == [Verdict.OPENS, Verdict.SUPPORTS, Verdict.CONTRADICTS]
    assert goes_on(whole, LIFE) == anew, "the same whenever it is found"


@pytest.mark.parametrize(("word", "explained"), [("OSSSSSSS", True), ("OC", False)])
def test_a_correction_does_not_hide_why_an_event_ended(word: str, explained: bool) -> None:
    """Settled ground rests; ground that its own sensor saw as before does not: a landslide there would be missed."""
    whole = event(word)
    soon = whole.transitions[-1].at + at(10)
    corrected = replace(whole.transitions[-1], reason=LATE_EVIDENCE, acquisition_id=None)
    told = replace(whole, transitions=(*whole.transitions, corrected))
    assert rests(told, soon, whole.comparable, LIFE) is rests(whole, soon, whole.comparable, LIFE) is explained


@pytest.mark.parametrize("by_person", [True, False])
def test_what_happened_anew_has_a_storm_of_its_own_and_no_word_of_a_person(by_person: bool) -> None:
    """Its window is another, so a declared event may have made it; what a person let out was the other one."""
    whole = replace(event("OSS"), storm="valley-storm-20240601", released=not by_person)
    release = Action(at=START + at(20), by="boss", kind=ActionKind.RELEASE)
    known = with_actions(whole, [release], LIFE) if by_person else whole
    assert known.released
    (anew,) = successors(heard(known, late(2, "C")), LIFE)
    assert (anew.storm, anew.released) == ("", not by_person)


@pytest.mark.parametrize(("word", "storm"), [("o", ""), ("OS", "quake"), ("OC", "quake"), ("oS", "quake")])
@pytest.mark.parametrize("says", ["S", "C"])
def test_an_event_keeps_its_storm_once_it_was_an_alert(word: str, storm: str, says: str) -> None:
    """People know it by that name, wherever its failure window moves; one that nobody heard of is grouped anew."""
    whole = replace(event(word), storm="quake")
    moved = heard(whole, late(-2, says))
    assert (moved.window_start, moved.window_end) != (whole.window_start, whole.window_end)
    assert moved.storm == storm
    assert heard(replace(event(word), storm="quake"), late(-2, "N", seen=0.1)).storm == "quake"


def test_ground_that_changes_again_and_again() -> None:
    """Every time is an event."""
    whole = heard(event("OSCS"), late(2, "C"))
    assert [reasons(one) for one in successors(whole, LIFE)] == [["change-found", "back-as-before"], ["change-found"]]


def test_nothing_goes_on_of_what_ended_otherwise() -> None:
    """Not of what stands or settled, nor of ground that another sensor saw as before: the first one's echo lasts."""
    assert successors(event("OSS"), LIFE) == []
    assert successors(event("OSSSSSSSSS"), LIFE) == []
    radar = replace(event("OS"), comparable="sar:R046")
    by_optics = replace(late(2, "C", own=False), detector=event("O").detector)
    of_radar = replace(radar, detector="radar")  # type: ignore[arg-type]
    assert successors(heard(of_radar, by_optics), LIFE) == []


def _look(days: int) -> Acquisition:
    return replace(acquisition(1), sensing_time=START + at(days))


def test_an_event_on_the_ground_of_another_is_taken_in() -> None:
    """What opened where a late look shows that an event still stood was that event all along."""
    home, other = event("OSSS"), replace(event("OS", 7), id="other")
    (merged,) = taken_in([home, other], [home], _look(2), LIFE)
    assert (merged.id, merged.transitions[-1].reason, merged.transitions[-1].detail) == ("other", "merged", "e")
    assert taken_in([home, other], [home], _look(9), LIFE) == [], "both were known by then"
    acknowledged = with_actions(other, [Action(at=START + at(30), by="a", kind=ActionKind.ACKNOWLEDGE)], LIFE)
    assert taken_in([home, acknowledged], [home], _look(2), LIFE) == [], "a person has had to do with it"
    declared = Action(at=START + at(30), by="", kind=ActionKind.DECLARE, reason="atsuma-earthquake-1")
    (merged,) = taken_in([home, with_actions(other, [declared], LIFE)], [home], _look(2), LIFE)
    assert merged.transitions[-1].reason == "merged", "nobody has: it was declared on its ground"
    ended = event("OC")
    assert taken_in([ended, other], [ended], _look(2), LIFE) == []


@pytest.mark.parametrize(
    ("home", "other", "ends"),
    [
        ("candidate", "candidate", True),
        ("candidate", "watch", False),
        ("watch", "watch", True),
        ("watch", "warning", False),
        ("warning", "warning", True),
        ("warning", "candidate", True),
    ],
)
def test_what_people_were_told_does_not_end_in_less(home: str, other: str, ends: bool) -> None:
    """No alert is merged into a candidate, and no warning into an alert for watch."""

    def opened(kind: str, day: int) -> Event:
        (first,) = _looks("O")
        first = replace(first, at_once=kind != "candidate", warning=kind == "warning", sensing_time=START + at(day))
        days = START + at(day)
        plain = replace(blank(), id=f"{day}", window_start=days - at(5), window_end=days)
        return add_evidence(plain, [first], LIFE)

    known, later = opened(home, 0), opened(other, 7)
    assert [one.id for one in taken_in([known, later], [known], _look(2), LIFE)] == (["7"] if ends else [])


def test_open_at_a_time() -> None:
    """From its first look to the one that ends it."""
    whole = event("OSCC")
    assert [stands(whole, START + at(day), LIFE) for day in (-1, 0, 9, 10, 15, 30)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
