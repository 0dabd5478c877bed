"""Elevation on the grid, and what follows from it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Signers
from monitor.adapters.static_files import SourceReads, StaticFiles, StaticLayer, covering, source_key
from monitor.core.grid import tile_geobox
from monitor.core.terrain import terrain_of
from monitor.records import SceneItem, Terrain, Tile

Array = NDArray[np.float32]

_HALO_PX = 16
_METHOD = f"elevation 2, cubic spline, halo {_HALO_PX} px"
"""Goes into the key of kept files: count up when the pixels of the same items come out different."""


class RasterTerrainSource:
    """Reads elevation items (`TerrainSource`); of several the first with a value counts, sorted by id."""

    def __init__(
        self,
        items: Sequence[SceneItem],
        signed: Signers | None = None,
        files: StaticFiles | None = None,
        reads: SourceReads | None = None,
    ) -> None:
        """
        Args:
            items: have the asset `data`: elevation in metres.
            signed: gives the link to read now.
            files: where elevation is kept once it was read; None keeps nothing.
            reads: counts the tiles that were really read.
        """
        self._signed = signed or Signers({})
        self._items = sorted(items, key=lambda item: item.id)
        self._files = files
        self._reads = reads or SourceReads()
        self._reader = RasterReader()

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile; None where no elevation model covers any of it.

        Raises:
            BadAsset, AssetUnavailable: an elevation file cannot be read.
        """
        items = covering(self._items, tile)
        if not items:
            return None
        key = source_key(items, "data", _METHOD)
        elevation = self._kept(tile, key)
        if elevation is None:
            self._reads.add(StaticLayer.TERRAIN)
            elevation = self._elevation(items, tile)
            if self._files is not None:
                self._files.write(StaticLayer.TERRAIN, tile, key, elevation)
        return terrain_of(elevation, _HALO_PX)

    def known(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile if it is kept; None says nothing. No elevation file is opened."""
        items = covering(self._items, tile) if self._files is not None else []
        kept = self._kept(tile, source_key(items, "data", _METHOD)) if items else None
        return None if kept is None else terrain_of(kept, _HALO_PX)

    def _kept(self, tile: Tile, key: str) -> Array | None:
        return _kept(self._files, tile, key) if self._files is not None else None

    def _elevation(self, items: Sequence[SceneItem], tile: Tile) -> Array:
        """(256 + 2 halo, 256 + 2 halo) metres, NaN = void."""
        geobox = tile_geobox(tile, _HALO_PX)
        elevation = np.full(geobox.shape, np.nan, dtype=np.float32)
        for item in items:
            if np.isfinite(elevation).all():
                break
            asset = item.assets["data"]
            # A cubic spline keeps slopes of a 30 m model smooth on 10 m cells; bilinear leaves facets.
            found = self._reader.warp(
                [self._signed(item, asset.href)], item.id, geobox, Resampling.cubic_spline, asset.nodata
            )[0]
            elevation = np.where(np.isfinite(elevation), elevation, found)
        return elevation


def kept_terrain(files: StaticFiles, tile: Tile) -> Terrain | None:
    """Terrain of one tile as it was kept, of whatever sources; None where none was. No catalog is asked."""
    kept = _kept(files, tile, None)
    return None if kept is None else terrain_of(kept, _HALO_PX)


def _kept(files: StaticFiles, tile: Tile, key: str | None) -> Array | None:
    kept = files.read(StaticLayer.TERRAIN, tile, key)
    shape = tile_geobox(tile, _HALO_PX).shape
    return kept.astype(np.float32) if kept is not None and kept.shape == shape else None
