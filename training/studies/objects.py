"""Object-based refinement: a network's answer decided by segments of the image instead of pixel by pixel.

Segments are those of Felzenszwalb and Huttenlocher 2004, "Efficient graph-based image segmentation"
(doi 10.1023/B:VISI.0000022288.19776.77): neighbours are joined from the most alike on, until an edge is sharper than
what lies within. Each is told the mean probability of its pixels, so that an answer spills over no edge of the image
and has no holes. The text of the Landslide4Sense comparison does not say how it refines; this is our way, and one of
many.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb

from training.calibration import calibrate
from training.metrics import paired_differences, scores
from training.report.tables import Table
from training.samples import Samples
from training.scoring import Evaluation, evaluation, normalised
from training.studies.outcomes import Outcome, Rule

COARSENESS: Final = 1.0
"""How much sharper than what lies within an edge around a single pixel must be, in spreads of the ground.

Larger gives fewer segments. On the threshold patches the true outlines drawn by whole segments have an F1 of 0.89
(0.5, 980 segments of a patch), 0.87 (1, 570), 0.84 (2, 330) and 0.79 (4, 200): with 1 little is lost.
"""
LEAST_PX: Final = 4
"""Smaller segments are joined to the neighbour that is most alike: scars are often 2 or 3 pixels wide."""
_SCALE: Final = 255
"""By which the library divides its `scale`, made for colours of 8 bits."""
_SHOWN: Final = (("P", "precision"), ("R", "recall"), ("F1", "f1"), ("IoU", "iou"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """Chips with the segments of their images."""

    chips: Samples
    segments: NDArray[np.int32]
    """(N, H, W) number of the segment within its chip, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The answers of one row by segments."""

    outcome: Outcome
    scored: Evaluation
    threshold: float
    """By the same rule as that of the pixels, from the threshold chips by segments."""


def segmented(chips: Samples) -> Segmented:
    """Every chip divided by its image as a network sees it, without a look at labels."""
    found = [segments(normalised(chips, index)) for index in range(len(chips))]
    return Segmented(chips=chips, segments=np.stack(found))


def segments(image: NDArray[np.float32]) -> NDArray[np.int32]:
    """(H, W) numbers from 0 of the segments of an image (C, H, W), finite, in spreads of the ground."""
    channels_last = np.moveaxis(image, 0, -1).astype(np.float64)
    with warnings.catch_warnings():
        # Six channels are meant: the library asks whether anything but a photograph is.
        warnings.filterwarnings("ignore", "Got image with third dimension", RuntimeWarning)
        found = felzenszwalb(channels_last, _SCALE * COARSENESS, sigma=0, min_size=LEAST_PX, channel_axis=-1)
    return np.asarray(found, dtype=np.int32)


def by_segments(probability: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """(H, W) mean probability of the segment that each pixel belongs to; NaN stays NaN and counts for nothing."""
    observed = np.isfinite(probability)
    count = int(labels.max()) + 1
    total = np.bincount(labels[observed], weights=probability[observed], minlength=count)
    number = np.bincount(labels[observed], minlength=count)
    mean = total / np.maximum(number, 1)
    return np.where(observed, mean[labels], np.nan).astype(np.float32)


def refined(
    outcome: Outcome, held_out: Segmented, scored: Segmented, said: Sequence[NDArray[np.float32]], rule: Rule
) -> Refined:
    """A row's answers by segments.

    Args:
        outcome: of the row, by pixels.
        held_out: chips of the threshold.
        scored: chips that are scored.
        said: the network's (N, H, W) probability on the former and on the latter.
        rule: which threshold the study takes.
    """
    fitted_on, answers = (_each(one, chips.segments) for one, chips in zip(said, (held_out, scored), strict=True))
    return Refined(
        outcome=outcome,
        scored=evaluation(scored.chips, answers),
        threshold=rule(calibrate(held_out.chips, fitted_on)),
    )


def objects_table(found: Sequence[Refined]) -> Table:
    """Every row without and with the refinement, and the difference."""
    rows = []
    for one in found:
        off, on = one.outcome.scored, one.scored
        plain, by_object = scores(off.counts, one.outcome.threshold), scores(on.counts, one.threshold)
        difference = paired_differences(
            off.blocks, (off.histograms, on.histograms), (one.outcome.threshold, one.threshold)
        )["f1"]
        low, high = difference.interval
        several = off.blocks.max(initial=0) > 0
        rows.append(
            (
                f"{one.outcome.row}  {one.outcome.words}",
                *(f"{getattr(plain, key):.2f}" for _, key in _SHOWN),
                *(f"{getattr(by_object, key):.2f}" for _, key in _SHOWN),
                f"{difference.value:+.3f}" + (f" ({low:+.3f} to {high:+.3f})" if several else ""),
            )
        )
    return Table(
        title="Object-based refinement off and on",
        meaning="Off: every pixel by itself. On: every segment of the image by the mean probability of its pixels. "
        "Both with the threshold by the same rule, from the threshold chips. The last column is the difference of F1, "
        "paired on the resampled blocks, with its 95 % interval.",
        head=("row", *(f"{name} off" for name, _ in _SHOWN), *(f"{name} on" for name, _ in _SHOWN), "F1 more"),
        rows=tuple(rows),
    )


def _each(probability: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.stack([by_segments(*pair) for pair in zip(probability, labels, strict=True)])
