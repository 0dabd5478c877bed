"""What the ground was like before: the per-pixel median of the last comparable looks."""

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
    last_seen_s: NDArray[np.float64]
    """Sensing time of the newest valid look, seconds since 1970; NaN = never observed."""


def valid(look: Look) -> NDArray[np.bool_]:
    """Pixels that count as observed ground: clear, with a probability."""
    observed: NDArray[np.bool_] = (look.state == PixelState.VALID) & np.isfinite(look.probability)
    return observed


def build_reference(looks: Sequence[Look]) -> Reference | None:
    """Median, spread and count over looks (evidence contract: last K valid comparable looks); None without any."""
    if not looks:
        return None
    masks = np.stack([valid(look) for look in looks])
    count = masks.sum(axis=0)
    probability = _ordered(np.stack([look.probability for look in looks]), masks)
    reflectance = _ordered(np.stack([look.reflectance for look in looks]), masks[:, None])
    last = np.maximum(count - 1, 0)
    spread = (np.take_along_axis(probability, last[None], axis=0)[0] - probability[0]) / 2
    return Reference(
        probability=_middle(probability, count),
        spread=spread.astype(np.float32),
        reflectance=_middle(reflectance, np.broadcast_to(count, reflectance.shape[1:])),
        count=count.astype(np.uint8),
        last_seen_s=_last_seen(looks, masks),
    )


def _last_seen(looks: Sequence[Look], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    times = np.array([look.sensing_time.timestamp() for look in looks])[:, None, None]
    newest = np.where(masks, times, -np.inf).max(axis=0)
    return np.where(np.isfinite(newest), newest, np.nan)


def _ordered(values: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values sorted along the looks, hidden ones (NaN) last. Ten times faster than nanmedian on a few looks."""
    return np.sort(np.where(masks, values, np.float32(np.nan)), axis=0)


def _middle(ordered: NDArray[np.float32], count: NDArray[np.intp]) -> NDArray[np.float32]:
    """Median of the first `count` sorted values per pixel; NaN where count is 0."""
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(ordered) - 1)[None], axis=0)[0]
    middle: NDArray[np.float32] = ((low + high) / 2).astype(np.float32)
    return np.where(count > 0, middle, np.float32(np.nan))
