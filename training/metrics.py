"""Scores of a probability map against labels, from histograms, with bootstrap intervals.

Everything follows from two histograms of the probability, one of landslide pixels and one of
stable ones, so a score costs one pass and resampling costs sums of histograms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

THRESHOLDS: Final = np.arange(1000, dtype=np.float64) / 1000
"""What a threshold is chosen from."""
_ENDS: Final = np.logspace(-2, -7, 101)
EDGES: Final = np.unique(np.concatenate([THRESHOLDS, _ENDS, 1 - _ENDS]).astype(np.float32))
"""(BINS,) float32, where each bin of probability begins: every thousandth, and ever closer to 0 and 1.

A network that is sure of itself says 0.9995 of one pixel and 0.99999 of the next: in one bin their order is lost.
"""
BINS: Final = len(EDGES)
_CHOICES: Final = np.searchsorted(EDGES, THRESHOLDS.astype(np.float32))
"""(1000,) the bins that begin at a threshold."""
_AS_GOOD: Final = 0.005
"""Difference of F1 that a few chips more or less make."""
BLOCK_IDS: Final = 30
"""Consecutive ids resampled together: neighbours on the ground are not independent."""
FIGURES: Final = ("f1", "iou", "pr_auc", "precision", "recall", "f1_best")
"""The fields of `Scores` that get an interval."""

Histogram = NDArray[np.int64]
"""(2, BINS) pixel counts: row 0 without landslide, row 1 with."""
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Pixel scores at one threshold and over all of them."""

    f1: float
    iou: float
    """Intersection over union of the landslide pixels."""
    precision: float
    recall: float
    threshold: float
    pr_auc: float
    """Average precision: area under the precision-recall curve as a step function."""
    f1_best: float
    threshold_best: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Precision and recall from the beginning of each bin upwards; (BINS,) float64 each, recall falls."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """(BINS,) harmonic mean of both."""
        mean: NDArray[np.float64] = 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-12)
        return mean

    def best_threshold(self) -> float:
        """Where F1 is highest."""
        return float(THRESHOLDS[self.f1[_CHOICES].argmax()])

    def steady_threshold(self) -> float:
        """The middle of the stretch around the highest F1 on which F1 is as good as the highest.

        Few chips make F1 flat over a third of all thresholds; where on it the very highest lies is chance.
        """
        f1 = self.f1[_CHOICES]
        best = int(f1.argmax())
        poor = np.flatnonzero(f1 < f1[best] - _AS_GOOD)
        first = int(poor[poor < best].max(initial=-1)) + 1
        last = int(poor[poor > best].min(initial=len(f1))) - 1
        return float(THRESHOLDS[(first + last) // 2])

    def balanced_threshold(self) -> float:
        """Where precision and recall are nearest to each other; thresholds that find nothing do not count."""
        apart = np.where(self.recall > 0, np.abs(self.precision - self.recall), np.inf)
        return float(THRESHOLDS[apart[_CHOICES].argmin()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of a model minus the same figure of another, on the same pixels."""

    value: float
    interval: Interval
    """95 %, paired: both models are scored on the same resampled blocks."""


def histogram(probability: NDArray[np.float32], labels: NDArray[np.bool_] | NDArray[np.int8]) -> Histogram:
    """Count pixels by probability (0-1, NaN = no observation); other labels than 0 and 1 never count."""
    observed = np.isfinite(probability)
    index = np.searchsorted(EDGES[1:], np.where(observed, probability, 0).astype(np.float32), side="right")
    rows = [np.bincount(index[observed & (labels == label)], minlength=BINS) for label in (0, 1)]
    return np.stack(rows).astype(np.int64)


def curve(counts: Histogram) -> Curve:
    """Precision and recall of one histogram; a pixel is landslide when its probability >= threshold."""
    false_positive, true_positive = counts[:, ::-1].cumsum(axis=1)[:, ::-1].astype(np.float64)
    positives = max(float(counts[1].sum()), 1.0)
    return Curve(
        precision=true_positive / np.maximum(true_positive + false_positive, 1), recall=true_positive / positives
    )


def scores(counts: Histogram, threshold: float) -> Scores:
    """Scores of one histogram; a pixel is landslide when its probability >= threshold."""
    found = curve(counts)
    f1 = found.f1
    # Falling thresholds raise recall: each step adds its recall at its own precision.
    gains = np.diff(found.recall[::-1], prepend=0.0)
    at = bin_of(threshold)
    return Scores(
        f1=float(f1[at]),
        iou=float(f1[at] / (2 - f1[at])),  # the same counts, arranged otherwise
        precision=float(found.precision[at]),
        recall=float(found.recall[at]),
        threshold=threshold,
        pr_auc=float((gains * found.precision[::-1]).sum()),
        f1_best=float(f1[_CHOICES].max()),
        threshold_best=found.best_threshold(),
    )


def bin_of(threshold: float) -> int:
    """The bin that begins at the nearest of THRESHOLDS."""
    return int(_CHOICES[min(round(threshold * len(THRESHOLDS)), len(THRESHOLDS) - 1)])


def blocks_of(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) number, from 0, of the block of consecutive ids that every chip belongs to."""
    return np.unique(ids // BLOCK_IDS, return_inverse=True)[1].astype(np.int64)


def summed(values: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N, ...) counts of chips added up by unit: (U, ...)."""
    sums = np.zeros((int(units.max(initial=-1)) + 1, *values.shape[1:]), dtype=np.int64)
    np.add.at(sums, units, values)
    return sums


def redrawn(count: int, draws: int = 1000, seed: int = 0) -> NDArray[np.int64]:
    """(draws, count) how often each unit is drawn when `count` of them are drawn with replacement (Efron 1979)."""
    rng = np.random.default_rng(seed)
    return np.stack([np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(draws)])


def bootstrap(
    ids: NDArray[np.int64],
    histograms: NDArray[np.int64],
    threshold: float,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % percentile intervals by resampling blocks of consecutive ids.

    ids: (N,) patch numbers; histograms: (N, 2, BINS). Keys: FIGURES. Blocks as in Künsch 1989, here disjoint.
    """
    return intervals(blocks_of(ids), histograms, threshold, draws=draws, seed=seed)


def intervals(
    units: NDArray[np.int64], histograms: NDArray[np.int64], threshold: float, *, draws: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """95 % percentile intervals of FIGURES by resampling units (see `blocks_of`)."""
    drawn = _drawn_figures(summed(histograms, units), threshold, draws, seed)
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return {key: (float(low[i]), float(high[i])) for i, key in enumerate(FIGURES)}


def paired_differences(
    units: NDArray[np.int64],
    histograms: tuple[NDArray[np.int64], NDArray[np.int64]],
    thresholds: tuple[float, float],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Difference]:
    """FIGURES of the second model minus the first's, both on the same chips, each at its own threshold."""
    sums = [summed(one, units) for one in histograms]
    first, second = (scores(one.sum(axis=0), at) for one, at in zip(sums, thresholds, strict=True))
    # The same seed draws the same units for both.
    drawn = [_drawn_figures(one, at, draws, seed) for one, at in zip(sums, thresholds, strict=True)]
    low, high = np.percentile(drawn[1] - drawn[0], (2.5, 97.5), axis=0)
    return {
        key: Difference(value=getattr(second, key) - getattr(first, key), interval=(float(low[i]), float(high[i])))
        for i, key in enumerate(FIGURES)
    }


def _drawn_figures(sums: NDArray[np.int64], threshold: float, draws: int, seed: int) -> NDArray[np.float64]:
    """(draws, len(FIGURES)) figures of resampled units; sums: (U, 2, BINS)."""
    resampled = (scores(np.tensordot(drawn, sums, axes=1), threshold) for drawn in redrawn(len(sums), draws, seed))
    return np.array([[getattr(one, key) for key in FIGURES] for one in resampled])
