"""Scores of a probability map against a mask, from histograms, with bootstrap intervals.

Everything follows from two histograms of the probability, one of landslide pixels and one of the
others, so a score costs one pass and resampling blocks costs sums of histograms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 1000
"""Bins of probability between 0 and 1; thresholds are multiples of 1/1000."""
BLOCK_IDS: Final = 30
"""Consecutive ids resampled together: neighbours on the ground are not independent."""

Histogram = NDArray[np.int64]
"""(2, BINS) pixel counts: row 0 without landslide, row 1 with."""
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Pixel scores at one threshold and over all of them."""

    f1: float
    precision: float
    recall: float
    threshold: float
    pr_auc: float
    """Average precision: area under the precision-recall curve as a step function."""
    f1_best: float
    threshold_best: float


def histogram(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> Histogram:
    """Count pixels by probability; both of one shape, probability in 0-1."""
    index = np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
    return np.stack([np.bincount(index[mask == label], minlength=BINS) for label in (False, True)]).astype(np.int64)


def scores(counts: Histogram, threshold: float) -> Scores:
    """Scores of one histogram; a pixel is landslide when its probability >= threshold."""
    false_positive, true_positive = counts[:, ::-1].cumsum(axis=1)[:, ::-1].astype(np.float64)
    positives = max(float(counts[1].sum()), 1.0)
    precision = true_positive / np.maximum(true_positive + false_positive, 1)
    recall = true_positive / positives
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    # Falling thresholds raise recall: each step adds its recall at its own precision.
    gains = np.diff(recall[::-1], prepend=0.0)
    best = int(f1.argmax())
    at = min(round(threshold * BINS), BINS - 1)
    return Scores(
        f1=float(f1[at]),
        precision=float(precision[at]),
        recall=float(recall[at]),
        threshold=threshold,
        pr_auc=float((gains * precision[::-1]).sum()),
        f1_best=float(f1[best]),
        threshold_best=best / BINS,
    )


def bootstrap(
    ids: NDArray[np.int64],
    histograms: NDArray[np.int64],
    threshold: float,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % percentile intervals by resampling blocks of consecutive ids.

    ids: (N,) patch numbers; histograms: (N, 2, BINS). Keys: f1, pr_auc, precision, recall,
    f1_best. Efron 1979; blocks as in Künsch 1989, here disjoint.
    """
    rng = np.random.default_rng(seed)
    _, block = np.unique(ids // BLOCK_IDS, return_inverse=True)
    count = int(block.max()) + 1
    sums = np.zeros((count, *histograms.shape[1:]), dtype=np.int64)
    np.add.at(sums, block, histograms)
    keys = ("f1", "pr_auc", "precision", "recall", "f1_best")
    drawn = np.empty((draws, len(keys)))
    for row in range(draws):
        weights = np.bincount(rng.integers(count, size=count), minlength=count)
        resampled = scores(np.tensordot(weights, sums, axes=1), threshold)
        drawn[row] = [getattr(resampled, key) for key in keys]
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return {key: (float(low[i]), float(high[i])) for i, key in enumerate(keys)}
