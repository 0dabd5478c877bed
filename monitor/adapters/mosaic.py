"""One Cloud Optimized GeoTIFF from tiles of one UTM zone.

Tiles are written one by one into a plain tiled file, whose blocks are the tiles, and GDAL turns that
into a COG with overviews: memory stays at a few tiles however large the region is.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from monitor.adapters.files import disk_full_as_error
from monitor.core.grid import RESOLUTION_M, TILE_M, TILE_PX
from monitor.records import Tile

TileArrays = Mapping[Tile, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """How one kind of pixel is stored: value = code * scale."""

    title: str
    dtype: str
    scale: float
    nodata: int
    smallest: float
    largest: float
    colormap: str
    """A name titiler, QGIS and matplotlib share."""
    shown: tuple[float, float]
    """Values at the two ends of the colour map."""


_CHANGE = Layer(
    title="Model output now minus the reference of earlier looks",
    dtype="int16",
    scale=0.0001,
    nodata=-32768,
    smallest=-3.2767,
    largest=3.2767,
    colormap="rdbu_r",
    shown=(-1.0, 1.0),
)

LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        "probability": Layer(
            title="Model output averaged over flips, 0-1 (not a calibrated probability)",
            dtype="uint8",
            scale=0.004,
            nodata=255,
            smallest=0.0,
            largest=1.0,
            colormap="magma",
            shown=(0.0, 1.0),
        ),
        "spread": Layer(
            title="Standard deviation over flips: sensitivity to augmentation, not a calibrated uncertainty",
            dtype="uint8",
            scale=0.002,
            nodata=255,
            smallest=0.0,
            largest=0.508,
            colormap="viridis",
            shown=(0.0, 0.3),
        ),
        "change": _CHANGE,
        "brightening": replace(
            _CHANGE,
            title="Log-ratio of red, now over the reference, less sun and season: what the baseline alerts on",
            shown=(-1.5, 1.5),
        ),
        "backscatter-change": replace(
            _CHANGE,
            title="Backscatter against the mean of earlier passes of the track, in units of its own spread",
            scale=0.001,
            smallest=-32.767,
            largest=32.767,
            colormap="ylorbr",
            shown=(0.0, 8.0),
        ),
    }
)
"""The layers of a product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The pixels of a mosaic: whole tiles of one zone."""

    epsg: int
    west: int
    """Column of the western tiles."""
    north: int
    """Row of the northern tiles."""
    columns: int
    rows: int

    @property
    def transform(self) -> Affine:
        """Pixel to metres, north up."""
        return Affine(RESOLUTION_M, 0, self.west * TILE_M, 0, -RESOLUTION_M, (self.north + 1) * TILE_M)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rows * TILE_PX, self.columns * TILE_PX

    def window(self, tile: Tile) -> Window:
        """Where a tile lies."""
        return Window((tile.column - self.west) * TILE_PX, (self.north - tile.row) * TILE_PX, TILE_PX, TILE_PX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of all observed pixels of a mosaic, as stored."""

    minimum: float
    maximum: float
    mean: float
    stddev: float
    valid_percent: float


def grid_of(tiles: Iterable[Tile]) -> Grid:
    """The smallest grid that holds all tiles, which must share a zone.

    Raises:
        ValueError: no tiles, or more than one zone.
    """
    group = list(tiles)
    zones = {tile.epsg for tile in group}
    if len(zones) != 1:
        raise ValueError(f"a mosaic needs tiles of exactly one zone, got {sorted(zones)}")
    columns = [tile.column for tile in group]
    rows = [tile.row for tile in group]
    return Grid(
        epsg=zones.pop(),
        west=min(columns),
        north=max(rows),
        columns=max(columns) - min(columns) + 1,
        rows=max(rows) - min(rows) + 1,
    )


def write_cog(path: Path, layer: Layer, tiles: TileArrays, grid: Grid) -> Statistics | None:
    """Write one layer; tiles not given stay nodata. None when no pixel was observed.

    Args:
        tiles: (256, 256) float32 per tile, NaN = no observation; asked for one at a time.

    Raises:
        DiskFull
    """
    plain = path.with_suffix(".plain.tif")
    height, width = grid.shape
    try:
        with disk_full_as_error(path, needed_bytes=2 * height * width * np.dtype(layer.dtype).itemsize):
            summary = _write_plain(plain, layer, tiles, grid)
            rasterio.shutil.copy(
                plain,
                path,
                driver="COG",
                compress="deflate",
                level=1,  # 3 % larger than the default, in a fifth less time; most of it is overviews
                predictor="yes",
                blocksize=TILE_PX,
                overview_resampling="average",
                sparse_ok="true",
            )
            _check_complete(path, layer, summary.count)
    finally:
        plain.unlink(missing_ok=True)
    return summary.result(height * width)


def encode(values: NDArray[np.float32], layer: Layer) -> NDArray[np.generic]:
    """Values (NaN = none) to codes of the layer's type, clipped to what fits."""
    codes = np.rint(np.clip(values, layer.smallest, layer.largest) / layer.scale)
    return np.where(np.isnan(codes), layer.nodata, codes).astype(layer.dtype)


def _write_plain(path: Path, layer: Layer, tiles: TileArrays, grid: Grid) -> "_Summary":
    height, width = grid.shape
    summary = _Summary()
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=1,
        dtype=layer.dtype,
        nodata=layer.nodata,
        crs=CRS.from_epsg(grid.epsg),
        transform=grid.transform,
        tiled=True,
        blockxsize=TILE_PX,
        blockysize=TILE_PX,
        sparse_ok=True,
        bigtiff="if_safer",
    ) as dataset:
        for tile in sorted(tiles):
            codes = encode(tiles[tile], layer)
            summary.add(codes[codes != layer.nodata].astype(np.float64) * layer.scale)
            dataset.write(codes, 1, window=grid.window(tile))
        dataset.scales, dataset.offsets, dataset.descriptions = (layer.scale,), (0.0,), (layer.title,)
        statistics = summary.result(height * width)
        if statistics is not None:
            dataset.update_tags(1, **_gdal_statistics(statistics, layer))
    return summary


class _Summary:
    """Sums over tiles, in a fixed order, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = self._squares = 0.0
        self._minimum, self._maximum = math.inf, -math.inf

    def add(self, values: NDArray[np.float64]) -> None:
        if values.size:
            self.count += values.size
            self._sum += float(values.sum())
            self._squares += float((values**2).sum())
            self._minimum = min(self._minimum, float(values.min()))
            self._maximum = max(self._maximum, float(values.max()))

    def result(self, pixels: int) -> Statistics | None:
        if not self.count:
            return None
        mean = self._sum / self.count
        return Statistics(
            minimum=round(self._minimum, 6),
            maximum=round(self._maximum, 6),
            mean=round(mean, 6),
            stddev=round(math.sqrt(max(0.0, self._squares / self.count - mean**2)), 6),
            valid_percent=round(100.0 * self.count / pixels, 3),
        )


def _gdal_statistics(statistics: Statistics, layer: Layer) -> dict[str, str]:
    """What GDAL and QGIS read instead of scanning the file; in codes, as GDAL wants them."""
    return {
        "STATISTICS_MINIMUM": f"{statistics.minimum / layer.scale:.6g}",
        "STATISTICS_MAXIMUM": f"{statistics.maximum / layer.scale:.6g}",
        "STATISTICS_MEAN": f"{statistics.mean / layer.scale:.6g}",
        "STATISTICS_STDDEV": f"{statistics.stddev / layer.scale:.6g}",
        "STATISTICS_VALID_PERCENT": f"{statistics.valid_percent:g}",
    }


def _check_complete(path: Path, layer: Layer, observed: int) -> None:
    """Read every block once and count what is observed.

    rasterio swallows errors of the flush on closing, and a sparse file reads missing blocks as
    nodata: a write that was lost would otherwise look like ground that was not observed.
    """
    with rasterio.open(path) as dataset:
        windows = (window for _, window in dataset.block_windows(1))
        found = sum(int(np.count_nonzero(dataset.read(1, window=window) != layer.nodata)) for window in windows)
    if found != observed:
        raise OSError(f"{path} holds {found} of {observed} observed pixels")
