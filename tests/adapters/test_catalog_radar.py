"""Which radar items are evidence: recorded real ones, and what is wrong with others."""

import json
from pathlib import Path

import pytest

from monitor.adapters.catalog.items import radar_kind, scene_item
from monitor.core.acquisitions import group
from monitor.records import Rejected, SceneItem, Sensor

Json = dict[str, object]
PC = "stac_fixtures/stac_geoparquet/sentinel-1-rtc-pc.json"
S1 = "stac_fixtures/stactools_sentinel1/examples"
GRD = (
    f"{S1}/grd/S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13/"
    "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13.json"
)
INDIGO = f"{S1}/rtc/sentinel1-rtc-aws/2020/S1A_20200103_17RMJ_ASC/S1A_20200103_17RMJ_ASC.json"


def read(document: object) -> SceneItem | Rejected:
    """An item document as a radar scene."""
    return scene_item(document, catalog="any", collection="", href="https://example.org/item.json", kind=radar_kind(()))


@pytest.fixture
def recorded(data_folder: Path) -> list[Json]:
    """Items of sentinel-1-rtc as Planetary Computer sends them."""
    document = json.loads((data_folder / PC).read_text(encoding="utf-8"))
    items: list[Json] = document["features"] if isinstance(document, dict) else document
    return items


def properties(item: Json) -> Json:
    """The properties of an item, to be changed."""
    found = item["properties"]
    assert isinstance(found, dict)
    return found


def test_planetary_computer_items_are_scenes(recorded: list[Json]) -> None:
    """Everything that decides what may be compared is read; sar:product_type GRD does not mislead."""
    scene = read(recorded[0])
    assert isinstance(scene, SceneItem)
    assert (scene.sensor, scene.platform, scene.relative_orbit, scene.absolute_orbit) == (
        Sensor.SAR, "sentinel-1a", 51, 53498,
    )  # fmt: skip
    assert (scene.pass_direction, scene.resolution_m) == ("descending", 22.0)
    assert set(scene.assets) == {"vv", "vh"}
    assert scene.assets["vv"].nodata == -32768.0
    assert (scene.assets["vv"].scale, scene.assets["vv"].offset) == (1.0, 0.0)


def test_an_acquisition_is_named_by_its_orbit(recorded: list[Json]) -> None:
    """Slices that are listed later, sensed earlier, do not make another pass of it."""
    scene = read(recorded[0])
    assert isinstance(scene, SceneItem)
    (one,), _ = group("region", [scene])
    assert one.key == "sentinel-1a-O053498-R051"
    assert one.comparable == "sar:R051:descending:vv+vh:sentinel-1-rtc"
    assert (one.polarisations, one.resolution_m) == (("vv", "vh"), 22.0)


def test_real_grd_is_refused(data_folder: Path) -> None:
    """It is not terrain corrected; the reason says what to use instead."""
    refused = read(json.loads((data_folder / GRD).read_text(encoding="utf-8")))
    assert isinstance(refused, Rejected)
    assert refused.reason == "not-terrain-corrected"
    assert "sentinel-1-rtc" in refused.detail
    assert "sar:product_type RTC" in refused.detail


def test_other_rtc_products_are_read(data_folder: Path) -> None:
    """Another archive's names of assets, and what its 20 m pixels resolve."""
    scene = read(json.loads((data_folder / INDIGO).read_text(encoding="utf-8")))
    assert isinstance(scene, SceneItem)
    assert set(scene.assets) == {"vv", "vh"}
    assert (scene.resolution_m, scene.relative_orbit, scene.pass_direction) == (22.6, 121, "ascending")


@pytest.mark.parametrize("name", ["sat:relative_orbit", "sat:orbit_state"])
def test_an_item_without_track_is_refused(recorded: list[Json], name: str) -> None:
    """It cannot be compared with anything; the orbit is not guessed from the absolute one."""
    del properties(recorded[0])[name]
    refused = read(recorded[0])
    assert isinstance(refused, Rejected)
    assert (refused.reason, name in refused.detail) == ("no-track", True)


def test_an_item_of_one_polarisation_is_a_scene_of_its_own_class(recorded: list[Json]) -> None:
    """VV alone is never compared with passes of both."""
    assets = recorded[0]["assets"]
    assert isinstance(assets, dict)
    del assets["vh"]
    scene = read(recorded[0])
    assert isinstance(scene, SceneItem)
    (one,), _ = group("region", [scene])
    assert one.comparable == "sar:R051:descending:vv:sentinel-1-rtc"
    del assets["vv"]
    refused = read(recorded[0])
    assert isinstance(refused, Rejected)
    assert (refused.reason, "its assets:" in refused.detail) == ("missing-asset", True)


def test_platforms_are_never_mixed_in_a_pass(recorded: list[Json]) -> None:
    """Two satellites at the same time on the same orbit are two acquisitions."""
    first = read(recorded[0])
    properties(recorded[0])["platform"] = "SENTINEL-1C"
    recorded[0]["id"] = "another"
    second = read(recorded[0])
    assert isinstance(first, SceneItem)
    assert isinstance(second, SceneItem)
    acquisitions, refused = group("region", [first, second])
    assert sorted(one.platform for one in acquisitions) == ["sentinel-1a", "sentinel-1c"]
    assert not refused


def test_of_two_products_of_a_pass_the_finer_is_looked_at(recorded: list[Json]) -> None:
    """Bursts of 30 m and a scene that resolves 22 m of the same pass are not laid over each other."""
    fine = read(recorded[0])
    recorded[0] |= {"id": "OPERA_L2_RTC-S1_T051", "collection": "OPERA_L2_RTC-S1_V1"}
    properties(recorded[0])["gsd"] = 30
    assets = recorded[0]["assets"]
    assert isinstance(assets, dict)
    for asset in assets.values():
        asset.pop("raster:bands", None)
    properties(recorded[0]).pop("proj:transform")
    properties(recorded[0]).pop("sar:pixel_spacing_range")
    coarse = read(recorded[0])
    assert isinstance(fine, SceneItem)
    assert isinstance(coarse, SceneItem)
    assert coarse.resolution_m == 30.0
    (one,), (refused,) = group("region", [coarse, fine])
    assert one.items == (fine,)
    assert (refused.item, refused.reason) == (coarse.id, "other-product")


def test_a_step_of_degrees_is_no_resolution(recorded: list[Json]) -> None:
    """A product on a geographic grid must not pass for the finest of all."""
    assets = recorded[0]["assets"]
    assert isinstance(assets, dict)
    for asset in assets.values():
        asset.pop("raster:bands", None)
    given = properties(recorded[0])
    for name in ("sar:resolution_range", "sar:resolution_azimuth", "sar:pixel_spacing_range"):
        del given[name]
    given["proj:transform"] = [0.0002, 0.0, 10.0, 0.0, -0.0002, 50.0]
    scene = read(recorded[0])
    assert isinstance(scene, SceneItem)
    assert scene.resolution_m is None
