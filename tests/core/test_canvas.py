"""Tiles laid side by side and cut apart again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.canvas import canvases, with_halo
from monitor.records import Tile


def _tile(column: int, row: int, epsg: int = 32654) -> Tile:
    return Tile(epsg=epsg, column=column, row=row)


def _world(tile: Tile) -> np.ndarray:
    """Pixels whose value is their own place on the planet, so that any mistake of placement shows."""
    rows = np.arange(256)[:, None] - tile.row * 256
    columns = np.arange(256)[None, :] + tile.column * 256
    return (rows * 10_000 + columns).astype(np.float64)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5))
def test_cut_undoes_lay(places: set[tuple[int, int]]) -> None:
    """Every tile comes back as it was laid, wherever it lies."""
    tiles = [_tile(*place) for place in places]
    arrays = {tile: _world(tile) for tile in tiles}
    (canvas,) = canvases(tiles)
    for tile, array in canvas.cut(canvas.lay(arrays, np.float64(-1))).items():
        np.testing.assert_array_equal(array, arrays[tile])


def test_zones_get_canvases_of_their_own() -> None:
    """Tiles of two UTM zones never share an array."""
    found = canvases([_tile(1, 1), _tile(1, 1, epsg=32655), _tile(2, 1)])
    assert [(canvas.epsg, canvas.columns) for canvas in found] == [(32654, 2), (32655, 1)]


def test_transform_and_shape_follow_the_grid() -> None:
    """The canvas begins at the north-west corner of its north-western tile."""
    (canvas,) = canvases([_tile(10, 20), _tile(11, 21)])
    assert canvas.shape == (512, 512)
    assert tuple(canvas.transform)[:6] == (10.0, 0.0, 10 * 2560.0, 0.0, -10.0, 22 * 2560.0)


@pytest.mark.parametrize("halo", [1, 32, 256])
def test_halo_continues_the_neighbours(halo: int) -> None:
    """With a halo a tile shows exactly the pixels that its neighbours own."""
    got = with_halo(_tile(5, 5), halo, _world, np.float64(-1))
    size = 256 + 2 * halo
    rows = np.arange(size)[:, None] - halo - 5 * 256
    columns = np.arange(size)[None, :] - halo + 5 * 256
    np.testing.assert_array_equal(got, rows * 10_000.0 + columns)


def test_a_part_lies_where_its_tiles_lie() -> None:
    """One ring wider than the tiles, cut at the edge of the canvas, and holding the same pixels."""
    tiles = [_tile(column, row) for column in range(5) for row in range(4) if (column, row) != (2, 2)]
    (canvas,) = canvases(tiles)
    part = canvas.part([_tile(1, 3), _tile(1, 2, epsg=32655)])
    assert (part.column, part.row, part.columns, part.rows) == (0, 3, 3, 2)
    assert set(part.tiles) == {_tile(c, r) for c in range(3) for r in (2, 3)} - {_tile(2, 2)}
    whole = canvas.lay({tile: _world(tile) for tile in tiles}, np.float64(-1))
    own = part.lay({tile: _world(tile) for tile in part.tiles}, np.float64(-1))
    np.testing.assert_array_equal(whole[canvas.place(part)], own)
    assert canvas.part([_tile(2, 2)]).columns == 3, "also around a tile that the canvas has no look of"
    assert canvas.part([_tile(9, 9)]) == canvas
