"""The ground around a tile, blended between tiles."""

import numpy as np

from monitor.core.canvas import with_halo
from monitor.core.context import Sample, blended, neighbourhood_statistics, thin
from monitor.core.features import ContextStatistics
from monitor.records import Tile

HOME = Tile(epsg=32633, column=10, row=10)


def _statistics(tile: Tile) -> ContextStatistics:
    value = np.float32(tile.column + 0.1 * tile.row)
    return ContextStatistics(center=np.array([value, 2 * value]), scale=np.array([value + 1, value + 2]))


def test_blending_leaves_no_step_between_tiles() -> None:
    """The field of a tile's halo equals what the neighbour computes for its own ground."""
    east = Tile(epsg=32633, column=11, row=10)
    here = blended(HOME, 32, _statistics)
    there = blended(east, 32, _statistics)
    assert here is not None
    assert there is not None
    np.testing.assert_allclose(here[0][:, :, 256 + 32 :], there[0][:, :, 32:64], rtol=1e-6)
    assert np.abs(np.diff(here[0], axis=2)).max() < 2.5 / 256


def test_a_tile_without_ground_has_no_field() -> None:
    """Unknown neighbours count as the tile itself; an unknown tile has no answer."""
    assert blended(HOME, 8, lambda _tile: None) is None
    alone = blended(HOME, 8, lambda tile: _statistics(tile) if tile == HOME else None)
    assert alone is not None
    np.testing.assert_allclose(alone[0][0], _statistics(HOME).center[0])


def test_slopes_decide_when_there_are_enough() -> None:
    """Bright fields of the plain do not move the statistics of a hillside."""
    bands = np.full((1, 256, 256), 0.3, np.float32)
    slope = np.zeros((256, 256), np.float32)
    bands[:, :, :128] = np.random.default_rng(1).normal(0.05, 0.01, (1, 256, 128))
    slope[:, :128] = 20.0
    sample = thin(bands, np.ones((256, 256), bool), slope)
    statistics = neighbourhood_statistics(HOME, lambda _tile: sample)
    assert statistics is not None
    assert abs(float(statistics.center[0]) - 0.05) < 0.005


def test_without_clear_ground_there_are_no_statistics() -> None:
    """A wholly hidden neighbourhood describes nothing."""
    hidden = Sample(
        bands=np.full((1, 64, 64), np.nan, np.float32), clear=np.zeros((64, 64), bool), steep=np.zeros((64, 64), bool)
    )
    assert neighbourhood_statistics(HOME, lambda _tile: hidden) is None


def test_statistics_do_not_depend_on_the_request() -> None:
    """A halo is put together from tiles, so overlapping requests agree on shared ground."""

    def world(tile: Tile) -> np.ndarray:
        return np.full((1, 256, 256), tile.column, np.float32)

    wide = with_halo(HOME, 64, world, np.float32(0))
    narrow = with_halo(HOME, 32, world, np.float32(0))
    np.testing.assert_array_equal(wide[:, 32:-32, 32:-32], narrow)
