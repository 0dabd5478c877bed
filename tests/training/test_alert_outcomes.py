"""What own events were: what is false, what is a landslide, and of what nobody knows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.null_file import QUIET_GROUND, load_null
from monitor.core.events import add_evidence, with_actions
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.null_rate import Prior, QuietCluster
from monitor.core.people import act
from monitor.errors import Refused
from monitor.records import Action, ActionKind, Detector, Event, EventState, Evidence, Verdict
from monitor.shipped import shipped_folder
from tests.fake_watch import NOW, event
from training.alerts.history import Part, QuietHistory
from training.alerts.outcomes import Opened, Outcome, outcomes
from training.alerts.rates import if_all_were_false, null_of
from training.alerts.refusals import refuse_what_is_not_known, telling, unsure

FALSE, LANDSLIDE, UNKNOWN = Outcome.FALSE, Outcome.LANDSLIDE, Outcome.UNKNOWN
SAYS = {"s": Verdict.SUPPORTS, "c": Verdict.CONTRADICTS, "n": Verdict.NOT_OBSERVED}
DEEDS = {"+": (ActionKind.CONFIRM, ""), "-": (ActionKind.DISMISS, "works")}
SUMMER = ("steep", "summer", "full light")


def _event(name: str, life: str = "", storm: str = "") -> Event:
    """An event with what later looks and then people say of it, a letter each; `>home` at the end: it grew together."""
    said, _, home = life.partition(">")
    blank = replace(event(name, EventState.PROVISIONAL, 0.4), storm=storm)
    pieces = [_later(blank.evidence[0], number, SAYS[one]) for number, one in enumerate(said.strip("+-"), start=1)]
    one = add_evidence(replace(blank, evidence=()), [*blank.evidence, *pieces], LifecycleSettings())
    for number, deed in enumerate(letter for letter in said if letter in DEEDS):
        kind, reason = DEEDS[deed]
        at = NOW + timedelta(hours=number)
        one = act(one, Action(at=at, by="anna", kind=kind, reason=reason), LifecycleSettings())
    if home:
        merge = Action(at=NOW, by="", kind=ActionKind.MERGE, reason=home, acquisition_id="later")
        one = with_actions(one, [*one.actions, merge], LifecycleSettings())
    return one


def _later(first: Evidence, number: int, verdict: Verdict) -> Evidence:
    at = first.sensing_time + timedelta(days=5 * number)
    return replace(first, sensing_time=at, verdict=verdict, acquisition_id=f"later-{number}")


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        ("", UNKNOWN),
        ("n", UNKNOWN),
        ("s", UNKNOWN),
        ("ssssss", UNKNOWN),
        ("c", FALSE),
        ("nc", FALSE),
        ("sc", UNKNOWN),
        ("scc", FALSE),
        ("s-", FALSE),
        ("-", FALSE),
        ("+", LANDSLIDE),
        ("c+", LANDSLIDE),
        ("s+-", FALSE),
        ("s+-+", LANDSLIDE),
    ],
)
def test_looks_and_the_last_word_of_people_tell_what_an_event_was(life: str, expected: Outcome) -> None:
    """Nothing is false because nobody looked, nor because it was held once and then once not."""
    assert outcomes([_event("one", life)]) == {"one": expected}


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        (("s", "s", "c"), (UNKNOWN, UNKNOWN, UNKNOWN)),
        (("s", "+", "c"), (UNKNOWN, LANDSLIDE, UNKNOWN)),
        (("s", "c", "c"), (UNKNOWN, FALSE, FALSE)),
        (("", "", "c"), (UNKNOWN, UNKNOWN, FALSE)),
        (("s", "s", "-"), (UNKNOWN, UNKNOWN, FALSE)),
        (("s", "s-", "c"), (UNKNOWN, FALSE, FALSE)),
        (("s", "s", "s-", "c"), (UNKNOWN, UNKNOWN, FALSE, FALSE)),
    ],
)
def test_looks_refute_nothing_in_a_storm_that_seems_real(lives: tuple[str, ...], expected: tuple[Outcome, ...]) -> None:
    """Several of its events stand, and nobody dismissed any; alone in their days the same events are false."""
    events = [_event(str(number), life, "storm") for number, life in enumerate(lives)]
    assert tuple(outcomes(events).values()) == expected
    apart = [replace(one, storm=one.id) for one in events]
    assert tuple(outcomes(apart).values()) == tuple(outcomes([one])[one.id] for one in apart)


def test_a_whole_tile_that_rose_is_no_sign_of_a_storm() -> None:
    """Only events that have an outline stand."""
    events = [_event("one", "s", "storm"), _event("two", "s", "storm"), _event("three", "c", "storm")]
    tiles = [replace(one, detector=Detector.TILE) for one in events[1:2]]
    assert outcomes([events[0], *tiles, events[2]])["three"] is FALSE


@pytest.mark.parametrize(
    ("part", "home", "expected"),
    [
        (">home", "s+", (LANDSLIDE, LANDSLIDE)),
        ("s+>home", "s", (LANDSLIDE, LANDSLIDE)),
        ("s-", "s+", (FALSE, LANDSLIDE)),
        (">home", "s-", (FALSE, FALSE)),
        ("s>home", "s", (UNKNOWN, UNKNOWN)),
        (">gone", "c", (UNKNOWN, FALSE)),
    ],
)
def test_events_that_grew_together_are_one_thing(part: str, home: str, expected: tuple[Outcome, Outcome]) -> None:
    """What a person says of one holds for what it took in."""
    assert tuple(outcomes([_event("part", part), _event("home", home)]).values()) == expected


def _history(km2_years: float, *own: tuple[Outcome, float, bool]) -> QuietHistory:
    events = tuple(
        Opened(
            id=f"event-{number}",
            area_ha=2 * strength,
            place=(141.5, 42.5),
            cluster=QuietCluster(detector="baseline", strength=strength, held=held, strata=SUMMER),
            outcome=outcome,
        )
        for number, (outcome, strength, held) in enumerate(own)
    )
    part = Part(exposure={"baseline": {SUMMER: km2_years}}, watched=km2_years, events=events)
    return QuietHistory(parts=(part,), regions=(), simulated=False)


STORM = [(UNKNOWN, 0.3 + 0.1 * number, True) for number in range(13)] + [(LANDSLIDE, 2.0, True)] * 2
SIZES = (0.3, 0.7, 1.15, 1.85)


def test_a_storm_does_not_silence_the_next_one() -> None:
    """13 landslides that nobody judged move no rate on 3 km² × years, and were they false, none by more than a few."""
    shipped = load_null(shipped_folder("models") / QUIET_GROUND)
    storm = _history(3.0, *STORM)
    own, worst = null_of(storm, Prior(rates=shipped), []), if_all_were_false(storm, Prior(rates=shipped))
    calm = null_of(_history(3.0), Prior(rates=shipped), [])
    for strength in SIZES:
        known = calm.rate("baseline", strength, SUMMER)
        assert known is not None
        assert own.rate("baseline", strength, SUMMER) == pytest.approx(known, rel=0.03)
        guilty = worst.rate("baseline", strength, SUMMER)
        assert guilty is not None
        assert 0.9 * known[0] < guilty[0] < 4 * known[0]


def test_what_nobody_judged_does_not_make_what_holds_rarer() -> None:
    """However long one watches: it is left out with its exposure; what looks refuted counts on all of it."""
    shipped = load_null(shipped_folder("models") / QUIET_GROUND)
    known = shipped.rate("baseline", 0.7, SUMMER)
    refuted = [(FALSE, 0.8, False)] * 40
    own = null_of(_history(5000.0, *STORM[:13], *refuted), Prior(rates=shipped), []).rate("baseline", 0.7, SUMMER)
    judged = null_of(_history(5000.0, *STORM[13:], *refuted), Prior(rates=shipped), []).rate("baseline", 0.7, SUMMER)
    assert known is not None
    assert own is not None
    assert judged is not None
    assert judged[1] < known[1] / 3 < own[1]


@pytest.mark.parametrize(
    ("km2_years", "own", "refused", "doubted"),
    [
        (3.0, STORM, True, True),
        (30.0, STORM, False, True),
        (3.0, [*STORM[:2], (FALSE, 0.5, False), (FALSE, 0.5, True)], False, False),
        (3.0, [], False, False),
    ],
)
def test_little_ground_of_which_nobody_knows_is_refused(
    km2_years: float, own: list[tuple[Outcome, float, bool]], refused: bool, doubted: bool
) -> None:
    """Much of it is doubted aloud; what is judged for the most part is taken."""
    history = _history(km2_years, *own)
    if refused:
        with pytest.raises(Refused, match=r"nobody said of 13 of 15 events on 3\.0 km² × years") as said:
            refuse_what_is_not_known(history)
        assert "event-12, event-11, event-10, event-9, event-8, …" in str(said.value)
    else:
        refuse_what_is_not_known(history)
    assert bool(unsure(history)) is doubted


def test_a_detector_that_could_tell_of_nothing_gets_no_rates() -> None:
    """Hectares × change go on to decide where the shipped counts know nothing; what they know is not thrown away."""
    own = null_of(_history(3.0), Prior(), [])
    assert telling(own, Prior(), 400.0) == own
    assert telling(own, Prior(), 100.0).rate("baseline", 1.0) is None
    with pytest.raises(Refused, match="nothing could be called rarer than 333"):
        telling(own, Prior(rates=own), 100.0)
