"""The shape of the ground from elevation: slope, ruggedness, and whether anything can slide there."""

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M
from monitor.records import Terrain

Array = NDArray[np.float32]

_HORN_EAST = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8.0
_RING = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)])


def slope_deg(elevation_m: Array, resolution_m: float) -> Array:
    """Slope in degrees, (H, W), by the third-order finite difference of Horn (1981), doi:10.1109/PROC.1981.11918.

    A cell with a void (NaN) in its 3x3 neighbourhood is NaN. At the rim the edge cells are repeated;
    give a halo and cut it off where that matters.
    """
    slope: Array = np.degrees(np.arctan(np.hypot(*gradient(elevation_m, resolution_m)))).astype(np.float32)
    return slope


def gradient(elevation_m: Array, resolution_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rise towards the east and towards the south, metres per metre, (H, W) each; method and rim as in `slope_deg`."""
    ground = elevation_m.astype(np.float64)
    east = scipy.ndimage.correlate(ground, _HORN_EAST, mode="nearest") / resolution_m
    south = scipy.ndimage.correlate(ground, _HORN_EAST.T, mode="nearest") / resolution_m
    # The filter leaves out zero weights, and the centre's is zero in both directions.
    void = np.isnan(elevation_m)
    east[void] = south[void] = np.nan
    return east, south


def terrain_ruggedness_m(elevation_m: Array) -> Array:
    """Terrain Ruggedness Index in metres, (H, W): root of the sum of squared differences to the 8 neighbours.

    Riley, DeGloria and Elliot (1999), Intermountain Journal of Sciences 5. The value depends on the
    cell size; compare only on one grid. Voids spread to their neighbours; the rim repeats edge cells.
    """
    ground = elevation_m.astype(np.float64)
    padded = np.pad(ground, 1, mode="edge")
    height, width = ground.shape
    squares = np.zeros_like(ground)
    for down, east in _RING:
        neighbour = padded[1 + down : 1 + down + height, 1 + east : 1 + east + width]
        squares += (neighbour - ground) ** 2
    ruggedness: Array = np.sqrt(squares).astype(np.float32)
    return ruggedness


def terrain_of(elevation_m: Array, halo_px: int) -> Terrain | None:
    """Terrain of a tile from its elevation with a halo; None where all of the tile is void.

    Args:
        elevation_m: (256 + 2 halo, 256 + 2 halo) on 10 m cells, at least 1 px of halo; NaN = void.
    """
    inner = (slice(halo_px, -halo_px),) * 2
    if not np.isfinite(elevation_m[inner]).any():
        return None
    return Terrain(
        elevation_m=elevation_m[inner],
        slope_deg=slope_deg(elevation_m, RESOLUTION_M)[inner],
        tri_m=terrain_ruggedness_m(elevation_m)[inner],
    )
