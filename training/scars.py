"""Scars as things: how many of each size were found, and how many things were seen that are none.

A scar is a connected piece (8 neighbours) of the label. Pixel scores are ruled by the few largest
scars; whether the small ones are found at all is a question of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.metrics import Interval, redrawn, summed
from training.samples import LANDSLIDE, UNLABELLED, Samples

SIZES_HA: Final = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, np.inf)
"""Limits of the size classes: a scar belongs to the class whose lower limit it reaches."""
FOUND_SHARE: Final = 0.5
"""A scar is found when at least this share of its pixels is at or above the threshold."""

_EIGHT: Final = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeClass:
    """Scars of one size. Those cut off by the edge of their chip count with the part inside."""

    low_ha: float
    high_ha: float
    scars: int
    found: int
    interval: Interval
    """95 % of the share found, by resampling units of chips; NaN where no unit has such a scar."""

    @property
    def share(self) -> float:
        """Of the scars, how many were found; NaN of none."""
        return self.found / self.scars if self.scars else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Scars found and things seen that are none."""

    classes: tuple[SizeClass, ...]
    false_components: int
    """Connected pieces at or above the threshold that touch no landslide, on labelled and observed ground."""
    seen_km2: float
    """Labelled and observed ground."""

    @property
    def false_per_km2(self) -> float:
        """False pieces per km² of ground; 0 of none."""
        return self.false_components / self.seen_km2 if self.seen_km2 else 0.0


def detection(
    samples: Samples,
    probability: NDArray[np.float32],
    threshold: float,
    units: NDArray[np.int64],
    share: float = FOUND_SHARE,
) -> Detection:
    """Count scars and false pieces.

    probability: (N, H, W), NaN = no observation (of which a scar has none found).
    units: (N,) what is resampled together, see `training.metrics.blocks_of`.
    """
    pixel_m2 = samples.resolution_m**2
    found = np.zeros((len(samples), 2, len(SIZES_HA) - 1), dtype=np.int64)
    false, seen = 0, 0
    for index, (one, labels) in enumerate(zip(probability, samples.labels, strict=True)):
        known = (labels != UNLABELLED) & np.isfinite(one)
        above = known & (np.nan_to_num(one) >= threshold)
        found[index] = _by_size(labels == LANDSLIDE, above, pixel_m2, share)
        false += _false_pieces(above, labels == LANDSLIDE)
        seen += int(known.sum())
    return Detection(classes=_classes(found, units), false_components=false, seen_km2=seen * pixel_m2 / 1e6)


def _by_size(mask: NDArray[np.bool_], above: NDArray[np.bool_], pixel_m2: float, share: float) -> NDArray[np.int64]:
    """(2, classes) number of scars, and of those found."""
    labelled, count = ndimage.label(mask, structure=_EIGHT)
    pixels = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    hits = np.bincount(labelled[above], minlength=count + 1)[1:]
    # One division, so that ten pixels of 100 m² are exactly the 0.1 ha of the limit.
    size_class = np.searchsorted(SIZES_HA, pixels * pixel_m2 / 10_000, side="right") - 1
    every = np.bincount(size_class, minlength=len(SIZES_HA) - 1)
    return np.stack([every, np.bincount(size_class[hits >= share * pixels], minlength=len(SIZES_HA) - 1)])


def _false_pieces(above: NDArray[np.bool_], mask: NDArray[np.bool_]) -> int:
    labelled, count = ndimage.label(above, structure=_EIGHT)
    return int(count) - len(np.unique(labelled[mask & above]))


def _classes(found: NDArray[np.int64], units: NDArray[np.int64]) -> tuple[SizeClass, ...]:
    sums = summed(found, units)
    drawn = np.tensordot(redrawn(len(sums)), sums, axes=1).astype(np.float64)
    shares = np.divide(drawn[:, 1], drawn[:, 0], out=np.full(drawn[:, 0].shape, np.nan), where=drawn[:, 0] > 0)
    total = found.sum(axis=0)
    return tuple(
        SizeClass(
            low_ha=SIZES_HA[i],
            high_ha=SIZES_HA[i + 1],
            scars=int(total[0, i]),
            found=int(total[1, i]),
            interval=_interval(shares[:, i]),
        )
        for i in range(len(SIZES_HA) - 1)
    )


def _interval(shares: NDArray[np.float64]) -> Interval:
    known = shares[np.isfinite(shares)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
