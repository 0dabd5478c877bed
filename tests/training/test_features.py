"""Laws of the normalisation that training and the service share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.features import MINIMUM_PIXELS, ContextStatistics, context_statistics, normalise

Bands = NDArray[np.float32]


def ground(seed: int = 0, side: int = 64) -> Bands:
    """Forest-like reflectance: (3, side, side), a skewed spread about 0.05."""
    rng = np.random.default_rng(seed)
    return (0.05 * np.exp(0.35 * rng.standard_normal((3, side, side)))).astype(np.float32)


def normalised(bands: Bands, statistics: ContextStatistics | None) -> Bands:
    assert statistics is not None
    return normalise(bands, statistics.center[:, None, None], statistics.scale[:, None, None])


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.01, 1e4), offset=st.floats(0.0, 0.05), seed=st.integers(0, 10))
def test_gain_and_a_small_offset_cancel(gain: float, offset: float, seed: int) -> None:
    """A linear change of units leaves the input of the network as it was."""
    bands = ground(seed)
    moved = (np.float32(gain) * (bands + np.float32(offset))).astype(np.float32)
    before = normalised(bands, context_statistics(bands, None))
    after = normalised(moved, context_statistics(moved, None))
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_a_cloud_over_30_percent_shifts_the_ground_by_less_than_half_a_scale() -> None:
    """Bright intruders in three of ten pixels move clear ground by a bounded amount."""
    bands = ground()
    clean = normalised(bands, context_statistics(bands, None))
    cloudy = bands.copy()
    cloudy[:, : int(0.3 * bands.shape[1])] = 0.6
    seen = normalised(bands, context_statistics(cloudy, None))
    rows = slice(int(0.3 * bands.shape[1]), None)
    median_shift = np.abs(np.median(seen[:, rows], axis=(1, 2)) - np.median(clean[:, rows], axis=(1, 2)))
    assert (median_shift < 0.5).all()


def test_a_mean_based_normalisation_would_not_survive_that_cloud() -> None:
    """The bound above is not trivially met: mean and deviation move the ground by more."""
    bands = ground()
    cloudy = bands.copy()
    cloudy[:, : int(0.3 * bands.shape[1])] = 0.6
    shift = (cloudy.mean() - bands.mean()) / bands.std()
    assert shift > 5


def test_a_scar_stays_visible_when_it_covers_30_percent() -> None:
    """What must be found may not normalise itself away."""
    bands = ground()
    rows = slice(0, int(0.3 * bands.shape[1]))
    bands[:, rows] = 0.2
    value = normalised(bands, context_statistics(bands, None))
    assert np.median(value[:, rows]) > np.percentile(value[:, rows.stop :], 90)


def test_too_few_clear_pixels_describe_no_ground() -> None:
    """One pixel short of 500 gives no statistics, 500 do."""
    bands = ground()
    mask = np.zeros(bands.shape[1:], dtype=bool)
    mask.flat[: MINIMUM_PIXELS - 1] = True
    assert context_statistics(bands, mask) is None
    mask.flat[MINIMUM_PIXELS - 1] = True
    assert context_statistics(bands, mask) is not None


def test_a_pixel_missing_in_one_band_is_used_in_none() -> None:
    """Statistics come from pixels observed in every band."""
    bands = ground()
    bands[1, :32] = np.nan
    bands[0, :32] = 1000.0
    statistics = context_statistics(bands, None)
    assert statistics is not None
    assert statistics.center[0] < 1.0


def test_no_observation_becomes_zero_and_everything_is_finite() -> None:
    """A network has no word for NaN."""
    bands = ground()
    bands[:, 3, 4] = np.nan
    value = normalised(bands, context_statistics(bands, None))
    assert value.dtype == np.float32
    assert np.isfinite(value).all()
    assert (value[:, 3, 4] == 0).all()


@pytest.mark.parametrize("level", [0.0, 0.05, 250.0])
def test_a_flat_context_does_not_divide_by_zero(level: float) -> None:
    """The floor of the scale keeps water and zero fill finite."""
    bands = np.full((3, 32, 32), level, dtype=np.float32)
    statistics = context_statistics(bands, None)
    assert statistics is not None
    assert (statistics.scale > 0).all()
    assert (normalised(bands, statistics) == 0).all()


def test_smooth_fields_of_statistics_equal_constants_where_they_are_constant() -> None:
    """The service passes full fields, training one value per band: same pixels."""
    bands = ground()
    statistics = context_statistics(bands, None)
    assert statistics is not None
    fields = [np.broadcast_to(s[:, None, None], bands.shape) for s in (statistics.center, statistics.scale)]
    np.testing.assert_array_equal(normalise(bands, *fields), normalised(bands, statistics))
