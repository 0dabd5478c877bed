"""The planet-wide tile grid: identity, coverage, zones, and independence of how a region is cut."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon, affinity, box, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import (
    RESOLUTION_M,
    TILE_M,
    TILE_PX,
    blocks,
    neighbour,
    project,
    region_tiles,
    tile_centre,
    tile_from_id,
    tile_geobox,
    tile_polygon,
)
from monitor.records import Tile

TILES = st.builds(
    Tile,
    epsg=st.integers(1, 60).flatmap(lambda zone: st.sampled_from([32600 + zone, 32700 + zone])),
    column=st.integers(0, 390),
    row=st.integers(0, 3906),
)


def degrees(low: float, high: float) -> st.SearchStrategy[float]:
    """Angles in steps of a millionth of a degree (10 cm), as people draw regions."""
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda steps: steps / 1e6)


@st.composite
def regions(draw: st.DrawFn) -> Polygon:
    """A slanted quadrilateral of a few kilometres anywhere between 70 degrees south and north."""
    west, south = draw(degrees(-179.8, 179.7)), draw(degrees(-70, 70))
    width, height = draw(degrees(0.005, 0.08)), draw(degrees(0.005, 0.08))
    lean = draw(degrees(-0.02, 0.02))
    top = south + height
    slanted = Polygon([(west, south), (west + width, south + lean / 4), (west + width + lean, top), (west + lean, top)])
    assume(slanted.is_valid)
    return slanted


def ground(tiles: tuple[Tile, ...]) -> BaseGeometry:
    """The tiles' squares together, EPSG:4326."""
    return union_all([project(tile_polygon(tile).segmentize(100), tile.epsg, 4326) for tile in tiles])


def zones(tiles: tuple[Tile, ...]) -> set[int]:
    """EPSG codes of some tiles."""
    return {tile.epsg for tile in tiles}


@given(TILES)
def test_id_round_trip(tile: Tile) -> None:
    """A tile's id names that tile and no other."""
    assert tile_from_id(tile.id) == tile


@given(TILES)
def test_the_centre_of_a_tile_lies_in_its_middle(tile: Tile) -> None:
    """Longitude first, whichever the zone and the half of the globe."""
    middle = project(Point(tile_centre(tile)), 4326, tile.epsg)
    assert middle.distance(tile_polygon(tile).centroid) < 0.01


@pytest.mark.parametrize(
    "word",
    ["", "UTM54N", "UTM54N-0150", "UTM54X-0150-1842", "UTM5N-0150-1842", "54N-0150-1842", "UTM54N-a-b", "UTM54N-1-2-3"],
)
def test_other_words_are_no_ids(word: str) -> None:
    """Anything that is not an id is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 (each kind of nonsense has its own message)
        tile_from_id(word)


@given(TILES, st.integers(0, 64))
def test_geobox_lies_on_the_tile(tile: Tile, halo_px: int) -> None:
    """The geobox is the tile's square, larger by the halo on every side, on the 10 m lattice of its zone."""
    geobox = tile_geobox(tile, halo_px)
    assert geobox.crs is not None
    assert geobox.crs.epsg == tile.epsg
    assert tuple(geobox.shape) == (TILE_PX + 2 * halo_px,) * 2
    west, south, east, north = geobox.boundingbox.bbox
    assert (west, south, east, north) == tile_polygon(tile).buffer(halo_px * RESOLUTION_M, join_style="mitre").bounds
    assert (west % RESOLUTION_M, north % RESOLUTION_M) == (0, 0)


@given(TILES)
def test_neighbours_share_an_edge(tile: Tile) -> None:
    """East is one column on, down is one row less, and neighbours touch without overlapping."""
    east, below = neighbour(tile, 1, 0), neighbour(tile, 0, 1)
    assert tile_polygon(tile).bounds[2] == tile_polygon(east).bounds[0]
    assert tile_polygon(tile).bounds[1] == tile_polygon(below).bounds[3]
    for other in (east, below):
        assert tile_polygon(tile).intersection(tile_polygon(other)).length == TILE_M
        assert tile_polygon(tile).intersection(tile_polygon(other)).area == 0
    assert neighbour(neighbour(tile, 3, -2), -3, 2) == tile


def test_a_known_place() -> None:
    """Zone, column and row of Atsuma, by the definition of UTM and a tile of 2560 m."""
    point = Point(141.96, 42.73)
    east, north, *_ = project(point, 4326, 32654).bounds
    (tile,) = region_tiles(point.buffer(1e-5))
    assert tile == Tile(epsg=32654, column=math.floor(east / 2560), row=math.floor(north / 2560))
    assert tile.id == f"UTM54N-{tile.column:04d}-{tile.row:04d}"
    # 142 degrees east is almost one degree east of the central meridian (141): easting a little above 500 km.
    assert 570_000 < east < 585_000


@settings(deadline=None)
@given(regions())
def test_tiles_cover_the_region(region: Polygon) -> None:
    """No ground of a region lies outside its tiles, and no tile lies outside the region."""
    tiles = region_tiles(region)
    assert list(tiles) == sorted(set(tiles))
    missed = region.difference(ground(tiles)).area
    assert missed <= 1e-6 * region.area
    for tile in tiles:
        square = project(tile_polygon(tile).segmentize(100), tile.epsg, 4326)
        assert square.intersects(region)


@settings(deadline=None)
@given(regions(), st.floats(0.1, 0.9), st.booleans())
def test_a_region_cut_in_two(region: Polygon, share: float, upright: bool) -> None:
    """The tiles of a union are the union of the tiles: results do not depend on how an area is cut into regions."""
    west, south, east, north = region.bounds
    x, y = west + share * (east - west), south + share * (north - south)
    first = region.intersection(box(west, south, x, north) if upright else box(west, south, east, y))
    second = region.intersection(box(x, south, east, north) if upright else box(west, y, east, north))
    parts = set(region_tiles(first)) | set(region_tiles(second))
    # Cutting puts new corners on edges, which moves them by fractions of a millimetre; a tile of which the region
    # has less than a square metre may come or go.
    for tile in parts ^ set(region_tiles(region)):
        inside = project(region.segmentize(0.001), 4326, tile.epsg).intersection(tile_polygon(tile))
        assert inside.area < 1.0


@settings(deadline=None)
@given(regions(), st.floats(0.1, 0.3), st.floats(0.1, 0.3))
def test_two_regions_at_once(first: Polygon, east: float, north: float) -> None:
    """Two areas apart have together exactly the tiles they have alone."""
    assume(first.bounds[2] + east <= 180)
    second = affinity.translate(first, xoff=east, yoff=north)
    assert set(region_tiles(union_all([first, second]))) == set(region_tiles(first)) | set(region_tiles(second))


def test_two_zones() -> None:
    """A region over the border of two zones gets tiles of both, each with ground in its own zone."""
    region = box(143.95, 42.70, 144.05, 42.75)
    tiles = region_tiles(region)
    assert zones(tiles) == {32654, 32655}
    for part, epsg in ((box(143.95, 42.70, 144.0, 42.75), 32654), (box(144.0, 42.70, 144.05, 42.75), 32655)):
        assert set(region_tiles(part)) == {tile for tile in tiles if tile.epsg == epsg}


def test_a_border_belongs_to_one_zone() -> None:
    """A region that ends at the border gets no tiles of the zone beyond."""
    assert zones(region_tiles(box(143.95, 42.70, 144.0, 42.75))) == {32654}
    assert zones(region_tiles(box(144.0, 42.70, 144.05, 42.75))) == {32655}


def test_equator() -> None:
    """A region over the equator gets northern and southern tiles; one that ends there only its own."""
    region = box(9.0, -0.03, 9.05, 0.03)
    tiles = region_tiles(region)
    assert zones(tiles) == {32632, 32732}
    assert region.difference(ground(tiles)).area <= 1e-6 * region.area
    assert zones(region_tiles(box(9.0, 0.0, 9.05, 0.03))) == {32632}
    south = region_tiles(box(9.0, -0.03, 9.05, 0.0))
    assert zones(south) == {32732}
    # Southern northings end at 10,000 km.
    assert max(tile.row for tile in south) == math.ceil(10_000_000 / TILE_M) - 1


def test_the_edge_of_the_world() -> None:
    """The first and the last zone end at the antimeridian, and 180 degrees itself belongs to the last."""
    assert zones(region_tiles(box(-180.0, -17.0, -179.95, -16.95))) == {32701}
    assert zones(region_tiles(box(179.95, -17.0, 180.0, -16.95))) == {32760}


def test_holes_and_parts() -> None:
    """A multipolygon gets the tiles of its parts, and no tile that lies wholly in a hole."""
    ring = box(9.0, 45.0, 9.4, 45.4).difference(box(9.1, 45.1, 9.3, 45.3))
    centre = set(region_tiles(box(9.19, 45.19, 9.21, 45.21)))
    assert centre
    assert not centre & set(region_tiles(ring))


def test_a_region_without_area_has_no_tiles() -> None:
    """Points and lines are no ground to watch."""
    assert region_tiles(Polygon([(9.0, 45.0), (9.1, 45.1), (9.0, 45.0)])) == ()


@given(st.lists(TILES, max_size=40, unique=True), st.integers(1, 9))
def test_blocks_partition_tiles(tiles: list[Tile], side: int) -> None:
    """Every tile is in exactly one block; a block lies in one zone and fits its side; order does not matter."""
    cut = blocks(tiles, side)
    assert sorted(tile for block in cut for tile in block) == sorted(tiles)
    assert cut == blocks(reversed(tiles), side)
    for block in cut:
        assert len({(tile.epsg, tile.column // side, tile.row // side) for tile in block}) == 1
        assert len(block) <= side * side


@given(st.lists(TILES, min_size=1, max_size=20, unique=True), st.integers(1, 9))
def test_blocks_are_anchored_to_the_grid(tiles: list[Tile], side: int) -> None:
    """Two tiles share a block whichever other tiles are asked for."""
    whole = {tile: block for block in blocks(tiles, side) for tile in block}
    for block in blocks(tiles[: len(tiles) // 2 + 1], side):
        for tile in block:
            assert set(block) <= set(whole[tile])


def test_projection_is_undone() -> None:
    """There and back again is the same place to a tenth of a millimetre."""
    region = box(141.8904, 42.6824, 142.0280, 42.7695)
    back = project(project(region, 4326, 32654), 32654, 4326)
    assert np.allclose(back.bounds, region.bounds, atol=1e-9)
