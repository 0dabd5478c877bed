"""Items with real small GeoTIFFs on one tile and 320 m around it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from shapely import box

from monitor.core.grid import tile_geobox
from monitor.records import Asset, SceneItem, Sensor, Tile

TILE = Tile(epsg=32633, column=200, row=2000)
SIDE_PX = 320
NAMES = ("B04", "B03", "B02")


def scene(assets: Mapping[str, Asset], item_id: str = "scene", sensor: Sensor = Sensor.OPTICAL) -> SceneItem:
    """An item of these assets that covers the tile."""
    return SceneItem(
        catalog="test",
        collection="sentinel-2-l2a" if sensor is Sensor.OPTICAL else "sentinel-1-rtc",
        id=item_id,
        sensing_time=datetime(2024, 6, 1, tzinfo=UTC),
        geometry=box(14.9, 46.1, 15.2, 46.3),
        sensor=sensor,
        platform="sentinel-2a" if sensor is Sensor.OPTICAL else "sentinel-1a",
        assets=assets,
    )


def write_tif(
    path: Path,
    pixels: np.ndarray,
    *,
    resolution: float = 10.0,
    shift_px: float = 0.0,
    crs: str | None = "EPSG:32633",
    corner: tuple[float, float] | None = None,
    nodata: float | None = None,
) -> str:
    """A GeoTIFF that begins 320 m north-west of the tile, `shift_px` of 10 m further south-east, or at `corner`."""
    transform = tile_geobox(TILE, 32).transform
    west, north = corner or (transform.c + shift_px * 10, transform.f - shift_px * 10)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=pixels.shape[1],
        height=pixels.shape[0],
        count=1,
        dtype=pixels.dtype,
        crs=crs,
        transform=Affine(resolution, 0, west, 0, -resolution, north),
        nodata=nodata,
        tiled=True,
        compress="deflate",
    ) as sink:
        sink.write(pixels, 1)
    return str(path)


def forest(folder: Path, value: int = 600, **options: float) -> dict[str, Asset]:
    """Red, green and blue of one even ground."""
    pixels = np.full((SIDE_PX, SIDE_PX), value, np.uint16)
    return {
        name: Asset(href=write_tif(folder / f"{name}-{value}.tif", pixels, **options), scale=1e-4)  # type: ignore[arg-type]
        for name in NAMES
    }
