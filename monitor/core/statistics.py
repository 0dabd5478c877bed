"""Statistics of one look on one tile: the rows of the tile history."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import PIXEL_HA
from monitor.records import PixelState, TileStats


def tile_stats(
    probability: NDArray[np.float32], spread: NDArray[np.float32], state: NDArray[np.uint8], threshold: float
) -> TileStats:
    """Statistics over the pixels that were observed.

    Args:
        probability: (256, 256), NaN = no observation.
        spread: (256, 256), over flips; read where probability is not NaN.
        state: (256, 256) PixelState.
        threshold: of the model card; a pixel at or above it is hazard.

    Returns:
        Shares are of all pixels. `cloud_fraction` counts clouds and their shadows: what weather hid.
        `p95` interpolates linearly between order statistics. Sums run in float64.
    """
    observed = ~np.isnan(probability)
    values = probability[observed].astype(np.float64)
    seen = state == PixelState.VALID
    hidden = (state == PixelState.CLOUD) | (state == PixelState.SHADOW)
    return TileStats(
        valid_fraction=float(seen.mean()),
        cloud_fraction=float(hidden.mean()),
        mean=float(values.mean()) if values.size else None,
        p95=float(np.quantile(values, 0.95, method="linear")) if values.size else None,
        spread=float(spread[observed].astype(np.float64).mean()) if values.size else None,
        # In float32, like the pixels: 0.7 as a double is above 0.7 as a float32.
        hazard_area_ha=float(np.count_nonzero(probability >= np.float32(threshold)) * PIXEL_HA),
        snow_fraction=float((state == PixelState.SNOW).mean()),
    )


def number_groups(values: NDArray[np.floating], usable: NDArray[np.bool_], least: float) -> NDArray[np.int16]:
    """(H, W) numbers, from 0, of groups of neighbouring values that hold at least so many usable pixels each.

    Args:
        values: (H, W); NaN goes with the highest group.
        usable: (H, W) the pixels that count.
        least: values that fewer share go with the next higher one.
    """
    found, counts = np.unique(values[usable], return_counts=True)
    tops, held = [], 0
    for value, count in zip(found, counts, strict=True):
        held += int(count)
        if held >= least:
            tops.append(value)
            held = 0
    return np.asarray(np.searchsorted(tops[:-1], values), dtype=np.int16)
