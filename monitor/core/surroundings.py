"""How well the ground around a cluster was seen: a change between clouds is more often a cloud than a change."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.canvas import Canvas
from monitor.core.grid import RESOLUTION_M, TILE_M
from monitor.records import Declaration, PixelState

REACH_M = 300.0
"""How far the surroundings of a cluster go."""
BESIDE_M = 60.0
"""Nearer to hidden ground than this, a cluster may be the rim of what hides it."""
_HIDING = (PixelState.CLOUD, PixelState.SHADOW, PixelState.SNOW)
_REACH_PX = math.ceil(REACH_M / RESOLUTION_M)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a cluster's ground and what lies around it were seen."""

    before: datetime
    """When most of the ground was last seen as it was."""
    around: float = 1.0
    """Share of the ground within 300 m that was seen both now and before; open water does not count."""
    beside_hidden: bool = False
    """Cloud, shadow or snow within 60 m in the look that shows the change."""
    strata: tuple[str, ...] = ()
    """What kind of ground it is, and when (`core.strata`)."""
    declared: Declaration | None = None
    """What a person has declared there."""


def neighbourhood(canvas: Canvas, bounds: tuple[float, float, float, float], reach_m: float = REACH_M) -> Canvas:
    """The tiles within `reach_m` of `bounds` (west, south, east, north in the canvas's CRS), as a small canvas.

    It may reach beyond `canvas`; its `tiles` are those that `canvas` has.
    """
    west, south = math.floor((bounds[0] - reach_m) / TILE_M), math.floor((bounds[1] - reach_m) / TILE_M)
    east, north = math.floor((bounds[2] + reach_m) / TILE_M), math.floor((bounds[3] + reach_m) / TILE_M)
    return Canvas(
        epsg=canvas.epsg,
        column=west,
        row=north,
        columns=east - west + 1,
        rows=north - south + 1,
        tiles=tuple(tile for tile in canvas.tiles if west <= tile.column <= east and south <= tile.row <= north),
    )


def look_around(ground: Mask, seen: Mask, state: NDArray[np.uint8]) -> tuple[float, bool]:
    """Share of the ground within 300 m that was seen, and whether anything hidden lies within 60 m.

    Args:
        ground: (H, W) pixels of a cluster, at least one, on an array that reaches 300 m beyond them.
        seen: (H, W) pixels observed both now and before.
        state: (H, W) PixelState of the look that shows the change.

    The cluster's own pixels do not count. Surrounded by water alone, it counts as seen.
    """
    rows, columns = np.flatnonzero(ground.any(axis=1)), np.flatnonzero(ground.any(axis=0))
    near = _span(rows), _span(columns)
    distance_m = scipy.ndimage.distance_transform_edt(~ground[near]) * RESOLUTION_M
    around = (distance_m > 0) & (distance_m <= REACH_M) & (state[near] != PixelState.WATER)
    hidden = np.isin(state[near], _HIDING) & (distance_m <= BESIDE_M)
    return float(seen[near][around].mean()) if around.any() else 1.0, bool(hidden.any())


def _span(indices: NDArray[np.intp]) -> slice:
    return slice(max(int(indices[0]) - _REACH_PX, 0), int(indices[-1]) + _REACH_PX + 1)
