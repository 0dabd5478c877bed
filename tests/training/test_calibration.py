"""Probabilities that are meant: temperature, thresholds and calibration error against known truth."""

import numpy as np
import pytest
from scipy.special import expit, logit

from tests.training.tiny import samples
from training.calibration import LIT, LIT_BINS, averaged, calibrate, reliability, tempered
from training.samples import Samples


def honest(seed: int = 0) -> tuple[Samples, np.ndarray]:
    """Chips whose labels are drawn with exactly the probability that is said."""
    rng = np.random.default_rng(seed)
    said = expit(rng.normal(-2, 2, (6, 128, 128))).astype(np.float32)
    labels = (rng.random(said.shape) < said).astype(np.int8)
    return samples(np.arange(6), np.zeros((6, 3, 128, 128), np.float32), labels, "here"), said


def test_an_honest_network_keeps_its_temperature() -> None:
    """One, and hardly any calibration error."""
    chips, said = honest()
    assert calibrate(chips, said).temperature == pytest.approx(1.0, abs=0.03)
    assert reliability(chips, said).error() < 0.01


def test_a_network_that_doubles_its_logits_is_cooled() -> None:
    """Temperature two brings the honest probability back, on chips that were not fitted on."""
    chips, said = honest()
    boastful = expit(2 * logit(said)).astype(np.float32)
    fitted = calibrate(chips, boastful)
    assert fitted.temperature == pytest.approx(2.0, abs=0.06)
    others, said = honest(seed=1)
    boastful = expit(2 * logit(said)).astype(np.float32)
    before, after = (reliability(others, one) for one in (boastful, tempered(boastful, fitted.temperature)))
    assert before.error() > 0.05 > 5 * after.error()
    assert before.error(lit=True) > 0.05 > 4 * after.error(lit=True)


def test_temperature_never_changes_an_order() -> None:
    """Nor what was not observed; certainty stays finite."""
    said = np.array([0.0, 0.2, 0.5, 0.9, 1.0, np.nan], np.float32)
    cooled = tempered(said, 1.7)
    assert (np.diff(cooled[:5]) > 0).all()
    assert cooled[2] == 0.5
    assert np.isnan(cooled[5])
    assert 0 < cooled[0] < cooled[4] < 1


def test_labels_that_say_nothing_fit_nothing() -> None:
    """All stable: temperature one, thresholds within what a service can use."""
    chips = samples(np.arange(1), np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 8, 8), np.int8), "here")
    found = calibrate(chips, np.full((1, 8, 8), 0.3, np.float32))
    assert found.temperature == 1.0
    assert 0.05 <= found.best_f1 <= 0.95
    assert 0.05 <= found.balanced <= 0.95


def test_bins_hold_equally_many_pixels_where_something_is_said() -> None:
    """The first holds what is called nothing; unlabelled and unobserved pixels are in none."""
    chips, said = honest()
    chips.labels[0] = -1
    said[1] = np.nan
    found = reliability(chips, said)
    known = said[2:]
    assert len(found.pixels) == LIT_BINS + 1
    assert found.pixels.sum() == known.size
    assert found.pixels[0] == (known < LIT).sum()
    assert np.ptp(found.pixels[1:]) <= 2
    np.testing.assert_allclose((found.said * found.pixels).sum() / known.size, known.mean(), rtol=1e-4)


def test_the_error_is_the_mean_distance_by_hand() -> None:
    """Half of the pixels said 0.8 and seen 0.5, half said nothing and seen nothing."""
    said = np.zeros((1, 2, 10), np.float32)
    said[0, 0] = 0.8
    labels = np.zeros((1, 2, 10), np.int8)
    labels[0, 0, :5] = 1
    chips = samples(np.arange(1), np.zeros((1, 3, 2, 10), np.float32), labels, "here")
    assert reliability(chips, said).error() == pytest.approx(0.15, abs=1e-6)
    assert reliability(chips, said).error(lit=True) == pytest.approx(0.3, abs=1e-6)


def test_the_temperature_of_every_flip_is_in_its_mean() -> None:
    """Mean of the tempered, not the tempered mean; what was not observed stays so."""
    chip = np.array([[[0.5, 0.9]], [[0.9, np.nan]]], np.float32)
    raw, cooled = averaged([chip], (1, 2))
    np.testing.assert_allclose(raw, [[[0.7, np.nan]]], atol=1e-6)
    np.testing.assert_allclose(cooled, [[[(0.5 + 0.75) / 2, np.nan]]], atol=1e-6)
