"""STAC item documents, real and broken, become SceneItems or are refused with a reason."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from monitor.adapters.catalog.items import (
    OPTICAL_COLLECTIONS,
    Kind,
    optical_kind,
    overlaps,
    scene_item,
    sensed_within,
    terrain_kind,
)
from monitor.core.masks import CLOUDLESS_BANDS
from monitor.records import Rejected, SceneItem, Sensor

Json = dict[str, Any]  # documents are taken apart and broken at will here
REASONS = {"no-geometry", "no-datetime", "missing-asset"}


def document(**properties: object) -> Json:
    """A complete small item as Planetary Computer writes them."""
    bands = {name: {"href": f"https://example.org/{name}.tif"} for name in ("B02", "B03", "B04", "B08", "SCL")}
    outline = [[[10.0, 45.0], [11.0, 45.0], [11.0, 46.0], [10.0, 46.0], [10.0, 45.0]]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "ITEM",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": outline},
        "properties": {"datetime": "2024-05-01T10:00:31.024Z", "platform": "Sentinel-2B", **properties},
        "links": [],
        "assets": bands,
    }


HERE = "https://example.org/item.json"


def convert(item: object, href: str = HERE, kind: Kind | None = None) -> SceneItem | Rejected:
    """Convert with what does not matter filled in."""
    kind = kind or optical_kind(OPTICAL_COLLECTIONS)
    return scene_item(item, catalog="here", collection="linked-from", href=href, kind=kind)


def accepted(item: object, href: str = HERE, kind: Kind | None = None) -> SceneItem:
    """Convert an item that must be accepted."""
    found = convert(item, href, kind)
    assert isinstance(found, SceneItem), found
    return found


def reflectance(item: Json, band: str = "B04") -> tuple[float, float]:
    """Scale and offset of one band."""
    asset = accepted(item).assets[band]
    return asset.scale, asset.offset


def features(value: object) -> Iterator[Json]:
    """Every item anywhere in a JSON document (item, page, list of items, recorded answer)."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from features(part)


def real_items(data_folder: Path, pattern: str) -> list[Json]:
    """All real item documents in files of this name."""
    files = sorted((data_folder / "stac_fixtures").rglob(pattern))
    return [item for file in files for item in features(json.loads(file.read_text(encoding="utf-8")))]


def real(data_folder: Path, item_id: str) -> Json:
    """The real item of this id."""
    return next(item for item in real_items(data_folder, "*.json") if item["id"] == item_id and "geometry" in item)


def test_every_real_document_is_an_item_or_a_named_refusal(data_folder: Path) -> None:
    """No real document raises; what lacks something is refused for it, the complete Sentinel-2 L2A are accepted."""
    documents = real_items(data_folder, "*.json")
    found = [convert(item) for item in documents]
    assert len(documents) > 100
    assert {refusal.reason for refusal in found if isinstance(refusal, Rejected)} <= REASONS
    for item, result in zip(documents, found, strict=True):
        level_2a = "MSIL2A" in item["id"] or item["id"].endswith("L2A")
        if level_2a and item.get("geometry") and item.get("assets"):
            assert isinstance(result, SceneItem), result
            assert {"B02", "B03", "B04", "SCL"} <= set(result.assets)


def test_planetary_computer_item(data_folder: Path) -> None:
    """Baseline 05.10 without raster:bands gets the offset; orbit, tile, datastrip and times are read."""
    item = accepted(real(data_folder, "S2B_MSIL2A_20240419T095549_R122_T47XML_20240419T123458"))
    assert (item.platform, item.relative_orbit, item.pass_direction) == ("sentinel-2b", 122, "ascending")
    assert (item.grid_code, item.processing_baseline, item.sensor) == ("47XML", "05.10", Sensor.OPTICAL)
    assert item.datastrip is not None
    assert item.datastrip.endswith("_S20240419T095549_N05.10")
    assert item.sensing_time == datetime(2024, 4, 19, 9, 55, 49, tzinfo=UTC)
    assert item.processing_time == datetime(2024, 4, 19, 12, 34, 58, 775234, tzinfo=UTC)
    assert item.cloud_percent == pytest.approx(0.219774)
    assert (item.assets["B04"].scale, item.assets["B04"].offset, item.assets["B04"].nodata) == (1e-4, -0.1, 0.0)
    assert (item.assets["SCL"].scale, item.assets["SCL"].offset) == (1.0, 0.0)
    assert item.assets["B04"].href.startswith("https://sentinel2l2a01.blob.core.windows.net/")


def test_earth_search_item_with_harmonised_pixels(data_folder: Path) -> None:
    """Earth Search announces offset -0.1 for pixels from which it is already taken: it must not count twice."""
    page = data_folder / "stac_fixtures" / "pystac_client_cassettes" / "es_page_landsat-c2-l2-sentinel-2-l2a_01.json"
    document = next(item for item in features(json.loads(page.read_text())) if item["id"] == "S2A_13TDE_20231008_0_L2A")
    assert document["assets"]["red"]["raster:bands"][0]["offset"] == -0.1
    assert document["properties"]["earthsearch:boa_offset_applied"] is True
    item = accepted(document)
    assert (item.assets["B04"].scale, item.assets["B04"].offset) == (1e-4, 0.0)
    # Its orbit stands only in the product's name, its time is the granule's: the pass began ten minutes earlier.
    assert (item.relative_orbit, item.grid_code) == (141, "13TDE")
    assert item.sensing_time == datetime(2023, 10, 8, 17, 52, 31, tzinfo=UTC)
    assert document["properties"]["datetime"].startswith("2023-10-08T18:02:55")


def test_copernicus_data_space_item(data_folder: Path) -> None:
    """STAC 1.1 with raster:scale on the asset, and names such as B02_10m and SCL_20m."""
    item = accepted(real(data_folder, "S2C_MSIL2A_20260527T014651_N0512_R017_T55WFR_20260527T042005"))
    assert (item.platform, item.relative_orbit, item.grid_code) == ("sentinel-2c", 17, "55WFR")
    assert (item.assets["B02"].scale, item.assets["B02"].offset, item.assets["B02"].nodata) == (1e-4, -0.1, 0.0)
    assert item.assets["B02"].href.endswith("_B02_10m.jp2")
    assert item.assets["SCL"].href.endswith("_SCL_20m.jp2")
    assert item.datastrip is not None


BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
EARTH_SEARCH = (
    "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "nir09", "cirrus", "swir16",
    "swir22",
)  # fmt: skip
FINEST_M = (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20)


@pytest.mark.parametrize(
    "names",
    [BANDS, EARTH_SEARCH, tuple(f"{band}_{finest}m" for band, finest in zip(BANDS, FINEST_M, strict=True))],
    ids=["Planetary Computer", "Earth Search", "Copernicus Data Space"],
)
def test_every_band_has_its_names(names: tuple[str, ...]) -> None:
    """Each band of Sentinel-2 is found by the name that a catalog has for it, with its offset."""
    item = document(**{"s2:processing_baseline": "05.11"})
    item["assets"] = {name: {"href": f"https://example.org/{name}.tif"} for name in names}
    found = accepted(item).assets
    assert {band: found[band].href for band in found} == {
        band: f"https://example.org/{name}.tif" for band, name in zip(BANDS, names, strict=True)
    }
    assert {(asset.scale, asset.offset, asset.nodata) for asset in found.values()} == {(1e-4, -0.1, 0.0)}


def test_a_real_level_1c_item_has_the_bands_for_the_cloud_detector(data_folder: Path) -> None:
    """Earth Search lists cirrus (B10) with its Level-1C scenes, which have no scene classification."""
    page = data_folder / "stac_fixtures" / "pystac_client_cassettes"
    path = page / "es_page_sentinel-2-c1-l2a-sentinel-2-l1c-sentinel-2-l2a_01.json"
    raw = [one for one in features(json.loads(path.read_text())) if one.get("collection") == "sentinel-2-l1c"]
    assert raw
    for item in map(accepted, raw):
        assert item.assets.keys() == {*BANDS}
        assert item.assets.keys() >= {*CLOUDLESS_BANDS}
        assert item.assets["B10"].href.endswith("/B10.jp2")
        assert (item.assets["B10"].scale, item.assets["B10"].offset) == (1e-4, -0.1)


def test_elevation_items(data_folder: Path) -> None:
    """Every complete Copernicus DEM document is terrain, whatever its date says."""
    dems = [item for item in real_items(data_folder, "*.json") if item["id"].startswith("Copernicus_DSM")]
    complete = [item for item in dems if item.get("geometry") and item.get("assets")]
    assert len(complete) >= 5
    for item in complete:
        found = accepted(item, kind=terrain_kind(()))
        assert (found.assets["data"].scale, found.assets["data"].offset) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({"type": "Catalog"}, "not-an-item", "not a STAC item"),
        ({"id": None}, "no-id", "no id"),
        ({"geometry": None}, "no-geometry", "footprint"),
        ({"geometry": {"type": "Point", "coordinates": [10, 45]}}, "no-geometry", "footprint"),
        ({"geometry": {"type": "Polygon", "coordinates": [[["a", 1]]]}}, "no-geometry", "footprint"),
        ({"properties": {"datetime": None}}, "no-datetime", "start_datetime"),
        ({"properties": {"datetime": "yesterday"}}, "no-datetime", "start_datetime"),
        ({"properties": None}, "no-datetime", "start_datetime"),
        ({"assets": {"visual": {"href": "x.tif"}}}, "missing-asset", "no B02, B03, B04 "),
        ({"assets": {"blue": {"href": "b.tif"}, "red": {"href": "r.tif"}}}, "missing-asset", "no B03 "),
        ({"assets": {"B02": {"href": "b"}, "B03": {}, "B04": {"href": None}}}, "missing-asset", "no B03, B04 "),
        ({"assets": None}, "missing-asset", "its assets: none"),
    ],
)
def test_what_is_missing_is_named(change: Json, reason: str, says: str) -> None:
    """Each lack has its own reason, and the sentence says what and where."""
    refusal = convert({**document(), **change})
    assert isinstance(refusal, Rejected)
    assert refusal.reason == reason
    assert says in refusal.detail


@pytest.mark.parametrize(
    ("properties", "asset", "expected"),
    [
        ({}, {}, (1e-4, 0.0)),
        ({"s2:processing_baseline": "03.01"}, {}, (1e-4, 0.0)),
        ({"s2:processing_baseline": "04.00"}, {}, (1e-4, -0.1)),
        ({"processing:version": "05.11"}, {}, (1e-4, -0.1)),
        ({"s2:product_uri": "S2B_MSIL2A_20220501T100031_N0510_R122_T33TVM_20220501T123458.SAFE"}, {}, (1e-4, -0.1)),
        # The sensing date says nothing: Collection 1 reprocessed old scenes with the offset.
        ({"datetime": "2017-05-01T10:00:31Z", "s2:processing_baseline": "05.00"}, {}, (1e-4, -0.1)),
        ({"datetime": "2024-05-01T10:00:31Z", "s2:processing_baseline": "02.14"}, {}, (1e-4, 0.0)),
        # What the asset says goes before the baseline, wherever it says it.
        ({"s2:processing_baseline": "05.11"}, {"raster:bands": [{"scale": 2e-4, "offset": 0}]}, (2e-4, 0.0)),
        ({}, {"bands": [{"raster:scale": 2e-4, "raster:offset": -0.2}]}, (2e-4, -0.2)),
        ({}, {"raster:scale": 2e-4, "raster:offset": -0.2}, (2e-4, -0.2)),
        # A half or useless statement is filled in from the baseline.
        ({"s2:processing_baseline": "05.11"}, {"raster:bands": [{"nodata": 0, "scale": 1e-4}]}, (1e-4, -0.1)),
        ({"s2:processing_baseline": "05.11"}, {"raster:bands": "none"}, (1e-4, -0.1)),
        ({}, {"raster:scale": 0}, (1e-4, 0.0)),
        ({"earthsearch:boa_offset_applied": True, "s2:processing_baseline": "05.11"}, {}, (1e-4, 0.0)),
        ({"earthsearch:boa_offset_applied": True}, {"raster:bands": [{"scale": 1e-4, "offset": -0.1}]}, (1e-4, 0.0)),
        ({"earthsearch:boa_offset_applied": False}, {"raster:bands": [{"scale": 1e-4, "offset": -0.1}]}, (1e-4, -0.1)),
        # Applied once: neither a baseline nor an announced offset brings it back, and 0 announced stays 0.
        (
            {"earthsearch:boa_offset_applied": True, "s2:processing_baseline": "05.09"},
            {"raster:bands": [{"nodata": 0, "scale": 1e-4}]},
            (1e-4, 0.0),
        ),
        (
            {"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "05.09"},
            {"raster:bands": [{"scale": 1e-4, "offset": 0}]},
            (1e-4, 0.0),
        ),
        ({"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "05.09"}, {}, (1e-4, -0.1)),
        ({"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "03.01"}, {}, (1e-4, 0.0)),
        # A word that is not a truth value says nothing.
        ({"earthsearch:boa_offset_applied": "true", "s2:processing_baseline": "05.09"}, {}, (1e-4, -0.1)),
        ({"earthsearch:boa_offset_applied": None, "s2:processing_baseline": "05.09"}, {}, (1e-4, -0.1)),
    ],
)
def test_reflectance(properties: Json, asset: Json, expected: tuple[float, float]) -> None:
    """Scale and offset come from the asset, else from the processing baseline, never from the date."""
    item = document(**properties)
    item["assets"]["B04"] |= asset
    assert reflectance(item) == expected


@pytest.mark.parametrize(
    ("properties", "field", "expected"),
    [
        ({"eo:cloud_cover": None}, "cloud_percent", None),
        ({"eo:cloud_cover": -1}, "cloud_percent", None),
        ({"eo:cloud_cover": "NaN"}, "cloud_percent", None),
        ({"eo:cloud_cover": 0}, "cloud_percent", 0.0),
        ({"eo:cloud_cover": 100}, "cloud_percent", 100.0),
        ({"platform": None, "constellation": "Sentinel 2"}, "platform", "sentinel-2"),
        ({"platform": None}, "platform", "unknown"),
        ({"sat:relative_orbit": "43"}, "relative_orbit", 43),
        ({"sat:relative_orbit": {"no": 1}}, "relative_orbit", None),
        ({"grid:code": "MGRS-7HFE"}, "grid_code", "07HFE"),
        ({"s2:mgrs_tile": "T06VVN"}, "grid_code", "06VVN"),
        ({"grid:code": "CDEM-N53W115"}, "grid_code", "CDEM-N53W115"),
        ({"updated": "2025-01-01T00:00:00Z"}, "processing_time", None),
        ({"created": "2025-01-01T00:00:00Z"}, "processing_time", datetime(2025, 1, 1, tzinfo=UTC)),
        ({"updated": "2025-01-01T00:00:00Z"}, "published", None),
        ({"created": "2025-01-01T00:00:00Z"}, "published", datetime(2025, 1, 1, tzinfo=UTC)),
        ({"created": "2025-01-01", "published": "2025-01-02"}, "published", datetime(2025, 1, 2, tzinfo=UTC)),
        ({"scarpwatch:simulated": True}, "simulated", True),
        ({"scarpwatch:simulated": "no"}, "simulated", False),
    ],
)  # fmt: skip
def test_fields(properties: Json, field: str, expected: object) -> None:
    """Each field as catalogs write it, and unknown where they write nonsense."""
    assert getattr(accepted(document(**properties)), field) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"datetime": "2024-05-01T10:00:00"}, "2024-05-01T10:00:00"),
        ({"datetime": None, "start_datetime": "2024-05-01T12:00:00+02:00"}, "2024-05-01T10:00:00"),
        ({"s2:datatake_id": "GS2B_20240501T095031_012081_N05.10"}, "2024-05-01T09:50:31"),
        # A datatake of another day is a mistake of the catalog.
        (
            {"datetime": "2024-05-03T10:00:00Z", "s2:datatake_id": "GS2B_20240501T095031_012081_N05.10"},
            "2024-05-03T10:00:00",
        ),
    ],
)
def test_sensing_time(properties: Json, expected: str) -> None:
    """The start of the datatake where it is told, else datetime or start_datetime, in UTC."""
    assert accepted(document(**properties)).sensing_time == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    ("asset", "item", "expected"),
    [
        ("https://example.org/a.tif", "/data/item.json", "https://example.org/a.tif"),
        ("s3://bucket/a.jp2", "https://example.org/item.json", "s3://bucket/a.jp2"),
        ("../a.tif", "https://example.org/x/y/item.json", "https://example.org/x/a.tif"),
        ("../a b.tif", "/data/x/item.json", "/data/a b.tif"),
        ("/data/a.tif", "/other/item.json", "/data/a.tif"),
        ("file:///data/a%20b.tif", "/other/item.json", "/data/a b.tif"),
    ],
)
def test_hrefs_are_absolute(asset: str, item: str, expected: str) -> None:
    """Relative hrefs start at the item; files are plain paths."""
    changed = document()
    changed["assets"]["B04"]["href"] = asset
    assert accepted(changed, href=item).assets["B04"].href == expected


def ring(*corners: tuple[float, float]) -> Json:
    """An item with this outline."""
    return {**document(), "geometry": {"type": "Polygon", "coordinates": [[*map(list, corners), list(corners[0])]]}}


def test_footprints_are_compared_by_outline() -> None:
    """A slanted swath whose box covers the region, and a neighbour that only touches it, do not show it."""
    slanted = ring((10, 45), (11, 45), (12, 46), (11, 46))
    assert not overlaps(slanted, box(11.8, 45.0, 12.0, 45.2))
    assert overlaps(slanted, box(10.9, 45.0, 11.1, 45.2))
    assert not overlaps(document(), box(11.0, 45.0, 12.0, 46.0))
    assert overlaps(document(), box(10.9999, 45.0, 12.0, 46.0))


@pytest.mark.parametrize(
    "corners",
    [
        [(179.5, -17), (-179.5, -17), (-179.5, -16), (179.5, -16)],
        [(179.5, -17), (180.5, -17), (180.5, -16), (179.5, -16)],
        [(-180.5, -17), (-179.5, -17), (-179.5, -16), (-180.5, -16)],
    ],
)
def test_footprints_across_the_antimeridian(corners: list[tuple[float, float]]) -> None:
    """However a catalog writes a scene at 180 degrees, it is the same two strips within ±180."""
    outline = accepted(ring(*corners)).geometry
    assert outline.area == pytest.approx(1.0)
    assert list(outline.bounds) == [-180, -17, 180, -16]
    assert overlaps(ring(*corners), box(179.6, -16.6, 179.7, -16.5))
    assert overlaps(ring(*corners), box(-179.7, -16.6, -179.6, -16.5))
    assert not overlaps(ring(*corners), box(0, -17, 1, -16))


def test_a_self_crossing_footprint_is_mended() -> None:
    """A bow tie is the ground of its two halves, not an error."""
    assert accepted(ring((10, 45), (11, 46), (11, 45), (10, 46))).geometry.is_valid


def test_time_window_is_inclusive() -> None:
    """The first and the last instant belong to the window."""
    sensed = datetime(2024, 5, 1, 10, 0, 31, 24000, tzinfo=UTC)
    later = datetime(2024, 5, 1, 10, 0, 32, tzinfo=UTC)
    assert sensed_within(document(), sensed, later)
    assert sensed_within(document(), datetime(2024, 1, 1, tzinfo=UTC), sensed)
    assert not sensed_within(document(), later, later)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every value in a document."""
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(part, (*path, key))


def rich_document() -> Json:
    """A document with every field that is read."""
    item = document(
        **{"eo:cloud_cover": 3, "sat:relative_orbit": 22, "grid:code": "MGRS-33TVM", "s2:processing_baseline": "05.11"},
        **{"s2:datatake_id": "GS2B_20240501T095031_012081_N05.10", "created": "2024-05-02T00:00:00Z"},
        **{"s2:product_uri": "S2B_MSIL2A_20240501T100031_N0510_R122_T33TVM_20240501T123458.SAFE"},
    )
    item["assets"]["B04"]["raster:bands"] = [{"scale": 1e-4, "offset": -0.1, "nodata": 0}]
    return item


RICH = rich_document()


@given(place=st.sampled_from([path for path in paths(RICH) if path]), junk=JUNK)
def test_no_document_raises(place: tuple[str | int, ...], junk: object) -> None:
    """Any value of a document replaced by anything gives an item or a refusal."""
    item: Any = deepcopy(RICH)
    holder = item
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    assert isinstance(convert(item), SceneItem | Rejected)
    overlaps(item, box(10, 45, 11, 46))
    sensed_within(item, datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
