"""Plain competitors on drawn and hand-made chips."""

import numpy as np
import pytest

from tests.training.tiny import drawn_chips, samples
from training.baselines import Brightness, fit_baselines, pixel_features, training_pixels
from training.metrics import scores
from training.scoring import evaluation, predictor


def test_features_of_a_pixel_by_hand() -> None:
    """The band, then mean and spread of 3x3 and of 9x9 pixels."""
    window = np.zeros((1, 20, 20), np.float32)
    window[0, 10, 10] = 9.0
    row = pixel_features(window).reshape(20, 20, 5)[10, 11]
    spread = [np.sqrt(81 / n - (9 / n) ** 2) for n in (9, 81)]
    np.testing.assert_allclose(row, [0.0, 1.0, spread[0], 9 / 81, spread[1]], rtol=1e-4)


def test_bands_lie_beside_each_other_in_every_neighbourhood() -> None:
    """Five numbers per band, pixels in reading order."""
    window = np.stack([np.full((4, 6), 1.0), np.arange(24.0).reshape(4, 6)]).astype(np.float32)
    found = pixel_features(window)
    assert found.shape == (24, 10)
    np.testing.assert_array_equal(found[:, 0], 1.0)
    np.testing.assert_array_equal(found[:, 1], np.arange(24.0))


def test_trees_find_bright_squares() -> None:
    """Trained on some chips, right on others; all baselines answer through the same door."""
    training, others = drawn_chips(list(range(30))), drawn_chips([100, 101, 102], seed=9)
    for baseline in fit_baselines(training):
        said = predictor(baseline)(others)
        assert said.shape == others.labels.shape
        assert scores(evaluation(others, said).counts, 0.5).f1_best > 0.95, baseline.name


def test_the_same_seed_gives_the_same_trees() -> None:
    """To the last bit."""
    training, others = drawn_chips(list(range(10))), drawn_chips([100])
    one, other = (fit_baselines(training, names=("XGBoost",))[1] for _ in range(2))
    np.testing.assert_array_equal(predictor(one)(others), predictor(other)(others))


def test_training_pixels_are_few_known_and_as_they_come() -> None:
    """No unlabelled and no unobserved pixel; landslide in its natural share."""
    chips = drawn_chips(list(range(40)))
    chips.labels[:, :4] = -1
    rows, truth = training_pixels(chips, 8_000, seed=0)
    assert len(rows) == len(truth) == 8_000
    known = chips.labels >= 0
    assert truth.mean() == pytest.approx((chips.labels[known] == 1).mean(), abs=0.01)
    everything, _ = training_pixels(chips, 10**9, seed=0)
    assert len(everything) == known.sum()


def test_nothing_can_be_told_apart_in_one_class() -> None:
    """All stable: said before the trees say something obscure."""
    chips = samples(np.arange(2), np.ones((2, 3, 32, 32), np.float32), np.zeros((2, 32, 32), np.int8), "here")
    with pytest.raises(ValueError, match="one class"):
        training_pixels(chips, 100, seed=0)


def test_near_infrared_and_slope_add_to_brightness() -> None:
    """Bright is more than dark; of equally bright pixels the bare and steep one is more."""
    bands = ("B04", "B03", "B02", "B08", "slope")
    pixels = np.zeros((1, 5, 1, 4), np.float32)
    pixels[0, :3, 0, 1:] = 1.0
    pixels[0, 3, 0, 2:] = -1.0
    pixels[0, 4, 0, 3] = 1.0
    said = Brightness(bands=bands).predict(pixels)[0, 0]
    assert (np.diff(said) > 0).all()
    assert (np.diff(Brightness(bands=bands[:3]).predict(pixels[:, :3])[0, 0])[1:] == 0).all()
