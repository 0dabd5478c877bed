"""How many alerts were landslides, by the word of people, with how sure that is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.precision import Judged, Precision, by_kind, precision, precision_json, told, wilson
from monitor.records import Detector, Tier

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def judged(
    landslide: bool | None,
    days_ago: float = 10,
    tier: Tier = Tier.WATCH,
    detector: Detector = Detector.BASELINE,
    region: str = "atsuma",
) -> Judged:
    """One alert."""
    seen = NOW - timedelta(days=days_ago)
    return Judged(region=region, tier=tier, detector=detector, seen=seen, landslide=landslide)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_is_wilsons(successes: int, trials: int, low: float, high: float) -> None:
    """As tables have it."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_the_interval_holds_the_share(drawn: tuple[int, int]) -> None:
    """And lies within 0 and 1, however few they are."""
    successes, trials = drawn
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1


def test_nobody_has_judged() -> None:
    """Then there is no figure, which is not the same as none of a hundred."""
    found = precision([judged(None)])
    assert (found.share, found.interval, found.unjudged) == (None, None, 1)
    assert "not known" in told("atsuma", [judged(None)], NOW, 365)
    assert told("atsuma", [judged(True, region="abira")], NOW, 365) == ""


def test_windows_tiers_and_detectors_are_told_apart() -> None:
    """A landslide of half a year ago counts in the year alone."""
    alerts = [
        judged(True, 200, Tier.WARNING, Detector.RADAR),
        judged(True, 20),
        judged(False, 20),
        judged(None, 20),
        judged(False, 500),
        judged(False, 20, region="abira"),
    ]
    body = precision_json("atsuma", alerts, NOW)
    quarter, year = body["90"], body["365"]
    assert isinstance(quarter, dict)
    assert isinstance(year, dict)
    assert (quarter["landslides"], quarter["no_landslides"], quarter["unjudged"]) == (1, 1, 1)
    assert (quarter["precision"], year["precision"]) == (0.5, 0.6667)
    assert year["by_tier"]["warning"]["precision"] == 1.0
    assert list(quarter["by_detector"]) == ["baseline"]
    assert list(year["by_detector"]) == ["baseline", "radar"]
    said = told("atsuma", alerts, NOW, 365)
    assert said == (
        "atsuma: people judged 3 of 4 alerts of the last 365 days: 2 landslides, precision 67% (95% interval 21% to "
        "94%); nobody judged 1"
    )


def test_by_region_tier_and_detector() -> None:
    """Every kind that occurs, for those who draw it."""
    kinds = by_kind([judged(True), judged(None), judged(False, tier=Tier.WARNING)])
    assert kinds == {
        ("atsuma", Tier.WARNING, Detector.BASELINE): Precision(others=1),
        ("atsuma", Tier.WATCH, Detector.BASELINE): Precision(landslides=1, unjudged=1),
    }
