"""Comparing simulated with real backscatter."""

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.simulated import Scene, coarse, correlation, decibels, false_colour


def test_coarse_pixels_lie_wholly_in_the_mask() -> None:
    """Blocks of 3 x 3 are averaged in power, and those with a foreign pixel are left out."""
    power = np.ones((7, 7))
    power[:3, :3] = np.arange(9.0).reshape(3, 3)
    mask = np.ones((7, 7), dtype=bool)
    mask[4, 4] = False
    assert coarse(power, mask).tolist() == [4.0, 1.0, 1.0]


def test_correlation_tells_white_from_smooth_speckle() -> None:
    """Independent pixels share nothing; pixels averaged in pairs share about half with the next one."""
    white = np.random.default_rng(1).gamma(4.4, 1.0, (300, 300))
    everywhere = np.ones(white.shape, dtype=bool)
    assert correlation(white, everywhere)[0] == 1.0
    assert abs(correlation(white, everywhere)[1]) < 0.1
    pairs = ndimage.uniform_filter1d(white, 2, axis=0)
    assert correlation(pairs, everywhere)[1] == pytest.approx(0.45, abs=0.12)


def test_decibels_leave_voids_out() -> None:
    """Zero power has no decibels."""
    assert decibels(np.array([0.0, 0.1, 1.0])).tolist() == pytest.approx([-10.0, 0.0])


def test_colours_of_water_and_forest() -> None:
    """Forest is green, calm water dark."""
    power = np.array([[10**-0.85, 10**-2.4]]), np.array([[10**-1.45, 10**-2.9]])
    nothing = np.zeros((1, 2), dtype=bool)
    colours = false_colour(Scene(vv=power[0], vh=power[1], forest=nothing, open_land=nothing, water=nothing))
    assert colours[0, 0, 1] > 140
    assert colours[0, 1, :2].max() < 30
