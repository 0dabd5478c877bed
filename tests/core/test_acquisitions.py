"""Items become acquisitions: passes, duplicates, datastrips, keys and versions."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from monitor.adapters.catalog.items import optical_kind, scene_item
from monitor.core.acquisitions import group
from monitor.records import Acquisition, Asset, SceneItem, Sensor

TIME = datetime(2024, 5, 1, 10, 0, 31, tzinfo=UTC)


def item(name: str, **changes: object) -> SceneItem:
    """An item of orbit 122 with nothing unknown but what `changes` says."""
    known = SceneItem(
        catalog="here",
        collection="sentinel-2-l2a",
        id=name,
        sensing_time=TIME,
        geometry=box(10, 45, 11, 46),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2b",
        relative_orbit=122,
        grid_code="33TVM",
        datastrip="S2B_OPER_MSI_L2A_DS_2BPS_20240501T120000_S20240501T100033_N05.10",
        processing_baseline="05.10",
        processing_time=datetime(2024, 5, 1, 12, tzinfo=UTC),
        assets={name: Asset(href=f"{name}.tif") for name in ("B02", "B03", "B04", "SCL")},
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def bare(name: str, **changes: object) -> SceneItem:
    """An item of which only time and place are known."""
    unknown = {
        "platform": "unknown",
        "relative_orbit": None,
        "grid_code": None,
        "datastrip": None,
        "processing_baseline": None,
        "processing_time": None,
    }
    return item(name, **{**unknown, **changes})


def ids(items: Sequence[SceneItem]) -> list[list[str]]:
    """Item ids of every acquisition."""
    return [[one.id for one in acquisition.items] for acquisition in group("valley", items)[0]]


def only(items: Sequence[SceneItem]) -> Acquisition:
    """The one acquisition of these items."""
    (acquisition,), _ = group("valley", items)
    return acquisition


def test_nothing() -> None:
    """No items make no acquisitions."""
    assert group("valley", []) == ([], [])


def test_one_pass_is_one_acquisition() -> None:
    """Tiles of one pass, up to ten minutes after its first, belong together; a second more is another."""
    near = item("b", grid_code="33TVL", sensing_time=TIME + timedelta(minutes=10))
    far = item("c", grid_code="33TVK", sensing_time=TIME + timedelta(minutes=10, seconds=1))
    assert ids([far, near, item("a")]) == [["a", "b"], ["c"]]
    acquisition = group("valley", [far, near, item("a")])[0][0]
    assert (acquisition.region, acquisition.sensing_time, acquisition.sensor) == ("valley", TIME, Sensor.OPTICAL)
    assert (acquisition.platform, acquisition.relative_orbit) == ("sentinel-2b", 122)


@pytest.mark.parametrize(
    "change", [{"platform": "sentinel-2a"}, {"relative_orbit": 22}, {"relative_orbit": None}, {"sensor": Sensor.SAR}]
)
def test_another_instrument_is_another_acquisition(change: dict[str, object]) -> None:
    """Platform, orbit and sensor part acquisitions even at the same second."""
    assert len(ids([item("a"), item("b", **change)])) == 2


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"processing_baseline": "02.14"}, {"processing_baseline": "05.00"}),
        ({"processing_baseline": "5.9"}, {"processing_baseline": "05.10"}),
        ({"processing_baseline": None}, {"processing_baseline": "02.14"}),
        # The baseline goes before the time: an old version is sometimes written again.
        (
            {"processing_baseline": "04.00", "processing_time": datetime(2025, 1, 1, tzinfo=UTC)},
            {"processing_baseline": "05.00", "processing_time": datetime(2024, 1, 1, tzinfo=UTC)},
        ),
        ({}, {"processing_time": datetime(2024, 5, 1, 12, 0, 1, tzinfo=UTC)}),
        ({"processing_time": None}, {}),
        ({"datastrip": None, "processing_baseline": "04.00"}, {}),
        ({"processing_baseline": "04.00"}, {"datastrip": None}),
        # Level-1C of the same pixels has no cloud mask.
        ({"assets": {}, "processing_baseline": "05.11"}, {}),
        # A reprocessed datastrip has a new id; what stays in it is the start of sensing.
        (
            {},
            {
                "datastrip": "S2B_OPER_MSI_L2A_DS_S2RP_20250612T214223_S20240501T100033_N05.11",
                "processing_baseline": "05.11",
            },
        ),
        ({"datastrip": "odd", "processing_baseline": "04.00"}, {"datastrip": "odd"}),
        ({}, {}),
    ],
)
def test_the_same_pixels_twice(older: dict[str, object], newer: dict[str, object]) -> None:
    """Of two versions of one tile the newer stays, by baseline, then processing time, then id."""
    acquisitions, rejected = group("valley", [item("z-new", **newer), item("a-old", **older)])
    assert [[one.id for one in acquisition.items] for acquisition in acquisitions] == [["z-new"]]
    assert [(refusal.item, refusal.reason) for refusal in rejected] == [("a-old", "superseded-duplicate")]
    assert "z-new" in rejected[0].detail


def test_another_datastrip_is_kept() -> None:
    """Where one pass was cut in two datastrips, both halves of a tile are needed."""
    other = "S2B_OPER_MSI_L2A_DS_2BPS_20240501T120500_S20240501T100533_N05.10"
    acquisitions, rejected = group("valley", [item("a"), item("b", datastrip=other)])
    assert ([len(one.items) for one in acquisitions], rejected) == ([2], [])


def test_one_id_counts_once() -> None:
    """The same item from two catalogs or collections counts once and is no refusal; the better listing is read."""
    elsewhere = item("a", catalog="there", relative_orbit=None, processing_baseline="05.11")
    again = item("a", collection="sentinel-2-c1-l2a")
    acquisitions, rejected = group("valley", [item("a"), elsewhere, again])
    assert ([one.items for one in acquisitions], rejected) == ([(elsewhere,)], [])


def test_items_of_which_little_is_known() -> None:
    """Without grid code, orbit or platform items are distinct unless they have the same id."""
    items = [bare("a"), bare("b"), bare("a", catalog="there"), bare("c", sensing_time=TIME + timedelta(days=1))]
    assert ids(items) == [["a", "b"], ["c"]]
    assert group("valley", items)[0][0].key == "unknown-20240501T100031-R---"


def test_key_and_version() -> None:
    """The key names platform, time in UTC and orbit; the version changes with what was processed, not with the href."""
    tokyo = TIME.astimezone(datetime.fromisoformat("2024-05-01T00:00:00+09:00").tzinfo)
    acquisition = only([item("a", platform="Sentinel 2/B", sensing_time=tokyo, relative_orbit=7)])
    assert acquisition.key == "sentinel-2-b-20240501T100031-R007"
    version = only([item("a")]).version
    assert re.fullmatch(r"[0-9a-f]{10}", version)
    assert only([item("a", assets={}, catalog="there", cloud_percent=3.0)]).version == version
    changes: list[dict[str, object]] = [
        {"processing_baseline": "05.11"},
        {"processing_time": None},
        {"datastrip": None},
    ]
    versions = {only([item("a", **change)]).version for change in changes}
    versions |= {version, only([item("b")]).version, only([item("a"), item("b", grid_code="33TVL")]).version}
    assert len(versions) == 6
    assert only([item("a")]).id == f"{only([item('a')]).key}_{version}"


def test_earth_search_lists_the_same_scenes_three_times(data_folder: Path) -> None:
    """Of Level-2A, its Collection 1 twin and Level-1C of a real page one stays per tile, the Collection 1 one."""
    folder = data_folder / "stac_fixtures" / "pystac_client_cassettes"
    page = json.loads((folder / "es_page_sentinel-2-c1-l2a-sentinel-2-l1c-sentinel-2-l2a_01.json").read_text())
    found = [
        scene_item(document, catalog="es", collection="", href="https://example.org/i.json", kind=optical_kind(()))
        for document in page["response"]["features"]
    ]
    items = [one for one in found if isinstance(one, SceneItem)]
    acquisitions, rejected = group("valley", items)
    assert [acquisition.key for acquisition in acquisitions] == ["sentinel-2b-20250731T130249-R095"]
    kept = [one for acquisition in acquisitions for one in acquisition.items]
    assert len(kept) == len({one.grid_code for one in items}) == len({one.grid_code for one in kept})
    assert {one.item for one in rejected} | {one.id for one in kept} == {one.id for one in items}
    assert all(one.collection != "sentinel-2-l1c" for one in kept)
    twins = {one.grid_code for one in items if one.collection == "sentinel-2-c1-l2a"}
    assert twins
    assert {one.grid_code for one in kept if one.collection == "sentinel-2-c1-l2a"} == twins


def real_page(data_folder: Path, page: str) -> list[dict[str, object]]:
    """The documents of a recorded page."""
    path = data_folder / "stac_fixtures" / "pystac_client_cassettes" / page
    features: list[dict[str, object]] = json.loads(path.read_text())["response"]["features"]
    return features


def listed(document: dict[str, object], catalog: str, **properties: object) -> SceneItem:
    """A document as one catalog lists it, with some properties changed."""
    changed = {**document, "properties": {**cast(dict[str, object], document["properties"]), **properties}}
    found = scene_item(
        changed, catalog=catalog, collection="", href="https://example.org/i.json", kind=optical_kind(())
    )
    assert isinstance(found, SceneItem), found
    return found


def as_planetary_computer(document: dict[str, object], pattern: dict[str, object]) -> SceneItem:
    """A product of Earth Search as the Planetary Computer lists it: its id, names and times, its kind of document."""
    theirs = cast(dict[str, object], document["properties"])
    product = str(theirs["s2:product_uri"]).removesuffix(".SAFE")
    satellite, level, sensed, _, orbit, tile, made = product.split("_")
    said = {name: theirs[name] for name in theirs if name.startswith("s2:") and name in pattern["properties"]}  # type: ignore[operator]
    changed = {
        **pattern,
        "id": "_".join((satellite, level, sensed, orbit, tile, made)),
        "geometry": document["geometry"],
    }
    start = datetime.strptime(sensed, "%Y%m%dT%H%M%S")
    return listed(
        changed,
        "pc",
        **said,
        **{"datetime": f"{start:%Y-%m-%dT%H:%M:%S}.024000Z", "platform": f"Sentinel-2{satellite[2]}"},
        **{"s2:mgrs_tile": tile[1:], "sat:relative_orbit": int(orbit[1:])},
    )


@pytest.mark.parametrize(
    "page",
    [
        "es_page_landsat-c2-l2-sentinel-2-l2a_01.json",
        "es_page_sentinel-2-c1-l2a-sentinel-2-l1c-sentinel-2-l2a_01.json",
        "es_page_sentinel-1-grd-sentinel-2-c1-l2a-sentinel-2-l1c-sentinel-2-l2a_01.json",
    ],
)
def test_two_catalogs_name_one_product_differently(page: str, data_folder: Path) -> None:
    """Every real Level-2A scene of Earth Search and its twin on the Planetary Computer count once, whoever is first."""
    pattern = real_page(data_folder, "pc_page_sentinel-2-l2a_01.json")[0]
    scenes = [
        one for one in real_page(data_folder, page) if one["collection"] in ("sentinel-2-l2a", "sentinel-2-c1-l2a")
    ]
    assert scenes
    for document in scenes:
        theirs, ours = listed(document, "es"), as_planetary_computer(document, pattern)
        assert theirs.id != ours.id
        for both in ([theirs, ours], [ours, theirs]):
            (acquisition,), (refused,) = group("valley", both)
            assert len(acquisition.items) == 1
            assert refused.reason == "superseded-duplicate"
            assert acquisition.key == only([theirs]).key == only([ours]).key


def test_a_reprocessed_day(data_folder: Path) -> None:
    """A real product of baseline 02.12 beside its reprocessing of 05.00: the newer is read, with its own offset."""
    document = real_page(data_folder, "pc_page_sentinel-2-l2a_01.json")[0]
    old = listed(document, "pc")
    name = str(cast(dict[str, object], document["properties"])["s2:product_uri"])
    strip = "S2A_OPER_MSI_L2A_DS_S2RP_20230615T224658_S20181231T235957_N05.00"
    again = {
        "s2:processing_baseline": "05.00",
        "s2:datastrip_id": strip,
        "s2:product_uri": name.replace("N0212", "N0500").replace("20201007T214652", "20230615T224658"),
        "s2:datatake_id": "GS2A_20190101T000001_018417_N05.00",
        "s2:generation_time": "2023-06-15T22:46:58Z",
    }
    new = listed({**document, "id": "S2A_MSIL2A_20190101T000001_R116_T60VUK_20230615T224658"}, "pc", **again)
    for both in ([old, new], [new, old]):
        (acquisition,), (refused,) = group("valley", both)
        assert [one.id for one in acquisition.items] == [new.id]
        assert refused.item == old.id
        assert acquisition.key == only([old]).key
        assert acquisition.version != only([old]).version
    assert (old.assets["B04"].offset, new.assets["B04"].offset) == (0.0, -0.1)


SOME_ITEM = st.builds(
    item,
    st.sampled_from("abcdef"),
    catalog=st.sampled_from(["here", "there"]),
    sensing_time=st.integers(0, 30).map(lambda minutes: TIME + timedelta(minutes=minutes)),
    platform=st.sampled_from(["sentinel-2a", "sentinel-2b"]),
    relative_orbit=st.sampled_from([None, 122]),
    grid_code=st.sampled_from([None, "33TVM", "33TVL"]),
    datastrip=st.sampled_from([None, "one", "two"]),
    processing_baseline=st.sampled_from([None, "02.14", "05.10"]),
    processing_time=st.sampled_from([None, TIME, TIME + timedelta(hours=1)]),
)


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[SceneItem], list[SceneItem]]:
    """Some items, and the same in another order."""
    items = draw(st.lists(SOME_ITEM, max_size=8))
    return items, draw(st.permutations(items))


@given(orders())
def test_order_does_not_matter(both: tuple[list[SceneItem], list[SceneItem]]) -> None:
    """Items in any order give the same acquisitions and the same refusals."""
    assert group("valley", both[0]) == group("valley", both[1])


@given(st.lists(SOME_ITEM, max_size=8))
def test_every_item_is_accounted_for_once(items: list[SceneItem]) -> None:
    """Each id is in exactly one acquisition or refused once; grouping what was kept again changes nothing."""
    acquisitions, rejected = group("valley", items)
    kept = [one for acquisition in acquisitions for one in acquisition.items]
    assert sorted([one.id for one in kept] + [one.item for one in rejected]) == sorted({one.id for one in items})
    assert len({acquisition.key for acquisition in acquisitions}) == len(acquisitions)
    assert [acquisition.sensing_time for acquisition in acquisitions] == sorted(
        one.sensing_time for one in acquisitions
    )
    assert group("valley", kept) == (acquisitions, [])


def slice_of(name: str, *polarisations: str, **changes: object) -> SceneItem:
    """A slice of a radar pass."""
    assets = {one: Asset(href=f"{name}-{one}.tif") for one in polarisations}
    return item(name, sensor=Sensor.SAR, grid_code=None, datastrip=None, assets=assets, **changes)


def test_a_slice_that_lacks_a_polarisation_takes_it_from_no_other() -> None:
    """The pass keeps VV and VH; the slice without VH is refused with its reason, whatever the order."""
    slices = [slice_of("one", "vv", "vh"), slice_of("two", "vv"), slice_of("three", "vv", "vh", "mask")]
    for order in (slices, slices[::-1]):
        (made,), refused = group("valley", order)
        assert made.polarisations == ("vv", "vh")
        assert sorted(one.id for one in made.items) == ["one", "three"]
        assert [(one.item, one.reason) for one in refused] == [("two", "lacks-a-polarisation")]
        assert "it lacks vh, which " in refused[0].detail
    alone, nothing = group("valley", [slices[1]])
    assert (alone[0].polarisations, nothing) == (("vv",), [])


def test_a_slice_beside_the_region_takes_the_pass_from_no_other() -> None:
    """VV alone shows the whole region: it stays, and what shows surroundings only is read in VV."""
    region = box(16.0, 46.0, 16.2, 46.2)
    over = slice_of("over", "vv", geometry=box(15.0, 45.5, 17.0, 46.21))
    beside = slice_of("beside", "vv", "vh", geometry=box(15.0, 46.21, 17.0, 47.5))
    (made,), refused = group("valley", [over, beside], region)
    assert (made.polarisations, len(made.items), refused) == (("vv",), 2, [])
    reaching = replace(beside, geometry=box(15.0, 46.1, 17.0, 47.5))
    (made,), refused = group("valley", [over, reaching], region)
    assert (made.polarisations, [one.item for one in refused]) == (("vv", "vh"), ["over"])


def test_slices_of_different_polarisations_are_no_pass() -> None:
    """Neither has more than the other: none is refused, and the pass is parked for it."""
    (made,), refused = group("valley", [slice_of("one", "vv"), slice_of("two", "vh")])
    assert (made.polarisations, refused) == ((), [])
