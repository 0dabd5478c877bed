"""How grave an event is, and what CAP says of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from shapely.geometry import Point

from monitor.core.severity import SeverityRow, SeverityTable, certainty, severity, urgency
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Certainty,
    Detector,
    Event,
    EventContext,
    EventState,
    Exposure,
    Nearby,
    Severity,
    Transition,
    Urgency,
    ZoneRelation,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NONE = Nearby(count=0, reached=0)
SAFE = Exposure(near_m=100.0, roads=NONE, buildings=NONE, zone=ZoneRelation.OUTSIDE)


def exposed(**changes: object) -> Exposure:
    """Nothing near but what is said."""
    fields = {"near_m": 100.0, "roads": NONE, "buildings": NONE, "zone": ZoneRelation.OUTSIDE} | changes
    return Exposure(**fields)  # type: ignore[arg-type]


def near(count: int) -> Nearby:
    """So many things near."""
    return Nearby(count=count, reached=0)


def sized(area_ha: float, confidence: str) -> Event:
    """An alert of so much ground."""
    return replace(event(PROVISIONAL), area_ha=area_ha, confidence=confidence)


@pytest.mark.parametrize(
    ("area_ha", "confidence", "exposure", "level", "reason"),
    [
        (0.4, "high", SAFE, Severity.MINOR, "0.4 ha"),
        (1.0, "medium", SAFE, Severity.MODERATE, "1.0 ha"),
        (10.0, "medium", SAFE, Severity.SEVERE, "10.0 ha"),
        (50.0, "high", SAFE, Severity.EXTREME, "50.0 ha"),
        (0.4, "high", exposed(roads=near(1)), Severity.MODERATE, "1 road within 100 m"),
        (0.4, "high", exposed(buildings=near(1)), Severity.SEVERE, "1 building within 100 m"),
        (12.0, "high", exposed(buildings=near(14)), Severity.SEVERE, "12.0 ha, 14 buildings within 100 m"),
        (0.4, "high", exposed(buildings=near(20)), Severity.EXTREME, "20 buildings within 100 m"),
        (0.4, "high", exposed(zone=ZoneRelation.TOUCHES), Severity.MODERATE, "a designated zone"),
        (0.4, "high", exposed(zone=ZoneRelation.REACHED), Severity.MODERATE, "a designated zone"),
        (1.0, "low", SAFE, Severity.MINOR, "1.0 ha, lowered for low confidence"),
        (50.0, "low", SAFE, Severity.SEVERE, "50.0 ha, lowered for low confidence"),
        (0.4, "low", SAFE, Severity.MINOR, "0.4 ha"),
        (0.4, "high", None, Severity.MINOR, "0.4 ha, no layers to tell what is exposed"),
        (0.4, "low", exposed(unreadable=("houses",)), Severity.MODERATE, "0.4 ha, exposure unknown"),
        (50.0, "high", exposed(unreadable=("houses",)), Severity.EXTREME, "50.0 ha, exposure unknown"),
    ],
)
def test_the_default_table(
    area_ha: float, confidence: str, exposure: Exposure | None, level: Severity, reason: str
) -> None:
    """The worst row of which any limit is reached, with the reasons; what is unknown is moderate at least."""
    assert severity(sized(area_ha, confidence), exposure, SeverityTable()) == (level, reason)


def test_a_table_of_ones_own() -> None:
    """Limits that are left out ask for nothing, and low confidence may count for nothing."""
    table = SeverityTable(
        extreme=SeverityRow(), severe=SeverityRow(roads=2), moderate=SeverityRow(), low_confidence_steps=0
    )
    assert severity(sized(500.0, "high"), exposed(buildings=near(99)), table)[0] is Severity.MINOR
    assert severity(sized(0.1, "low"), exposed(roads=near(2)), table)[0] is Severity.SEVERE
    two = SeverityTable(low_confidence_steps=3)
    assert severity(sized(50.0, "low"), SAFE, two)[0] is Severity.MINOR


def event(*states: tuple[EventState, str], exposure: Exposure | None = None) -> Event:
    """An event that went through these states."""
    steps, previous = [], None
    for state, reason in states:
        step = Transition(at=NOW, previous=previous, state=state, reason=reason, detail="", acquisition_id="a")
        steps.append(step)
        previous = state
    assert previous is not None
    return Event(
        id="e",
        region="r",
        state=previous,
        status=AlertStatus.ACTUAL,
        detector=Detector.BASELINE,
        geometry=Point(0, 0).buffer(1),
        area_ha=1.0,
        mean_change=1.0,
        strength=1.0,
        spread=0.0,
        slope_deg=30.0,
        confidence="high",
        confidence_reason="",
        window_start=NOW,
        window_end=NOW,
        model_version="m",
        tiles=(),
        transitions=tuple(steps),
        context=EventContext(severity=Severity.MINOR, severity_reason="", exposure=exposure),
    )


CANDIDATE = (EventState.CANDIDATE, "weak-change")
PROVISIONAL = (EventState.PROVISIONAL, "change-found")
CONFIRMED = (EventState.CONFIRMED, "still-changed")


@pytest.mark.parametrize(
    ("states", "says", "from_the_field"),
    [
        ((CANDIDATE,), Certainty.UNKNOWN, Certainty.UNKNOWN),
        ((PROVISIONAL,), Certainty.POSSIBLE, Certainty.OBSERVED),
        ((PROVISIONAL, CONFIRMED), Certainty.LIKELY, Certainty.OBSERVED),
        ((PROVISIONAL, CONFIRMED, (EventState.CLOSED, "settled")), Certainty.LIKELY, Certainty.OBSERVED),
        ((PROVISIONAL, CONFIRMED, (EventState.CLOSED, "ground-recovered")), Certainty.LIKELY, Certainty.OBSERVED),
        ((PROVISIONAL, (EventState.CLOSED, "dismissed-snow")), Certainty.UNLIKELY, Certainty.UNLIKELY),
        ((PROVISIONAL, (EventState.REFUTED, "back-as-before")), Certainty.UNLIKELY, Certainty.UNLIKELY),
        ((PROVISIONAL, (EventState.EXPIRED, "not-seen-again")), Certainty.POSSIBLE, Certainty.OBSERVED),
        ((PROVISIONAL, CONFIRMED, (EventState.EXPIRED, "not-seen-again")), Certainty.LIKELY, Certainty.OBSERVED),
    ],
)
def test_certainty(states: tuple[tuple[EventState, str], ...], says: Certainty, from_the_field: Certainty) -> None:
    """Certainty follows from the states alone, and from somebody who stood there."""
    assert certainty(event(*states)) is says
    seen = Action(at=NOW, by="Mori", kind=ActionKind.CONFIRM)
    assert certainty(replace(event(*states), actions=(seen,))) is from_the_field
    heard = replace(seen, kind=ActionKind.ACKNOWLEDGE)
    assert certainty(replace(event(*states), actions=(heard,))) is says


@pytest.mark.parametrize(
    ("exposure", "says"),
    [
        (None, Urgency.EXPECTED),
        (SAFE, Urgency.FUTURE),
        (exposed(roads=near(1)), Urgency.EXPECTED),
        (exposed(buildings=near(1)), Urgency.EXPECTED),
        (exposed(zone=ZoneRelation.INSIDE), Urgency.EXPECTED),
        (exposed(unreadable=("houses",)), Urgency.EXPECTED),
        (exposed(buildings=None), Urgency.EXPECTED),
        (exposed(zone=None), Urgency.FUTURE),
    ],
)
def test_urgency_of_open_alerts(exposure: Exposure | None, says: Urgency) -> None:
    """Only where it is known that nothing is near can it wait; what is not known is no "nothing"."""
    for states in ((PROVISIONAL,), (PROVISIONAL, CONFIRMED)):
        assert urgency(event(*states, exposure=exposure)) is says


def test_urgency_of_others() -> None:
    """What has ended is past; of a candidate nothing is said."""
    assert urgency(event(CANDIDATE)) is Urgency.UNKNOWN
    for state in (EventState.REFUTED, EventState.CLOSED, EventState.EXPIRED):
        assert urgency(event(PROVISIONAL, (state, "x"))) is Urgency.PAST


def test_a_slope_that_failed_is_never_immediate() -> None:
    """CAP's strongest urgency is not in the vocabulary at all."""
    assert "immediate" not in {one.value for one in Urgency}


def test_a_whole_tile_asks_for_a_look() -> None:
    """Its hectares are those of the tile: neither size nor exposure make it grave, or urgent."""
    tile = replace(sized(655.0, "low"), detector=Detector.TILE)
    level, reason = severity(tile, exposed(unreadable=("houses",)), SeverityTable())
    assert (level, urgency(tile), certainty(tile)) == (Severity.MINOR, Urgency.FUTURE, Certainty.POSSIBLE)
    assert "a whole tile" in reason
