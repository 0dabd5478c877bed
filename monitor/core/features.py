"""Network inputs from reflectance: the one place where training and the service normalise.

Method "median-lower-spread": the ground is described by the median and by the lower half of its
histogram, because cloud, roofs, snow and fresh scars are all brighter than the ground around
them: what must be found may contaminate the upper half only. Any gain, and any offset of a band
(haze, sun height, a lost radiometric scale), cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NORMALISATION: Final = "median-lower-spread"
"""Identifier of this method in a model card."""

MINIMUM_PIXELS: Final = 500
"""Fewer clear pixels than this (5 ha at 10 m) describe no ground."""

_LOWER_PERCENT: Final = 10.0
_RELATIVE_FLOOR: Final = 0.05
"""Smallest scale as a share of the median: deep shade or water alone must not amplify noise."""
_ABSOLUTE_FLOOR: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextStatistics:
    """Centre and scale of the ground in a wide context, in the units of the bands."""

    center: NDArray[np.float32]
    """(C,) median of the clear ground."""
    scale: NDArray[np.float32]
    """(C,) median minus 10th percentile, floored; always positive."""


def context_statistics(bands: NDArray[np.float32], ground: NDArray[np.bool_] | None) -> ContextStatistics | None:
    """Describe the ground of a context.

    bands: (C, H, W) float32, any linear unit, NaN = no observation.
    ground: (H, W) bool, True where the pixel is clear ground; None takes every observed pixel.
    Returns None when fewer than 500 pixels are ground and observed in every band.
    """
    observed = np.isfinite(bands).all(axis=0)
    if ground is not None:
        observed &= ground
    if int(observed.sum()) < MINIMUM_PIXELS:
        return None
    low, center = np.percentile(bands[:, observed], (_LOWER_PERCENT, 50.0), axis=1)
    floor = np.maximum(_RELATIVE_FLOOR * np.abs(center), _ABSOLUTE_FLOOR)
    scale = np.maximum(center - low, floor)
    return ContextStatistics(center=center.astype(np.float32), scale=scale.astype(np.float32))


def normalise(
    bands: NDArray[np.float32], center: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return arcsinh((bands - center) / scale), (C, H, W) float32; 0 where nothing was observed.

    bands: (C, H, W) float32, NaN = no observation.
    center, scale: (C, 1, 1), or (C, H, W) where statistics vary smoothly over the window.
    The inverse hyperbolic sine is linear near the ground and logarithmic far from it, so a
    cloud ten scales up stays a finite, ordered value.
    """
    value = np.arcsinh((bands - center) / scale)
    return np.asarray(np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0), dtype=np.float32)
