"""Every line of the table of transitions, from every state in which it holds, by a designed series."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from monitor.core.events import add_evidence, with_actions
from monitor.core.growth import with_growth
from monitor.core.lifecycle import (
    ALERT_STATES,
    DISMISSED,
    OPEN_STATES,
    ROLLED_BACK,
    TABLE,
    LifecycleSettings,
    Piece,
    Rule,
    replay,
    weighed,
)
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Detector,
    Event,
    EventState,
    Evidence,
    Growth,
    Tier,
    Tile,
    Transition,
    Verdict,
)

SETTINGS = LifecycleSettings()
TILE = Tile(epsg=32633, column=200, row=2000)
START = datetime(2024, 6, 1, tzinfo=UTC)
_LOOKS = {
    "S": Verdict.SUPPORTS,
    "C": Verdict.CONTRADICTS,
    "N": Verdict.NOT_OBSERVED,
    "I": Verdict.INCONCLUSIVE,
}
_PEOPLE = {
    "a": ActionKind.ACKNOWLEDGE,
    "r": ActionKind.RELEASE,
    "d": ActionKind.DISMISS,
    "f": ActionKind.CONFIRM,
    "c": ActionKind.COMMENT,
    "m": ActionKind.MERGE,
    "q": ActionKind.DECLARE,
}
_ADDED_HA = {"g": 0.6, "k": 0.3, "t": 0.1, "T": 0.1}
"""What looks add to an event of one hectare: much, little, or another alert that was a warning (T) or not."""
_OPENING_RATES = {"O": 100.0, "o": 5000.0, "W": 1.0, "x": 1.0}
"""False events per 1,000 km² and year; x is of a sensor that does not count."""


def _piece(**parts: Any) -> Evidence:
    """What a look says; what opens an event is weighed by the thresholds of its day."""
    piece = Evidence(**parts)
    return weighed(piece, SETTINGS) if piece.rate is not None else piece


def series(word: str) -> list[Piece]:
    """Pieces five days apart; a digit is a pause of so many hundred days.

    What a look adds follows what that look says; after a dot it is all that the look says.
    """
    pieces: list[Piece] = [_growth("", START, 1.0)] if not _ADDED_HA.keys().isdisjoint(word) else []
    day = 0
    for number, letter in enumerate(word):
        at = START + timedelta(days=day)
        if letter.isdigit():
            day += 100 * int(letter)
            continue
        if letter == ".":
            continue
        if letter in _ADDED_HA:
            same = word[number - 1] != "."
            look = f"a{number - 1:02d}" if same else f"a{number:02d}"
            when = at - timedelta(days=5) if same else at
            pieces.append(_growth(look, when, _ADDED_HA[letter], letter))
            day += 0 if same else 5
            continue
        if letter in _PEOPLE:
            kind = _PEOPLE[letter]
            pieces.append(Action(at=at, by="officer", kind=kind, reason="works" if letter == "d" else "", text="seen"))
        else:
            rate = _OPENING_RATES.get(letter)
            verdict = Verdict.OPENS if rate is not None else _LOOKS[letter]
            pieces.append(
                _piece(
                    acquisition_id=f"a{number:02d}",
                    sensing_time=at,
                    detector=Detector.BASELINE,
                    verdict=verdict,
                    observed_fraction=1.0,
                    level=0.5,
                    strength=1.0,
                    detail="what the look says",
                    of_record=letter != "x",
                    rate=rate,
                    held_rate=None if rate is None else rate / 20.0,
                )
            )
        day += 5
    return pieces


def _growth(look: str, at: datetime, area_ha: float, kind: str = "") -> Growth:
    """A strip of ground that a look adds."""
    east = 15 + (at - START) / timedelta(days=5) * 0.001
    return Growth(
        acquisition_id=look,
        sensing_time=at,
        geometry=box(east, 46, east + 0.001, 46.001),
        area_ha=area_ha,
        mean_change=1.0,
        tiles=(TILE,),
        took_in=("other",) if kind in ("t", "T") else (),
        warning=kind == "T",
    )


def blank() -> Event:
    """An event of which nothing has been said yet."""
    return Event(
        id="e",
        region="valley",
        state=EventState.CANDIDATE,
        status=AlertStatus.ACTUAL,
        detector=Detector.BASELINE,
        geometry=box(15, 46, 15.001, 46.001),
        area_ha=1.0,
        mean_change=1.0,
        strength=1.0,
        spread=0.0,
        slope_deg=30.0,
        confidence="high",
        confidence_reason="",
        window_start=START,
        window_end=START,
        model_version="m",
        tiles=(TILE,),
    )


SERIES = {
    "x": ["not-of-record"],
    "O": ["change-found"],
    "o": ["weak-change"],
    "oC": ["weak-change", "back-as-before"],
    "OC": ["change-found", "back-as-before"],
    "oS": ["weak-change", "seen-again"],
    "OS": ["change-found", "still-changed"],
    "OSSSSSSSSSSS": ["change-found", "still-changed", "settled"],
    "OSCC": ["change-found", "still-changed", "ground-recovered"],
    "OSCSC": ["change-found", "still-changed"],
    "oIIIIIIII": ["weak-change", "undecided"],
    "OIIIIIIII": ["change-found", "undecided"],
    "OIIIINIII": ["change-found"],
    "o2N": ["weak-change", "not-seen-again"],
    "O2N": ["change-found", "not-seen-again"],
    "OS2N": ["change-found", "still-changed", "not-seen-again"],
    "o1I1I1I1I1I": ["weak-change", "outdated"],
    "O1I1I1I1I1I": ["change-found", "outdated"],
    "OS1I1I1I1I1I": ["change-found", "still-changed", "outdated"],
    "Oaa": ["change-found", "acknowledged"],
    "OSa": ["change-found", "still-changed", "acknowledged"],
    "Orr": ["change-found", "released"],
    "OSr": ["change-found", "still-changed", "released"],
    "od": ["weak-change", "dismissed-works"],
    "Od": ["change-found", "dismissed-works"],
    "OSd": ["change-found", "still-changed", "dismissed-works"],
    "of": ["weak-change", "confirmed-from-field"],
    "Off": ["change-found", "confirmed-from-field"],
    "OSf": ["change-found", "still-changed", "confirmed-from-field"],
    "OCf": ["change-found", "back-as-before", "confirmed-from-field"],
    "Odf": ["change-found", "dismissed-works", "confirmed-from-field"],
    "O2Nf": ["change-found", "not-seen-again", "confirmed-from-field"],
    "om": ["weak-change", "merged"],
    "Om": ["change-found", "merged"],
    "OSm": ["change-found", "still-changed", "merged"],
    "oq": ["weak-change", "declared"],
    "oSq": ["weak-change", "declared", "still-changed"],
    "oqSq": ["weak-change", "declared", "still-changed"],
    "oCq": ["weak-change", "declared", "back-as-before"],
    "odq": ["weak-change", "declared", "dismissed-works"],
    "Oq": ["change-found"],
    "q": [],
    "oa": ["weak-change"],
    "Oc": ["change-found"],
    "ON": ["change-found"],
    "OCSS": ["change-found", "back-as-before"],
    "OSg": ["change-found", "still-changed"],
    "OSSg": ["change-found", "still-changed", "grown"],
    "OSSk": ["change-found", "still-changed"],
    "OSSk.k": ["change-found", "still-changed", "grown"],
    "OSSk.k.k": ["change-found", "still-changed", "grown"],
    "O.g": ["change-found", "grown"],
    "O.gg": ["change-found", "grown"],
    "oSg.k": ["weak-change", "seen-again"],
    "o.g": ["weak-change"],
    "OSt": ["change-found", "still-changed"],
    "OST": ["change-found", "still-changed"],
    "oST": ["weak-change", "seen-again", "took-in"],
    "OSSt": ["change-found", "still-changed", "took-in"],
    "O.t": ["change-found", "took-in"],
    "OSa.g": ["change-found", "still-changed", "acknowledged", "grown"],
    "OS.ka.k": ["change-found", "still-changed", "acknowledged", "grown"],
    "OSra.k.k": ["change-found", "still-changed", "released", "acknowledged", "grown"],
    "OS.k.kr.k": ["change-found", "still-changed", "grown", "released"],
    "OC.g": ["change-found", "back-as-before"],
    "S": [],
    "f": [],
}


@pytest.mark.parametrize("word", SERIES)
def test_series(word: str) -> None:
    """Each designed series takes exactly the written steps, and each step starts where the last one ended."""
    steps = replay(series(word), SETTINGS)
    assert [step.reason for step in steps] == SERIES[word]
    assert [step.previous for step in steps] == [None, *[step.state for step in steps[:-1]]][: len(steps)]


@pytest.mark.parametrize(
    ("left", "was", "step"),
    [
        ("", "provisional", "provisional closed"),
        ("", "confirmed", "confirmed closed"),
        ("", "refuted", "refuted closed"),
        ("S", "confirmed", "confirmed closed"),
        ("o", "provisional", "provisional closed"),
        ("o", "candidate", None),
        ("oq", "provisional", None),
        ("oq", "confirmed", "confirmed provisional"),
        ("Sq", "confirmed", "confirmed closed"),
        ("o", "refuted", None),
        ("O", "confirmed", "confirmed provisional"),
        ("O", "refuted", "refuted provisional"),
        ("O", "provisional", None),
        ("OS", "closed", "closed confirmed"),
        ("OS", "confirmed", None),
        ("OC", "confirmed", None),
    ],
)
def test_what_is_left_when_looks_are_taken_back(left: str, was: str, step: str | None) -> None:
    """The state of what is left, told from the state that people knew; nothing where that is the same."""
    taken = Action(at=START + timedelta(days=100), by="officer", kind=ActionKind.ROLL_BACK, reason=was, text="shifted")
    steps = [one for one in replay([*series(left), taken], SETTINGS) if one.reason == ROLLED_BACK]
    assert [f"{one.previous} {one.state}" for one in steps] == ([step] if step else [])
    assert all((one.by, one.detail) == ("officer", "shifted") for one in steps)


def _lines(rule: Rule) -> set[tuple[EventState | None, str]]:
    return {(None, rule.reason)} if rule.before is None else {(state, rule.reason) for state in rule.before}


def test_every_transition_is_designed() -> None:
    """The series above take every line of the table from every state it names."""
    taken = {(step.previous, _written(step)) for word in SERIES for step in replay(series(word), SETTINGS)}
    by_looks_and_people = [rule for rule in TABLE if rule.reason != ROLLED_BACK]  # which has a table of its own
    assert taken == set[tuple[EventState | None, str]]().union(*map(_lines, by_looks_and_people))


def _written(step: Transition) -> str:
    return DISMISSED if step.reason.startswith(DISMISSED) else step.reason


def test_the_documented_table_is_this_one() -> None:
    """docs/alerts.md names the same states and reasons, in the same order."""
    text = Path(__file__).parents[2].joinpath("docs/alerts.md").read_text(encoding="utf-8")
    section = text.split("## An event and its states")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| `([a-z-]+)`", section, flags=re.MULTILINE)
    names: dict[object, str] = {
        None: "–",
        OPEN_STATES: "any open",
        ALERT_STATES: "any alert",
        frozenset(EventState): "any",
    }
    expected = [
        (
            names.get(rule.before) or ", ".join(sorted(rule.before or ())),
            rule.after.value if rule.after else "–",
            rule.reason,
        )
        for rule in TABLE
    ]
    assert [(before.strip(), after.strip(), reason) for before, _, after, reason in rows] == expected


@pytest.mark.parametrize(
    ("word", "tiers"),
    [
        ("O", "watch"),
        ("W", "warning"),
        ("OS", "watch warning"),
        ("oS", "watch watch"),
        ("oSS", "watch watch watch"),
        ("oSq", "watch watch watch"),
        ("WSCC", "warning warning warning"),
        ("xS", "watch warning"),
        ("of", "watch warning"),
        ("oS.T", "watch watch warning"),
        ("oST", "watch watch warning"),
        ("oS.t", "watch watch watch"),
    ],
)
def test_tiers(word: str, tiers: str) -> None:
    """By how rare the event is on quiet ground at its first look, how rare such events hold, and what people saw."""
    assert [step.tier for step in replay(series(word), SETTINGS)] == [Tier(tier) for tier in tiers.split()]


def test_thresholds_that_change_take_back_no_alert() -> None:
    """What people have heard of stays what it was by the thresholds of its day."""
    stricter = replace(SETTINGS, watch_rate=0.1, warning_rate=0.01)
    assert replay(series("WSr"), stricter) == replay(series("WSr"), SETTINGS)


def test_what_a_person_saw_is_not_outdated_by_its_first_look() -> None:
    """A year counts from when the landslide was seen in the field."""
    assert [step.reason for step in replay(series("O1I1I1I1If2N"), SETTINGS)][-1] == "not-seen-again"
    assert [step.reason for step in replay(series("O1I1I1I1IfN"), SETTINGS)][-1] == "confirmed-from-field"


def _is_said(word: str) -> bool:
    """Whether what a look adds follows a look, or a dot."""
    return re.search(r"(^|[^SCNI.])[gktT]", word) is None


@given(
    word=st.text("SCNI1adfrqgktT.", max_size=12).filter(_is_said), opening=st.sampled_from("OoWx"), deliveries=st.data()
)
def test_any_order_doubling_and_splitting_ends_the_same(word: str, opening: str, deliveries: st.DataObject) -> None:
    """Looks and people's deeds in any order, some of them twice, one by one or many at once, give the same life."""
    pieces = series(opening + word)
    twice = deliveries.draw(st.lists(st.sampled_from(pieces)))
    order = deliveries.draw(st.permutations([*pieces, *twice]))
    cuts = sorted(deliveries.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    event = blank()
    for start, end in pairwise([0, *cuts, len(order)]):
        event = _heard(event, order[start:end])
    assert event.transitions == replay(pieces, SETTINGS)
    assert (event.state, event.tier) == (event.transitions[-1].state, event.transitions[-1].tier)
    at_once = _heard(blank(), pieces)
    assert (event.geometry, event.area_ha, event.growth) == (at_once.geometry, at_once.area_ha, at_once.growth)


def _heard(event: Event, pieces: Sequence[Piece]) -> Event:
    event = add_evidence(event, [one for one in pieces if isinstance(one, Evidence)], SETTINGS)
    event = with_growth(event, [one for one in pieces if isinstance(one, Growth) and one.acquisition_id], SETTINGS)
    return with_actions(event, [one for one in pieces if isinstance(one, Action)], SETTINGS)
