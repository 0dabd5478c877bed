"""A story that lasts a year: what turns with the seasons, and that nothing jumps at New Year."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.sun import Sun
from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop
from monitor.sandbox.optics import skylight
from monitor.sandbox.passes import plan_passes
from monitor.sandbox.seasons import calendar, draw_sky, leafless, meadow_tone, tree_tone, winter
from monitor.sandbox.spectra import BANDS, COVER
from monitor.sandbox.story import Story
from monitor.sandbox.traps import Cause
from monitor.sandbox.world import REVISIT, World, make_world

LOOKS, QUIET = 73, 36
RED = BANDS.index("B04")


@pytest.fixture(scope="module")
def world() -> World:
    """A small valley for a year."""
    return make_world(4, 320, QUIET, LOOKS - QUIET, Story(radar=True, clearcut=True, year=True), lambda _: None)


@pytest.mark.parametrize("seed", range(20))
def test_storms_come_in_the_season_of_rain(seed: int) -> None:
    """The looks are five days apart, and the storm lies between mid-April and mid-November after the quiet ones."""
    times = calendar(seed, QUIET, LOOKS, REVISIT)
    assert all(later - earlier == REVISIT for earlier, later in pairwise(times))
    storm = times[QUIET - 1] + timedelta(days=2, hours=14)
    assert 105 <= storm.timetuple().tm_yday <= 316


def test_nothing_jumps_between_two_days() -> None:
    """Also not at New Year: trees are bare in January as in December, green in July, yellow in between."""
    days = [*range(1, 366), 1]
    for tone in (tree_tone, meadow_tone):
        values = np.array([tone(day) for day in days])
        assert np.abs(np.diff(values, axis=0)).max() < 0.04
    assert [leafless(day) for day in (1, 60, 200, 340, 365)] == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert tree_tone(20)[RED] == pytest.approx(1.75, abs=0.01)
    assert tree_tone(200)[RED] == pytest.approx(1.0, abs=0.01)
    assert tree_tone(290)[RED] > 1.25


def test_trees_lose_their_infrared_with_their_leaves() -> None:
    """NDVI of broadleaved forest: high in July, a little less in September, half gone in winter; grass keeps more."""
    red, near = (BANDS.index(band) for band in ("B04", "B08"))

    def ndvi(tone: NDArray[np.float32], kind: Cover) -> float:
        levels = COVER[kind] * tone
        return float((levels[near] - levels[red]) / (levels[near] + levels[red]))

    trees = [ndvi(tree_tone(day), Cover.BROADLEAF) for day in (195, 260, 290, 350)]
    assert trees == sorted(trees, reverse=True)
    assert trees[0] > 0.82 > trees[1] > 0.78
    assert 0.4 < trees[-1] < 0.6
    assert 0.4 < ndvi(meadow_tone(350), Cover.MEADOW) < 0.55 < ndvi(meadow_tone(160), Cover.MEADOW)
    assert tree_tone(350)[BANDS.index("B11")] == pytest.approx(1.0, abs=0.1)


def test_fields_follow_the_year(world: World) -> None:
    """In January nothing is ripe or mown, in July much is ripe, in August most cereals are stubble."""
    share = {}
    for time, crops in zip(world.times, world.crops, strict=True):
        share[time.month] = np.bincount(crops, minlength=len(Crop)) / crops.size
    assert share[1][[Crop.RIPE, Crop.MOWN, Crop.STUBBLE, Crop.DENSE]].sum() < 0.02
    assert share[7][Crop.RIPE] + share[7][Crop.STUBBLE] > 0.2
    assert share[8][Crop.STUBBLE] > 0.2


def test_large_fields_are_tilled_in_the_days_of_the_storm_and_stay_so(world: World) -> None:
    """As in the other stories: sudden bare ground on the same day as the landslides."""
    tilled = (world.crops[QUIET] == Crop.TILLED) & np.isin(world.crops[QUIET - 1], (Crop.DENSE, Crop.YOUNG, Crop.GRASS))
    assert tilled.sum() >= 3
    assert (world.crops[QUIET + 5][tilled] == Crop.TILLED).all()


def test_snow_lies_in_winter_only(world: World) -> None:
    """On the highest ground first, patchy at its edge; over some winters there is some."""
    months, height = set(), world.relief.elevation_m
    for seed in range(4):
        for snow in winter(world.relief, seed, world.times):
            months.add(world.times[snow.look].month)
            assert snow.share is not None
            assert (snow.mask == (snow.share > 0.5)).all()
            assert snow.mask.all() or not snow.mask.any() or height[snow.mask].mean() > height[~snow.mask].mean()
    assert months
    assert months <= {12, 1, 2, 3, 4}
    assert all(world.snow_at(snow.look) is snow for snow in world.snow)


def test_one_satellite_passes_every_twelve_days(world: World) -> None:
    """Each track on its own; the storm may fall on any day between two of its passes."""
    passes = plan_passes(world.times, world.storm, world.seed, year=True)
    for orbit in {one.track.relative_orbit for one in passes}:
        own = [one for one in passes if one.track.relative_orbit == orbit]
        assert all(later.time - earlier.time == timedelta(days=12) for earlier, later in pairwise(own))
        assert {one.number for one in own if one.time > world.storm} == set(range(sum(p.number >= 0 for p in own)))
    storm = datetime(2025, 6, 1, 0, 0, 31, tzinfo=UTC)
    waits = []
    for seed in range(30):
        planned = plan_passes([storm - timedelta(days=60), storm + timedelta(days=60)], storm, seed, year=True)
        waits.append(min(one.time for one in planned if one.time > storm) - storm)
    assert min(waits) < timedelta(days=2) < timedelta(days=8) < max(waits)


def test_more_than_a_third_of_the_skies_are_shut() -> None:
    """And more of those of a first look after a storm."""
    sun = Sun(elevation_deg=40.0, azimuth_deg=160.0)
    rng, shut = np.random.default_rng(1), {}
    for after in (False, True):
        skies = [draw_sky(64, after, sun, rng) for _ in range(300)]
        shut[after] = np.mean([(sky.opacity > 0.06).mean() > 0.95 for sky in skies])
    assert 0.30 < shut[False] < 0.44
    assert 0.53 < shut[True] < 0.67


def test_a_low_sun_leaves_more_of_the_light_to_the_sky() -> None:
    """Under a high sun as in the other stories; blue before red."""
    high, low = (skylight(Sun(elevation_deg=angle, azimuth_deg=180.0)) for angle in (60.0, 20.0))
    assert high == pytest.approx([0.24, 0.17, 0.12], abs=1e-6)
    assert (low > 2 * high).all()
    assert low[0] > low[1] > low[2]


def test_a_clearcut_may_come_on_any_day(world: World) -> None:
    """Before or after the storm."""
    assert world.clearcut is None or 0 < world.clearcut.since < LOOKS
    assert Cause.CLEARCUT.value == "clear-cut"
