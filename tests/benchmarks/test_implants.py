"""The sweep over thresholds and what is made of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.figures import implants_figure
from benchmarks.implants import Point, best, exposure, shipped_points, sweep, table
from benchmarks.scoring import Ground, Implant, Quiet
from benchmarks.trials import SIZES_HA, Trials, hillsides
from monitor.core.change import AlertSettings


def _hillside(network: np.ndarray, baseline: np.ndarray) -> Ground:
    """An even slope of 25°."""
    down = np.broadcast_to(np.arange(len(network), dtype=np.float32)[:, None] * 4.7, network.shape)
    steep = np.full(network.shape, 25.0, np.float32)
    return Ground(network=network, baseline=baseline, slope_deg=steep, elevation_m=down)


def _trials() -> Trials:
    """Two implants per size, one seen by both detectors, one by the baseline alone; one false event."""
    implants = []
    for size in SIZES_HA:
        for network in (0.8, 0.0):
            change = np.zeros((80, 80), np.float32)
            change[30:44, 30:44] = 1.0
            ground = _hillside(network * change, 0.9 * change)
            implants.append(Implant(area_ha=size, bare=change, hidden=0.1, ground=ground))
    quiet = np.zeros((200, 200), np.float32)
    quiet[10:20, 10:20] = 0.7
    quiet[100:110, 100:110] = 0.5
    ground = _hillside(0 * quiet, quiet)
    return Trials(
        implants=tuple(implants),
        quiet=Quiet(ground=ground, where=np.ones((200, 200), bool), area_km2=4.0),
        soil=(0.12, 0.07, 0.05),
        runs=1,
        head_km2=2.0,
        steep_km2=4.0,
        mask_agreement=1.0,
    )


def _point(false: int, found: int) -> Point:
    sizes = dict.fromkeys(SIZES_HA, found)
    return Point(family="network", setting={"high": 0.3}, false=false, found=sizes, painted=dict.fromkeys(SIZES_HA, 10))


def test_the_best_setting_is_the_one_that_finds_most_within_the_limit() -> None:
    """More false events than allowed never win, however much they find."""
    points = [_point(0, 3), _point(2, 6), _point(5, 9)]
    assert best(points, "network", 2) is points[1]
    assert best(points, "network", 10) is points[2]
    assert best(points, "baseline", 10) is None


def test_the_sweep_counts_what_was_designed(tmp_path: Path) -> None:
    """Network half at no false event, baseline all at none once its threshold passes the false change."""
    trials, settings = _trials(), AlertSettings(baseline_high=0.6, baseline_low=0.35)
    points = sweep(trials, settings)
    network, baseline = best(points, "network", 1), best(points, "baseline", 0)
    assert network is not None
    assert (network.false, network.mean) == (0, 0.5)
    assert baseline is not None
    assert baseline.mean == 1.0
    assert baseline.setting["baseline_high"] > 0.7
    events, alerts = shipped_points(trials, settings)
    assert (events.false, alerts.false) == (1, 1), "1 ha that changed by 0.7 is shown as an alert"
    supported = best(points, "baseline supported by network", 5)
    assert supported is not None
    assert (supported.false, supported.mean) == (0, 0.5), "without a rise of the network there is no support"
    text = table(points, trials, settings)
    assert "as shipped" in text
    assert "100 % (16–100)" in text
    assert "10 implants (2 of each size)" in exposure(trials)
    implants_figure(points, trials, settings, tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width > 1000


def test_the_change_model_has_rows_where_it_was_measured(tmp_path: Path) -> None:
    """Its answers are swept like the others; without them the table has no such row."""
    trials, settings = _trials(), AlertSettings()
    assert "change model" not in table(sweep(trials, settings), trials, settings)
    implants = tuple(replace(one, ground=replace(one.ground, pair=one.ground.baseline)) for one in trials.implants)
    silent = np.zeros_like(trials.quiet.ground.baseline)
    quiet = replace(trials.quiet, ground=replace(trials.quiet.ground, pair=silent))
    measured = replace(trials, implants=implants, quiet=quiet)
    points = sweep(measured, settings)
    found = best(points, "change model", 1)
    assert found is not None
    assert (found.false, found.mean) == (0, 1.0)
    assert "| change model, 0 |" in table(points, measured, settings)
    implants_figure(points, measured, settings, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_a_bank_in_a_plain_is_no_hillside() -> None:
    """A strip of steep pixels on level ground carries no head; a broad slope does."""
    bank = np.zeros((100, 100), np.float32)
    bank[:, 50:52] = 30.0
    assert not hillsides(bank).any()
    assert hillsides(np.full((100, 100), 20.0, np.float32))[50, 50]
