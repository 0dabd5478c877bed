"""Optical pixels of an acquisition on the grid: reflectance, and why a pixel is or is not an observation."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from rasterio.enums import Resampling

from monitor.adapters.cloudless import Cloudless
from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Signers
from monitor.core.grid import RESOLUTION_M, TILE_PX, tile_geobox
from monitor.core.masks import (
    CLOUDLESS_BANDS,
    MaskSource,
    bright_white,
    cloudy,
    dark_ground,
    from_clouds_and_snow,
    from_scene_classes,
    least_trusted,
    snowy,
)
from monitor.core.paint import Brush
from monitor.errors import BadItem
from monitor.records import Asset, Bands, PixelState, SceneItem, Tile

Array = NDArray[np.float32]
States = NDArray[np.uint8]

_RIM_PX = 16
"""Pixels around a tile that are read to grow cloud masks over its border (160 m)."""
_CELL_PX = 2
"""s2cloudless looks at cells of 20 m: only two of its bands have finer pixels, and it is four times as fast."""
_HAZE_SIDE_PX = 400
_VISIBLE = ("B04", "B03", "B02")


class RasterImageSource:
    """Reads Sentinel-2 like items (`ImageSource`)."""

    def __init__(
        self, signed: Signers | None = None, cloudless: Cloudless | None = None, brush: Brush | None = None
    ) -> None:
        """Files are opened on first use and kept open per thread; `signed` gives the link to read now.

        What `brush` lays over the bands, masks are made of as well.
        """
        self._signed = signed or Signers({})
        self._brush = brush or Brush()
        self._cloudless = cloudless or Cloudless()
        self._reader = RasterReader()
        self._haze: dict[tuple[str, ...], tuple[float, ...]] = {}
        # Dark ground of whole items, from thinned copies: the same for every tile of an item.

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """The tile's own 256x256 px of `bands`; several items are mosaicked, clear pixels first.

        Every item is opened: the caller leaves out those whose footprint misses the tile.

        Raises:
            BadAsset, BadItem: an item cannot be read, ever.
            AssetUnavailable: it cannot be read now.
        """
        parts = [self._read_item(item, bands, tile) for item in sorted(items, key=lambda item: (item.id, item.catalog))]
        pixels, state = _mosaic(parts)
        source = least_trusted(source for _, _, source in parts)
        return Bands(pixels=labelled(pixels, bands, tile), state=state, mask_source=source)

    def _read_item(self, item: SceneItem, bands: Sequence[str], tile: Tile) -> tuple[Array, States, str]:
        """Reflectance (C, 256, 256), states (256, 256) and where the cloud mask came from."""
        wanted = [*bands, *(name for name in _VISIBLE if name not in bands and "SCL" not in item.assets)]
        geobox = tile_geobox(tile, _RIM_PX)
        pixels = np.concatenate([self._reflectance(item, name, geobox) for name in wanted])
        state, source = self._hidden(item, tile, dict(zip(wanted, pixels, strict=True)))
        pixels = pixels[: len(bands)]
        # A swath edge where only some bands have data is no observation in any of them.
        missing = ~np.isfinite(pixels).all(axis=0)
        pixels[:, missing] = np.nan
        state[missing] = PixelState.NODATA
        core = (slice(_RIM_PX, _RIM_PX + TILE_PX),) * 2
        return pixels[:, *core], state[core], source

    def _hidden(self, item: SceneItem, tile: Tile, pixels: dict[str, Array]) -> tuple[States, str]:
        """States of a tile and its rim, and what told them: the best there is of the item."""
        if "SCL" in item.assets:
            return self._classified(item, tile_geobox(tile, _RIM_PX)), MaskSource.SCL.value
        if item.assets.keys() >= {*CLOUDLESS_BANDS}:
            detected = self._by_detector(item, tile)
            if detected is not None:
                return detected, MaskSource.S2CLOUDLESS.value
        return self._by_whiteness(item, pixels), MaskSource.BRIGHT_WHITE.value

    def _by_detector(self, item: SceneItem, tile: Tile) -> States | None:
        """States by s2cloudless; None when it is not installed."""
        if not self._cloudless.ready():
            return None
        cells = tile_geobox(tile, _RIM_PX).zoom_out(_CELL_PX)
        names = (*CLOUDLESS_BANDS, "B03")
        bands = {name: self._reflectance(item, name, cells, Resampling.average)[0] for name in names}
        probability = self._cloudless.probability(np.stack([bands[name] for name in CLOUDLESS_BANDS]))
        states = from_clouds_and_snow(
            cloudy(probability, RESOLUTION_M * _CELL_PX),
            snowy(bands["B03"], bands["B08"], bands["B11"], RESOLUTION_M * _CELL_PX),
            np.isfinite(probability),
        )
        return states.repeat(_CELL_PX, axis=0).repeat(_CELL_PX, axis=1)

    def _reflectance(
        self, item: SceneItem, name: str, geobox: GeoBox, resampling: Resampling = Resampling.bilinear
    ) -> Array:
        """(1, H, W) of one band, NaN = no data."""
        asset = _asset(item, name)
        # DN 0 is nodata in every Sentinel-2 product, whether or not the file says so.
        nodata = 0.0 if asset.nodata is None else asset.nodata
        digital = self._reader.warp([self._signed(item, asset.href)], item.id, geobox, resampling, nodata)
        return painted(digital * np.float32(asset.scale) + np.float32(asset.offset), name, geobox, self._brush)

    def _classified(self, item: SceneItem, geobox: GeoBox) -> States:
        asset = _asset(item, "SCL")
        classes = self._reader.warp([self._signed(item, asset.href)], item.id, geobox, Resampling.nearest, None)[0]
        return from_scene_classes(np.nan_to_num(classes, nan=0.0).astype(np.uint8), RESOLUTION_M)

    def _by_whiteness(self, item: SceneItem, pixels: dict[str, Array]) -> States:
        red, green, blue = (pixels[name] for name in _VISIBLE)
        key = (item.id, *(_asset(item, name).href for name in _VISIBLE))
        if key not in self._haze:
            self._haze[key] = tuple(dark_ground(self._thinned(item, name)) or 0.0 for name in _VISIBLE)
        dark = self._haze[key]
        return bright_white(red, green, blue, dark, RESOLUTION_M)

    def _thinned(self, item: SceneItem, name: str) -> Array:
        asset = _asset(item, name)
        nodata = 0.0 if asset.nodata is None else asset.nodata
        digital = self._reader.overview(self._signed(item, asset.href), item.id, _HAZE_SIDE_PX, nodata)
        return digital * np.float32(asset.scale) + np.float32(asset.offset)


def _asset(item: SceneItem, name: str) -> Asset:
    if name not in item.assets:
        raise BadItem(
            f"the item has no asset for {name} (it has {', '.join(sorted(item.assets)) or 'none'})",
            item=item.id,
            remedy="Choose a collection with this band, or a model that does not need it.",
            reason="missing-asset",
        )
    return item.assets[name]


def _mosaic(parts: Sequence[tuple[Array, States, str]]) -> tuple[Array, States]:
    """Lay items over each other: a valid pixel before a hidden one, a hidden one before none, else the first item."""
    pixels, state = parts[0][0].copy(), parts[0][1].copy()
    for more_pixels, more_state, _ in parts[1:]:
        better = (_rank(more_state) < _rank(state)) & np.isfinite(more_pixels).all(axis=0)
        pixels[:, better] = more_pixels[:, better]
        state[better] = more_state[better]
    return pixels, state


def _rank(state: States) -> NDArray[np.int8]:
    rank = np.ones(state.shape, dtype=np.int8)
    rank[state == PixelState.VALID] = 0
    rank[state == PixelState.NODATA] = 2
    return rank


def painted(pixels: Array, name: str, geobox: GeoBox, brush: Brush) -> Array:
    """(1, H, W) of a band with what a brush lays over it."""
    grid, epsg = geobox.transform, geobox.crs.to_epsg() if geobox.crs else None
    if not brush.patches or epsg is None:
        return pixels
    return brush.over(name, pixels[0], epsg, grid.c, grid.f, grid.a)[None]


def labelled(pixels: Array, bands: Sequence[str], tile: Tile) -> xr.DataArray:
    """The pixels with their bands, coordinates and CRS."""
    coordinates = {**xr_coords(tile_geobox(tile)), "band": list(bands)}
    return xr.DataArray(pixels, coords=coordinates, dims=("band", "y", "x"))
