"""What the metrics show."""

from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import Metrics
from monitor.core.precision import Precision
from monitor.core.slope_sight import BlindSlopes, TrackSight
from monitor.records import Detector, Tier

_SAID = ("landslide", "other", "unjudged")


def test_a_track_that_no_longer_looks_is_no_longer_shown() -> None:
    """Its last value would stand for ever; other regions keep theirs."""
    metrics = Metrics(CollectorRegistry())
    half = TrackSight(slopes_km2=2.0, blind_km2=1.0)
    both = BlindSlopes(tracks={"R046-ascending": half, "R053-descending": half}, together=half)

    def shown(region: str) -> set[str]:
        (family,) = [one for one in metrics.registry.collect() if one.name == "scarpwatch_radar_blind_slopes_ratio"]
        return {one.labels["track"] for one in family.samples if one.labels["region"] == region}

    for region in ("valley", "coast"):
        metrics.regions.blind_slopes(region, both)
    assert shown("valley") == {"R046-ascending", "R053-descending", "none"}
    metrics.regions.blind_slopes("valley", BlindSlopes(tracks={"R053-descending": half}, together=half))
    assert shown("valley") == {"R053-descending", "none"}
    metrics.regions.blind_slopes("valley", BlindSlopes())
    assert shown("valley") == set()
    assert len(shown("coast")) == 3


def test_layers_that_cannot_be_read_are_counted() -> None:
    """Asked at every scrape, zeros included, so that an alarm can stand on it."""
    metrics, failures = Metrics(CollectorRegistry()), {"houses": 0, "roads": 2}
    metrics.process.exposure_layers(lambda: failures)
    failures["houses"] += 1
    for layer, count in (("houses", 1), ("roads", 2)):
        assert metrics.registry.get_sample_value("scarpwatch_exposure_layer_failures_total", {"layer": layer}) == count


def test_what_people_said_of_alerts() -> None:
    """By kind; a kind of which nothing is left is forgotten."""
    metrics = Metrics(CollectorRegistry())
    name = "scarpwatch_alerts_judged"
    kind = {"region": "valley", "tier": "watch", "detector": "baseline"}
    metrics.telling.judged({("valley", Tier.WATCH, Detector.BASELINE): Precision(landslides=3, others=1, unjudged=5)})
    said = {word: metrics.registry.get_sample_value(name, kind | {"said": word}) for word in _SAID}
    assert said == {"landslide": 3.0, "other": 1.0, "unjudged": 5.0}
    metrics.telling.judged({})
    assert metrics.registry.get_sample_value(name, kind | {"said": "landslide"}) is None
