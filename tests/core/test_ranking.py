"""Worst first."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.notices import notice
from monitor.core.ranking import place, rank
from monitor.records import Detector, Event, EventContext, Severity, Tier
from tests.adapters.channels.messages import message, payload, surrounded
from tests.core.alerts import alert

GRAVEST_FIRST = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)


def grave(event: Event, severity: Severity) -> Event:
    """An alert of a severity."""
    return replace(event, context=EventContext(severity=severity, severity_reason="20 buildings"))


def test_lists_begin_with_warnings_and_end_with_tiles() -> None:
    """Then severity counts, then strength; what is not known to be minor stands above it."""
    told = [
        grave(alert("tile", detector=Detector.TILE, strength=600.0), Severity.EXTREME),
        grave(alert("minor", strength=900.0), Severity.MINOR),
        alert("unknown", strength=3.0),
        grave(alert("moderate", strength=2.0), Severity.MODERATE),
        grave(alert("extreme", strength=0.1), Severity.EXTREME),
        grave(alert("warning", strength=0.1, tier=Tier.WARNING), Severity.MINOR),
        alert("nan", strength=math.nan),
    ]
    order = ["warning", "extreme", "unknown", "moderate", "nan", "minor", "tile"]
    assert [one.id for one in sorted(told, key=rank)] == order


_ALERTS = st.tuples(
    st.booleans(), st.booleans(), st.sampled_from(GRAVEST_FIRST), st.floats(0.0, 1e6, allow_subnormal=False)
)


@given(_ALERTS, _ALERTS)
def test_one_number_keeps_the_order(
    one: tuple[bool, bool, Severity, float], other: tuple[bool, bool, Severity, float]
) -> None:
    """Neither the largest strength nor the highest severity ever lifts an alert over the step above it."""
    steps = [(not watch, tile, GRAVEST_FIRST.index(severity)) for watch, tile, severity, _ in (one, other)]
    places = [
        place(warning=warning, tile=tile, severity=severity, strength=strength)
        for warning, tile, severity, strength in (one, other)
    ]
    if steps[0] < steps[1]:
        assert places[0] < places[1]


def test_messages_have_the_order_of_lists() -> None:
    """What is grave is told first, though it is small."""
    told = [
        message("large", 0, payload(strength=9.0, area_ha=9.0, context={**surrounded("A"), "severity": "minor"})),
        message("grave", 0, payload(strength=0.2, area_ha=0.2, context={**surrounded("B"), "severity": "extreme"})),
    ]
    body = notice(told)[1].splitlines()
    assert body[1].startswith("1. 0.20 ha")
