"""Scores against hand-made cases."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from training.metrics import (
    THRESHOLDS,
    bin_of,
    blocks_of,
    bootstrap,
    curve,
    histogram,
    intervals,
    paired_differences,
    scores,
)


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


@pytest.mark.parametrize("sureness", [1, 5, 20])
def test_the_area_is_that_of_the_order_of_the_pixels(sureness: float) -> None:
    """Also near to 0 and 1, as far as float32 tells pixels apart: as scikit-learn counts it, pixel by pixel."""
    rng = np.random.default_rng(3)
    mask = rng.random(50_000) < 0.05
    logits = sureness * (rng.standard_normal(mask.size) + 2.5 * mask - 1)
    probability = (1 / (1 + np.exp(-np.clip(logits, -80, 15)))).astype(np.float32)
    found = scores(histogram(probability, mask), threshold=0.5)
    assert found.pr_auc == pytest.approx(average_precision_score(mask, probability), abs=0.003)


def test_thresholds_have_three_digits_and_begin_a_bin() -> None:
    """Whatever the histogram, a pixel that says just the threshold is called a landslide, one below is not."""
    for threshold in THRESHOLDS[1:]:
        said = np.float32(threshold)
        counts = histogram(np.array([said, np.nextafter(said, np.float32(0))]), np.array([True, False]))
        found = curve(counts)
        assert (found.precision[bin_of(threshold)], found.recall[bin_of(threshold)]) == (1, 1)
    assert curve(histogram(np.array([0.99995, 0.9], np.float32), np.array([True, False]))).best_threshold() == 0.901


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


def test_the_union_score_is_counted_by_hand() -> None:
    """Two found, one missed, one false: 2 of 4."""
    probability = np.array([0.9, 0.8, 0.2, 0.7, 0.1], np.float32)
    mask = np.array([True, True, True, False, False])
    assert scores(histogram(probability, mask), threshold=0.5).iou == pytest.approx(2 / 4)


def test_unlabelled_and_unobserved_pixels_never_count() -> None:
    """However sure the network is about them."""
    probability = np.array([0.9, 0.9, np.nan, np.nan, 0.1], np.float32)
    labels = np.array([1, -1, 1, 0, 0], np.int8)
    counts = histogram(probability, labels)
    assert counts.sum() == 2
    assert scores(counts, threshold=0.5).f1 == 1.0


def test_precision_and_recall_meet_at_the_balanced_threshold() -> None:
    """Two of three found and two of three right at 0.6; elsewhere they differ."""
    probability = np.array([0.9, 0.8, 0.6, 0.4, 0.3, 0.1], np.float32)
    mask = np.array([True, True, False, True, False, False])
    found = curve(histogram(probability, mask))
    at = bin_of(found.balanced_threshold())
    assert found.precision[at] == found.recall[at] == pytest.approx(2 / 3)
    assert 0.4 < found.balanced_threshold() <= 0.6


def test_blocks_are_numbered_from_nought() -> None:
    """Thirty ids to a block."""
    assert blocks_of(np.array([29, 30, 31, 3000])).tolist() == [0, 1, 1, 2]


def test_whole_regions_vary_more_than_chips() -> None:
    """Two regions, one easy and one hard: resampling regions shows it, resampling chips hides it."""
    rng = np.random.default_rng(0)
    mask = rng.random((40, 400)) < 0.3
    easy = np.arange(40)[:, None] < 20
    probability = np.where(easy, mask, rng.random(mask.shape)).astype(np.float32)
    counts = np.stack([histogram(p, m) for p, m in zip(probability, mask, strict=True)])
    by_region = intervals((~easy[:, 0]).astype(np.int64), counts, 0.5, draws=200)["f1"]
    by_chip = intervals(np.arange(40), counts, 0.5, draws=200)["f1"]
    assert by_region[1] - by_region[0] > 2 * (by_chip[1] - by_chip[0])


def test_pairing_finds_a_small_difference_that_intervals_hide() -> None:
    """Chips differ a lot, the models by little but always: the paired interval leaves out zero."""
    rng = np.random.default_rng(2)
    mask = rng.random((60, 400)) < 0.3
    hardness = rng.random((60, 1))
    first = np.clip(mask * (1 - hardness) + hardness * rng.random(mask.shape), 0, 1).astype(np.float32)
    second = np.where(mask, np.minimum(first + 0.05, 1), first).astype(np.float32)
    counts = [np.stack([histogram(p, m) for p, m in zip(one, mask, strict=True)]) for one in (first, second)]
    units = np.arange(60)
    apart = paired_differences(units, (counts[0], counts[1]), (0.5, 0.5), draws=200)["f1"]
    alone = [intervals(units, one, 0.5, draws=200)["f1"] for one in counts]
    assert 0 < apart.interval[0] < apart.value < apart.interval[1]
    assert alone[0][1] > alone[1][0]
    nothing = paired_differences(units, (counts[0], counts[0]), (0.5, 0.5), draws=50)["pr_auc"]
    assert (nothing.value, nothing.interval) == (0.0, (0.0, 0.0))


def test_the_steady_threshold_lies_amid_what_is_as_good() -> None:
    """Between two clear groups any threshold is right: the middle is taken, not an end."""
    probability = np.array([0.2, 0.2, 0.8, 0.8], np.float32)
    found = curve(histogram(probability, np.array([False, False, True, True])))
    assert found.steady_threshold() == pytest.approx(0.5, abs=0.01)
    assert found.f1[bin_of(found.steady_threshold())] == 1.0
