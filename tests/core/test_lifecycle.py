"""The life of an event, as designed series of evidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from shapely import box

from monitor.core.lifecycle import LifecycleSettings, replay
from monitor.core.resting import rests
from monitor.records import AlertStatus, Detector, Event, EventState, Evidence, Verdict

SETTINGS = LifecycleSettings()
START = datetime(2024, 6, 1, tzinfo=UTC)
O, S, C, N, I = (  # noqa: E741 - one letter per verdict keeps the table readable
    Verdict.OPENS,
    Verdict.SUPPORTS,
    Verdict.CONTRADICTS,
    Verdict.NOT_OBSERVED,
    Verdict.INCONCLUSIVE,
)


def _evidence(verdicts: list[Verdict], strength: float = 1.0, step_days: int = 5) -> list[Evidence]:
    return [
        Evidence(
            acquisition_id=f"a{index}",
            sensing_time=START + timedelta(days=step_days * index),
            detector=Detector.NETWORK,
            verdict=verdict,
            observed_fraction=1.0,
            level=0.5,
            strength=strength,
            detail="",
        )
        for index, verdict in enumerate(verdicts)
    ]


SERIES = [
    ("opens weak", [O], 0.001, [("candidate", "weak-change")]),
    ("weak, seen again", [O, S], 0.001, [("candidate", "weak-change"), ("provisional", "seen-again")]),
    ("weak, gone", [O, C], 0.001, [("candidate", "weak-change"), ("refuted", "back-as-before")]),
    ("opens strong", [O], 1.0, [("provisional", "change-found")]),
    ("scar that stays", [O, S], 1.0, [("provisional", "change-found"), ("confirmed", "still-changed")]),
    ("snow patch", [O, C], 1.0, [("provisional", "change-found"), ("refuted", "back-as-before")]),
    ("half-clouded look", [O, N], 1.0, [("provisional", "change-found")]),
    ("undecided look", [O, I], 1.0, [("provisional", "change-found")]),
    (
        "settles",
        [O, S, S, S, S],
        1.0,
        [("provisional", "change-found"), ("confirmed", "still-changed"), ("closed", "settled")],
    ),
    (
        "one doubt after confirmation",
        [O, S, C, S],
        1.0,
        [("provisional", "change-found"), ("confirmed", "still-changed")],
    ),
    (
        "recovers",
        [O, S, C, C],
        1.0,
        [("provisional", "change-found"), ("confirmed", "still-changed"), ("closed", "ground-recovered")],
    ),
    ("nothing after the end", [O, C, S, S], 1.0, [("provisional", "change-found"), ("refuted", "back-as-before")]),
]


@pytest.mark.parametrize(
    ("verdicts", "strength", "expected"), [row[1:] for row in SERIES], ids=[row[0] for row in SERIES]
)
def test_series(verdicts: list[Verdict], strength: float, expected: list[tuple[str, str]]) -> None:
    """Each designed series takes exactly the written steps."""
    steps = replay(_evidence(verdicts, strength), SETTINGS)
    assert [(step.state.value, step.reason) for step in steps] == expected


def test_silent_radar_keeps_no_event_of_optics_alive() -> None:
    """It passes every few days and misses most landslides; for an event of its own an undecided look is a look."""
    silent = [replace(piece, detector=Detector.RADAR) for piece in _evidence([O] + [I] * 30)[1:]]
    opened = _evidence([O])
    assert replay([*opened, *silent], SETTINGS)[-1].reason == "not-seen-again"
    by_radar = [replace(opened[0], detector=Detector.RADAR)]
    assert replay([*by_radar, *silent[:7]], SETTINGS)[-1].state is EventState.PROVISIONAL
    assert replay([*by_radar, *silent], SETTINGS)[-1].reason == "undecided"
    of_another_track = [replace(piece, own=False) for piece in silent]
    assert replay([*by_radar, *of_another_track], SETTINGS)[-1].state is EventState.PROVISIONAL


def test_an_event_does_not_settle_within_days() -> None:
    """Tracks of radar pass within days of each other; five looks in a fortnight are not three weeks."""
    assert replay(_evidence([O, S, S, S, S, S], step_days=3), SETTINGS)[-1].state is EventState.CONFIRMED
    assert replay(_evidence([O, S, S, S, S, S, S, S], step_days=3), SETTINGS)[-1].reason == "settled"


ENDED = [
    ("settled", [O, S, S, S, S], None, 100, True),
    ("settled long ago", [O, S, S, S, S], None, 210, False),
    ("open", [O, S], None, 30, False),
    ("back as before, by its own detector", [O, C], None, 30, False),
    ("back as before, by another sensor", [O, C], Detector.RADAR, 30, True),
]


@pytest.mark.parametrize(
    ("verdicts", "opened_by", "days", "resting"), [row[1:] for row in ENDED], ids=[row[0] for row in ENDED]
)
def test_ground_rests_while_its_change_is_no_news(
    verdicts: list[Verdict], opened_by: Detector | None, days: int, resting: bool
) -> None:
    """Settled ground is still changed, and what optics refute radar may go on seeing."""
    evidence = _evidence(verdicts)
    steps = replay(evidence, SETTINGS)
    event = Event(
        id="e",
        region="valley",
        state=steps[-1].state,
        status=AlertStatus.ACTUAL,
        detector=opened_by or Detector.NETWORK,
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
        tiles=(),
        evidence=tuple(evidence),
        transitions=steps,
    )
    now = START + timedelta(days=days)
    assert rests(event, now, "optical", SETTINGS) is resting
    assert rests(event, now, "sar:R137", SETTINGS) is (resting and event.state is EventState.CLOSED)


def test_silence_expires_an_open_event() -> None:
    """No usable look for longer than the limit ends an event when the next look comes."""
    steps = replay(_evidence([O, N, N], step_days=70), SETTINGS)
    assert steps[-1].state is EventState.EXPIRED


def test_undecided_looks_are_no_silence_and_a_late_support_still_counts() -> None:
    """A look that sees the event, however undecided, is a usable look; a support after a long winter confirms."""
    assert [step.state for step in replay(_evidence([O, I, I, I], step_days=70), SETTINGS)] == [EventState.PROVISIONAL]
    assert replay(_evidence([O, S], step_days=150), SETTINGS)[-1].state is EventState.CONFIRMED


def test_order_of_delivery_does_not_matter() -> None:
    """Any permutation of the evidence ends in the same transitions."""
    evidence = _evidence([O, N, S, C])
    expected = replay(evidence, SETTINGS)
    assert all(replay(order, SETTINGS) == expected for order in permutations(evidence))


def test_previous_states_chain() -> None:
    """Every transition starts where the last one ended."""
    steps = replay(_evidence([O, S, S, S, S]), SETTINGS)
    assert [step.previous for step in steps] == [None, *[step.state for step in steps[:-1]]]
