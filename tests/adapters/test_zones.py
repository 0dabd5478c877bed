"""Ground on both sides of a border of UTM zones and of the antimeridian: the same place has the same pixels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.grid import region_tiles, tile_geobox
from monitor.ports import ImageSource
from monitor.records import Asset, Bands, PixelState, SceneItem, Sensor, Terrain, Tile
from tests.adapters.scene_files import NAMES, scene

BORDER = box(17.99, 46.0, 18.01, 46.02)
"""Zones 33 and 34."""
FIJI = box(179.99, -17.0, 180, -16.98) | box(-180, -17.0, -179.99, -16.98)
"""Zones 60 and 1 of the southern hemisphere."""


def east_of(border: float, longitude: np.ndarray) -> np.ndarray:
    """Degrees east of a meridian, across the antimeridian too."""
    away: np.ndarray = (longitude - border + 180.0) % 360.0 - 180.0
    return away


def places(tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of every pixel of a tile, (256, 256)."""
    transform = tile_geobox(tile).transform
    rows, columns = np.mgrid[:256, :256] + 0.5
    x, y = transform.c + columns * transform.a, transform.f + rows * transform.e
    longitude, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(x, y)
    return longitude, latitude


def write(path: Path, epsg: int, region: BaseGeometry, ground: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """A raster in one zone around a region, 10 m, with `ground` of longitude and latitude."""
    point = next(iter(getattr(region, "geoms", [region]))).representative_point()
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(point.x, point.y)
    west, north = round(x / 10) * 10 - 6000, round(y / 10) * 10 + 6000
    rows, columns = np.mgrid[:1200, :1200] + 0.5
    longitude, latitude = Transformer.from_crs(epsg, 4326, always_xy=True).transform(
        west + columns * 10, north - rows * 10
    )
    pixels = ground(longitude, latitude)
    profile = {"driver": "GTiff", "width": 1200, "height": 1200, "count": 1, "dtype": pixels.dtype}
    with rasterio.open(path, "w", crs=f"EPSG:{epsg}", transform=Affine(10, 0, west, 0, -10, north), **profile) as sink:
        sink.write(pixels, 1)
    return str(path)


def read_all(source: ImageSource, item: SceneItem, bands: tuple[str, ...], region: BaseGeometry) -> dict[Tile, Bands]:
    """Every tile of a region through one item."""
    return {tile: source.read([item], bands, tile) for tile in region_tiles(region)}


CASES = [
    pytest.param(BORDER, 18.0, 32633, {32633, 32634}, id="zones 33 and 34"),
    pytest.param(BORDER, 18.0, 32634, {32633, 32634}, id="zones 34 and 33"),
    pytest.param(FIJI, 180.0, 32760, {32701, 32760}, id="antimeridian from the west"),
    pytest.param(FIJI, 180.0, 32701, {32701, 32760}, id="antimeridian from the east"),
]


@pytest.mark.parametrize(("region", "border", "epsg", "zones"), CASES)
def test_optics_across_zones(region: BaseGeometry, border: float, epsg: int, zones: set[int], tmp_path: Path) -> None:
    """A scene that lies in one zone shows the tiles of both: reflectance that rises with longitude does so in each."""

    def rising(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        pixels: np.ndarray = np.rint(5000 + 20_000 * east_of(border, longitude)).astype(np.uint16)
        return pixels

    href = write(tmp_path / "red.tif", epsg, region, rising)
    item = scene({name: Asset(href=href, scale=1e-4) for name in NAMES})
    found = read_all(RasterImageSource(), item, NAMES, region)
    assert {tile.epsg for tile in found} == zones
    for tile, bands in found.items():
        seen = bands.pixels.values[0]
        expected = 0.5 + 2.0 * east_of(border, places(tile)[0])
        assert np.isfinite(seen).all()
        np.testing.assert_allclose(seen, expected, atol=3e-4)


@pytest.mark.parametrize(("region", "border", "epsg", "zones"), CASES)
def test_radar_across_zones(region: BaseGeometry, border: float, epsg: int, zones: set[int], tmp_path: Path) -> None:
    """A pass too, to the nearest pixel; no pixel of it is lost on either side."""

    def rising(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        return (0.5 + 2.0 * east_of(border, longitude)).astype(np.float32)

    item = scene({"vv": Asset(href=write(tmp_path / "vv.tif", epsg, region, rising))}, "a", Sensor.SAR)
    found = read_all(RadarImageSource(), item, ("vv",), region)
    assert {tile.epsg for tile in found} == zones
    for tile, bands in found.items():
        assert (bands.state == PixelState.VALID).all()
        expected = 0.5 + 2.0 * east_of(border, places(tile)[0])
        np.testing.assert_allclose(bands.pixels.values[0], expected, atol=3e-4)


def degree_cells(folder: Path, region: BaseGeometry, border: float) -> list[SceneItem]:
    """Elevation in degrees as the Copernicus model comes: one cell on each side of a meridian, each to its edge."""
    step, south = 1 / 1200, -17.25 if region is FIJI else 45.75
    items = []
    for name, west in (("a", border - 0.5), ("b", -180.0 if border == 180.0 else border)):
        rows, columns = np.mgrid[:600, :600] + 0.5
        height = 500.0 + 2000.0 * east_of(border, west + columns * step) + 0.0 * rows
        profile = {"driver": "GTiff", "width": 600, "height": 600, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
        path = folder / f"{name}.tif"
        with rasterio.open(path, "w", transform=Affine(step, 0, west, 0, -step, south + 0.5), **profile) as sink:
            sink.write(height.astype(np.float32), 1)
        outline = box(west, south, west + 0.5, south + 0.5)
        items.append(replace(scene({"data": Asset(href=str(path))}, name), geometry=outline))
    return items


@pytest.mark.parametrize(("region", "border"), [(BORDER, 18.0), (FIJI, 180.0)], ids=["zones 33 and 34", "antimeridian"])
def test_elevation_in_degrees_across_zones(region: BaseGeometry, border: float, tmp_path: Path) -> None:
    """Tiles that reach over the meridian have ground on both sides of it, without a void and without a step."""
    source = RasterTerrainSource(degree_cells(tmp_path, region, border))
    for tile in region_tiles(region):
        ground = source.read(tile)
        assert isinstance(ground, Terrain)
        expected = 500.0 + 2000.0 * east_of(border, places(tile)[0])
        # Along the edge of a cell the spline has nothing beyond it: half a pixel of 93 m.
        near = np.abs(east_of(border, places(tile)[0])) < 2 / 1200
        assert np.isfinite(ground.elevation_m[~near]).all()
        np.testing.assert_allclose(ground.elevation_m[~near], expected[~near], atol=0.2)
        assert np.isfinite(ground.elevation_m).all()
        np.testing.assert_allclose(ground.elevation_m, expected, atol=2.0)
