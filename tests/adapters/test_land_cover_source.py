"""Land cover from files as they are: the newest year, the model's classes, and values nobody knows."""

import json
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from shapely import box

from monitor.adapters.catalog.items import LAND_COVER_COLLECTIONS, land_cover_kind, scene_item
from monitor.adapters.catalog.static import StaticCatalog
from monitor.adapters.land_cover_source import RasterLandCover, UnknownClassWarning
from monitor.adapters.static_files import SourceReads, StaticFiles
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.grid import tile_geobox
from monitor.core.land_cover import COLLECTIONS, Scheme, WorldCover, one_hot
from monitor.records import Asset, SceneItem, Sensor, Tile

TILE = Tile(epsg=32633, column=200, row=2000)
FOREST, WATER = WorldCover.TREE_COVER, WorldCover.WATER


def item(folder: Path, name: str, classes: int | NDArray[np.uint8], year: int = 2021) -> SceneItem:
    """A map of one class, or of these, on the tile and 160 m around it; the collection comes before the dash."""
    geobox = tile_geobox(TILE, 16)
    pixels = np.full(geobox.shape, classes, np.uint8) if isinstance(classes, int) else classes
    path = folder / f"{name.replace('/', '-')}-{year}.tif"
    profile = {"driver": "GTiff", "width": 288, "height": 288, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=geobox.transform, **profile) as sink:
        sink.write(pixels, 1)
    return SceneItem(
        catalog="test",
        collection=name.split("/")[0],
        id=f"{name}-{year}",
        sensing_time=datetime(year, 1, 1, tzinfo=UTC),
        geometry=box(14.5, 46.0, 15.5, 46.5),
        sensor=Sensor.OPTICAL,
        platform="unknown",
        assets={"data": Asset(href=str(path), nodata=0.0)},
    )


def test_the_newest_year_counts(tmp_path: Path) -> None:
    """Where it has a class; a gap in it is filled from the year before."""
    newest = np.full((288, 288), FOREST, np.uint8)
    newest[:, :144] = 0
    items = [item(tmp_path, "esa-worldcover/a", WATER, 2020), item(tmp_path, "esa-worldcover/a", newest, 2021)]
    found = RasterLandCover(items, Scheme.ESA_WORLDCOVER).read(TILE)
    assert found is not None
    assert set(found.classes[:, :128].ravel().tolist()) == {int(WATER)}
    assert set(found.classes[:, 128:].ravel().tolist()) == {int(FOREST)}


def test_the_models_own_map_comes_first(tmp_path: Path) -> None:
    """A newer map in other classes stands in only where there is none in the model's own."""
    own, other = item(tmp_path, "esa-worldcover/a", FOREST), item(tmp_path, "io-lulc-annual-v02/a", 5, 2023)
    found = RasterLandCover([other, own], Scheme.ESA_WORLDCOVER).read(TILE)
    assert found is not None
    assert found.scheme is Scheme.ESA_WORLDCOVER
    empty = item(tmp_path, "esa-worldcover/a", 0, 2022)
    reads = SourceReads()
    for _ in range(2):
        stands_in = RasterLandCover([other, empty], Scheme.ESA_WORLDCOVER, files=StaticFiles(tmp_path), reads=reads)
        found = stands_in.read(TILE)
        assert found is not None
        assert found.scheme is Scheme.IO_LULC
        assert one_hot(found, Scheme.ESA_WORLDCOVER)[3].all()
    assert reads.counts()["land_cover"] == 1
    assert RasterLandCover([other], Scheme.JAXA_HRLULC).empty


def test_read_once_and_again_when_newer(tmp_path: Path) -> None:
    """Over restarts one reading per tile; a newer year is another source."""
    first, reads = item(tmp_path, "jaxa-hrlulc/a", 6), SourceReads()
    for _ in range(3):
        found = RasterLandCover([first], Scheme.JAXA_HRLULC, files=StaticFiles(tmp_path), reads=reads).read(TILE)
        assert found is not None
        assert (found.classes == 6).all()
    assert reads.counts() == {"terrain": 0, "land_cover": 1}
    newer = item(tmp_path, "jaxa-hrlulc/a", 9, 2024)
    found = RasterLandCover([first, newer], Scheme.JAXA_HRLULC, files=StaticFiles(tmp_path), reads=reads).read(TILE)
    assert found is not None
    assert (found.classes == 9).all()
    assert reads.counts()["land_cover"] == 2


def test_an_unknown_value_is_told_once(tmp_path: Path) -> None:
    """Item and value are named, once; the pixels have no class and are counted; the rest is as it is."""
    classes = np.full((288, 288), FOREST, np.uint8)
    classes[16:26, 16:26] = 77
    strange, told = item(tmp_path, "esa-worldcover/a", classes), list[str]()
    source = RasterLandCover([strange], Scheme.ESA_WORLDCOVER, warn=told.append)
    for _ in range(2):
        found = source.read(TILE)
        assert found is not None
        assert found.unknown_px in (0, 100)
        hot = one_hot(found, Scheme.ESA_WORLDCOVER)
        assert (hot[:, :10, :10] == 0).all()
        assert (hot.sum(axis=0) == 1).sum() == 256 * 256 - 100
    assert len(told) == 1
    assert strange.id in told[0]
    assert "77" in told[0]
    with pytest.warns(UnknownClassWarning, match="77"):
        RasterLandCover([strange], Scheme.ESA_WORLDCOVER).read(TILE)


def test_nothing_is_covered(tmp_path: Path) -> None:
    """No map, a map elsewhere, and a map that is all nodata: no land cover, and no error."""
    here = item(tmp_path, "esa-worldcover/a", FOREST)
    far = replace(here, geometry=box(20, 40, 21, 41), assets={"data": Asset(href="/nowhere.tif")})
    for items in ([], [far], [item(tmp_path, "esa-worldcover/b", 0)]):
        assert RasterLandCover(items, Scheme.ESA_WORLDCOVER).read(TILE) is None


def test_known_collections_are_those_that_catalogs_are_asked_for() -> None:
    """One list for the catalogs, one legend for each of its collections."""
    assert set(COLLECTIONS) == set(LAND_COVER_COLLECTIONS)


def test_real_items(data_folder: Path) -> None:
    """Items as Planetary Computer and stactools write them have the asset and the year."""
    fixtures = data_folder / "stac_fixtures" / "stac_geoparquet" / "io-lulc-annual-v02-pc.json"
    folder = data_folder / "esa_worldcover_n00e006" / "stac_examples"
    documents = json.loads(fixtures.read_text(encoding="utf-8"))
    documents += [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("ESA*/*.json")]
    assert len(documents) > 3
    for document in documents:
        kind = land_cover_kind(LAND_COVER_COLLECTIONS)
        found = scene_item(document, catalog="here", collection="esa-worldcover", href=str(folder), kind=kind)
        assert isinstance(found, SceneItem), found
        assert found.sensing_time.year in (2020, 2021, 2022, 2023)
        assert found.assets["data"].nodata == 0.0
        assert found.collection in COLLECTIONS


def test_real_land_cover_fits_real_terrain(data_folder: Path, tmp_path: Path) -> None:
    """On the coast of São Tomé WorldCover has water where the elevation model has sea, and land where it has land."""
    worldcover = data_folder / "esa_worldcover_n00e006" / "ESA_WorldCover_10m_2021_v200_N00E006"
    dem = data_folder / "s2l2a_s1grd_copdem_scene" / "copernicus-dem-30m"
    some = replace(item(tmp_path, "esa-worldcover/a", FOREST), geometry=box(6, 0, 7, 1))
    cover = replace(some, assets={"data": Asset(href=str(next(worldcover.glob("*_Map.tif"))), nodata=0.0)})
    ground = replace(some, assets={"data": Asset(href=str(next(dem.rglob("*.tif"))))})
    land = sea = agree = 0
    for tile in (Tile(epsg=32632, column=column, row=17) for column in (91, 94)):
        found = RasterLandCover([cover], Scheme.ESA_WORLDCOVER).read(tile)
        terrain = RasterTerrainSource([ground]).read(tile)
        assert terrain is not None
        assert found is not None
        assert found.unknown_px == 0
        high, water = terrain.elevation_m > 5, found.classes == WATER
        known = (found.classes > 0) & (high | (terrain.elevation_m < 0.5))
        land, sea = land + int((high & known).sum()), sea + int((~high & known).sum())
        agree += int(((high != water) & known).sum())
    assert land > 10_000
    assert sea > 10_000
    assert agree / (land + sea) > 0.97


def test_a_static_catalog_lists_land_cover(tmp_path: Path) -> None:
    """JAXA's files in a catalog of one's own are found by their collection, and do not pass for elevation."""
    links = [{"rel": "child", "href": "jaxa.json"}]
    item_document = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "LC_N46E014",
        "collection": "jaxa-hrlulc",
        "geometry": {"type": "Polygon", "coordinates": [[[14, 46], [15, 46], [15, 47], [14, 47], [14, 46]]]},
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [],
        "assets": {"data": {"href": "LC_N46E014.tif"}},
    }
    catalog = {"type": "Catalog", "stac_version": "1.1.0", "id": "mine", "links": links}
    collection = {"type": "Collection", "stac_version": "1.1.0", "id": "jaxa-hrlulc"}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    (tmp_path / "jaxa.json").write_text(json.dumps(collection | {"links": [{"rel": "item", "href": "item.json"}]}))
    (tmp_path / "item.json").write_text(json.dumps(item_document))
    found = StaticCatalog(name="mine", href=str(tmp_path / "catalog.json"))
    with warnings.catch_warnings():
        (only,) = found.land_cover(box(14.2, 46.2, 14.3, 46.3))
        assert found.terrain(box(14.2, 46.2, 14.3, 46.3)) == []
    assert only.assets["data"].href == str(tmp_path / "LC_N46E014.tif")
