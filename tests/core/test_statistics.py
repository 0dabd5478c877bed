"""Statistics of one look on one tile."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.statistics import tile_stats
from monitor.records import PixelState

Floats = NDArray[np.float32]


def _tile(value: float) -> Floats:
    return np.full((256, 256), value, dtype=np.float32)


def test_a_half_hidden_tile_gives_the_statistics_of_its_other_half() -> None:
    """Left half cloud, shadow and snow, right half a ramp with known quantiles."""
    probability = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (256, 1))
    probability[:, :128] = np.nan
    state = np.zeros((256, 256), dtype=np.uint8)
    state[:, :96] = PixelState.CLOUD
    state[:, 96:112] = PixelState.SHADOW
    state[:, 112:128] = PixelState.SNOW
    seen = np.linspace(0, 1, 256)[128:]

    stats = tile_stats(probability, _tile(0.1), state, threshold=0.75)

    assert stats.valid_fraction == 0.5
    assert (stats.cloud_fraction, stats.snow_fraction) == (0.4375, 0.0625)
    assert stats.mean == pytest.approx(seen.mean(), abs=1e-7)
    assert stats.p95 == pytest.approx(np.quantile(np.tile(seen, 256), 0.95), abs=1e-6)
    assert stats.spread == pytest.approx(0.1)
    assert stats.hazard_area_ha == pytest.approx(np.count_nonzero(seen >= 0.75) * 256 * 0.01)


def test_a_tile_without_observation_has_no_mean() -> None:
    """None, not zero: nothing seen is not nothing there."""
    state = np.full((256, 256), PixelState.NODATA, dtype=np.uint8)

    stats = tile_stats(_tile(np.nan), _tile(np.nan), state, threshold=0.5)

    assert (stats.mean, stats.p95, stats.spread) == (None, None, None)
    assert (stats.valid_fraction, stats.cloud_fraction, stats.hazard_area_ha) == (0.0, 0.0, 0.0)


def test_a_pixel_at_the_threshold_is_hazard() -> None:
    """At or above: a full tile at the threshold is 655.36 ha, just below it none."""
    state = np.zeros((256, 256), dtype=np.uint8)

    at = tile_stats(_tile(0.7), _tile(0.0), state, threshold=0.7)
    below = tile_stats(_tile(0.69998), _tile(0.0), state, threshold=0.7)

    assert at.hazard_area_ha == pytest.approx(655.36)
    assert below.hazard_area_ha == 0.0
