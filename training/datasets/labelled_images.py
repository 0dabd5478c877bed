"""Georeferenced images of any sensor with one vector file of landslides, cut into windows.

    images/NAME.tif        bands of any resolution and CRS, one size of pixels for the whole set
    labels.gpkg            polygons of landslides (or .geojson), in any CRS
    searched.gpkg          optional: where somebody looked; outside nothing is labelled

Windows lie side by side from the upper left corner of each image; what is left at its right and lower rim is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from monitor.core.grid import project
from monitor.errors import BadAsset
from training.datasets.checks import require_landslides
from training.datasets.chip_files import IMAGES, Chip, resolution_m
from training.datasets.event_rasters import burnt, open_raster
from training.datasets.sparse_chips import samples_of, without_zeros
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

WINDOW_PX: Final = 256
_VECTOR: Final = (".gpkg", ".geojson")


def load_labelled_images(folder: Path, bands: Sequence[str], keep: Sequence[str] = ()) -> Samples:
    """All windows that show anything, in raster order, image by image; groups are images.

    A pixel that is 0 in every band was not observed: NaN, and UNLABELLED.

    Args:
        folder: with images and labels.
        bands: names of the bands of every file, in their order.
        keep: those to read, or what is made of them (NDVI); all of them when empty.

    Raises:
        BadAsset: images or labels are missing, cannot be read, have no CRS or lie apart; sizes of pixels differ.
        ConfigError: there is no such band.
        InputFault: no pixel is a landslide.
    """
    images = sorted((folder / IMAGES).glob("*.tif"))
    if not images:
        raise BadAsset(f"there is no {IMAGES}/*.tif", item=str(folder), remedy=f"Put GeoTIFFs into {IMAGES}.")
    labels = _vector(folder, "labels")
    if labels is None:
        raise BadAsset(
            "there are no landslides: labels.gpkg or labels.geojson",
            item=str(folder),
            remedy="Save the polygons of the landslides there, in any CRS.",
        )
    chips = [chip for image in images for chip in _windows(image, labels, _vector(folder, "searched"))]
    if not chips:
        raise BadAsset(
            f"no image shows a whole window of {WINDOW_PX} pixels",
            item=str(folder),
            remedy="Give larger images, or chips with label files of their own (kind: sparse-chips).",
        )
    groups = [chip.tags["image"] for chip in chips]
    samples = samples_of(folder, chips, range(len(chips)), groups, bands, keep)
    require_landslides(samples.labels, str(labels))
    return samples


def label_files(folder: Path) -> list[Path]:
    """The vector files of a folder that are read."""
    return [path for name in ("labels", "searched") if (path := _vector(folder, name)) is not None]


def _vector(folder: Path, name: str) -> Path | None:
    return next((path for suffix in _VECTOR if (path := folder / f"{name}{suffix}").is_file()), None)


def _windows(image: Path, labels: Path, searched: Path | None) -> Iterator[Chip]:
    with open_raster(image) as file:
        grid = GeoBox(file.shape, file.transform, str(file.crs))
        truth = _truth(grid, labels, searched)
        names, tags = tuple(file.descriptions), {"image": image.stem}
        for row in range(0, grid.shape[0] - WINDOW_PX + 1, WINDOW_PX):
            for column in range(0, grid.shape[1] - WINDOW_PX + 1, WINDOW_PX):
                here = np.s_[row : row + WINDOW_PX, column : column + WINDOW_PX]
                window = Window(column, row, WINDOW_PX, WINDOW_PX)
                pixels = file.read(window=window, out_dtype="float32", masked=True).filled(np.nan)
                footprint = project(shapely.box(*grid[here].boundingbox), str(grid.crs), 4326)
                chip = without_zeros(
                    Chip(
                        name=f"{image.stem}-{row}-{column}",
                        pixels=pixels,
                        labels=truth[here],
                        band_names=names,
                        tags=tags,
                        footprint=footprint,
                        pixel_deg=(footprint.bounds[3] - footprint.bounds[1]) / WINDOW_PX,
                        resolution_m=resolution_m(grid[here], footprint),
                    )
                )
                if np.isfinite(chip.pixels).any() and (chip.labels != UNLABELLED).any():
                    yield chip


def _truth(grid: GeoBox, labels: Path, searched: Path | None) -> NDArray[np.int8]:
    """(H, W) labels of a whole image; an image without any landslide is stable."""
    slid = np.where(burnt(labels, grid), LANDSLIDE, STABLE).astype(np.int8)
    return slid if searched is None else np.where(burnt(searched, grid), slid, UNLABELLED).astype(np.int8)
