"""Tiles laid side by side: one array per UTM zone, so that change may cross tile borders."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M, TILE_M, TILE_PX
from monitor.records import Tile

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The bounding rectangle of some tiles of one zone."""

    epsg: int
    column: int
    """Column of the westernmost tiles."""
    row: int
    """Row of the northernmost tiles."""
    columns: int
    rows: int
    tiles: tuple[Tile, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rows * TILE_PX, self.columns * TILE_PX

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to easting, northing in metres."""
        return Affine(RESOLUTION_M, 0.0, self.column * TILE_M, 0.0, -RESOLUTION_M, (self.row + 1) * TILE_M)

    def window(self, tile: Tile) -> tuple[slice, slice]:
        """Where a tile lies on the canvas."""
        top = (self.row - tile.row) * TILE_PX
        left = (tile.column - self.column) * TILE_PX
        return slice(top, top + TILE_PX), slice(left, left + TILE_PX)

    def part(self, tiles: Iterable[Tile]) -> "Canvas":
        """The rectangle around some tiles and their neighbours, as far as it lies on this canvas.

        All of this canvas where none of them does. With the neighbours, filters that reach less than a tile far see
        at every pixel of the tiles what they would see on the whole canvas.
        """
        own = [tile for tile in tiles if tile.epsg == self.epsg]
        columns = range(self.column, self.column + self.columns)
        rows = range(self.row, self.row - self.rows, -1)
        wide = [column for column in columns if any(abs(tile.column - column) <= 1 for tile in own)]
        high = [row for row in rows if any(abs(tile.row - row) <= 1 for tile in own)]
        if not wide or not high:
            return self
        west, east, north, south = wide[0], wide[-1], high[0], high[-1]
        return Canvas(
            epsg=self.epsg,
            column=west,
            row=north,
            columns=east - west + 1,
            rows=north - south + 1,
            tiles=tuple(tile for tile in self.tiles if west <= tile.column <= east and south <= tile.row <= north),
        )

    def place(self, part: "Canvas") -> tuple[slice, slice]:
        """Where a part of this canvas lies on it."""
        top, left = (self.row - part.row) * TILE_PX, (part.column - self.column) * TILE_PX
        height, width = part.shape
        return slice(top, top + height), slice(left, left + width)

    def lay(self, arrays: Mapping[Tile, NDArray[T]], fill: T) -> NDArray[T]:
        """One (rows, columns) array from (256, 256) arrays; tiles without one are `fill`."""
        out = np.full(self.shape, fill, dtype=np.asarray(fill).dtype)
        for tile in self.tiles:
            if tile in arrays:
                out[self.window(tile)] = arrays[tile]
        return out

    def cut(self, array: NDArray[T]) -> dict[Tile, NDArray[T]]:
        """The inverse of `lay`: a (256, 256) view per tile."""
        return {tile: array[self.window(tile)] for tile in self.tiles}


def canvases(tiles: Iterable[Tile]) -> tuple[Canvas, ...]:
    """One canvas per zone, sorted by zone."""
    zones: dict[int, list[Tile]] = {}
    for tile in sorted(tiles):
        zones.setdefault(tile.epsg, []).append(tile)
    return tuple(_canvas(epsg, members) for epsg, members in sorted(zones.items()))


def with_halo(tile: Tile, halo_px: int, fetch: Callable[[Tile], NDArray[T]], fill: T) -> NDArray[T]:
    """A tile's (..., 256 + 2 halo, 256 + 2 halo) pixels put together from its own and its eight neighbours' cores.

    Reading cores only, never a window that depends on the request, is what makes a tile's result
    the same in every region and block. `halo_px` is at most 256.
    """
    centre = fetch(tile)
    size = TILE_PX + 2 * halo_px
    out = np.full((*centre.shape[:-2], size, size), fill, dtype=centre.dtype)
    spans = {
        -1: (slice(TILE_PX - halo_px, TILE_PX), slice(0, halo_px)),
        0: (slice(0, TILE_PX), slice(halo_px, halo_px + TILE_PX)),
        1: (slice(0, halo_px), slice(halo_px + TILE_PX, size)),
    }
    for down, (source_rows, target_rows) in spans.items():
        for east, (source_columns, target_columns) in spans.items():
            near = Tile(epsg=tile.epsg, column=tile.column + east, row=tile.row - down)
            core = centre if (down, east) == (0, 0) else fetch(near)
            out[..., target_rows, target_columns] = core[..., source_rows, source_columns]
    return out


def _canvas(epsg: int, tiles: list[Tile]) -> Canvas:
    columns = [tile.column for tile in tiles]
    rows = [tile.row for tile in tiles]
    return Canvas(
        epsg=epsg,
        column=min(columns),
        row=max(rows),
        columns=max(columns) - min(columns) + 1,
        rows=max(rows) - min(rows) + 1,
        tiles=tuple(tiles),
    )
