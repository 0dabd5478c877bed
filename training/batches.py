"""Batches of varied patches: single patches and 2x2 mosaics in turn.

Squeeze-and-excitation pools over the window, and the service feeds larger windows than a patch:
a network that has only seen 128 px would meet other pooled values there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.augment import DEFAULT, Mask, Pixels, Variation, dithered, varied
from training.data import Patches

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Inputs (N, 3, H, W) float32 normalised, targets (N, 1, H, W) float32 of 0 and 1."""

MOSAIC_SIDE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the batches are drawn from."""

    patches: Patches
    negatives: NDArray[np.float32]
    """(M, 3, H, W) float32, NaN = no observation; may be empty."""
    negatives_share: float = 0.08
    """Negatives drawn per epoch, as a share of the patches."""


def draws_per_epoch(sources: Sources) -> int:
    """Patches and negatives drawn in one epoch."""
    count = len(sources.patches.ids)
    return count + (round(sources.negatives_share * count) if len(sources.negatives) else 0)


def steps_per_epoch(sources: Sources, batch_size: int) -> int:
    """Batches in one epoch; the last one may be smaller."""
    return -(-draws_per_epoch(sources) // batch_size)


def epoch_batches(
    sources: Sources,
    batch_size: int,
    rng: np.random.Generator,
    variation: Variation = DEFAULT,
) -> Iterator[Batch]:
    """Every patch once, in random order, with negatives in between.

    Batches alternate between `batch_size` patches and a quarter as many 2x2 mosaics.
    """
    order = rng.permutation(draws_per_epoch(sources))
    for number, start in enumerate(range(0, len(order), batch_size)):
        chosen = [_draw(sources, int(i), rng) for i in order[start : start + batch_size]]
        made = [varied(pixels, mask, rng, variation) for pixels, mask in chosen]
        whole = len(made) % MOSAIC_SIDE**2 == 0
        yield mosaics(made) if number % 2 and whole else _stacked(made)


def mosaics(made: list[tuple[Pixels, Mask]]) -> Batch:
    """Join every four patches to a 2x2 mosaic, each normalised by its own statistics."""
    inputs, targets = _stacked(made)
    return _joined(inputs), _joined(targets)


def _draw(sources: Sources, index: int, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    count = len(sources.patches.ids)
    if index < count:
        return dithered(sources.patches.rgb[index], rng), sources.patches.mask[index]
    pixels = sources.negatives[int(rng.integers(len(sources.negatives)))]
    return pixels, np.zeros(pixels.shape[1:], dtype=bool)


def _stacked(made: list[tuple[Pixels, Mask]]) -> Batch:
    inputs = np.stack([pixels for pixels, _ in made])
    targets = np.stack([mask for _, mask in made])[:, None].astype(np.float32)
    return inputs, targets


def _joined(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    count, channels, height, width = stack.shape
    side = MOSAIC_SIDE
    grid = stack.reshape(count // side**2, side, side, channels, height, width)
    joined = grid.transpose(0, 3, 1, 4, 2, 5)
    return np.ascontiguousarray(joined.reshape(count // side**2, channels, side * height, side * width))
