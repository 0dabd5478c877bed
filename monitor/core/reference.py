"""What the ground was like before: the per-pixel median of the last comparable looks."""

from collections.abc import Callable, Sequence
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
    pixels: NDArray[np.float32]
    """(3, 256, 256) median red, green and blue reflectance of valid pixels; NaN = never observed."""
    count: NDArray[np.uint8]
    """Number of valid looks."""
    last_seen_s: NDArray[np.float64]
    """Sensing time of the newest valid look, seconds since 1970; NaN = never observed."""
    middle_s: NDArray[np.float64]
    """That of the middle one of the looks: ground that turns with the season is as it was then."""


def valid(look: Look) -> NDArray[np.bool_]:
    """(256, 256) pixels that count as observed ground, whether or not a network has answered there."""
    return np.asarray(look.state == PixelState.VALID)


class Depth:
    """Counts, while looks of one tile are fetched newest first, how often each pixel that matters was seen."""

    def __init__(
        self, wanted: NDArray[np.bool_], depth: int, shows: Callable[[Look], NDArray[np.bool_]] = valid
    ) -> None:
        """`wanted` (256, 256): the pixels that need `depth` looks that show them."""
        self._shows = shows
        self._lacking = np.where(wanted, np.int16(depth), np.int16(0))

    @property
    def reached(self) -> bool:
        """Whether no further look is needed."""
        return not (self._lacking > 0).any()

    def take(self, look: Look) -> bool:
        """Count a look; False when it shows nothing that is still lacking."""
        helps = self._shows(look) & (self._lacking > 0)
        self._lacking -= helps
        return bool(helps.any())


def build_reference(looks: Sequence[Look], depth: int) -> Reference | None:
    """Median, spread and count over the last `depth` valid looks of every pixel, in any order; None without any.

    Counted per pixel (evidence contract): under a cloudy sky the newest looks of a place may all be hidden, and what
    the ground was like before is then known from an older one.
    """
    if not looks:
        return None
    looks = sorted(looks, key=lambda look: look.sensing_time, reverse=True)
    masks = np.stack([valid(look) for look in looks])
    # Of bytes: counting in 64 bits takes several times as long.
    masks &= np.cumsum(masks, axis=0, dtype=np.uint8) <= depth
    count = masks.sum(axis=0)
    times = np.array([look.sensing_time.timestamp() for look in looks])[:, None, None]
    rank = np.cumsum(masks, axis=0, dtype=np.uint8)
    probability = _ordered(np.stack([look.probability for look in looks]), masks)
    pixels = _ordered(np.stack([look.pixels for look in looks]), masks[:, None])
    last = np.maximum(count - 1, 0)
    spread = (np.take_along_axis(probability, last[None], axis=0)[0] - probability[0]) / 2
    return Reference(
        probability=_middle(probability, count),
        spread=spread.astype(np.float32),
        pixels=_middle(pixels, np.broadcast_to(count, pixels.shape[1:])),
        count=count.astype(np.uint8),
        last_seen_s=_newest(times, masks),
        middle_s=_newest(times, masks & (rank >= (count + 1) // 2)),
    )


def newest_looks(looks: Sequence[Look], wanted: NDArray[np.bool_], depth: int) -> list[Look]:
    """Those looks, newest first, that show every wanted pixel `depth` times, as far as there are any."""
    lacking = Depth(wanted, depth)
    ordered = sorted(looks, key=lambda look: look.sensing_time, reverse=True)
    return [look for look in ordered if not lacking.reached and lacking.take(look)]


def newest_observed(values: Sequence[NDArray[np.float32]], depth: int) -> NDArray[np.float32]:
    """(depth, V, H, W): the `depth` newest observations of every pixel, newest first; NaN where there are fewer.

    Args:
        values: (V, H, W) of each look, newest first, at least one; NaN in any of the V = not observed.
    """
    found = np.full((depth, *values[0].shape), np.nan, dtype=np.float32)
    count = np.zeros(values[0].shape[1:], dtype=np.uint8)
    for layers in values:
        here = np.isfinite(layers).all(axis=0)
        for place in range(depth):
            np.copyto(found[place], layers, where=here & (count == place))
        count += here
    return found


def sort_looks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(looks, ...) sorted along the looks, NaN last: what `np.sort` gives, up to ten times faster on a few looks.

    Neighbours are put in order, odd and even pairs in turn, as often as there are looks (odd-even transposition sort,
    Knuth 1998, The Art of Computer Programming 3, section 5.3.4).
    """
    layers = list(values)
    for turn in range(len(layers)):
        for lower in range(turn % 2, len(layers) - 1, 2):
            pair = layers[lower], layers[lower + 1]
            layers[lower], layers[lower + 1] = np.fmin(*pair), np.maximum(*pair)
    return np.stack(layers)


def _newest(times: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(256, 256) the newest of the times (looks, 1, 1) whose mask (looks, 256, 256) holds; NaN where none does."""
    newest = np.where(masks, times, -np.inf).max(axis=0)
    return np.where(np.isfinite(newest), newest, np.nan)


def _ordered(values: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values sorted along the looks, hidden ones (NaN) last."""
    return sort_looks(np.where(masks, values, np.float32(np.nan)))


def _middle(ordered: NDArray[np.float32], count: NDArray[np.intp]) -> NDArray[np.float32]:
    """Median of the first `count` sorted values per pixel; NaN where count is 0."""
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, len(ordered) - 1)[None], axis=0)[0]
    middle: NDArray[np.float32] = ((low + high) / 2).astype(np.float32)
    return np.where(count > 0, middle, np.float32(np.nan))
