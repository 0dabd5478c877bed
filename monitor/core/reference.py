"""What the ground was like before: the per-pixel median of the last comparable looks."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.records import Look, PixelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Earlier comparable looks of one tile, reduced per pixel. Arrays are (256, 256) unless stated."""

    probability: NDArray[np.float32]
    """Median probability; NaN = never observed."""
    spread: NDArray[np.float32]
    """Half the range of the looks' probabilities: how much quiet ground moved."""
    reflectance: NDArray[np.float32]
    """(3, 256, 256) median reflectance of valid pixels; NaN = never observed."""
    count: NDArray[np.uint8]
    """Number of valid looks."""


def valid(look: Look) -> NDArray[np.bool_]:
    """Pixels that count as observed ground: clear, with a probability."""
    observed: NDArray[np.bool_] = (look.state == PixelState.VALID) & np.isfinite(look.probability)
    return observed


def build_reference(looks: Sequence[Look]) -> Reference | None:
    """Median, spread and count over looks (evidence contract: last K valid comparable looks); None without any."""
    if not looks:
        return None
    masks = np.stack([valid(look) for look in looks])
    probability = np.where(masks, np.stack([look.probability for look in looks]), np.nan)
    reflectance = np.where(masks[:, None], np.stack([look.reflectance for look in looks]), np.nan)
    with warnings.catch_warnings():
        # All-NaN pixels are "never observed", which is an answer here, not an accident.
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = (np.nanmax(probability, axis=0) - np.nanmin(probability, axis=0)) / 2
        return Reference(
            probability=np.nanmedian(probability, axis=0).astype(np.float32),
            spread=spread.astype(np.float32),
            reflectance=np.nanmedian(reflectance, axis=0).astype(np.float32),
            count=masks.sum(axis=0).astype(np.uint8),
        )
