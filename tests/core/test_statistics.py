"""Statistics of one look on one tile, and the fixed-point codes they are computed from."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from monitor.core.grid import tile_from_id
from monitor.core.quantise import (
    decode_probability,
    decode_reflectance,
    encode_probability,
    encode_reflectance,
    quantise,
)
from monitor.core.statistics import tile_stats
from monitor.records import Look, PixelState

Floats = NDArray[np.float32]


def _tile(value: float) -> Floats:
    return np.full((256, 256), value, dtype=np.float32)


def test_a_half_hidden_tile_gives_the_statistics_of_its_other_half() -> None:
    """Left half cloud and shadow, right half a ramp with known quantiles."""
    probability = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (256, 1))
    probability[:, :128] = np.nan
    state = np.zeros((256, 256), dtype=np.uint8)
    state[:, :96] = PixelState.CLOUD
    state[:, 96:128] = PixelState.SHADOW
    seen = np.linspace(0, 1, 256)[128:]

    stats = tile_stats(probability, _tile(0.1), state, threshold=0.75)

    assert stats.valid_fraction == 0.5
    assert stats.cloud_fraction == 0.5
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


@given(arrays(np.float32, (7, 5), elements=st.one_of(st.just(float("nan")), st.floats(0, 1, width=32))))
def test_a_probability_survives_its_code(values: Floats) -> None:
    """The error is at most half a step, NaN stays NaN, and coding again changes nothing."""
    once = decode_probability(encode_probability(values))

    np.testing.assert_allclose(once, values, atol=1.01e-5)
    assert np.array_equal(encode_probability(once), encode_probability(values))


@given(arrays(np.uint16, (7, 5)))
def test_every_reflectance_code_survives(codes: NDArray[np.uint16]) -> None:
    """encode∘decode = identity on all codes, the NaN code included."""
    assert np.array_equal(encode_reflectance(decode_reflectance(codes)), codes)


@pytest.mark.parametrize(
    ("value", "kept"), [(-0.5, -0.1), (-0.1, -0.1), (0.0, 0.0), (0.1234, 0.1234), (6.5, 6.4534), (float("inf"), 6.4534)]
)
def test_reflectance_is_clipped_to_what_fits(value: float, kept: float) -> None:
    """Bright glint and dark overcorrection are clipped; they never turn into nodata."""
    assert decode_reflectance(encode_reflectance(_tile(value)))[0, 0] == pytest.approx(kept, abs=1e-6)


def test_quantising_a_look_twice_is_quantising_once() -> None:
    """Statistics of the quantised look are those of what the disk gives back."""
    rng = np.random.default_rng(3)
    look = Look(
        tile=tile_from_id("UTM54N-0150-1842"),
        acquisition_id="a",
        sensing_time=datetime(2018, 10, 22, tzinfo=UTC),
        probability=rng.random((256, 256), dtype=np.float32),
        spread=rng.random((256, 256), dtype=np.float32) * np.float32(0.5),
        reflectance=rng.random((3, 256, 256), dtype=np.float32),
        state=np.zeros((256, 256), dtype=np.uint8),
    )

    once = quantise(look)
    twice = quantise(once)

    assert not np.array_equal(once.probability, look.probability)
    for name in ("probability", "spread", "reflectance"):
        assert np.array_equal(getattr(once, name), getattr(twice, name))
