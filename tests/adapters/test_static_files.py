"""Static layers are read from their sources once per tile, and kept files never stand in the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from shapely import box

from monitor.adapters.static_files import SourceReads, StaticFiles, StaticLayer, covering, source_key
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.grid import project, tile_geobox, tile_polygon
from monitor.records import Asset, SceneItem, Sensor, Terrain, Tile

TILE = Tile(epsg=32633, column=200, row=2000)
EAST = replace(TILE, column=201)
TILES = (TILE, EAST)


def elevation(folder: Path, name: str = "dem", height_m: float = 300.0) -> SceneItem:
    """A hill on both tiles and a little more, with a void in its north-west corner."""
    geobox = tile_geobox(TILE, 64)
    size = geobox.shape[0] + 256
    rows, columns = np.mgrid[:size, :size]
    hill = (height_m + 80 * np.sin(columns / 40) + 60 * np.cos(rows / 50)).astype(np.float32)
    hill[:90, :90] = -9999.0
    path = folder / f"{name}.tif"
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(path, "w", transform=geobox.transform, crs=f"EPSG:{TILE.epsg}", **profile) as sink:
        sink.write(hill, 1)
    west, south, east, north = tile_polygon(TILE).union(tile_polygon(EAST)).bounds
    return SceneItem(
        catalog="test",
        collection="cop-dem-glo-30",
        id=name,
        sensing_time=datetime(1970, 1, 1, tzinfo=UTC),
        geometry=project(box(west, south, east, north), TILE.epsg, 4326),
        sensor=Sensor.OPTICAL,
        platform="unknown",
        processing_time=datetime(2024, 1, 1, tzinfo=UTC),
        assets={"data": Asset(href=str(path))},
    )


def kept(folder: Path) -> Path:
    """The kept file of the first tile."""
    return folder / "static" / TILE.id / "terrain.tif"


def same(one: Terrain | None, other: Terrain | None) -> bool:
    """Whether two terrains are the same to the bit."""
    assert one is not None
    assert other is not None
    layers = ("elevation_m", "slope_deg", "tri_m")
    return all(getattr(one, layer).tobytes() == getattr(other, layer).tobytes() for layer in layers)


def test_every_tile_is_read_once(tmp_path: Path) -> None:
    """Over many acquisitions and restarts the source is read once per tile, and the pixels stay the same bits."""
    item, reads = elevation(tmp_path), SourceReads()
    fresh = {tile: RasterTerrainSource([item]).read(tile) for tile in TILES}
    for _restart in range(3):
        source = RasterTerrainSource([item], files=StaticFiles(tmp_path), reads=reads)
        for _acquisition in range(3):
            assert all(same(source.read(tile), fresh[tile]) for tile in TILES)
    assert reads.counts() == {"terrain": 2, "land_cover": 0}
    here = fresh[TILE]
    assert here is not None
    assert np.isnan(here.slope_deg).any()


def test_only_what_is_kept_is_known(tmp_path: Path) -> None:
    """Nothing is known before the first reading; afterwards it is known without the source."""
    item = elevation(tmp_path)
    source = RasterTerrainSource([item], files=StaticFiles(tmp_path))
    assert source.known(TILE) is None
    first = source.read(TILE)
    assert same(source.known(TILE), first)
    assert RasterTerrainSource([item]).known(TILE) is None


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _without_tags(path: Path) -> None:
    with rasterio.open(path) as source:
        pixels, profile = source.read(1), dict(source.profile)
    with rasterio.open(path, "w", **profile) as sink:
        sink.write(pixels + 1, 1)


@pytest.mark.parametrize(
    "spoil",
    [_cut, _flip, _without_tags, lambda path: path.write_bytes(b""), lambda path: path.unlink()],
    ids=["cut", "flipped bit", "foreign", "empty", "gone"],
)
def test_a_broken_file_is_made_again(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A spoilt file costs one more reading; it is neither believed nor an error."""
    item, reads = elevation(tmp_path), SourceReads()
    source = RasterTerrainSource([item], files=StaticFiles(tmp_path), reads=reads)
    first = source.read(TILE)
    spoil(kept(tmp_path))
    assert source.known(TILE) is None
    assert same(source.read(TILE), first)
    assert reads.counts()["terrain"] == 2
    assert same(source.known(TILE), first)


def test_another_source_is_read(tmp_path: Path) -> None:
    """A newer version, another item, or a file replaced in place: the tile is read again, from what is there now."""
    item, reads = elevation(tmp_path), SourceReads()
    newer = replace(item, processing_time=datetime(2025, 1, 1, tzinfo=UTC))
    more = elevation(tmp_path, "a-second", height_m=900.0)
    for count, items in enumerate(([item], [newer], [newer, more]), start=1):
        RasterTerrainSource(items, files=StaticFiles(tmp_path), reads=reads).read(TILE)
        assert reads.counts()["terrain"] == count
    elevation(tmp_path, "a-second", height_m=2000.0)
    high = RasterTerrainSource([newer, more], files=StaticFiles(tmp_path), reads=reads).read(TILE)
    assert reads.counts()["terrain"] == 4
    assert high is not None
    assert np.nanmin(high.elevation_m) > 1500


def test_a_far_item_changes_nothing(tmp_path: Path) -> None:
    """What a catalog adds elsewhere neither counts as another source nor is opened."""
    item, reads = elevation(tmp_path), SourceReads()
    far = replace(item, id="a-far", geometry=box(20, 40, 21, 41), assets={"data": Asset(href="/nowhere.tif")})
    for items in ([item], [item, far]):
        RasterTerrainSource(items, files=StaticFiles(tmp_path), reads=reads).read(TILE)
    assert reads.counts()["terrain"] == 1
    assert covering([far, item], TILE) == [item]


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    """A cache that cannot be kept costs time, never the look."""
    item, reads = elevation(tmp_path), SourceReads()
    (tmp_path / "static").write_text("in the way")
    source = RasterTerrainSource([item], files=StaticFiles(tmp_path), reads=reads)
    assert same(source.read(TILE), source.read(TILE))
    assert reads.counts()["terrain"] == 2


def test_the_key_tells_what_matters(tmp_path: Path) -> None:
    """Order and method count; where a URL is signed or a catalog is named differently does not."""
    item = elevation(tmp_path)
    other = replace(item, id="other")
    key = source_key([item, other], "data", "1")
    assert key != source_key([other, item], "data", "1")
    assert key != source_key([item, other], "data", "2")
    assert key == source_key([replace(item, catalog="elsewhere"), other], "data", "1")


def test_classes_are_kept_too(tmp_path: Path) -> None:
    """Whole numbers of eight bits come back as they were, each tile and layer under its own name."""
    classes = np.random.default_rng(1).integers(0, 12, (256, 256)).astype(np.uint8)
    files = StaticFiles(tmp_path)
    files.write(StaticLayer.LAND_COVER, TILE, "k", classes)
    found = files.read(StaticLayer.LAND_COVER, TILE, "k")
    assert found is not None
    np.testing.assert_array_equal(found, classes)
    assert files.read(StaticLayer.LAND_COVER, TILE, "other") is None
    assert files.read(StaticLayer.LAND_COVER, EAST, "k") is None
    assert files.read(StaticLayer.TERRAIN, TILE, "k") is None


def test_who_may_only_read_writes_nothing(tmp_path: Path) -> None:
    """An exercise uses what is kept, and keeps nothing."""
    item, reads = elevation(tmp_path), SourceReads()
    source = RasterTerrainSource([item], files=StaticFiles(tmp_path, read_only=True), reads=reads)
    first = source.read(TILE)
    assert not (tmp_path / "static").exists()
    RasterTerrainSource([item], files=StaticFiles(tmp_path)).read(TILE)
    assert same(first, source.read(TILE))
    assert reads.counts()["terrain"] == 1
