"""The one grid of the planet: 256x256 px tiles of 10 m on the WGS 84 / UTM zones.

Tiles are snapped to multiples of 2560 m, so a tile, and everything computed on it, is the same
whichever region asked for it. Zones follow the plain 6-degree rule (no Norway/Svalbard exceptions):
a tile's zone is the one its ground lies in.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import box, contains_xy, make_valid, prepare, segmentize, transform
from shapely.geometry.base import BaseGeometry

from monitor.records import Tile

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

TILE_PX = 256
RESOLUTION_M = 10.0
TILE_M = TILE_PX * RESOLUTION_M
PIXEL_HA = RESOLUTION_M**2 / 10_000.0

# Straight lines in one CRS are curves in the other; a vertex every 0.02 degrees (2 km) keeps the
# error of a projected edge below a metre inside a zone.
_MAX_SEGMENT_DEG = 0.02


def project(geometry: BaseGeometry, source: int | str, target: int | str) -> BaseGeometry:
    """Reproject a shapely geometry between two CRS (EPSG codes or strings), x before y."""
    change = _transformer(source, target)
    return transform(geometry, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))


@lru_cache(maxsize=64)
def _transformer(source: int | str, target: int | str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def tile_geobox(tile: Tile, halo_px: int = 0) -> "GeoBox":
    """The 10 m geobox of a tile, north up, enlarged by `halo_px` on every side."""
    from odc.geo.geobox import GeoBox  # takes half a second to import: it brings dask

    west = tile.column * TILE_M - halo_px * RESOLUTION_M
    north = (tile.row + 1) * TILE_M + halo_px * RESOLUTION_M
    size = TILE_PX + 2 * halo_px
    return GeoBox((size, size), Affine(RESOLUTION_M, 0.0, west, 0.0, -RESOLUTION_M, north), f"EPSG:{tile.epsg}")


def tile_polygon(tile: Tile) -> BaseGeometry:
    """The tile's square in its own UTM zone."""
    west, south = tile.column * TILE_M, tile.row * TILE_M
    return box(west, south, west + TILE_M, south + TILE_M)


def tile_centre(tile: Tile) -> tuple[float, float]:
    """Longitude and latitude of the middle of a tile, degrees, EPSG:4326."""
    east, north = (tile.column + 0.5) * TILE_M, (tile.row + 0.5) * TILE_M
    longitude, latitude = _transformer(tile.epsg, 4326).transform(east, north)
    return float(longitude), float(latitude)


def tile_from_id(tile_id: str) -> Tile:
    """Inverse of `Tile.id`; raises ValueError on anything else."""
    zone, column, row = tile_id.rsplit("-", 2) if tile_id.count("-") == 2 else ("", "", "")
    if len(zone) != 6 or not zone.startswith("UTM") or zone[5] not in "NS":
        raise ValueError(f"not a tile id: {tile_id!r} (expected for example UTM54N-0150-1842)")
    base = 32600 if zone[5] == "N" else 32700
    return Tile(epsg=base + int(zone[3:5]), column=int(column), row=int(row))


def neighbour(tile: Tile, columns: int, rows_down: int) -> Tile:
    """The tile `columns` to the east and `rows_down` to the south in the same zone."""
    return Tile(epsg=tile.epsg, column=tile.column + columns, row=tile.row - rows_down)


def region_tiles(geometry: BaseGeometry) -> tuple[Tile, ...]:
    """All tiles whose ground intersects a region's interior, sorted.

    Args:
        geometry: (Multi)Polygon in EPSG:4326.
    """
    tiles: set[Tile] = set()
    west, south, east, north = geometry.bounds
    for zone in range(_zone(west), _zone(east) + 1):
        for epsg, strip in _zone_strips(zone, south, north):
            part = geometry.intersection(strip)
            if not part.is_empty and part.area > 0:
                tiles.update(_tiles_in_zone(part, epsg))
    return tuple(sorted(tiles))


def blocks(tiles: Iterable[Tile], side: int) -> tuple[tuple[Tile, ...], ...]:
    """Cut tiles into square blocks of at most `side` x `side`, anchored to the grid."""
    groups: dict[tuple[int, int, int], list[Tile]] = {}
    for tile in sorted(tiles):
        groups.setdefault((tile.epsg, tile.column // side, tile.row // side), []).append(tile)
    return tuple(tuple(group) for _, group in sorted(groups.items()))


def zone_strip(epsg: int) -> BaseGeometry:
    """All ground of a UTM zone on its side of the equator (326xx north, 327xx south), EPSG:4326."""
    west = 6.0 * (epsg % 100) - 186.0
    south = -90.0 if epsg >= 32700 else 0.0
    return box(west, south, west + 6.0, south + 90.0)


def _zone(longitude: float) -> int:
    return min(60, math.floor((longitude + 180.0) / 6.0) + 1)


def _zone_strips(zone: int, south: float, north: float) -> list[tuple[int, BaseGeometry]]:
    """The parts of one zone north and south of the equator, as boxes in EPSG:4326."""
    west = -180.0 + 6.0 * (zone - 1)
    strips: list[tuple[int, BaseGeometry]] = []
    if north > 0:
        strips.append((32600 + zone, box(west, max(south, 0.0), west + 6.0, north)))
    if south < 0:
        strips.append((32700 + zone, box(west, south, west + 6.0, min(north, 0.0))))
    return strips


def _tiles_in_zone(part: BaseGeometry, epsg: int) -> list[Tile]:
    ground = make_valid(project(segmentize(part, _MAX_SEGMENT_DEG), 4326, epsg))
    west, south, east, north = ground.bounds
    candidates = (
        Tile(epsg=epsg, column=column, row=row)
        for column in range(math.floor(west / TILE_M), math.floor(east / TILE_M) + 1)
        for row in range(math.floor(south / TILE_M), math.floor(north / TILE_M) + 1)
    )
    return [tile for tile in candidates if ground.intersection(tile_polygon(tile)).area > 0]


def pixels_within(region: BaseGeometry, tile: Tile) -> NDArray[np.bool_]:
    """(256, 256) bool: pixels of a tile whose centre lies in a region (EPSG:4326)."""
    ground = project(region, 4326, tile.epsg)
    prepare(ground)
    if ground.contains(tile_polygon(tile)):
        return np.ones((TILE_PX, TILE_PX), dtype=np.bool_)
    grid = tile_geobox(tile).transform
    centres = np.arange(TILE_PX) + 0.5
    eastings, northings = np.meshgrid(grid.c + grid.a * centres, grid.f + grid.e * centres)
    return np.asarray(contains_xy(ground, eastings, northings), dtype=np.bool_)
