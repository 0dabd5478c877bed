"""Ground where nothing can slide, nor run out from a slope that does: it need not be looked at."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import with_halo
from monitor.core.clusters import RUNOUT_M
from monitor.core.grid import RESOLUTION_M, TILE_PX
from monitor.core.surroundings import REACH_M
from monitor.records import Terrain, Tile

FLAT = "flat"
"""`Observation.decision` of a tile that is left out for that."""
FLAT_DEG = 5.0
RIM_M = RUNOUT_M + REACH_M
"""How far from a flat tile the next slope is at least: change runs out from it, and is judged by the ground around."""
_RIM_PX = math.ceil(RIM_M / RESOLUTION_M)


def flat_limit_deg(seed_slope_deg: float) -> float:
    """Ground below this slope is flat: 5 degrees, or less where clusters are allowed to start on gentle slopes.

    Half the seed slope is where scene-wide shifts begin to be measured (`monitor.evidence`): what is left out must not
    have a part in them.
    """
    return min(FLAT_DEG, seed_slope_deg / 2)


def is_flat(tile: Tile, terrain: Callable[[Tile], Terrain | None], limit_deg: float) -> bool:
    """Whether a tile and all ground within `RIM_M` of it are known to be less steep than `limit_deg`.

    Where any slope is unknown (a void, no elevation model, `terrain` says nothing) the answer is no. Neighbours are
    asked only for a tile that is itself flat.
    """
    own = terrain(tile)
    if own is None or not bool((own.slope_deg < limit_deg).all()):
        return False
    around = with_halo(tile, _RIM_PX, lambda near: _slope(terrain(near)), np.float32(np.nan))
    return bool((around < limit_deg).all())


def _slope(ground: Terrain | None) -> NDArray[np.float32]:
    return np.full((TILE_PX, TILE_PX), np.nan, np.float32) if ground is None else ground.slope_deg
