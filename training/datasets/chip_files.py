"""Chips as GeoTIFF pairs: `images/NAME.tif` with the bands, `labels/NAME.tif` with 0, 1 or 2 per pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chip_files import geotiff
from monitor.adapters.files import write_atomic
from monitor.core.grid import project
from monitor.errors import BadAsset
from training.samples import LANDSLIDE, STABLE, UNLABELLED

IMAGES: Final = "images"
LABELS: Final = "labels"


class LabelCode(IntEnum):
    """Values of a label file."""

    UNLABELLED = 0
    STABLE = 1
    LANDSLIDE = 2


_LABEL_OF_CODE: Final = np.array([UNLABELLED, STABLE, LANDSLIDE], dtype=np.int8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One pair as read."""

    name: str
    pixels: NDArray[np.float32]
    """(C, H, W) as in the file, nodata as NaN."""
    labels: NDArray[np.int8]
    """(H, W) UNLABELLED, STABLE or LANDSLIDE."""
    band_names: tuple[str | None, ...]
    tags: Mapping[str, str]
    footprint: BaseGeometry
    """EPSG:4326."""
    pixel_deg: float
    """Height of a pixel, degrees of latitude."""
    resolution_m: float
    """Side of a square with the area of a pixel, metres on the ground."""


def pairs(folder: Path) -> tuple[tuple[Path, Path], ...]:
    """The image and label files of a folder, by name.

    Raises:
        BadAsset: there are none, or one has no partner.
    """
    images = {path.name: path for path in sorted((folder / IMAGES).glob("*.tif"))}
    labels = {path.name: path for path in sorted((folder / LABELS).glob("*.tif"))}
    alone = sorted(images.keys() ^ labels.keys())
    if alone or not images:
        problem = f"{alone[0]} is not in both {IMAGES} and {LABELS}" if alone else f"there is no {IMAGES}/*.tif"
        raise BadAsset(problem, item=str(folder), remedy=f"Every chip is a GeoTIFF in {IMAGES} and one in {LABELS}.")
    return tuple((images[name], labels[name]) for name in images)


def read_chip(image: Path, label: Path) -> Chip:
    """Read one pair.

    Raises:
        BadAsset: a file is no raster with a CRS, the two do not cover the same pixels, or a label is not a whole
            number 0, 1 or 2.
    """
    with _open(image) as dataset:
        pixels = dataset.read(out_dtype="float32", masked=True).filled(np.nan)
        grid = GeoBox(dataset.shape, dataset.transform, dataset.crs)
        names, tags = tuple(dataset.descriptions), dataset.tags()
    with _open(label) as dataset:
        codes = dataset.read(1)
        same = GeoBox(dataset.shape, dataset.transform, dataset.crs) == grid
    if not same:
        raise BadAsset(
            "it does not cover the same pixels as its image", item=str(label), remedy="Cut both on one grid."
        )
    if codes.dtype.kind not in "iu":
        raise BadAsset(
            f"it holds {codes.dtype.name}, not whole numbers",
            item=str(label),
            remedy="Write labels as 8-bit integers: 0 unlabelled, 1 stable, 2 landslide.",
        )
    if codes.max() > LabelCode.LANDSLIDE or codes.min() < 0:
        raise BadAsset(
            f"it has values from {codes.min()} to {codes.max()}",
            item=str(label),
            remedy="Labels are 0 unlabelled, 1 stable, 2 landslide.",
        )
    footprint = project(box(*grid.boundingbox), str(grid.crs), 4326)
    _, south, _, north = footprint.bounds
    return Chip(
        name=image.stem,
        pixels=pixels,
        labels=_LABEL_OF_CODE[codes],
        band_names=names,
        tags=tags,
        footprint=footprint,
        pixel_deg=(north - south) / grid.shape[0],
        resolution_m=resolution_m(grid, footprint),
    )


def write_chip(
    folder: Path,
    name: str,
    grid: GeoBox,
    pixels: Mapping[str, NDArray[np.float32]],
    codes: NDArray[np.uint8],
    tags: Mapping[str, str],
) -> None:
    """Write one pair, each file atomically and the image last: where there is an image, the pair is complete.

    Args:
        pixels: (H, W) per band name, NaN = no observation.
        codes: (H, W) LabelCode.

    Raises:
        DiskFull
    """
    write_atomic(folder / LABELS / f"{name}.tif", geotiff(grid, codes[None], ("label",), {}, None))
    bands = np.stack(list(pixels.values()))
    write_atomic(folder / IMAGES / f"{name}.tif", geotiff(grid, bands, tuple(pixels), tags, np.nan))


def is_complete(folder: Path, name: str) -> bool:
    """Whether both files of a pair are there."""
    return all((folder / kind / f"{name}.tif").is_file() for kind in (IMAGES, LABELS))


@contextmanager
def _open(path: Path) -> Iterator[DatasetReader]:
    try:
        with rasterio.open(path) as dataset:
            if dataset.crs is None:
                raise BadAsset("it has no coordinate reference system", item=str(path), remedy="Georeference it.")
            yield dataset
    except (RasterioError, OSError) as err:
        raise BadAsset(f"it is no readable raster ({err})", item=str(path), remedy="Fetch or cut it again.") from err


def resolution_m(grid: GeoBox, footprint: BaseGeometry) -> float:
    """Side of a square with the area of a pixel, metres: by the CRS where it is projected, else on the ellipsoid."""
    crs = CRS.from_user_input(str(grid.crs))
    if crs.is_projected:
        return math.sqrt(abs(grid.affine.determinant)) * crs.axis_info[0].unit_conversion_factor
    area_m2, _ = Geod(ellps="WGS84").geometry_area_perimeter(footprint)
    return math.sqrt(abs(area_m2) / (grid.shape[0] * grid.shape[1]))
