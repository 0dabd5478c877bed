"""The ground around a tile, described once per tile and blended smoothly between tiles.

A network sees pixels relative to the ground around them. The statistics of a tile come from its
3x3 neighbourhood (7.7 km), preferably from slopes: fields and towns of the plain must not decide
how a forested hillside looks. Between tile centres the statistics are interpolated bilinearly, so
that no step runs along tile borders, and everything depends on tiles alone, never on the region.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import ContextStatistics, context_statistics
from monitor.core.grid import TILE_PX, neighbour
from monitor.records import Tile

Array = NDArray[np.float32]

SAMPLE_STEP = 4
"""Every 4th pixel in both directions: 4,096 samples per tile are plenty for percentiles."""
MIN_SLOPE_DEG = 5.0
_NEIGHBOURS = tuple((columns, down) for down in (-1, 0, 1) for columns in (-1, 0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A thinned tile: what the context statistics are made of."""

    bands: Array
    """(C, 64, 64) reflectance; NaN = no data."""
    clear: NDArray[np.bool_]
    """(64, 64) clear ground."""
    steep: NDArray[np.bool_]
    """(64, 64) clear ground on slopes."""


def thin(bands: Array, clear: NDArray[np.bool_], slope_deg: Array | None) -> Sample:
    """Every 4th pixel of a tile: bands (C, 256, 256), clear (256, 256), slope (256, 256) or None if unknown."""
    step = (slice(SAMPLE_STEP // 2, None, SAMPLE_STEP),) * 2
    # Copies: a view would keep the whole tile alive as long as its sample.
    sampled = clear[step].copy()
    steep = sampled & (slope_deg[step] >= MIN_SLOPE_DEG) if slope_deg is not None else np.zeros_like(sampled)
    return Sample(bands=bands[:, *step].copy(), clear=sampled, steep=steep)


def neighbourhood_statistics(tile: Tile, sample: Callable[[Tile], Sample]) -> ContextStatistics | None:
    """Statistics of the 3x3 tiles around a tile: from slopes if there are enough, else from all clear ground."""
    samples = [sample(neighbour(tile, columns, down)) for columns, down in _NEIGHBOURS]
    bands = np.concatenate([one.bands.reshape(one.bands.shape[0], 1, -1) for one in samples], axis=2)
    steep = np.concatenate([one.steep.reshape(1, -1) for one in samples], axis=1)
    clear = np.concatenate([one.clear.reshape(1, -1) for one in samples], axis=1)
    return context_statistics(bands, steep) or context_statistics(bands, clear)


def blended(
    tile: Tile, halo_px: int, statistics: Callable[[Tile], ContextStatistics | None]
) -> tuple[Array, Array] | None:
    """Centre and scale as fields (C, 256 + 2 halo, 256 + 2 halo) over a tile; None where its own are unknown.

    Bilinear between the centres of the 3x3 tiles; an unknown neighbour counts as the tile itself.
    """
    own = statistics(tile)
    if own is None:
        return None
    around = {(c, d): statistics(neighbour(tile, c, d)) or own for c, d in _NEIGHBOURS}
    return _field({k: v.center for k, v in around.items()}, halo_px), _field(
        {k: v.scale for k, v in around.items()}, halo_px
    )


def _field(values: Mapping[tuple[int, int], Array], halo_px: int) -> Array:
    weights = _hat_weights(halo_px)
    corners = np.stack([[values[c, d] for c in (-1, 0, 1)] for d in (-1, 0, 1)])
    field: Array = np.einsum("dy,cx,dcb->byx", weights, weights, corners, optimize=True).astype(np.float32)
    return field


def _hat_weights(halo_px: int) -> NDArray[np.float64]:
    """(3, 256 + 2 halo): weight of the tile before, the tile itself and the tile after, along one axis."""
    position = (np.arange(-halo_px, TILE_PX + halo_px) + 0.5) / TILE_PX - 0.5
    return np.stack([np.clip(1.0 - np.abs(position - centre), 0.0, None) for centre in (-1, 0, 1)])
