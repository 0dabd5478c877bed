"""Laws of the flips and of the average over them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from monitor.core.tta import FLIPS, predict_tile

Images = NDArray[np.float32]


class _Toy:
    """A network made of one numpy function on (N, C, H, W)."""

    def __init__(self, function: Callable[[Images], Images]) -> None:
        self._function = function
        self.shapes: set[tuple[int, ...]] = set()

    def predict(self, windows: Images) -> Images:
        self.shapes.add(windows.shape)
        return self._function(windows)


def _pointwise(windows: Images) -> Images:
    return np.asarray(1 / (1 + np.exp(-windows.sum(axis=1))), dtype=np.float32)


def _looks_left(windows: Images) -> Images:
    """Shifts by one column: not equivariant under horizontal flips."""
    return np.roll(_pointwise(windows), 1, axis=-1)


@pytest.mark.parametrize("name", FLIPS)
@given(array=arrays(np.float32, array_shapes(min_dims=2, max_dims=4), elements=st.floats(-1, 1, width=32)))
def test_a_flip_undoes_itself(name: str, array: Images) -> None:
    """flip∘flip = identity, on any leading axes."""
    assert np.array_equal(FLIPS[name](FLIPS[name](array)), array)


def test_the_flips_are_four_different_ones() -> None:
    """Rows and columns are reversed as the names say."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)

    assert FLIPS["horizontal"](array)[0].tolist() == [2, 1, 0]
    assert FLIPS["vertical"](array)[0].tolist() == [3, 4, 5]
    assert FLIPS["both"](array)[0].tolist() == [5, 4, 3]
    assert FLIPS["identity"](array)[0].tolist() == [0, 1, 2]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), crop=st.sampled_from([0, 7, 32]), core=st.sampled_from([64, 256]))
def test_an_equivariant_network_has_no_spread(seed: int, crop: int, core: int) -> None:
    """Where flips do not matter the spread is exactly zero and the mean is the plain answer."""
    side = 256 + 2 * crop
    features = np.random.default_rng(seed).normal(0, 2, (3, side, side)).astype(np.float32)

    prediction = predict_tile(_Toy(_pointwise), features, tuple(FLIPS), crop, core + 2 * crop)

    assert not prediction.spread.any()
    assert np.array_equal(prediction.probability, _pointwise(features[None])[0, crop : crop + 256, crop : crop + 256])


def test_mean_and_spread_of_a_network_that_looks_left() -> None:
    """Half the flips answer with the left neighbour, half with the right one."""
    features = np.random.default_rng(0).normal(0, 1, (1, 320, 320)).astype(np.float32)
    plain = _pointwise(features[None])[0].astype(np.float64)
    left, right = np.roll(plain, 1, axis=1), np.roll(plain, -1, axis=1)

    prediction = predict_tile(_Toy(_looks_left), features, tuple(FLIPS), 32)

    np.testing.assert_allclose(prediction.probability, ((left + right) / 2)[32:-32, 32:-32], atol=1e-6)
    np.testing.assert_allclose(prediction.spread, (np.abs(left - right) / 2)[32:-32, 32:-32], atol=1e-6)
    assert prediction.probability.shape == prediction.spread.shape == (256, 256)
    assert prediction.probability.dtype == prediction.spread.dtype == np.float32


def test_the_network_sees_one_window_of_the_fixed_shape_at_a_time() -> None:
    """Fixed shapes are what makes answers independent of their neighbours."""
    toy = _Toy(_pointwise)

    predict_tile(toy, np.zeros((3, 288, 288), dtype=np.float32), ["identity", "both"], 16, 96)

    assert toy.shapes == {(1, 3, 96, 96)}


@pytest.mark.parametrize(
    ("features", "flips", "says"),
    [
        (np.zeros((3, 256, 256)), ["identity"], "halo of 32 px"),
        (np.zeros((320, 320)), ["identity"], "halo of 32 px"),
        (np.full((3, 320, 320), np.nan), ["identity"], "fill what was not observed"),
        (np.zeros((3, 320, 320)), [], "no flips"),
    ],
)
def test_wrong_input_is_refused(features: Images, flips: list[str], says: str) -> None:
    """NaN would spread through pooling over the window: it must never reach the network."""
    with pytest.raises(ValueError, match=says):
        predict_tile(_Toy(_pointwise), features.astype(np.float32), flips, 32)
