"""Labels of tiles from what people mapped: landslide polygons, or raster maps of hazard zones."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from shapely import make_valid, union_all
from shapely.errors import ShapelyError
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from monitor.adapters.rasters import RasterReader
from monitor.core.grid import TILE_PX, project, tile_geobox, tile_polygon
from monitor.errors import BadAsset, ConfigError
from monitor.records import Tile
from training.datasets.chip_files import LabelCode

Codes = NDArray[np.uint8]

_MAX_SEGMENT_DEG = 0.02
"""Straight lines in degrees are curves on the grid; a vertex every 2 km keeps the error below a metre."""


class GroundTruth(Protocol):
    """What is known of the ground."""

    @property
    def area(self) -> BaseGeometry:
        """The ground that was mapped, EPSG:4326."""

    def codes(self, tile: Tile) -> Codes:
        """(256, 256) LabelCode of a tile's pixels, each by its centre."""


class MappedLandslides:
    """Polygons of landslides within an area that was searched completely: what is not a landslide there is stable."""

    def __init__(self, landslides: BaseGeometry, searched: BaseGeometry) -> None:
        """Both in EPSG:4326; outside `searched` nothing is labelled, landslide or not."""
        self.area = searched
        self._landslides = landslides

    def codes(self, tile: Tile) -> Codes:
        """(256, 256) LabelCode of a tile's pixels, each by its centre."""
        searched = _burnt(self.area, tile)
        landslide = _burnt(self._landslides, tile)
        codes = np.where(landslide, LabelCode.LANDSLIDE, LabelCode.STABLE)
        return np.where(searched, codes, LabelCode.UNLABELLED).astype(np.uint8)


class HazardMap:
    """A raster of zones, such as warning and special warning zones: the listed values are hazard, others are not."""

    def __init__(self, path: Path, hazard_values: Collection[int], area: BaseGeometry | None = None) -> None:
        """Nodata is unlabelled; `area` (EPSG:4326) is the raster's own extent when not given.

        Raises:
            ConfigError: no value is hazard.
            BadAsset: the file is missing or no raster on the ground.
        """
        if not hazard_values:
            raise ConfigError(
                "no value of the map is hazard", item=str(path), remedy="Add --hazard-values, such as 1,2."
            )
        extent = _extent(path)
        self.area = area or extent
        self._path = path
        self._values = tuple(hazard_values)
        self._reader = RasterReader()

    def codes(self, tile: Tile) -> Codes:
        """(256, 256) LabelCode of a tile's pixels, each by its centre."""
        grid = tile_geobox(tile)
        values = self._reader.warp([str(self._path)], self._path.name, grid, Resampling.nearest, None)[0]
        codes = np.where(np.isin(values, self._values), LabelCode.LANDSLIDE, LabelCode.STABLE)
        known = np.isfinite(values) & _burnt(self.area, tile)
        return np.where(known, codes, LabelCode.UNLABELLED).astype(np.uint8)


def read_polygons(path: Path) -> BaseGeometry:
    """The union of all areas of a GeoJSON file, EPSG:4326; outlines that cross themselves are mended.

    Raises:
        ConfigError: no GeoJSON, no area in it, or coordinates that are no degrees.
    """
    try:
        areas = [make_valid(shape(geometry)) for geometry in _geometries(json.loads(path.read_text(encoding="utf-8")))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ShapelyError) as err:
        raise _no_polygons(path, f"it is no readable GeoJSON file ({type(err).__name__}: {err})") from err
    union = union_all(areas)
    if union.area == 0:
        raise _no_polygons(path, "there is no polygon in it")
    west, south, east, north = union.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise _no_polygons(path, "its coordinates are not longitude and latitude in degrees")
    return union


def _geometries(document: dict[str, object]) -> list[dict[str, object]]:
    features = document["features"] if document["type"] == "FeatureCollection" else [document]
    return [feature["geometry"] if feature["type"] == "Feature" else feature for feature in features]  # type: ignore[attr-defined]


def _burnt(area: BaseGeometry, tile: Tile) -> NDArray[np.bool_]:
    """(256, 256) True where a pixel's centre lies in `area` (EPSG:4326)."""
    near = area.intersection(_around(tile))
    if near.is_empty or near.area == 0:
        return np.zeros((TILE_PX, TILE_PX), dtype=bool)
    ground = project(near.segmentize(_MAX_SEGMENT_DEG), 4326, tile.epsg)
    return np.asarray(rasterize([ground], (TILE_PX, TILE_PX), transform=tile_geobox(tile).transform), dtype=bool)


def _around(tile: Tile) -> BaseGeometry:
    """A box in EPSG:4326 that holds the tile: only what is near it can be projected to its zone."""
    return box(*project(tile_polygon(tile), tile.epsg, 4326).buffer(_MAX_SEGMENT_DEG).bounds)


def _extent(path: Path) -> BaseGeometry:
    try:
        with rasterio.open(path) as dataset:
            if dataset.crs is None:
                raise ValueError("it has no coordinate reference system")
            frame = box(*dataset.bounds)
            return project(frame.segmentize(frame.length / 100), dataset.crs.to_wkt(), 4326)
    except (RasterioError, OSError, ValueError) as err:
        raise BadAsset(
            f"it is no raster on the ground ({err})", item=str(path), remedy="Give a georeferenced raster."
        ) from err


def _no_polygons(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        problem, item=str(path), remedy="Give polygons as GeoJSON in longitude and latitude (EPSG:4326)."
    )
