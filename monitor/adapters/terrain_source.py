"""Elevation on the grid, and what follows from it."""

from collections.abc import Sequence

import numpy as np
from rasterio.enums import Resampling

from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Signers
from monitor.core.grid import RESOLUTION_M, TILE_PX, tile_geobox
from monitor.core.terrain import slope_deg, terrain_ruggedness_m
from monitor.records import SceneItem, Terrain, Tile

_HALO_PX = 16


class RasterTerrainSource:
    """Reads elevation items (`TerrainSource`); of several the first with a value counts, sorted by id."""

    def __init__(self, items: Sequence[SceneItem], signed: Signers | None = None) -> None:
        """`items` have the asset `data`: elevation in metres; `signed` gives the link to read now."""
        self._signed = signed or Signers({})
        self._items = sorted(items, key=lambda item: item.id)
        self._reader = RasterReader()

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile; None where no elevation model covers any of it.

        Raises:
            BadAsset, AssetUnavailable: an elevation file cannot be read.
        """
        geobox = tile_geobox(tile, _HALO_PX)
        elevation = np.full(geobox.shape, np.nan, dtype=np.float32)
        for item in self._items:
            if np.isfinite(elevation).all():
                break
            asset = item.assets["data"]
            # A cubic spline keeps slopes of a 30 m model smooth on 10 m cells; bilinear leaves facets.
            found = self._reader.warp(
                [self._signed(item, asset.href)], item.id, geobox, Resampling.cubic_spline, asset.nodata
            )[0]
            elevation = np.where(np.isfinite(elevation), elevation, found)
        if not np.isfinite(elevation).any():
            return None
        core = (slice(_HALO_PX, _HALO_PX + TILE_PX),) * 2
        return Terrain(
            elevation_m=elevation[core],
            slope_deg=slope_deg(elevation, RESOLUTION_M)[core],
            tri_m=terrain_ruggedness_m(elevation)[core],
        )
