"""The simulated valley as a catalog user meets it: files, metadata, pixels and truth, on a small scene."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import features
from shapely.geometry import shape

from monitor.core.grid import TILE_M, project
from monitor.sandbox.clouds import SceneClass
from monitor.sandbox.frame import EPSG, place_frame
from monitor.sandbox.optics import OFFSET, SCALE, to_digital
from monitor.sandbox.valley import Valley, build_valley, load_valley

SIZE_PX = 256
BANDS = ("B02", "B03", "B04")


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    """One small valley for all tests that only read."""
    return build_valley(tmp_path_factory.mktemp("valley"), seed=5, size_px=SIZE_PX, quiet=3, after=2)


def scenes(valley: Valley) -> list[pystac.Item]:
    """Scene items, oldest first."""
    catalog = pystac.Catalog.from_file(str(valley.catalog))
    return sorted(
        (item for item in catalog.get_items(recursive=True) if item.collection_id == "sentinel-2-l2a"),
        key=lambda i: i.id[11:26],
    )


def pixels(item: pystac.Item, key: str) -> NDArray[np.float64]:
    """One asset as stored."""
    href = item.assets[key].get_absolute_href()
    assert href is not None
    with rasterio.open(href) as file:
        return np.asarray(file.read(1), dtype=np.float64)


def reflectance(item: pystac.Item, key: str) -> NDArray[np.float64]:
    """One band by the item's own scale and offset."""
    band = item.assets[key].to_dict()["raster:bands"][0]
    return np.asarray(pixels(item, key) * band["scale"] + band["offset"])


def scar_mask(valley: Valley, item: pystac.Item, *, visible_only: bool = False) -> NDArray[np.bool_]:
    """Pixels of the true scars on the scene's grid."""
    transform = rasterio.Affine(*item.properties["proj:transform"])
    polygons = [project(scar.geometry, 4326, EPSG) for scar in valley.scars if scar.visible or not visible_only]
    painted = features.rasterize(polygons, out_shape=(SIZE_PX, SIZE_PX), transform=transform, dtype="uint8")
    return np.asarray(painted, dtype=np.bool_)


def test_same_seed_same_files(tmp_path: Path) -> None:
    """Two runs of one seed write the same bytes; another seed writes others."""
    contents = []
    for name, seed in (("a", 11), ("b", 11), ("c", 12)):
        build_valley(tmp_path / name, seed=seed, size_px=128, quiet=1, after=1)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert contents[0].keys() != contents[2].keys() or contents[0] != contents[2]


def test_a_relative_folder_is_no_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every asset is found from its item, also where the valley was asked for by a relative path."""
    monkeypatch.chdir(tmp_path)
    valley = build_valley(Path("here"), seed=11, size_px=128, quiet=1, after=1)
    assets = [
        asset.get_absolute_href()
        for item in pystac.Catalog.from_file(str(valley.catalog)).get_items(recursive=True)
        for asset in item.assets.values()
    ]
    assert len(assets) > 4
    assert all(Path(str(href)).is_file() for href in assets)


@pytest.mark.parametrize("seed", [0, -3, 10**20])
def test_any_integer_is_a_seed(tmp_path: Path, seed: int) -> None:
    """Zero, negative and huge seeds work."""
    assert build_valley(tmp_path, seed=seed, size_px=128, quiet=1, after=1).seed == seed


@pytest.mark.parametrize(("size_px", "quiet", "after"), [(100, 4, 1), (257, 4, 1), (256, 0, 1), (256, 4, -1)])
def test_senseless_sizes_are_refused(tmp_path: Path, size_px: int, quiet: int, after: int) -> None:
    """Odd or tiny scenes and a storm without a look before it are refused before anything is written."""
    with pytest.raises(ValueError, match="got"):
        build_valley(tmp_path / "none", seed=1, size_px=size_px, quiet=quiet, after=after)
    assert not (tmp_path / "none").exists()


def test_catalog_is_self_contained(valley: Valley, tmp_path: Path) -> None:
    """The catalog still opens with every asset after it was moved elsewhere, and links nothing by absolute path."""
    moved = tmp_path / "elsewhere"
    for path in valley.catalog.parent.rglob("*"):
        if path.is_file():
            target = moved / path.relative_to(valley.catalog.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    catalog = pystac.Catalog.from_file(str(moved / "catalog.json"))
    items = list(catalog.get_items(recursive=True))
    assert len(items) == 6
    for item in items:
        for asset in item.get_assets().values():
            assert not Path(asset.href).is_absolute()
            with rasterio.open(str(asset.get_absolute_href())) as file:
                assert file.crs.to_epsg() == EPSG
    assert str(valley.catalog.parent) not in "".join(path.read_text() for path in moved.rglob("*.json"))


def test_truth_is_out_of_the_services_sight(valley: Valley) -> None:
    """truth.json lies beside the catalog folder, and nothing in the catalog mentions the scars."""
    assert valley.truth.parent == valley.catalog.parent.parent
    document = json.loads(valley.truth.read_text())
    assert len(document["features"]) == len(valley.scars) > 0
    for feature, scar in zip(document["features"], valley.scars, strict=True):
        assert shape(feature["geometry"]).equals_exact(scar.geometry, 1e-9)
        assert feature["properties"]["visible"] == scar.visible
    assert "scar_" not in "".join(path.read_text() for path in valley.catalog.parent.rglob("*.json"))


def test_items_say_what_real_ones_say(valley: Valley) -> None:
    """Metadata the service decides by: orbit, platforms in turn, baseline, cloud cover, grid, simulated."""
    items = scenes(valley)
    assert [item.datetime for item in items] == list(valley.times)
    assert valley.times[2] < valley.storm < valley.times[3]
    assert {item.properties["platform"] for item in items} == {"sentinel-2a", "sentinel-2b"}
    assert all(a.properties["platform"] != b.properties["platform"] for a, b in pairwise(items))
    for item in items:
        assert item.properties["scarpwatch:simulated"] is True
        assert item.properties["s2:processing_baseline"] == "05.11"
        assert item.properties["sat:relative_orbit"] == 122
        assert item.properties["proj:code"] == f"EPSG:{EPSG}"
        assert 0 <= item.properties["eo:cloud_cover"] <= 50
        assert item.geometry is not None
        assert shape(item.geometry).bounds == pytest.approx(valley.bbox, abs=1e-9)


def test_every_acquisition_has_the_same_grid(valley: Valley) -> None:
    """All bands of all dates share one 10 m grid, SCL the same ground at 20 m, and the corner is off the tile grid."""
    transforms = set()
    for item in scenes(valley):
        for key in BANDS:
            with rasterio.open(str(item.assets[key].get_absolute_href())) as file:
                transforms.add(tuple(file.transform))
                assert (file.shape, file.dtypes[0], file.nodata) == ((SIZE_PX, SIZE_PX), "uint16", 0)
                assert file.block_shapes == [(256, 256)]
                fine = file.bounds
        with rasterio.open(str(item.assets["SCL"].get_absolute_href())) as file:
            assert (file.shape, file.res, file.dtypes[0]) == ((SIZE_PX // 2, SIZE_PX // 2), (20.0, 20.0), "uint8")
            assert file.bounds == fine
    assert len(transforms) == 1
    transform = rasterio.Affine(*transforms.pop())
    assert (transform.c % TILE_M, transform.f % TILE_M) == (370.0, 370.0)


def test_elevation_covers_the_scenes(valley: Valley) -> None:
    """The elevation model is float32 at 30 m, without voids, and reaches beyond the scenes on every side."""
    catalog = pystac.Catalog.from_file(str(valley.catalog))
    (item,) = (item for item in catalog.get_items(recursive=True) if item.collection_id == "cop-dem-glo-30")
    west, south, east, north = place_frame(valley.seed, SIZE_PX).bounds
    with rasterio.open(str(item.assets["data"].get_absolute_href())) as file:
        assert (file.res, file.dtypes[0]) == ((30.0, 30.0), "float32")
        assert file.bounds.left < west and file.bounds.bottom < south  # noqa: PT018
        assert file.bounds.right > east and file.bounds.top > north  # noqa: PT018
        elevation = file.read(1)
    assert np.isfinite(elevation).all()
    assert 60 < np.ptp(elevation) < 900


def test_digital_numbers_round_trip() -> None:
    """DN by scale and offset gives the reflectance back to half a step, and never the nodata value."""
    values = np.array([[-0.2, 0.0, 0.0237, 0.25, 1.1]], dtype=np.float32)
    digital = to_digital(values)
    assert digital.dtype == np.uint16
    assert digital.min() >= 1
    assert digital[0, 1] == 1000
    np.testing.assert_allclose(digital[:, 1:] * SCALE + OFFSET, values[:, 1:], atol=SCALE / 2 + 1e-6)


def test_clear_ground_looks_like_forested_hills(valley: Valley) -> None:
    """Median reflectance of clear pixels is that of summer forest: dark, green above blue and red."""
    for item in scenes(valley):
        clear = np.kron(np.isin(pixels(item, "SCL"), (4, 5)), np.ones((2, 2))) > 0
        blue, green, red = (float(np.median(reflectance(item, key)[clear])) for key in BANDS)
        assert 0.01 < blue < 0.06
        assert 0.02 < red < 0.07
        assert max(blue, red) < green < 0.10


def test_classification_agrees_with_the_pixels(valley: Valley) -> None:
    """What SCL calls high cloud is bright in every band; what it calls vegetation is not."""
    seen_clouds = 0
    for item in scenes(valley):
        scl = np.kron(pixels(item, "SCL"), np.ones((2, 2)))
        blue = reflectance(item, "B02")
        cloud = scl == SceneClass.CLOUD_HIGH
        seen_clouds += int(cloud.sum())
        if cloud.any():
            assert np.quantile(blue[cloud], 0.1) > 0.25
        assert np.quantile(blue[scl == SceneClass.VEGETATION], 0.99) < 0.2
        share = 100.0 * float(np.isin(scl, (8, 9, 10)).mean())
        assert share == pytest.approx(item.properties["eo:cloud_cover"], abs=0.01)
        assert set(np.unique(scl)) <= set(range(2, 11))
    assert seen_clouds > 100


def test_truth_areas_match_the_outlines(valley: Valley) -> None:
    """Stated hectares are those of the polygons, and of the pixels the polygons cover."""
    item = scenes(valley)[0]
    for scar in valley.scars:
        assert project(scar.geometry, 4326, EPSG).area / 10_000 == pytest.approx(scar.area_ha, rel=1e-3, abs=1e-3)
        assert 0.14 <= scar.area_ha <= 4.01
    painted = scar_mask(valley, item).sum() / 100.0
    assert painted == pytest.approx(sum(scar.area_ha for scar in valley.scars), rel=0.02)


def test_scars_appear_with_the_storm(valley: Valley) -> None:
    """Visible scars are several times redder after the storm than before it; ground beside them is as it was."""
    items = scenes(valley)
    mask = scar_mask(valley, items[0], visible_only=True)
    assert mask.any()
    everywhere = scar_mask(valley, items[0])
    clear = [np.kron(np.isin(pixels(item, "SCL"), (4, 5)), np.ones((2, 2))) > 0 for item in items]
    clearest = int(np.argmax([c.mean() for c in clear[:3]]))
    both = clear[clearest] & clear[-1]
    ratio = reflectance(items[-1], "B04") / reflectance(items[clearest], "B04")
    assert np.median(ratio[both & mask]) > 3.0
    assert 0.7 < np.median(ratio[both & ~everywhere]) < 1.4


def test_scars_lie_on_slopes(valley: Valley) -> None:
    """Every scar's ground is steep on the delivered elevation model too."""
    catalog = pystac.Catalog.from_file(str(valley.catalog))
    (item,) = (item for item in catalog.get_items(recursive=True) if item.collection_id == "cop-dem-glo-30")
    with rasterio.open(str(item.assets["data"].get_absolute_href())) as file:
        south, east = np.gradient(file.read(1).astype(float), 30.0)
        slope = np.degrees(np.arctan(np.hypot(south, east)))
        for scar in valley.scars:
            assert 18 < scar.slope_deg < 42
            point = project(scar.geometry.representative_point(), 4326, EPSG)
            around = features.geometry_mask(
                [point.buffer(45)], slope.shape, file.transform, all_touched=True, invert=True
            )
            assert slope[around].max() > 12


def test_traps_change_on_flat_ground(valley: Valley) -> None:
    """Red also rises strongly off the scars between the looks around the storm: tilled fields and flood gravel."""
    items = scenes(valley)
    clear = [np.kron(np.isin(pixels(items[i], "SCL"), (4, 5)), np.ones((2, 2))) > 0 for i in (2, 3)]
    rise = reflectance(items[3], "B04") - reflectance(items[2], "B04")
    trap = clear[0] & clear[1] & ~scar_mask(valley, items[0]) & (rise > 0.05)
    assert trap.sum() > 100


def test_a_full_valley_keeps_its_promises(tmp_path: Path) -> None:
    """At the size of the demo: 10 to 18 scars, eight of half a hectare and more, three quarters of all visible."""
    told: list[str] = []
    full = build_valley(tmp_path, seed=2024, report=told.append)
    assert 10 <= len(full.scars) <= 18
    assert sum(scar.area_ha >= 0.5 for scar in full.scars) >= 8
    assert sum(scar.visible for scar in full.scars) >= 0.75 * len(full.scars)
    assert len(told) >= 6


def test_nothing_happens_without_a_storm(tmp_path: Path) -> None:
    """A valley with no acquisition after the storm has no scars in its truth."""
    quiet = build_valley(tmp_path, seed=9, size_px=128, quiet=2, after=0)
    assert quiet.scars == ()
    assert json.loads(quiet.truth.read_text())["features"] == []


def test_a_valley_is_loaded_as_it_was_built(tmp_path: Path) -> None:
    """What the truth file keeps gives the same record back."""
    built = build_valley(tmp_path, seed=5, size_px=256, quiet=1, after=1)
    loaded = load_valley(tmp_path)
    assert replace(loaded, scars=()) == replace(built, scars=())
    assert [scar.area_ha for scar in loaded.scars] == [scar.area_ha for scar in built.scars]
    assert all(a.geometry.equals_exact(b.geometry, 1e-9) for a, b in zip(loaded.scars, built.scars, strict=True))
