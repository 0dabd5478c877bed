"""What is scored is what is shipped: the weights through the service's inference."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from monitor.adapters.model_store import load_card
from monitor.errors import BadModel
from tests.training.tiny import drawn_chips, samples, write_model
from training.metrics import scores
from training.scoring import ask, evaluation, normalised, onnx_predictor


class LeftNeighbour:
    """Answers with the pixel to the left: right of every edge it is wrong, and a flip shows it."""

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(expit(np.roll(windows[:, 0], 1, axis=-1)), dtype=np.float32)


def test_the_weights_of_a_folder_answer_for_chips_of_another_size_than_its_windows(tmp_path: Path) -> None:
    """Known by heart: sigmoid of the mean of the normalised bands."""
    card, chips = load_card(write_model(tmp_path / "tiny")), drawn_chips([1, 2])
    said = onnx_predictor(card, 1)(chips)
    by_hand = [expit(normalised(chips, index).mean(axis=0)) for index in range(2)]
    np.testing.assert_allclose(said, by_hand, atol=1e-6)
    assert scores(evaluation(chips, said).counts, 0.9).f1 == 1.0


def test_a_model_is_not_scored_on_other_bands(tmp_path: Path) -> None:
    """Nor on the same bands in another order."""
    predict = onnx_predictor(load_card(write_model(tmp_path / "tiny")), 1)
    with pytest.raises(BadModel, match="needs the bands B04, B03, B02, drawn has B02, B03, B04"):
        predict(replace(drawn_chips([1]), bands=("B02", "B03", "B04")))


def test_a_chip_is_scored_alike_in_any_company() -> None:
    """The noise against the ties of 8 bits depends on its id alone."""
    chips = drawn_chips([4, 5, 6])
    np.testing.assert_array_equal(normalised(chips, 2), normalised(chips.take([6]), 0))
    assert not np.array_equal(normalised(chips, 0), normalised(replace(chips, ids=np.array([7, 5, 6])), 0))


def test_the_mean_over_flips_turns_with_its_input_and_the_spread_tells_of_it() -> None:
    """A network that looks to the left is not alone in its opinion once flips are averaged."""
    chips = drawn_chips([1])
    real = replace(chips, pixels=chips.pixels.astype(np.float32))
    mirrored = replace(real, pixels=real.pixels[..., ::-1].astype(np.float32))
    flips = ("identity", "horizontal")
    one, other = ask(LeftNeighbour(), real, flips), ask(LeftNeighbour(), mirrored, flips)
    np.testing.assert_allclose(other.probability[..., ::-1], one.probability, atol=1e-6)
    assert one.spread.max() > 0.1
    assert ask(LeftNeighbour(), real, ("identity",)).spread.max() == 0


def test_pixels_without_observation_are_not_scored() -> None:
    """One band that is missing is enough."""
    pixels = np.random.default_rng(0).random((1, 3, 32, 32)).astype(np.float32)
    pixels[0, 1, :4] = np.nan
    chips = samples(np.array([1]), pixels, np.zeros((1, 32, 32), np.int8), "here")
    said = ask(LeftNeighbour(), chips, ("identity",)).probability
    assert np.isnan(said[0, :4]).all()
    assert np.isfinite(said[0, 4:]).all()
    assert evaluation(chips, said).counts.sum() == 28 * 32


def test_every_region_has_its_own_figures() -> None:
    """Few blocks give figures without intervals."""
    chips = replace(drawn_chips(list(range(0, 300, 30))), groups=np.array(["near"] * 8 + ["far"] * 2))
    said = (chips.labels * 0.9).astype(np.float32)
    said[8:] = 0.0
    found = evaluation(chips, said).by_group(0.5)
    assert found["near"]["f1"] == 1.0
    assert found["far"]["f1"] == 0.0
    assert found["near"]["intervals"]["f1"] == (1.0, 1.0)
    assert found["far"]["intervals"] == {}


def test_chips_of_one_block_have_figures_without_intervals() -> None:
    """Resampling a single block draws the same chips every time: an interval of no width would be a lie."""
    one, two = drawn_chips([300, 301]), drawn_chips([300, 340])
    assert evaluation(one, one.labels * np.float32(0.9)).summary(0.5)["intervals"] == {}
    assert "f1" in evaluation(two, two.labels * np.float32(0.9)).summary(0.5)["intervals"]


def test_answers_of_another_shape_are_refused() -> None:
    """A mistake in the calling code."""
    with pytest.raises(ValueError, match="probability"):
        evaluation(drawn_chips([1, 2]), np.zeros((1, 32, 32), np.float32))
