"""Fixed-point codes: memory and disk hold the same numbers."""

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
from monitor.records import Look

Floats = NDArray[np.float32]


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
    assert decode_reflectance(encode_reflectance(np.full((2, 2), value, dtype=np.float32)))[0, 0] == pytest.approx(
        kept, abs=1e-6
    )


def test_quantising_a_look_twice_is_quantising_once() -> None:
    """Statistics of the quantised look are those of what the disk gives back."""
    rng = np.random.default_rng(3)
    look = Look(
        tile=tile_from_id("UTM54N-0150-1842"),
        acquisition_id="a",
        sensing_time=datetime(2018, 10, 22, tzinfo=UTC),
        probability=rng.random((256, 256), dtype=np.float32),
        spread=rng.random((256, 256), dtype=np.float32) * np.float32(0.5),
        pixels=rng.random((3, 256, 256), dtype=np.float32),
        state=np.zeros((256, 256), dtype=np.uint8),
    )

    once = quantise(look)
    twice = quantise(once)

    assert not np.array_equal(once.probability, look.probability)
    for name in ("probability", "spread", "pixels"):
        assert np.array_equal(getattr(once, name), getattr(twice, name))
