"""Flat is what neither slides itself nor lies where something arrives."""

import numpy as np
import pytest

from monitor.core.flat import RIM_M, flat_limit_deg, is_flat
from monitor.core.grid import neighbour
from monitor.records import Terrain, Tile

TILE = Tile(epsg=32633, column=10, row=10)
EAST = neighbour(TILE, 1, 0)
RIM_PX = round(RIM_M / 10)


def ground(slope_deg: np.ndarray) -> Terrain:
    """Terrain with these slopes."""
    return Terrain(elevation_m=np.zeros_like(slope_deg), slope_deg=slope_deg, tri_m=np.zeros_like(slope_deg))


def plain() -> np.ndarray:
    """Slopes of a plain."""
    return np.full((256, 256), 2.0, np.float32)


@pytest.mark.parametrize(
    ("tile", "column", "slope_deg", "flat"),
    [
        (TILE, 100, 4.9, True),
        (TILE, 100, 5.0, False),
        (TILE, 100, np.nan, False),
        (EAST, RIM_PX - 1, 30.0, False),
        (EAST, RIM_PX, 30.0, True),
        (EAST, RIM_PX - 1, np.nan, False),
    ],
)
def test_one_pixel_decides(tile: Tile, column: int, slope_deg: float, flat: bool) -> None:
    """A single steep or unknown pixel on the tile or within the rim makes it worth a look; one beyond does not."""
    slopes = plain()
    slopes[200, column] = slope_deg
    assert is_flat(TILE, lambda near: ground(slopes if near == tile else plain()), 5.0) is flat


def test_ground_that_is_unknown_is_not_flat() -> None:
    """Without elevation on the tile or a neighbour nothing is said."""
    assert not is_flat(TILE, lambda _near: None, 5.0)
    assert not is_flat(TILE, lambda near: None if near == EAST else ground(plain()), 5.0)


def test_neighbours_of_a_slope_are_not_asked() -> None:
    """Only a tile that is flat itself needs its neighbours' elevation."""
    asked: list[Tile] = []

    def terrain(tile: Tile) -> Terrain:
        asked.append(tile)
        return ground(plain() + 20)

    assert not is_flat(TILE, terrain, 5.0)
    assert asked == [TILE]


@pytest.mark.parametrize(("seed", "limit"), [(15.0, 5.0), (10.0, 5.0), (6.0, 3.0)])
def test_gentle_seeds_lower_the_limit(seed: float, limit: float) -> None:
    """Where clusters may start on 6 degrees, 5 degrees are not flat."""
    assert flat_limit_deg(seed) == limit
