"""A valley with a radar, weather and traps, as a catalog user meets it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pystac
import pystac.validation
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import features
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.sandbox.fields import farm, farm_at, lay_parcels
from monitor.sandbox.frame import EPSG, place_frame
from monitor.sandbox.passes import plan_passes
from monitor.sandbox.radar_items import absolute_orbit, quantised
from monitor.sandbox.story import PLAIN, STORM_UNDER_CLOUD, VALLEY_VERSION, Story
from monitor.sandbox.terrain import build_relief
from monitor.sandbox.traps import Cause
from monitor.sandbox.valley import Valley, build_valley, load_valley

SIZE_PX = 256
STORM = datetime(2025, 7, 20, 0, 0, 31, tzinfo=UTC)
LOOKS = tuple(datetime(2025, 7, 7, 10, 0, 31, tzinfo=UTC) + timedelta(days=5 * index) for index in range(6))


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    """One small valley of every happening."""
    story = Story(radar=True, land_cover=True, overcast=True, clearcut=True, snow=True)
    return build_valley(tmp_path_factory.mktemp("valley"), seed=5, size_px=SIZE_PX, quiet=3, after=3, story=story)


def items(valley: Valley, collection: str) -> list[pystac.Item]:
    """Items of a collection, oldest first."""
    catalog = pystac.Catalog.from_file(str(valley.catalog))
    found = [item for item in catalog.get_items(recursive=True) if item.collection_id == collection]
    return sorted(found, key=lambda item: str(item.datetime))


def pixels(item: pystac.Item, key: str) -> NDArray[np.float64]:
    """One asset as stored."""
    with rasterio.open(str(item.assets[key].get_absolute_href())) as file:
        return np.asarray(file.read(1), dtype=np.float64)


def painted(geometry: BaseGeometry) -> NDArray[np.bool_]:
    """Pixels of an outline (EPSG:4326) on the scene's grid."""
    transform = place_frame(5, SIZE_PX).transform()
    ground = project(geometry, 4326, EPSG)
    return np.asarray(features.rasterize([ground], (SIZE_PX, SIZE_PX), transform=transform), dtype=np.bool_)


def trap(valley: Valley, cause: Cause) -> NDArray[np.bool_]:
    """Pixels that changed for a cause."""
    masks = [painted(one.geometry) for one in valley.traps if one.cause is cause]
    return np.asarray(np.any(masks, axis=0), dtype=np.bool_)


def test_passes_keep_to_their_tracks() -> None:
    """Each track: five passes and more before the storm, six days apart, satellites in turn, one soon after it."""
    passes = plan_passes(LOOKS, STORM, 1)
    assert [one.time for one in passes] == sorted(one.time for one in passes)
    for orbit, hour in ((124, 5), (146, 16)):
        mine = [one for one in passes if one.track.relative_orbit == orbit]
        assert sum(one.time < STORM for one in mine) >= 5
        assert all(b.time - a.time == timedelta(days=6) for a, b in pairwise(mine))
        assert all(a.platform != b.platform for a, b in pairwise(mine))
        assert {one.time.hour for one in mine} == {hour}
        first = min(one.time for one in mine if one.time > STORM)
        assert timedelta(days=1) < first - STORM < timedelta(days=3)
        assert LOOKS[-1] - timedelta(days=6) < mine[-1].time <= LOOKS[-1]
    # The sky clears at the second look after the storm.
    assert min(one.time for one in passes if one.time > STORM) - STORM < timedelta(days=2)
    assert (
        max(
            min(one.time for one in passes if one.time > STORM and one.track is track)
            for track in {p.track for p in passes}
        )
        < LOOKS[4]
    )


def test_more_quiet_looks_have_passes_too() -> None:
    """However long the quiet time, the radar has watched since its start."""
    looks = tuple(STORM - timedelta(days=2) - timedelta(days=5 * index) for index in reversed(range(14)))
    assert plan_passes(looks, STORM, 1)[0].time <= looks[0]


@pytest.mark.parametrize(("platform", "first"), [("a", 73), ("c", 172)])
def test_absolute_orbits_belong_to_their_tracks(platform: str, first: int) -> None:
    """Relative orbits follow from absolute ones as ESA counts them, and a satellite returns after 175 of them."""
    for orbit in (124, 146):
        mine = [
            one for one in plan_passes(LOOKS, STORM, 1)
            if one.platform == platform and one.track.relative_orbit == orbit
        ]  # fmt: skip
        numbers = [absolute_orbit(one) for one in mine]
        assert {(number - first) % 175 + 1 for number in numbers} == {orbit}
        assert {b - a for a, b in pairwise(numbers)} == {175}


def test_radar_items_say_what_real_ones_say(valley: Valley) -> None:
    """Names, orbits, polarisations and grids of sentinel-1-rtc; all marked as simulated."""
    found = items(valley, "sentinel-1-rtc")
    assert [item.datetime for item in found] == list(valley.passes)
    for item in found:
        told = item.properties
        assert item.id.endswith("_rtc")
        assert item.id.startswith(
            f"S1{told['platform'][-1]}_IW_GRDH_1SDV_{datetime.fromisoformat(told['start_datetime']):%Y%m%dT%H%M%S}_"
        )
        assert f"_{told['sat:absolute_orbit']:06d}_" in item.id
        assert (told["sat:relative_orbit"], told["sat:orbit_state"]) in {(124, "descending"), (146, "ascending")}
        assert told["platform"] in {"SENTINEL-1A", "SENTINEL-1C"}
        assert told["sar:polarizations"] == ["VV", "VH"]
        assert (told["sar:product_type"], told["sar:instrument_mode"], told["sar:frequency_band"]) == ("GRD", "IW", "C")
        assert told["scarpwatch:simulated"] is True
        assert told["scarpwatch:valley_version"] == VALLEY_VERSION
        assert set(item.assets) == {"vv", "vh"}
        for key in ("vv", "vh"):
            with rasterio.open(str(item.assets[key].get_absolute_href())) as file:
                assert (file.dtypes[0], file.nodata, file.res) == ("float32", -32768, (10.0, 10.0))
                assert list(file.transform)[:6] == told["proj:transform"][:6]


def test_items_are_valid_stac(valley: Valley) -> None:
    """Every item passes the core schema of STAC (extensions' schemas are on the network)."""
    pytest.importorskip("jsonschema")
    for path in valley.catalog.parent.rglob("*.json"):
        document = json.loads(path.read_text()) | {"stac_extensions": []}
        pystac.validation.validate_dict(document)


def test_radar_pixels_are_power(valley: Valley) -> None:
    """Every pass is linear power with plausible medians; VH lies some 6 dB under VV."""
    for item in items(valley, "sentinel-1-rtc"):
        vv, vh = (10 * np.log10(np.median(pixels(item, key))) for key in ("vv", "vh"))
        assert -11.5 < vv < -7.5
        assert 4.5 < vv - vh < 8.0
        assert pixels(item, "vv").min() >= 0.0


def test_files_are_small(valley: Valley) -> None:
    """Two bytes and less per pixel and polarisation."""
    files = list(valley.catalog.parent.glob("sentinel-1-rtc/**/*.tiff"))
    assert sum(path.stat().st_size for path in files) / len(files) < 2.0 * SIZE_PX**2


def test_quantising_costs_nothing_that_counts() -> None:
    """Rounding moves power by less than 0.01 dB and leaves zeros alone."""
    power = np.exp(np.random.default_rng(1).normal(-3.0, 2.0, 10_000)).astype(np.float32)
    assert np.abs(10.0 * np.log10(quantised(power) / power)).max() < 0.01
    assert (quantised(np.zeros(3, dtype=np.float32)) == 0.0).all()


def test_same_story_same_files(tmp_path: Path) -> None:
    """Two runs of one seed and story write the same bytes; the radar leaves the optical pixels as they were."""
    contents = []
    for name, story in (("a", STORM_UNDER_CLOUD), ("b", STORM_UNDER_CLOUD), ("c", PLAIN), ("d", Story(radar=True))):
        build_valley(tmp_path / name, seed=11, size_px=128, quiet=1, after=1, story=story)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    plain = {path: content for path, content in contents[2].items() if path.endswith(".tif")}
    assert plain == {path: contents[3][path] for path in plain}


def test_the_storm_comes_under_cloud(valley: Valley) -> None:
    """One quiet look is mostly clouded, one nearly clear; the first after the storm is blind, the later ones see."""
    clouds = [item.properties["eo:cloud_cover"] for item in items(valley, "sentinel-2-l2a")]
    assert max(clouds[:3]) > 70
    assert min(clouds[:3]) < 10
    assert clouds[3] >= 90
    assert max(clouds[4:]) < 30


def test_felled_forest_is_seen_by_both_sensors(valley: Valley) -> None:
    """The clear-cut is a labelled block that reddens and whose VH falls, on a quiet date."""
    felled = trap(valley, Cause.CLEARCUT)
    assert 100 < felled.sum() < 700
    when = next(one.time for one in valley.traps if one.cause is Cause.CLEARCUT)
    assert valley.times[0] < when <= valley.times[2]
    optical = items(valley, "sentinel-2-l2a")
    clear = [np.kron(np.isin(pixels(item, "SCL"), (4, 5)), np.ones((2, 2))) > 0 for item in optical]
    before = np.ma.masked_array([pixels(i, "B04") for i in optical[:3]], [~c for c in clear[:3]])
    red = [before[j] for j in range(3) if valley.times[j] < when]
    after = np.ma.masked_array(pixels(optical[-1], "B04"), ~clear[-1])
    seen = [image[felled] for image in red if image[felled].count() > 30]
    assert not seen or after[felled].mean() > max(image.mean() for image in seen) + 300
    passes = items(valley, "sentinel-1-rtc")
    old = np.mean(
        [pixels(i, "vh")[felled].mean() for i in passes if i.datetime and i.datetime < when - timedelta(days=3)]
    )
    new = np.mean([pixels(i, "vh")[felled].mean() for i in passes if i.datetime and i.datetime > when])
    assert 10.0 * np.log10(new / old) < -1.5


def test_snow_is_classified_and_goes(valley: Valley) -> None:
    """SCL says snow in one quiet look only, on labelled ground."""
    snow = [pixels(item, "SCL") == 11 for item in items(valley, "sentinel-2-l2a")]
    counts = [int(mask.sum()) for mask in snow]
    assert sum(count > 0 for count in counts) <= 1
    labelled = trap(valley, Cause.SNOW)
    white = np.kron(np.any(snow, axis=0), np.ones((2, 2))) > 0
    assert labelled[white].mean() > 0.85 if white.any() else labelled.any()


def test_truth_names_the_causes(valley: Valley) -> None:
    """Fields, flood, clear-cut and snow are labelled, in order of time, away from the scars, and survive loading."""
    assert {one.cause for one in valley.traps} == set(Cause)
    assert [one.time for one in valley.traps] == sorted(one.time for one in valley.traps)
    scars = np.any([painted(scar.geometry) for scar in valley.scars], axis=0)
    assert not (scars & trap(valley, Cause.CLEARCUT)).any()
    document = json.loads(valley.truth.read_text())
    assert document["scarpwatch:valley_version"] == VALLEY_VERSION
    loaded = load_valley(valley.truth.parent)
    assert (loaded.passes, loaded.version) == (valley.passes, valley.version)
    assert [(one.cause, one.time) for one in loaded.traps] == [(one.cause, one.time) for one in valley.traps]
    assert all(a.geometry.equals_exact(b.geometry, 1e-9) for a, b in zip(loaded.traps, valley.traps, strict=True))


def test_a_valley_of_the_first_version_loads(tmp_path: Path) -> None:
    """A truth file without passes, traps and version is one of version 1."""
    build_valley(tmp_path, seed=5, size_px=128, quiet=1, after=1)
    path = tmp_path / "truth.json"
    document = json.loads(path.read_text())
    for key in ("passes", "traps", "valley_version"):
        del document[f"scarpwatch:{key}"]
    path.write_text(json.dumps(document))
    loaded = load_valley(tmp_path)
    assert (loaded.version, loaded.passes, loaded.traps) == (1, (), ())


def test_land_cover_map_is_like_the_real_one(valley: Valley) -> None:
    """Classes of WorldCover in degrees on its grid, the whole scene covered, forest and fields where they are."""
    (item,) = items(valley, "esa-worldcover")
    with rasterio.open(str(item.assets["map"].get_absolute_href())) as file:
        assert (file.crs.to_epsg(), file.dtypes[0], file.nodata) == (4326, "uint8", 0)
        assert file.res == pytest.approx((1 / 12_000, 1 / 12_000))
        assert (file.transform.c * 12_000) % 1 == pytest.approx(0.0, abs=1e-3)
        classes, bounds = file.read(1), file.bounds
    west, south, east, north = valley.bbox
    assert bounds.left <= west and bounds.bottom <= south  # noqa: PT018
    assert bounds.right >= east and bounds.top >= north  # noqa: PT018
    shares = {value: float((classes == value).mean()) for value in np.unique(classes)}
    assert set(shares) <= {10, 20, 30, 40, 50, 60, 80}
    assert shares[10] > 0.5
    assert shares[40] > 0.02
    assert item.bbox == pytest.approx(list(bounds))


def test_fields_change_between_the_looks() -> None:
    """At the looks fields are as the optical sensor sees them; between two looks some have changed and some will."""
    frame = place_frame(3, 256)
    parcels = lay_parcels(frame, build_relief(frame, 3), 3)
    crops = farm(parcels, np.ones(parcels.field.shape, dtype=bool), 3, 3, 3)
    for states, look in zip(crops, LOOKS, strict=True):
        assert (farm_at(crops, LOOKS, look, 3) == states).all()
    half = farm_at(crops, LOOKS, LOOKS[1] + timedelta(days=2.5), 3)
    moved = crops[1] != crops[2]
    assert 0.2 < (half != crops[1])[moved].mean() < 0.8
    assert (half == crops[1])[~moved].all()
    old = farm_at(crops, LOOKS, LOOKS[0] - timedelta(days=20), 3)
    assert 0.1 < (old != crops[0]).mean() < 0.6
