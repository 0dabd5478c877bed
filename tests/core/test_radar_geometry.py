"""What a radar sees of a ridge, worked out by hand, and laws that hold for any ground."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod, Proj

from monitor.core.radar_geometry import (
    PassDirection,
    from_opera_mask,
    grid_convergence_deg,
    heading_deg,
    nominal_incidence_deg,
    radar_geometry,
    range_azimuth_deg,
    swath_share,
)
from monitor.core.slope_sight import Sight, slope_sight
from monitor.core.terrain import slope_deg

Array = NDArray[np.float32]
EAST, WEST = 90.0, 270.0
SIZE = 101
PEAK = 50


def ridge(slope: float, height_m: float = 200.0) -> Array:
    """A north-south ridge with both flanks at `slope` degrees, its crest at column 50, on a plain at 100 m."""
    away = np.abs(np.arange(SIZE) - PEAK) * 10.0
    profile = np.maximum(height_m - away * np.tan(np.radians(slope)), 0.0)
    return np.tile(100.0 + profile, (SIZE, 1)).astype(np.float32)


def row(mask: NDArray[np.bool_]) -> list[int]:
    """Columns that are set in the middle row."""
    return [int(column) for column in np.flatnonzero(mask[SIZE // 2])]


def rough(seed: int) -> Array:
    """Hills with slopes up to 60 degrees."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:40, :40]
    waves = (np.sin(rows * rng.uniform(0.1, 0.5) + columns * rng.uniform(-0.5, 0.5)) for _ in range(4))
    hills: Array = (500 + 40 * sum(waves)).astype(np.float32)
    return hills


@pytest.mark.parametrize(("slope", "incidence"), [(20.0, 40.0), (30.0, 35.0), (10.0, 29.1)])
def test_gentle_ridge(slope: float, incidence: float) -> None:
    """The flank that faces the radar is seen more steeply by its slope, the other one less; nothing is hidden."""
    seen = radar_geometry(ridge(slope), 10.0, incidence, EAST)
    assert seen.local_incidence_deg[50, PEAK - 10] == pytest.approx(incidence - slope, abs=0.1)
    assert seen.local_incidence_deg[50, PEAK + 10] == pytest.approx(incidence + slope, abs=0.1)
    assert not seen.blind.any()


def test_steep_ridge_lies_over() -> None:
    """45 degrees at an incidence of 35: the crest is as far as the plain 200 m / tan 35 = 286 m before it, and the foot
    of the flank as far as what lies 200 m x (cos 35 - sin 35) / (cos 35 + sin 35) = 35 m behind the crest."""
    seen = radar_geometry(ridge(45.0), 10.0, 35.0, EAST)
    assert row(seen.layover) == list(range(PEAK - 28, PEAK + 4))
    assert not seen.shadow.any()


def test_steep_ridge_throws_a_shadow() -> None:
    """60 degrees at an incidence of 45: flank and plain behind it are dark up to 200 m x tan 45 from the crest."""
    seen = radar_geometry(ridge(60.0), 10.0, 45.0, EAST)
    assert row(seen.shadow) == list(range(PEAK + 1, PEAK + 20))
    assert seen.local_incidence_deg[50, PEAK + 5] == pytest.approx(105.0, abs=0.1)


def test_a_ridge_along_the_line_of_sight_hides_nothing() -> None:
    """Seen along its crest a ridge neither lies over nor throws a shadow."""
    assert not radar_geometry(ridge(60.0), 10.0, 40.0, 0.0).blind.any()


@pytest.mark.parametrize("azimuth", [77.0, 283.0, 40.0, 13.0, 200.0])
def test_lines_follow_the_look_direction(azimuth: float) -> None:
    """Behind a single tower the shadow lies on the side away from the radar, in its direction."""
    ground = np.zeros((101, 101), np.float32)
    ground[48:53, 48:53] = 150.0
    dark = radar_geometry(ground, 10.0, 45.0, azimuth).shadow
    dark[47:54, 47:54] = False
    south, east = (np.mean(index) - 50 for index in np.nonzero(dark))
    assert np.degrees(np.arctan2(east, -south)) % 360 == pytest.approx(azimuth, abs=3.0)


@settings(max_examples=20)
@given(incidence=st.floats(20, 60), azimuth=st.floats(0, 360), height=st.floats(-100, 5000))
def test_flat_ground_is_seen_as_it_is(incidence: float, azimuth: float, height: float) -> None:
    """On a plain the local incidence is the incidence, and nothing is hidden."""
    seen = radar_geometry(np.full((30, 40), height, np.float32), 10.0, incidence, azimuth)
    np.testing.assert_allclose(seen.local_incidence_deg, incidence, atol=1e-4)
    assert not seen.blind.any()


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), incidence=st.floats(29, 46), latitude=st.floats(-70, 70))
def test_the_two_passes_mirror_each_other(seed: int, incidence: float, latitude: float) -> None:
    """Ascending over ground is descending over the ground seen in a mirror."""
    ground = rough(seed)
    up, down = (range_azimuth_deg(direction, latitude) for direction in PassDirection)
    ahead = radar_geometry(ground, 10.0, incidence, up)
    back = radar_geometry(np.ascontiguousarray(ground[:, ::-1]), 10.0, incidence, down)
    np.testing.assert_allclose(back.local_incidence_deg[:, ::-1], ahead.local_incidence_deg, atol=1e-3)
    assert (back.layover[:, ::-1] != ahead.layover).mean() < 0.01
    assert (back.shadow[:, ::-1] != ahead.shadow).mean() < 0.01


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), quarter=st.integers(1, 3))
def test_turning_ground_and_look_changes_nothing(seed: int, quarter: int) -> None:
    """Ground turned by quarters and seen from a direction turned as far gives the turned masks."""
    ground = rough(seed)
    here = radar_geometry(ground, 10.0, 40.0, 77.0)
    there = radar_geometry(np.ascontiguousarray(np.rot90(ground, -quarter)), 10.0, 40.0, 77.0 + 90.0 * quarter)
    np.testing.assert_allclose(np.rot90(there.local_incidence_deg, quarter), here.local_incidence_deg, atol=1e-3)
    assert (np.rot90(there.blind, quarter) != here.blind).mean() < 0.03  # lines fall between other pixels


def test_voids_stay_unknown() -> None:
    """A hole in the elevation has no local incidence and hides nothing; what lies behind it is judged all the same."""
    ground = ridge(60.0)
    ground[20:30, 20:30] = np.nan
    seen = radar_geometry(ground, 10.0, 45.0, EAST)
    assert np.isnan(seen.local_incidence_deg[20:30, 20:30]).all()
    assert not seen.blind[21:29, 21:29].any()
    assert seen.shadow[25, PEAK + 5]


def test_blind_slopes() -> None:
    """Of a ridge of 45 degrees 20 px of one flank lie over, onto 3 px of the other; a plain has nothing to miss."""
    ground = ridge(45.0)
    seen = radar_geometry(ground, 10.0, 35.0, EAST)
    sights = slope_sight(seen.blind, slope_deg(ground, 10.0), 15.0)
    blind, slopes = (sights == Sight.BLIND).sum(), (sights != Sight.NO_SLOPE).sum()
    assert blind / slopes == pytest.approx(23 / 40, abs=0.01)
    assert (slope_sight(ground > 0, np.zeros_like(ground), 15.0) == Sight.NO_SLOPE).all()


def test_opera_mask() -> None:
    """Every defined value, and one that is not."""
    found = from_opera_mask(np.array([[0, 1, 2, 3, 255, 7]], np.uint8))
    assert found.shadow.tolist() == [[False, True, False, True, False, False]]
    assert found.layover.tolist() == [[False, False, True, True, False, False]]
    assert found.nodata.tolist() == [[False, False, False, False, True, True]]


@pytest.mark.parametrize(
    ("direction", "latitude", "heading"),
    [("ascending", 0.0, 348.0), ("ascending", 45.0, 345.7), ("descending", 45.0, 194.3), ("descending", -45.0, 194.3)],
)
def test_heading(direction: str, latitude: float, heading: float) -> None:
    """Twelve degrees off the meridian at the equator, more towards the poles; the passes mirror each other."""
    assert heading_deg(PassDirection(direction), latitude) == pytest.approx(heading, abs=0.2)


@pytest.mark.parametrize(
    "document",
    [
        "planetary_computer_tasks_collections/sentinel-1-grd/test-data/sentinel-1-grd-item-raw.json",
        "stactools_sentinel1/examples/grd/S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13/"
        "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13.json",
        "stac_geoparquet/sentinel-1-rtc-pc.json",
    ],
    ids=["descending south", "ascending north", "descending north"],
)
def test_look_azimuth_of_real_scenes(data_folder: Path, document: str) -> None:
    """The sides of real scenes, near and far, run at right angles to the look azimuth of the middle of the swath."""
    content = json.loads((data_folder / "stac_fixtures" / document).read_text(encoding="utf-8"))
    item = content[1] if isinstance(content, list) else content
    ring = np.array(item["geometry"]["coordinates"][0], dtype=np.float64)[:, :2]
    direction, latitude = PassDirection(item["properties"]["sat:orbit_state"]), float(ring[:, 1].mean())
    azimuths, lengths = [], []
    for one, two in pairwise(ring):
        azimuth, _, length = Geod(ellps="WGS84").inv(*one, *two)
        off = (azimuth - range_azimuth_deg(direction, latitude)) % 180.0 - 90.0
        if abs(off) < 20:
            azimuths.append(off)
            lengths.append(length)
    assert abs(np.average(azimuths, weights=lengths)) < 0.7


def test_grid_convergence() -> None:
    """As PROJ has it, on both hemispheres and both sides of the central meridian."""
    for epsg, longitude, latitude in ((32633, 17.5, 46.0), (32633, 12.2, 60.0), (32754, 143.0, -30.0)):
        expected = Proj(epsg).get_factors(longitude, latitude).meridian_convergence
        assert grid_convergence_deg(longitude, latitude, epsg) == pytest.approx(expected, abs=0.02)


def test_incidence_across_the_swath() -> None:
    """The edges are those of the mode; in between it grows, faster near the radar."""
    found = nominal_incidence_deg(np.array([0.0, 0.5, 1.0, 2.0], np.float32))
    assert found[[0, 2, 3]] == pytest.approx([29.1, 46.0, 46.0], abs=0.01)
    assert 37.55 < found[1] < 39.5


@pytest.mark.parametrize(("direction", "near"), [("ascending", "west"), ("descending", "east")])
def test_where_a_place_lies_across_a_scene(direction: str, near: str) -> None:
    """An ascending pass has its near edge in the west, a descending one in the east."""
    track = range_azimuth_deg(PassDirection(direction), 45.0)
    geod = Geod(ellps="WGS84")
    middle = (10.0, 45.0)
    sides = [geod.fwd(*middle, track + turn, 125_000)[:2] for turn in (180.0, 0.0)]
    corners = [geod.fwd(*side, track + turn, 85_000)[:2] for side in sides for turn in (90.0, -90.0)]
    outline = np.array(corners)
    share = {
        side: swath_share(outline, place, PassDirection(direction)) for side, place in zip("nf", sides, strict=True)
    }
    assert share["n"] < 0.05 < 0.95 < share["f"]
    assert (sides[0][0] < sides[1][0]) == (near == "west")
    assert swath_share(outline, middle, PassDirection(direction)) == pytest.approx(0.5, abs=0.03)
