"""Scars painted into real pixels before anything looks at them, so that the cloud mask may hide them too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.xr import xr_coords

from monitor.adapters.rasters import RasterReader
from monitor.core.canvas import with_halo
from monitor.core.grid import RESOLUTION_M, TILE_PX, neighbour, tile_geobox
from monitor.core.masks import bright_white, dark_ground
from monitor.ports import ImageSource
from monitor.records import Acquisition, Asset, Bands, PixelState, SceneItem, Tile

Array = NDArray[np.float32]
Name = TypeVar("Name")

BANDS = ("B04", "B03", "B02")
"""Red, green, blue: the order of `core.implants` and of the looks."""
RIM_PX = 16
"""As `adapters.imagery` reads around a tile to grow its mask over the border."""
_HAZE_SIDE_PX = 400


@dataclass(slots=True, kw_only=True)
class ReadOnce:
    """An image source that remembers every tile: the unpainted scene is read once for all runs."""

    source: ImageSource
    _kept: dict[tuple[tuple[str, ...], Tile], Bands] = field(default_factory=dict)

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """The tile's bands, from memory the second time."""
        key = (tuple(item.id for item in items), tile)
        if key not in self._kept:
            self._kept[key] = self.source.read(items, bands, tile)
        return self._kept[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedSource:
    """A scene whose tiles were painted; cloud masks are made from what was painted, with the scene's own haze."""

    source: ImageSource
    painted: Mapping[Tile, Array]
    """(3, 256, 256) red, green, blue of every tile of the scene and of the ring around it."""
    changed: frozenset[Tile]
    """Tiles whose pixels or masks differ from the source's; the others are passed on."""
    dark: tuple[float, ...]
    """Haze of the unpainted scene: red, green, blue."""

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """The tile as it would have been read had the scars been there."""
        if tuple(bands) != BANDS:
            raise ValueError(f"painted scenes have the bands {BANDS}, not {tuple(bands)}")
        if tile not in self.changed:
            return self.source.read(items, bands, tile)
        pixels = with_halo(tile, RIM_PX, lambda near: self.painted[near], np.float32(np.nan))
        core = (slice(RIM_PX, RIM_PX + TILE_PX),) * 2
        state = bright_white(pixels[0], pixels[1], pixels[2], self.dark, RESOLUTION_M)[core].copy()
        own = pixels[:, *core].copy()
        missing = ~np.isfinite(own).all(axis=0)
        own[:, missing] = np.nan
        state[missing] = PixelState.NODATA
        coordinates = {**xr_coords(tile_geobox(tile)), "band": list(bands)}
        labelled = xr.DataArray(own, coords=coordinates, dims=("band", "y", "x"))
        return Bands(pixels=labelled, state=state, mask_source="bright-white")


def scene_pixels(acquisition: Acquisition, source: ImageSource, tiles: Sequence[Tile]) -> dict[Tile, Array]:
    """(3, 256, 256) red, green, blue of the tiles and of the ring around them."""
    wanted = {neighbour(tile, east, down) for tile in tiles for east in (-1, 0, 1) for down in (-1, 0, 1)}
    return {
        tile: np.ascontiguousarray(source.read(acquisition.items, BANDS, tile).pixels.values, dtype=np.float32)
        for tile in sorted(wanted)
    }


def scene_haze(item: SceneItem) -> tuple[float, ...]:
    """Dark ground of a whole item per band, measured as `adapters.imagery` does."""
    reader = RasterReader()

    def thinned(asset: Asset) -> Array:
        nodata = 0.0 if asset.nodata is None else asset.nodata
        digital = reader.overview(asset.href, item.id, _HAZE_SIDE_PX, nodata)
        return digital * np.float32(asset.scale) + np.float32(asset.offset)

    return tuple(dark_ground(thinned(item.assets[name])) or 0.0 for name in BANDS)


def near(weight: NDArray[np.bool_], tiles: Mapping[Name, tuple[slice, slice]], halo_px: int) -> frozenset[Name]:
    """Tiles within `halo_px` of a True pixel of the canvas: those whose answer may differ."""
    grown = np.pad(weight, halo_px)
    return frozenset(
        tile
        for tile, (rows, columns) in tiles.items()
        if grown[rows.start : rows.stop + 2 * halo_px, columns.start : columns.stop + 2 * halo_px].any()
    )
