"""Scores against hand-made cases."""

import numpy as np
import pytest
import torch

from training.loss import bce_dice_loss, dice_loss
from training.metrics import bootstrap, histogram, scores


def test_a_perfect_map_scores_one() -> None:
    """Every figure at its best."""
    mask = np.array([[True, False], [False, True]])
    found = scores(histogram(mask.astype(np.float32), mask), threshold=0.5)
    assert found.f1 == found.precision == found.recall == found.pr_auc == found.f1_best == 1.0


def test_scores_by_hand() -> None:
    """Four pixels, one missed, one false: precision and recall one half."""
    probability = np.array([0.9, 0.8, 0.2, 0.1], np.float32)
    mask = np.array([True, False, True, False])
    found = scores(histogram(probability, mask), threshold=0.5)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    # Average precision: 1/2 of recall at precision 1, 1/2 at precision 2/3.
    assert found.pr_auc == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found.f1_best == pytest.approx(0.8)


def test_a_random_map_has_the_share_of_positives_as_area() -> None:
    """Which makes the area comparable between data sets only with that share."""
    rng = np.random.default_rng(0)
    mask = rng.random(200_000) < 0.1
    found = scores(histogram(rng.random(200_000).astype(np.float32), mask), threshold=0.5)
    assert found.pr_auc == pytest.approx(0.1, abs=0.005)


def test_no_landslide_at_all_divides_nothing_by_zero() -> None:
    """Scores of quiet ground are zero, not NaN."""
    found = scores(histogram(np.zeros(10, np.float32), np.zeros(10, bool)), threshold=0.5)
    assert found.f1 == found.recall == found.pr_auc == 0.0


def test_intervals_hold_the_figure_and_are_repeatable() -> None:
    """The same seed draws the same blocks."""
    rng = np.random.default_rng(1)
    mask = rng.random((60, 100)) < 0.2
    probability = np.clip(0.4 * mask + 0.6 * rng.random((60, 100)), 0, 1).astype(np.float32)
    counts = np.stack([histogram(p, m) for p, m in zip(probability, mask, strict=True)])
    ids = np.arange(0, 600, 10)
    intervals = bootstrap(ids, counts, 0.5, draws=200)
    low, high = intervals["f1"]
    assert low < scores(counts.sum(axis=0), 0.5).f1 < high
    assert intervals == bootstrap(ids, counts, 0.5, draws=200)


def test_losses_fall_towards_the_right_answer() -> None:
    """Certain and right is near zero, certain and wrong is worse than undecided."""
    target = (torch.arange(64).reshape(1, 1, 8, 8) % 3 == 0).float()
    right, wrong, undecided = 20 * (2 * target - 1), -20 * (2 * target - 1), torch.zeros_like(target)
    assert float(bce_dice_loss(right, target)) < 1e-3
    assert float(bce_dice_loss(wrong, target)) > float(bce_dice_loss(undecided, target))
    assert 0 <= float(dice_loss(undecided, target)) <= 1
