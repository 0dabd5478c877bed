"""The rasters and labels of an event on one grid of 10 m."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import read as read_vector
from pyproj.exceptions import ProjError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from shapely.errors import ShapelyError

from monitor.core.grid import project
from monitor.errors import BadAsset, ConfigError
from training.datasets.event_layout import EventFolder
from training.samples import LANDSLIDE, STABLE, UNLABELLED

Array = NDArray[np.float32]
Labels = NDArray[np.int8]

PIXEL_M: Final = 10.0
_VECTOR: Final = (".gpkg", ".geojson", ".json")
_WEB_MERCATOR: Final = 3857
_LIKE_M: Final = 0.01
"""Pixels that differ by less from 10 m are taken as they are."""


def event_grid(elevation: Path) -> GeoBox:
    """The grid of an event: that of its elevation if that is metric with pixels of 10 m, else one of 10 m around it.

    Metric elevations keep their CRS, others get UTM.

    Raises:
        BadAsset: the file is no raster with a CRS.
    """
    with open_raster(elevation) as file:
        crs, bounds = file.crs, file.bounds
        upright = file.transform.b == file.transform.d == 0 and file.transform.e < 0
        own = GeoBox(file.shape, file.transform, crs)
        size = abs(file.transform.a), abs(file.transform.e)
    # Metres of web maps are no metres on the ground.
    metric = crs.is_projected and crs.linear_units_factor[1] == 1.0 and crs.to_epsg() != _WEB_MERCATOR
    if metric and upright and all(abs(side - PIXEL_M) < _LIKE_M for side in size):
        return own
    if not metric:
        degrees = transform_bounds(crs, "EPSG:4326", *bounds)
        crs = _utm(*degrees)
        bounds = transform_bounds("EPSG:4326", crs, *degrees)
    left, bottom, right, top = bounds
    left, top = math.floor(left / PIXEL_M) * PIXEL_M, math.ceil(top / PIXEL_M) * PIXEL_M
    shape = math.ceil((top - bottom) / PIXEL_M), math.ceil((right - left) / PIXEL_M)
    return GeoBox(shape, Affine(PIXEL_M, 0, left, 0, -PIXEL_M, top), str(crs))


def _utm(west: float, south: float, east: float, north: float) -> str:
    """The zone of the middle of a box in degrees."""
    zone = min(int((west + east) / 2 + 180) // 6 + 1, 60)
    return f"EPSG:{(32600 if south + north > 0 else 32700) + zone}"


def band_names(file: DatasetReader, path: Path, otherwise: Sequence[str]) -> tuple[str, ...]:
    """The bands of a file: as it names them itself, by the last word of its own name (DATE.vv.tif), or `otherwise`."""
    described = tuple(name for name in file.descriptions if name)
    if len(described) == file.count:
        return described
    words = path.name.split(".")
    return (words[-2],) if file.count == 1 and len(words) > 2 else tuple(otherwise[: file.count])


def read_band(path: Path, band: int, grid: GeoBox) -> Array:
    """(H, W) one band on the grid, in its own unit; NaN = nodata or outside. Bilinear where the grids differ.

    Raises:
        BadAsset: the file is no raster with a CRS, or lies elsewhere.
    """
    with open_raster(path) as file:
        values = _on_grid(file, band, grid, Resampling.bilinear)
    if not np.isfinite(values).any():
        raise BadAsset(
            "no pixel of it lies on the ground of the event",
            item=str(path),
            remedy="See that its CRS and place are those of the event's elevation.",
            reason="elsewhere",
        )
    return values


def read_labels(event: EventFolder, grid: GeoBox) -> Labels:
    """(H, W) UNLABELLED, STABLE or LANDSLIDE: brought to the grid from whatever CRS the labels are in.

    A raster is taken by nearest pixel; of polygons those pixels whose centre lies inside.

    Raises:
        BadAsset: they are missing, cannot be read, have no CRS, or lie elsewhere.
        ConfigError: a raster has no pixel of `landslide_values`.
    """
    path = event.labels()
    vector = path.suffix.lower() in _VECTOR
    labels = _polygons(path, grid) if vector else _raster_labels(path, grid, event.settings.landslide_values)
    searched = event.searched()
    if searched is None:
        return labels
    return np.where(burnt(searched, grid), labels, UNLABELLED).astype(np.int8)


@contextmanager
def open_raster(path: Path) -> Iterator[DatasetReader]:
    """A raster on the ground.

    Raises:
        BadAsset: the file is no raster, or has no CRS.
    """
    try:
        with rasterio.open(path) as file:
            if file.crs is None:
                raise BadAsset(
                    "it has no coordinate reference system",
                    item=str(path),
                    remedy="Georeference it: gdal_edit.py -a_srs EPSG:… FILE, with the CRS it was made in.",
                    reason="no-crs",
                )
            yield file
    except (RasterioError, OSError) as err:
        raise BadAsset(f"it is no readable raster ({err})", item=str(path), remedy="Fetch or write it again.") from err


def _on_grid(file: DatasetReader, band: int, grid: GeoBox, resampling: Resampling) -> Array:
    height, width = grid.shape
    with WarpedVRT(
        file,
        crs=str(grid.crs),
        transform=grid.transform,
        height=height,
        width=width,
        resampling=resampling,
        dtype="float32",
        nodata=math.nan,
    ) as warped:
        return np.asarray(warped.read(band), dtype=np.float32)


def _raster_labels(path: Path, grid: GeoBox, landslide_values: Sequence[int]) -> Labels:
    with open_raster(path) as file:
        values = _on_grid(file, 1, grid, Resampling.nearest)
        # Masks often call 0 nodata although it says that nothing slid there.
        zero_is_stable = file.nodata == 0
        frame = shapely.box(*file.bounds)
        outline = project(frame.segmentize(frame.length / 100), file.crs.to_wkt(), str(grid.crs))
    inside = _burnt_shapes([outline], grid)
    if not inside.any():
        raise _elsewhere(path)
    known = inside if zero_is_stable else np.isfinite(values)
    slid = np.isin(np.nan_to_num(values), landslide_values) & known
    if not slid.any():
        raise ConfigError(
            f"no pixel of it is {' or '.join(map(str, landslide_values))}",
            item=str(path),
            remedy="Set landslide_values in events.yaml to the values that are landslides.",
            reason="nothing-to-learn",
        )
    return np.where(slid, LANDSLIDE, np.where(known, STABLE, UNLABELLED)).astype(np.int8)


def _polygons(path: Path, grid: GeoBox) -> Labels:
    slid = burnt(path, grid)
    if not slid.any():
        raise _elsewhere(path)
    return np.where(slid, LANDSLIDE, STABLE).astype(np.int8)


def burnt(path: Path, grid: GeoBox) -> NDArray[np.bool_]:
    """(H, W) True where a pixel's centre lies in a polygon of the file, whatever CRS the file is in."""
    try:
        crs = pyogrio.read_info(path)["crs"]
        _, _, wkb, _ = read_vector(path, columns=[])
        shapes = [shapely.make_valid(one) for one in shapely.from_wkb(wkb) if one is not None and not one.is_empty]
        areas = [one for one in shapes if one.area > 0]
        ground = [project(one, crs, str(grid.crs)) for one in areas] if crs else []
    except (DataSourceError, DataLayerError, ShapelyError, ProjError, OSError, ValueError, RuntimeError) as err:
        raise BadAsset(
            f"its polygons cannot be read ({err})", item=str(path), remedy="Write it anew as GeoPackage or GeoJSON."
        ) from err
    if not crs:
        raise BadAsset(
            "it has no coordinate reference system",
            item=str(path),
            remedy="Assign the CRS it was drawn in and save it anew.",
            reason="no-crs",
        )
    return _burnt_shapes(ground, grid)


def _burnt_shapes(ground: Sequence[shapely.Geometry], grid: GeoBox) -> NDArray[np.bool_]:
    if not ground:
        return np.zeros(grid.shape, dtype=np.bool_)
    return np.asarray(rasterize(ground, grid.shape, transform=grid.transform), dtype=np.bool_)


def _elsewhere(path: Path) -> BadAsset:
    return BadAsset(
        "none of its landslides lies on the ground of the event",
        item=str(path),
        remedy="See that its CRS is the one it was drawn in, and that it belongs to this event.",
        reason="elsewhere",
    )
