"""Events: opening, judging, growing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import ndimage
from shapely import box

from monitor.core.canvas import canvases
from monitor.core.clusters import burn, outline
from monitor.core.events import (
    LookContext,
    add_evidence,
    event_id,
    judge,
    judge_across,
    measure,
    open_event,
)
from monitor.core.grid import project
from monitor.core.growth import beside, enlarge
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.null_rate import QuietCluster, count
from monitor.records import AlertStatus, Cluster, Detector, EventState, Evidence, Sensor, Tile, Verdict

LIFE = LifecycleSettings()
WHEN = datetime(2024, 6, 11, tzinfo=UTC)
CONTEXT = LookContext(
    region="valley",
    acquisition_key="s2a",
    acquisition_id="s2a_1",
    sensing_time=WHEN,
    previous_time=WHEN - timedelta(days=5),
    model_version="m1",
    status=AlertStatus.ACTUAL,
    mask_source="scl",
    shift=0.0,
)
LATER = replace(CONTEXT, acquisition_key="s2b", acquisition_id="s2b_1", sensing_time=WHEN + timedelta(days=5))


def _cluster(x: float = 512_000.0, side: float = 100.0) -> Cluster:
    return Cluster(
        detector=Detector.NETWORK,
        geometry=box(x, 5_120_000, x + side, 5_120_000 + side),
        epsg=32633,
        area_ha=side**2 / 1e4,
        mean_change=0.6,
        strength=0.6 * side**2 / 1e4,
        spread=0.05,
        slope_deg=30.0,
        tiles=(Tile(epsg=32633, column=200, row=2000),),
    )


def _piece(verdict: Verdict, days: int = 5) -> Evidence:
    return Evidence(
        acquisition_id=f"later{days}",
        sensing_time=WHEN + timedelta(days=days),
        detector=Detector.NETWORK,
        verdict=verdict,
        observed_fraction=1.0,
        level=0.6,
        strength=0.6,
        detail="",
    )


def test_an_event_knows_its_failure_window_and_place() -> None:
    """The window runs from the last look without to the first look with; the outline is in degrees."""
    event = open_event(_cluster(), CONTEXT, LIFE)
    assert (event.window_start, event.window_end) == (WHEN - timedelta(days=5), WHEN)
    assert event.state is EventState.PROVISIONAL
    west, south, east, north = event.geometry.bounds
    assert 15.0 < west < east < 15.3
    assert 46.1 < south < north < 46.4


def test_ids_are_stable_and_differ_by_place() -> None:
    """The same ground in the same acquisition keeps its id, other ground gets another."""
    assert event_id(_cluster(), CONTEXT) == event_id(_cluster(), CONTEXT)
    assert event_id(_cluster(), CONTEXT) != event_id(_cluster(x=513_000.0), CONTEXT)


@pytest.mark.parametrize(
    ("change", "seen", "verdict"),
    [
        (0.5, 1.0, Verdict.SUPPORTS),
        (0.2, 1.0, Verdict.INCONCLUSIVE),
        (0.05, 1.0, Verdict.CONTRADICTS),
        (-0.3, 1.0, Verdict.CONTRADICTS),
        (0.6, 0.2, Verdict.NOT_OBSERVED),
        (0.0, 0.0, Verdict.NOT_OBSERVED),
    ],
)
def test_a_look_is_judged_by_level(change: float, seen: float, verdict: Verdict) -> None:
    """Share of the opening change, on the share of the ground that was seen."""
    layer = np.full((10, 10), np.nan, np.float32)
    layer[: int(10 * seen)] = change
    level = measure(layer, np.ones((10, 10), bool), 0.01)
    assert judge(level, 0.6)[0] is verdict


@pytest.mark.parametrize(
    ("change", "own", "across"),
    [
        (2.7, Verdict.SUPPORTS, Verdict.INCONCLUSIVE),
        (3.0, Verdict.SUPPORTS, Verdict.SUPPORTS),
        (2.3, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (1.8, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE),
        (1.0, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE),
    ],
)
def test_what_quiet_ground_shows_is_no_change(change: float, own: Verdict, across: Verdict) -> None:
    """Standard deviations without a sign are 1.1 where nothing happened: an event of 4 that fell to 1.8 is gone."""
    level = measure(np.full((10, 10), change, np.float32), np.ones((10, 10), bool), 0.01)
    assert judge(level, 4.0, 1.1)[0] is own
    assert judge_across(level, 4.7, Sensor.SAR, 1.1)[0] is across
    assert "1.1 of quiet ground" in judge(level, 4.0, 1.1)[1]
    assert "quiet" not in judge(level, 4.0)[1]


@pytest.mark.parametrize(
    ("change", "seen", "by_optics", "by_radar"),
    [
        (0.31, 1.0, Verdict.SUPPORTS, Verdict.SUPPORTS),
        (0.29, 1.0, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (0.14, 1.0, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE),
        (-0.3, 1.0, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE),
        (0.6, 0.2, Verdict.NOT_OBSERVED, Verdict.NOT_OBSERVED),
    ],
)
def test_another_sensor_is_asked_for_a_change_of_its_own(
    change: float, seen: float, by_optics: Verdict, by_radar: Verdict
) -> None:
    """Against what would start a cluster (0.6); radar misses landslides, so its silence contradicts nothing."""
    layer = np.full((10, 10), np.nan, np.float32)
    layer[: int(10 * seen)] = change
    level = measure(layer, np.ones((10, 10), bool), 0.01)
    assert judge_across(level, 0.6, Sensor.OPTICAL)[0] is by_optics
    assert judge_across(level, 0.6, Sensor.SAR)[0] is by_radar


def test_what_does_not_count_opens_a_candidate() -> None:
    """However strong: change that radar sees where optics count waits for a second look."""
    context = replace(CONTEXT, sensor=Sensor.SAR, comparable="sar:R137", of_record=False)
    event = open_event(replace(_cluster(), detector=Detector.RADAR, mean_change=9.0), context, LIFE)
    assert (event.state, event.comparable) == (EventState.CANDIDATE, "sar:R137")
    assert add_evidence(event, [_piece(Verdict.SUPPORTS)], LIFE).state is EventState.PROVISIONAL


def test_the_doubt_of_a_shift_is_in_the_measure_of_the_sensor() -> None:
    """0.4 is much for a log-ratio of red, and little for a whole scene in decibels."""
    radar = replace(CONTEXT, sensor=Sensor.SAR, mask_source="radar")
    assert "shifted by +0.40" in open_event(_cluster(), replace(CONTEXT, shift=0.4), LIFE).confidence_reason
    assert open_event(_cluster(), replace(radar, shift=0.4), LIFE).confidence == "high"
    assert "shifted by +5.0 dB" in open_event(_cluster(), replace(radar, shift=5.0), LIFE).confidence_reason


def test_an_event_says_how_rare_it_is() -> None:
    """With the kind of ground, whether that is simulated, and the rates that decide; also a candidate."""
    quiet = [QuietCluster(detector="network", strength=0.5, held=True, strata=("steep", "winter"))] * 9
    null = count(quiet, {"network": {("steep", "winter"): 10.0, ("steep", "summer"): 90.0}}, [], simulated=True)
    there = replace(CONTEXT, strata=("steep", "winter"), null=null)
    event = open_event(_cluster(), there, LIFE)
    opening = event.evidence[0]
    assert (opening.strata, event.rate) == (("steep", "winter"), opening.rate)
    assert opening.rate is not None
    assert event.rate_simulated
    assert not open_event(_cluster(), replace(there, null=replace(null, simulated=False)), LIFE).rate_simulated
    assert "simulated quiet ground does so" in opening.detail
    assert "per 1,000 km² and year (steep, winter)" in opening.detail
    common = open_event(replace(_cluster(), strength=0.1), there, replace(LIFE, watch_rate=20.0))
    assert common.state is EventState.CANDIDATE
    assert open_event(_cluster(), CONTEXT, LIFE).rate is None


def test_the_same_look_speaks_once() -> None:
    """Evidence that is already there changes nothing."""
    event = open_event(_cluster(), CONTEXT, LIFE)
    once = add_evidence(event, [_piece(Verdict.SUPPORTS)], LIFE)
    assert once.state is EventState.CONFIRMED
    assert add_evidence(once, [_piece(Verdict.SUPPORTS)], LIFE) == once


def test_a_neighbouring_cluster_belongs_and_enlarges() -> None:
    """A cluster 100 m away joins the event; one 400 m away does not; hectares add up without overlap."""
    event = open_event(_cluster(), CONTEXT, LIFE)
    near, far = _cluster(x=512_200.0), _cluster(x=512_500.0)
    assert beside(near, [event], 150.0) == [event]
    assert beside(far, [event], 150.0) == []
    grown = enlarge(event, near, LATER, LIFE)
    assert grown.area_ha == pytest.approx(2.0, rel=1e-3)
    assert grown.id == event.id
    assert enlarge(grown, near, LATER, LIFE).area_ha == pytest.approx(2.0, rel=1e-3)


def test_growth_seen_by_another_detector_keeps_the_measure() -> None:
    """Standard deviations of backscatter and log-ratios of red are not averaged."""
    event = open_event(replace(_cluster(), detector=Detector.RADAR, mean_change=4.0), CONTEXT, LIFE)
    grown = enlarge(event, _cluster(x=512_200.0), LATER, LIFE, own=False)
    assert (grown.area_ha, grown.foreign_ha) == pytest.approx((2.0, 1.0), rel=1e-3)
    assert (grown.mean_change, grown.strength) == pytest.approx((4.0, 4.0), rel=1e-3)
    more = replace(_cluster(x=512_400.0), detector=Detector.RADAR, mean_change=2.0)
    again = enlarge(grown, more, LATER, LIFE)
    assert (again.area_ha, again.foreign_ha, again.mean_change) == pytest.approx((3.0, 1.0, 3.0), rel=1e-3)


def test_a_small_scar_in_the_coarse_outline_of_radar_is_a_scar() -> None:
    """A quarter of a hectare of bare soil in two hectares that radar outlined."""
    layer = np.full((20, 10), 0.01, np.float32)
    layer[:4, :6] = 0.9
    ground = np.ones((20, 10), bool)
    level = measure(layer, ground, 0.01, layer >= 0.6)
    assert level.mean_change is not None
    assert level.mean_change < 0.15
    assert judge_across(level, 0.6, Sensor.OPTICAL)[0] is Verdict.SUPPORTS
    on_the_bank = measure(layer, ground, 0.01, np.zeros_like(ground))
    assert judge_across(on_the_bank, 0.6, Sensor.OPTICAL)[0] is Verdict.CONTRADICTS


@pytest.mark.parametrize("seed", range(5))
def test_an_enlarged_outline_is_valid(seed: int) -> None:
    """Ragged ground and the rim a later look adds to it share edges that went to degrees and back in between."""
    generator = np.random.default_rng(seed)
    (canvas,) = canvases([Tile(epsg=32633, column=200, row=2000)])
    first = ndimage.gaussian_filter(generator.standard_normal(canvas.shape), 4) > 0.12
    rim = ndimage.binary_dilation(first) & ~first & (generator.random(canvas.shape) < 0.7)
    whole = (slice(0, 256), slice(0, 256))
    event = open_event(replace(_cluster(), geometry=outline(first, whole, canvas)), CONTEXT, LIFE)
    grown = enlarge(event, replace(_cluster(), geometry=outline(rim, whole, canvas)), LATER, LIFE)
    assert event.geometry.is_valid
    assert grown.geometry.is_valid
    assert (burn(project(grown.geometry, 4326, 32633), canvas) >= (first | rim)).all()


def test_confidence_names_what_lowers_it() -> None:
    """Missing cloud mask, a shifted scene and a long gap each leave their word."""
    doubtful = replace(CONTEXT, mask_source="bright-white", shift=-0.4, previous_time=WHEN - timedelta(days=185))
    event = open_event(_cluster(), doubtful, LIFE)
    assert event.confidence == "low"
    for word in ("no cloud mask", "shifted", "185 days"):
        assert word in event.confidence_reason
    assert open_event(_cluster(), CONTEXT, LIFE).confidence == "high"


def test_what_may_be_snow_says_so() -> None:
    """All ground above one height that changed alike."""
    event = open_event(replace(_cluster(), alike_from_m=545.2), CONTEXT, LIFE)
    assert event.confidence_reason == ("slopes from 545 m up changed alike: melting snow, or slopes that failed")
    assert event.confidence == "medium"


def test_a_gap_between_clouds_lowers_the_confidence() -> None:
    """Little seen around is said with its number, whatever the cloud mask; half of it is enough."""
    event = open_event(_cluster(), replace(CONTEXT, seen_around=0.08), LIFE)
    assert event.confidence == "medium"
    assert "only 8% of the ground around it was seen" in event.confidence_reason
    assert open_event(_cluster(), replace(CONTEXT, seen_around=0.5), LIFE).confidence == "high"


def test_beside_cloud_is_a_doubt_where_nobody_told_clouds() -> None:
    """A producer's mask has a rim already; without one, the rim may be the change."""
    masked = open_event(_cluster(), replace(CONTEXT, beside_hidden=True), LIFE)
    assert masked.confidence == "high"
    guessed = open_event(_cluster(), replace(CONTEXT, beside_hidden=True, mask_source="bright-white"), LIFE)
    assert "within 60 m" in guessed.confidence_reason


def test_s2cloudless_is_a_cloud_mask_without_shadows() -> None:
    """That is its doubt; it is not said that there is no cloud mask, and its clouds have a rim."""
    event = open_event(_cluster(), replace(CONTEXT, beside_hidden=True, mask_source="s2cloudless"), LIFE)
    assert event.confidence == "medium"
    assert event.confidence_reason == "clouds were masked by s2cloudless, which finds no cloud shadows"


def test_radar_needs_no_cloud_mask() -> None:
    """Whatever stands for its mask is no doubt."""
    seen = replace(CONTEXT, sensor=Sensor.SAR, mask_source="radar", beside_hidden=True)
    assert open_event(_cluster(), seen, LIFE).confidence == "high"
