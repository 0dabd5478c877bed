"""The product folder is a whole catalog at any moment, whoever writes and whoever is killed."""

import fcntl
import hashlib
import json
import multiprocessing
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import numpy as np
import pystac
import pytest
import rasterio
from numpy.typing import NDArray
from pystac.extensions.projection import ProjectionExtension
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import box, shape

from monitor.adapters.mosaic import LAYERS, encode
from monitor.adapters.products import ProductFolder
from monitor.core.grid import neighbour, tile_from_id, tile_geobox
from monitor.records import Acquisition, SceneItem, Sensor, Tile
from tests.adapters.small_disk import run_on_small_disk

WHEN = datetime(2018, 10, 22, 1, 26, tzinfo=UTC)
FIRST = tile_from_id("UTM54N-0150-1842")
LAST = neighbour(FIRST, 1, 1)
"""South-east of FIRST: two of the mosaic's four tiles are missing."""


def make_acquisition(key: str = "S2_20181022T012600", version: str = "ab12", region: str = "atsuma") -> Acquisition:
    """One Sentinel-2 pass."""
    source = SceneItem(
        catalog="local",
        collection="sentinel-2-l2a",
        id="S2A_54TXN",
        sensing_time=WHEN,
        geometry=box(141, 42, 142, 43),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
    )
    return Acquisition(
        region=region,
        key=key,
        version=version,
        sensing_time=WHEN,
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=17,
        items=(source,),
    )


def make_layers(*tiles: Tile) -> dict[str, dict[Tile, NDArray[np.float32]]]:
    """Smooth fields that differ by tile; the upper quarter was not observed."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None, :] * np.ones((256, 1), dtype=np.float32)
    ramp[:64] = np.nan
    return {
        "probability": {tile: ramp for tile in tiles},
        "spread": {tile: ramp * np.float32(0.25) for tile in tiles},
        "change": {tile: ramp - np.float32(0.1 * index) for index, tile in enumerate(tiles)},
        "backscatter-change": {tile: 3 * ramp - np.float32(0.2 * index) for index, tile in enumerate(tiles)},
        "brightening": {tile: 2 * ramp - np.float32(0.1 * index) for index, tile in enumerate(tiles)},
    }


def content(root: Path) -> dict[str, str]:
    """Hash of every visible file by its path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_pystac_opens_the_whole_catalog(tmp_path: Path) -> None:
    """From catalog.json down to pixels by relative links alone, also after the folder moved."""
    ProductFolder(tmp_path / "here").publish(make_acquisition(), make_layers(FIRST, LAST), {"scarpwatch:model": "m 1"})
    moved = (tmp_path / "here").rename(tmp_path / "there")

    catalog = pystac.Catalog.from_file(str(moved / "catalog.json"))
    items = list(catalog.get_items(recursive=True))

    assert [child.id for child in catalog.get_children()] == ["atsuma"]
    assert [item.id for item in items] == ["S2_20181022T012600_ab12"]
    item = items[0]
    assert item.datetime == WHEN
    assert item.properties["scarpwatch:model"] == "m 1"
    assert item.properties["sat:relative_orbit"] == 17
    assert item.properties["scarpwatch:sources"][0]["id"] == "S2A_54TXN"
    assert item.collection_id == "atsuma"
    assert item.get_root().id == "scarpwatch-products"  # type: ignore[union-attr]
    assert ProjectionExtension.ext(item.assets["change"]).epsg == 32654
    assert all(Path(asset.get_absolute_href() or "").is_file() for asset in item.assets.values())


def test_rasters_are_cogs_with_the_tiles_in_place(tmp_path: Path) -> None:
    """Valid COG, overviews, right place, values within half a step, nodata where nothing was observed."""
    layers = make_layers(FIRST, LAST)
    path = ProductFolder(tmp_path).publish(make_acquisition(), layers, {})

    for name, layer in LAYERS.items():
        raster = path.parent / f"{name}.tif"
        valid, errors, warnings = cog_validate(str(raster))
        assert (valid, errors, warnings) == (True, [], [])
        with rasterio.open(raster) as dataset:
            assert dataset.crs.to_epsg() == 32654
            assert dataset.shape == (512, 512)
            assert dataset.transform == tile_geobox(FIRST).transform
            assert dataset.overviews(1)
            values = np.where(dataset.read_masks(1) > 0, dataset.read(1) * dataset.scales[0], np.nan)
        np.testing.assert_allclose(values[:256, :256], layers[name][FIRST], atol=layer.scale / 2 + 1e-6)
        np.testing.assert_allclose(values[256:, 256:], layers[name][LAST], atol=layer.scale / 2 + 1e-6)
        assert np.isnan(values[:256, 256:]).all()
        assert np.isnan(values[256:, :256]).all()


def test_statistics_and_footprint_are_those_of_the_pixels(tmp_path: Path) -> None:
    """The item says minimum, mean, share observed, and outlines only the tiles it has."""
    path = ProductFolder(tmp_path).publish(make_acquisition(), make_layers(FIRST, LAST), {})
    item = json.loads(path.read_text())

    statistics = item["assets"]["probability"]["bands"][0]["statistics"]
    assert statistics["minimum"] == 0.0
    assert statistics["maximum"] == 1.0
    assert statistics["mean"] == pytest.approx(0.5, abs=1e-3)
    assert statistics["stddev"] == pytest.approx(np.linspace(0, 1, 256).std(), abs=1e-3)
    assert statistics["valid_percent"] == pytest.approx(37.5)
    bounds = box(*item["bbox"])
    assert shape(item["geometry"]).area == pytest.approx(bounds.area / 2, rel=0.02)


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    """The same acquisition again: the same bytes in every file and nothing beside them."""
    folder = ProductFolder(tmp_path)
    folder.publish(make_acquisition(), make_layers(FIRST, LAST), {})
    before = content(tmp_path)

    folder.publish(make_acquisition(), make_layers(FIRST, LAST), {})

    assert content(tmp_path) == before
    assert not list((tmp_path / ".staging").iterdir())


def test_order_of_publication_does_not_matter(tmp_path: Path) -> None:
    """Regions and acquisitions in any order give the same catalog."""
    todo = [make_acquisition(), make_acquisition(key="S2_20181101T012600"), make_acquisition(region="abira")]
    for acquisition in todo:
        ProductFolder(tmp_path / "a").publish(acquisition, make_layers(FIRST), {})
    for acquisition in reversed(todo):
        ProductFolder(tmp_path / "b").publish(acquisition, make_layers(FIRST), {})

    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(list(pystac.Catalog.from_file(str(tmp_path / "a/catalog.json")).get_items(recursive=True))) == 3


def test_a_newer_version_takes_the_place_of_the_older(tmp_path: Path) -> None:
    """One item per acquisition: the reprocessed one; other acquisitions stay."""
    folder = ProductFolder(tmp_path)
    other = make_acquisition(key="S2_20181101T012600")
    for acquisition in (make_acquisition(version="old"), other, make_acquisition(version="new")):
        folder.publish(acquisition, make_layers(FIRST), {})

    listed = [item.id for item in pystac.Catalog.from_file(str(tmp_path / "catalog.json")).get_items(recursive=True)]
    assert listed == ["S2_20181022T012600_new", "S2_20181101T012600_ab12"]
    assert not (tmp_path / "regions/atsuma/S2_20181022T012600_old").exists()


def test_a_region_over_two_zones_gets_one_raster_per_zone(tmp_path: Path) -> None:
    """Pixels stay on their own zone's grid."""
    east = tile_from_id("UTM55N-0100-1842")
    path = ProductFolder(tmp_path).publish(make_acquisition(), make_layers(FIRST, east), {})
    assets = json.loads(path.read_text())["assets"]

    assert sorted(assets) == sorted(f"{name}_{zone}" for name in LAYERS for zone in (32654, 32655))
    assert assets["change_32655"]["proj:code"] == "EPSG:32655"
    with rasterio.open(path.parent / "change_32655.tif") as dataset:
        assert dataset.crs.to_epsg() == 32655
        assert dataset.transform == tile_geobox(east).transform


def test_source_items_become_links_and_times_become_text(tmp_path: Path) -> None:
    """`derived_from` is a STAC link relation; a datetime or numpy number in a property is fine."""
    properties = {"derived_from": ["https://example.org/a.json"], "start": WHEN, "share": np.float32(0.5)}
    item = json.loads(ProductFolder(tmp_path).publish(make_acquisition(), make_layers(FIRST), properties).read_text())

    assert [link["href"] for link in item["links"] if link["rel"] == "derived_from"] == ["https://example.org/a.json"]
    assert item["properties"]["start"] == "2018-10-22T01:26:00+00:00"
    assert item["properties"]["share"] == 0.5
    assert "derived_from" not in item["properties"]


@pytest.mark.parametrize(
    ("acquisition", "layers", "says"),
    [
        (make_acquisition(), {"probability": {}}, "nothing to publish"),
        (make_acquisition(), {"temperature": make_layers(FIRST)["spread"]}, "unknown layer 'temperature'"),
        (make_acquisition(region="../up"), make_layers(FIRST), "cannot be the name of a folder"),
    ],
)
def test_what_cannot_be_a_product_is_refused(
    tmp_path: Path, acquisition: Acquisition, layers: dict[str, dict[Tile, NDArray[np.float32]]], says: str
) -> None:
    """Nothing is listed and nothing is left in staging."""
    with pytest.raises(ValueError, match=says):
        ProductFolder(tmp_path).publish(acquisition, layers, {})

    assert content(tmp_path) == {}


@pytest.mark.parametrize("name", LAYERS)
def test_codes_never_collide_with_nodata(name: str) -> None:
    """Values beyond the range are clipped to the last code, NaN alone is nodata."""
    layer = LAYERS[name]
    codes = encode(np.array([-9.0, 9.0, np.nan], dtype=np.float32), layer)

    assert (codes == layer.nodata).tolist() == [False, False, True]


def _publish_some(root: Path, keys: list[str]) -> None:
    for key in keys:
        ProductFolder(root).publish(make_acquisition(key=key), make_layers(FIRST), {})


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Both publish the same four acquisitions in opposite order; the catalog is that of one."""
    keys = [f"S2_{number}" for number in range(4)]
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_publish_some, args=(tmp_path / "two", order)) for order in (keys, keys[::-1])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    _publish_some(tmp_path / "one", keys)

    assert [worker.exitcode for worker in workers] == [0, 0]
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_publisher_waits_for_the_one_before_it(tmp_path: Path) -> None:
    """While another holds the lock nothing is listed; then everything is."""
    folder = ProductFolder(tmp_path)
    folder.publish(make_acquisition(), make_layers(FIRST), {})
    before = content(tmp_path)
    later = Thread(
        target=folder.publish, args=(make_acquisition(key="S2_20181101T012600"), make_layers(FIRST), {}), daemon=True
    )

    with (tmp_path / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        later.start()
        later.join(timeout=1.0)
        waiting = later.is_alive()
        meanwhile = {path: digest for path, digest in content(tmp_path).items() if not path.startswith(".staging")}
    later.join(timeout=30.0)

    assert waiting
    assert meanwhile == before
    assert len(list(pystac.Catalog.from_file(str(tmp_path / "catalog.json")).get_items(recursive=True))) == 2


KILLER = """
import os, shutil, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import pystac
from tests.adapters.test_products import FIRST, LAST, ProductFolder, content, make_acquisition, make_layers

def publish(root, kill_at):
    def counted(function):
        def call(*arguments, **options):
            publish.calls += 1
            if publish.calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return call
    publish.calls = 0
    os.replace, os.fsync, os.unlink, os.mkdir = map(counted, (os.replace, os.fsync, os.unlink, os.mkdir))
    ProductFolder(root).publish(make_acquisition(version="new"), make_layers(FIRST, LAST), {})

def in_child(root, kill_at):
    child = os.fork()
    if child == 0:
        publish(root, kill_at)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def start(root):
    shutil.copytree(old, root)
    return root

base = Path(sys.argv[1])
old = base / "old"
ProductFolder(old).publish(make_acquisition(version="old"), make_layers(FIRST), {})
clean = start(base / "clean")
assert in_child(clean, 0) == 0
kill_at, code = 0, -signal.SIGKILL
while code == -signal.SIGKILL:
    kill_at += 1
    root = start(base / f"killed-{kill_at}")
    code = in_child(root, kill_at)
    items = list(pystac.Catalog.from_file(str(root / "catalog.json")).get_items(recursive=True))
    assert items, kill_at
    for asset in (asset for item in items for asset in item.assets.values()):
        assert Path(asset.get_absolute_href()).is_file(), (kill_at, asset.href)
    assert in_child(root, 0) == 0
    assert content(root) == content(clean), kill_at
    assert not list((root / ".staging").iterdir()), kill_at
assert code == 0
print(kill_at - 1)
"""


def test_killed_at_any_step_the_catalog_is_whole_and_a_rerun_completes_it(tmp_path: Path) -> None:
    """SIGKILL before every single rename, sync, removal and folder of a publication that supersedes another."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path), root], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_a_full_disk_lists_nothing_new(tmp_path: Path) -> None:
    """The product that did not fit is DiskFull; what was listed before stays, staging is empty."""
    printed = run_on_small_disk(
        tmp_path / "disk",
        400,
        """
        import numpy as np, pystac
        from monitor.errors import DiskFull
        from tests.adapters.test_products import FIRST, ProductFolder, make_acquisition
        noise = np.random.default_rng(0).random((256, 256), dtype=np.float32)
        published = 0
        try:
            for number in range(6):
                layers = {"probability": {FIRST: noise}, "change": {FIRST: noise}}
                ProductFolder(disk).publish(make_acquisition(key=f"S2_{number}"), layers, {})
                published += 1
        except DiskFull as err:
            print("full:", err.remedy)
        items = list(pystac.Catalog.from_file(str(disk / "catalog.json")).get_items(recursive=True))
        assert len(items) == published > 0, (len(items), published)
        assert not list((disk / ".staging").iterdir())
        """,
    )

    assert printed.startswith("full: Free space")


def test_an_acquisition_without_orbit_has_no_orbit_property(tmp_path: Path) -> None:
    """Unknown is absent, not null."""
    acquisition = replace(make_acquisition(), relative_orbit=None)
    item = json.loads(ProductFolder(tmp_path).publish(acquisition, make_layers(FIRST), {}).read_text())

    assert "sat:relative_orbit" not in item["properties"]
    assert not any("/sat/" in extension for extension in item["stac_extensions"])
