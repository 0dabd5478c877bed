"""Counting of found implants and false events."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scoring import (
    Ground,
    Implant,
    Quiet,
    baseline_rule,
    binomial_interval,
    false_events,
    is_found,
    network_rule,
    pair_rule,
    strong_rule,
    supported_rule,
    union_rule,
)
from monitor.core.change import AlertSettings
from monitor.records import Detector
from training.alerts.counting import poisson_interval

SETTINGS = AlertSettings()


def _ground(network: float = 0.0, baseline: float = 0.0, side: int = 5) -> Ground:
    """Steep ground of 64x64 px with a square of change at (20, 20)."""
    layers = [np.zeros((64, 64), np.float32) for _ in range(2)]
    for layer, level in zip(layers, (network, baseline), strict=True):
        layer[20 : 20 + side, 20 : 20 + side] = level
    return Ground(
        network=layers[0],
        baseline=layers[1],
        slope_deg=np.full((64, 64), 25.0, np.float32),
        elevation_m=np.broadcast_to(np.arange(64, dtype=np.float32)[:, None] * 4.7, (64, 64)),
    )


def _implant(ground: Ground) -> Implant:
    bare = np.zeros((64, 64), np.float32)
    bare[20:25, 20:25] = 1.0
    return Implant(area_ha=0.25, bare=bare, hidden=0.0, ground=ground)


def test_an_implant_is_found_by_the_detector_that_sees_it() -> None:
    """Change of one detector alone is found by that one and by the union, not by the other."""
    implant = _implant(_ground(network=0.9))
    network, baseline = network_rule(0.35, SETTINGS), baseline_rule(0.6, SETTINGS)
    assert is_found(implant, network, SETTINGS)
    assert not is_found(implant, baseline, SETTINGS)
    assert is_found(implant, union_rule(network, baseline), SETTINGS)


def test_support_asks_for_both() -> None:
    """A baseline cluster without a rise of the network is dropped, one with a rise stays."""
    rule = supported_rule(baseline_rule(0.6, SETTINGS), Detector.NETWORK, 0.1)
    assert is_found(_implant(_ground(network=0.2, baseline=1.0)), rule, SETTINGS)
    assert not is_found(_implant(_ground(network=0.05, baseline=1.0)), rule, SETTINGS)


def test_the_change_model_answers_for_itself() -> None:
    """Its answer starts clusters like any change; ground that it did not answer for has not changed."""
    silent = _ground(network=0.9)
    rule = pair_rule(0.35, SETTINGS)
    assert not is_found(_implant(silent), rule, SETTINGS)
    answered = replace(silent, network=np.zeros_like(silent.network), pair=silent.network)
    assert is_found(_implant(answered), rule, SETTINGS)
    assert not is_found(_implant(answered), pair_rule(0.95, SETTINGS), SETTINGS)


@pytest.mark.parametrize(("level", "expected"), [(0.7, False), (0.9, True)])
def test_an_alert_needs_strength(level: float, expected: bool) -> None:
    """A quarter of a hectare that changed by 0.7 stays below 0.2 ha x change, by 0.9 it does not."""
    rule = strong_rule(baseline_rule(0.6, SETTINGS), Detector.BASELINE, 0.2, SETTINGS)
    assert is_found(_implant(_ground(baseline=level)), rule, SETTINGS) is expected


@pytest.mark.parametrize(("side", "expected"), [(3, 0), (4, 1)])
def test_false_events_count_from_the_minimum_area(side: int, expected: int) -> None:
    """Nine changed pixels are below 0.1 ha, sixteen are one false event."""
    quiet = Quiet(ground=_ground(network=0.9, side=side), where=np.ones((64, 64), bool), area_km2=0.4)
    assert false_events(quiet, network_rule(0.35, SETTINGS), SETTINGS) == expected


def test_false_events_elsewhere_do_not_count() -> None:
    """Change outside the quiet ground is nobody's false event."""
    where = np.zeros((64, 64), bool)
    where[40:] = True
    quiet = Quiet(ground=_ground(network=0.9), where=where, area_km2=0.2)
    assert false_events(quiet, network_rule(0.35, SETTINGS), SETTINGS) == 0


def test_intervals_are_the_published_ones() -> None:
    """Clopper-Pearson for 8 of 10 and Garwood for 3, against tables."""
    assert binomial_interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    assert binomial_interval(0, 10)[0] == 0.0
    assert binomial_interval(10, 10)[1] == 1.0
    assert poisson_interval(3) == pytest.approx((0.6187, 8.7673), abs=1e-4)
    assert poisson_interval(0) == pytest.approx((0.0, 3.6889), abs=1e-4)
