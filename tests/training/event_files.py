"""Small events as GeoTIFFs: two rows of four chips each, with a square that slid in every chip."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from shapely import box, to_geojson, unary_union

from monitor.core.grid import project

EPSG = 32654
SHAPE = (256, 512)
CHIP_PX = 128
SCAR_PX = 12
WEST, NORTH = 400_000.0, 4_700_000.0
OPTICAL = ("B02", "B03", "B04", "B08", "B11", "B12")


def write_raster(
    path: Path,
    bands: Sequence[NDArray[Any]],
    names: Sequence[str] = (),
    west: float = WEST,
    crs: str | None = f"EPSG:{EPSG}",
) -> None:
    """One GeoTIFF of 10 m; bands without names are named by nobody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = bands[0].shape
    place = Affine(10.0, 0, west, 0, -10.0, NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=height, width=width, dtype=bands[0].dtype, crs=crs,
        transform=place,
    ) as file:  # fmt: skip
        file.write(np.stack(bands))
        if names:
            file.descriptions = tuple(names)


def slid() -> NDArray[np.bool_]:
    """(H, W) a square at a place of its own in every chip."""
    found = np.zeros(SHAPE, dtype=np.bool_)
    for row in range(SHAPE[0] // CHIP_PX):
        for column in range(SHAPE[1] // CHIP_PX):
            top, left = row * CHIP_PX + 20 + 10 * column, column * CHIP_PX + 40 + 20 * row
            found[top : top + SCAR_PX, left : left + SCAR_PX] = True
    return found


def polygons(west: float = WEST, epsg: int = EPSG) -> str:
    """The squares as GeoJSON of a CRS."""
    rows, columns = np.nonzero(slid())
    pixels = [
        box(west + 10.0 * column, NORTH - 10.0 * row - 10.0, west + 10.0 * column + 10.0, NORTH - 10.0 * row)
        for row, column in zip(rows, columns, strict=True)
    ]
    feature = json.loads(to_geojson(project(unary_union(pixels), EPSG, epsg)))
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    return json.dumps(
        {
            "type": "FeatureCollection",
            "crs": crs,
            "features": [{"type": "Feature", "properties": {}, "geometry": feature}],
        }
    )


def write_event(folder: Path, number: int = 0, before: int = 3, after: int = 3) -> Path:
    """An event whose slides are bright in red and dark in radar after it; events lie 100 km apart."""
    west = WEST + 100_000.0 * number
    rng = np.random.default_rng(number)
    scars = slid()

    def noise(level: float) -> NDArray[np.float32]:
        return (level * (1 + 0.1 * rng.standard_normal(SHAPE))).astype(np.float32)

    for when, count in (("before", before), ("after", after)):
        change = np.where(scars & (when == "after"), np.float32(0.3), np.float32(1.0))
        for day in range(1, count + 1):
            date = f"2018-{'08' if when == 'before' else '10'}-0{day}"
            radar = [(noise(level) * change).astype(np.float32) for level in (0.1 + 0.01 * day, 0.02)]
            write_raster(folder / "s1" / when / f"{date}.tif", radar, ("vv", "vh"), west)
        bands = [(noise(0.05) / change).astype(np.float32) for _ in OPTICAL]
        write_raster(folder / "s2" / when / f"2018-{'08' if when == 'before' else '10'}-01.tif", bands, OPTICAL, west)
    write_raster(folder / "elevation.tif", [noise(500.0)], west=west)
    write_raster(folder / "slope.tif", [noise(20.0)], west=west)
    write_raster(folder / "labels.tif", [scars.astype(np.uint8)], west=west)
    return folder
