"""Files and bare items of a simulated catalog: what all its collections share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pystac
import rasterio
from affine import Affine
from numpy.typing import NDArray
from shapely import box
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.sandbox.frame import EPSG
from monitor.sandbox.story import VALLEY_VERSION

MARKS: Mapping[str, object] = {"scarpwatch:simulated": True, "scarpwatch:valley_version": VALLEY_VERSION}
"""In every item: nobody shall take these pixels for sensed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """One file to be: pixels and where they lie."""

    pixels: NDArray[np.generic]
    """(H, W)."""
    transform: Affine
    nodata: float | None = None
    epsg: int = EPSG


def footprint(raster: Raster) -> BaseGeometry:
    """The raster's outline, EPSG:4326."""
    outline = box(*bounds(raster))
    return outline if raster.epsg == 4326 else project(outline, raster.epsg, 4326)


def bounds(raster: Raster) -> tuple[float, float, float, float]:
    """West, south, east, north in the raster's own coordinates."""
    height, width = raster.pixels.shape
    west, north = raster.transform @ (0, 0)
    east, south = raster.transform @ (width, height)
    return west, south, east, north


def write_raster(path: Path, raster: Raster) -> Path:
    """A tiled, compressed GeoTIFF; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = raster.pixels.shape
    floating = np.issubdtype(raster.pixels.dtype, np.floating)
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype=raster.pixels.dtype,
        crs=f"EPSG:{raster.epsg}", transform=raster.transform, nodata=raster.nodata,
        tiled=True, blockxsize=256, blockysize=256, compress="deflate", zlevel=3, predictor=3 if floating else 2,
    ) as file:  # fmt: skip
        file.write(raster.pixels, 1)
    return path


def bare_item(name: str, time: datetime | None, raster: Raster, properties: Mapping[str, object]) -> pystac.Item:
    """An item without assets; without a `time` the properties have to say from when to when."""
    outline = footprint(raster)
    return pystac.Item(
        id=name, geometry=mapping(outline), bbox=list(outline.bounds), datetime=time, properties=dict(properties)
    )


def asset(path: Path, title: str, roles: Sequence[str]) -> pystac.Asset:
    """An asset for a written file."""
    return pystac.Asset(href=str(path), title=title, media_type=pystac.MediaType.COG, roles=list(roles))
