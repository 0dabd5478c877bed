"""The ground around a cluster: how much of it was seen, and what hides beside it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.canvas import canvases
from monitor.core.surroundings import look_around, neighbourhood
from monitor.records import PixelState, Tile

TILE = Tile(epsg=32633, column=200, row=2000)
SIZE = 120


def _ground() -> NDArray[np.bool_]:
    """A cluster of 4 x 4 pixels in the middle."""
    ground = np.zeros((SIZE, SIZE), dtype=bool)
    ground[58:62, 58:62] = True
    return ground


def _state(fill: PixelState = PixelState.VALID) -> NDArray[np.uint8]:
    return np.full((SIZE, SIZE), fill, dtype=np.uint8)


def test_a_gap_between_clouds_is_a_small_share() -> None:
    """A clearing of 120 m around the cluster in a sea of cloud is a few per cent of what lies within 300 m."""
    state = _state(PixelState.CLOUD)
    state[50:70, 50:70] = PixelState.VALID
    share, beside = look_around(_ground(), state == PixelState.VALID, state)
    # 20 x 20 px less the cluster, in a square of 4 px widened by 30 px with round corners.
    assert share == pytest.approx((400 - 16) / (4 * 4 * 30 + np.pi * 900), rel=0.05)
    assert not beside


def test_what_lies_farther_than_300_m_and_the_cluster_itself_do_not_count() -> None:
    """Clear within 300 m and hidden beyond is all seen; seen on the cluster alone is nothing."""
    rows, columns = np.ogrid[:SIZE, :SIZE]
    near = (abs(rows - 59.5) < 33) & (abs(columns - 59.5) < 33)
    assert look_around(_ground(), near, _state())[0] == 1.0
    assert look_around(_ground(), _ground(), _state())[0] == 0.0


def test_water_is_neither_seen_nor_unseen() -> None:
    """A slope above a lake is judged by its land."""
    state = _state()
    state[:, 62:] = PixelState.WATER
    assert look_around(_ground(), state == PixelState.VALID, state)[0] == 1.0
    assert look_around(_ground(), ~_ground(), _state(PixelState.WATER)) == (1.0, False)


@pytest.mark.parametrize(
    ("column", "state", "beside"),
    [
        (67, PixelState.CLOUD, True),
        (68, PixelState.CLOUD, False),
        (67, PixelState.SNOW, True),
        (67, PixelState.SHADOW, True),
        (67, PixelState.WATER, False),
        (67, PixelState.NODATA, False),
    ],
)
def test_hidden_within_60_m_is_beside(column: int, state: PixelState, beside: bool) -> None:
    """60 m from the last pixel of the cluster, and only what hides ground."""
    states = _state()
    states[:, column:] = state
    assert look_around(_ground(), states == PixelState.VALID, states)[1] is beside


def test_a_cluster_at_the_border_of_the_array() -> None:
    """What is left of its surroundings counts."""
    ground = np.zeros((SIZE, SIZE), dtype=bool)
    ground[0, 0] = True
    assert look_around(ground, np.ones_like(ground), _state())[0] == 1.0


def test_a_neighbourhood_is_a_few_tiles_with_what_lies_beyond() -> None:
    """Bounds near a corner give four tiles, of which only known ones are listed; the middle gives one."""
    canvas = canvases([Tile(epsg=32633, column=200 + x, row=2000 + y) for x in range(3) for y in range(3)])[0]
    west, south = TILE.column * 2560.0, TILE.row * 2560.0
    middle = neighbourhood(canvas, (west + 1000, south + 1000, west + 1100, south + 1100))
    assert (middle.tiles, middle.shape) == ((TILE,), (256, 256))
    corner = neighbourhood(canvas, (west + 100, south + 100, west + 200, south + 200))
    assert (corner.column, corner.row, corner.shape, corner.tiles) == (199, 2000, (512, 512), (TILE,))
    assert corner.transform * (256, 256) == (west, south)
